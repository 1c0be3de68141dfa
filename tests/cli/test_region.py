# SPDX-License-Identifier: BSD-3-Clause
"""region list and region test, on a machine with or without dma-bufs."""

import json
import os

import cli

KEYS = {"region", "available", "max_bytes", "list_limit", "huge_free_bytes", "reason"}


def providers():
    return {p["region"]: p for p in json.loads(cli.run("-j", "region", "list").stdout)}


class List(cli.TestCase):
    def test_json(self):
        shown = self.assert_json(cli.run("-j", "region", "list"))
        for provider in shown:
            self.assertEqual(set(provider), KEYS)
            if not provider["available"]:
                self.assertTrue(provider["reason"], provider)
        found = providers()
        self.assertTrue(found["memfd"]["available"])
        self.assertIn("udmabuf", found)
        if not os.path.exists("/dev/udmabuf"):
            self.assertFalse(found["udmabuf"]["available"])
            self.assertIn("/dev/udmabuf", found["udmabuf"]["reason"])

    def test_heaps_are_listed(self):
        heaps = os.listdir("/dev/dma_heap") if os.path.isdir("/dev/dma_heap") else []
        self.assertEqual({h for h in providers() if h.startswith("heap:") and h != "heap:NAME"},
                         {f"heap:{name}" for name in heaps})

    def test_text(self):
        result = cli.run("region", "list")
        self.assertEqual(result.returncode, cli.OK)
        self.assertRegex(result.stdout.decode(), r"(?m)^REGION +AVAILABLE ")
        self.assertRegex(result.stdout.decode(), r"(?m)^memfd +yes ")


class Test(cli.TestCase):
    def test_memfd(self):
        shown = self.assert_json(cli.run("-j", "region", "test", "memfd", "--size", "3M"))
        self.assertEqual(shown["region"], "memfd")
        self.assertEqual(shown["size"], 3 << 20)
        self.assertIs(shown["dmabuf"], False)
        self.assertIs(shown["verified"], True)
        for key in ("allocate_seconds", "write_seconds", "verify_seconds"):
            self.assertGreaterEqual(shown[key], 0)

    def test_sizes(self):
        for size, expected in (("4096", 4096), ("4K", 4096), ("8KiB", 8192), ("1m", 1 << 20), ("1052672", 1052672)):
            shown = self.assert_json(cli.run("-j", "region", "test", "memfd", "--size", size))
            self.assertEqual(shown["size"], expected)
        self.assertEqual(json.loads(cli.run("-j", "region", "test", "memfd").stdout)["size"], 64 << 20)

    def test_text(self):
        text = cli.run("region", "test", "memfd", "--size", "2M").stdout.decode()
        self.assertRegex(text, r"(?m)^size +2097152 \(2 MiB\)$")
        self.assertRegex(text, r"(?m)^verified +yes$")

    def test_every_provider_does_what_the_list_says(self):
        for spec, provider in providers().items():
            result = cli.run("-j", "region", "test", spec, "--size", "2M")
            if provider["available"]:
                self.assertIs(self.assert_json(result)["verified"], True)
            else:
                self.assertEqual(result.returncode, cli.MISSING, result.stderr)
                self.assert_error(result.stderr, spec.split(":")[0])

    def test_bad_specs(self):
        for spec in ("frobnicate", "udmabuf:huge=3M", "udmabuf:", "heap:", "heap:a/b", "heap:..", "memfd:x", "fd:", "fd:x",
                     "fd:-1"):
            self.assert_fails(cli.USAGE, ["region", "test", spec, "--size", "2M"])
        self.assert_fails(cli.USAGE, ["region", "test", ""], "SPEC is empty")
        self.assert_fails(cli.MISSING, ["region", "test", "heap:nosuch", "--size", "2M"], "heap:nosuch")

    def test_not_a_dmabuf(self):
        result = cli.run("region", "test", "fd:0")
        self.assertIn(result.returncode, (cli.USAGE, cli.REFUSED))
        self.assert_error(result.stderr, "dma-buf")
        result = cli.run("region", "test", "fd:999")
        self.assertIn(result.returncode, (cli.USAGE, cli.REFUSED))
        self.assert_error(result.stderr, "999")

    def test_more_than_there_is(self):
        result = cli.run("region", "test", "memfd", "--size", "4096T")
        self.assertEqual(result.returncode, cli.REFUSED, result.stderr)
        self.assert_error(result.stderr, "memfd")


if __name__ == "__main__":
    cli.main()
