# SPDX-License-Identifier: BSD-3-Clause
"""The system says no: full disks, readers that go away, ports in use, privileges that are missing."""

import json
import os
import resource
import socket
import subprocess
import unittest

import cli


class Outputs(cli.TestCase):
    content = cli.data(4 << 20)

    def receive_failing(self, code, *words, stream="stdout", args=(), **kwargs):
        with cli.Receiver("--once", "-j", *args, **kwargs) as receiver:
            try:
                receiver.send(self.content)
            except OSError:
                pass  # the receiver has failed already
            ended, out, err = receiver.finish()
        self.assertEqual(ended, code, err)
        lines = err.splitlines(keepends=True)
        self.assert_error(lines[0], *words)
        shown = json.loads(out if stream == "stdout" else lines[1])
        self.assertEqual(shown["end"], "error")
        self.assertEqual(shown["error"], lines[0].strip().split(": ", 1)[1])

    def test_full_disk(self):
        self.receive_failing(cli.REFUSED, "/dev/full", "No space left", args=["--output", "/dev/full"])

    def test_full_disk_for_the_map(self):
        self.receive_failing(cli.REFUSED, "/dev/full", "No space left", args=["--map", "/dev/full"])

    def test_full_disk_behind_standard_output(self):
        with open("/dev/full", "wb") as full:
            self.receive_failing(cli.REFUSED, "standard output", "No space left", stream="stderr",
                                 args=["--output", "-"], stdout=full)

    def test_summary_into_a_full_disk(self):
        with open("/dev/full", "wb") as full, cli.Receiver("--once", "-j", stdout=full) as receiver:
            receiver.send(self.content)
            code, _, err = receiver.finish()
        self.assertEqual(code, cli.REFUSED)
        self.assert_error(err, "standard output", "No space left")

    def test_reader_goes_away(self):
        ours, theirs = os.pipe()
        os.close(ours)
        try:
            self.receive_failing(cli.REFUSED, "standard output", "Broken pipe", stream="stderr",
                                 args=["--output", "-"], stdout=theirs)
        finally:
            os.close(theirs)

    def test_file_size_limit(self):
        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
        self.receive_failing(cli.REFUSED, "File too large", args=["--output", self.path("out"), "--size", "1M"],
                             preexec_fn=limit)
        self.assertEqual(self.read("out"), self.content[:1 << 20])

    def test_no_standard_output_at_all(self):
        for args in (["region", "list"], ["-j", "region", "list"]):
            result = subprocess.run(["sh", "-c", 'exec "$@" >&-', "sh", cli.CTL, *args], stderr=subprocess.PIPE, timeout=30)
            self.assertEqual(result.returncode, cli.REFUSED, result.stderr)
            self.assert_error(result.stderr, "standard output", "Bad file descriptor")

    def test_show_into_a_closed_pipe(self):
        ours, theirs = os.pipe()
        os.close(ours)
        try:
            result = cli.run("region", "list", stdout=theirs)
        finally:
            os.close(theirs)
        # Killed by SIGPIPE like any filter, or failed with an error.
        self.assertIn(result.returncode, (-13, cli.REFUSED))


class BeforeAnythingHappens(cli.TestCase):
    def recv(self, *args):
        return ["recv", "lo", "--place", "--listen", "127.0.0.1:0", "--once", *args]

    def test_bad_outputs(self):
        self.assert_fails(cli.USAGE, self.recv("--output", self.dir), self.dir, "directory")
        self.assert_fails(cli.USAGE, self.recv("--output", self.path("no/such")), "no/such", "No such file")
        self.assert_fails(cli.USAGE, self.recv("--map", self.dir), self.dir, "directory")
        self.assert_fails(cli.USAGE, self.recv("--map", "-"), "--map")
        self.assert_fails(cli.USAGE, self.recv("--output", ""), "--output", "empty")
        same = self.path("same")
        self.assert_fails(cli.USAGE, self.recv("--output", same, "--map", same), "same file")
        self.assertFalse(os.path.exists(same))
        fifo = self.path("fifo")
        os.mkfifo(fifo)
        self.assert_fails(cli.REFUSED, self.recv("--output", fifo), fifo, "nobody reads")

    def test_terminal_as_output(self):
        leader, follower = os.openpty()
        try:
            result = cli.run(*self.recv("--output", "-"), stdout=follower)
        finally:
            os.close(leader)
            os.close(follower)
        self.assertEqual(result.returncode, cli.USAGE)
        self.assert_error(result.stderr, "terminal")

    def test_bad_call_leaves_files_alone(self):
        old = self.write("old", b"precious")
        new = self.path("new")
        for args in (["--region", "frobnicate"], ["--size", "4096T"]):
            result = cli.run(*self.recv("--output", old, "--map", new, *args))
            self.assertNotEqual(result.returncode, 0)
            self.assert_error(result.stderr)
        self.assert_fails(cli.MISSING, ["recv", "nosuch0", "--place", "--listen", "127.0.0.1:0", "--output", new], "nosuch0")
        self.assert_fails(cli.REFUSED, ["recv", "lo", "--place", "--connect", "127.0.0.1:1", "--output", old, "--map", new],
                          "127.0.0.1:1", "refused")
        self.assertEqual(self.read("old"), b"precious")
        self.assertFalse(os.path.exists(new))

    def test_addresses_that_are_foreign_or_in_use(self):
        with socket.create_server(("127.0.0.1", 0)) as other:
            where = "127.0.0.1:%d" % other.getsockname()[1]
            self.assert_fails(cli.REFUSED, ["recv", "lo", "--place", "--listen", where], where, "in use")
        self.assert_fails(cli.REFUSED, ["recv", "lo", "--place", "--listen", "192.0.2.1:0"], "192.0.2.1", "no interface")

    def test_unknown_interface(self):
        self.assert_fails(cli.MISSING, ["recv", "nosuch0", "--place", "--listen", "127.0.0.1:0"], "nosuch0")
        self.assert_fails(cli.MISSING, ["recv", "4000000000", "--place", "--listen", "127.0.0.1:0"], "4000000000")


@unittest.skipIf(os.geteuid(), "needs root to become somebody else")
class Unprivileged(cli.TestCase):
    def as_nobody(self, *args):
        return cli.run(*args, user=65534, group=65534, extra_groups=[], cwd="/")

    def setUp(self):
        super().setUp()
        try:
            self.as_nobody("--version")
        except PermissionError as error:
            self.skipTest(f"nobody can't run the command: {error}")

    def test_shows_work(self):
        for args in (["dev", "show"], ["queue", "show", "lo"], ["region", "list"]):
            result = self.as_nobody("-j", *args)
            if result.returncode == cli.MISSING and b"netdev" in result.stderr:
                continue  # this kernel has no such family
            self.assertEqual(result.returncode, cli.OK, (args, result.stderr))
            json.loads(result.stdout)

    def test_file_that_may_not_be_written(self):
        os.chmod(self.dir, 0o755)
        result = self.as_nobody("recv", "lo", "--place", "--listen", "127.0.0.1:0", "--output", self.path("out"))
        self.assertEqual(result.returncode, cli.MISSING)
        self.assert_error(result.stderr, "Permission denied", self.dir)

    def test_low_port(self):
        with open("/proc/sys/net/ipv4/ip_unprivileged_port_start", encoding="ascii") as file:
            first = int(file.read())
        if first <= 80:
            self.skipTest("every port is free for all here")
        result = self.as_nobody("recv", "lo", "--place", "--listen", "127.0.0.1:80")
        self.assertEqual(result.returncode, cli.MISSING)
        self.assert_error(result.stderr, "127.0.0.1:80", "Permission denied")

    def test_flow_rules(self):
        result = self.as_nobody("flow", "add", "lo", "--dst", "127.0.0.1:5", "--queue", "0")
        self.assertEqual(result.returncode, cli.MISSING)
        self.assert_error(result.stderr, "lo")


if __name__ == "__main__":
    cli.main()
