#!/usr/bin/env python3
"""close_notify and the first raw record leave in one sendmsg(2), on both sides.

Without this detaching costs a segment of its own, whose 24 bytes mark the place.
"""

import signal
import unittest

import strace
import tls_records
import wire_checks
from curl import INNER_NAME, as_bob, curl, through
from tunnel_case import TunnelCase

SENDING = ["sendmsg", "sendto", "write", "writev", "splice"]


class TunnelCloseNotifyLeavesWithTheFirstRawRecordTest(TunnelCase):
    def test_both_sides(self):
        inner = self.relay_to(self.nginx().port)
        outputs = {name: self.directory / f"{name}.strace" for name in ("client", "reverse")}
        client, wire, reverse = self.both_proxies(inner.port, **{
            name: {"prefix": strace.prefix(path, SENDING)} for name, path in outputs.items()})
        ran = curl(*as_bob(self.pki), *through(client.port, inner.port), f"https://{INNER_NAME}/")
        self.assertEqual(ran.stdout, f"CN=bob TLSv1.3 {INNER_NAME}\n".encode(), ran.stderr)
        wire, inner = wire.finished_connection(), inner.finished_connection()
        raw_from = wire_checks.check_covered_tunnel(wire, inner, [])
        for proxy in (client, reverse):
            proxy.signal(signal.SIGTERM)
            self.assertEqual(proxy.wait(), 0)
        self.check(outputs["client"], wire.up.received, len(inner.up.received) - raw_from.up)
        self.check(outputs["reverse"], wire.down.received,
                   len(inner.down.received) - raw_from.down)

    def check(self, output, wire, raw_size):
        """`wire`: what one side sent, the last `raw_size` bytes of it raw."""
        raw_at = len(wire) - raw_size
        first_raw = next(record for record in tls_records.walk(wire) if record.start == raw_at)
        together = bytes(wire[raw_at - tls_records.CLOSE_NOTIFY_SIZE:first_raw.end])
        carrying = [call for call in strace.read(output) if together[:24] in call.bytes]
        self.assertEqual([call.name for call in carrying], ["sendmsg"])
        self.assertIn(together, carrying[0].bytes)
        self.assertEqual(carrying[0].result, len(carrying[0].bytes), "a part of it only")


if __name__ == "__main__":
    unittest.main()
