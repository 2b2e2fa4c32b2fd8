#!/usr/bin/env python3
"""The quickstart's view of the wire: a demo that cannot fail shows nothing."""

import os
import pathlib
import struct
import sys
import unittest

sys.path.insert(0, str(pathlib.Path("examples/demo").resolve()))
import wire  # noqa: E402

HANDSHAKE, APPLICATION_DATA = 22, 23


def record(kind, size):
    return struct.pack("!BHH", kind, wire.TLS12, size) + os.urandom(size)


def covering(size):
    """An outer record with `size` inner bytes."""
    return record(APPLICATION_DATA, size + 17)


HELLO = record(HANDSHAKE, 300)
DATA = record(APPLICATION_DATA, 1000) + record(APPLICATION_DATA, 500)
OUTER = record(HANDSHAKE, 200) + record(APPLICATION_DATA, 90)
CLOSE_NOTIFY = covering(2)


class WireTest(unittest.TestCase):
    def counts(self, direction):
        return tuple(map(len, (direction.handshake, direction.covered, direction.close_notify,
                               direction.raw)))

    def test_tells_handshake_cover_close_notify_and_raw_apart(self):
        outer = OUTER + covering(len(HELLO)) + CLOSE_NOTIFY + DATA
        direction = wire.Direction(outer, HELLO + DATA)
        self.assertEqual(self.counts(direction), (2, 1, 1, 2))
        self.assertEqual((direction.covered_size, direction.raw_size), (len(HELLO), len(DATA)))
        self.assertEqual([r.type for r in direction.inner_covered], [HANDSHAKE])

    def test_a_hello_may_be_covered_in_pieces(self):
        outer = OUTER + covering(5) + covering(len(HELLO) - 5) + CLOSE_NOTIFY + DATA
        self.assertEqual(self.counts(wire.Direction(outer, HELLO + DATA)), (2, 2, 1, 2))

    def test_a_tunnel_that_stays_inside_tls_has_nothing_raw(self):
        outer = OUTER + covering(len(HELLO)) + covering(len(DATA)) + CLOSE_NOTIFY
        direction = wire.Direction(outer, HELLO + DATA)
        self.assertEqual(self.counts(direction), (1, 4, 0, 0))

    def test_raw_bytes_without_a_close_notify_are_noticed(self):
        outer = OUTER + covering(len(HELLO)) + DATA
        self.assertEqual(wire.Direction(outer, HELLO + DATA).close_notify, [])

    def test_a_record_that_is_cut_off_is_malformed(self):
        with self.assertRaisesRegex(wire.Malformed, "end within"):
            wire.records_of(DATA[:-1])

    def test_what_is_no_record_is_malformed(self):
        with self.assertRaisesRegex(wire.Malformed, "no TLS record begins at 205: 48 54"):
            wire.records_of(record(HANDSHAKE, 200) + b"HTTP/1.1 200")

    def test_the_suffix_is_found_to_the_byte(self):
        self.assertEqual(wire.common_suffix_size(b"xabc", b"yyabc"), 3)
        self.assertEqual(wire.common_suffix_size(b"abc", b"abc"), 3)
        self.assertEqual(wire.common_suffix_size(b"abd", b"abc"), 0)


if __name__ == "__main__":
    unittest.main()
