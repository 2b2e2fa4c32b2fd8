#!/usr/bin/env python3
"""curl with `--proxy https://`: who asks for nothing else gets an ordinary HTTPS proxy.

Without this a browser without a client proxy is locked out.
"""

import unittest

from curl import INNER_NAME, as_bob, curl
from proxies import ALICE
from tunnel_case import TunnelCase


class ReverseServesOrdinaryHttpsProxyClientsTest(TunnelCase):
    def test_curl(self):
        nginx = self.nginx()
        reverse = self.reverse_proxy(nginx.port)
        ran = curl(*as_bob(self.pki), "--proxy", f"https://localhost:{reverse.port}",
                   "--proxy-cacert", self.pki / "server-ca.pem",
                   "--proxy-cert", self.pki / "client.crt",
                   "--proxy-key", self.pki / "client.key",
                   "--connect-to", f"{INNER_NAME}:443:localhost:{nginx.port}",
                   f"https://{INNER_NAME}/")
        self.assertEqual(ran.stdout, f"CN=bob TLSv1.3 {INNER_NAME}\n".encode(), ran.stderr)
        ended = reverse.event("tunnel_end")
        self.assertEqual((ended["client"], ended["mode"], ended["raw_up"], ended["raw_down"]),
                         (ALICE, "none", 0, 0))


if __name__ == "__main__":
    unittest.main()
