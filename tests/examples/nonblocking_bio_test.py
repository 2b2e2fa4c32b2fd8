#!/usr/bin/env python3
"""nonblocking_bio goes TLS, raw, TLS, raw on one connection, and both ends agree on what was what."""

import subprocess
import unittest

NONBLOCKING_BIO = "examples/nonblocking_bio"

CLIENT = [
    'client says "let us leave TLS" under TLS',
    "client has sent its close_notify",
    "client has received the peer's close_notify",
    'client says "question" raw',
    'client heard "answer" raw',
    'client says "good bye" under TLS',
    "client has sent its close_notify",
    "client has received the peer's close_notify",
]
SERVER = [
    'server heard "let us leave TLS" under TLS',
    "server has received the peer's close_notify",
    "server has sent its close_notify",
    'server heard "question" raw',
    'server says "answer" raw',
    'server heard "good bye" under TLS',
    "server has received the peer's close_notify",
    "server has sent its close_notify",
]


class NonblockingBioTest(unittest.TestCase):
    def test_switches_back_and_forth(self):
        output = subprocess.run([NONBLOCKING_BIO], check=True, capture_output=True, text=True,
                                timeout=60).stdout.splitlines()
        self.assertEqual([line for line in output if line.startswith("client")], CLIENT)
        self.assertEqual([line for line in output if line.startswith("server")], SERVER)


if __name__ == "__main__":
    unittest.main()
