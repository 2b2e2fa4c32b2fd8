#!/usr/bin/env python3
"""The main job: a browser with its own certificate reaches a server that demands one, detached.

Without this there is nothing: two client certificates, each shown to its own server, on a wire that
carries whole TLS records, raw from the record that the cover rule names.
"""

import unittest

import wire_checks
from curl import INNER_NAME, as_bob, curl, through
from proxies import ALICE
from tunnel_case import TunnelCase


class TunnelShowsEachServerItsOwnClientCertificateTest(TunnelCase):
    def check(self, version, *options):
        nginx = self.nginx()
        inner = self.relay_to(nginx.port)
        reverse = self.reverse_proxy(inner.port)
        wire = self.relay_to(reverse.port)
        client = self.client_proxy(wire.port)

        ran = curl(*as_bob(self.pki), *through(client.port, inner.port), *options,
                   f"https://{INNER_NAME}/")

        seen_by_nginx = f"CN=bob {version} {INNER_NAME}\n".encode()
        self.assertEqual((ran.stdout, ran.stderr), (seen_by_nginx, b""))
        ended = reverse.event("tunnel_end")
        self.assertEqual((ended["client"], ended["destination"], ended["mode"], ended["ending"]),
                         (ALICE, f"localhost:{inner.port}", "covered", "closed"))
        self.check_wire(wire.finished_connection(), inner.finished_connection(), ended)
        self.check_that_both_logs_agree(ended, client.event("tunnel_end"))

    def check_wire(self, wire, inner, ended):
        raw_from = wire_checks.check_covered_tunnel(
            wire, inner, [INNER_NAME.encode(), ended["destination"].encode(), b"spiffe:"])
        self.assertEqual(
            {key: ended[key] for key in ("covered_up", "raw_up", "covered_down", "raw_down")},
            {"covered_up": raw_from.up, "raw_up": len(inner.up.received) - raw_from.up,
             "covered_down": raw_from.down, "raw_down": len(inner.down.received) - raw_from.down})

    def check_that_both_logs_agree(self, reverse, client):
        for field in ("covered_up", "covered_down", "raw_up", "raw_down", "mode", "ending",
                      "destination"):
            self.assertEqual(client[field], reverse[field], field)

    def test_inner_tls_1_3(self):
        self.check("TLSv1.3")

    def test_inner_tls_1_2(self):
        self.check("TLSv1.2", "--tls-max", "1.2")


if __name__ == "__main__":
    unittest.main()
