#!/usr/bin/env python3
"""A reload ends the tunnels of clients that lost their right, covered and raw, and no other.

Without this a revoked certificate keeps what it had open, for as long as the tunnel likes.
"""

import signal
import unittest

import proxies
from inner_tls import ending
from tunnel_case import TunnelCase


class ReloadEndsWhatIsNoLongerAllowedTest(TunnelCase):
    def setUp(self):
        super().setUp()
        self.first, self.second = self.listener(), self.listener()
        self.ports = [end.getsockname()[1] for end in (self.first, self.second)]

    def rows(self, *ports, networks=("127.0.0.0/8", "::1/128")):
        return [{"client": "*", "networks": list(networks),
                 "destinations": [f"localhost:{port}" for port in ports]}]

    def reload(self, reverse, **changes):
        reverse.write_config(proxies.reverse_config(self.pki, [], **changes))
        reverse.signal(signal.SIGHUP)
        reverse.event("reloaded")

    def proxies_of(self, reverse, *names):
        return [self.client_proxy(reverse.port, identities=[f"file:{self.pki}/{name}.pem"]) for name in names]

    def check_stands(self, browser, destination):
        for writer, reader in ((browser, destination), (destination, browser)):
            writer.sendall(b"still here")
            self.assertEqual(reader.recv(10), b"still here")

    def test_a_client_that_was_revoked_keeps_nothing_and_others_keep_all(self):
        reverse = self.reverse_proxy(allow=self.rows(*self.ports), tls={"crl": "none"})
        revoked, good = self.proxies_of(reverse, "client-revoked", "client")
        raw, other_raw = (self.tls_ends(client.port, self.first) for client in (revoked, good))
        # What is no TLS stays covered for ever.
        covered, other_covered = (self.plain_ends(client.port, self.first) for client in (revoked, good))
        for ends in (covered, other_covered):
            self.check_stands(*ends)

        self.reload(reverse, allow=self.rows(*self.ports))

        for end in (*covered, *(end.socket for end in raw)):
            self.assertEqual(ending(end), "RST")
        self.check_stands(*other_covered)
        for writer, reader in (other_raw, other_raw[::-1]):
            writer.write(b"raw bytes")
            self.assertEqual(reader.read(9), b"raw bytes")
        told = reverse.wait_for_events("no_longer_allowed", 2)
        self.assertEqual({event["reason"] for event in told}, {"certificate revoked"})
        ended = reverse.wait_for_events("tunnel_end", 2)
        self.assertEqual({event["id"] for event in ended}, {event["id"] for event in told})

    def test_a_destination_that_no_row_allows_any_more_is_left(self):
        reverse = self.reverse_proxy(allow=self.rows(*self.ports))
        client, = self.proxies_of(reverse, "client")
        left = self.plain_ends(client.port, self.first)
        kept = self.plain_ends(client.port, self.second)
        for ends in (left, kept):
            self.check_stands(*ends)

        self.reload(reverse, allow=self.rows(*self.ports[1:]))

        for end in left:
            self.assertEqual(ending(end), "RST")
        self.check_stands(*kept)
        told = reverse.event("no_longer_allowed")
        self.assertEqual(told["destination"], f"localhost:{self.ports[0]}")

    def test_an_address_that_no_row_leads_to_any_more_is_left(self):
        reverse = self.reverse_proxy(allow=self.rows(*self.ports))
        client, = self.proxies_of(reverse, "client")
        left = self.plain_ends(client.port, self.first)
        self.check_stands(*left)

        self.reload(reverse, allow=self.rows(*self.ports, networks=["10.0.0.0/8"]))

        for end in left:
            self.assertEqual(ending(end), "RST")
        self.assertIn("networks", reverse.event("no_longer_allowed")["reason"])


if __name__ == "__main__":
    unittest.main()
