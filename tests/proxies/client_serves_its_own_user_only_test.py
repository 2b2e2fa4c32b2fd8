#!/usr/bin/env python3
"""On loopback the client proxy asks whose connection it is, and refuses other users.

Without this everybody who has an account on the machine goes out with this user's certificate.
"""

import os
import subprocess
import unittest

from processes import PATIENCE
from raw_client import ask
from tunnel_case import TunnelCase

OTHER = 65534

AS_OTHER = ["setpriv", f"--reuid={OTHER}", f"--regid={OTHER}", "--clear-groups"]


def why_not():
    """Why this cannot be tested here."""
    if os.geteuid() != 0:
        return "only root can be another user as well"
    tried = subprocess.run([*AS_OTHER, "true"], capture_output=True, text=True, check=False)
    return tried.stderr.strip()  # a sandbox may have no other user


@unittest.skipIf(why_not(), f"not as another user: {why_not()}")
class ClientServesItsOwnUserOnlyTest(TunnelCase):
    def check(self, address):
        client = self.client_proxy(9, listen=[f"{address}:0"])
        ran = subprocess.run([*AS_OTHER, "curl", "-sS", "--proxytunnel", "--proxy",
                              f"http://{address}:{client.port}", "http://localhost:9/"],
                             capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.assertNotEqual(ran.returncode, 0)
        self.assertNotIn("response", ran.stderr)  # not even a page
        refused = client.event("refused", stage="accept")
        self.assertEqual(refused["reason"], f"the peer is user {OTHER} of this machine")
        return client

    def test_over_ipv4(self):
        client = self.check("127.0.0.1")
        self.assertEqual(ask(client.port, b"GET / HTTP/1.1\r\n\r\n").status, 405)  # its own user

    def test_over_ipv6(self):
        self.check("[::1]")


if __name__ == "__main__":
    unittest.main()
