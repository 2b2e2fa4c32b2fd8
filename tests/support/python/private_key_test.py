#!/usr/bin/env python3
"""The search for a private key finds each number in each way of writing, wherever memory is readable.

Without this "nothing was found" may mean that the search does not look there.
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from keeper import KEY_TYPES, make_identity, openssl
from private_key import components, found_in, found_in_core
from processes import Program

# Reads from its standard input what it then has in one mapping, and nowhere else.
HOLDER = """
import mmap, os, sys
kind, size, file = sys.argv[1], int(sys.argv[2]), sys.argv[3]
where = os.open(file, os.O_RDWR | os.O_CREAT) if kind == "file" else -1
if kind == "file":
    os.ftruncate(where, 8192)
flags = mmap.MAP_PRIVATE if kind == "private" else mmap.MAP_SHARED
region = mmap.mmap(where, 8192, flags)
if kind == "left_out_of_core_files":
    region.madvise(mmap.MADV_DONTDUMP)
at = 4096 - size // 2  # on two pages
assert os.readv(0, [memoryview(region)[at:at + size]]) == size
print("there", flush=True)
os.read(0, 1)
"""
IN_A_CORE_FILE = ("private", "shared", "left_out_of_core_files")
NUMBER = os.urandom(33)  # no whole number of words


class PrivateKeyTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def holder(self, mapping, contents):
        """A process that has these bytes in such a mapping."""
        program = self.enterContext(Program(
            [sys.executable, "-c", HOLDER, mapping, len(contents), self.folder / "mapped"],
            stdin=subprocess.PIPE))
        os.write(program.process.stdin.fileno(), contents)
        program.find(lambda line: True if line == "there" else None)
        return program.pid

    def test_finds_a_number_in_each_kind_of_mapping(self):
        wanted = {"number": NUMBER, "another": os.urandom(33)}
        for mapping in (*IN_A_CORE_FILE, "file"):
            with self.subTest(mapping):
                pid = self.holder(mapping, NUMBER)
                self.assertEqual(found_in(pid, wanted), {"number"})
                if mapping in IN_A_CORE_FILE:
                    self.assertEqual(found_in_core(pid, wanted, self.folder), {"number"})

    def test_finds_a_number_however_it_is_written(self):
        def most_significant_first(word):
            least_first = NUMBER[::-1].ljust(40, b"\0")
            return b"".join(least_first[i:i + word] for i in reversed(range(0, 40, word)))

        for name, form in {
                "the most significant byte first": NUMBER,
                "the least significant byte first": NUMBER[::-1],
                "the most significant word of 8 bytes first": most_significant_first(8),
                "the most significant word of 4 bytes first": most_significant_first(4)}.items():
            with self.subTest(name):
                self.assertEqual(found_in(self.holder("private", form), {"number": NUMBER}),
                                 {"number"})

    def test_finds_no_number_of_which_a_byte_is_missing(self):
        pid = self.holder("private", NUMBER[1:])
        self.assertEqual(found_in(pid, {"number": NUMBER}), set())

    def test_knows_each_number_of_a_key(self):
        """By what they are to each other (RFC 8017 §3.2, SEC 1 §3.2.1)."""
        make_identity(self.folder, "rsa", *KEY_TYPES["rsa"])
        numbers = {name: int.from_bytes(number, "big")
                   for name, number in components(self.folder / "rsa.key").items()}
        d, p, q = (numbers.pop(name) for name in ("d", "p", "q"))
        self.assertEqual(numbers, {"dp": d % (p - 1), "dq": d % (q - 1), "qinv": pow(q, -1, p)})
        self.assertEqual(pow(pow(2, 65537, p * q), d, p * q), 2)
        for name, size in (("p256", 32), ("p384", 48), ("p521", 66), ("ed25519", 32)):
            key = make_identity(self.folder, name, *KEY_TYPES[name]).with_suffix(".key")
            numbers = components(key)
            self.assertTrue(numbers)
            first = next(iter(numbers.values()))
            self.assertIn(first.rjust(size, b"\0"), openssl("pkey", "-in", key, "-outform", "DER"))


if __name__ == "__main__":
    unittest.main()
