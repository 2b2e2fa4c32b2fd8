#!/usr/bin/env python3
"""tls.pairing = "loopback": the whole reverse proxy on a stock libssl that knows nothing of detaching.

Without this the disclosure's own fallback would be a claim: certificates, the binding, the rows, the detach and the
raw bytes behind it, all with a TLS server that only accepts, reads, writes and shuts down.
"""

import concurrent.futures
import hashlib
import os
import socket
import ssl
import unittest

import tls_records
from curl import INNER_NAME, as_bob, curl, through
from inner_tls import connect_through
from processes import PATIENCE
from raw_client import alice_context, ask, connected
from tunnel_case import TunnelCase

CONNECT_ONLY = {"detach": {"modes": ["connect"]}}
PAIRED = {"tls": {"pairing": "loopback", "min_version": "1.2"}, **CONNECT_ONLY}
TLS12_TOO = {"tls": {"min_version": "1.2"}, **CONNECT_ONLY}
NO_TLS13 = {"env": {"LD_PRELOAD": os.path.abspath("tests/support/tls12_only.so")}}
SIZE = 3_000_000
# A record, and a message, that hold less than they say.
NO_CLIENT_HELLO = b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00"


class ReverseLeavesAStockTlsServerTest(TunnelCase):
    def check(self, *, reverse, client):
        nginx = self.nginx()
        inner = self.relay_to(nginx.port)
        client, wire, reverse = self.both_proxies(inner.port, reverse=reverse, client=client)
        body = os.urandom(SIZE)
        (nginx.files / "large").write_bytes(body)
        ran = curl(*as_bob(self.pki), *through(client.port, inner.port), f"https://{INNER_NAME}/",
                   f"https://{INNER_NAME}/files/large")
        self.assertTrue(ran.stdout == f"CN=bob TLSv1.3 {INNER_NAME}\n".encode() + body, ran.stderr)
        outside, inside = wire.finished_connection(), inner.finished_connection()
        for direction in ("up", "down"):
            on_the_wire = getattr(outside, direction).received
            tls_records.walk(on_the_wire)
            self.assertTrue(on_the_wire.endswith(getattr(inside, direction).received))
        for proxy in (client, reverse):
            ended = proxy.event("tunnel_end")
            self.assertEqual((ended["mode"], ended["covered_up"], ended["covered_down"]), ("connect", 0, 0))
        return outside

    def test_over_tls_1_3(self):
        self.check(reverse=PAIRED, client=CONNECT_ONLY)

    @unittest.skipIf("CLIENT_PROXY_BACKEND" in os.environ, "only OpenSSL is kept at TLS 1.2 from outside")
    def test_over_tls_1_2(self):
        wire = self.check(reverse=PAIRED, client={**TLS12_TOO, **NO_TLS13})
        self.assertIn(tls_records.ALERT, [record.type for record in tls_records.walk(wire.up.received)])

    def test_many_bytes_pass_both_ways_at_once(self):
        listener = self.listener()
        client, _, reverse = self.both_proxies(listener.getsockname()[1], reverse=PAIRED, client=CONNECT_ONLY)
        browser, destination = self.tls_ends(client.port, listener)
        bulk = os.urandom(SIZE)
        with concurrent.futures.ThreadPoolExecutor() as pool:
            def echo():
                for _ in range(SIZE // 60000):
                    destination.write(destination.read(60000))
            echoing = pool.submit(echo)
            digest = hashlib.sha256()
            for place in range(0, SIZE, 60000):
                browser.write(bulk[place:place + 60000])
                digest.update(browser.read(60000))
            echoing.result(PATIENCE)
        self.assertEqual(digest.digest(), hashlib.sha256(bulk).digest())
        for end in (browser, destination):
            end.socket.close()
        self.assertEqual(reverse.event("tunnel_end")["covered_up"], 0)

    def test_what_is_not_tls_stays_in_it(self):
        listener = self.listener()
        client, _, reverse = self.both_proxies(listener.getsockname()[1], reverse=PAIRED, client=CONNECT_ONLY)
        browser, destination = self.plain_ends(client.port, listener)
        for turn in (b"SSH-2.0-x\r\n", b"more\n" * 10000):
            for one, other in ((browser, destination), (destination, browser)):
                one.sendall(turn)
                got = b""
                while len(got) < len(turn):
                    got += other.recv(65536)
                self.assertEqual(got, turn)
        browser.close()
        self.assertEqual(destination.recv(1), b"")
        destination.close()
        ended = reverse.event("tunnel_end")
        self.assertEqual((ended["raw_up"], ended["raw_down"]), (0, 0))
        self.assertGreater(ended["covered_up"], 50000)

    def test_a_destination_that_speaks_first_ends_the_offer(self):
        listener = self.listener()
        client, _, reverse = self.both_proxies(listener.getsockname()[1], reverse=PAIRED, client=CONNECT_ONLY)
        browser, destination = self.plain_ends(client.port, listener)
        destination.sendall(b"220 hello\r\n")
        self.assertEqual(browser.recv(100), b"220 hello\r\n")
        browser.shutdown(socket.SHUT_WR)  # a close_notify, and no detach any more
        self.assertEqual(destination.recv(100), b"")
        for turn in (b"late\n", b"later\n"):  # TLS 1.3 goes on in the other direction
            destination.sendall(turn)
            self.assertEqual(browser.recv(100), turn)
        destination.close()
        self.assertEqual(browser.recv(100), b"")
        browser.close()
        self.assertEqual(reverse.event("tunnel_end")["raw_up"], 0)

    def test_ordinary_clients_are_served_and_strangers_are_not(self):
        listener = self.listener()
        port = listener.getsockname()[1]
        reverse = self.reverse_proxy(port, **PAIRED)
        request = f"CONNECT localhost:{port} HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode()
        with connected(reverse.port, alice_context(self.pki)) as end:
            end.sendall(request)
            self.assertTrue(end.recv(1000).startswith(b"HTTP/1.1 200 "))
            destination, _ = listener.accept()
            with destination:
                end.sendall(b"hello")
                self.assertEqual(destination.recv(5), b"hello")
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            ask(reverse.port, request, alice_context(self.pki, None))
        with self.assertRaisesRegex(ssl.SSLError, "CERTIFICATE_REVOKED|certificate revoked"):
            ask(reverse.port, request, alice_context(self.pki, "client-revoked"))
        self.assertEqual(ask(reverse.port, request, alice_context(self.pki, "other-client")).status, 403)
        elsewhere = request.replace(str(port).encode(), b"1")
        self.assertEqual(ask(reverse.port, elsewhere, alice_context(self.pki)).status, 403)

    def test_who_fails_the_handshake_and_stays_keeps_his_place(self):
        """Else anybody could have as many threads as he likes."""
        reverse = self.reverse_proxy(1, **PAIRED, limits={"max_connections": 1})
        with connected(reverse.port) as stranger, connected(reverse.port) as next_one:
            stranger.sendall(NO_CLIENT_HELLO)
            self.assertEqual(stranger.recv(1), bytes([tls_records.ALERT]))
            reverse.event("refused")
            next_one.sendall(NO_CLIENT_HELLO)
            next_one.settimeout(0.5)
            with self.assertRaises(TimeoutError):
                next_one.recv(1)
            stranger.close()
            next_one.settimeout(PATIENCE)
            self.assertEqual(next_one.recv(1), bytes([tls_records.ALERT]))

    def test_ends_when_it_is_told_to_with_connections_in_every_stage(self):
        listener = self.listener()
        reverse = self.reverse_proxy(listener.getsockname()[1], **PAIRED, limits={"drain": "1s"})
        client = self.client_proxy(reverse.port, **CONNECT_ONLY)
        self.enterContext(connected(reverse.port))  # says nothing
        self.enterContext(connected(reverse.port, alice_context(self.pki)))
        covered = connect_through(client.port, listener.getsockname()[1])
        covered.sendall(b"no TLS")
        destination, _ = listener.accept()
        self.assertEqual(destination.recv(6), b"no TLS")
        covered.close()
        destination.close()


if __name__ == "__main__":
    unittest.main()
