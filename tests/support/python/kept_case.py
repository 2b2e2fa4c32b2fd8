"""What tests of proxies begin with whose private keys are in a keeper."""

import os
import pathlib
import tempfile

import proxies
from keeper import KEEPER, MODULE, Keeper, entry
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


class OwnKeeperCase(TunnelCase):
    """Proxies that start their keepers themselves; the keys lie where the proxies do not reach."""

    def setUp(self):
        super().setUp()
        self.keys = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        for name in ("server.pem", "client.pem"):
            self.write_key(name, (self.pki / name).read_bytes())

    def write_key(self, name, content):
        """Writes, or replaces, what a row's `uri` names."""
        draft = self.keys / "draft"
        draft.write_bytes(content)
        draft.chmod(0o600)
        draft.rename(self.keys / name)

    def rows(self, name, file, **more):
        return {"keeper": {"program": os.path.abspath(KEEPER), "provider": os.path.abspath(MODULE)},
                "keeper.identity": [{"name": name, "uri": f"file:{self.keys / file}",
                                     **({"unsafe_tls12": True} if proxies.TLS12_ONLY else {}),
                                     **more}]}

    def own_reverse(self, **changes):
        return proxies.merged(
            {**self.rows("web", "server.pem"), "tls": {"identity": "identity:web"}}, changes)

    def own_client(self, **changes):
        return proxies.merged(
            {**self.rows("alice", "client.pem"), "identities": ["identity:alice"]}, changes)

    def own_proxies(self, port):
        """Returns (client proxy, reverse proxy), which hold no key."""
        client, _, reverse = self.both_proxies(
            port, reverse=self.own_reverse(), client=self.own_client())
        return client, reverse

    def check_that_it_passes_bytes(self, browser, destination):
        for writer, reader in ((browser, destination), (destination, browser)):
            writer.write(b"raw bytes")
            self.assertEqual(reader.read(9), b"raw bytes")


def monitor_of(proxy):
    """The process between the proxy and its keepers."""
    monitor, = _children(proxy.pid)
    return monitor


def keepers_of(proxy):
    """The processes that hold keys for the proxy."""
    return _children(monitor_of(proxy))


def _children(parent):
    """Those that its main thread has started."""
    children = pathlib.Path(f"/proc/{parent}/task/{parent}/children")
    return [int(child) for child in children.read_text().split()]
