"""What tests of the cover rule begin with: a tunnel with relays around it, and its wire's judge."""

import os

import ndpi
import tls_records
import tshark
import wire_checks
from curl import INNER_NAME
from inner_tls import connect_through
from openssl_ends import SClient, SServer
from relay_actions import Stall, at_byte
from tcp_relay import Relay
from tunnel_case import TunnelCase


class CoverRuleCase(TunnelCase):
    """browser -> .outside -> client proxy -> .wire -> reverse proxy -> .inner -> destination

    With PRELOAD_INTO_PROXIES=LIBRARY in the environment, both proxies have that library preloaded.
    """

    def start_path(self, port, *, hold_answer=False):
        """`hold_answer`: the destination's bytes wait until release_answer()."""
        self.inner = self.relay_to(port, down=[Stall(at_byte(0))] if hold_answer else [])
        preload = os.environ.get("PRELOAD_INTO_PROXIES")
        options = {"env": {"LD_PRELOAD": os.path.abspath(preload)}} if preload else {}
        self.client, self.wire, self.reverse = self.both_proxies(
            self.inner.port, reverse=options, client=options)
        # A port that leads through the tunnel: s_client's CONNECT is of HTTP/1.0.
        self.outside = self.enterContext(
            Relay((self.client.port, self.inner.port), dial=lambda ports: connect_through(*ports)))

    def release_answer(self, holds):
        """Lets the destination's bytes go once `holds(records)` of what the browser sent."""

        def early_enough(connection):
            reader = tls_records.RecordReader()
            reader.feed(connection.up.received)
            return holds([record for record in reader.records if record.end <= reader.size])

        connection = self.inner.connection()
        connection.wait_until(early_enough)
        connection.release()

    def s_server(self, *options):
        return self.start(SServer(self.pki, *options))

    def s_client(self, *options, direct=None):
        """Through the tunnel, or to a port directly."""
        return self.start(SClient(self.pki, direct or self.outside.port, *options))

    def talk(self, client, server):
        client.say("from the client")
        server.hear("from the client")
        server.say("from the server")
        client.hear("from the server")
        self.assertEqual(client.leave(), 0)

    def check_wire(self):
        """Judges the tunnel's wire when it has ended; returns its cover_rule.RawFrom."""
        wire, inner = self.wire.finished_connection(), self.inner.finished_connection()
        raw_from = wire_checks.check_covered_tunnel(
            wire, inner, [INNER_NAME.encode(), b"spiffe://corp.example"])
        self.assertEqual(tshark.complaints(wire.pieces, self.directory), [])
        self.assertEqual(ndpi.protocols(wire.pieces, self.directory), ["TLS"])
        for proxy in (self.client, self.reverse):
            self.check_log(proxy.event("tunnel_end"), inner, raw_from)
        return raw_from

    def check_log(self, ended, inner, raw_from):
        for direction in ("up", "down"):
            size = len(getattr(inner, direction).received)
            covered = getattr(raw_from, direction)
            covered = size if covered is None else covered
            self.assertEqual((ended[f"covered_{direction}"], ended[f"raw_{direction}"]),
                             (covered, size - covered), direction)

    def check_both_raw(self):
        raw_from = self.check_wire()
        self.assertIsNotNone(raw_from.up)
        self.assertIsNotNone(raw_from.down)
        return raw_from

    def check_never_raw(self):
        raw_from = self.check_wire()
        self.assertEqual((raw_from.up, raw_from.down), (None, None))
