#!/usr/bin/env python3
"""Connect mode: an offer or an answer that was changed, cut, dropped or put there by somebody else.

Both are a close_notify. Without this an attacker on the path decides when the two proxies are raw,
or makes one of them send the ClientHello in clear to whoever asks for it.
"""

import unittest

import hellos
import relay_actions as actions
import tls_records
from plain_end import PlainEnd, converse
from tunnel_case import TunnelCase

CONNECT_ONLY = {"detach": {"modes": ["connect"]}}
HELLO = hellos.named_client_hello()
IN_CLEAR = bytes.fromhex("15 03 03 00 02 01 00")


def within(number, plus=0):
    """As actions.at_record, once that record has begun: what comes before it has arrived by then."""
    place = actions.at_record(number, plus)
    return lambda reader: place(reader) if number < len(reader.records) else None


class ForgedSwitchInConnectModeIsNeverBelievedTest(TunnelCase):
    def setUp(self):
        super().setUp()
        self.destinations = self.listener()
        # A record that was made longer is waited for until then.
        self.client, self.wire, self.reverse = self.both_proxies(
            self.destinations.getsockname()[1], reverse=CONNECT_ONLY,
            client={**CONNECT_ONLY, "limits": {"detach": "1s"}})

    def ends(self):
        return map(PlainEnd, self.plain_ends(self.client.port, self.destinations))

    def close_notify(self, direction):
        """Its number and size among the records, where nobody attacks: the one before the hello."""
        browser, destination = self.ends()
        self.assertTrue(converse((browser, destination, HELLO),
                                 (destination, browser, hellos.server_hello())))
        records = tls_records.walk(getattr(self.wire.connection(), direction).received)
        for end in (browser, destination):
            end.socket.close()
        for proxy in (self.client, self.reverse):
            proxy.event("tunnel_end")
        return len(records) - 2, records[-2].size

    def check(self, direction, attacks):
        """`attacks`: lists of actions, one a connection."""
        for number, attack in enumerate(attacks, 1):
            with self.subTest(number):
                self.wire.attack(**{direction: attack})
                browser, destination = self.ends()
                browser.send(HELLO)
                self.assertEqual((browser.ending(), destination.ending()), ("RST", "RST"))
                self.assertEqual(destination.received, b"")
                self.assertNotIn(HELLO, self.wire.connection(number).up.received)
                for end in (browser, destination):
                    end.socket.close()
        for proxy in (self.client, self.reverse):
            for ended in proxy.wait_for_events("tunnel_end", 1 + len(attacks))[1:]:
                self.assertEqual((ended["raw_up"], ended["raw_down"]), (0, 0))
                self.assertNotEqual(ended["ending"], "closed")

    def check_changed(self, direction):
        number, size = self.close_notify(direction)
        self.check(direction, [
            *[[actions.Flip(within(number, byte))] for byte in range(size)],
            [actions.Drop(within(number), size)],
            [actions.Inject(within(number), IN_CLEAR)],
            [actions.Inject(within(number), IN_CLEAR), actions.Drop(within(number), size)]])

    def check_cut(self, direction):
        number, size = self.close_notify(direction)
        self.check(direction, [[cut(within(number, byte))] for byte in range(size)
                               for cut in (actions.Fin, actions.Rst)])

    def test_changed_offer(self):
        self.check_changed("up")

    def test_changed_answer(self):
        self.check_changed("down")

    def test_cut_offer(self):
        self.check_cut("up")

    def test_cut_answer(self):
        self.check_cut("down")


if __name__ == "__main__":
    unittest.main()
