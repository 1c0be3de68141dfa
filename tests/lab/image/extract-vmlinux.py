#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Extracts the ELF kernel from a bzImage. usage: extract-vmlinux.py BZIMAGE VMLINUX

The setup header (Documentation/arch/x86/boot.rst) says where the compressed payload lies.
"""
import struct
import subprocess
import sys

UNPACKERS = {
    b"\x28\xb5\x2f\xfd": ["zstd", "-dc"],
    b"\xfd7zX": ["xz", "-dc", "--single-stream"],
    b"\x1f\x8b\x08": ["gzip", "-dc"],
}


def main(source, target):
    with open(source, "rb") as f:
        image = f.read()
    if image[0x202:0x206] != b"HdrS":
        sys.exit(f"extract-vmlinux: {source} is not a bzImage")
    setup_sectors = image[0x1F1] or 4
    offset, length = struct.unpack_from("<II", image, 0x248)
    start = (setup_sectors + 1) * 512 + offset
    # the last four bytes are the unpacked size, which the unpackers would call trailing garbage
    payload = image[start:start + length - 4]
    size = struct.unpack_from("<I", image, start + length - 4)[0]
    for magic, command in UNPACKERS.items():
        if payload.startswith(magic):
            break
    else:
        sys.exit(f"extract-vmlinux: {source}: unknown compression {payload[:4].hex()}")
    elf = subprocess.run(command, input=payload, stdout=subprocess.PIPE, check=True).stdout
    if not elf.startswith(b"\x7fELF") or len(elf) != size:
        sys.exit(f"extract-vmlinux: {source}: got {len(elf)} bytes, not an ELF file of {size}")
    with open(target, "wb") as f:
        f.write(elf)


main(*sys.argv[1:])
