#!/usr/bin/env python3
"""Bytes that somebody on the path appends to a close_notify.

Armed, they are inner records for an inner TLS, which refuses them. Not armed, the tunnel is reset,
and not one of them arrives. Without this an attacker appends commands to somebody's SSH session.
"""

import concurrent.futures
import ssl
import unittest

import hellos
import inner_tls
import relay_actions as actions
import tls_records
from inner_tls import TlsEnd
from plain_end import PlainEnd
from processes import PATIENCE
from tunnel_case import TunnelCase

INJECTED = hellos.data(b"rm -rf /; a record's body must be longer than its tag")


def behind_close_notify():
    return [actions.Inject(
        actions.at_first_record(tls_records.is_close_notify,
                                plus=tls_records.CLOSE_NOTIFY_SIZE), INJECTED)]


class BytesBehindCloseNotifyAreNotBelievedTest(TunnelCase):
    def setUp(self):
        super().setUp()
        self.destinations = self.listener()
        self.client, self.wire, self.reverse = self.both_proxies(
            self.destinations.getsockname()[1])

    def check_inner_tls_refuses(self, direction):
        self.wire.attack(**{direction: behind_close_notify()})
        browser, destination = self.plain_ends(self.client.port, self.destinations)
        browser = TlsEnd(browser, inner_tls.bob_context(self.pki))
        destination = TlsEnd(destination, inner_tls.server_context(self.pki), server_side=True)
        receiver = destination if direction == "up" else browser
        with self.assertRaises(ssl.SSLError) as refused:
            self.talk(browser, destination, receiver)
        self.assertRegex(refused.exception.reason, inner_tls.REFUSED_RECORD)

    def talk(self, browser, destination, receiver):
        """Raises what the receiver's TLS says."""
        with concurrent.futures.ThreadPoolExecutor() as pool:
            done = {end: pool.submit(end.handshake) for end in (browser, destination)}
            concurrent.futures.wait([done[receiver]], PATIENCE)
            for end in (browser, destination):
                end.fin()
            done[receiver].result(0)

    def test_armed_up(self):
        self.check_inner_tls_refuses("up")

    def test_armed_down(self):
        self.check_inner_tls_refuses("down")

    def check_reset(self, direction, text):
        self.wire.attack(**{direction: behind_close_notify()})
        ends = [PlainEnd(end) for end in self.plain_ends(self.client.port, self.destinations)]
        sender, receiver = ends if direction == "up" else reversed(ends)
        sender.send(text)
        sender.fin()
        # The end of the text was authentic, and may be seen before the reset that follows.
        self.assertFalse(receiver.receive(len(text) + 1))
        self.assertEqual(receiver.received, text)
        self.assertEqual(sender.ending(), "RST")
        proxy = self.reverse if direction == "up" else self.client
        ended = proxy.event("tunnel_end")
        self.assertIn("bytes behind close_notify", ended["ending"])
        self.assertEqual(ended["raw_" + direction], 0)

    def test_not_armed_up(self):
        self.check_reset("up", b"SSH-2.0-client\r\n")

    def test_not_armed_down(self):
        self.check_reset("down", b"SSH-2.0-server\r\n")

    def test_one_hello_alone(self):
        self.check_reset("up", hellos.client_hello())

    def test_an_empty_stream(self):
        self.check_reset("up", b"")


if __name__ == "__main__":
    unittest.main()
