#!/usr/bin/env python3
"""Squid and nghttpx instead of our reverse proxy: an ordinary tunnel, all of it inside of the TLS.

Without this the client proxy is of no use where the reverse proxy has not come yet.
"""

import unittest

from curl import INNER_NAME, as_bob, curl, through
from intermediaries import Nghttpx, Squid, Tinyproxy
from tunnel_case import TunnelCase

SIZE = 3_000_000


class ClientWithTheProxiesOfOthersTest(TunnelCase):
    def check(self, proxy):
        nginx = self.nginx()
        body = bytes(range(256)) * (SIZE // 256)
        (nginx.files / "large").write_bytes(body)
        client = self.client_proxy(proxy.port)
        for path, answer in (("", f"CN=bob TLSv1.3 {INNER_NAME}\n".encode()),
                             ("files/large", body)):
            ran = curl(*as_bob(self.pki), *through(client.port, nginx.port),
                       f"https://{INNER_NAME}/{path}")
            self.assertTrue(ran.stdout == answer, ran.stderr)
        for ended in client.wait_for_events("tunnel_end", 2):
            self.assertEqual((ended["mode"], ended["raw_up"], ended["raw_down"], ended["ending"]),
                             ("none", 0, 0, "closed"))

    def test_squid(self):
        self.check(self.start(Squid(self.directory, self.pki)))

    def test_nghttpx(self):
        behind = self.start(Tinyproxy(self.directory))
        self.check(self.start(Nghttpx(self.pki, behind.port)))

    def test_what_squid_refuses_comes_back(self):
        squid = self.start(Squid(self.directory, self.pki))
        client = self.client_proxy(squid.port)
        with self.listener() as listener:
            port = listener.getsockname()[1]
        ran = curl(*as_bob(self.pki), *through(client.port, port), f"https://{INNER_NAME}/")
        self.assertIn(b"response 503", ran.stderr)
        self.assertIn("the reverse proxy refused: 503",
                      client.event("refused", status=503)["reason"])

    def test_a_certificate_that_squid_does_not_take(self):
        squid = self.start(Squid(self.directory, self.pki))
        client = self.client_proxy(squid.port,
                                   identities=[f"file:{self.pki}/client-unknown-ca.pem"])
        ran = curl(*as_bob(self.pki), *through(client.port, 9), f"https://{INNER_NAME}/")
        self.assertIn(b"response 502", ran.stderr)
        self.assertIn("CN=stranger is issued by CN=Unknown CA", client.event("refused")["reason"])


if __name__ == "__main__":
    unittest.main()
