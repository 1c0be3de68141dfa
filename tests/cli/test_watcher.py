# SPDX-License-Identifier: BSD-3-Clause
"""The watcher's command line, and what it answers to its starter before it watches anything."""

import fcntl
import os
import signal
import subprocess
import time
import unittest

import cli

WATCHER = os.environ.get("DEVMEM_WATCHER", "devmem-watcher")


def watch(*args, **kwargs):
    return subprocess.run([WATCHER, *args], stdin=subprocess.DEVNULL, capture_output=True, timeout=30, **kwargs)


class Watcher(cli.TestCase):
    def assert_answers(self, result, *words):
        """One line of error for the starter, and nothing else."""
        self.assertEqual((result.returncode, result.stderr), (1, b""))
        text = result.stdout.decode()
        self.assertRegex(text, r"^error: [^\n]+\n$")
        for word in words:
            self.assertIn(word, text)

    def test_usage(self):
        for args in ([], ["dir"], [self.dir, "nic"], [self.dir, "nic", "1", "more"], [self.dir, "nic", "0"],
                     [self.dir, "nic", "-1"], [self.dir, "nic", "1x"], [self.dir, "nic", ""], [self.dir, "nic", "+1"],
                     [self.dir, "nic", "4294967296"], [self.dir, "nic", "99999999999999999999"], [self.dir, "", "1"],
                     ["--help", "more"], ["--frobnicate"]):
            result = watch(*args)
            self.assertEqual((result.returncode, result.stdout), (1, b""), args)
            self.assertEqual(result.stderr, b"usage: devmem-watcher DIR NIC ID\n", args)

    def test_help_and_version(self):
        result = watch("--help")
        self.assertEqual((result.returncode, result.stderr), (0, b""))
        self.assertEqual(result.stdout, b"usage: devmem-watcher DIR NIC ID\n")
        result = watch("--version")
        self.assertEqual((result.returncode, result.stderr), (0, b""))
        self.assertRegex(result.stdout.decode(), r"^devmem-watcher \d+\.\d+\.\d+, libdevmem \d+\.\d+\.\d+\n$")

    @unittest.skipIf(os.geteuid(), "needs root")
    def test_nothing_to_watch(self):
        self.assert_answers(watch(self.path("missing"), "nic", "1"), "missing", "No such file")
        self.assert_answers(watch(self.dir, "no-such-nic", "1"))

    @unittest.skipIf(os.geteuid(), "needs root to become somebody else")
    def test_without_privilege(self):
        os.chmod(self.dir, 0o755)
        try:
            result = watch(self.dir, "nic", "1", user=65534, group=65534, extra_groups=[], cwd="/")
        except PermissionError as error:
            self.skipTest(f"nobody can't run it: {error}")
        self.assert_answers(result, "CAP_NET_ADMIN")

    def detached(self):
        """The pid of the watcher of this test's directory, or None."""
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    words = file.read().split(b"\0")
            except OSError:
                continue
            if words[1:2] == [self.dir.encode()]:
                return int(pid)
        return None

    @unittest.skipIf(os.geteuid(), "needs root")
    def test_stop_of_a_service(self):
        """The watcher survives the signals that end a service's processes, until the owner has ended."""
        os.chmod(self.dir, 0o700)
        with open(self.path("nic.1.owner"), "w") as owner:
            fcntl.flock(owner, fcntl.LOCK_EX)
            result = watch(self.dir, "nic", "1")
            self.assertEqual((result.returncode, result.stdout, result.stderr), (0, b"ready\n", b""))
            pid = self.detached()
            self.assertIsNotNone(pid)
            for sig in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                os.kill(pid, sig)
            time.sleep(0.2)
            self.assertEqual(self.detached(), pid)
        for _ in range(200):
            if self.detached() is None:
                break
            time.sleep(0.05)
        self.assertIsNone(self.detached())
        # the owner's file is gone
        self.assertEqual(os.listdir(self.dir), [])


if __name__ == "__main__":
    cli.main()
