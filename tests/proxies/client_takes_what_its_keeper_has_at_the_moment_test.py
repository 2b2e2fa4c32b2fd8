#!/usr/bin/env python3
"""What a keeper gets or loses while the client proxy runs counts for the next handshake, without a reload.

Without this a user who has just got a certificate must know that a proxy runs, and restart it.
"""

import select
import socket
import unittest

from keeper import Keeper, entry
from kept_case import KeptCase
from proxies import ALICE
from processes import PATIENCE
from raw_client import ask, connected, read_answer

CONNECT = b"CONNECT localhost:9 HTTP/1.1\r\nHost: localhost:9\r\n\r\n"
BOB = "URI:spiffe://corp.example/bob"


class ClientTakesWhatItsKeeperHasAtTheMomentTest(KeptCase):
    def setUp(self):
        super().setUp()
        self.reverse = self.reverse_proxy(9)

    def start_client(self, uri="identity:"):
        client = self.client_proxy(self.reverse.port, **self.kept_client(uri))
        client.event("listening")
        return client

    def next_keeper(self, *entries):
        self.keeper.kill()
        for name in ("other-client", "client-expired"):
            (self.pki / f"{name}.pem").chmod(0o600)
        self.keeper = self.start(Keeper(self.keeper_folder, *entries))

    def bob(self):
        return entry("bob", self.pki / "other-client.pem", "tls-client")

    def ask(self, client):
        """The client proxy's answer for a destination where nobody is."""
        return ask(client.port, CONNECT)

    def test_a_certificate_that_was_not_there_before(self):
        client = self.start_client()
        self.ask(client)
        self.reverse.event("refused", client=ALICE)
        self.next_keeper(self.bob())
        self.ask(client)
        self.reverse.event("refused", client=BOB)

    def test_a_certificate_that_is_not_there_any_more(self):
        client = self.start_client("identity:alice")
        self.next_keeper(self.bob())
        why = 'has no identity "alice"; it has bob'
        page = self.ask(client)
        self.assertEqual(page.status, 502)
        self.assertIn("none fits", page.body)
        self.assertIn(why, page.body)
        self.assertIn(why, client.event("identity_skipped")["reason"])

    def test_what_is_for_something_else_is_named(self):
        self.next_keeper(entry("bob", self.pki / "other-client.pem", "tls-server"))
        client = self.start_client()
        why = 'has no identity whose purpose is "tls-client"; it has bob'
        self.assertIn(why, self.ask(client).body)
        self.assertIn(why, client.event("identity_skipped")["reason"])

    def test_one_that_does_not_fit(self):
        client = self.start_client()
        self.next_keeper(entry("old", self.pki / "client-expired.pem", "tls-client"))
        self.assertIn("CN=expired expired on ", self.ask(client).body)

    def test_a_keeper_that_cannot_be_asked(self):
        client = self.start_client()
        self.keeper.kill()
        self.assertEqual(self.ask(client).status, 502)
        why = client.event("identity_skipped")["reason"]
        self.assertRegex(why, f"^{self.keeper.socket}: Connection refused.*; what it had last is used$")
        self.next_keeper(entry("alice", self.pki / "client.pem", "tls-client"))
        self.ask(client)
        self.reverse.event("refused", client=ALICE)

    def test_a_keeper_that_does_not_answer_holds_up_nobody_else(self):
        client = self.client_proxy(self.reverse.port, threads=1, **self.kept_client("identity:"))
        client.event("listening")
        self.keeper.kill()
        self.keeper.socket.unlink()
        silent = self.enterContext(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET))
        silent.bind(str(self.keeper.socket))
        silent.listen()
        silent.settimeout(PATIENCE)
        with connected(client.port) as held_up:
            held_up.sendall(CONNECT)
            with silent.accept()[0]:  # it asks
                other = ask(client.port, CONNECT.replace(b"localhost", b"127.0.0.1"))
                self.assertEqual(other.status, 502)
                self.assertEqual(select.select([held_up], [], [], 0)[0], [])
                silent.close()
            self.assertEqual(read_answer(held_up).status, 502)


if __name__ == "__main__":
    unittest.main()
