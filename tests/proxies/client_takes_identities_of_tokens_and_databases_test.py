#!/usr/bin/env python3
"""Tokens and databases beside each other in `identities`: what is in them counts, and what is wrong is said.

Without this a user with a smart card, or with a password on the database, gets "no certificate" and no
reason.
"""

import os
import re
import subprocess
import unittest

import browsers
import proxies
from keeper import KEEPER, MODULE
from processes import PATIENCE
from raw_client import ask
from resources import wait_until
from tokens import SOFTHSM, NssDatabase, SoftHsm
from tunnel_case import TunnelCase

CONNECT = b"CONNECT localhost:9 HTTP/1.1\r\nHost: localhost:9\r\n\r\n"
BOB = "URI:spiffe://corp.example/bob"


class ClientTakesIdentitiesOfTokensAndDatabasesTest(TunnelCase):
    def setUp(self):
        super().setUp()
        self.home = self.directory / "home"
        self.home.mkdir()
        self.softhsm = SoftHsm(self.directory / "softhsm")
        self.environment = {**browsers.home_environment(self.home), **self.softhsm.environment}
        self.reverse = self.reverse_proxy(9)

    # --- what a user has

    def database(self, password=""):
        return NssDatabase(self.home / ".pki/nssdb", password)

    def add(self, database, name):
        database.add(name, self.pki / f"{name}.crt", self.pki / f"{name}.key")

    def card(self, name, pin="1234"):
        """A URI of a token with that identity."""
        self.softhsm.add_token("corp", pin)
        self.softhsm.add("corp", name, self.pki / f"{name}.crt", self.pki / f"{name}.key", pin)
        issuer = self.directory / "issuer.crt"
        issuer.write_text((self.pki / f"{name}.crt").read_text().partition("END CERTIFICATE-----\n")[2])
        self.softhsm.add_certificate("corp", "issuer", issuer, pin)
        return f"pkcs11:token=corp?module-path={SOFTHSM}&pin-source=file:{self.pin(pin)}"

    def pin(self, pin):
        path = self.directory / "pin"
        path.write_text(f"{pin}\n")
        path.chmod(0o600)
        return path

    # --- what the client proxy makes of it

    def start_client(self, *identities, rows=(), **keeper):
        programs = {"program": os.path.abspath(KEEPER), "provider": os.path.abspath(MODULE)}
        tables = {"keeper": {**programs, **keeper}, "keeper.identity": list(rows) or None}
        client = self.client_proxy(self.reverse.port, env=self.environment,
                                   identities=list(identities), **tables)
        client.event("listening")
        return client

    def identities(self, client):
        ran = subprocess.run([proxies.CLIENT_PROXY, "identities", "--config", client.config_file],
                             env={**os.environ, **self.environment}, capture_output=True, text=True,
                             timeout=PATIENCE, check=False)
        print(ran.stdout, ran.stderr)
        self.assertEqual(ran.returncode, 0)
        return ran.stdout

    def check_that_it_goes_as(self, client, who):
        ask(client.port, CONNECT)
        self.reverse.event("refused", client=who, destination="localhost:9")

    def check_that_it_says(self, why, client):
        """In the list, in the log, and in the page for the browser."""
        self.assertRegex(self.identities(client), rf"(?m)^passed over: .*{why}")
        client.find(lambda line: re.search(f'"identity_skipped".*{why}', line))
        page = ask(client.port, CONNECT)
        self.assertEqual(page.status, 502)
        self.assertRegex(page.body, rf"none fits(.|\n)*passed over: .*{why}")

    # --- what is there counts

    def test_a_token_beside_the_browsers_database(self):
        self.add(self.database(), "client-unknown-ca")
        client = self.start_client("browser:chromium", self.card("client"))
        self.check_that_it_goes_as(client, proxies.ALICE)
        listed = self.identities(client)
        self.assertRegex(listed, r"(?m)^CN=alice\n(  .*\n)*  key in +pkcs11:token=corp.*, in the keeper$")
        self.assertRegex(
            listed, rf"(?m)^CN=stranger\n(  .*\n)*  key in +browser:{self.home}/.pki/nssdb.*, in the keeper$")

    def test_a_database_with_a_password(self):
        self.add(self.database("secret"), "client")
        client = self.start_client(f"browser:chromium?pin-source=file:{self.pin('secret')}")
        self.check_that_it_goes_as(client, proxies.ALICE)

    def test_a_certificate_in_a_file_and_in_a_database_is_one(self):
        self.add(self.database(), "client")
        client = self.start_client("browser:chromium", f"file:{self.pki}/client.pem")
        self.check_that_it_goes_as(client, proxies.ALICE)
        listed = self.identities(client)
        self.assertEqual(listed.count("CN=alice\n"), 1)
        self.assertRegex(listed, rf"key in +file:{self.pki}/client.pem\n +key in +browser:")

    def test_what_is_added_and_deleted_while_it_runs(self):
        database = self.database()
        self.add(database, "client")
        client = self.start_client("browser:chromium")
        self.check_that_it_goes_as(client, proxies.ALICE)
        database.delete("client")
        self.add(database, "other-client")

        def goes_as_bob():
            ask(client.port, CONNECT)
            return self.reverse.events("refused", client=BOB)  # the keeper looks once a second

        wait_until(goes_as_bob, "the new certificate")

    def test_a_key_of_the_keeper_that_identities_does_not_name(self):
        self.add(self.database(), "client-unknown-ca")
        (self.pki / "client.pem").chmod(0o600)
        row = {"name": "alice", "uri": f"file:{self.pki}/client.pem"}
        client = self.start_client("browser:chromium", rows=[row])
        self.assertNotIn("CN=alice", self.identities(client))

    # --- what is wrong is said

    def test_a_wrong_pin(self):
        uri = self.card("client")
        self.pin("9999")
        self.check_that_it_says("PIN", self.start_client(uri))

    def test_a_wrong_password(self):
        self.add(self.database("secret"), "client")
        client = self.start_client(f"browser:chromium?pin-source=file:{self.pin('wrong')}")
        self.check_that_it_says("PIN|password", client)

    def test_a_password_that_nobody_gave(self):
        self.add(self.database("secret"), "client")
        self.check_that_it_says("pin-source", self.start_client("browser:chromium"))

    def test_a_token_that_is_not_there(self):
        uri = self.card("client").replace("token=corp", "token=lost")
        self.check_that_it_says("there is no such token", self.start_client(uri))

    def test_a_token_without_a_certificate(self):
        self.softhsm.add_token("empty")
        uri = f"pkcs11:token=empty?module-path={SOFTHSM}&pin-source=file:{self.pin('1234')}"
        self.check_that_it_says("pkcs11:token=empty", self.start_client(uri))

    def test_a_key_without_its_certificate(self):
        self.softhsm.add_token("corp")
        self.softhsm.add_key("corp", "alice", self.pki / "client.key")
        uri = f"pkcs11:token=corp?module-path={SOFTHSM}&pin-source=file:{self.pin('1234')}"
        self.check_that_it_says("certificate", self.start_client(uri))

    def test_no_browser(self):
        self.check_that_it_says("Chromium or Firefox has no database", self.start_client("browser:"))

    def test_a_missing_package(self):
        self.add(self.database(), "client")
        client = self.start_client("browser:chromium", pkcs11_provider="/nowhere/pkcs11.so")
        self.check_that_it_says("pkcs11-provider", client)


if __name__ == "__main__":
    unittest.main()
