#!/usr/bin/env python3
"""`identity:` is a URI like any other to OpenSSL's own programs, with nothing but an openssl.cnf."""

import pathlib
import subprocess
import tempfile
import unittest

from keeper import KEY_TYPES, MODULE, Keeper, entry, make_identity, openssl, openssl_config
from openssl_ends import SClient, SServer
from pki import certificates


class IdentityUriWorksInStockProgramsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.pki = cls.enterClassContext(certificates())
        cls.folder = folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        entries = [entry("alice", cls.pki / "client.pem", "tls-client")]
        for name, options in KEY_TYPES.items():
            path = make_identity(folder, name, *options)
            entries += [entry(f"{name}-server", path, "tls-server"),
                        entry(f"{name}-client", path, "tls-client")]
        cls.all_certificates = folder / "all.crt"
        cls.all_certificates.write_bytes(
            b"".join((folder / f"{name}.crt").read_bytes() for name in KEY_TYPES))
        cls.pki.joinpath("client.pem").chmod(0o600)
        cls.keeper = cls.enterClassContext(Keeper(folder, *entries))
        cls.environments = [
            openssl_config(folder / f"{first}.cnf", cls.keeper.socket, first=first)
            for first in (False, True)]

    def serve(self, environment, uri, *options):
        return SServer(self.pki, "-cert", uri, "-key", uri, "-cert_chain", uri, *options,
                       env=environment)

    def assert_talk(self, server, client):
        client.say("hello")
        server.hear("hello")
        server.say("there")
        client.hear("there")
        self.assertEqual(client.leave(), 0, client.lines)

    def test_mutual_tls_13_with_each_type_of_key_whichever_provider_comes_first(self):
        trust = ["-CAfile", self.all_certificates, "-verify_return_error"]
        for environment in self.environments:
            for name in KEY_TYPES:
                with self.subTest(key=name, environment=environment), \
                        self.serve(environment, f"identity:{name}-server", "-Verify", "1", "-tls1_3",
                                   *trust) as server, \
                        SClient(self.pki, server.port, *trust, "-cert", f"identity:{name}-client",
                                "-key", f"identity:{name}-client", env=environment) as client:
                    self.assert_talk(server, client)
                    self.assertTrue(any(f"CN={name}" in line.replace(" ", "")
                                        for line in server.lines), server.lines)

    def test_a_chain_comes_with_its_key(self):
        """The server knows the root only: the client must send what stands between."""
        environment = self.environments[0]
        listed = openssl("storeutl", "-noout", "identity:alice", env=environment).decode()
        self.assertEqual(listed.split("\n")[:-1],
                         ["0: Certificate", "1: Certificate", "2: Pkey", "Total found: 3"])
        with self.serve(environment, "identity:rsa-server", "-Verify", "2",
                        "-verify_return_error") as server, \
                SClient(self.pki, server.port, "-CAfile", self.all_certificates, "-cert",
                        "identity:alice", "-key", "identity:alice", "-cert_chain", "identity:alice",
                        env=environment) as client:
            self.assert_talk(server, client)

    def test_all_identities_are_listed(self):
        found = openssl("storeutl", "-noout", "identity:", env=self.environments[0]).decode()
        self.assertIn(f"Total found: {3 + 2 * 2 * len(KEY_TYPES)}", found)

    def test_what_is_not_there_is_said(self):
        for uri, socket, reason, message in (
                ("identity:nobody", self.keeper.socket, "not done by the keeper",
                 'the keeper has no identity "nobody"'),
                ("identity:alice", "/nowhere", "no keeper", "/nowhere: No such file or directory")):
            environment = openssl_config(self.folder / "wrong.cnf", socket)
            ran = subprocess.run(["openssl", "storeutl", uri], capture_output=True, text=True,
                                 env=environment, check=False)
            self.assertNotEqual(ran.returncode, 0)
            self.assertRegex(ran.stderr, f"{reason}:.*{message}")

    def test_a_private_key_is_not_written_out(self):
        ran = subprocess.run(["openssl", "pkey", "-in", "identity:rsa-server"], capture_output=True,
                             text=True, env=self.environments[0], check=False)
        self.assertNotIn("PRIVATE KEY", ran.stdout)

    def test_ordinary_keys_work_beside_it(self):
        """openssl itself, as it is used without a thought for providers."""
        for environment in self.environments:
            for name, options in KEY_TYPES.items():
                key, certificate = self.folder / "own.key", self.folder / "own.crt"
                openssl("req", "-x509", "-newkey", *options, "-nodes", "-keyout", key, "-out",
                        certificate, "-subj", "/CN=own", env=environment)
                openssl("verify", "-CAfile", certificate, certificate, env=environment)
                bundle = self.folder / "own.p12"
                openssl("pkcs12", "-export", "-inkey", key, "-in", certificate, "-passout", "pass:x",
                        "-out", bundle, env=environment)
                again = openssl("pkcs12", "-in", bundle, "-passin", "pass:x", "-nodes",
                                env=environment)
                self.assertIn(b"PRIVATE KEY", again, name)
            with SServer(self.pki, env=environment) as server, \
                    SClient(self.pki, server.port, env=environment) as client:
                self.assert_talk(server, client)

    def test_the_module_exports_one_name(self):
        """Whatever else it exported could stand in for a symbol of the program."""
        names = subprocess.run(["nm", "-D", "--defined-only", MODULE], capture_output=True, text=True,
                               check=True).stdout.split("\n")
        self.assertEqual([line.split()[-1] for line in names if line], ["OSSL_provider_init"])


if __name__ == "__main__":
    unittest.main()
