#!/usr/bin/env python3
"""The cover rule with handshakes that no library at hand makes: written down as bytes.

Without this a suite that does not encrypt (RFC 9150) is taken for one that does, or an extension of
tomorrow (ECH) keeps every connection under cover.
"""

import os
import unittest

from cover_rule_case import CoverRuleCase
from hellos import extension, named_client_hello, record, server_hello
from inner_tls import ending
from tls_records import ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE

CCS = record(CHANGE_CIPHER_SPEC, b"\1")
ECH = extension(0xfe0d, b"\0" + os.urandom(200))
FUTURE = extension(0xabab, b"future")


def encrypted(content_type=APPLICATION_DATA, size=100):
    return record(content_type, os.urandom(size))


class TunnelFollowsTheCoverRuleWithRareHandshakesTest(CoverRuleCase):
    def play(self, *lines):
        """`lines`: (direction, bytes). Each is sent when the one before has arrived."""
        listener = self.listener()
        self.start_path(listener.getsockname()[1])
        browser, destination = self.plain_ends(self.client.port, listener, to=self.inner.port)
        readers = {end: end.makefile("rb") for end in (browser, destination)}
        for direction, line in lines:
            sender, receiver = ((browser, destination) if direction == "up"
                                else (destination, browser))
            sender.sendall(line)
            self.assertEqual(readers[receiver].read(len(line)), line)
        for end, other in ((browser, destination), (destination, browser)):
            end.shutdown(1)
            self.assertEqual(ending(other), "FIN")

    def test_an_unknown_extension_in_both_hellos(self):
        hello = named_client_hello(ECH + FUTURE)
        answer = server_hello(extensions=FUTURE)
        self.play(("up", hello), ("down", answer + CCS + encrypted(size=2000)),
                  ("up", CCS + encrypted() + encrypted()), ("down", encrypted()))
        raw_from = self.check_both_raw()
        self.assertEqual((raw_from.up, raw_from.down), (len(hello + CCS), len(answer + CCS)))

    def test_a_suite_that_only_protects_integrity(self):
        for suite in (0xc0b4, 0xc0b5):
            with self.subTest(hex(suite)):
                self.play(("up", named_client_hello()), ("down", server_hello(suite) + encrypted()),
                          ("up", encrypted()), ("down", encrypted()))
                self.check_never_raw()

    def test_tls_1_2_suites_that_do_not_stand_alone(self):
        for suite in (0x003b, 0x009c, 0xc023, 0x00a8):  # NULL, static RSA, CBC, PSK
            with self.subTest(hex(suite)):
                self.play(("up", named_client_hello()),
                          ("down", server_hello(suite, version=None) + encrypted(HANDSHAKE)),
                          ("up", encrypted(HANDSHAKE) + CCS + encrypted(HANDSHAKE) + encrypted()),
                          ("down", CCS + encrypted(HANDSHAKE) + encrypted()))
                self.check_never_raw()

    def test_false_start(self):
        """The client's first data come before the server's ChangeCipherSpec."""
        self.play(("up", named_client_hello()),
                  ("down", server_hello(0xc02b, version=None) + encrypted(HANDSHAKE, 900)),
                  ("up", encrypted(HANDSHAKE) + CCS + encrypted(HANDSHAKE, 40) + encrypted()),
                  ("down", CCS + encrypted(HANDSHAKE, 40) + encrypted()))
        self.check_both_raw()

    def test_a_renegotiation_attempt_is_the_inner_ends_own_affair(self):
        """Encrypted, as all there: it shows its type, and nothing else."""
        self.play(("up", named_client_hello()),
                  ("down", server_hello(0xc02b, version=None) + encrypted(HANDSHAKE, 900)),
                  ("up", encrypted(HANDSHAKE) + CCS + encrypted(HANDSHAKE, 40)),
                  ("down", CCS + encrypted(HANDSHAKE, 40)),
                  ("up", encrypted() + encrypted(HANDSHAKE, 300)),
                  ("down", encrypted() + encrypted(ALERT, 26)))
        self.check_both_raw()


if __name__ == "__main__":
    unittest.main()
