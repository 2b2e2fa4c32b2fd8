#!/usr/bin/env python3
"""A destination that answers with what is no ServerHello of a suite that stands alone.

Without this a server chooses that its data crosses the wire between the proxies in clear.
"""

import unittest

import hellos
import tls_records
from plain_end import PlainEnd, converse
from tunnel_case import TunnelCase

SECRET = hellos.data(b"in clear, since the suite does not encrypt")


class HostileDestinationNeverArmsTest(TunnelCase):
    def setUp(self):
        super().setUp()
        self.destinations = self.listener()
        self.client, self.wire, self.reverse = self.both_proxies(
            self.destinations.getsockname()[1])

    def run_tunnel(self, *answers):
        """The answers, a ClientHello before each; then data both ways.

        Returns what the relay and the reverse proxy noted of it.
        """
        browser, destination = map(PlainEnd, self.plain_ends(self.client.port, self.destinations))
        steps = []
        for answer in answers:
            steps += [(browser, destination, hellos.client_hello()), (destination, browser, answer)]
        steps += [(browser, destination, SECRET), (destination, browser, SECRET)]
        self.assertTrue(converse(*steps))
        for end in (browser, destination):
            end.fin()
        self.assertEqual((browser.ending(), destination.ending()), ("FIN", "FIN"))
        return self.wire.finished_connection(), self.reverse.event("tunnel_end")

    def check(self, *answers):
        wire, ended = self.run_tunnel(*answers)
        self.assertEqual((ended["mode"], ended["raw_up"], ended["raw_down"]), ("covered", 0, 0))
        for flow in (wire.up, wire.down):
            tls_records.walk(flow.received)
            self.assertNotIn(SECRET, flow.received)

    def test_a_good_one_does_arm(self):
        """The positive control."""
        wire, ended = self.run_tunnel(hellos.server_hello())
        self.assertEqual((ended["raw_up"], ended["raw_down"]), (len(SECRET), len(SECRET)))
        for flow in (wire.up, wire.down):
            self.assertTrue(flow.received.endswith(SECRET))

    def test_a_retry_and_a_good_one_do_arm(self):
        """Another positive control."""
        _, ended = self.run_tunnel(hellos.hello_retry_request(), hellos.server_hello())
        self.assertEqual((ended["raw_up"], ended["raw_down"]), (len(SECRET), len(SECRET)))

    def test_integrity_only_suites_of_rfc_9150(self):
        self.check(hellos.server_hello(0xc0b4))

    def test_integrity_only_suites_of_rfc_9150_sha_384(self):
        self.check(hellos.server_hello(0xc0b5))

    def test_an_unknown_version(self):
        self.check(hellos.server_hello(version=0x0305))

    def test_a_draft_version(self):
        self.check(hellos.server_hello(version=0x7f1c))

    def test_a_suite_of_tls_1_3_in_tls_1_2(self):
        self.check(hellos.server_hello(version=None))

    def test_cbc(self):
        self.check(hellos.server_hello(0xc013, version=None))

    def test_null_encryption(self):
        self.check(hellos.server_hello(0xc010, version=None))

    def test_a_huge_server_hello(self):
        self.check(hellos.server_hello(padding=9000))

    def test_retries_without_end(self):
        self.check(*[hellos.hello_retry_request()] * 3, hellos.server_hello())

    def test_a_retry_alone(self):
        self.check(hellos.hello_retry_request())

    def test_data_before_the_server_hello(self):
        self.check(SECRET + hellos.server_hello())

    def test_another_message_before_the_server_hello(self):
        self.check(hellos.record(tls_records.HANDSHAKE, b"\x0b\0\0\4cert") + hellos.server_hello())

    def test_bytes_behind_the_server_hello_that_are_no_record(self):
        """They break the destination's direction; the browser's is armed, and may be raw."""
        wire, ended = self.run_tunnel(hellos.server_hello() + b"no record at all")
        self.assertEqual((ended["raw_up"], ended["raw_down"]), (len(SECRET), 0))
        self.assertNotIn(SECRET, wire.down.received)


if __name__ == "__main__":
    unittest.main()
