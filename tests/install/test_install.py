# SPDX-License-Identifier: BSD-3-Clause
"""The installed library as an outsider meets it: found by pkg-config alone, with nothing of the source tree on any path."""

import glob
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest

BUILD, SOURCE = sys.argv[1:3]
CC = os.environ.get("CC", "cc").split()
CXX = os.environ.get("CXX", "").split()
SANITIZE = os.environ.get("SANITIZE", "").split()
SKIP = 77
STRICT = ["-Wall", "-Wextra", "-Werror", "-pedantic"]
CONTENT = bytes(range(256)) * 4096


def names(pattern):
    return sorted(os.path.basename(path) for path in glob.glob(pattern))


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(scratch.cleanup)
        cls.root, cls.work = (os.path.join(scratch.name, name) for name in ("root", "work"))
        os.mkdir(cls.work)
        subprocess.run(["meson", "install", "--no-rebuild", "--quiet", "-C", BUILD], check=True,
                       stdout=subprocess.DEVNULL, env={**os.environ, "DESTDIR": cls.root})
        packages = glob.glob(f"{cls.root}/**/pkgconfig", recursive=True)
        env = {**os.environ, "PKG_CONFIG_PATH": ":".join(packages), "PKG_CONFIG_SYSROOT_DIR": cls.root}

        def pkg_config(what):
            return subprocess.run(["pkg-config", what, "libdevmem"], check=True, env=env,
                                  capture_output=True, text=True).stdout.split()
        cls.cflags, cls.libs = pkg_config("--cflags"), pkg_config("--libs")
        cls.library_path = next(flag[2:] for flag in cls.libs if flag.startswith("-L"))
        cls.headers = os.path.join(next(flag[2:] for flag in cls.cflags if flag.startswith("-I")), "devmem")

    def compile(self, command):
        result = subprocess.run(command, cwd=self.work, capture_output=True, text=True)
        self.assertEqual(result.returncode, 0, " ".join(command) + "\n" + result.stderr)

    def example(self, name):
        """Builds an example from its text alone. Return: the program."""
        shutil.copy(f"{SOURCE}/examples/{name}.c", self.work)
        self.compile([*CC, *STRICT, *SANITIZE, *self.cflags, "-o", name, f"{name}.c", *self.libs])
        return os.path.join(self.work, name)

    def start(self, name, *args):
        process = subprocess.Popen([self.example(name), *args], env={**os.environ, "LD_LIBRARY_PATH": self.library_path},
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def run_example(self, name, *args):
        """Return: exit status, standard output, standard error."""
        process = self.start(name, *args)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err.decode()

    def send(self, port):
        """Sends CONTENT to a program that is about to listen there."""
        for _ in range(200):
            try:
                with socket.create_connection(("127.0.0.1", port)) as peer:
                    peer.sendall(CONTENT)
                    return
            except ConnectionRefusedError:
                time.sleep(0.05)
        self.fail(f"nobody listens at port {port}")

    def test_all_headers_are_installed(self):
        self.assertEqual(names(f"{self.headers}/*"), names(f"{SOURCE}/include/devmem/*.h"))

    def test_each_header_stands_alone(self):
        languages = [(CC, "c11", "c")] + ([(CXX, "c++11", "cc")] if CXX else [])
        for compiler, standard, suffix in languages:
            for header in names(f"{self.headers}/*"):
                with self.subTest(header=header, standard=standard):
                    with open(f"{self.work}/alone.{suffix}", "w") as file:
                        # twice: it has a guard
                        file.write(f"#include <devmem/{header}>\n" * 2 + "int main(void) { return 0; }\n")
                    self.compile([*compiler, *STRICT, f"-std={standard}", *self.cflags, "-c", f"alone.{suffix}"])

    def test_one_program_of_all_headers_in_cxx(self):
        if not CXX:
            self.skipTest("no C++ compiler")
        with open(f"{self.work}/all.cc", "w") as file:
            file.write("#include <devmem/devmem.h>\n"
                       "int main() { return devmem_version() ? 0 : 1; }\n")
        self.compile([*CXX, *STRICT, *SANITIZE, "-std=c++11", *self.cflags, "-o", "all", "all.cc", *self.libs])
        subprocess.run([f"{self.work}/all"], check=True, env={**os.environ, "LD_LIBRARY_PATH": self.library_path})

    def test_each_example_builds_and_runs(self):
        for name in names(f"{SOURCE}/examples/*.c"):
            name = name[:-2]
            with self.subTest(example=name):
                status, out, err = self.run_example(name)
                self.assertEqual((status, out), (1, b""), err)
                self.assertIn("usage: " + name, err)

    def test_examples_receive(self):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        process = self.start("place", "127.0.0.1", str(port))
        self.send(port)
        out, err = process.communicate(timeout=60)
        self.assertEqual((process.returncode, out), (0, CONTENT), err)

        process = self.start("epoll", "127.0.0.1", str(port))
        self.send(port)
        self.assertIn(b"%d bytes" % len(CONTENT), process.stderr.readline())

    def test_examples_name_what_is_missing(self):
        with socket.create_server(("127.0.0.1", 0)) as peer:
            port = str(peer.getsockname()[1])
            for args in (["receive", "nosuch0", "127.0.0.1", "0"], ["send", "nosuch0", "127.0.0.1", port]):
                status, _, err = self.run_example(*args)
                self.assertNotEqual(status, 0, args)
                self.assertIn("nosuch0", err)


if not shutil.which("pkg-config"):
    print("needs pkg-config")
    sys.exit(SKIP)
unittest.main(argv=sys.argv[:1], verbosity=2)
