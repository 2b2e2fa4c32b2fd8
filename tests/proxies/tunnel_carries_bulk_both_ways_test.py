#!/usr/bin/env python3
"""Megabytes both ways at once arrive as they were sent, and all but the inner handshake was raw.

Without this a byte is lost, doubled or changed at the switch or behind it, where no TLS of the
proxies' would notice.
"""

import asyncio
import hashlib
import os
import unittest

import inner_tls
import proxies
import tls_records
import wire_checks
from curl import INNER_NAME
from processes import PATIENCE
from tunnel_case import TunnelCase

SIZE = 6_000_000


class TunnelCarriesBulkBothWaysTest(TunnelCase):
    def test_both_ways_at_once(self):
        listener = self.listener()
        inner = self.relay_to(listener.getsockname()[1])
        client, wire, reverse = self.both_proxies(inner.port)
        browser = inner_tls.connect_through(client.port, inner.port)
        asyncio.run(asyncio.wait_for(self.exchange(browser, listener), PATIENCE))
        for proxy in (client, reverse):
            ended = proxy.event("tunnel_end")
            self.assertEqual((ended["mode"], ended["ending"]), (proxies.MODE, "closed"))
            self.assertGreater(min(ended["raw_up"], ended["raw_down"]), SIZE)
        self.check_wire(wire.finished_connection(), inner.finished_connection())

    async def exchange(self, browser, listener):
        served = asyncio.get_running_loop().create_future()

        async def serve(reader, writer):
            served.set_result(await converse(reader, writer))

        destination = await asyncio.start_server(serve, sock=listener,
                                                 ssl=inner_tls.server_context(self.pki))
        ends = await asyncio.open_connection(sock=browser, ssl=inner_tls.bob_context(self.pki),
                                             server_hostname=INNER_NAME)
        sent_up, got_down = await converse(*ends)
        sent_down, got_up = await served
        self.assertEqual((got_up, got_down), (sent_up, sent_down))
        destination.close()

    def check_wire(self, wire, inner):
        if proxies.MODE == "covered":
            wire_checks.check_covered_tunnel(wire, inner, [INNER_NAME.encode()])
        else:
            for outside, inside in ((wire.up, inner.up), (wire.down, inner.down)):
                tls_records.walk(outside.received)
                self.assertTrue(outside.received.endswith(inside.received))


async def converse(reader, writer):
    """Sends and receives SIZE bytes at once, then closes. Returns the hash of each."""
    message = os.urandom(SIZE)

    async def send():
        writer.write(message)
        await writer.drain()

    _, received = await asyncio.gather(send(), reader.readexactly(SIZE))
    writer.close()
    await writer.wait_closed()  # or the end of the loop leaves the socket to the collector
    return hashlib.sha256(message).hexdigest(), hashlib.sha256(received).hexdigest()


if __name__ == "__main__":
    unittest.main()
