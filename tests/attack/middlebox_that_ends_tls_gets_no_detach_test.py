#!/usr/bin/env python3
"""A middlebox with keys that both proxies trust ends the outer TLS, and copies every field.

Without the binding the two proxies would leave a TLS that each has with the middlebox alone.
"""

import asyncio
import ssl
import unittest

import hellos
from inner_tls import Refused
from ordinary_proxy import OrdinaryProxy
from plain_end import PlainEnd, converse
from proxies import ALICE
from tunnel_case import TunnelCase


class Middlebox(OrdinaryProxy):
    """Copies the request to the reverse proxy on `port`, and what comes back; or, if `forges`, puts
    the client's own field into the answer."""

    def __init__(self, pki, port, *, forges=False):
        super().__init__(pki)
        self._forges = forges
        self._onward = port
        self._to_reverse_proxy = ssl.create_default_context(cafile=pki / "server-ca.pem")
        self._to_reverse_proxy.load_cert_chain(pki / "client.pem")

    async def open_tunnel(self, head):
        reader, writer = await asyncio.open_connection("localhost", self._onward,
                                                       ssl=self._to_reverse_proxy)
        writer.write(head)
        answer = await reader.readuntil(b"\r\n\r\n")
        if self._forges:
            field = next(line for line in head.split(b"\r\n") if line.startswith(b"TLS-Detach:"))
            answer = b"HTTP/1.1 200 OK\r\nConnection: TLS-Detach\r\n" + field + b"\r\n\r\n"
        return reader, writer, answer


class MiddleboxThatEndsTlsGetsNoDetachTest(TunnelCase):
    def start_proxies(self, **options):
        self.destinations = self.listener()
        self.reverse = self.reverse_proxy(self.destinations.getsockname()[1])
        middlebox = self.enterContext(Middlebox(self.pki, self.reverse.port, **options))
        self.client = self.client_proxy(middlebox.port)

    def test_that_copies(self):
        self.start_proxies()
        browser, destination = map(PlainEnd, self.plain_ends(self.client.port, self.destinations))
        self.assertTrue(converse((browser, destination, hellos.client_hello()),
                                 (destination, browser, hellos.server_hello()),
                                 (destination, browser, hellos.data()),
                                 (browser, destination, hellos.data())))
        self.assertIn("middlebox", self.reverse.event("not_detaching", client=ALICE)["reason"])
        for end in (browser, destination):
            end.fin()
        for proxy in (self.client, self.reverse):
            ended = proxy.event("tunnel_end")
            self.assertEqual((ended["mode"], ended["raw_up"], ended["raw_down"]), ("none", 0, 0))

    def test_that_forges_the_answer(self):
        self.start_proxies(forges=True)
        with self.assertRaisesRegex(Refused, "502"):
            self.plain_ends(self.client.port, self.destinations)
        self.assertIn("TLS-Detach", self.client.event("refused")["reason"])


if __name__ == "__main__":
    unittest.main()
