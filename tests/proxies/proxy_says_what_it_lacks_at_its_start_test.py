#!/usr/bin/env python3
"""A proxy that gets too few descriptors, or threads, ends with one line that says so.

Without this it crashes, and whoever reads its core file thinks of a bug.
"""

import subprocess
import unittest

import proxies
from processes import PATIENCE
from tunnel_case import TunnelCase

MEMORY = 1 << 29  # bytes
THREADS = 256  # their stacks alone take that, of whatever size they are
DESCRIPTORS = 64  # each thread that serves waits by some


class ProxySaysWhatItLacksAtItsStartTest(TunnelCase):
    def check(self, limit, why):
        pid = self.directory / "pid"
        changes = {"threads": THREADS, "pid_file": str(pid)}
        for program, words, config in (
                (proxies.REVERSE_PROXY, [], proxies.reverse_config(self.pki, [9], **changes)),
                (proxies.CLIENT_PROXY, ["run"], proxies.client_config(self.pki, 9, **changes))):
            file = self.directory / "proxy.toml"
            file.write_text(proxies.to_toml(config))
            ended = subprocess.run(["prlimit", limit, program, *words, "--config", file],
                                   capture_output=True, text=True, timeout=PATIENCE, check=False)
            self.assertEqual(ended.returncode, 1, ended.stderr)
            self.assertRegex(ended.stderr.splitlines()[-1], why)
            self.assertFalse(pid.exists())

    def test_descriptors(self):
        self.check(f"--nofile={DESCRIPTORS}:{DESCRIPTORS}", "^cannot serve: .*Too many open files$")

    def test_descriptors_that_it_may_have_for_the_asking(self):
        reverse = self.reverse_proxy(9, prefix=["prlimit", f"--nofile={DESCRIPTORS}:"],
                                     threads=THREADS)
        reverse.event("listening")

    def test_threads(self):
        self.check(f"--as={MEMORY}",
                   "^cannot start the threads that serve: Resource temporarily unavailable$")


if __name__ == "__main__":
    unittest.main()
