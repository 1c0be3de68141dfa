# SPDX-License-Identifier: BSD-3-Clause
"""Signals end recv with a summary, wherever it waits, and never leave a half-written answer."""

import json
import os
import signal
import socket
import subprocess
import time

import cli


class Signals(cli.TestCase):
    def ended(self, receiver, sig):
        code, out, err = receiver.finish(timeout=10)
        self.assertEqual(code, 128 + sig, err)
        shown = json.loads(out)
        self.assertEqual(shown["end"], signal.Signals(sig).name)
        return shown

    def test_while_listening(self):
        for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1):
            with cli.Receiver("-j") as receiver:
                receiver.process.send_signal(sig)
                self.assertEqual(self.ended(receiver, sig)["stream"], 0)

    def test_in_the_middle_of_a_stream(self):
        for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            out = self.path(f"out{sig}")
            with cli.Receiver("-j", "--once", "--sha256", "--output", out) as receiver, receiver.connect() as peer:
                peer.sendall(b"x" * 5000)
                for _ in range(100):
                    if os.path.getsize(out) == 5000:
                        break
                    time.sleep(0.05)
                receiver.process.send_signal(sig)
                shown = self.ended(receiver, sig)
            self.assertEqual((shown["stream"], shown["bytes"]), (1, 5000))
            self.assertEqual(shown["sha256"], cli.sha256(b"x" * 5000))

    def test_under_full_load(self):
        """Signals are noticed although there is always something to receive."""
        with cli.Receiver("-j", "--once") as receiver, receiver.connect() as peer:
            sender = subprocess.Popen(["cat", "/dev/zero"], stdout=peer.fileno(), stderr=subprocess.DEVNULL)
            time.sleep(0.5)
            receiver.process.send_signal(signal.SIGINT)
            shown = self.ended(receiver, signal.SIGINT)
            sender.kill()
            sender.wait()
        self.assertGreater(shown["bytes"], 0)

    def test_while_a_reader_is_slow(self):
        """A full pipe on standard output doesn't keep the command from ending."""
        with cli.Receiver("-j", "--once", "--output", "-") as receiver, receiver.connect() as peer:
            peer.sendall(b"x" * (1 << 20))
            time.sleep(0.5)
            receiver.process.send_signal(signal.SIGTERM)
            self.assertEqual(receiver.process.wait(10), 128 + signal.SIGTERM)
            _, out, err = receiver.finish()
        self.assertEqual(json.loads(err)["end"], "SIGTERM")
        self.assertLess(len(out), 1 << 20)

    def test_while_connecting(self):
        # A listener whose queue is full leaves connections unanswered.
        with socket.socket() as server:
            server.bind(("127.0.0.1", 0))
            server.listen(0)
            address = "127.0.0.1:%d" % server.getsockname()[1]
            fillers = []
            for _ in range(4):
                filler = socket.socket()
                filler.setblocking(False)
                filler.connect_ex(server.getsockname())
                fillers.append(filler)
            with subprocess.Popen([cli.CTL, "-j", "recv", "lo", "--place", "--connect", address],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
                time.sleep(0.4)
                process.send_signal(signal.SIGINT)
                out, err = process.communicate(timeout=10)
            for filler in fillers:
                filler.close()
        self.assertEqual(process.returncode, 128 + signal.SIGINT, err)
        self.assertEqual(json.loads(out)["stream"], 0)

    def test_several_signals_at_once(self):
        with cli.Receiver("-j") as receiver:
            for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                receiver.process.send_signal(sig)
            code, out, _ = receiver.finish()
        self.assertIn(code, (128 + signal.SIGINT, 128 + signal.SIGTERM, 128 + signal.SIGHUP))
        json.loads(out)

    def test_nohup(self):
        with cli.Receiver("-j", prefix=["nohup"]) as receiver:
            receiver.process.send_signal(signal.SIGHUP)
            time.sleep(0.3)
            self.assertIsNone(receiver.process.poll())
            receiver.process.send_signal(signal.SIGINT)
            code, _, _ = receiver.finish()
        self.assertEqual(code, 128 + signal.SIGINT)

    def test_file_is_left_alone_if_no_stream_came(self):
        old = self.write("old", b"precious")
        new = self.path("new")
        with cli.Receiver("--output", old, "--map", new) as receiver:
            receiver.process.send_signal(signal.SIGINT)
            receiver.finish()
        self.assertEqual(self.read("old"), b"precious")
        self.assertFalse(os.path.exists(new))


if __name__ == "__main__":
    cli.main()
