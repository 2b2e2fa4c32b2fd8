"""What tests of proxies begin with whose private keys are in a keeper."""

import os

import proxies
from keeper import MODULE, Keeper, entry
from tunnel_case import TunnelCase


class KeptCase(TunnelCase):
    """A keeper with "web" for the reverse proxy and "alice" for the client proxy."""

    def setUp(self):
        super().setUp()
        self.keeper_folder = self.directory / "keeper"
        self.keeper_folder.mkdir()
        for name in ("server", "client"):
            (self.pki / f"{name}.pem").chmod(0o600)
        self.keeper = self.start_keeper()

    def start_keeper(self, **more):
        """Starts it, or the next one; the same identities, with `more` in each of them."""
        return self.start(Keeper(
            self.keeper_folder, entry("web", self.pki / "server.pem", "tls-server", **more),
            entry("alice", self.pki / "client.pem", "tls-client", **more)))

    def keeper_table(self):
        return {"socket": str(self.keeper_folder / "socket"), "provider": os.path.abspath(MODULE)}

    def kept_reverse(self, uri="identity:web", **changes):
        return proxies.merged({"keeper": self.keeper_table(), "tls": {"identity": uri}}, changes)

    def kept_client(self, uri="identity:alice", **changes):
        return proxies.merged({"keeper": self.keeper_table(), "identities": [uri]}, changes)

    def kept_proxies(self, port):
        """Returns (client proxy, reverse proxy), which hold no key."""
        client, _, reverse = self.both_proxies(
            port, reverse=self.kept_reverse(), client=self.kept_client())
        return client, reverse

    def check_that_it_passes_bytes(self, browser, destination):
        for writer, reader in ((browser, destination), (destination, browser)):
            writer.write(b"raw bytes")
            self.assertEqual(reader.read(9), b"raw bytes")
