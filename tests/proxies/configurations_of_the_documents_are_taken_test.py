#!/usr/bin/env python3
"""The configurations that README.md and docs/PROVIDER.md show are taken as they stand.

Without this somebody's first try ends with an unknown key. Paths are moved into a folder, the files
that they name are made there; tokens and browsers' databases are others' business.
"""

import os
import pathlib
import re
import shutil
import subprocess
import unittest

import proxies
from issuing import make_authority
from keeper import KEEPER, MODULE
from processes import PATIENCE, Program
from tunnel_case import TunnelCase

README, PROVIDER = "README.md", "docs/PROVIDER.md"
FOLDERS = ("/etc/detach", "/home/alice", "/run/detach", "/var/lib/detach")
# Where the documents have them, of what the test PKI has.
COPIES = {
    "/etc/detach/reverse-proxy.pem": "server.pem",
    "/etc/detach/web.pem": "server.pem",
    "/var/lib/detach/keys/web.pem": "server.pem",
    "/etc/detach/clients.pem": "client-ca.pem",
    "/etc/detach/clients.crl": "client.crl",
    "/etc/detach/rp-ca.pem": "server-ca.pem",
    "/home/alice/ids/alice.pem": "client.pem",
}


class ConfigurationsOfTheDocumentsAreTakenTest(TunnelCase):
    def setUp(self):
        super().setUp()
        for path, source in COPIES.items():
            shutil.copy(self.pki / source, self.made(path))
            self.made(path).chmod(0o600)
        self.made("/run/detach/keeper/socket").parent.chmod(0o700)

    def made(self, path):
        """Where `path` is here. Its folder is there."""
        moved = pathlib.Path(f"{self.directory}{path}")
        moved.parent.mkdir(parents=True, exist_ok=True)
        return moved

    def example(self, document, words):
        """The one example of `document` with `words` in it."""
        blocks = re.findall(r"```[a-z]*\n(.*?)```", pathlib.Path(document).read_text(), re.DOTALL)
        text, = (block for block in blocks if words in block)
        for folder in FOLDERS:
            text = text.replace(folder, f"{self.directory}{folder}")
        text = text.replace("/usr/lib/detach/detach.so", os.path.abspath(MODULE))
        return text.replace("/usr/lib/detach/detach-keeper", os.path.abspath(KEEPER))

    def check_proxy(self, program, text):
        config = self.directory / "proxy.toml"
        config.write_text(text)
        words = ["run"] if program == proxies.CLIENT_PROXY else []
        modules = {"OPENSSL_MODULES": os.path.dirname(os.path.abspath(MODULE))}  # as if installed
        ran = subprocess.run([program, *words, "--config", config, "--check-config"],
                             env={**os.environ, **modules}, capture_output=True, text=True,
                             timeout=PATIENCE, check=False)
        self.assertEqual(ran.returncode, 0, f"{ran.stderr}\n{text}")

    def check_keeper(self, text):
        """Returns the keeper, which listens."""
        config = self.directory / "keeper.toml"
        config.write_text(text)
        keeper = self.start(Program([KEEPER, "--config", config]))
        keeper.find(lambda line: line if "event=ready" in line else None)
        return keeper

    def test_the_proxies(self):
        self.check_proxy(proxies.REVERSE_PROXY, self.example(README, "# reverse-proxy.toml"))
        self.check_proxy(proxies.CLIENT_PROXY, self.example(README, "# client-proxy.toml"))

    def check_with_keeper(self, table):
        """In either proxy, with "web" and "identity:"."""
        reverse = self.example(README, "# reverse-proxy.toml")
        client = self.example(README, "# client-proxy.toml")
        web, every = 'identity = "identity:web"', 'identities = ["identity:"]'
        self.check_proxy(proxies.REVERSE_PROXY,
                         re.sub("^identity = .*", web, reverse, flags=re.M) + table)
        self.check_proxy(proxies.CLIENT_PROXY,
                         re.sub("^identities = .*", every, client, flags=re.M) + table)

    def test_the_proxies_with_a_keeper(self):
        for document, words in ((README, "# in reverse-proxy.toml"),
                                (PROVIDER, "# in either proxy's configuration")):
            with self.subTest(document):
                self.check_with_keeper("[keeper]" + self.example(document, words).partition("[keeper]")[2])
        self.check_keeper(self.keeper())
        self.check_with_keeper(self.example(PROVIDER, "# or: a keeper that runs already"))

    def keeper(self):
        self.made("/etc/detach/web.passphrase").write_text("open sesame\n")
        self.made("/etc/detach/web.passphrase").chmod(0o600)
        return self.example(PROVIDER, "# detach-keeper --config keeper.toml")

    def test_a_keeper_that_issues(self):
        tokens = self.made("/etc/detach/tokens")
        tokens.write_text(self.example(PROVIDER, "/etc/detach/tokens: SHA-256"))
        tokens.chmod(0o600)
        make_authority(self.directory, "ed25519").rename(self.made("/etc/detach/clients-ca.pem"))
        spent = self.made("/var/lib/detach-keeper/spent-tokens")
        self.check_keeper(self.keeper() + self.example(PROVIDER, 'purpose = "issuing"'))
        self.assertEqual(spent.read_text(), "")


if __name__ == "__main__":
    unittest.main()
