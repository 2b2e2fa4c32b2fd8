#!/usr/bin/env python3
"""A keeper that hangs fails handshakes after four seconds, with what is wrong, and breaks nothing.

Without this a proxy waits with it, for ever, and its log says nothing that explains it.
"""

import os
import pathlib
import signal
import unittest

from kept_case import OwnKeeperCase, keepers_of, monitor_of
from processes import PATIENCE
from resources import wait_until


class ProxyGivesUpOnAKeeperThatHangsTest(OwnKeeperCase):
    def setUp(self):
        super().setUp()
        self.destination = self.listener()
        self.port = self.destination.getsockname()[1]

    def stop(self, process):
        """All of its threads."""
        os.kill(process, signal.SIGSTOP)
        self.addCleanup(os.kill, process, signal.SIGCONT)
        threads = pathlib.Path(f"/proc/{process}/task")
        wait_until(lambda: all("State:\tT" in (thread / "status").read_text()
                               for thread in threads.iterdir()), "it has stopped")

    def check(self, client, failing):
        """Of `failing`'s log."""
        tunnel = self.tls_ends(client.port, self.destination)
        keeper, = keepers_of(failing)
        self.stop(keeper)
        with self.assertRaisesRegex(AssertionError, "HTTP/1.1 50[24]"):
            self.plain_ends(client.port, self.destination)
        self.assertIn("the keeper of this proxy: has not answered for four seconds",
                      failing.event("refused")["reason"])
        self.check_that_it_passes_bytes(*tunnel)
        os.kill(keeper, signal.SIGCONT)
        self.check_that_it_passes_bytes(*self.tls_ends(client.port, self.destination))
        self.check_that_it_passes_bytes(*tunnel)

    def test_of_the_reverse_proxy(self):
        client, _, reverse = self.both_proxies(self.port, reverse=self.own_reverse())
        self.check(client, reverse)

    def test_of_the_client_proxy(self):
        client, _, _ = self.both_proxies(self.port, client=self.own_client())
        self.check(client, client)

    def test_whoever_ends_a_proxy_does_not_wait_for_the_keeper_of_its_reload(self):
        """Which may take a minute: so long, and what a drain takes, systemd does not wait."""
        for proxy in (self.reverse_proxy(self.port, **self.own_reverse()),
                      self.client_proxy(9, **self.own_client())):
            proxy.event("listening")
            self.stop(monitor_of(proxy))
            proxy.signal(signal.SIGHUP)
            proxy.signal(signal.SIGTERM)
            self.assertEqual(proxy.process.wait(PATIENCE), 0)
            self.assertIn("this program is to end", proxy.event("reload_failed")["reason"])


if __name__ == "__main__":
    unittest.main()
