#!/usr/bin/env python3
"""At least 99 % of bulk bytes cross both proxies by splice(2), each way: say strace and the log.

Without this the relay may copy through user space and nobody notices but the electricity bill.
"""

import os
import signal
import unittest

import strace
from curl import INNER_NAME, as_bob, curl, through
from tunnel_case import TunnelCase

SIZE = 32 << 20
MOVING = ["splice", "read", "readv", "recvfrom", "recvmsg", "write", "writev", "sendto", "sendmsg",
          "sendfile"]


class TunnelRawBytesPassBySpliceTest(TunnelCase):
    def setUp(self):
        super().setUp()
        self.server = self.nginx(settings="location = /upload { return 200; }")
        self.bulk = self.server.files / "bulk"
        self.bulk.write_bytes(os.urandom(SIZE))

    def transfer(self, name, program, *options):
        """Runs one transfer with `program` under strace; returns its calls."""
        output = self.directory / f"{name}.strace"
        client, _, reverse = self.both_proxies(
            self.server.port, **{program: {"prefix": strace.prefix(output, MOVING)}})
        ran = curl(*as_bob(self.pki), *through(client.port, self.server.port), *options)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        for proxy in (client, reverse):
            self.check_log(proxy.event("tunnel_end"))
        for proxy in (client, reverse):
            proxy.signal(signal.SIGTERM)
            self.assertEqual(proxy.wait(), 0)
        return strace.read(output)

    def check_log(self, ended):
        self.assertGreaterEqual(ended["raw_up"] + ended["raw_down"], SIZE)
        self.assertGreaterEqual(ended["spliced"], 0.99 * SIZE)

    def check(self, *options):
        for program in ("client", "reverse"):
            calls = self.transfer(program, program, *options)
            moved = {True: 0, False: 0}
            for call in calls:
                moved[call.name == "splice"] += max(0, call.result)
            # Each byte is spliced twice: into a pipe and out of it.
            self.assertGreaterEqual(moved[True], 2 * 0.99 * SIZE)
            self.assertLess(moved[False], 0.01 * SIZE)

    def test_down(self):
        self.check("--output", "/dev/null", f"https://{INNER_NAME}/files/bulk")

    def test_up(self):
        self.check("--upload-file", self.bulk, f"https://{INNER_NAME}/upload")


if __name__ == "__main__":
    unittest.main()
