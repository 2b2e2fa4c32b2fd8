"""Certificates and keys where PKCS#11 reads them: NSS's databases, as browsers have them, and tokens
of SoftHSM, with their owners' own tools."""

import os
import pathlib
import subprocess

from keeper import openssl

SOFTHSM = "/usr/lib/softhsm/libsofthsm2.so"
# SoftHSM's tokens as cards that come and go: a test that uses it has it among its data.
CARD_READER = "tests/support/card_reader.so"
# Of a module that waits where the environment says so (hanging_pkcs11_module.c). Likewise.
HANGING_TOKEN = "pkcs11:token=any?module-path=" + os.path.abspath(
    "tests/support/hanging_pkcs11_module.so")


def _run(*command, env=None):
    subprocess.run([str(word) for word in command], check=True, capture_output=True,
                   stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})})


class NssDatabase:
    """An NSS database in `folder`, which is made where there is none.

    `password`: of the database; empty: it has none.
    """

    def __init__(self, folder, password=""):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._password = self.folder / "password"
        self._password.write_text(f"{password}\n")
        if not (self.folder / "cert9.db").exists():
            self._certutil("-N", *([] if password else ["--empty-password"]))

    def add(self, name, certificates, key):
        """Takes in a key and its certificate, as a user's "Import…" does. `certificates`: a PEM file,
        the key's own first, then those above."""
        bundle = self.folder / "import.p12"
        openssl("pkcs12", "-export", "-name", name, "-in", certificates, "-inkey", key, "-out", bundle,
                "-passout", "pass:x")
        _run("pk12util", "-d", f"sql:{self.folder}", "-k", self._password, "-i", bundle, "-W", "x")
        bundle.unlink()

    def add_certificate(self, name, certificate, trust=",,"):
        self._certutil("-A", "-n", name, "-t", trust, "-i", certificate)

    def delete(self, name):
        """Deletes a certificate, and not its key."""
        self._certutil("-D", "-n", name)

    def _certutil(self, action, *options):
        _run("certutil", action, "-d", f"sql:{self.folder}", "-f", self._password, *options)


class SoftHsm:
    """Tokens of SoftHSM in `folder`. `environment` leads its users there."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        tokens, config = self.folder / "tokens", self.folder / "softhsm2.conf"
        tokens.mkdir(parents=True, exist_ok=True)
        config.write_text(f"directories.tokendir = {tokens}\nlog.level = ERROR\n")
        self.environment = {"SOFTHSM2_CONF": str(config)}

    def add_token(self, token, pin="1234"):
        _run("softhsm2-util", "--init-token", "--free", "--label", token, "--pin", pin, "--so-pin",
             "5678", env=self.environment)

    def add_key(self, token, name, key, pin="1234"):
        """`key`: a PEM file, PKCS#8."""
        _run("softhsm2-util", "--import", key, "--token", token, "--label", name, "--id",
             name.encode().hex(), "--pin", pin, env=self.environment)

    def add_certificate(self, token, name, certificate, pin="1234"):
        _run("p11tool", "--batch", "--provider", SOFTHSM, "--login", "--write", "--load-certificate",
             certificate, "--label", name, "--id", name.encode().hex(), f"pkcs11:token={token}",
             env={**self.environment, "GNUTLS_PIN": pin})

    def add(self, token, name, certificate, key, pin="1234"):
        self.add_key(token, name, key, pin)
        self.add_certificate(token, name, certificate, pin)
