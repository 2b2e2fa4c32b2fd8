#!/usr/bin/env python3
"""A keeper that is killed ends no tunnel; new ones fail and say why, until the next keeper is there.

Without this a keeper that crashes takes every user's connection with it, or leaves an operator
to guess why nobody can make a new one.
"""

import select
import socket
import unittest

from kept_case import KeptCase
from processes import PATIENCE
from raw_client import connected, read_answer


class ProxyGoesOnWhenItsKeeperDiesTest(KeptCase):
    def setUp(self):
        super().setUp()
        self.destination = self.listener()
        self.port = self.destination.getsockname()[1]

    def tunnel(self, client):
        return self.tls_ends(client.port, self.destination)

    def check(self, client, failing):
        """Of `failing`'s log: it names the socket."""
        tunnel = self.tunnel(client)
        self.keeper.kill()
        with self.assertRaisesRegex(AssertionError, "HTTP/1.1 502"):
            self.plain_ends(client.port, self.destination)
        reason = failing.event("refused")["reason"]
        self.assertIn(f"{self.keeper.socket}: Connection refused", reason)
        self.check_that_it_passes_bytes(*tunnel)
        self.keeper = self.start_keeper()
        self.check_that_it_passes_bytes(*self.tunnel(client))
        self.check_that_it_passes_bytes(*tunnel)

    def test_of_the_reverse_proxy(self):
        client, _, reverse = self.both_proxies(self.port, reverse=self.kept_reverse())
        self.check(client, reverse)

    def test_of_the_client_proxy(self):
        client, _, _ = self.both_proxies(self.port, client=self.kept_client())
        self.check(client, client)

    def test_of_the_client_proxy_before_its_first_handshake(self):
        client, _, _ = self.both_proxies(self.port, client=self.kept_client())
        client.event("listening")
        self.keeper.kill()
        with self.assertRaisesRegex(AssertionError, "HTTP/1.1 502"):
            self.plain_ends(client.port, self.destination)
        self.assertIn(f"{self.keeper.socket}: ", client.event("refused")["reason"])
        self.start_keeper()
        self.check_that_it_passes_bytes(*self.tunnel(client))

    def test_of_the_reverse_proxy_when_it_hangs_instead(self):
        """What is under cover passes by the threads that wait for the keeper."""
        client, _, reverse = self.both_proxies(self.port, reverse=self.kept_reverse(threads=1))
        ends = self.plain_ends(client.port, self.destination)
        self.keeper.kill()
        self.keeper.socket.unlink()
        silent = self.enterContext(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET))
        silent.bind(str(self.keeper.socket))
        silent.listen()
        silent.settimeout(PATIENCE)
        with connected(client.port) as held_up:
            held_up.sendall(b"CONNECT localhost:9 HTTP/1.1\r\nHost: localhost:9\r\n\r\n")
            with silent.accept()[0]:  # the reverse proxy asks
                for writer, reader in (ends, reversed(ends)):
                    writer.sendall(b"no TLS")
                    self.assertEqual(reader.recv(6), b"no TLS")
                self.assertEqual(select.select([held_up], [], [], 0)[0], [])  # it still waits
                silent.close()
            self.assertEqual(read_answer(held_up).status, 502)
        reverse.event("refused", stage="handshake")


if __name__ == "__main__":
    unittest.main()
