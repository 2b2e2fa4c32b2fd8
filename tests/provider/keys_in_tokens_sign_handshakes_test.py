#!/usr/bin/env python3
"""A key in an HSM or in a browser's database signs TLS 1.3 like one in a file: through the keeper,
by pkcs11-provider. One process has all of them: two modules, two databases of NSS."""

import pathlib
import tempfile
import threading
import unittest

from keeper import (KEY_TYPES, SIGN_CERTIFICATE_VERIFY, SIGNATURE, Keeper, Peer, certificate_verify,
                    database, entry, frame, key_id, make_identity, openssl_config)
from openssl_ends import SClient, SServer
from pki import certificates
from tokens import SOFTHSM, NssDatabase, SoftHsm

# What NSS and SoftHSM can both take in.
TYPES = ("rsa", "p256", "p384")
SCHEMES = {"rsa": 0x0804, "p256": 0x0403, "p384": 0x0503, "ed25519": 0x0807}


class KeysInTokensSignHandshakesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.pki = cls.enterClassContext(certificates())
        cls.folder = folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        for name in (*TYPES, "ed25519"):
            make_identity(folder, name, *KEY_TYPES[name])
        hsm = SoftHsm(folder / "hsm")
        hsm.add_token("first")
        open_, closed = NssDatabase(folder / "open"), NssDatabase(folder / "closed", "secret")
        for name in TYPES:
            hsm.add("first", name, folder / f"{name}.crt", folder / f"{name}.key")
        hsm.add("first", "ed25519", folder / "ed25519.crt", folder / "ed25519.key")
        for name in ("rsa", "p256"):
            open_.add(name, folder / f"{name}.crt", folder / f"{name}.key")
        closed.add("p384", folder / "p384.crt", folder / "p384.key")
        for name, secret in (("pin", "1234"), ("password", "secret")):
            (folder / name).write_text(f"{secret}\n")
            (folder / name).chmod(0o600)
        cls.keeper = cls.enterClassContext(Keeper(
            folder,
            *(entry(f"hsm-{name}", f"pkcs11:token=first;object={name}?module-path={SOFTHSM}&"
                    f"pin-source=file:{folder}/pin", "tls-server")
              for name in (*TYPES, "ed25519")),
            # By p11-kit, which knows SoftHSM.
            entry("any-module", f"pkcs11:token=first;object=p256?pin-source=file:{folder}/pin",
                  "tls-server"),
            database(f"browser:{folder}/open", "tls-client"),
            database(f"browser:{folder}/closed?pin-source=file:{folder}/password", "tls-client"),
            env=hsm.environment))
        cls.environment = openssl_config(folder / "openssl.cnf", cls.keeper.socket)
        cls.all_certificates = folder / "all.crt"
        cls.all_certificates.write_bytes(
            b"".join((folder / f"{name}.crt").read_bytes() for name in (*TYPES, "ed25519")))

    def in_hsm(self, key):
        return key if key == "any-module" else f"hsm-{key}"

    def of_database(self, key):
        """The name that the keeper has given to an identity of a database."""
        name, = (name for name in self.keeper.identities() if name.startswith(f"{key}-"))
        return name

    def test_with_each_type_of_key(self):
        trust = ["-CAfile", self.all_certificates, "-verify_return_error"]
        for server_key, client_key in (("rsa", "p256"), ("p256", "rsa"), ("p384", "p384"),
                                       ("ed25519", "rsa"), ("any-module", "p256")):
            of_server = f"identity:{self.in_hsm(server_key)}"
            of_client = f"identity:{self.of_database(client_key)}"
            with self.subTest(server=of_server, client=of_client), \
                    SServer(self.pki, "-cert", of_server, "-key", of_server, "-cert_chain", of_server,
                            "-Verify", "1", "-tls1_3", *trust, env=self.environment) as server, \
                    SClient(self.pki, server.port, *trust, "-cert", of_client, "-key", of_client,
                            env=self.environment) as client:
                client.say("hello")
                server.hear("hello")
                server.say("there")
                client.hear("there")
                self.assertEqual(client.leave(), 0, client.lines)
                self.assertTrue(any(f"CN={client_key}" in line.replace(" ", "")
                                    for line in server.lines), server.lines)

    def test_a_thousand_times_over_eight_connections(self):
        """No two threads of the keeper wait for each other."""
        identities = {f"hsm-{key}": key for key in ("p256", "ed25519")}
        identities |= {self.of_database(key): key for key in ("rsa", "p256", "p384")}
        failures, signed = [], []

        def sign(name, key):
            role = "server" if name.startswith("hsm-") else "client"
            request = frame(SIGN_CERTIFICATE_VERIFY, argument=SCHEMES[key], name=name.encode(),
                            key=key_id(self.folder / f"{key}.crt"), payload=certificate_verify(role))
            with Peer(self.keeper.socket) as peer:
                for _ in range(125):
                    kind, why, *_ = peer.ask(request)
                    (signed if kind == SIGNATURE else failures).append((name, why))

        threads = [threading.Thread(target=sign, args=pair)
                   for pair in [*identities.items(), *list(identities.items())[:3]]]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        self.assertEqual(len(signed), 1000)

    def test_it_says_where_each_key_is(self):
        found = self.keeper.identities()
        self.assertEqual(found["hsm-rsa"], "pkcs11:token=first")
        self.assertEqual(found[self.of_database("rsa")], f"browser:{self.folder}/open")
        self.assertEqual(found[self.of_database("p384")], f"browser:{self.folder}/closed")
        self.assertEqual(self.keeper.notices(), [])


if __name__ == "__main__":
    unittest.main()
