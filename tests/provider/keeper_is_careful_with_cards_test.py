#!/usr/bin/env python3
"""A card locks after a few wrong PINs, comes and goes, and cannot do all that TLS asks for."""

import os
import pathlib
import signal
import subprocess
import tempfile
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

from keeper import (KEY_TYPES, LIST_IDENTITY, REFUSED, SIGN_CERTIFICATE_VERIFY, SIGNATURE, Keeper, Peer,
                    certificate_verify, database, entry, frame, key_id, make_identity)
from processes import PATIENCE
from tokens import CARD_READER, HANGING_TOKEN, NssDatabase, SoftHsm

RSA_PSS_SHA256, ECDSA_P256_SHA256, UNFIT_SCHEME = 0x0804, 0x0403, 3


def ask_to_the_end(peer):
    while peer.ask_bytes(frame(LIST_IDENTITY)):
        continue


def end_impatiently(keeper):
    for _ in range(2 * PATIENCE):
        keeper.signal(signal.SIGTERM)
        try:
            return keeper.process.wait(0.5)
        except subprocess.TimeoutExpired:
            continue
    return None


class KeeperIsCarefulWithCardsTest(unittest.TestCase):
    def setUp(self):
        self.folder = folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.hsm = SoftHsm(folder / "hsm")
        self.hsm.add_token("card")
        for name in ("rsa", "p256"):
            make_identity(folder, name, *KEY_TYPES[name])
            self.hsm.add("card", name, folder / f"{name}.crt", folder / f"{name}.key")
        for name, pin in (("right", "1234"), ("wrong", "9999")):
            (folder / name).write_text(f"{pin}\n")
            (folder / name).chmod(0o600)
        self.put("card")

    def put(self, file):
        (self.folder / file).touch()

    def uri(self, pin, attributes=""):
        return (f"pkcs11:{attributes}?module-path={os.path.abspath(CARD_READER)}&"
                f"pin-source=file:{self.folder}/{pin}")

    def start(self, *entries, wait=True, **environment):
        keeper = Keeper(self.folder, *entries, wait=wait,
                        env={**self.hsm.environment, "CARD_READER": str(self.folder), **environment})
        self.addCleanup(keeper.kill)
        return keeper

    def assert_tries(self, keeper, expected):
        self.assertEqual(keeper.lines.count("C_Login"), expected, keeper.lines)

    def eventually(self, keeper, condition):
        """The keeper looks again once in a second at most."""
        end = time.monotonic() + PATIENCE
        while not condition():
            self.assertLess(time.monotonic(), end, keeper.complaint("never saw it"))

    def sign(self, keeper, key, scheme):
        name, = (name for name in keeper.identities() if name.startswith(f"{key}-"))
        request = frame(SIGN_CERTIFICATE_VERIFY, argument=scheme, name=name.encode(),
                        key=key_id(self.folder / f"{key}.crt"), payload=certificate_verify("client"))
        with Peer(keeper.socket) as peer:
            return peer.ask(request)[:2]

    def test_a_wrong_pin_is_tried_once(self):
        """However many identities want it, and however often somebody asks."""
        keeper = self.start(*(entry(name, self.uri("wrong", f"object={name}"), "tls-client")
                              for name in ("rsa", "p256")), wait=False)
        self.assertEqual(keeper.wait(), 2)
        self.assert_tries(keeper, 1)
        browser = NssDatabase(self.folder / "browser")
        keeper = self.start(database(self.uri("wrong"), "tls-client"),
                            database(self.uri("right"), "tls-server"),
                            database(f"browser:{browser.folder}", "tls-client"))
        for count, name in enumerate(("rsa", "p256"), 1):
            browser.add(name, self.folder / f"{name}.crt", self.folder / f"{name}.key")
            self.eventually(keeper, lambda count=count: len(keeper.identities()) == count)
        self.assert_tries(keeper, 1)
        self.assertIn("pkcs11:token=card: refuses the PIN", keeper.notices()[0])

    def test_the_last_pin_is_not_tried(self):
        self.put("final_try")
        keeper = self.start(database(self.uri("right"), "tls-client"))
        self.assertIn("would be locked by one more wrong PIN", keeper.notices()[0])
        self.assert_tries(keeper, 0)

    def test_a_card_that_was_busy_gets_its_pin_later(self):
        """No PIN was tried while it was. (SoftHSM does not let the keeper in, once that serves.)"""
        self.put("busy")
        keeper = self.start(database(self.uri("right"), "tls-client"))
        self.assertIn("does not let the keeper log in", keeper.notices()[0])
        self.assert_tries(keeper, 0)
        (self.folder / "busy").unlink()
        self.eventually(keeper, lambda: keeper.notices() and "C_Login" in keeper.lines)
        self.assert_tries(keeper, 1)

    def test_a_card_that_hangs_does_not_keep_the_keeper_from_ending(self):
        gate = self.folder / "gate"
        keeper = self.start(database(HANGING_TOKEN, "tls-client"), DETACH_TEST_GATE=str(gate))
        os.mkfifo(gate)
        with Peer(keeper.socket) as peer, ThreadPoolExecutor() as another:
            another.submit(ask_to_the_end, peer)  # it looks at the card a second after the last time
            with gate.open("wb"):  # which the keeper has opened, too
                self.assertEqual(end_impatiently(keeper), -signal.SIGKILL)

    def test_a_card_that_comes_goes_and_comes_again(self):
        """It is there at the start: SoftHSM writes when somebody logs in, which the keeper cannot any
        more when it serves."""
        keeper = self.start(database(self.uri("right"), "tls-client"))
        for _ in range(2):
            self.eventually(keeper, lambda: len(keeper.identities()) == 2)
            self.assertEqual(keeper.notices(), [])
            for _ in range(3):
                self.assertEqual(self.sign(keeper, "p256", ECDSA_P256_SHA256)[0], SIGNATURE)
            (self.folder / "card").unlink()
            self.eventually(keeper, lambda: keeper.identities() == {})
            self.assertIn("there is no such token; there is none", keeper.notices()[0])
            self.put("card")
        self.assert_tries(keeper, 1)

    def test_a_card_that_cannot_sign_for_tls_13(self):
        self.put("no_pss")
        keeper = self.start(database(self.uri("right"), "tls-client"))
        self.assertIn("cannot sign by RSA-PSS, and so not for TLS 1.3", keeper.notices()[0])
        self.assertEqual(self.sign(keeper, "rsa", RSA_PSS_SHA256), (REFUSED, UNFIT_SCHEME))
        self.assertEqual(self.sign(keeper, "p256", ECDSA_P256_SHA256)[0], SIGNATURE)

    def test_an_identity_by_name_that_could_sign_nothing(self):
        """It does not start; with TLS 1.2 there is something to sign."""
        self.put("no_pss")
        uri = self.uri("right", "object=rsa")
        keeper = self.start(entry("id", uri, "tls-client"), wait=False)
        self.assertEqual(keeper.wait(), 2)
        self.assertIn("its token cannot sign by RSA-PSS, and so not for TLS 1.3; take an EC key",
                      keeper.lines[-1])
        self.start(entry("id", uri, "tls-client", unsafe_tls12=True))


if __name__ == "__main__":
    unittest.main()
