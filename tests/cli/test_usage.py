# SPDX-License-Identifier: BSD-3-Clause
"""Command lines: help, version, and everything that is wrong with one before the system is asked."""

import cli

RECV = ("recv", "lo", "--place", "--listen", "127.0.0.1:0")
BOUND = ("recv", "lo", "--listen", "127.0.0.1:0")
SEND = ("send", "lo", "--connect", "127.0.0.1:1")
COMMANDS = (("dev", "show"), ("queue", "show"), ("region", "list"), ("region", "test"), ("flow", "add"),
            ("flow", "del"), ("flow", "show"), ("reserve", "show"), ("reserve", "restore"), ("bind", "rx"),
            ("bind", "tx"), ("run",), ("recv",), ("send",))


class Help(cli.TestCase):
    def test_help_is_everywhere(self):
        for command in ((), *COMMANDS):
            for option in ("--help", "-h"):
                result = cli.run(*command, option)
                self.assertEqual(result.returncode, cli.OK, command)
                self.assertEqual(result.stderr, b"", command)
                self.assertIn(b"Usage: devmemctl " + " ".join(command).encode(), result.stdout)
        self.assertIn(b"Usage:", cli.run("dev", "--help").stdout)

    def test_help_names_every_command(self):
        text = cli.run("--help").stdout.decode()
        for command in COMMANDS:
            self.assertIn(" ".join(command), text)

    def test_version(self):
        for args in (["--version"], ["-V"], ["recv", "--version"], ["dev", "show", "-V"]):
            result = cli.run(*args)
            self.assertEqual(result.returncode, cli.OK)
            self.assertRegex(result.stdout.decode(), r"^devmemctl \d+\.\d+\.\d+, libdevmem \d+\.\d+\.\d+\n$")

    def test_help_into_a_full_disk(self):
        with open("/dev/full", "wb") as full:
            result = cli.run("--help", stdout=full)
        self.assertEqual(result.returncode, cli.REFUSED)
        self.assert_error(result.stderr, "standard output", "No space left")


class Words(cli.TestCase):
    def test_no_such_command(self):
        self.assert_fails(cli.USAGE, [], "a command is missing")
        self.assert_fails(cli.USAGE, ["frobnicate"], "frobnicate")
        self.assert_fails(cli.USAGE, ["dev"], "dev", "verb", "show")
        self.assert_fails(cli.USAGE, ["region", "frobnicate"], "frobnicate", "list, test")
        self.assert_fails(cli.USAGE, ["reserve"], "reserve", "verb", "show, restore")
        self.assert_fails(cli.USAGE, ["--frobnicate"], "--frobnicate")
        self.assert_fails(cli.USAGE, [""], "''")

    def test_unknown_options(self):
        for command in COMMANDS:
            self.assert_fails(cli.USAGE, [*command, "--frobnicate"], "--frobnicate")
            self.assert_fails(cli.USAGE, [*command, "-x"], "-x")

    def test_option_values(self):
        self.assert_fails(cli.USAGE, ["recv", "lo", "--size"], "--size", "BYTES")
        self.assert_fails(cli.USAGE, ["recv", "lo", "--once=3"], "--once", "no value")

    def test_missing_operands(self):
        self.assert_fails(cli.USAGE, ["queue", "show"], "DEV is missing")
        self.assert_fails(cli.USAGE, ["region", "test"], "SPEC is missing")
        self.assert_fails(cli.USAGE, ["flow", "add"], "DEV is missing")
        self.assert_fails(cli.USAGE, ["flow", "add", "lo"], "--dst", "missing")
        self.assert_fails(cli.USAGE, ["flow", "add", "lo", "--dst", "1.2.3.4:5"], "--queue", "missing")
        self.assert_fails(cli.USAGE, ["flow", "del", "lo"], "LOCATION is missing")
        self.assert_fails(cli.USAGE, ["bind", "rx"], "DEV is missing")
        self.assert_fails(cli.USAGE, ["bind"], "bind", "verb", "rx, tx")
        self.assert_fails(cli.USAGE, ["bind", "tx"], "DEV is missing")
        self.assert_fails(cli.USAGE, ["run"], "DEV", "missing")
        self.assert_fails(cli.USAGE, ["run", "lo"], "CMD is missing")
        self.assert_fails(cli.USAGE, ["run", "lo", "--"], "CMD is missing")
        self.assert_fails(cli.USAGE, ["recv"], "DEV is missing")
        self.assert_fails(cli.USAGE, ["recv", "lo"], "--listen", "--connect", "missing")
        self.assert_fails(cli.USAGE, ["recv", "", "--connect", "127.0.0.1:1"], "DEV is empty")
        self.assert_fails(cli.USAGE, ["send"], "DEV is missing")
        self.assert_fails(cli.USAGE, ["send", "lo"], "--listen", "--connect", "missing")

    def test_too_many_operands(self):
        self.assert_fails(cli.USAGE, ["dev", "show", "lo", "more"], "more")
        self.assert_fails(cli.USAGE, ["region", "list", "more"], "more")
        self.assert_fails(cli.USAGE, ["reserve", "show", "lo", "more"], "more")
        self.assert_fails(cli.USAGE, ["reserve", "restore", "lo", "more"], "more")
        self.assert_fails(cli.USAGE, [*RECV, "more"], "more")
        self.assert_fails(cli.USAGE, [*RECV, "--", "more"], "--")
        self.assert_fails(cli.USAGE, [*SEND, "more"], "more")
        self.assert_fails(cli.USAGE, [*SEND, "--", "more"], "--")
        self.assert_fails(cli.USAGE, ["bind", "tx", "lo", "more"], "more")

    def test_contradictions(self):
        self.assert_fails(cli.USAGE, [*RECV, "--connect", "127.0.0.1:9"], "not both")
        self.assert_fails(cli.USAGE, [*SEND, "--listen", "127.0.0.1:9"], "send", "not both")
        for option in (["--queues", "1"], ["--queue-count", "1"], ["--page-size", "4096"], ["--no-watcher"], ["--steer"]):
            self.assert_fails(cli.USAGE, ["bind", "tx", "lo", *option], "bind tx", option[0])
            self.assert_fails(cli.USAGE, [*SEND, *option], "send", option[0])
        self.assert_fails(cli.USAGE, [*RECV, "--queues", "1"], "--place", "--queues")
        self.assert_fails(cli.USAGE, [*RECV, "--page-size", "16K"], "--place", "--page-size")
        for args in (["--queue-count", "1"], ["--runtime-dir", "/tmp"], ["--no-watcher"]):
            self.assert_fails(cli.USAGE, [*RECV, *args], "--place", args[0])
            self.assert_fails(cli.USAGE, ["bind", "rx", "lo", *args, "--", "true"], "--steer", args[0])
        self.assert_fails(cli.USAGE, [*BOUND, "--queues", "1", "--queue-count", "1"], "--queues", "--queue-count", "both")
        self.assert_fails(cli.USAGE, [*RECV, "--held-max", "1M"], "--place", "--held-max")
        self.assert_fails(cli.USAGE, ["flow", "add", "lo", "--dst", "1.2.3.4:5", "--src", "[::1]:5", "--queue", "1"],
                          "IPv4 and IPv6")
        add = ["flow", "add", "lo", "--dst", "1.2.3.4:5"]
        self.assert_fails(cli.USAGE, [*add, "--reservation", "1", "--queue", "1", "--spread"], "--queue", "--spread", "both")
        self.assert_fails(cli.USAGE, [*add, "--queue", "1", "--spread"], "--queue", "--spread", "both")
        self.assert_fails(cli.USAGE, [*add, "--spread"], "--spread", "--reservation")
        self.assert_fails(cli.USAGE, [*add, "--queue", "1", "--runtime-dir", "/tmp"], "--runtime-dir", "--reservation")
        self.assert_fails(cli.USAGE, ["flow", "add", "lo", "--dst", "*:0", "--queue", "1"], "any port")


class Values(cli.TestCase):
    def test_sizes(self):
        for size in ("", "0", "-1", "+1", " 1", "1 ", "12x", "M", "1MM", "1.5M", "0x1000", "64MB", "99999999999999999999",
                     "16777216T", "9223372036854775808"):
            self.assert_fails(cli.USAGE, [*RECV, "--size", size], "--size", f"'{size}'")
            self.assert_fails(cli.USAGE, [*SEND, "--size", size], "--size", f"'{size}'")
            self.assert_fails(cli.USAGE, [*SEND, "--chunk", size], "--chunk", f"'{size}'")
        for size in ("1", "4095", "5000", "9223372036854775807"):
            self.assert_fails(cli.USAGE, [*RECV, "--size", size], "--size", size, "multiple")
            self.assert_fails(cli.USAGE, ["bind", "tx", "lo", "--size", size], "--size", size, "multiple")
        self.assert_fails(cli.USAGE, ["region", "test", "memfd", "--size", "5000"], "5000", "multiple")

    def test_page_sizes(self):
        for size in ("0", "5000", "2K", "3M", "x"):
            self.assert_fails(cli.USAGE, [*BOUND, "--page-size", size], "--page-size", f"'{size}'")
        self.assert_fails(cli.USAGE, [*BOUND, "--page-size", "2M", "--size", "3M"], "--size", "multiple")

    def test_queues(self):
        for queues in ("", ",", "1,", ",1", "1,,2", "a", "-1", "1-", "1-2-3", "5-3", "1,1", "1-3,2", "70000", "0-4000",
                       "99999999999999999999", "1 2"):
            self.assert_fails(cli.USAGE, [*BOUND, "--queues", queues], "--queues", f"'{queues}'")
            self.assert_fails(cli.USAGE, ["bind", "rx", "lo", "--queues", queues], "--queues", f"'{queues}'")

    def test_addresses(self):
        for address in ("", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:70000", "127.0.0.1:-1", ":5", "[::1]",
                        "[::1]:", "[::1", "[::1]5", "::1:5", "[127.0.0.1]:5", "[]:5", "localhost:5", "256.0.0.1:5",
                        "[::1%nosuchif]:5", "x" * 300 + ":5"):
            self.assert_fails(cli.USAGE, ["recv", "lo", "--place", "--listen", address], "--listen")
            self.assert_fails(cli.USAGE, ["recv", "lo", "--place", "--connect", address], "--connect")
            self.assert_fails(cli.USAGE, ["send", "lo", "--listen", address], "--listen")
            self.assert_fails(cli.USAGE, ["send", "lo", "--connect", address], "--connect")
            self.assert_fails(cli.USAGE, ["flow", "add", "lo", "--queue", "1", "--dst", address], "--dst")
        self.assert_fails(cli.USAGE, ["recv", "lo", "--place", "--connect", "127.0.0.1:0"], "port 0")
        self.assert_fails(cli.USAGE, ["send", "lo", "--connect", "127.0.0.1:0"], "port 0")
        for how in ("--listen", "--connect"):
            for address, text in (("[::ffff:127.0.0.1]:5", "IPv4"), ("[fe80::1]:5", "[fe80::1%lo]"),
                                  ("[fe80::1%nosuchif]:5", "no interface 'nosuchif'")):
                self.assert_fails(cli.USAGE, ["recv", "lo", "--place", how, address], how, text)
                self.assert_fails(cli.USAGE, ["send", "lo", how, address], how, text)

    def test_flows(self):
        for flow in ("", "x", "1.2.3.4", "1.2.3.4:5,", "1.2.3.4:5,6.7.8.9", ",1.2.3.4:5", "[::1]:5,1.2.3.4:5", "1.2.3.4:5=",
                     "1.2.3.4:5=x", "1.2.3.4:5=70000", "1.2.3.4:5=1=2", "*:0", "[::]:0", "*:0=1", "x" * 300):
            self.assert_fails(cli.USAGE, ["run", "lo", "--flow", flow, "--", "true"], "--flow")
        self.assert_fails(cli.USAGE, ["run", "lo", "--flow", "1.2.3.4:5=1", "--", "true"], "--queues")
        self.assert_fails(cli.USAGE, ["run", "lo", "--flow", "1.2.3.4:5=1", "--queues", "2,3", "--", "true"], "queue 1")
        self.assert_fails(cli.USAGE, ["run", "lo", "--spread", "--", "true"], "--spread", "--flow")

    def test_numbers(self):
        for number in ("", "x", "-1", "1x", "70000"):
            self.assert_fails(cli.USAGE, ["flow", "add", "lo", "--dst", "1.2.3.4:5", "--queue", number], "--queue")
        for number in ("", "0", "x", "-1", "4294967296"):
            self.assert_fails(cli.USAGE, ["flow", "add", "lo", "--dst", "1.2.3.4:5", "--reservation", number],
                              "--reservation", f"'{number}'")
        for number in ("x", "4294967295", "99999999999999999999"):
            self.assert_fails(cli.USAGE, ["flow", "del", "lo", number], "LOCATION", number)
        for number in ("x", "0", "77", "99999999999"):
            self.assert_fails(cli.USAGE, [*RECV, "--ready-fd", number], "--ready-fd", number)
            self.assert_fails(cli.USAGE, [*SEND, "--ready-fd", number], "--ready-fd", number)
        for number in ("", "0", "x", "-1", "1025", "99999999999999999999"):
            self.assert_fails(cli.USAGE, [*BOUND, "--queue-count", number], "--queue-count", f"'{number}'")
            self.assert_fails(cli.USAGE, ["run", "lo", "--queue-count", number, "--", "true"], "--queue-count", f"'{number}'")
        for command in (BOUND, ["run", "lo"], ["reserve", "show"], ["reserve", "restore"],
                        ["flow", "show"], ["flow", "del"], ["flow", "add"]):
            self.assert_fails(cli.USAGE, [*command, "--runtime-dir", ""], "--runtime-dir", "empty")
        self.assert_fails(cli.USAGE, [*RECV, "--recv-max", "100"], "--recv-max")
        self.assert_fails(cli.USAGE, [*RECV, "--lowat", "0"], "--lowat")
        self.assert_fails(cli.USAGE, [*RECV, "--expect", "0"], "--expect")
        self.assert_fails(cli.USAGE, [*SEND, "--chunk", "1025M"], "--chunk")
        self.assert_fails(cli.USAGE, [*SEND, "--input", ""], "--input", "empty")
        self.assert_fails(cli.USAGE, [*SEND, "--region", ""], "--region", "empty")

    def test_control_characters_stay_in_one_line(self):
        self.assert_fails(cli.USAGE, ["foo\nbar\x1b[1m"], "foo?bar?[1m")
        self.assert_fails(cli.USAGE, ["region", "test", "foo\nbar\x1b[1m"], "foo")


if __name__ == "__main__":
    cli.main()
