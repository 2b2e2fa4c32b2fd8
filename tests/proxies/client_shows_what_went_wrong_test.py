#!/usr/bin/env python3
"""Where there is no tunnel, the browser gets a page: what failed, which certificate, whose fault.

Without this the user sees "proxy connection failed", and nobody knows whom to ask.
"""

import contextlib
import hashlib
import socket
import ssl
import subprocess
import unittest

from proxies import TLS12_ONLY
from raw_client import ask
from tunnel_case import TunnelCase

REQUEST = b"CONNECT localhost:9 HTTP/1.1\r\nHost: localhost:9\r\n\r\n"
# TLS 1.2 has no alert of its own for it.
NONE_SENT = "handshake failure" if TLS12_ONLY else "certificate required"
ASKED = "none fits: the server asks for one from CN=Test client CA"


class ClientShowsWhatWentWrongTest(TunnelCase):
    def check(self, client, *why, status=502):
        """What the page says is what the log says. `why`: regular expressions; stacks have words of
        their own."""
        answer = ask(client.port, REQUEST)
        self.assertEqual(answer.status, status, answer.body)
        for text in why:
            self.assertRegex(answer.body, text)
        refused = client.event("refused")
        self.assertEqual((refused["status"], refused["reason"], refused["destination"]),
                         (status, answer.body.strip(), "localhost:9"))
        self.assertIn("detach-client-proxy", answer.fields["proxy-status"])
        return answer

    def with_identity(self, *names):
        reverse = self.reverse_proxy(9)
        return self.client_proxy(reverse.port,
                                 identities=[f"file:{self.pki}/{name}.pem" for name in names])

    def test_a_certificate_that_was_revoked(self):
        self.check(self.with_identity("client-revoked"), "certificate revoked",
                   "Client certificate: CN=revoked")

    def test_a_certificate_that_has_expired(self):
        self.check(self.with_identity("client-expired"), NONE_SENT, ASKED,
                   "CN=expired expired on 20")

    def test_a_certificate_that_is_not_yet_valid(self):
        self.check(self.with_identity("client-not-yet-valid"), NONE_SENT, ASKED,
                   "CN=not yet valid is not valid before 20")

    def test_a_certificate_of_an_unknown_authority(self):
        self.check(self.with_identity("client-unknown-ca"), NONE_SENT, ASKED,
                   "CN=stranger is issued by CN=Unknown CA")

    def test_a_certificate_for_servers(self):
        self.check(self.with_identity("client-server-only"), NONE_SENT, ASKED,
                   "CN=server only is not for client authentication")

    def test_several_certificates_none_of_which_fits(self):
        self.check(self.with_identity("client-expired", "client-unknown-ca"), ASKED,
                   "CN=expired expired", "CN=stranger is issued by")

    def test_no_certificate(self):
        empty = self.directory / "empty"
        empty.mkdir()
        reverse = self.reverse_proxy(9)
        self.check(self.client_proxy(reverse.port, identities=[f"file:{empty}"]),
                   NONE_SENT, ASKED, "the certificate database is empty")

    def with_reverse(self, url_host="localhost", *, identity="server", **trust):
        reverse = self.reverse_proxy(9, listen=["127.0.0.1:0"],
                                     tls={"identity": f"file:{self.pki}/{identity}.pem"})
        url = f"https://{url_host}:{reverse.port}"
        return self.client_proxy(0, reverse_proxy={"url": url, **trust})

    def test_a_reverse_proxy_whose_certificate_has_expired(self):
        self.check(self.with_reverse(identity="server-expired"), "[Cc]ertificate has expired",
                   'subject CN="?server.example"?, issuer CN="?Test server CA')

    def test_a_reverse_proxy_of_an_unknown_authority(self):
        self.check(self.with_reverse(trust_anchors=f"{self.pki}/client-ca.pem"), "issuer")

    def test_a_reverse_proxy_with_a_certificate_for_clients(self):
        self.check(self.with_reverse(identity="client", trust_anchors=f"{self.pki}/client-ca.pem"),
                   "purpose|usage")

    def test_a_reverse_proxy_of_another_name(self):
        relay = self.enterContext(socket.create_server(("127.0.0.2", 0)))
        reverse = self.reverse_proxy(9, listen=[f"127.0.0.3:{relay.getsockname()[1]}"])
        self.check(self.client_proxy(0, reverse_proxy={"url": f"https://127.0.0.3:{reverse.port}"}),
                   "127.0.0.3", "mismatch|is not for")

    def test_a_reverse_proxy_of_another_key(self):
        self.check(self.with_reverse(trust_anchors=None, fingerprint="sha256:" + "00" * 32),
                   "fingerprint")

    def test_a_reverse_proxy_of_the_right_key(self):
        der = ssl.PEM_cert_to_DER_cert(subprocess.run(
            ["openssl", "x509", "-in", self.pki / "server.crt", "-pubkey", "-noout"],
            capture_output=True, text=True, check=True).stdout.replace("PUBLIC KEY", "CERTIFICATE"))
        fingerprint = f"sha256:{hashlib.sha256(der).hexdigest()}"
        answer = self.check(self.with_reverse("127.0.0.1", trust_anchors=None,
                                              fingerprint=fingerprint), "refused", status=502)
        self.assertIn("detach-reverse-proxy; error=destination", answer.fields["proxy-status"])

    def test_a_reverse_proxy_that_is_not_there(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        self.check(self.client_proxy(port), f"cannot connect to localhost:{port}", "refused")

    def test_a_reverse_proxy_that_does_not_speak_tls(self):
        with self.peer(lambda end: end.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as port:
            self.check(self.client_proxy(port), "wrong version number|these bytes are no record")

    def test_a_reverse_proxy_that_leaves_in_mid_handshake(self):
        with self.peer(lambda end: end.recv(1)) as port:
            self.check(self.client_proxy(port), f"reverse proxy localhost:{port}")

    def test_what_the_reverse_proxy_refuses(self):
        reverse = self.reverse_proxy(10)
        answer = self.check(self.client_proxy(reverse.port), "the reverse proxy refused: 403",
                            "no allow row for the client", status=403)
        self.assertRegex(answer.fields["proxy-status"],
                         "detach-reverse-proxy; error=http_request_denied; details=\"no allow row")

    def test_a_proxy_in_between_that_refuses(self):
        with self.peer(lambda end: (end.recv(4096),
                                    end.sendall(b"HTTP/1.1 407 Who are you\r\n\r\n"))) as port:
            via = {"via": f"http://127.0.0.1:{port}"}
            self.check(self.client_proxy(9, reverse_proxy=via), "via", f"127.0.0.1:{port}",
                       "407 Who are you")

    @contextlib.contextmanager
    def peer(self, serve):
        """The port of a program that serves one connection, and closes it."""
        listener = self.listener()

        def run():
            with listener.accept()[0] as end:
                serve(end)

        with self.in_background(run):
            yield listener.getsockname()[1]


if __name__ == "__main__":
    unittest.main()
