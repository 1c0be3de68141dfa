# SPDX-License-Identifier: BSD-3-Clause
"""In a network namespace of our own, with interfaces whose names and states are ours to choose."""

import json
import os
import shutil
import subprocess
import unittest

import cli


def find_kind():
    """A kind of interface without hardware that this kernel has, and a reason to skip if there is none."""
    if os.geteuid():
        return None, "needs root for a network namespace"
    for tool in ("unshare", "ip"):
        if not shutil.which(tool):
            return None, f"needs {tool}"
    for kind in ("dummy", "bridge", "ifb"):
        probe = subprocess.run(["unshare", "-n", "ip", "link", "add", "probe0", "type", kind], capture_output=True)
        if not probe.returncode:
            return kind, None
    return None, "no interface can be made in a namespace: " + probe.stderr.decode().strip()


KIND, REASON = find_kind()


@unittest.skipIf(REASON, REASON)
class Namespace(cli.TestCase):
    def shell(self, script):
        """Runs a script in a fresh namespace; $CTL is the command, $KIND a kind of interface."""
        return subprocess.run(["unshare", "-n", "sh", "-ec", script], capture_output=True, timeout=60, cwd=self.dir,
                              env={**os.environ, "CTL": cli.CTL, "KIND": KIND})

    def test_all_interfaces(self):
        result = self.shell("ip link add first0 mtu 1400 type $KIND; ip link add second0 type $KIND; "
                            "ip link set first0 up; $CTL -j dev show")
        if result.returncode == cli.MISSING:
            self.skipTest(result.stderr.decode())
        shown = {dev["dev"]: dev for dev in json.loads(result.stdout)}
        self.assertLessEqual({"lo", "first0", "second0"}, set(shown))
        self.assertEqual((shown["first0"]["mtu"], shown["first0"]["up"], shown["second0"]["up"]), (1400, True, False))

    def test_receiving_changes_no_settings(self):
        """A device that can't do it is refused with an error that names it, and stays as it was."""
        result = self.shell("ip link add nic0 type $KIND; ip link set nic0 up; ip link show nic0 >before; "
                            "set +e; $CTL recv nic0 --listen 127.0.0.1:0 --once; code=$?; "
                            "ip link show nic0 | cmp - before >&2 || code=99; exit $code")
        self.assertEqual(result.returncode, cli.MISSING, result.stderr)
        self.assert_error(result.stderr, "nic0")

    def test_name_that_is_not_utf8(self):
        result = self.shell("ip link add \"$(printf 'bad\\377')\" type $KIND; $CTL -j dev show")
        if result.returncode == cli.MISSING:
            self.skipTest(result.stderr.decode())
        self.assertEqual(result.returncode, cli.OK, result.stderr)
        self.assertIn("bad?", {dev["dev"] for dev in json.loads(result.stdout.decode("utf-8"))})

    def test_bind_runs_nothing_when_it_fails(self):
        result = self.shell("ip link add nic0 type $KIND; set +e; $CTL bind rx nic0 -- echo ran; exit $?")
        self.assertNotEqual(result.returncode, 0)
        self.assertEqual(result.stdout, b"")
        self.assert_error(result.stderr)

    def test_addresses_of_another_interface(self):
        """Sockets of send are bound to the interface: an unlikely address is warned of, an impossible one refused."""
        up = "ip link set lo up; ip link add nic0 type $KIND; ip link set nic0 up; ip addr add 192.0.2.1/24 dev nic0; "
        send = "timeout 0.5 $CTL send nic0 --region memfd "
        result = self.shell(up + "set +e; " + send + "--connect 192.0.2.1:9 </dev/null 2>&1 >&-; "
                            + send + "--listen 127.0.0.1:0 </dev/null 2>&1 >&-; exit 0")
        own, foreign = [line for line in result.stdout.decode().splitlines() if line.startswith("devmemctl: --")]
        self.assertEqual(own, "devmemctl: --connect 192.0.2.1:9: an address of this machine, reached through lo, not through nic0")
        self.assertRegex(foreign, r"^devmemctl: --listen 127\.0\.0\.1:0: an address of lo, but only connections through nic0 ")
        result = self.shell(up + "set +e; $CTL send nic0 --region memfd --connect '[fe80::1%lo]:9' </dev/null; exit $?")
        self.assertEqual(result.returncode, cli.USAGE)
        self.assert_error(result.stderr, "[fe80::1%lo]:9", "nic0")
        result = self.shell(up + "ip link set nic0 down; set +e; $CTL send nic0 --region memfd --connect 203.0.113.1:9 </dev/null; exit $?")
        self.assertEqual(result.returncode, cli.REFUSED)
        self.assert_error(result.stderr, "203.0.113.1:9", "through nic0", "unreachable")


if __name__ == "__main__":
    cli.main()
