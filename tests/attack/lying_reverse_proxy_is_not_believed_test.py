#!/usr/bin/env python3
"""A reverse proxy whose certificate is good, and whose words are not.

Without this the client proxy leaves TLS where the two ends do not mean the same thing by it.
"""

import contextlib
import ssl
import unittest

import hellos
import inner_tls
import relay_actions as actions
import tls_records
from inner_tls import Refused, TlsEnd
from ordinary_proxy import OrdinaryProxy
from plain_end import PlainEnd
from proxies import BEHIND_CLOSE_NOTIFY, MODE, OTHER_MODE
from tunnel_case import TunnelCase

# 16 bytes, but not this connection's.
BINDING = "cb=:AAECAwQFBgcICQoLDA0ODw==:"
LISTED = "200 OK\r\nConnection: TLS-Detach\r\n"


class Echo(OrdinaryProxy):
    """Sends the client's own field back."""

    async def open_tunnel(self, head):
        reader, writer, _ = await super().open_tunnel(head)
        field = next(line for line in head.split(b"\r\n") if line.startswith(b"TLS-Detach:"))
        return reader, writer, f"HTTP/1.1 {LISTED}".encode() + field + b"\r\n\r\n"


class LyingReverseProxyIsNotBelievedTest(TunnelCase):
    def setUp(self):
        super().setUp()
        self.destinations = self.listener()

    def check_refused(self, liar, reason):
        client = self.client_proxy(self.enterContext(liar).port)
        with self.assertRaisesRegex(Refused, "HTTP/1.1 502 "):
            self.plain_ends(client.port, self.destinations)
        self.assertIn(reason, client.event("refused")["reason"])

    def check_field(self, field, reason):
        answer = f"{LISTED}TLS-Detach: {field}\r\n\r\n"
        self.check_refused(OrdinaryProxy(self.pki, answer=answer), reason)

    def test_another_binding(self):
        self.check_field(f"v=1, when={MODE}, {BINDING}", "the binding is not this connection's")

    def test_another_mode(self):
        self.check_field(f"v=1, when={OTHER_MODE}, {BINDING}", "another mode")

    def test_another_version(self):
        self.check_field(f"v=2, when={MODE}, {BINDING}", "TLS-Detach")

    def test_no_binding(self):
        self.check_field(f"v=1, when={MODE}", "TLS-Detach")

    def test_the_offer_sent_back(self):
        self.check_refused(Echo(self.pki), "the binding is not this connection's")

    def test_a_field_that_connection_does_not_list(self):
        """It was passed on by somebody who did not know it: as if it were not there."""
        answer = f"200 OK\r\nTLS-Detach: v=1, when={MODE}, {BINDING}\r\n\r\n"
        liar = self.enterContext(OrdinaryProxy(self.pki, answer=answer))
        client = self.client_proxy(liar.port)
        for end in self.plain_ends(client.port, self.destinations):
            end.close()
        self.assertEqual(client.event("tunnel_end")["mode"], "none")

    def start_liar(self, answer, behind):
        """A client proxy whose reverse proxy says `answer` under TLS, and `behind(liar)` raw.

        Returns it, and what has to run as that reverse proxy.
        """
        liars = self.listener()
        client = self.client_proxy(liars.getsockname()[1])
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.pki / "server.pem")

        def lie():
            end = self.enterContext(contextlib.closing(inner_tls.accept(liars)))
            liar = TlsEnd(end, context, server_side=True)
            liar.handshake()
            request = b""
            while not request.endswith(b"\r\n\r\n"):
                request += liar.read(1)
            liar.write(answer)
            end.sendall(behind(liar))

        return client, lie

    def test_half_an_answer_and_the_rest_raw(self):
        """What was not authenticated never completes what was."""
        client, lie = self.start_liar(b"HTTP/1.1 200 OK\r\n",
                                      lambda liar: liar.close_notify() + b"\r\n")
        with self.in_background(lie), self.assertRaisesRegex(Refused, "HTTP/1.1 502 "):
            inner_tls.connect_through(client.port, 9)
        self.assertIn("before its answer was whole", client.event("refused")["reason"])

    def check_behind_the_answer(self, behind, *, reaches=b""):
        """`behind(liar)` is raw behind the 200. `reaches` comes out at the browser."""
        client, lie = self.start_liar(b"HTTP/1.1 200 OK\r\n\r\n" + reaches, behind)
        with self.in_background(lie):
            browser = inner_tls.connect_through(client.port, 9)
            browser = PlainEnd(self.enterContext(contextlib.closing(browser)))
        self.assertFalse(browser.receive(len(reaches) + 1))
        self.assertEqual(browser.received, reaches)
        return client.event("tunnel_end")

    def test_a_detach_without_an_agreement(self):
        ended = self.check_behind_the_answer(lambda liar: liar.close_notify() + hellos.data())
        self.assertIn(BEHIND_CLOSE_NOTIFY, ended["ending"])

    def test_a_server_hello_of_its_own_before_the_detach(self):
        ended = self.check_behind_the_answer(
            lambda liar: liar.close_notify() + hellos.data(), reaches=hellos.server_hello())
        self.assertIn(BEHIND_CLOSE_NOTIFY, ended["ending"])

    def test_raw_bytes_without_close_notify(self):
        ended = self.check_behind_the_answer(lambda liar: hellos.data())
        self.assertRegex(ended["ending"], "TLS|Botan: Invalid authentication tag")
        self.assertEqual(ended["raw_down"], 0)

    def test_an_offer_in_connect_mode_that_is_never_answered(self):
        options = {"detach": {"modes": ["connect"]}}
        answer = actions.Stall(actions.at_first_record(tls_records.is_close_notify))
        client, _, _ = self.both_proxies(
            self.destinations.getsockname()[1], reverse=options, wire={"down": [answer]},
            client={**options, "limits": {"detach": "50ms"}})
        browser = PlainEnd(self.plain_ends(client.port, self.destinations)[0])
        browser.send(hellos.client_hello())
        self.assertEqual(browser.ending(), "RST")
        self.assertIn("no close_notify came back within 50 ms",
                      client.event("tunnel_end")["ending"])


if __name__ == "__main__":
    unittest.main()
