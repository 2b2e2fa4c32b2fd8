#!/usr/bin/env python3
"""Silence ends every stage: the one who is silent is gone, the log and the page say which stage.

Without this whoever opens connections and says nothing, or a byte from time to time, has them all.
"""

import contextlib
import socket
import ssl
import unittest

from inner_tls import ending
from raw_client import alice_context, ask, connected, read_answer
from tunnel_case import TunnelCase

SOON = "200ms"
ENDLESS = "1h"


def limits(stage, *others):
    """Of the other stages, which each test names, none may be what ends the connection."""
    return {"limits": {**{other: ENDLESS for other in others}, stage: SOON}}


def client_hello(pki):
    sent = ssl.MemoryBIO()
    tls = alice_context(pki).wrap_bio(ssl.MemoryBIO(), sent, server_hostname="localhost")
    with contextlib.suppress(ssl.SSLWantReadError):
        tls.do_handshake()
    return sent.read()


def black_hole():
    """A socket whose queue is full: whoever connects to it waits. And what fills the queue."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=0)
    waiting = [socket.create_connection(listener.getsockname())]
    for _ in range(4):
        waiting.append(socket.socket())
        waiting[-1].setblocking(False)
        waiting[-1].connect_ex(listener.getsockname())
    return listener, waiting


class ProxyBoundsEveryStageTest(TunnelCase):
    def start_black_hole(self):
        listener, waiting = black_hole()
        for end in (listener, *waiting):
            self.enterContext(end)
        return listener.getsockname()[1]

    def silent(self):
        """The port of a program that accepts, reads and says nothing."""
        relay = self.relay_to(self.listener().getsockname()[1])
        return relay.port

    @staticmethod
    def request(port):
        return f"CONNECT localhost:{port} HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode()

    # Clients of the reverse proxy.

    def check_handshake(self, sent):
        reverse = self.reverse_proxy(9, **limits("handshake", "request"))
        with connected(reverse.port) as end:
            end.sendall(sent)
            ending(end)
        refused = reverse.event("refused", stage="handshake")
        self.assertEqual(refused["reason"], "TLS handshake: not done within 200 ms")

    def test_a_client_that_says_nothing(self):
        self.check_handshake(b"")

    def test_a_client_that_says_half_a_client_hello(self):
        self.check_handshake(client_hello(self.pki)[:100])

    def test_a_client_that_does_not_finish_its_handshake(self):
        self.check_handshake(client_hello(self.pki))

    def check_request(self, sent):
        reverse = self.reverse_proxy(9, **limits("request", "handshake"))
        with connected(reverse.port, alice_context(self.pki)) as end:
            end.sendall(sent)
            with self.assertRaises(OSError):
                end.recv(1)
        refused = reverse.event("refused", stage="request")
        self.assertEqual(refused["reason"], "CONNECT request: not done within 200 ms")

    def test_a_client_without_a_request(self):
        self.check_request(b"")

    def test_a_client_with_half_a_request(self):
        self.check_request(self.request(9)[:20])

    def test_a_client_that_never_comes_to_the_end_of_its_request(self):
        """A byte from time to time starts no deadline anew."""
        reverse = self.reverse_proxy(9, **limits("request", "handshake"))
        with connected(reverse.port, alice_context(self.pki)) as end:
            end.sendall(self.request(9)[:-2] + b"X: ")
            with self.assertRaises(OSError):
                while True:
                    end.sendall(b"a")
                    end.settimeout(0.01)
                    with contextlib.suppress(TimeoutError):
                        end.recv(1)
        refused = reverse.event("refused", stage="request")
        self.assertEqual(refused["reason"], "CONNECT request: not done within 200 ms")

    def test_a_client_that_does_not_take_its_refusal(self):
        """It is closed on all the same: what it sends is thrown away, and not for ever."""
        reverse = self.reverse_proxy(9)
        with connected(reverse.port, alice_context(self.pki)) as end:
            end.sendall(self.request(10))
            self.assertEqual(read_answer(end).status, 403)
            with self.assertRaises(OSError):
                while True:
                    end.sendall(b"a" * 1000)

    def test_a_destination_that_is_a_black_hole(self):
        port = self.start_black_hole()
        reverse = self.reverse_proxy(port, **limits("dial", "request"))
        answer = ask(reverse.port, self.request(port), alice_context(self.pki))
        self.assertEqual(answer.status, 504)
        self.assertIn("localhost: not connected within 200 ms", answer.body)
        self.assertIn("error=connection_timeout", answer.fields["proxy-status"])
        self.assertEqual(reverse.event("refused", status=504)["reason"], answer.body.strip())

    # Tunnels.

    def check_tunnel(self, make_ends, which, why):
        """A silent tunnel is cut: no end may think that this was the end of the data."""
        for name in ("reverse", "client"):
            with self.subTest(name):
                destinations = self.listener()
                client, _, reverse = self.both_proxies(
                    destinations.getsockname()[1], **{name: {"limits": {which: "1s"}}})
                ends = make_ends(client.port, destinations)
                for end in ends:
                    self.assertEqual(ending(getattr(end, "socket", end)), "RST")
                proxy = {"reverse": reverse, "client": client}[name]
                self.assertEqual(proxy.event("tunnel_end")["ending"], why)

    def test_an_idle_tunnel_under_cover(self):
        self.check_tunnel(self.plain_ends, "idle", "idle limit reached")

    def test_an_old_tunnel_under_cover(self):
        self.check_tunnel(self.plain_ends, "lifetime", "lifetime limit reached")

    def test_an_idle_raw_tunnel(self):
        self.check_tunnel(self.tls_ends, "idle", "idle limit reached")

    def test_an_old_raw_tunnel(self):
        self.check_tunnel(self.tls_ends, "lifetime", "lifetime limit reached")

    # The client proxy's browser, and what is behind it.

    def check_browser(self, sent):
        client = self.client_proxy(9, **limits("request"))
        with connected(client.port) as end:
            end.sendall(sent)
            self.assertIn(ending(end), ("FIN", "RST"))
        return client

    def test_a_browser_that_says_nothing(self):
        """They open connections in advance: that is no event."""
        client = self.check_browser(b"")
        self.assertEqual(ask(client.port, b"GET / HTTP/1.1\r\n\r\n").status, 405)
        self.assertEqual(client.event("refused")["status"], 405)

    def test_a_browser_with_half_a_request(self):
        client = self.check_browser(self.request(9)[:20])
        self.assertEqual(client.event("refused", stage="request")["reason"],
                         "CONNECT request: not done within 200 ms")

    def check_page(self, client, why, port=9):
        answer = ask(client.port, self.request(port))
        self.assertEqual(answer.status, 504, answer.body)
        self.assertIn(why, answer.body)
        self.assertIn("error=connection_timeout", answer.fields["proxy-status"])
        self.assertEqual(client.event("refused", status=504)["reason"], answer.body.strip())

    def test_a_reverse_proxy_that_is_a_black_hole(self):
        port = self.start_black_hole()
        self.check_page(self.client_proxy(port, **limits("dial", "request")),
                        f"cannot connect to localhost:{port}: localhost: not connected within")

    def test_a_reverse_proxy_that_is_silent_in_the_handshake(self):
        self.check_page(self.client_proxy(self.silent(), **limits("handshake", "request")),
                        "TLS handshake with the reverse proxy: not done within 200 ms")

    def test_a_reverse_proxy_that_does_not_answer(self):
        """It dials a black hole, and has more patience than we."""
        port = self.start_black_hole()
        reverse = self.reverse_proxy(port, limits={"dial": ENDLESS})
        self.check_page(self.client_proxy(reverse.port, **limits("response", "request")), port=port,
                        why="the reverse proxy's answer: not done within 200 ms")

    def test_a_proxy_in_between_that_does_not_answer(self):
        via = {"via": f"http://127.0.0.1:{self.silent()}"}
        self.check_page(self.client_proxy(9, reverse_proxy=via, **limits("response", "request")),
                        "the answer of the proxy in between: not done within 200 ms")


if __name__ == "__main__":
    unittest.main()
