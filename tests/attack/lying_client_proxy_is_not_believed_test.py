#!/usr/bin/env python3
"""A client of the reverse proxy whose certificate is good, and whose words are not.

Without this it, or whoever took its connection over, speaks in clear to destinations behind the
reverse proxy, in a connection that was authorised.
"""

import contextlib
import socket
import unittest

import hellos
import inner_tls
from inner_tls import TlsEnd
from ordinary_proxy import OrdinaryProxy
from plain_end import PlainEnd
from processes import PATIENCE
from proxies import ALICE, BEHIND_CLOSE_NOTIFY, MODE, OTHER_MODE
from raw_client import alice_context
from tunnel_case import TunnelCase

WRONG_BINDING = f"v=1, when={MODE}, cb=:AAECAwQFBgcICQoLDA0ODw==:"


class LyingClientProxyIsNotBelievedTest(TunnelCase):
    def setUp(self):
        super().setUp()
        self.destinations = self.listener()
        self.port = self.destinations.getsockname()[1]

    def connect(self, **options):
        self.reverse = self.reverse_proxy(self.port, **options)
        address = ("127.0.0.1", self.reverse.port)
        end = self.enterContext(socket.create_connection(address, PATIENCE))
        liar = TlsEnd(end, alice_context(self.pki), server_name="localhost")
        liar.handshake()
        return liar

    def test_half_a_request_and_the_rest_raw(self):
        """What was not authenticated never completes what was."""
        liar = self.connect()
        authority = f"localhost:{self.port}".encode()
        liar.write(b"CONNECT " + authority + b" HTTP/1.1\r\n")
        liar.socket.sendall(liar.close_notify() + b"Host: " + authority + b"\r\n\r\n")
        self.assertEqual(liar.ending(), "RST")
        self.assertIn("before its request was whole",
                      self.reverse.event("refused", stage="request")["reason"])

    def lie(self, field=None, **options):
        """A tunnel of a client that the test plays.

        Returns the client, the destination and the head of the reverse proxy's answer.
        """
        liar = self.connect(**options)
        detach = f"Connection: TLS-Detach\r\nTLS-Detach: {field}\r\n" if field else ""
        authority = f"localhost:{self.port}"
        liar.write(f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n{detach}\r\n".encode())
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            answer += liar.read(1)
        destination = self.enterContext(contextlib.closing(inner_tls.accept(self.destinations)))
        return liar, PlainEnd(destination), answer

    def check_no_agreement(self, answer, reason):
        self.assertTrue(answer.startswith(b"HTTP/1.1 200 "), answer)
        self.assertNotIn(b"TLS-Detach", answer)
        self.assertIn(reason, self.reverse.event("not_detaching", client=ALICE)["reason"])

    def test_another_binding(self):
        self.check_no_agreement(self.lie(WRONG_BINDING)[2], "middlebox")

    def test_an_offer_that_another_connection_made(self):
        thief = self.enterContext(OrdinaryProxy(self.pki))
        for end in self.plain_ends(self.client_proxy(thief.port).port, self.destinations):
            end.close()
        field = next(line for line in thief.requests[0].split("\r\n")
                     if line.startswith("TLS-Detach: "))
        self.check_no_agreement(self.lie(field.partition(": ")[2])[2], "middlebox")

    def test_a_mode_that_is_not_allowed(self):
        self.check_no_agreement(self.lie(WRONG_BINDING.replace(MODE, OTHER_MODE))[2],
                                "not allowed")

    def test_a_field_that_is_none(self):
        self.check_no_agreement(self.lie("covered, please")[2], "TLS-Detach")

    def check_cut(self, field, covered, raw):
        """`covered` under TLS, close_notify, and `raw` behind it, of which nothing may arrive."""
        liar, destination, _ = self.lie(field)
        if covered:
            liar.write(covered)
        close_notify = liar.close_notify()
        liar.socket.sendall(close_notify + raw)
        self.assertFalse(destination.receive(len(covered) + 1))
        self.assertEqual(destination.received, covered)
        ended = self.reverse.event("tunnel_end")
        self.assertIn(BEHIND_CLOSE_NOTIFY, ended["ending"])
        self.assertEqual(ended["raw_up"], 0)

    def test_plain_text_behind_close_notify(self):
        self.check_cut(None, b"", b"GET / HTTP/1.0\r\n\r\n")

    def test_something_like_a_record_behind_close_notify(self):
        self.check_cut(WRONG_BINDING, b"SSH-2.0-client\r\n", hellos.data(b"rm -rf /"))

    def test_both_hellos_of_its_own_making_behind_no_agreement(self):
        self.check_cut(WRONG_BINDING, hellos.client_hello() + hellos.server_hello(), hellos.data())

    def test_a_row_that_says_never(self):
        """`detach = false`: with an offer whose binding is right."""
        row = {"client": ALICE, "destinations": [f"localhost:{self.port}"], "detach": False,
               "networks": ["127.0.0.0/8", "::1/128"]}
        client, _, self.reverse = self.both_proxies(self.port, reverse={"allow": [row]})
        for end in self.plain_ends(client.port, self.destinations):
            end.close()
        for proxy in (client, self.reverse):
            self.assertEqual(proxy.event("tunnel_end")["mode"], "none")
        self.assertIn("not allowed", self.reverse.event("not_detaching")["reason"])


if __name__ == "__main__":
    unittest.main()
