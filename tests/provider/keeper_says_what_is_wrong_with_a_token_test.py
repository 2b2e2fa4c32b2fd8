#!/usr/bin/env python3
"""pkcs11-provider finds "0 keys", whatever is wrong. The keeper says what it is: where one identity is
wanted it does not start, and where a database is it passes it over, and says why to who asks."""

import os
import pathlib
import tempfile
import unittest

from keeper import KEY_TYPES, MODULE, Keeper, database, entry, make_identity
from tokens import SOFTHSM, SoftHsm


class KeeperSaysWhatIsWrongWithATokenTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        for name in ("whole", "bare", "widow"):
            make_identity(folder, name, *KEY_TYPES["p256"], "-addext", "basicConstraints=CA:FALSE")
        cls.hsm = SoftHsm(folder / "hsm")
        for token in ("first", "second"):
            cls.hsm.add_token(token)
        cls.hsm.add("first", "whole", folder / "whole.crt", folder / "whole.key")
        cls.hsm.add_key("second", "bare", folder / "bare.key")
        cls.hsm.add_certificate("second", "widow", folder / "widow.crt")
        for name, text in (("pin", "1234"), ("wrong", "9999"), ("open", "1234"), ("empty", "")):
            (folder / name).write_text(f"{text}\n")
            (folder / name).chmod(0o644 if name == "open" else 0o600)

    def start(self, *entries, wait=False, top=""):
        keeper = Keeper(self.folder, top, *entries, wait=wait, env=self.hsm.environment)
        self.addCleanup(keeper.kill)
        return keeper

    def uri(self, attributes, *, pin="pin", module=SOFTHSM):
        query = [f"module-path={module}"] + ([f"pin-source=file:{self.folder}/{pin}"] if pin else [])
        return f"pkcs11:{attributes}?{'&'.join(query)}"

    def assert_refused(self, uri, why, *, line=5, **options):
        keeper = self.start(entry("id", uri, "tls-client"), **options)
        self.assertEqual(keeper.wait(), 2)
        said, = keeper.lines
        self.assertTrue(said.startswith(f"{self.folder}/keeper.toml:{line}:"), said)
        self.assertIn(why, said)
        return said

    def assert_noticed(self, uri, why):
        """The keeper serves, with what it has, and says so to who asks, and in its log. Returns the
        names of what it has."""
        with self.start(database(uri, "tls-client"), wait=True) as keeper:
            self.assertTrue(any(why in notice for notice in keeper.notices()), keeper.notices())
            self.assertTrue(any(why in line.replace('\\"', '"')
                                for line in keeper.events("passed_over")), keeper.lines)
            return " ".join(keeper.identities())

    def assert_said(self, uri, why):
        self.assert_refused(uri, why)
        self.assert_noticed(uri, why)

    def test_the_module_is_not_there_or_is_none(self):
        self.assert_said(self.uri("", module="/nowhere.so"), "/nowhere.so: the PKCS#11 module cannot "
                         "be loaded")
        self.assert_said(self.uri("", module=os.path.abspath(MODULE)), "is no PKCS#11 module")

    def test_there_is_no_such_token(self):
        self.assert_said(self.uri("token=third"), 'there is no such token; there are "')

    def test_the_pin_is_wrong(self):
        self.assert_said(self.uri("token=first", pin="wrong"), "pkcs11:token=first: refuses the PIN")

    def test_a_pin_is_wanted(self):
        """Nobody asks for it on a terminal."""
        self.assert_said(self.uri("token=first", pin=None), "pkcs11:token=first: wants a PIN; write it "
                         "to a file, and add to the URI: ?pin-source=file:/path")

    def test_there_is_no_certificate(self):
        self.assert_said(self.uri("token=second;object=bare"), "pkcs11:token=second: holds no "
                         "certificate of its private key")

    def test_there_is_no_key(self):
        self.assert_said(self.uri("token=second;object=widow"), "pkcs11:token=second: has no such "
                         "private key")
        self.assert_noticed(self.uri("token=second"), "pkcs11:token=second: the certificate of "
                            "CN=widow is not used: its private key is not there")

    def test_what_is_right_is_held_beside_what_is_wrong(self):
        names = self.assert_noticed(self.uri(""), "holds no certificate")
        self.assertRegex(names, r"\bwhole-[0-9a-f]{8}\b")

    def test_there_are_two_where_one_is_wanted(self):
        self.hsm.add_token("crowd")
        for name in ("whole", "bare"):
            self.hsm.add("crowd", name, self.folder / f"{name}.crt", self.folder / f"{name}.key")
        self.assert_refused(self.uri("token=crowd"), "there are 2 identities; name one of them by "
                            "object=")

    def test_pkcs11_provider_is_not_there(self):
        said = self.assert_refused(self.uri("token=first"), "/nowhere/pkcs11.so is missing: install "
                                   "the package pkcs11-provider", line=6,
                                   top="pkcs11_provider = '/nowhere/pkcs11.so'\n")
        self.assertIn("bookworm-backports", said)

    def test_a_pin_does_not_belong_into_the_configuration(self):
        said = self.assert_refused(f"pkcs11:token=first?pin-value=8765&module-path={SOFTHSM}",
                                   "pin-source=file:/etc/detach/pin in place of pin-value")
        self.assertNotIn("8765", said)
        said = self.assert_refused("browser:/x?pin-value=8765", "pin-source=file:")
        self.assertNotIn("8765", said)

    def test_the_file_with_the_pin_is_secret_and_holds_one(self):
        self.assert_refused(self.uri("token=first", pin="open"), "chmod o-r")
        self.assert_refused(self.uri("token=first", pin="empty"), "the first line is empty")
        self.assert_refused(self.uri("token=first", pin="nowhere"), "No such file")

    def test_the_uri_is_none(self):
        for uri, why in (("pkcs11:colour=red", "attribute"), ("pkcs11:token=%zz", "pkcs11:"),
                         ("pkcs11:token=first?module-path=x.so", "absolute path"),
                         ("pkcs11:token=first?pin-source=/pin", "pin-source needs file:"),
                         ("pkcs11:token=first?module-name=softhsm2", "by its path"),
                         ("browser:netscape", "there are browser:, browser:chromium")):
            self.assert_refused(uri, why)
        keeper = self.start("[[database]]\nuri = 'file:/etc'\npurpose = 'tls-client'\n")
        self.assertEqual(keeper.wait(), 2)
        self.assertIn("a database is at a pkcs11: or browser: URI", keeper.lines[0])
        keeper = self.start(entry("id", self.uri("token=first"), "tls-client", passphrase_file="/x"))
        self.assertEqual(keeper.wait(), 2)
        self.assertIn("?pin-source=file:/path", keeper.lines[0])


if __name__ == "__main__":
    unittest.main()
