# SPDX-License-Identifier: BSD-3-Clause
"""dev show, queue show, flow show on the loopback interface, which every machine has."""

import json
import os
import unittest

import cli

DEV_KEYS = {"dev", "ifindex", "driver", "bus", "up", "mtu", "rx_queues", "tx_queues", "split", "hds_thresh",
            "hds_thresh_max", "ntuple", "ntuple_settable", "rules", "rules_max", "rules_any", "channels", "rings", "rss"}
QUEUE_KEYS = {"kind", "queue", "napi_id", "binding", "io_uring", "xsk", "leased", "rss", "rules", "rx_packets",
              "rx_bytes", "rx_alloc_fail", "rx_hw_drops", "rx_hw_drop_overruns", "inflight", "inflight_mem"}


def attribute(name):
    """What sysfs says of loopback."""
    with open("/sys/class/net/lo/" + name, encoding="ascii") as file:
        return file.read().strip()


def no_netdev_family():
    result = cli.run("dev", "show", "lo")
    return result.returncode == cli.MISSING and result.stderr.decode()


@unittest.skipIf(no_netdev_family(), no_netdev_family())
class Dev(cli.TestCase):
    def test_json_of_one(self):
        for args in (["-j", "dev", "show", "lo"], ["dev", "show", "-j", "lo"], ["dev", "show", "lo", "--json"],
                     ["-jv", "dev", "show", "lo"]):
            shown = self.assert_json(cli.run(*args))
            self.assertEqual(len(shown), 1)
            self.assertEqual(set(shown[0]), DEV_KEYS)
            self.assertEqual(shown[0]["dev"], "lo")
            self.assertEqual(shown[0]["ifindex"], int(attribute("ifindex")))
            self.assertEqual(shown[0]["mtu"], int(attribute("mtu")))
            self.assertEqual(shown[0]["rx_queues"], 1)
            # Loopback has none of these.
            for key in ("split", "hds_thresh", "channels", "rings", "rss", "bus"):
                self.assertIsNone(shown[0][key], key)

    def test_by_index(self):
        index = attribute("ifindex")
        self.assertEqual(cli.run("-j", "dev", "show", index).stdout, cli.run("-j", "dev", "show", "lo").stdout)

    def test_json_of_all(self):
        shown = self.assert_json(cli.run("-j", "dev", "show"))
        self.assertEqual({dev["dev"] for dev in shown}, set(os.listdir("/sys/class/net")))

    def test_text(self):
        result = cli.run("dev", "show")
        self.assertEqual(result.returncode, cli.OK)
        lines = result.stdout.decode().splitlines()
        self.assertEqual(lines[0].split()[:3], ["DEV", "DRIVER", "BUS"])
        self.assertIn("lo", [line.split()[0] for line in lines[1:]])
        text = cli.run("dev", "show", "lo").stdout.decode()
        self.assertRegex(text, r"(?m)^dev +lo$")
        self.assertRegex(text, r"(?m)^rx queues +1$")
        self.assertRegex(text, r"(?m)^split +-$")

    def test_unknown(self):
        for args in (["dev", "show"], ["queue", "show"], ["flow", "show"]):
            self.assert_fails(cli.MISSING, [*args, "nosuch0"], "nosuch0")
            self.assert_fails(cli.MISSING, [*args, "x" * 300], "xxx")
        self.assert_fails(cli.MISSING, ["dev", "show", "4000000000"], "4000000000")
        self.assert_fails(cli.MISSING, ["flow", "del", "nosuch0", "1"], "nosuch0")
        self.assert_fails(cli.MISSING, ["flow", "add", "nosuch0", "--dst", "1.2.3.4:5", "--queue", "1"], "nosuch0")
        self.assert_fails(cli.MISSING, ["bind", "rx", "nosuch0", "--", "true"], "nosuch0")
        self.assert_fails(cli.MISSING, ["recv", "nosuch0", "--listen", "127.0.0.1:0"], "nosuch0")


@unittest.skipIf(no_netdev_family(), no_netdev_family())
class Queue(cli.TestCase):
    def test_json(self):
        shown = self.assert_json(cli.run("-j", "queue", "show", "lo"))
        for queue in shown:
            self.assertEqual(set(queue), QUEUE_KEYS)
            self.assertIn(queue["kind"], ("rx", "tx"))
            self.assertIsNone(queue["binding"])

    def test_text_is_the_json(self):
        shown = json.loads(cli.run("-j", "queue", "show", "lo").stdout)
        result = cli.run("queue", "show", "lo")
        self.assertEqual(result.returncode, cli.OK, result.stderr)
        self.assertEqual(len(result.stdout.splitlines()), len(shown) + 1 if shown else 0)


@unittest.skipIf(no_netdev_family(), no_netdev_family())
class Prerequisites(cli.TestCase):
    """Loopback supports none of this, and each command says so in its own words."""

    def test_flow(self):
        self.assert_fails(cli.MISSING, ["flow", "show", "lo"], "lo")
        self.assert_fails(cli.MISSING, ["flow", "add", "lo", "--dst", "127.0.0.1:5", "--queue", "0"], "lo")
        self.assert_fails(cli.MISSING, ["flow", "del", "lo", "0"], "lo")

    def test_recv_names_all_that_is_missing(self):
        self.assert_fails(cli.MISSING, ["recv", "lo", "--listen", "127.0.0.1:0"],
                          "lo", "header split", "flow rules", "1 receive queue", "--place")

    def test_bind_with_steering(self):
        self.assert_fails(cli.MISSING, ["bind", "rx", "lo", "--steer", "--", "true"], "lo", "header split")

    def test_run(self):
        self.assert_fails(cli.MISSING, ["run", "lo", "--", "echo", "ran"], "lo", "header split")

    def test_queue_out_of_range(self):
        self.assert_fails(cli.USAGE, ["bind", "rx", "lo", "--queues", "5", "--", "true"], "lo", "queue 5")

    def test_memory_that_no_nic_can_write_to(self):
        self.assert_fails(cli.USAGE, ["bind", "rx", "lo", "--region", "memfd", "--", "true"], "memfd")


if __name__ == "__main__":
    cli.main()
