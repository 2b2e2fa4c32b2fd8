#!/usr/bin/env python3
"""`detach-client-proxy identities`: what the certificate database has, and which one a server would get.

Without this a user whose certificate is not taken can only guess: from which file, and why not.
"""

import hashlib
import re
import shutil
import socket
import subprocess
import unittest

import proxies
from openssl_ends import SServer
from processes import PATIENCE
from raw_client import ask
from tunnel_case import TunnelCase

CLIENT_CA = "CN=Test client CA"


class ClientSaysWhichIdentityAServerWouldGetTest(TunnelCase):
    def identities(self, *options, names=("client",), **changes):
        """What the command says, of a database of these files of the test PKI. Its configured reverse
        proxy is nowhere."""
        files = changes.pop("identities", [f"file:{self.pki}/{name}.pem" for name in names])
        config = proxies.client_config(self.pki, 9, identities=files, **changes)
        path = self.directory / "client-proxy.toml"
        path.write_text(proxies.to_toml(config), encoding="utf-8")
        ran = subprocess.run(
            [proxies.CLIENT_PROXY, "identities", "--config", path, *map(str, options)],
            capture_output=True, text=True, timeout=PATIENCE, check=False)
        print(ran.args, ran.stdout, ran.stderr, sep="\n")
        return ran

    def ask_for(self, port, *, code, **database):
        """The command's answer for a server at that port."""
        ran = self.identities("--for", f"https://localhost:{port}", **database)
        self.assertEqual(ran.returncode, code, ran.stderr)
        return ran

    def assert_choice(self, ran, **choices):
        """`choices`: of a name, what stands in its line "choice"."""
        found = dict(re.findall(r"^CN=(.*)\n(?:  .*\n)*  choice +(.*)$", ran.stdout, re.MULTILINE))
        self.assertEqual(found.keys(), {name.replace("_", " ") for name in choices})
        for name, why in choices.items():
            self.assertRegex(found[name.replace("_", " ")], f"^{why}$")

    def fails(self, ran, *why):
        """One line, on standard error."""
        self.assertRegex(ran.stderr, r"\A[^\n]+\n\Z")
        for text in why:
            self.assertRegex(ran.stderr, text)
        return ran

    # --- the list

    def test_lists_each_identity_and_where_its_key_is(self):
        ran = self.identities(names=("client", "client-expired", "client-not-yet-valid"))
        self.assertEqual((ran.returncode, ran.stderr), (0, ""))
        alice, expired, early = ran.stdout.split("\n\n")[:3]
        spki = subprocess.run(f"openssl x509 -in {self.pki}/client.crt -pubkey -noout |"
                              " openssl pkey -pubin -outform DER",
                              shell=True, capture_output=True, check=True).stdout
        self.assertRegex(alice, rf"""\ACN=alice
  issuer       CN=Test client issuer
  valid until  20\d\d-\d\d-\d\d \d\d:\d\d UTC
  key          EC, P-256
  SPKI-SHA256  {hashlib.sha256(spki).hexdigest()}
  key in       file:{self.pki}/client.pem\Z""")
        self.assertRegex(expired, r"\ACN=expired\n(?:  .*\n)*  valid until .* UTC \(expired\)\n")
        self.assertRegex(early, r"\ACN=not yet valid\n(?:  .*\n)*"
                                r"  valid until .* UTC \(not yet valid: from 20.* UTC\)\n")

    def test_names_the_files_of_a_folder_that_it_passed_over(self):
        folder = self.directory / "ids"
        folder.mkdir()
        for name in ("client.pem", "other-client.crt", "server.key"):
            shutil.copy(self.pki / name, folder)
        (folder / "notes.txt").write_text("nothing of the kind\n")
        subprocess.run(["openssl", "pkey", "-in", self.pki / "client.key", "-aes128", "-passout",
                        "pass:secret", "-out", folder / "locked.key"], check=True)
        ran = self.identities(identities=[f"file:{folder}"])
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertIn(f"  key in       file:{folder}/client.pem\n", ran.stdout)
        for name, why in (("locked.key", "is encrypted"),
                          ("notes.txt", "holds neither certificate nor private key"),
                          ("other-client.crt", "the certificate of CN=bob is not used: its private "
                                               "key is not there"),
                          ("server.key", "holds a private key that no certificate belongs to")):
            self.assertRegex(ran.stdout, rf"(?m)^passed over: {folder}/{name}: {why}")
        self.assertEqual(ran.stdout.count("passed over: "), 4)

    def test_an_empty_database(self):
        empty = self.directory / "empty"
        empty.mkdir()
        ran = self.identities(identities=[f"file:{empty}"])
        self.assertEqual((ran.returncode, ran.stdout), (0, "the certificate database is empty\n"))

    # --- --for

    def test_names_the_one_that_the_reverse_proxy_then_gets(self):
        names = ("client-expired", "client-not-yet-valid", "client-unknown-ca",
                 "client-server-only", "client")
        reverse = self.reverse_proxy(9)
        ran = self.ask_for(reverse.port, code=0, names=names)
        self.assert_choice(ran, alice="this one", expired="not this one: it expired on 20.* UTC",
                           not_yet_valid="not this one: it is not valid before 20.* UTC",
                           stranger="not this one: it is issued by CN=Unknown CA",
                           server_only="not this one: it is not for client authentication")
        self.assertTrue(ran.stdout.endswith(
            f"\nlocalhost:{reverse.port} asks for a certificate from {CLIENT_CA}: CN=alice would be "
            "sent\n"))
        client = self.client_proxy(reverse.port,
                                   identities=[f"file:{self.pki}/{name}.pem" for name in names])
        self.assertEqual(ask(client.port, b"CONNECT localhost:9 HTTP/1.1\r\n"
                                          b"Host: localhost:9\r\n\r\n").status, 502)
        self.assertEqual(reverse.event("refused", destination="localhost:9")["client"],
                         proxies.ALICE)

    def test_shows_no_certificate_while_it_asks(self):
        reverse = self.reverse_proxy(9)
        self.ask_for(reverse.port, code=0)
        refused = reverse.event("refused")
        self.assertRegex(refused["reason"], "(?i)certificate")
        self.assertNotIn("client", refused)

    def test_of_two_that_fit_it_is_the_same_one_in_any_order(self):
        reverse = self.reverse_proxy(9)
        names = ["client", "other-client"]
        one = self.ask_for(reverse.port, code=0, names=names)
        other = self.ask_for(reverse.port, code=0, names=reversed(names))
        first, second = ("alice", "bob") if "CN=alice would be sent" in one.stdout else (
            "bob", "alice")
        for ran in (one, other):
            self.assert_choice(ran, **{
                first: "this one",
                second: rf"not this one: it is (older than|as good as) CN={first}\b.*"})

    def test_a_server_that_names_other_authorities(self):
        server = self.start(SServer(self.pki, "-Verify", "1", "-CAfile",
                                    self.pki / "server-ca.pem"))
        ran = self.fails(self.ask_for(server.port, code=1),
                         f"localhost:{server.port} asks for a certificate from CN=Test server CA: "
                         "none fits")
        self.assert_choice(ran, alice="not this one: it is issued by CN=Test client issuer")

    def test_a_server_that_takes_other_signatures(self):
        server = self.start(SServer(self.pki, "-Verify", "1", "-client_sigalgs",
                                    "rsa_pss_rsae_sha256"))
        ran = self.fails(self.ask_for(server.port, code=1), "none fits")
        self.assert_choice(
            ran, alice="not this one: it has a key with which the server takes no signature")

    def test_a_server_that_asks_for_no_certificate(self):
        server = self.start(SServer(self.pki))
        ran = self.fails(self.ask_for(server.port, code=1),
                         f"localhost:{server.port}: asks for no client certificate")
        self.assertIn("CN=alice\n", ran.stdout)

    def test_asks_through_the_proxy_in_between(self):
        reverse = self.reverse_proxy(9)
        between = self.client_proxy(9, mapping={"hosts": ["elsewhere.example"]})
        via = {"via": f"http://127.0.0.1:{between.port}"}
        self.assert_choice(self.ask_for(reverse.port, code=0, reverse_proxy=via), alice="this one")
        ended = between.event("tunnel_end")
        self.assertEqual(ended["destination"], f"localhost:{reverse.port}")

    # --- what can go wrong

    def test_a_server_that_is_not_there(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        ran = self.fails(self.ask_for(port, code=1), f"cannot connect to localhost:{port}: ",
                         "refused")
        self.assertIn("CN=alice\n", ran.stdout)

    def test_a_proxy_in_between_that_refuses(self):
        between = self.client_proxy(9, mapping={"hosts": ["elsewhere.example"]})
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        via = {"via": f"http://127.0.0.1:{between.port}"}
        self.fails(self.ask_for(port, code=1, reverse_proxy=via),
                   rf"proxy in between \(via\) 127.0.0.1:{between.port}: it refused: 502")

    def test_a_server_that_is_not_trusted(self):
        server = self.start(SServer(self.pki, "-Verify", "1"))
        trust = {"trust_anchors": f"{self.pki}/client-ca.pem"}
        ran = self.fails(self.ask_for(server.port, code=1, reverse_proxy=trust),
                         f"localhost:{server.port}: ", "issuer")
        self.assertNotIn("choice", ran.stdout)

    def test_a_server_of_another_name(self):
        reverse = self.reverse_proxy(9, listen=["127.0.0.3:0"])
        ran = self.fails(self.identities("--for", f"https://127.0.0.3:{reverse.port}"),
                         "127.0.0.3", "mismatch|is not for")
        self.assertEqual(ran.returncode, 1)

    def test_wrong_usage(self):
        for url in ("localhost", "http://localhost", "https://", "https://localhost/page"):
            ran = self.fails(self.identities("--for", url), "--for: .* is no URL of a proxy; write https://")
            self.assertEqual((ran.returncode, ran.stdout), (2, ""))
        ran = self.fails(self.identities(identities=["file:/nowhere.pem"]), "No such file")
        self.assertEqual((ran.returncode, ran.stdout), (2, ""))
        ran = subprocess.run([proxies.CLIENT_PROXY, "identities"], capture_output=True, text=True,
                             check=False)
        self.assertEqual(ran.returncode, 2)
        self.assertIn("--config", ran.stderr)


if __name__ == "__main__":
    unittest.main()
