# SPDX-License-Identifier: BSD-3-Clause
"""reserve show and reserve restore, on runtime directories that hold nothing, nonsense, or are not to be trusted, and
on the reservations of fake_nic.c, where the rules of reservations are added and deleted too."""

import json
import os
import unittest

import cli

SHOW, RESTORE = ("reserve", "show"), ("reserve", "restore")
# A name that the library gives to journals of virtual interfaces.
JOURNAL = "virtual-if4000.journal"


class Nothing(cli.TestCase):
    def test_show(self):
        """Without a directory, and with an empty one, nothing is reserved."""
        os.chmod(self.dir, 0o700)
        for where in (self.dir, self.path("missing")):
            result = cli.run(*SHOW, "--runtime-dir", where)
            self.assertEqual((result.returncode, result.stdout, result.stderr), (cli.OK, b"", b""))
            self.assertEqual(self.assert_json(cli.run("-j", *SHOW, "--runtime-dir", where)), [])
            self.assertEqual(self.assert_json(cli.run("-j", *SHOW, "lo", "--runtime-dir", where)), [])
        self.assertFalse(os.path.exists(self.path("missing")))

    @unittest.skipIf(os.geteuid(), "needs root")
    def test_restore(self):
        for where in (self.dir, self.path("missing")):
            for dev in ((), ("lo",)):
                result = cli.run(*RESTORE, *dev, "--runtime-dir", where)
                self.assertEqual((result.returncode, result.stdout, result.stderr), (cli.OK, b"", b""))
                self.assertEqual(self.assert_json(cli.run("-j", *RESTORE, *dev, "--runtime-dir", where)),
                                 {"restored": 0})

    def test_unknown_interface(self):
        for command in (SHOW, RESTORE):
            self.assert_fails(cli.MISSING, [*command, "nosuch0", "--runtime-dir", self.dir], "nosuch0")


class Shown(cli.TestCase):
    def test_json(self):
        shown = self.assert_json(self.fake("-j", *SHOW, env={"TZ": "IST-5:30"}))
        self.assertEqual([(r["dev"], r["id"], r["state"]) for r in shown],
                         [("fake0", 5, "alive"), ("fake0", 6, "dead"), ("fake1", None, "left"), ("fake0", 1, "stale")])
        self.assertEqual(shown[0], {
            "dev": "fake0", "ifindex": 7, "bus": None, "netns": 4026531840, "id": 5, "state": "alive", "pid": 4711,
            "command": "receiver", "since": 1760000000, "since_iso": "2025-10-09T14:23:20+05:30", "queues": [2, 3],
            "flows": [{"location": 1, "queue": 2, "spread": False, "dst": "10.0.0.1:5001", "src": None}],
            "settings": "split off"})
        self.assertEqual(shown[1]["flows"], [
            {"location": 2, "queue": None, "spread": True, "dst": "10.0.0.1:5002", "src": "10.0.0.1:5001"},
            {"location": None, "queue": 3, "spread": False, "dst": "10.0.0.1:5003", "src": None}])
        self.assertEqual(set(shown[2]), set(shown[0]))
        self.assertEqual([shown[2][key] for key in ("pid", "command", "since", "since_iso", "queues", "flows", "settings")],
                         [None, None, None, None, [], [], "rss table"])

    def test_text(self):
        result = self.fake(*SHOW, env={"TZ": "UTC0"})
        self.assertEqual((result.returncode, result.stderr), (cli.OK, b""))
        lines = [line.split() for line in result.stdout.decode().splitlines()]
        self.assertEqual(lines, [
            ["DEV", "ID", "STATE", "PID", "COMMAND", "SINCE", "QUEUES", "FLOWS"],
            ["fake0", "5", "alive", "4711", "receiver", "2025-10-09T08:53:20+00:00", "2-3", "10.0.0.1:5001->2"],
            ["fake0", "6", "dead", "4711", "receiver", "2025-10-09T08:53:20+00:00", "2-3",
             "10.0.0.1:5002,10.0.0.1:5001->spread", "10.0.0.1:5003->3"],
            ["fake1", "-", "left", "-", "-", "-", "-", "-"],
            ["fake0", "1", "stale", "4711", "receiver", "2025-10-09T08:53:20+00:00", "2-3", "3", "flows"]])
        self.assertIn("rss table", self.fake("-v", *SHOW).stdout.decode())

    def test_restore(self):
        for args, where in (([], "all"), (["fake0"], "fake0")):
            result = self.fake(*RESTORE, *args)
            self.assertEqual((result.returncode, result.stdout), (cli.OK, b""))
            self.assertEqual(result.stderr, b"devmemctl: fake0: split put back\n")
            self.assertEqual(self.did, ["restore " + where])
        self.assertEqual(json.loads(self.fake("-j", *RESTORE).stdout), {"restored": 2})
        self.assertIn(b"2 reservations of dead owners ended", self.fake("-v", *RESTORE).stderr)
        result = self.fake("-j", *RESTORE, fail="restore")
        self.assertEqual((result.returncode, result.stdout), (cli.REFUSED, b""))


class Flows(cli.TestCase):
    def add(self, *args, **kwargs):
        return self.fake("flow", "add", "fake0", "--dst", "10.0.0.1:5000", *args, **kwargs)

    def test_add(self):
        for args, did in ((["--queue", "3"], ["attach 5", "add_flow 5000 3"]), ([], ["attach 5", "add_flow 5000 2"]),
                          (["--spread"], ["attach 5", "add_flow 5000 spread"])):
            result = self.add("--reservation", "5", *args)
            self.assertEqual((result.returncode, result.stdout, result.stderr), (cli.OK, b"0\n", b""))
            self.assertEqual(self.did, [*did, "close"])
        self.add("--queue", "3")
        self.assertEqual(self.did, ["flow_add 3"])

    def test_add_fails(self):
        result = self.add("--reservation", "4")
        self.assertEqual((result.returncode, result.stdout, self.did), (cli.MISSING, b"", []))
        self.assert_error(result.stderr, "fake0")
        result = self.add("--reservation", "5", fail="add_flow")
        self.assertEqual((result.returncode, result.stdout, self.did[-1]), (cli.REFUSED, b"", "close"))
        with open("/dev/full", "wb") as full:
            result = self.add("--reservation", "5", stdout=full)
        self.assertEqual(result.returncode, cli.REFUSED)
        self.assertEqual(self.did, ["attach 5", "add_flow 5000 2", "del_flow 0", "close"])

    def test_delete(self):
        for location, did in ((0, ["list", "flow_del 0"]), (1, ["list", "attach 5", "del_flow 1", "close"])):
            result = self.fake("flow", "del", "fake0", str(location))
            self.assertEqual((result.returncode, result.stdout, result.stderr), (cli.OK, b"", b""))
            self.assertEqual(self.did, did)
        result = self.fake("flow", "del", "fake0", "1", fail="del_flow")
        self.assertEqual((result.returncode, self.did[-1]), (cli.REFUSED, "close"))

    def test_delete_from_the_dead(self):
        result = self.fake("flow", "del", "fake0", "2")
        self.assertEqual((result.returncode, self.did), (cli.REFUSED, ["list"]))
        self.assert_error(result.stderr, "fake0", "reservation 6", "dead", "devmemctl reserve restore fake0")

    def test_delete_with_a_damaged_journal(self):
        """The rule could be anybody's."""
        result = self.fake("flow", "del", "fake0", "0", fail="list")
        self.assertEqual((result.returncode, self.did), (cli.REFUSED, ["list"]))

    def test_show(self):
        shown = self.assert_json(self.fake("-j", "flow", "show", "fake0"))
        self.assertEqual([rule["reservation"] for rule in shown], [None, 5, 6])
        shown = self.assert_json(self.fake("-j", "flow", "show", "fake0", fail="list"))
        self.assertEqual([rule["reservation"] for rule in shown], [None, None, None])
        self.assertIn("RESERVATION", self.fake("flow", "show", "fake0").stdout.decode().splitlines()[0])


@unittest.skipIf(os.geteuid(), "needs root")
class Damaged(cli.TestCase):
    def test_journal(self):
        for content in (b"", b"\0" * 4096, b"frobnicate\n", os.urandom(500)):
            self.write(JOURNAL, content)
            for command in (SHOW, RESTORE):
                self.assert_fails(cli.REFUSED, [*command, "--runtime-dir", self.dir], JOURNAL)
            self.assertEqual(self.read(JOURNAL), content)

    def test_no_directory(self):
        file = self.write("file", b"")
        for command in (SHOW, RESTORE):
            self.assert_fails(cli.USAGE, [*command, "--runtime-dir", file], file, "directory")

    def test_directory_that_others_may_write_to(self):
        """Anybody could put a journal there, and root would change an interface as it says."""
        os.chmod(self.dir, 0o777)
        for command in (SHOW, RESTORE):
            self.assert_fails(cli.MISSING, [*command, "--runtime-dir", self.dir], self.dir)


@unittest.skipIf(os.geteuid(), "needs root to become somebody else")
class Unprivileged(cli.TestCase):
    def setUp(self):
        super().setUp()
        try:
            self.as_nobody("--version")
        except PermissionError as error:
            self.skipTest(f"nobody can't run the command: {error}")

    def as_nobody(self, *args):
        return cli.run(*args, user=65534, group=65534, extra_groups=[], cwd="/")

    def test_secrets_of_root(self):
        os.mkdir(self.path("run"), 0o700)
        os.chmod(self.dir, 0o755)
        for command in (SHOW, RESTORE):
            result = self.as_nobody(*command, "--runtime-dir", self.path("run"))
            self.assertEqual((result.returncode, result.stdout), (cli.MISSING, b""))
            self.assert_error(result.stderr, self.path("run"), "ermission")


if __name__ == "__main__":
    cli.main()
