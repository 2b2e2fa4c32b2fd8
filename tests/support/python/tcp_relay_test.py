#!/usr/bin/env python3
"""The relay passes on what it should, and attacks where it was told to.

Without this a test that uses it may have tested nothing.
"""

import contextlib
import errno
import socket
import unittest

import relay_actions as actions
from processes import PATIENCE
from tcp_relay import Relay, reset


def record(body, content_type=23):
    return bytes([content_type, 3, 3]) + len(body).to_bytes(2, "big") + body


def read_all(end):
    """All that comes until FIN; None for an RST."""
    parts = []
    try:
        while piece := end.recv(65536):
            parts.append(piece)
    except ConnectionResetError:
        return None
    return b"".join(parts)


class RelayTest(unittest.TestCase):
    def join(self, **options):
        """Client and server with a relay in between."""
        listener = self.enterContext(socket.create_server(("127.0.0.1", 0)))
        self.relay = self.enterContext(Relay(listener.getsockname(), **options))
        client = self.enterContext(socket.create_connection(("127.0.0.1", self.relay.port)))
        server, _ = listener.accept()
        self.enterContext(contextlib.closing(server))
        for end in (client, server):
            end.settimeout(PATIENCE)
        return client, server

    def sent_up(self, message, *up):
        """What the server gets when the client sends `message` and a FIN."""
        client, server = self.join(up=up)
        client.sendall(message)
        client.shutdown(socket.SHUT_WR)
        return read_all(server)

    def test_passes_bytes_and_ends_on_and_records_them(self):
        client, server = self.join()
        client.sendall(b"question")
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(read_all(server), b"question")
        server.sendall(b"answer" * 100000)
        server.close()
        self.assertEqual(read_all(client), b"answer" * 100000)
        connection = self.relay.finished_connection()
        self.assertEqual((connection.up.received, connection.up.end), (b"question", "FIN"))
        self.assertEqual((len(connection.down.sent), connection.down.end), (600000, "FIN"))
        self.assertEqual(connection.pieces[0], ("up", b"question"))

    def test_passes_a_reset_on(self):
        client, server = self.join()
        reset(server)
        self.assertIsNone(read_all(client))
        self.assertEqual(self.relay.finished_connection().down.end, "RST")

    def test_passes_a_reset_on_behind_a_fin(self):
        client, server = self.join()
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(read_all(server), b"")
        reset(client)
        self.assertEqual(self.relay.finished_connection().up.end, "RST")
        # What Linux calls an RST behind a FIN.
        self.assertEqual(server.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), errno.EPIPE)

    def test_cuts_by_fin_at_every_byte(self):
        for at in range(5):
            with self.subTest(at):
                self.assertEqual(self.sent_up(b"abcd", actions.Fin(actions.at_byte(at))),
                                 b"abcd"[:at])

    def test_cuts_by_rst_both_ends(self):
        client, server = self.join(up=[actions.Rst(actions.at_byte(2))])
        client.sendall(b"abcd")
        self.assertIsNone(read_all(client))
        self.assertIsNone(read_all(server))

    def test_changes_bytes(self):
        for action, result in ((actions.Inject(actions.at_byte(2), b"--"), b"ab--cd"),
                               (actions.Drop(actions.at_byte(1), 2), b"ad"),
                               (actions.Duplicate(actions.at_byte(1), 2), b"abcbcd"),
                               (actions.Flip(actions.at_byte(0), 3), b"bbcd"),
                               (actions.Dribble(actions.at_byte(1)), b"abcd")):
            with self.subTest(action):
                self.assertEqual(self.sent_up(b"abcd", action), result)

    def test_acts_several_times(self):
        self.assertEqual(self.sent_up(b"abcd", actions.Drop(actions.at_byte(0)),
                                      actions.Inject(actions.at_byte(2), b"--")), b"b--cd")

    def test_finds_records(self):
        stream = record(b"one") + record(b"") + record(b"three", 21)
        for place, offset in ((actions.at_record(0), 0), (actions.at_record(1), 8),
                              (actions.at_record(2, plus=3), 16), (actions.at_record(3), 23),
                              (actions.at_first_record(lambda found: found.type == 21), 13)):
            with self.subTest(offset):
                self.assertEqual(self.sent_up(stream, actions.Inject(place, b"--")),
                                 stream[:offset] + b"--" + stream[offset:])

    def test_holds_a_header_back_that_may_decide(self):
        stream = record(b"one") + record(b"two", 21)
        place = actions.at_first_record(lambda found: found.type == 21)
        client, server = self.join(up=[actions.Inject(place, b"--")])
        client.sendall(stream[:11])
        self.relay.connection().wait_until(lambda it: len(it.up.received) == 11)
        client.sendall(stream[11:])
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(read_all(server), stream[:8] + b"--" + stream[8:])

    def test_stalls_until_it_is_released(self):
        client, server = self.join(up=[actions.Stall(actions.at_byte(2))])
        client.sendall(b"abcd")
        connection = self.relay.connection()
        connection.wait_until(lambda it: len(it.up.sent) == 2)
        server.sendall(b"answer")
        self.assertEqual(client.recv(6), b"answer")
        self.assertEqual(bytes(connection.up.sent), b"ab")
        connection.release()
        client.close()
        self.assertEqual(read_all(server), b"abcd")

    def test_puts_another_server_in_place(self):
        other = self.enterContext(socket.create_server(("127.0.0.1", 0)))
        client, server = self.join(
            up=[actions.ReplaceServer(actions.at_byte(2), other.getsockname())])
        client.sendall(b"abcd")
        taker, _ = other.accept()
        self.enterContext(contextlib.closing(taker))
        self.assertEqual(taker.recv(4), b"cd")
        self.assertEqual(server.recv(4), b"ab")
        taker.sendall(b"mine")
        self.assertEqual(client.recv(4), b"mine")
        server.settimeout(0)
        self.assertRaises(BlockingIOError, server.recv, 1)

    def test_glues_what_comes_in_pieces(self):
        client, server = self.join()
        connection = self.relay.connection()
        client.sendall(b"before ")
        self.assertEqual(server.recv(65536), b"before ")
        connection.glue(connection.up, b"last")
        for piece in (record(b"body"), b"la", b"st"):
            self.assertEqual(connection.up.sent, b"before ")
            already = len(connection.up.received)
            client.sendall(piece)
            connection.wait_until(lambda relayed: len(relayed.up.received) == already + len(piece))
        self.assertEqual(server.recv(65536), record(b"body") + b"last")
        client.sendall(b"behind")
        self.assertEqual(server.recv(65536), b"behind")


if __name__ == "__main__":
    unittest.main()
