# SPDX-License-Identifier: BSD-3-Clause
"""recv --place end to end over loopback: what arrives is what was sent, and the summary is true."""

import json
import os
import socket
import time
import unittest

import cli

KEYS = {"dev", "mode", "stream", "local", "peer", "end", "error", "bytes", "seconds", "mib_per_second", "sha256",
        "region", "binding", "drops", "steering", "rx"}
RX_KEYS = {"bytes_device", "bytes_host", "bytes_placed", "fragments_device", "fragments_host", "fragments_placed",
           "recv_calls", "poll_calls", "return_calls", "lowat_calls", "ranges_returned", "fragments_returned",
           "fragments_missing", "held_fragments", "held_bytes", "held_fragments_max", "held_bytes_max", "lowat_timeouts",
           "held_refusals", "foreign_fragments"}


class Stream(cli.TestCase):
    content = cli.data(8 << 20)

    def receive(self, content, *args, **kwargs):
        """Receives one stream. Returns the summary, after the usual checks."""
        with cli.Receiver("--once", "-j", *args, **kwargs) as receiver:
            self.assertRegex(receiver.line, r"^listening on \S+:\d+\n$")
            receiver.send(content)
            code, out, err = receiver.finish()
        self.assertEqual((code, err), (cli.OK, ""))
        self.assertEqual(out.count(b"\n"), 1)
        shown = json.loads(out)
        self.assertEqual(set(shown), KEYS)
        self.assertEqual(set(shown["rx"]), RX_KEYS)
        self.assertEqual(shown["bytes"], len(content))
        self.assertEqual(shown["rx"]["bytes_placed"], len(content))
        self.assertEqual(shown["rx"]["bytes_device"] + shown["rx"]["bytes_host"], 0)
        self.assertEqual((shown["dev"], shown["mode"], shown["stream"], shown["end"], shown["error"]),
                         ("lo", "place", 1, "eof", None))
        self.assertEqual((shown["binding"], shown["steering"], shown["drops"]), (None, None, None))
        return shown

    def check_map(self, name, region):
        """Checks that the fragments of a map lie in the region. Returns their lengths."""
        lengths = []
        for line in self.read(name).decode().splitlines():
            self.assertRegex(line, r"^\d+ \d+$")
            offset, length = map(int, line.split())
            self.assertGreater(length, 0)
            self.assertLessEqual(offset + length, region)
            lengths.append(length)
        return lengths

    def test_everything_at_once(self):
        shown = self.receive(self.content, "--sha256", "--output", self.path("out"), "--map", self.path("map"))
        self.assertEqual(self.read("out"), self.content)
        self.assertEqual(shown["sha256"], cli.sha256(self.content))
        lengths = self.check_map("map", 64 << 20)
        self.assertEqual(sum(lengths), len(self.content))
        self.assertEqual(len(lengths), shown["rx"]["fragments_placed"])
        self.assertEqual(shown["region"]["spec"], "memfd")
        self.assertEqual(shown["region"]["size"], 64 << 20)

    def test_no_sink(self):
        shown = self.receive(self.content)
        self.assertIsNone(shown["sha256"])

    def test_empty_stream(self):
        shown = self.receive(b"", "--sha256", "--output", self.path("out"))
        self.assertEqual(self.read("out"), b"")
        self.assertEqual(shown["sha256"], cli.sha256(b""))

    def test_one_byte(self):
        self.receive(b"x", "--output", self.path("out"))
        self.assertEqual(self.read("out"), b"x")

    def test_small_region_goes_round(self):
        for size in ("4096", "64K", "1M"):
            shown = self.receive(self.content, "--sha256", "--size", size)
            self.assertEqual(shown["sha256"], cli.sha256(self.content), size)

    def test_ipv6(self):
        try:
            with socket.create_server(("::1", 0), family=socket.AF_INET6):
                pass
        except OSError as error:
            self.skipTest(f"no IPv6 on loopback: {error}")
        shown = self.receive(self.content, "--sha256", host="::1")
        self.assertEqual(shown["sha256"], cli.sha256(self.content))
        self.assertRegex(shown["local"], r"^\[::1\]:\d+$")
        self.assertRegex(shown["peer"], r"^\[::1\]:\d+$")

    def test_expect_is_a_hint(self):
        for expect in (1, len(self.content), 1 << 40):
            started = time.monotonic()
            shown = self.receive(self.content, "--sha256", "--expect", str(expect))
            self.assertEqual(shown["sha256"], cli.sha256(self.content), expect)
            self.assertLess(time.monotonic() - started, 10)

    def test_lowat_and_recv_max(self):
        shown = self.receive(self.content, "--sha256", "--lowat", "1", "--recv-max", "4K")
        self.assertEqual(shown["sha256"], cli.sha256(self.content))
        self.assertGreaterEqual(shown["rx"]["recv_calls"], len(self.content) // 4096)

    def test_slow_sender(self):
        with cli.Receiver("--once", "-j", "--sha256") as receiver:
            with receiver.connect() as peer:
                for at in range(5):
                    peer.sendall(self.content[at * 1000:(at + 1) * 1000])
                    time.sleep(0.05)
            code, out, _ = receiver.finish()
        self.assertEqual(code, cli.OK)
        self.assertEqual(json.loads(out)["sha256"], cli.sha256(self.content[:5000]))

    def test_hold(self):
        shown = self.receive(self.content, "--hold", "--map", self.path("map"), "--size", "16M")
        self.assertEqual(shown["rx"]["held_bytes_max"], len(self.content))
        places = sorted(tuple(map(int, line.split())) for line in self.read("map").decode().splitlines())
        self.assertEqual(sum(length for _, length in places), len(self.content))
        # Held, so no place was used twice.
        for (offset, length), (following, _) in zip(places, places[1:]):
            self.assertLessEqual(offset + length, following)

    def test_hold_in_too_small_a_region(self):
        with cli.Receiver("--once", "-j", "--hold", "--size", "1M") as receiver:
            with self.assertRaises(OSError):
                receiver.send(self.content)
                receiver.send(self.content)
            code, out, err = receiver.finish()
        self.assertEqual(code, cli.REFUSED)
        self.assert_error(err, "memfd", "--hold", "--size")
        shown = json.loads(out)
        self.assertEqual(shown["end"], "error")
        self.assertEqual("devmemctl: " + shown["error"] + "\n", err)
        self.assertLessEqual(shown["bytes"], 1 << 20)

    def test_standard_output(self):
        with cli.Receiver("--once", "-j", "--sha256", "--output", "-") as receiver:
            receiver_out = receiver.process
            with receiver.connect() as peer:
                peer.sendall(self.content[:1 << 16])
            out, err = receiver_out.communicate(timeout=30)
        self.assertEqual(receiver_out.returncode, cli.OK)
        self.assertEqual(out, self.content[:1 << 16])
        self.assertEqual(json.loads(err)["sha256"], cli.sha256(out))

    def test_standard_output_into_a_slow_pipe_and_a_socket(self):
        ours, theirs = socket.socketpair()
        with ours, theirs, cli.Receiver("--once", "-j", "--output", "-", stdout=theirs) as receiver:
            theirs.close()
            received = bytearray()
            with receiver.connect() as peer:
                peer.sendall(self.content[:1 << 20])
            while piece := ours.recv(3000):
                received += piece
            self.assertEqual(receiver.process.wait(30), cli.OK)
            receiver.process.stderr.close()
        self.assertEqual(bytes(received), self.content[:1 << 20])

    def test_existing_file_is_emptied(self):
        self.write("out", b"y" * 100000)
        self.receive(b"short", "--output", self.path("out"))
        self.assertEqual(self.read("out"), b"short")

    def test_connect(self):
        with cli.sender(self.content) as address:
            result = cli.run("-j", "recv", "lo", "--place", "--connect", address, "--sha256")
        shown = self.assert_json(result)
        self.assertEqual(shown["sha256"], cli.sha256(self.content))
        self.assertEqual(shown["peer"], address)
        self.assertEqual(shown["end"], "eof")

    def test_several_streams(self):
        second = cli.data(100000, seed=2)
        with cli.Receiver("-j", "--sha256", "--output", self.path("out")) as receiver:
            receiver.send(self.content)
            first = json.loads(receiver.process.stdout.readline())
            receiver.send(second)
            other = json.loads(receiver.process.stdout.readline())
            receiver.process.terminate()
            code, out, err = receiver.finish()
        self.assertEqual((code, out, err), (128 + 15, b"", ""))
        self.assertEqual((first["stream"], first["sha256"]), (1, cli.sha256(self.content)))
        self.assertEqual((other["stream"], other["sha256"]), (2, cli.sha256(second)))
        self.assertEqual(self.read("out"), self.content + second)

    def test_reset_by_the_peer(self):
        with cli.Receiver("--once", "-j") as receiver:
            peer = receiver.connect()
            peer.sendall(b"x" * 1000)
            time.sleep(0.2)
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            peer.close()
            code, out, err = receiver.finish()
        self.assertEqual(code, cli.REFUSED)
        self.assert_error(err, "reset")
        self.assertEqual(json.loads(out)["end"], "error")

    def test_reset_ends_only_its_stream(self):
        with cli.Receiver("-j", "--sha256") as receiver:
            peer = receiver.connect()
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            peer.close()
            self.assertEqual(json.loads(receiver.process.stdout.readline())["end"], "error")
            receiver.send(self.content)
            self.assertEqual(json.loads(receiver.process.stdout.readline())["sha256"], cli.sha256(self.content))
            receiver.process.terminate()
            receiver.finish()

    def test_text_summary(self):
        with cli.Receiver("--once", "--sha256") as receiver:
            receiver.send(self.content)
            code, out, err = receiver.finish()
        self.assertEqual((code, err), (cli.OK, ""))
        text = out.decode()
        self.assertRegex(text, r"(?m)^bytes +8388608 \(8 MiB\)$")
        self.assertRegex(text, r"(?m)^end +eof$")
        self.assertIn(cli.sha256(self.content), text)

    def test_verbose(self):
        with cli.Receiver("--once", "-v") as receiver:
            with receiver.connect() as peer:
                peer.sendall(b"x" * 1000)
                time.sleep(1.2)
            code, _, err = receiver.finish()
        self.assertEqual(code, cli.OK)
        self.assertIn("region memfd", err)
        self.assertRegex(err, r"listening on 127\.0\.0\.1:\d+")
        self.assertRegex(err, r"1000 B, .* MiB/s, fragments 1, held 0")

    def test_progress_on_a_terminal(self):
        leader, follower = os.openpty()
        with cli.Receiver("--once", stderr=follower) as receiver:
            os.close(follower)
            with receiver.connect() as peer:
                peer.sendall(b"x" * 1000)
                time.sleep(0.8)
            code, _, _ = receiver.finish()
        shown = os.read(leader, 65536).decode()
        os.close(leader)
        self.assertEqual(code, cli.OK)
        self.assertIn("listening on", shown)
        self.assertRegex(shown, r"\r1000 B, .*fragments 1")
        self.assertTrue(shown.endswith("\r\x1b[K"), repr(shown))

    @unittest.skipIf(os.geteuid(), "needs root to become somebody else")
    def test_as_nobody(self):
        with cli.Receiver("--once", "-j", "--sha256", user=65534, group=65534, extra_groups=[],
                          cwd="/") as receiver:
            if not receiver.port:
                self.skipTest("nobody can't run the command: " + receiver.finish()[2])
            receiver.send(self.content)
            code, out, _ = receiver.finish()
        self.assertEqual(code, cli.OK)
        self.assertEqual(json.loads(out)["sha256"], cli.sha256(self.content))


if __name__ == "__main__":
    cli.main()
