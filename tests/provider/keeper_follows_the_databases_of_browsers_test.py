#!/usr/bin/env python3
"""`browser:` finds the databases where the browsers look for them, leaves them as they are, and sees
what is added to them while the keeper runs."""

import os
import pathlib
import stat
import subprocess
import tempfile
import threading
import time
import unittest

from keeper import (KEY_TYPES, SIGN_CERTIFICATE_VERIFY, SIGNATURE, Keeper, Peer, certificate_verify,
                    database, frame, key_id, make_identity)
from processes import PATIENCE
from tokens import NssDatabase

ECDSA_P256 = 0x0403


class KeeperFollowsTheDatabasesOfBrowsersTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.keys = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        for name in ("alice", "bob", "carol"):
            make_identity(cls.keys, name, *KEY_TYPES["p256"])

    def setUp(self):
        self.home = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.folder = self.home / "keeper"
        self.folder.mkdir()

    def made(self, folder, *names, password=""):
        nss = NssDatabase(self.home / folder, password)
        for name in names:
            self.add(nss, name)
        return nss

    def add(self, nss, name):
        nss.add(name, self.keys / f"{name}.crt", self.keys / f"{name}.key")

    def profiles(self, folder, *paths):
        """Firefox's list of its profiles."""
        (self.home / folder).mkdir(parents=True, exist_ok=True)
        sections = [f"[Profile{i}]\nName=p{i}\nIsRelative={int(not path.startswith('/'))}\nPath={path}\n"
                    for i, path in enumerate(paths)]
        (self.home / folder / "profiles.ini").write_text("\n".join(["[General]\nVersion=2\n", *sections]))

    def start(self, *uris, **environment):
        return self.enterContext(Keeper(
            self.folder, *(database(uri, "tls-client") for uri in uris),
            env={"HOME": str(self.home), "XDG_DATA_HOME": "", "XDG_CONFIG_HOME": "", **environment}))

    def assert_has(self, keeper, expected):
        """`expected`: name → folder below the home."""
        found = {name.rpartition("-")[0]: where for name, where in keeper.identities().items()}
        self.assertEqual(found, {name: f"browser:{self.home}/{folder}"
                                 for name, folder in expected.items()})

    def eventually(self, keeper, condition):
        """The keeper looks again once in a second at most."""
        end = time.monotonic() + PATIENCE
        while not condition():
            self.assertLess(time.monotonic(), end, keeper.complaint("never saw it"))

    def test_chromiums_where_it_is(self):
        self.made(".local/share/pki/nssdb", "alice")
        self.assert_has(self.start("browser:chromium"), {"alice": ".local/share/pki/nssdb"})

    def test_chromiums_older_place_first(self):
        self.made(".local/share/pki/nssdb", "alice")
        self.made(".pki/nssdb", "bob")
        self.assert_has(self.start("browser:chromium"), {"bob": ".pki/nssdb"})

    def test_chromiums_where_the_environment_says(self):
        self.made("data/pki/nssdb", "alice")
        self.assert_has(self.start("browser:chromium", XDG_DATA_HOME=f"{self.home}/data"),
                        {"alice": "data/pki/nssdb"})

    def test_every_profile_of_firefox_that_has_one(self):
        self.profiles(".mozilla/firefox", "old.default", f"{self.home}/elsewhere", "new.empty")
        (self.home / ".mozilla/firefox/new.empty").mkdir()
        self.profiles(".config/mozilla/firefox", "new.default")
        self.made(".mozilla/firefox/old.default", "alice")
        self.made("elsewhere", "bob")
        self.made(".config/mozilla/firefox/new.default", "carol")
        keeper = self.start("browser:firefox")
        self.assert_has(keeper, {"alice": ".mozilla/firefox/old.default", "bob": "elsewhere",
                                 "carol": ".config/mozilla/firefox/new.default"})
        self.assertEqual(keeper.notices(), [])

    def test_all_of_them_at_once_and_each_key_once(self):
        """NSS knows the databases of one initialisation only: all are in that one."""
        self.made(".pki/nssdb", "alice", "bob")
        self.profiles(".mozilla/firefox", "profile")
        self.made(".mozilla/firefox/profile", "bob", "carol")
        keeper = self.start("browser:", f"browser:{self.home}/.pki/nssdb")
        self.assert_has(keeper, {"alice": ".pki/nssdb", "bob": ".pki/nssdb",
                                 "carol": ".mozilla/firefox/profile"})
        self.assertEqual(keeper.notices(), [])

    def test_a_closed_one_opens_with_its_password_only(self):
        for name, secret in (("right", "secret"), ("wrong", "guess")):
            (self.home / name).write_text(f"{secret}\n")
            (self.home / name).chmod(0o600)
        self.made("closed", "alice", password="secret")
        self.made("open", "bob")
        uri = f"browser:{self.home}/closed"
        for pin, notice in (("?pin-source=file:{}/right", None), ("", "wants a PIN"),
                            ("?pin-source=file:{}/wrong", "refuses the PIN")):
            with self.start(uri + pin.format(self.home), f"browser:{self.home}/open") as keeper:
                found = {"bob": "open"} if notice else {"alice": "closed", "bob": "open"}
                self.assert_has(keeper, found)
                self.assertEqual([f"{uri}: {notice}" in said for said in keeper.notices()],
                                 [True] if notice else [])

    def test_nothing_is_made_where_there_is_none(self):
        (self.home / "empty").mkdir()
        for uri, notice in (
                ("browser:{}/empty", "{}/empty: has no NSS database"),
                ("browser:{}/mistyped", "{}/mistyped: has no NSS database"),
                ("browser:firefox", "browser:firefox: Firefox has no database of certificates in {}"),
                ("browser:", "browser:: Chromium or Firefox has no database of certificates in {}")):
            with self.start(uri.format(self.home)) as keeper:
                self.assertEqual(keeper.identities(), {})
                said, = keeper.notices()
                self.assertTrue(said.startswith(notice.format(self.home)), said)
        self.assertEqual(list((self.home / "empty").iterdir()), [])
        self.assertEqual(sorted(path.name for path in self.home.iterdir()), ["empty", "keeper"])

    def test_one_that_others_may_read_or_write_is_refused(self):
        nss = self.made("open", "alice")
        for name, mode, advice in (("key4.db", 0o644, "chmod o-r"), ("key4.db", 0o660, "chmod go-w"),
                                   ("cert9.db", 0o602, "chmod go-w")):
            (nss.folder / name).chmod(mode)
            with self.start(f"browser:{self.home}/open") as keeper:
                self.assertEqual(keeper.identities(), {})
                self.assertIn(f"its {name} ", keeper.notices()[0])
                self.assertIn(advice, keeper.notices()[0])
            (nss.folder / name).chmod(0o600)

    def test_a_damaged_one_is_named(self):
        nss = self.made("damaged", "alice")
        (nss.folder / "cert9.db").write_bytes(b"no database" * 1000)
        with self.start(f"browser:{self.home}/damaged") as keeper:
            self.assertEqual(keeper.identities(), {})
            self.assertIn(f"{self.home}/damaged", keeper.notices()[0])

    def test_what_is_added_and_what_goes_while_it_runs(self):
        nss = self.made("profile", "alice")
        keeper = self.start(f"browser:{self.home}/profile")
        before = keeper.identities()
        self.add(nss, "bob")
        self.eventually(keeper, lambda: len(keeper.identities()) == 2)
        self.assertLess(before.items(), keeper.identities().items())  # the same name as before
        keeper.event("identity_found", at=f"browser:{self.home}/profile")
        nss.delete("alice")
        self.eventually(keeper, lambda: len(keeper.identities()) == 1)
        self.assertEqual([name[:3] for name in keeper.identities()], ["bob"])
        keeper.event("identity_gone")

    def test_a_database_that_comes_later_is_named(self):
        self.made(".pki/nssdb", "alice")
        self.profiles(".mozilla/firefox", "profile")
        keeper = self.start("browser:")
        self.assertEqual(keeper.notices(), [])
        self.made(".mozilla/firefox/profile", "bob")
        self.eventually(keeper, lambda: any("is new; NSS takes databases at the keeper's start only"
                                            in notice for notice in keeper.notices()))
        self.assert_has(keeper, {"alice": ".pki/nssdb"})

    def test_a_database_in_the_place_of_another_is_named(self):
        """NSS would go on to show what the first one had, to whoever has taken that away."""
        self.made(".pki/nssdb", "alice")
        keeper = self.start("browser:")
        self.assert_has(keeper, {"alice": ".pki/nssdb"})
        (self.home / ".pki/nssdb").rename(self.home / "before")
        self.made(".pki/nssdb", "bob")
        self.eventually(keeper, lambda: any("has been replaced; NSS takes databases at the keeper's"
                                            in notice for notice in keeper.notices()))
        self.assertEqual(keeper.identities(), {})

    def test_it_is_read_while_somebody_else_writes(self):
        nss = self.made("profile", "alice")
        keeper = self.start(f"browser:{self.home}/profile")
        name, = keeper.identities()
        request = frame(SIGN_CERTIFICATE_VERIFY, argument=ECDSA_P256, name=name.encode(),
                        key=key_id(self.keys / "alice.crt"), payload=certificate_verify("client"))
        done = threading.Event()

        def write():
            while not done.is_set():
                self.add(nss, "bob")
                nss.delete("bob")

        writer = threading.Thread(target=write)
        writer.start()
        with Peer(keeper.socket) as peer:
            kinds = {peer.ask(request)[0] for _ in range(200)}
            kinds |= {peer.ask(request)[0] for _ in range(20) if keeper.identities()}
        done.set()
        writer.join()
        self.assertEqual(kinds, {SIGNATURE})

    @unittest.skipIf(os.geteuid() != 0, "only root sees the descriptors of a process that hides them")
    def test_the_files_stay_as_they_are(self):
        nss = self.made("profile", "alice")
        before = {path: path.read_bytes() for path in nss.folder.iterdir()}
        for path in before:
            path.chmod(stat.S_IRUSR)
        keeper = self.start(f"browser:{self.home}/profile")
        self.assert_has(keeper, {"alice": "profile"})
        opened = subprocess.run(["grep", "-h", "flags:", *[
            fdinfo for fdinfo in pathlib.Path(f"/proc/{keeper.pid}/fdinfo").iterdir()
            if str(nss.folder) in str((fdinfo.parent.parent / "fd" / fdinfo.name).readlink())]],
            capture_output=True, text=True, check=True).stdout.split()[1::2]
        self.assertEqual(len(opened), 2)  # cert9.db and key4.db
        self.assertEqual({int(flags, 8) & 3 for flags in opened}, {0})  # O_RDONLY
        self.assertEqual({path: path.read_bytes() for path in nss.folder.iterdir()}, before)


if __name__ == "__main__":
    unittest.main()
