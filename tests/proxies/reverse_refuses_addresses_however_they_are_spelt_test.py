#!/usr/bin/env python3
"""An address is a destination only as a row writes it; its other spellings are no hosts at all.

Without this a client with a row for a name gets to any address that the resolver makes of a number.
"""

import unittest

from proxies import ALICE
from raw_client import alice_context, ask
from tunnel_case import TunnelCase

NO_HOST = 400
NO_ROW = 403

# All of them are, to some resolver or another, an address that the rows below do not mean.
SPELLINGS = (
    (NO_ROW, "127.0.0.1"), (NO_ROW, "0.0.0.0"), (NO_ROW, "169.254.169.254"), (NO_ROW, "[::1]"),
    (NO_ROW, "[::]"), (NO_ROW, "[fe80::1]"), (NO_ROW, "10.2.0.1"), (NO_ROW, "localhost.localdomain"),
    (NO_HOST, "localhost."), (NO_HOST, "127.0.0.1."), (NO_HOST, "127.1"), (NO_HOST, "127.0.1"),
    (NO_HOST, "2130706433"), (NO_HOST, "0x7f000001"), (NO_HOST, "0x7f.0.0.1"), (NO_HOST, "0x7f.1"),
    (NO_HOST, "017700000001"), (NO_HOST, "0177.0.0.1"), (NO_HOST, "127.0.0.01"),
    (NO_HOST, "127.0.0.256"), (NO_HOST, "127.0.0.1.1"), (NO_HOST, "0"), (NO_HOST, "0x"),
    (NO_HOST, "10.1.0.010"), (NO_HOST, "::1"), (NO_HOST, "::ffff:127.0.0.1"),
    (NO_HOST, "[::ffff:127.0.0.1]"), (NO_HOST, "[::ffff:7f00:1]"), (NO_HOST, "[0:0:0:0:0:0:0:1]"),
    (NO_HOST, "[::01]"), (NO_HOST, "[::1%lo]"), (NO_HOST, "[::1%251]"), (NO_HOST, "[::1"),
    (NO_HOST, "[127.0.0.1]"), (NO_HOST, "[localhost]"), (NO_HOST, "localhost%00"),
    (NO_HOST, "localhost#"), (NO_HOST, "localhost/"),
    (NO_HOST, "localhost:1"), (NO_HOST, "a@localhost"), (NO_HOST, "-localhost"),
    (NO_HOST, "lo..calhost"),
)


class ReverseRefusesAddressesHoweverTheyAreSpeltTest(TunnelCase):
    def setUp(self):
        super().setUp()
        self.destination = self.listener()
        self.port = self.destination.getsockname()[1]
        self.reverse = self.reverse_proxy(allow=[{
            "client": ALICE,
            "destinations": [f"{host}:{self.port}" for host in ("localhost", "*.corp.example",
                                                                "10.1.0.0/16")],
            "networks": ["0.0.0.0/0", "::/0"],
        }])

    def ask_for(self, host):
        target = f"{host}:{self.port}"
        return ask(self.reverse.port, f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode(),
                   alice_context(self.pki))

    def test_all_of_them(self):
        self.destination.setblocking(False)
        for number, (status, host) in enumerate(SPELLINGS, 1):
            with self.subTest(host):
                answer = self.ask_for(host)
                self.assertEqual(answer.status, status, answer.body)
                refused = self.reverse.wait_for_events("refused", number)[-1]
                self.assertEqual((refused["status"], refused["reason"]),
                                 (status, answer.body.strip()))
                if status == NO_ROW:
                    self.assertIn("no allow row", answer.body)
                    self.assertEqual(refused["destination"], f"{host}:{self.port}")
                with self.assertRaises(BlockingIOError, msg="it was dialled"):
                    self.destination.accept()

    def test_capitals_are_the_same_name(self):
        self.destination.close()
        answer = self.ask_for("LocalHost")
        self.assertEqual((answer.status, self.reverse.event("refused")["destination"]),
                         (502, f"localhost:{self.port}"))


if __name__ == "__main__":
    unittest.main()
