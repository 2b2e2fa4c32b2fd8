#!/usr/bin/env python3
"""The judges of a tunnel's wire see what is wrong with it: else a leak would pass for a proof."""

import os
import pathlib
import tempfile
import types
import unittest

import ndpi
import tls_records
import tshark
import wire_checks
from curl import INNER_NAME
from hellos import named_client_hello, record, server_hello

HELLO, ANSWER = named_client_hello(), server_hello()
CLOSE_NOTIFY = record(23, os.urandom(19))


def sealed(size=300):
    return record(23, os.urandom(size))


def connection(pieces):
    flows = {name: types.SimpleNamespace(
        received=b"".join(piece for direction, piece in pieces if direction == name))
        for name in ("up", "down")}
    return types.SimpleNamespace(pieces=pieces, **flows)


class WireEvidenceTest(unittest.TestCase):
    def setUp(self):
        self.raw_up, self.raw_down = sealed(), sealed()
        self.inner = connection([("up", HELLO), ("down", ANSWER + self.raw_down),
                                 ("up", self.raw_up)])

    def judge(self, up, down=None):
        down = down or sealed() + CLOSE_NOTIFY + self.raw_down
        wire = connection([("up", up), ("down", down)])
        wire_checks.check_covered_tunnel(wire, self.inner, [INNER_NAME.encode()])

    def check_sees(self, what, up, **options):
        with self.assertRaisesRegex(AssertionError, what):
            self.judge(up, **options)

    def test_a_good_one_passes(self):
        self.judge(sealed() + CLOSE_NOTIFY + self.raw_up)

    def test_a_raw_client_hello(self):
        self.check_sees("no close_notify", sealed() + CLOSE_NOTIFY + HELLO + self.raw_up)

    def test_a_client_hello_before_the_close_notify(self):
        self.check_sees("in clear", HELLO + CLOSE_NOTIFY + self.raw_up)

    def test_a_direction_that_stays_covered_though_it_may_go(self):
        self.check_sees("is not the wire's end", sealed() + sealed() + CLOSE_NOTIFY)

    def test_a_direction_that_goes_too_early(self):
        self.check_sees("down: ", sealed() + CLOSE_NOTIFY + self.raw_up,
                        down=sealed() + CLOSE_NOTIFY + ANSWER + self.raw_down)

    def test_raw_bytes_without_a_close_notify(self):
        self.check_sees("no close_notify", sealed() + self.raw_up)

    def test_a_lost_byte(self):
        self.check_sees("", sealed() + CLOSE_NOTIFY + self.raw_up[:-1])

    def test_the_name_in_a_record(self):
        self.check_sees("stands on the wire", record(23, INNER_NAME.encode()) + CLOSE_NOTIFY
                        + self.raw_up)

    def test_what_are_no_whole_records(self):
        for stream in (b"GET / HTTP/1.1\r\n\r\n", sealed()[:-1], sealed() + b"\x17", b"\x17\x03"):
            with self.subTest(stream[:20]), self.assertRaises(tls_records.NotRecords):
                tls_records.walk(stream)

    def test_tshark_complains_of_what_is_no_tls(self):
        with tempfile.TemporaryDirectory() as directory:
            directory = pathlib.Path(directory)
            good = [("up", HELLO), ("down", ANSWER + sealed())]
            self.assertEqual(tshark.complaints(good, directory), [])
            for bad in (b"GET / HTTP/1.1\r\n\r\n", record(22, b"\1\0\0\5short")):
                self.assertNotEqual(tshark.complaints([*good, ("up", bad)], directory), [])

    def test_ndpi_tells_tls_from_others(self):
        with tempfile.TemporaryDirectory() as directory:
            directory = pathlib.Path(directory)
            good = [("up", HELLO), ("down", ANSWER + sealed()), ("up", sealed())]
            self.assertEqual(ndpi.protocols(good, directory), ["TLS"])
            banner = b"SSH-2.0-OpenSSH_9.2\r\n"
            self.assertEqual(ndpi.protocols([("up", banner), ("down", banner)], directory), ["SSH"])


if __name__ == "__main__":
    unittest.main()
