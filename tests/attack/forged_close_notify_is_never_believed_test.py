#!/usr/bin/env python3
"""A close_notify in plain text, in mid-handshake and after it; one that was changed, or lost.

Without this one injected alert makes a proxy go raw with what it should have encrypted.
"""

import contextlib
import json
import unittest

import hellos
import relay_actions as actions
import tls_records
from inner_tls import Refused
from plain_end import PlainEnd, converse
from tunnel_case import TunnelCase

FORGED = bytes.fromhex("15 03 03 00 02 01 00")


def close_notify(plus=0):
    return actions.at_first_record(
        lambda record: record.size == tls_records.CLOSE_NOTIFY_SIZE, plus)


class ForgedCloseNotifyIsNeverBelievedTest(TunnelCase):
    def setUp(self):
        super().setUp()
        self.destinations = self.listener()
        self.client, self.wire, self.reverse = self.both_proxies(
            self.destinations.getsockname()[1])

    def ends(self):
        return map(PlainEnd, self.plain_ends(self.client.port, self.destinations))

    def converse(self, browser, destination):
        """To the end: what waits for the rest of a record that was made longer gets a FIN."""
        converse((browser, destination, hellos.client_hello()),
                 (destination, browser, hellos.server_hello()))
        for end in (browser, destination):
            end.send(hellos.data())
            end.fin()
        return browser.ending(), destination.ending()

    def records(self, direction):
        """How many there are before the raw one when nobody attacks."""
        self.assertEqual(self.converse(*self.ends()), ("FIN", "FIN"))
        for proxy in (self.client, self.reverse):
            proxy.event("tunnel_end")
        flow = getattr(self.wire.finished_connection(), direction)
        return len(tls_records.walk(flow.sent)) - 1

    def check(self, direction, attacks):
        """`attacks`: lists of actions, one a connection. Returns how many came to a tunnel."""
        tunnels = 0
        for number, attack in enumerate(attacks):
            with self.subTest(number):
                self.wire.attack(**{direction: attack})
                try:
                    browser, destination = self.ends()
                except Refused:
                    self.forget_destinations(2 + number)
                    continue
                tunnels += 1
                receiver = 1 if direction == "up" else 0
                self.assertEqual(self.converse(browser, destination)[receiver], "RST")
        self.check_log(self.reverse if direction == "up" else self.client, direction,
                       2 + number)
        return tunnels

    def check_log(self, receiver, direction, connections):
        self.wait_for_connections(receiver, connections)
        ended = receiver.events("tunnel_end")[1:]
        self.assertEqual([event["raw_" + direction] for event in ended], [0] * len(ended))

    def forget_destinations(self, connections):
        """The reverse proxy may have connected already when its answer was spoilt."""
        self.wait_for_connections(self.reverse, connections)
        self.destinations.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            self.destinations.accept()[0].close()

    def wait_for_connections(self, proxy, count):
        """Waits until so many are over."""
        over = []

        def take(line):
            if json.loads(line)["event"] in ("refused", "tunnel_end"):
                over.append(line)
            return over if len(over) == count else None

        proxy.find(take)

    def check_injected(self, direction):
        count = self.records(direction)
        tunnels = self.check(direction, [
            [actions.Inject(actions.at_record(number), FORGED)] for number in range(count)])
        self.assertTrue(0 < tunnels < count, "no attack met the handshake, or none the tunnel")

    def check_changed(self, direction):
        self.records(direction)
        changes = [actions.Flip(close_notify(byte))
                   for byte in range(tls_records.CLOSE_NOTIFY_SIZE)]
        changes.append(actions.Drop(close_notify(), tls_records.CLOSE_NOTIFY_SIZE))
        self.assertEqual(self.check(direction, [[change] for change in changes]), len(changes))

    def test_injected_up(self):
        self.check_injected("up")

    def test_injected_down(self):
        self.check_injected("down")

    def test_changed_up(self):
        self.check_changed("up")

    def test_changed_down(self):
        self.check_changed("down")


if __name__ == "__main__":
    unittest.main()
