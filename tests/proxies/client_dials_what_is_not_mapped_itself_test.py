#!/usr/bin/env python3
"""A host that is not in the mapping is dialled by the client proxy, without the reverse proxy.

Without this the whole web of a user would pass the company's reverse proxy, or not pass at all.
"""

import unittest

from curl import INNER_NAME, as_bob, curl, through
from tunnel_case import TunnelCase


class ClientDialsWhatIsNotMappedItselfTest(TunnelCase):
    def test_the_reverse_proxy_sees_nothing_of_it(self):
        nginx = self.nginx()
        client, wire, reverse = self.both_proxies(
            nginx.port, client={"mapping": {"hosts": ["*.corp.example"]}})
        ran = curl(*as_bob(self.pki), *through(client.port, nginx.port), f"https://{INNER_NAME}/")
        self.assertEqual(ran.stdout, f"CN=bob TLSv1.3 {INNER_NAME}\n".encode(), ran.stderr)
        ended = client.event("tunnel_end")
        self.assertEqual((ended["mode"], ended["dialled"]), ("direct", f"127.0.0.1:{nginx.port}"))
        self.assertEqual((reverse.events("tunnel_end"), wire.connections), ([], []))


if __name__ == "__main__":
    unittest.main()
