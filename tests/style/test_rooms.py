# SPDX-License-Identifier: BSD-3-Clause
"""Which room of lib/ may include which, and that ARCHITECTURE.md shows the same table."""

import os
import re
import sys
import unittest

SOURCE = sys.argv[1]
LIB = os.path.join(SOURCE, "lib")
PUBLIC_HEADERS = os.path.join(SOURCE, "include", "devmem")

# A room includes itself, the rooms that are named here, and the public headers of both.
MAY_INCLUDE = {
    "uapi": "",
    "core": "uapi",
    "netlink": "core uapi",
    "nic": "netlink core uapi",
    "region": "core uapi",
    "bind": "nic netlink region core uapi",
    "reserve": "nic core uapi",
    "rx": "bind region core uapi",
    "tx": "bind nic region core uapi",
}
PUBLIC = {
    "core": "api error version",
    "nic": "netdev flow",
    "region": "region",
    "bind": "binding inherit",
    "reserve": "reservation",
    "rx": "rx",
    "tx": "tx tx_ring",
}
ROOM_OF_PUBLIC = {f"devmem/{name}.h": room for room, names in PUBLIC.items() for name in names.split()}


def files():
    """Every C file and public header: its path, and the room that it belongs to."""
    for folder, _, names in os.walk(LIB):
        for name in sorted(names):
            if name.endswith((".c", ".h")):
                path = os.path.join(folder, name)
                yield path, os.path.relpath(path, LIB).split("/")[0]
    for name, room in ROOM_OF_PUBLIC.items():
        yield os.path.join(PUBLIC_HEADERS, os.path.basename(name)), room


def includes():
    """Every #include: where it is, the room of that file, what it includes, and whether in quotes."""
    for path, room in files():
        with open(path) as file:
            for number, line in enumerate(file, 1):
                match = re.match(r'\s*#\s*include\s+(["<])([^">]+)[">]', line)
                if match:
                    yield f"{os.path.relpath(path, SOURCE)}:{number}", room, match[2], match[1] == '"'


class Rooms(unittest.TestCase):
    def test_every_file_is_in_a_room(self):
        rooms = {name for name in os.listdir(LIB) if os.path.isdir(os.path.join(LIB, name))}
        self.assertEqual(rooms, set(MAY_INCLUDE))
        self.assertEqual([name for name in os.listdir(LIB) if name.endswith((".c", ".h"))], [])
        headers = {f"devmem/{name}" for name in os.listdir(PUBLIC_HEADERS) if name.endswith(".h")}
        self.assertEqual(headers - {"devmem/devmem.h"}, set(ROOM_OF_PUBLIC))

    def test_direction(self):
        wrong, seen = [], set()
        for where, room, target, quoted in includes():
            if not quoted and not target.startswith("devmem/"):
                if room == "core" and target.startswith(("libmnl/", "linux/netlink", "linux/genetlink")):
                    wrong.append(f"{where}: <{target}>: netlink has no place in core")
                continue
            if quoted and not os.path.exists(os.path.join(LIB, target)):
                wrong.append(f'{where}: "{target}": not ROOM/FILE, counted from lib/')
                continue
            other = target.split("/")[0] if quoted else ROOM_OF_PUBLIC.get(target)
            seen.add((room, other))
            if other != room and other not in MAY_INCLUDE[room].split():
                wrong.append(f"{where}: {target}: {room} may include: {MAY_INCLUDE[room] or 'nothing'}")
        self.assertEqual(wrong, [], "\n" + "\n".join(wrong))
        allowed = {(room, other) for room, others in MAY_INCLUDE.items() for other in others.split()}
        unused = allowed - seen
        self.assertEqual(unused, set(), "nobody needs these: take them out of the table")

    def test_no_circle(self):
        done = set()
        while len(done) < len(MAY_INCLUDE):
            free = {room for room, others in MAY_INCLUDE.items() if set(others.split()) <= done} - done
            self.assertTrue(free, f"a circle among {set(MAY_INCLUDE) - done}")
            done |= free

    def test_architecture_shows_the_table(self):
        with open(os.path.join(SOURCE, "ARCHITECTURE.md")) as file:
            shown = re.findall(r"^\| `(\w+)` \|.*\|([\w, ]*)\|$", file.read(), re.MULTILINE)
        self.assertEqual({room: set(re.findall(r"\w+", others)) for room, others in shown},
                         {room: set(others.split()) for room, others in MAY_INCLUDE.items()})


unittest.main(argv=sys.argv[:1], verbosity=2)
