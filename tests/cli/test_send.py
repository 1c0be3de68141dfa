# SPDX-License-Identifier: BSD-3-Clause
"""send end to end over loopback: what arrives is what was read, and the summary is true. The library is the real
one, which sends plainly there, or, for all that only device memory has, a fake (fake_tx.c)."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import threading
import time
import unittest

import cli

KEYS = {"dev", "mode", "plain_reason", "local", "peer", "end", "error", "bytes", "bytes_complete", "seconds",
        "mib_per_second", "sha256", "region", "binding", "tx"}
TX_KEYS = {"bytes_device", "bytes_plain", "sends", "ranges", "send_calls", "reap_calls", "poll_calls", "sync_calls",
           "completions", "sends_completed", "sends_copied", "completions_unknown", "notices_other", "sends_partial",
           "full_socket", "full_notifications", "full_in_flight", "in_flight_sends", "in_flight_bytes",
           "in_flight_sends_max", "in_flight_bytes_max", "zerocopy_sends"}
# Closing the socket resets the connection.
LINGER = (socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


class Peer:
    """A receiver on loopback: accepts one connection and hands it to a function, in a thread of its own."""

    def __init__(self, serve=None, host="127.0.0.1"):
        self.server = socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
        self.address = (f"[{host}]" if ":" in host else host) + ":%d" % self.server.getsockname()[1]
        self.received = bytearray()
        self.error = None
        self.thread = threading.Thread(target=self.run, args=(serve or self.read_all,), daemon=True)
        self.thread.start()

    def run(self, serve):
        try:
            connection, _ = self.server.accept()
            with connection:
                serve(connection)
        except OSError as error:
            self.error = error

    def read_all(self, connection):
        while piece := connection.recv(1 << 20):
            self.received += piece

    def wait_until_received(self, size):
        for _ in range(1000):
            if len(self.received) >= size:
                return
            time.sleep(0.01)
        raise AssertionError(f"{len(self.received)} of {size} bytes came in ten seconds")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()
        self.thread.join(10)


class TestCase(cli.TestCase):
    content = cli.data(4 << 20)
    program, region, env = cli.CTL, ("--region", "memfd"), None

    def start(self, address, *args, **kwargs):
        """`devmemctl send lo --connect`, running."""
        kwargs.setdefault("stdin", subprocess.DEVNULL)
        process = subprocess.Popen([self.program, "-j", "send", "lo", *self.region, "--connect", address, *args],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.env, **kwargs)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        return process

    def summary(self, process, code=cli.OK, end="complete", input=None):
        """Waits for its end. Returns the summary, after the usual checks, and standard error."""
        out, err = process.communicate(input, timeout=30)
        self.assertEqual(process.returncode, code, err)
        self.assertEqual(out.count(b"\n"), 1, (out, err))
        shown = json.loads(out)
        self.assertEqual(set(shown), KEYS)
        self.assertEqual(set(shown["tx"]), TX_KEYS)
        self.assertEqual((shown["dev"], shown["end"]), ("lo", end))
        if end == "error":
            self.assert_error(err)
            self.assertEqual("devmemctl: " + shown["error"] + "\n", err.decode())
        else:
            self.assertEqual((shown["error"], err), (None, b""))
        return shown

    def send(self, content, *args, peer=None, **kwargs):
        """Sends a whole file. Returns the summary, after all checks."""
        with peer or Peer() as peer:
            process = self.start(peer.address, "--input", self.write("in", content), "--sha256", *args, **kwargs)
            shown = self.summary(process)
        self.assertIsNone(peer.error)
        self.assertEqual(bytes(peer.received), content)
        self.assertEqual((shown["bytes"], shown["bytes_complete"]), (len(content), len(content)))
        self.assertEqual(shown["sha256"], cli.sha256(content))
        self.assertEqual(shown["tx"]["in_flight_sends"], 0)
        self.assertEqual(shown["peer"], peer.address)
        return shown

    def check_map(self, name, size, region):
        """Checks that the pieces of a map lie in the region and make up the stream. Returns their number."""
        pieces = [tuple(map(int, line.split())) for line in self.read(name).decode().splitlines()]
        for offset, length in pieces:
            self.assertGreater(length, 0)
            self.assertLessEqual(offset + length, region)
        self.assertEqual(sum(length for _, length in pieces), size)
        return len(pieces)


class Stream(TestCase):
    def test_everything_at_once(self):
        shown = self.send(self.content, "--map", self.path("map"))
        self.assertEqual((shown["mode"], shown["binding"]), ("plain", None))
        self.assertIn("memfd", shown["plain_reason"])
        self.assertEqual((shown["region"]["spec"], shown["region"]["size"]), ("memfd", 64 << 20))
        self.assertEqual((shown["tx"]["bytes_plain"], shown["tx"]["bytes_device"]), (len(self.content), 0))
        self.assertRegex(shown["local"], r"^127\.0\.0\.1:\d+$")
        self.assertGreater(shown["mib_per_second"], 0)
        self.assertEqual(self.check_map("map", len(self.content), 64 << 20), shown["tx"]["sends"])

    def test_map_says_where_the_bytes_are(self):
        """The last ones are still there."""
        content = self.content[:100000]
        with Peer() as peer:
            process = self.start(peer.address, "--map", self.path("map"), "--chunk", "7777", stdin=subprocess.PIPE)
            process.stdin.write(content)
            process.stdin.flush()
            peer.wait_until_received(len(content))
            fds = f"/proc/{process.pid}/fd/"
            memfd = next(fd for fd in os.listdir(fds) if "memfd" in os.readlink(fds + fd))
            with open(fds + memfd, "rb") as region:
                memory = region.read(1 << 20)
            self.summary(process)
        offset, length = map(int, self.read("map").splitlines()[-1].split())
        self.assertEqual(memory[offset:offset + length], content[-length:])

    def test_sizes(self):
        for size in (0, 1, 4095, 4096, 4097, (1 << 20) - 1, (1 << 20) + 1):
            shown = self.send(self.content[:size])
            if not size:
                self.assertEqual((shown["seconds"], shown["mib_per_second"]), (0, None))

    def test_small_region_goes_round(self):
        for size in (4096, 65536, 1 << 20):
            shown = self.send(self.content, "--size", str(size), "--map", self.path("map"))
            self.assertGreaterEqual(self.check_map("map", len(self.content), size), len(self.content) // size)
            self.assertEqual(shown["region"]["size"], size)

    def test_chunks(self):
        for chunk, size in (("1", 3000), ("4095", 1 << 20), ("4096", 1 << 20), ("100001", 4 << 20), ("3M", 4 << 20), ("1G", 4 << 20)):
            self.send(self.content[:size], "--chunk", chunk, "--size", "2M", "--map", self.path("map"))
            most = max(int(line.split()[1]) for line in self.read("map").splitlines())
            self.assertLessEqual(most, min(2 << 20, {"3M": 3 << 20, "1G": 1 << 30}.get(chunk) or int(chunk)))

    def test_ipv6(self):
        try:
            peer = Peer(host="::1")
        except OSError as error:
            self.skipTest(f"no IPv6 on loopback: {error}")
        shown = self.send(self.content, peer=peer)
        self.assertRegex(shown["local"], r"^\[::1\]:\d+$")

    def test_listen(self):
        hosts = ["127.0.0.1"]
        with contextlib.suppress(OSError), socket.create_server(("::1", 0), family=socket.AF_INET6):
            hosts.append("::1")
        for host in hosts:
            ready, theirs = os.pipe()
            with subprocess.Popen([cli.CTL, "-j", "send", "lo", "--region", "memfd", "--listen",
                                   f"[{host}]:0" if ":" in host else f"{host}:0", "--ready-fd", str(theirs), "--sha256",
                                   "--input", self.write("in", self.content)], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, pass_fds=(theirs,)) as process:
                os.close(theirs)
                with os.fdopen(ready) as file:
                    line = file.readline()
                self.assertRegex(line, r"^listening on \S+:\d+\n$")
                received = bytearray()
                with socket.create_connection((host, int(line.rsplit(":", 1)[1]))) as peer:
                    while piece := peer.recv(1 << 20):
                        received += piece
                shown = self.summary(process)
            self.assertEqual(bytes(received), self.content)
            self.assertEqual(shown["sha256"], cli.sha256(self.content))
            self.assertEqual(shown["local"], line.split()[2])

    def test_connected_is_announced(self):
        ready, theirs = os.pipe()
        with Peer() as peer:
            process = self.start(peer.address, "--ready-fd", str(theirs), pass_fds=(theirs,))
            os.close(theirs)
            with os.fdopen(ready) as file:
                self.assertEqual(file.read(), f"connected to {peer.address}\n")
            self.summary(process)

    def test_to_recv(self):
        with cli.Receiver("--once", "-j", "--output", self.path("out")) as receiver:
            self.summary(self.start(f"127.0.0.1:{receiver.port}", "--input", self.write("in", self.content)))
            self.assertEqual(receiver.finish()[0], cli.OK)
        self.assertEqual(self.read("out"), self.content)

    def test_what_the_peer_says_is_dropped(self):
        """Otherwise a peer that answers byte for byte would stall."""
        peer = Peer(lambda connection: echo(peer, connection))

        def echo(peer, connection):
            while piece := connection.recv(1 << 16):
                peer.received += piece
                connection.sendall(piece)
        self.send(self.content * 4, peer=peer)

    def test_peer_that_shuts_down_sending(self):
        """It closes one direction at once, and goes on reading."""
        peer = Peer(lambda connection: (connection.shutdown(socket.SHUT_WR), time.sleep(0.2), peer.read_all(connection)))
        self.send(self.content, peer=peer)

    def test_waits_for_the_peer(self):
        """The command doesn't end before the peer has closed."""
        peer = Peer(lambda connection: (peer.read_all(connection), time.sleep(0.5)))
        with peer:
            started = time.monotonic()
            self.summary(self.start(peer.address, "--input", self.write("in", b"short")))
            self.assertGreater(time.monotonic() - started, 0.4)

    def test_text_summary(self):
        with Peer() as peer:
            result = cli.run("send", "lo", "--region", "memfd", "--connect", peer.address, "--sha256", input=self.content,
                             stdin=None)
        self.assertEqual((result.returncode, result.stderr), (cli.OK, b""))
        text = result.stdout.decode()
        self.assertRegex(text, r"(?m)^bytes +4194304 \(4 MiB\)$")
        self.assertRegex(text, r"(?m)^bytes complete +4194304 \(4 MiB\)$")
        self.assertRegex(text, r"(?m)^mode +plain$")
        self.assertRegex(text, r"(?m)^end +complete$")
        self.assertIn(cli.sha256(self.content), text)
        self.assertNotIn("send calls", text)

    def test_verbose(self):
        with Peer() as peer, subprocess.Popen(
                [cli.CTL, "-v", "send", "lo", "--region", "memfd", "--connect", peer.address],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            process.stdin.write(b"x" * 1000)
            process.stdin.flush()
            time.sleep(1.3)
            out, err = process.communicate(timeout=30)
        self.assertEqual(process.returncode, cli.OK, err)
        self.assertIn(f"connected to {peer.address}", err.decode())
        self.assertRegex(err.decode(), r"(?m)^devmemctl: 1000 B, .* MiB/s, in flight 0 B$")
        self.assertIn(b"send calls", out)

    def test_progress_on_a_terminal(self):
        leader, follower = os.openpty()
        with Peer() as peer, subprocess.Popen(
                [cli.CTL, "send", "lo", "--region", "memfd", "--connect", peer.address],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=follower) as process:
            os.close(follower)
            process.stdin.write(b"x" * 1000)
            process.stdin.flush()
            time.sleep(0.8)
            process.communicate(timeout=30)
        shown = os.read(leader, 65536).decode()
        os.close(leader)
        self.assertRegex(shown, r"\r1000 B, .*in flight 0 B")
        self.assertTrue(shown.endswith("\r\x1b[K"), repr(shown))

    @unittest.skipIf(os.path.exists("/dev/udmabuf"), "there are udmabufs here")
    def test_no_udmabuf(self):
        """Sending is plain then, with one message that says so; unless plain sending can't help."""
        with Peer() as peer:
            result = cli.run("-j", "send", "lo", "--connect", peer.address, input=b"x", stdin=None)
        self.assertEqual(result.returncode, cli.OK)
        self.assert_error(result.stderr, "udmabuf", "memfd", "plain")
        self.assertEqual(json.loads(result.stdout)["region"]["spec"], "memfd")
        for options in (["--region", "udmabuf"], ["--require-device"]):
            self.assert_fails(cli.MISSING, ["send", "lo", "--connect", "127.0.0.1:1", *options], "udmabuf")

    @unittest.skipIf(os.geteuid(), "needs root to become somebody else")
    def test_as_nobody(self):
        with Peer() as peer:
            try:
                process = self.start(peer.address, "--sha256", stdin=subprocess.PIPE, user=65534, group=65534, extra_groups=[], cwd="/")
            except PermissionError as error:
                self.skipTest(f"nobody can't run the command: {error}")
            shown = self.summary(process, input=self.content)
        self.assertEqual(shown["sha256"], cli.sha256(self.content))


class Inputs(TestCase):
    def refused(self, code, *words, args=(), **kwargs):
        """The command fails before it connects."""
        self.assert_fails(code, ["send", "lo", "--region", "memfd", "--connect", "127.0.0.1:1", *args], *words, **kwargs)

    def test_standard_input(self):
        with Peer() as peer, open(self.write("in", self.content), "rb") as file:
            shown = self.summary(self.start(peer.address, "--sha256", stdin=file))
        self.assertEqual(shown["sha256"], cli.sha256(self.content))
        with Peer() as peer:
            shown = self.summary(self.start(peer.address, "--sha256", "--input", "-", stdin=subprocess.PIPE),
                                 input=self.content)
        self.assertEqual(shown["sha256"], cli.sha256(self.content))
        self.assertEqual(bytes(peer.received), self.content)

    def test_slow_pipe(self):
        """Bytes that are there are sent without waiting for more."""
        with Peer() as peer:
            process = self.start(peer.address, stdin=subprocess.PIPE)
            for at in range(5):
                process.stdin.write(self.content[at * 1000:(at + 1) * 1000])
                process.stdin.flush()
                peer.wait_until_received((at + 1) * 1000)
                self.assertEqual(bytes(peer.received), self.content[:(at + 1) * 1000])
            shown = self.summary(process)
        self.assertEqual(shown["bytes"], 5000)

    def test_socket(self):
        ours, theirs = socket.socketpair()
        with ours, Peer() as peer:
            process = self.start(peer.address, stdin=theirs)
            theirs.close()
            ours.sendall(self.content)
            ours.close()
            self.summary(process)
        self.assertEqual(bytes(peer.received), self.content)

    def test_fifo(self):
        """Its writer may open it later."""
        os.mkfifo(self.path("fifo"))
        with Peer() as peer:
            process = self.start(peer.address, "--input", self.path("fifo"))
            time.sleep(0.5)
            self.assertIsNone(process.poll())
            with open(self.path("fifo"), "wb") as fifo:
                fifo.write(self.content)
            self.summary(process)
        self.assertEqual(bytes(peer.received), self.content)

    def test_file_that_shrinks(self):
        """The rest of it is sent, and no byte more."""
        go = threading.Event()
        with Peer(lambda connection: (go.wait(10), peer.read_all(connection))) as peer:
            process = self.start(peer.address, "--input", self.write("in", self.content * 8), "--size", "1M", "--sha256")
            time.sleep(0.5)
            os.truncate(self.path("in"), 1 << 20)
            go.set()
            shown = self.summary(process)
        self.assertGreaterEqual(shown["bytes"], 1 << 20)
        self.assertLess(shown["bytes"], len(self.content) * 8)
        self.assertEqual(bytes(peer.received), (self.content * 8)[:shown["bytes"]])
        self.assertEqual(shown["sha256"], cli.sha256(peer.received))

    def test_no_files(self):
        self.refused(cli.USAGE, self.dir, "directory", args=["--input", self.dir])
        self.refused(cli.USAGE, "no/such", "No such file", args=["--input", self.path("no/such")])
        self.refused(cli.USAGE, "Not a directory", args=["--input", self.write("file", b"") + "/x"])
        directory = os.open(self.dir, os.O_RDONLY)
        self.refused(cli.USAGE, "standard input", "directory", stdin=directory)
        os.close(directory)

    def test_standard_input_that_is_none(self):
        command = ["send", "lo", "--region", "memfd", "--connect", "127.0.0.1:1"]
        result = subprocess.run(["sh", "-c", 'exec "$@" <&-', "sh", cli.CTL, *command], stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, timeout=30)
        self.assertEqual((result.returncode, result.stdout), (cli.USAGE, b""))
        self.assert_error(result.stderr, "standard input", "closed")
        with open(self.path("out"), "wb") as out:
            self.refused(cli.USAGE, "standard input", "not open for reading", stdin=out)

    def test_terminal(self):
        leader, follower = os.openpty()
        try:
            self.refused(cli.USAGE, "terminal", "--input", stdin=follower)
        finally:
            os.close(leader)
            os.close(follower)

    @unittest.skipIf(os.geteuid(), "needs root to become somebody else")
    def test_file_that_may_not_be_read(self):
        os.chmod(self.dir, 0o755)
        secret = self.write("secret", b"x")
        os.chmod(secret, 0)
        try:
            self.refused(cli.MISSING, secret, "Permission denied", args=["--input", secret], user=65534, group=65534,
                         extra_groups=[], cwd="/")
        except PermissionError as error:
            self.skipTest(f"nobody can't run the command: {error}")

    def test_file_that_can_not_be_read(self):
        """It can be opened, but not read."""
        with Peer() as peer:
            shown = self.summary(self.start(peer.address, "--input", "/proc/self/mem"), cli.REFUSED, "error")
        self.assertIn("/proc/self/mem: read", shown["error"])
        self.assertIsInstance(peer.error, ConnectionResetError)


class Failures(TestCase):
    def test_nobody_listens(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            address = "127.0.0.1:%d" % server.getsockname()[1]
        self.assert_fails(cli.REFUSED, ["send", "lo", "--region", "memfd", "--connect", address], address, "lo", "refused")

    def test_peer_that_closes_early(self):
        for serve in (lambda connection: connection.recv(1000),
                      lambda connection: (connection.recv(1000), connection.setsockopt(*LINGER))):
            with Peer(serve) as peer:
                shown = self.summary(self.start(peer.address, "--input", self.write("in", self.content * 8), "--sha256"),
                                     cli.REFUSED, "error")
            self.assertLess(shown["bytes"], len(self.content) * 8)
            self.assertEqual(shown["sha256"], cli.sha256((self.content * 8)[:shown["bytes"]]))

    def test_peer_that_goes_while_the_input_is_quiet(self):
        with Peer(lambda connection: (connection.recv(10), connection.setsockopt(*LINGER))) as peer:
            process = self.start(peer.address, stdin=subprocess.PIPE)
            process.stdin.write(b"x")
            process.stdin.flush()
            self.assertEqual(process.wait(10), cli.REFUSED)
            shown = self.summary(process, cli.REFUSED, "error")
        self.assertEqual(shown["bytes"], 1)

    def test_peer_that_goes_after_its_own_end(self):
        """It has shut down sending before, and its going is still noticed."""
        with Peer(lambda connection: (connection.shutdown(socket.SHUT_WR), connection.recv(10), connection.setsockopt(*LINGER))) as peer:
            process = self.start(peer.address, stdin=subprocess.PIPE)
            time.sleep(0.3)
            process.stdin.write(b"x")
            process.stdin.flush()
            self.assertEqual(process.wait(10), cli.REFUSED)
            self.summary(process, cli.REFUSED, "error")

    def test_peer_that_goes_without_reading_the_rest(self):
        """Everything had been sent, but never arrived."""
        go = threading.Event()
        with Peer(lambda connection: (go.wait(10), connection.setsockopt(*LINGER))) as peer:
            process = self.start(peer.address, "--input", self.write("in", b"x" * 1000))
            time.sleep(0.5)
            self.assertIsNone(process.poll())
            go.set()
            shown = self.summary(process, cli.REFUSED, "error")
        self.assertEqual(shown["bytes"], 1000)

    def test_peer_that_closed_before_it_has_everything(self):
        """Its end was received in order, but it never read what was under way."""
        go = threading.Event()
        with Peer(lambda connection: (connection.shutdown(socket.SHUT_WR), go.wait(10), connection.setsockopt(*LINGER))) as peer:
            peer.server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            process = self.start(peer.address, "--input", self.write("in", b"x" * 100000))
            time.sleep(0.5)
            self.assertIsNone(process.poll())
            go.set()
            self.summary(process, cli.REFUSED, "error")

    def test_full_disk_for_the_map(self):
        with Peer() as peer:
            shown = self.summary(self.start(peer.address, "--map", "/dev/full", "--input", self.write("in", self.content)),
                                 cli.REFUSED, "error")
        self.assertIn("/dev/full: write: No space left", shown["error"])

    def test_map_that_can_not_be(self):
        send = ["send", "lo", "--region", "memfd", "--connect", "127.0.0.1:1"]
        self.assert_fails(cli.USAGE, [*send, "--map", self.dir], self.dir, "directory")
        self.assert_fails(cli.USAGE, [*send, "--map", "-"], "--map")
        self.assert_fails(cli.USAGE, [*send, "--map", ""], "--map", "empty")
        old = self.write("old", b"precious")
        new = self.path("new")
        for name in (old, new):
            self.assert_fails(cli.REFUSED, [*send, "--map", name], "refused")
        self.assert_fails(cli.USAGE, [*send, "--map", old, "--input", old], "old", "--input", "same file")
        os.link(old, self.path("link"))
        with open(old, "rb") as stdin:
            self.assert_fails(cli.USAGE, [*send, "--map", self.path("link")], "link", "same file", stdin=stdin)
        self.assertEqual(self.read("old"), b"precious")
        self.assertFalse(os.path.exists(new))

    def test_summary_into_a_full_disk(self):
        with Peer() as peer, open("/dev/full", "wb") as full:
            result = cli.run("send", "lo", "--region", "memfd", "--connect", peer.address, stdout=full)
        self.assertEqual(result.returncode, cli.REFUSED)
        self.assert_error(result.stderr, "standard output", "No space left")

    def test_regions(self):
        send = ["send", "lo", "--connect", "127.0.0.1:1"]
        self.assert_fails(cli.USAGE, [*send, "--region", "memfd", "--require-device"], "memfd", "no NIC")
        self.assert_fails(cli.USAGE, [*send, "--region", "frobnicate"], "frobnicate")
        self.assert_fails(cli.USAGE, [*send, "--region", "fd:0"], "fd:0", "no dma-buf")

    def test_unknown_interface(self):
        self.assert_fails(cli.MISSING, ["send", "nosuch0", "--region", "memfd", "--connect", "127.0.0.1:1"], "nosuch0")


class Signals(TestCase):
    def test_peer_that_stalls(self):
        """The peer notices that the stream was cut off."""
        go = threading.Event()
        for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            go.clear()
            with Peer(lambda connection: (go.wait(10), peer.read_all(connection))) as peer:
                process = self.start(peer.address, "--input", self.write("in", self.content * 8), "--size", "1M")
                time.sleep(0.5)
                process.send_signal(sig)
                shown = self.summary(process, 128 + sig, signal.Signals(sig).name)
                go.set()
                peer.thread.join(10)
            self.assertGreater(shown["bytes"], 0)
            self.assertIsInstance(peer.error, ConnectionResetError)

    def test_while_the_input_is_quiet(self):
        with Peer() as peer:
            process = self.start(peer.address, stdin=subprocess.PIPE)
            process.stdin.write(b"x" * 5000)
            process.stdin.flush()
            peer.wait_until_received(5000)
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.wait(10), 128 + signal.SIGINT)
            shown = self.summary(process, 128 + signal.SIGINT, "SIGINT")
        self.assertEqual(shown["bytes"], 5000)
        self.assertIsInstance(peer.error, ConnectionResetError)

    def test_under_full_load(self):
        """There is always something to read, and always room."""
        with Peer() as peer:
            process = self.start(peer.address, "--input", "/dev/zero")
            peer.wait_until_received(1)
            process.send_signal(signal.SIGINT)
            shown = self.summary(process, 128 + signal.SIGINT, "SIGINT")
        self.assertGreater(shown["bytes"], 0)

    def test_while_the_peer_stays(self):
        ended, go = threading.Event(), threading.Event()
        with Peer(lambda connection: (peer.read_all(connection), ended.set(), go.wait(10))) as peer:
            process = self.start(peer.address, "--input", self.write("in", b"short"))
            self.assertTrue(ended.wait(10))
            process.send_signal(signal.SIGTERM)
            shown = self.summary(process, 128 + signal.SIGTERM, "SIGTERM")
            go.set()
        # All of it was sent, so the connection isn't reset.
        self.assertEqual((shown["bytes_complete"], bytes(peer.received), peer.error), (5, b"short", None))

    def test_while_connecting(self):
        # A listener whose queue is full leaves connections unanswered.
        with socket.socket() as server, contextlib.ExitStack() as fillers:
            server.bind(("127.0.0.1", 0))
            server.listen(0)
            for _ in range(4):
                filler = fillers.enter_context(socket.socket())
                filler.setblocking(False)
                filler.connect_ex(server.getsockname())
            process = self.start("127.0.0.1:%d" % server.getsockname()[1])
            time.sleep(0.4)
            process.send_signal(signal.SIGINT)
            shown = self.summary(process, 128 + signal.SIGINT, "SIGINT")
            self.assertEqual((shown["bytes"], shown["local"]), (0, None))
            # Long waits are announced.
            process = self.start("127.0.0.1:%d" % server.getsockname()[1])
            self.assertRegex(process.stderr.readline().decode(), r"^devmemctl: 127\.0\.0\.1:\d+: connect through lo: no answer yet\n$")
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.wait(10), 128 + signal.SIGINT)

    def test_while_listening(self):
        for sig in (signal.SIGINT, signal.SIGUSR1):
            ready, theirs = os.pipe()
            with subprocess.Popen([cli.CTL, "-j", "send", "lo", "--region", "memfd", "--listen", "127.0.0.1:0", "--ready-fd",
                                   str(theirs)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, pass_fds=(theirs,)) as process:
                os.close(theirs)
                with os.fdopen(ready) as file:
                    self.assertIn("listening on", file.readline())
                process.send_signal(sig)
                self.assertIsNone(self.summary(process, 128 + sig, signal.Signals(sig).name)["peer"])


class Device(TestCase):
    """Zero-copy sends and their completions, with the fake library."""
    program = cli.FAKE

    def setUp(self):
        super().setUp()
        self.env = {**os.environ, "FAKE_NAME": "lo", "FAKE_LOG": self.path("log")}

    def did(self):
        did = self.read("log").decode().splitlines()
        os.unlink(self.path("log"))
        return did

    def test_summary(self):
        shown = self.send(self.content)
        self.assertEqual((shown["mode"], shown["plain_reason"], shown["binding"]), ("device", None, {"id": 9}))
        self.assertEqual(shown["tx"]["bytes_device"], len(self.content))
        self.assertEqual(self.did(), ["bind_tx lo plain-ok", "tx_open", "ring_open", "tx_close abandon, none in flight", "unbind"])

    def test_waits_for_completions(self):
        """For space in the region, for room in flight, and for all at the end."""
        for how, size in (("", 4 << 20), ("partial", 300000), ("one", 4 << 20)):
            self.env["FAKE_SEND"] = how
            self.send(self.content[:size], "--size", "256K")
            self.assertIn("tx_close abandon, none in flight", self.did())

    def test_quiet_input_and_slow_peer(self):
        go = threading.Event()
        with Peer(lambda connection: (go.wait(10), peer.read_all(connection))) as peer:
            process = self.start(peer.address, "--size", "64K", "--sha256", stdin=subprocess.PIPE)
            threading.Timer(0.5, go.set).start()
            shown = self.summary(process, input=self.content)
        self.assertEqual(shown["sha256"], cli.sha256(self.content))

    def test_no_room_for_a_single_one(self):
        """It fails: waiting would never end."""
        self.env["FAKE_SEND"] = "none"
        with Peer() as peer:
            shown = self.summary(self.start(peer.address, stdin=subprocess.PIPE), cli.REFUSED, "error", input=b"x")
        self.assertIn("explained: No buffer space", shown["error"])

    def test_failure_on_the_way(self):
        self.env["FAKE_SEND"] = "lost"
        with Peer() as peer:
            process = self.start(peer.address, "--chunk", "1000", "--input", self.write("in", self.content))
            shown = self.summary(process, cli.REFUSED, "error")
        self.assertIn("explained: No such device", shown["error"])
        self.assertEqual(shown["bytes"], 2000)
        self.assertIsInstance(peer.error, ConnectionResetError)

    def test_set_up_that_fails(self):
        for fail, did in (("tx_open", ["tx_open", "unbind"]), ("ring_open", ["tx_open", "ring_open", "tx_close abandon, none in flight", "unbind"])):
            self.env["FAKE_FAIL"] = fail
            with Peer() as peer:
                shown = self.summary(self.start(peer.address), cli.REFUSED, "error")
            self.assertIn(fail, shown["error"])
            self.assertEqual(self.did(), ["bind_tx lo plain-ok", *did])
            self.assertIsInstance(peer.error, ConnectionResetError)
        self.env["FAKE_FAIL"] = "bind_tx"
        self.assert_fails(cli.REFUSED, ["send", "lo", "--region", "memfd", "--connect", "127.0.0.1:1"], "bind_tx", program=cli.FAKE, env=self.env)

    def test_interface_that_can_not(self):
        self.env["FAKE_PLAIN"] = "1"
        with Peer() as peer:
            result = cli.run("-j", "send", "lo", "--region", "memfd", "--connect", peer.address, input=self.content, stdin=None,
                             program=cli.FAKE, env=self.env)
        self.assertEqual(result.returncode, cli.OK, result.stderr)
        self.assert_error(result.stderr, "can't send from device memory", "plain")
        shown = json.loads(result.stdout)
        self.assertEqual((shown["mode"], shown["binding"]), ("plain", None))
        self.assertIn("can't send", shown["plain_reason"])
        self.assert_fails(cli.MISSING, ["send", "lo", "--region", "memfd", "--connect", "127.0.0.1:1", "--require-device"],
                          "can't send from device memory", program=cli.FAKE, env=self.env)


if __name__ == "__main__":
    cli.main()
