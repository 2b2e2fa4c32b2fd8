#!/usr/bin/env python3
"""What runs within the inner TLS is none of the proxies' business: HTTP/2, and WebSocket for hours.

Without this it is a proxy for web pages of the nineties.
"""

import unittest

import websocket
from curl import INNER_NAME, as_bob, curl, through
from tunnel_case import TunnelCase

FILES = 20
SIZE = 300_000


class TunnelCarriesHttp2AndWebsocketTest(TunnelCase):
    def check_was_raw(self, *proxies):
        for proxy in proxies:
            ended = proxy.event("tunnel_end")
            self.assertEqual((ended["mode"], ended["ending"]), ("covered", "closed"))
            self.assertGreater(min(ended["raw_up"], ended["raw_down"]), 0)

    def test_many_files_at_a_time_over_http2_in_one_tunnel(self):
        nginx = self.nginx(protocols="ssl http2")
        client, _, reverse = self.both_proxies(nginx.port)
        bodies = [bytes([number]) * (SIZE + number) for number in range(FILES)]
        wanted = []
        for number, body in enumerate(bodies):
            (nginx.files / str(number)).write_bytes(body)
            wanted += ["--output", self.directory / f"got-{number}",
                       f"https://{INNER_NAME}/files/{number}"]
        ran = curl(*as_bob(self.pki), *through(client.port, nginx.port), "--http2", "--parallel",
                   "--write-out", "%{http_version} %{response_code}\n", *wanted)
        self.assertEqual(ran.stdout, b"2 200\n" * FILES, ran.stderr)
        for number, body in enumerate(bodies):
            self.assertTrue((self.directory / f"got-{number}").read_bytes() == body, number)
        self.check_was_raw(client, reverse)
        self.assertEqual(len(client.events("tunnel_end")), 1)

    def test_an_upload_over_http2(self):
        nginx = self.nginx(protocols="ssl http2", settings="dav_methods PUT;")
        client, _, reverse = self.both_proxies(nginx.port)
        upload = self.directory / "upload"
        upload.write_bytes(bytes(range(256)) * 8192)
        ran = curl(*as_bob(self.pki), *through(client.port, nginx.port), "--http2",
                   "--upload-file", upload, "--write-out", "%{http_version} %{response_code}",
                   f"https://{INNER_NAME}/files/upload")
        self.assertEqual(ran.stdout, b"2 201", ran.stderr)
        self.assertTrue((nginx.files / "upload").read_bytes() == upload.read_bytes())
        self.check_was_raw(client, reverse)
        self.assertGreater(reverse.event("tunnel_end")["raw_up"], upload.stat().st_size)

    def test_a_websocket(self):
        destinations = self.listener()
        client, _, reverse = self.both_proxies(destinations.getsockname()[1])
        ends = self.tls_ends(client.port, destinations)
        with self.in_background(lambda: self.sockets.append(websocket.serve(ends[1]))):
            browser = websocket.connect(ends[0])
        server = self.sockets.pop()
        for size in (0, 1, 125, 126, 65535, 65536, 1_000_000):
            for sender, receiver in ((browser, server), (server, browser)):
                message = (websocket.BINARY, b"\xa5" * size)
                with self.in_background(sender.send, *message):
                    self.assertTrue(receiver.receive() == message, size)
        for message in ((websocket.TEXT, b"unasked"), (websocket.PING, b"still there?")):
            server.send(*message)
            self.assertEqual(browser.receive(), message)
        browser.send(websocket.CLOSE, b"\x03\xe8")
        self.assertEqual(server.receive(), (websocket.CLOSE, b"\x03\xe8"))
        for end in ends:
            end.fin()
        self.check_was_raw(client, reverse)

    def setUp(self):
        super().setUp()
        self.sockets = []


if __name__ == "__main__":
    unittest.main()
