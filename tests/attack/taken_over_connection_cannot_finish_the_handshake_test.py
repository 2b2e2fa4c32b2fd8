#!/usr/bin/env python3
"""An attacker with a valid certificate of the destination takes the connection over when it is raw.

Under cover it saw no ClientHello, and can only kill. Without the cover rule it is the destination,
behind the reverse proxy's back: in connect mode the same attacker succeeds.
"""

import concurrent.futures
import contextlib
import socket
import ssl
import unittest

import inner_tls
import relay_actions as actions
import tls_records
from inner_tls import TlsEnd
from processes import PATIENCE
from tunnel_case import TunnelCase

CONNECT_ONLY = {"detach": {"modes": ["connect"]}}


class TakenOverConnectionCannotFinishTheHandshakeTest(TunnelCase):
    def attack(self, options):
        """The relay puts the attacker in the server's place right behind its close_notify."""
        self.destinations, self.attackers = self.listener(), self.listener()
        take_over = actions.TakeOver(
            actions.at_first_record(lambda record: record.size == tls_records.CLOSE_NOTIFY_SIZE,
                                    plus=tls_records.CLOSE_NOTIFY_SIZE),
            self.attackers.getsockname())
        self.client, self.wire, self.reverse = self.both_proxies(
            self.destinations.getsockname()[1], reverse=options, client=options,
            wire={"down": [take_over]})
        browser, destination = self.plain_ends(self.client.port, self.destinations)
        return (TlsEnd(browser, inner_tls.bob_context(self.pki)),
                TlsEnd(destination, inner_tls.server_context(self.pki), server_side=True))

    def attacker(self):
        """A server with the destination's own certificate and key."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.pki / "server.pem")
        end = inner_tls.accept(self.attackers)
        self.enterContext(contextlib.closing(end))
        return TlsEnd(end, context, server_side=True)

    def flight_of_its_own(self):
        """What the attacker's server says to a client of the attacker's."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.pki / "server.pem")
        asks, says, unread = ssl.MemoryBIO(), ssl.MemoryBIO(), ssl.MemoryBIO()
        client = inner_tls.bob_context(self.pki).wrap_bio(unread, asks,
                                                          server_hostname=inner_tls.INNER_NAME)
        server = context.wrap_bio(asks, says, server_side=True)
        for end in (client, server):
            self.assertRaises(ssl.SSLWantReadError, end.do_handshake)
        return says.read()

    def test_in_covered_mode_it_cannot(self):
        browser, destination = self.attack({})
        with concurrent.futures.ThreadPoolExecutor() as pool:
            shaking = pool.submit(browser.handshake)
            answering = pool.submit(destination.handshake)
            attacker = self.attacker()
            # The records behind its own ServerHello: with anything but a record of type 23 in
            # front, the client proxy would cut the tunnel.
            flight = self.flight_of_its_own()
            first = next(record for record in tls_records.walk(flight)
                         if record.type == tls_records.APPLICATION_DATA)
            attacker.socket.sendall(flight[first.start:])
            with self.assertRaises(ssl.SSLError) as refused:
                shaking.result(PATIENCE)
            self.assertRegex(refused.exception.reason, inner_tls.REFUSED_RECORD)
            browser.fin()
            destination.socket.shutdown(socket.SHUT_RDWR)
            answering.exception(PATIENCE)
        sent = bytes(self.wire.connection().up.received)
        self.assertNotIn(inner_tls.INNER_NAME.encode(), sent)
        self.assertRaises(ssl.SSLError, attacker.handshake)

    def test_in_connect_mode_it_can(self):
        """The positive control."""
        browser, _ = self.attack(CONNECT_ONLY)
        with concurrent.futures.ThreadPoolExecutor() as pool:
            shaking = pool.submit(browser.handshake)
            attacker = self.attacker()
            attacker.handshake()
            shaking.result(PATIENCE)
        browser.write(b"the secret")
        self.assertEqual(attacker.read(10), b"the secret")


if __name__ == "__main__":
    unittest.main()
