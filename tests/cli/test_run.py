# SPDX-License-Identifier: BSD-3-Clause
"""run and bind with a command: what the command finds, how it ends, and that everything is put back."""

import json
import os
import signal
import subprocess

import cli

# The calls of a run that goes well, before and after the command.
OPENED = ["open any 1", "bind 1", "inherit"]
CLOSED = ["unbind", "close"]
MEMORY = ("--region", "memfd", "--size", "1M")
LIST_FDS = 'cd /proc/self/fd; for fd in *; do test -e "$fd" && echo "$fd"; done; :'


class Command(cli.TestCase):
    def run_fake(self, *args, options=(), command="run", **kwargs):
        return self.fake(command, *(["rx"] if command == "bind" else []), "fake0", *MEMORY, *options, "--", *args, **kwargs)

    def test_environment(self):
        for command, options in (("run", ()), ("bind", ["--steer"]), ("bind", ["--queues", "3"])):
            result = self.run_fake("env", command=command, options=options)
            self.assertEqual(result.returncode, cli.OK, result.stderr)
            env = dict(line.split("=", 1) for line in result.stdout.decode().splitlines() if line.startswith("DEVMEM"))
            self.assertEqual((env["DEVMEM_DEV"], env["DEVMEM_BINDING_ID"], env["DEVMEM_QUEUES"], env["DEVMEM_INHERIT"]),
                             ("fake0", "9", "3", "an inheritance of fake0, with queues"))
            self.assertEqual(env.get("DEVMEM_RESERVATION"), None if "3" in options else "5")

    def test_environment_of_an_outer_command(self):
        result = self.run_fake("env", command="bind", env={"DEVMEM_RESERVATION": "77", "DEVMEM_QUEUES": "77"})
        self.assertNotIn(b"DEVMEM_RESERVATION", result.stdout)
        self.assertNotIn(b"DEVMEM_QUEUES=77", result.stdout)

    def test_queues(self):
        for options, queues, opened in ((["--queues", "1,3"], "1,3", "open named 2"), (["--queues", "3,1"], "3,1", "open named 2"),
                                        (["--queue-count", "3"], "1-3", "open any 3"), (["--no-watcher"], "3", "open any 1 no-watcher")):
            result = self.run_fake("sh", "-c", "echo $DEVMEM_QUEUES", options=options)
            self.assertEqual(result.stdout.decode(), queues + "\n")
            self.assertEqual(self.did[0], opened)
        for option in (["--queue-count", "4"], ["--queues", "0-3"], ["--queues", "4"]):
            result = self.run_fake("echo", "ran", options=option)
            self.assertEqual((result.returncode, result.stdout, self.did), (cli.USAGE, b"", []))
            self.assert_error(result.stderr, "fake0")

    def test_descriptors(self):
        """The command gets the region's and those that devmemctl was started with, but none that devmemctl opened."""
        before = subprocess.run(["sh", "-c", LIST_FDS], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL,
                                stderr=subprocess.PIPE, check=True).stdout.split()
        result = self.run_fake("sh", "-c", "echo $DEVMEM_REGION_FD; " + LIST_FDS)
        region, *fds = result.stdout.split()
        self.assertEqual(sorted(fds), sorted([*before, region]))
        result = self.run_fake("sh", "-c", 'stat -Lc %s "/proc/self/fd/$DEVMEM_REGION_FD"')
        self.assertEqual(result.stdout, b"1048576\n")

    def test_flows(self):
        flows = ["--flow", "10.0.0.1:5000", "--flow", "10.0.0.1:5001,10.0.0.2:7", "--flow", "10.0.0.1:5002=2"]
        for options, seen in ((["--queues", "3,2"], ["5000 3", "5001 3", "5002 2"]),
                              (["--queues", "2,3", "--spread"], ["5000 spread", "5001 spread", "5002 2"])):
            self.run_fake("true", options=[*flows, *options])
            self.assertEqual(self.did, ["open named 2", *["add_flow " + flow for flow in seen], "bind 2", "inherit", *CLOSED])

    def test_exit_status(self):
        for script, status in (("exit 0", 0), ("exit 3", 3), ("exit 255", 255), ("kill -TERM $$", 143), ("kill -KILL $$", 137)):
            self.assertEqual(self.run_fake("sh", "-c", script).returncode, status)
            self.assertEqual(self.did, OPENED + CLOSED)
        for command, status in (("/no/such/command", 127), ("no-such-command", 127), ("/etc/passwd", 126), (self.dir, 126)):
            result = self.run_fake(command)
            self.assertEqual(result.returncode, status, result.stderr)
            self.assertIn(command.encode(), result.stderr)
            self.assertEqual(self.did, OPENED + CLOSED)

    def test_set_up_that_fails(self):
        """The command doesn't run, and what was done is undone."""
        for fail, did in (("open", ["open any 1"]), ("add_flow", ["open any 1", "add_flow 5000 3", "close"]),
                          ("bind", ["open any 1", "add_flow 5000 3", "bind 1", "close"]),
                          ("inherit", ["open any 1", "add_flow 5000 3", "bind 1", "inherit", "unbind", "close"])):
            result = self.run_fake("echo", "ran", options=["--flow", "10.0.0.1:5000"], fail=fail)
            self.assertEqual((result.returncode, result.stdout, self.did), (cli.REFUSED, b"", did))
            self.assert_error(result.stderr.splitlines(keepends=True)[-1], "fake0", fail)

    def test_what_could_not_be_put_back(self):
        result = self.run_fake("true", fail="close")
        self.assertEqual(result.returncode, cli.REFUSED)
        self.assertIn(b"devmemctl: fake0: close refused\n", result.stderr)
        self.assertEqual(self.run_fake("false", fail="close").returncode, 1)

    def test_notices_and_steps(self):
        result = self.run_fake("true")
        self.assertEqual(result.stderr, b"devmemctl: fake0: something to know\n")
        result = self.run_fake("true", options=["-v", "--flow", "10.0.0.1:5000"])
        for text in (b"step journal", b"reservation 5", b"queues 3", b"flow rule 0 to queue 3", b"binding 9"):
            self.assertIn(text, result.stderr)

    def test_signals(self):
        """They reach the command, which decides how it ends."""
        for script, status in (("trap 'exit 9' TERM; echo on; while :; do sleep 0.05; done", 9), ("echo on; exec sleep 30", 143)):
            log = self.path("log")
            with subprocess.Popen([cli.FAKE, "run", "fake0", *MEMORY, "--", "sh", "-c", script], stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, env={**os.environ, "FAKE_LOG": log}) as process:
                self.assertEqual(process.stdout.readline(), b"on\n")
                process.send_signal(signal.SIGTERM)
                self.assertEqual(process.wait(20), status)
            self.assertEqual(self.read("log").decode().splitlines(), OPENED + CLOSED)
            os.unlink(log)

    def test_bind_until_a_signal(self):
        with subprocess.Popen([cli.FAKE, "-j", "bind", "rx", "fake0", *MEMORY, "--steer"], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as process:
            shown = json.loads(process.stdout.readline())
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(20), cli.OK)
        self.assertEqual((shown["binding"], shown["queues"], shown["steering"]["reservation"]), (9, [3], 5))


class BindTx(cli.TestCase):
    """A binding to send: no queues, no reservation."""

    def bind(self, *args, **kwargs):
        return self.fake("bind", "tx", "fake0", *MEMORY, *args, **kwargs)

    def test_environment(self):
        result = self.bind("--", "env", env={"DEVMEM_RESERVATION": "77", "DEVMEM_QUEUES": "77"})
        self.assertEqual((result.returncode, result.stderr), (cli.OK, b""))
        env = dict(line.split("=", 1) for line in result.stdout.decode().splitlines() if line.startswith("DEVMEM"))
        self.assertEqual((env["DEVMEM_DEV"], env["DEVMEM_BINDING_ID"], env["DEVMEM_INHERIT"]),
                         ("fake0", "9", "an inheritance of fake0, to send"))
        self.assertLessEqual({"DEVMEM_REGION_FD"}, set(env))
        self.assertFalse({"DEVMEM_QUEUES", "DEVMEM_RESERVATION"} & set(env))
        self.assertEqual(self.did, ["bind_tx fake0", "inherit", "unbind"])

    def test_region(self):
        result = self.bind("--", "sh", "-c", 'stat -Lc %s "/proc/self/fd/$DEVMEM_REGION_FD"')
        self.assertEqual(result.stdout, b"1048576\n")

    def test_exit_status(self):
        for script, status in (("exit 3", 3), ("kill -KILL $$", 137)):
            self.assertEqual(self.bind("--", "sh", "-c", script).returncode, status)
            self.assertEqual(self.did, ["bind_tx fake0", "inherit", "unbind"])
        self.assertEqual(self.bind("--", "no-such-command").returncode, 127)

    def test_until_a_signal(self):
        for options in ((), ("-j",)):
            log = self.path("log")
            with subprocess.Popen([cli.FAKE, *options, "bind", "tx", "fake0", *MEMORY], stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, env={**os.environ, "FAKE_LOG": log}) as process:
                shown = json.loads(process.stdout.readline())
                self.assertEqual(self.read("log"), b"bind_tx fake0\n")
                process.send_signal(signal.SIGINT)
                self.assertEqual(process.wait(20), cli.OK)
                self.assertEqual(process.stderr.read(), b"")
            self.assertEqual(self.read("log").decode().splitlines(), ["bind_tx fake0", "unbind"])
            os.unlink(log)
            if options:
                self.assertEqual(set(shown), {"dev", "binding", "region"})
                self.assertEqual((shown["dev"], shown["binding"], shown["region"]["size"]), ("fake0", 9, 1 << 20))
            else:
                self.assertEqual(shown, 9)

    def test_failures(self):
        for env, fail, code, word in (({}, "bind_tx", cli.REFUSED, "bind_tx"), ({}, "inherit", cli.REFUSED, "inherit"),
                                      ({"FAKE_PLAIN": "1"}, None, cli.MISSING, "can't send")):
            result = self.bind("--", "echo", "ran", fail=fail, env=env)
            self.assertEqual((result.returncode, result.stdout), (code, b""))
            self.assert_error(result.stderr, "fake0", word)

    def test_loopback(self):
        """The real one: no NIC is there that could read the region, if there is a region at all."""
        result = cli.run("bind", "tx", "lo", "--", "echo", "ran")
        self.assertEqual((result.returncode, result.stdout), (cli.MISSING, b""))
        self.assert_error(result.stderr)


if __name__ == "__main__":
    cli.main()
