# SPDX-License-Identifier: BSD-3-Clause
"""What the tests of the command share: running it, a sender, and a check of its errors."""

import contextlib
import hashlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

CTL = os.environ.get("DEVMEMCTL", "devmemctl")
# The command on an interface that isn't real (fake_nic.c).
FAKE = os.environ.get("DEVMEMCTL_FAKE", "devmemctl-fake")
SKIP = 77
# Exit codes of the command.
OK, USAGE, REFUSED, MISSING = 0, 1, 2, 3

# Where SIGHUP was ignored before, the command leaves it so. It must not be ignored here, however the tests were started.
signal.signal(signal.SIGHUP, signal.SIG_DFL)


def data(size, seed=1):
    """Bytes that repeat nowhere, the same in every run."""
    return random.Random(seed).randbytes(size)


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def run(*args, timeout=30, program=CTL, **kwargs):
    """Runs the command to its end."""
    kwargs.setdefault("stdout", subprocess.PIPE)
    kwargs.setdefault("stderr", subprocess.PIPE)
    kwargs.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.run([program, *args], timeout=timeout, **kwargs)


class Receiver:
    """`devmemctl recv lo --place ...`, running and listening on self.port."""

    def __init__(self, *args, host="127.0.0.1", prefix=(), listen=None, **kwargs):
        ready, theirs = os.pipe()
        kwargs.setdefault("stdout", subprocess.PIPE)
        kwargs.setdefault("stderr", subprocess.PIPE)
        where = listen or (f"[{host}]:0" if ":" in host else f"{host}:0")
        self.process = subprocess.Popen(
            [*prefix, CTL, "recv", "lo", "--place", "--listen", where, "--ready-fd", str(theirs), *args],
            stdin=subprocess.DEVNULL, pass_fds=(theirs,), **kwargs)
        os.close(theirs)
        with os.fdopen(ready) as file:
            self.line = file.readline()
        self.port = int(self.line.rsplit(":", 1)[1]) if ":" in self.line else 0
        self.host = host

    def connect(self):
        return socket.create_connection((self.host, self.port))

    def send(self, content, chunk=1 << 20):
        with self.connect() as peer:
            for at in range(0, len(content), chunk):
                peer.sendall(content[at:at + chunk])

    def finish(self, timeout=30):
        """Waits for its end. Returns exit code, standard output, standard error."""
        out, err = self.process.communicate(timeout=timeout)
        return self.process.returncode, out, (err or b"").decode()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


@contextlib.contextmanager
def sender(content):
    """Listens on a free port and sends content to the first connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        def serve():
            peer, _ = server.accept()
            with peer:
                peer.sendall(content)
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield "127.0.0.1:%d" % server.getsockname()[1]
        thread.join(10)


class TestCase(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.dir = scratch.name

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, content):
        with open(self.path(name), "wb") as file:
            file.write(content)
        return self.path(name)

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def assert_error(self, text, *words):
        """One line on standard error that has all the words."""
        if isinstance(text, bytes):
            text = text.decode()
        self.assertTrue(text.startswith("devmemctl: "), text)
        self.assertEqual(text.count("\n"), 1, text)
        self.assertTrue(text.endswith("\n"), text)
        for word in words:
            self.assertIn(word, text)

    def assert_fails(self, code, args, *words, **kwargs):
        """The command fails with the code and prints nothing but one line on standard error, with all the words."""
        result = run(*args, **kwargs)
        self.assertEqual(result.returncode, code, (args, result.stderr))
        self.assertEqual(result.stdout, b"", args)
        self.assert_error(result.stderr, *words)
        return result

    def fake(self, *args, fail=None, **kwargs):
        """Runs the command on the interface fake0; self.did gets a line for each call that changed something there."""
        log = self.path("log")
        env = {**os.environ, "FAKE_LOG": log, "FAKE_FAIL": fail or "", **kwargs.pop("env", {})}
        if os.path.exists(log):
            os.unlink(log)
        result = run(*args, program=FAKE, env=env, **kwargs)
        self.did = self.read("log").decode().splitlines() if os.path.exists(log) else []
        return result

    def assert_json(self, result, code=OK):
        """The command succeeds and prints one line of JSON, which is returned, and nothing else."""
        self.assertEqual(result.returncode, code, result.stderr)
        self.assertEqual(result.stderr, b"")
        self.assertEqual(result.stdout.count(b"\n"), 1, result.stdout)
        return json.loads(result.stdout)


def main():
    """Runs the tests of the file. If all of them were skipped, the file counts as skipped, not as passed."""
    program = unittest.main(module="__main__", exit=False, verbosity=2)
    result = program.result
    if not result.wasSuccessful():
        sys.exit(1)
    if result.testsRun and len(result.skipped) == result.testsRun:
        sys.exit(SKIP)
    sys.exit(0)
