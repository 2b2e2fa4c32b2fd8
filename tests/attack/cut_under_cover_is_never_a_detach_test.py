#!/usr/bin/env python3
"""FIN or RST where close_notify was due, at every byte of the covered phase: both ends get RST.

Without this whoever cuts the wire decides that a direction is raw, or that an answer is complete.
"""

import unittest

import hellos
import relay_actions as actions
import tls_records
from plain_end import PlainEnd, converse
from tunnel_case import TunnelCase


class CutUnderCoverIsNeverADetachTest(TunnelCase):
    def setUp(self):
        super().setUp()
        self.destinations = self.listener()
        self.client, self.wire, self.reverse = self.both_proxies(
            self.destinations.getsockname()[1])

    def ends(self):
        return map(PlainEnd, self.plain_ends(self.client.port, self.destinations))

    def converse(self, browser, destination):
        return converse((browser, destination, hellos.client_hello()),
                        (destination, browser, hellos.server_hello()),
                        (destination, browser, hellos.data()),
                        (browser, destination, hellos.data()))

    def covered_records(self, direction):
        """Numbers and sizes of the records from the first inner byte to close_notify."""
        browser, destination = self.ends()
        self.assertTrue(self.converse(browser, destination), "the tunnel does not even work")
        wire = self.wire.connection()
        records = tls_records.walk(getattr(wire, direction).received)  # before it is passed on
        first = len(records) - 3  # the hello, close_notify, the raw record
        self.assertEqual(records[first + 1].size, tls_records.CLOSE_NOTIFY_SIZE)
        for end in (browser, destination):
            end.socket.close()
        for proxy in (self.client, self.reverse):
            proxy.event("tunnel_end")
        return [(first + number, records[first + number].size) for number in range(2)]

    def check(self, direction, action):
        records = self.covered_records(direction)
        # Not the very first: before it stands the CONNECT exchange.
        places = [(number, plus) for number, size in records for plus in range(size)][1:]
        for number, plus in places:
            with self.subTest(record=number, byte=plus):
                self.wire.attack(**{direction: [action(actions.at_record(number, plus))]})
                browser, destination = self.ends()
                self.assertFalse(self.converse(browser, destination))
                self.assertEqual((browser.ending(), destination.ending()), ("RST", "RST"))
                for end in (browser, destination):
                    end.socket.close()
        receiver = self.reverse if direction == "up" else self.client
        ended = receiver.wait_for_events("tunnel_end", 1 + len(places))[1:]
        self.assertEqual([event["raw_" + direction] for event in ended], [0] * len(places))
        self.assertNotIn("closed", [event["ending"] for event in ended])

    def test_fin_up(self):
        self.check("up", actions.Fin)

    def test_fin_down(self):
        self.check("down", actions.Fin)

    def test_rst_up(self):
        self.check("up", actions.Rst)

    def test_rst_down(self):
        self.check("down", actions.Rst)


if __name__ == "__main__":
    unittest.main()
