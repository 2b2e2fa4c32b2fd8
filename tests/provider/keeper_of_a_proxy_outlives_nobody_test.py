#!/usr/bin/env python3
"""A keeper that a proxy has started ends with it, whatever else that proxy has done.

Without this keys lie in the memory of a process that nobody knows of: of a proxy that somebody had
broken into, or of a token that had never answered.
"""

import os
import pathlib
import select
import signal
import socket
import subprocess
import tempfile
import unittest

from keeper import KEEPER, make_identity
from processes import PATIENCE
from tokens import HANGING_TOKEN


def row(uri):
    return f'[[keeper.identity]]\nname = "web"\nuri = "{uri}"\n'


def pair():
    ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for end in ends:
        end.settimeout(PATIENCE)
    return ends


class KeeperOfAProxyOutlivesNobodyTest(unittest.TestCase):
    """This test is the proxy."""

    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.gate = self.folder / "gate"

    def start(self, config_text, purpose="tls-server", **environment):
        config = self.folder / "proxy.toml"
        config.write_text(config_text)
        self.control, theirs = pair()
        self.monitor = self.enterContext(subprocess.Popen(
            [KEEPER, "--config", config, "--purpose", purpose,
             "--monitor-fd", str(theirs.fileno())],
            pass_fds=[theirs.fileno()], stderr=subprocess.DEVNULL,
            env={**os.environ, **environment}))
        theirs.close()
        self.addCleanup(self.monitor.kill)
        self.channel = self.ask(self.control)

    def start_with_a_key(self):
        identity = make_identity(self.folder, "web", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
        self.start(row(f"file:{identity}"))
        self.assertEqual(self.channel.recv(100), b"ready")
        self.find_keeper()

    def find_keeper(self):
        children = pathlib.Path(f"/proc/{self.monitor.pid}/task/{self.monitor.pid}/children")
        self.keeper = int(children.read_text())
        self.end = os.pidfd_open(self.keeper)
        self.addCleanup(os.close, self.end)

    def ask(self, channel):
        """Sends the other end of what it returns."""
        ours, theirs = pair()
        socket.send_fds(channel, [b"x"], [theirs.fileno()])
        theirs.close()
        return ours

    def check_that_the_keeper_ends(self):
        self.channel.close()
        ended = bool(select.select([self.end], [], [], PATIENCE)[0])
        if not ended:
            signal.pidfd_send_signal(self.end, signal.SIGKILL)
        self.assertTrue(ended)

    def check_that_all_end(self):
        self.control.close()
        self.check_that_the_keeper_ends()
        self.assertEqual(self.monitor.wait(PATIENCE), 0)

    def test_that_was_sent_both_ends_of_its_connections(self):
        """Which then never end: neither that one nor the channel itself."""
        self.start_with_a_key()
        with self.ask(self.channel) as ours:
            socket.send_fds(self.channel, [b"x"], [ours.fileno()])
        socket.send_fds(self.channel, [b"x"], [self.channel.fileno()])
        self.check_that_all_end()

    def test_that_hangs_in_a_token_while_nobody_waits_for_it(self):
        os.mkfifo(self.gate)
        self.start(row(HANGING_TOKEN), DETACH_TEST_GATE=str(self.gate))
        with self.gate.open("wb"):  # which the keeper has opened, too
            self.find_keeper()
            self.check_that_the_keeper_ends()
        self.control.close()
        self.assertEqual(self.monitor.wait(PATIENCE), 0)

    def test_that_hangs_in_a_module_while_it_exits(self):
        """Nor does it hold up those who wait for the next keeper."""
        os.mkfifo(self.gate)
        self.start(f'identities = ["{HANGING_TOKEN}"]\n', "tls-client",
                   DETACH_TEST_EXIT=str(self.gate))
        self.assertEqual(self.channel.recv(100), b"ready")
        self.find_keeper()
        self.channel.close()
        with self.gate.open("wb"):  # which the keeper has opened, too
            with self.ask(self.control) as another:
                self.assertEqual(another.recv(100), b"ready")
            self.control.close()
            self.assertEqual(self.monitor.wait(PATIENCE), 0)
            self.assertTrue(select.select([self.end], [], [], PATIENCE)[0])

    def test_has_the_name_of_its_program(self):
        self.start_with_a_key()
        self.assertEqual(pathlib.Path(f"/proc/{self.keeper}/comm").read_text(), "detach-keeper\n")
        self.check_that_all_end()

    def test_gives_nothing_that_it_has_open_to_a_program_that_a_module_starts(self):
        self.start_with_a_key()
        for descriptor in pathlib.Path(f"/proc/{self.keeper}/fdinfo").iterdir():
            flags = int(descriptor.read_text().partition("flags:")[2].split()[0], 8)
            with self.subTest(descriptor=descriptor.name):
                self.assertEqual(bool(flags & os.O_CLOEXEC), int(descriptor.name) > 2)
        self.check_that_all_end()


if __name__ == "__main__":
    unittest.main()
