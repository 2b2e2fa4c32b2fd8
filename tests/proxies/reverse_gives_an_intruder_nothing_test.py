#!/usr/bin/env python3
"""Code that runs inside the reverse proxy opens no file outside and starts nothing: on any thread.

Without this a thread that was started too early is free, and so is whoever has come into it.
"""

import ctypes
import os
import pathlib
import tempfile
import unittest

from tunnel_case import TunnelCase

INTRUDER = os.path.abspath("tests/support/intruder.so")
LANDLOCK_CREATE_RULESET = 444  # of any architecture


def kernel_has_landlock():
    """Asks for the version of Landlock that the kernel has."""
    return ctypes.CDLL(None).syscall(LANDLOCK_CREATE_RULESET, None, 0, 1) > 0


class ReverseGivesAnIntruderNothingTest(TunnelCase):
    def setUp(self):
        super().setUp()
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.wanted = folder / "wanted"
        self.wanted.write_text("secret", encoding="utf-8")

    def test_on_each_kind_of_thread(self):
        listener = self.listener()
        client, _, reverse = self.both_proxies(
            listener.getsockname()[1],
            reverse={"threads": 1, "env": {"LD_PRELOAD": INTRUDER,
                                           "INTRUDER_WANTS": str(self.wanted)}})
        browser, destination = self.tls_ends(client.port, listener)
        for writer, reader in ((browser, destination), (destination, browser)):
            writer.write(b"in the relay")
            self.assertEqual(reader.read(12), b"in the relay")
        opened = "EACCES"
        if not kernel_has_landlock():
            print("not looked at: files, as this kernel has no Landlock")
            opened = "done"
        tried = f"open {opened}, fork ENOSYS, execve ENOSYS"
        # One thread looked a name up, one waits for signals, one set the tunnel up, one relays it.
        self.assertEqual(intrusions(reverse, 4),
                         [f"intruder in {function}: {tried}"
                          for function in ("getaddrinfo", "poll", "recv", "recv")])


def intrusions(program, count):
    """Waits for so many lines of the intruder; returns them sorted."""
    found = []

    def take(line):
        if line.startswith("intruder"):
            found.append(line)
        return sorted(found) if len(found) == count else None

    return program.find(take)


if __name__ == "__main__":
    unittest.main()
