#!/usr/bin/env python3
"""The keeper as a program is confined, its memory is locked and in no core file, and what it has
read beside the keys, the text of their files and the passphrases, is there no more.

Without this the parts that do that are tested, and nobody notices when the program leaves one out.
"""

import os
import pathlib
import re
import resource
import tempfile
import unittest

from keeper import KEY_TYPES, Keeper, database, entry, make_identity, openssl
from private_key import components, found_in
from tokens import NssDatabase

PASSPHRASE = "correct horse battery staple, " * 3 + "and another one"
# What a user may lock whom nobody has allowed more, in bytes. Root could lock more all the same.
LITTLE = 1 << 20
WITH_LITTLE = [*(["setpriv", "--bounding-set=-ipc_lock"] if os.geteuid() == 0 else []), "prlimit",
               f"--memlock={LITTLE}:{LITTLE}"]


def of_process(pid, name, file="status"):
    """The value behind that name."""
    text = pathlib.Path(f"/proc/{pid}/{file}").read_text()
    return re.search(rf"^{name}:?\s+(.*)$", text, re.MULTILINE).group(1)


class KeeperProtectsWhatItHoldsTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.pem = make_identity(self.folder, "web", *KEY_TYPES["rsa"])

    def start(self, *others, **options):
        """The identities are read one after the other, "web" first."""
        return self.enterContext(Keeper(self.folder, entry("web", self.pem, "tls-server"), *others,
                                        **options))

    def assert_confined(self, keeper):
        threads = list(pathlib.Path(f"/proc/{keeper.pid}/task").iterdir())
        self.assertGreaterEqual(len(threads), len(os.sched_getaffinity(0)))
        for thread in threads:
            of_thread = f"{keeper.pid}/task/{thread.name}"
            self.assertEqual(of_process(of_thread, "NoNewPrivs"), "1")
            self.assertEqual(of_process(of_thread, "Seccomp"), "2")

    def test_each_of_its_threads_is_confined(self):
        self.assert_confined(self.start())

    def test_also_where_it_reads_tokens(self):
        NssDatabase(self.folder / "nss")
        self.assert_confined(self.start(database(f"browser:{self.folder}/nss", "tls-client")))

    def test_no_core_file_is_written_of_it(self):
        self.assertRegex(of_process(self.start().pid, "Max core file size", "limits"), r"^0 +0 ")

    def locked(self, keeper):
        """Kilobytes."""
        return int(of_process(keeper.pid, "VmLck").split()[0])

    def test_all_of_its_memory_is_locked_where_that_is_allowed(self):
        keeper = self.start()
        if "locked_memory=private_keys" in keeper.event("ready"):
            self.skipTest("this user may not lock so much")
        keeper.event("ready", locked_memory="all")
        written = sum(int(of_process(keeper.pid, name).split()[0]) for name in ("VmData", "VmStk"))
        self.assertGreaterEqual(self.locked(keeper), written)

    @unittest.skipIf(0 <= resource.getrlimit(resource.RLIMIT_MEMLOCK)[1] < LITTLE,
                     "this user may lock less")
    def test_its_keys_are_locked_where_no_more_is_allowed(self):
        keeper = self.start(as_user=WITH_LITTLE)
        self.assertIn("level=warning", keeper.event("ready", locked_memory="private_keys"))
        self.assertGreaterEqual(self.locked(keeper), 256)

    # What is freed is soon written over by what is read next: the last file is the one that shows.

    @unittest.skipIf(os.geteuid() != 0, "only root sees memory that a process hides")
    def test_it_has_the_key_and_not_the_text_of_the_file(self):
        self.pem.write_text("# what nobody reads\n" * 2000 + self.pem.read_text())
        key = self.pem.with_suffix(".key")
        lines = key.read_bytes().split(b"\n")[1:-2]
        numbers = components(key)
        self.assertEqual(found_in(self.start().pid, {**numbers, **dict(enumerate(lines))}),
                         numbers.keys())

    @unittest.skipIf(os.geteuid() != 0, "only root sees memory that a process hides")
    def test_it_has_no_passphrase(self):
        """Of PEM. That of PKCS#12 libcrypto itself leaves in memory that it has freed."""
        encrypted, secret = self.folder / "encrypted.pem", self.folder / "passphrase"
        encrypted.write_bytes(
            self.pem.with_suffix(".crt").read_bytes() +
            openssl("pkey", "-in", self.pem, "-aes256", "-passout", f"pass:{PASSPHRASE}"))
        secret.write_text(f"{PASSPHRASE}\n")
        for file in (encrypted, secret):
            file.chmod(0o600)
        keeper = self.start(entry("encrypted", encrypted, "tls-server", passphrase_file=str(secret)))
        end = PASSPHRASE.encode()[-24:]  # what is freed keeps its end for longer than its beginning
        self.assertEqual(found_in(keeper.pid, {"passphrase": end}), set())


if __name__ == "__main__":
    unittest.main()
