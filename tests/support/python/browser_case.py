"""What tests begin with where a browser and the client proxy share the browser's certificates."""

import os
import subprocess

import browsers
import proxies
from keeper import KEEPER, MODULE, make_identity
from processes import PATIENCE
from tokens import NssDatabase
from tunnel_case import TunnelCase

WIKI = "wiki.corp.example"  # the reverse proxy alone knows where it is


class BrowserCase(TunnelCase):
    """A user's home; a destination that takes bob's certificate, and a reverse proxy that takes those
    of the test PKI. So a browser and a client proxy that choose from one database choose differently.
    """

    def setUp(self):
        super().setUp()
        self.home = self.directory / "home"
        self.home.mkdir()
        self.own_certificates = self.directory / "own"
        self.own_certificates.mkdir()
        self.make_certificate("bob")
        self.destination = self.nginx(client_ca=self.own_certificates / "bob.crt",
                                      settings="keepalive_timeout 0;")  # a visit, a tunnel
        self.url = f"https://{WIKI}:{self.destination.port}/"
        hosts = self.directory / "hosts"
        hosts.write_text(f"127.0.0.1 localhost {WIKI}\n")
        self.reverse = self.reverse_proxy(
            allow=self.allow(proxies.ALICE),
            env={"LD_PRELOAD": "libnss_wrapper.so", "NSS_WRAPPER_HOSTS": str(hosts)})

    def make_certificate(self, name):
        """One that signs itself, so that nobody takes it who does not name it."""
        make_identity(self.own_certificates, name, "rsa:2048")

    def allow(self, client):
        return [{"client": client, "destinations": [f"{WIKI}:{self.destination.port}"],
                 "networks": ["127.0.0.0/8"]}]

    def client_of_home(self, *identities, **changes):
        """The client proxy of the user, started in that home."""
        config = {"identities": list(identities), "mapping": {"hosts": [WIKI]},
                  "keeper": {"program": os.path.abspath(KEEPER), "provider": os.path.abspath(MODULE)}}
        return self.client_proxy(self.reverse.port, env=browsers.home_environment(self.home),
                                 **proxies.merged(config, changes))

    def identities_command(self, client, *options):
        """What `detach-client-proxy identities` of that configuration says."""
        ran = subprocess.run([proxies.CLIENT_PROXY, "identities", "--config", client.config_file,
                              *options], env={**os.environ, **browsers.home_environment(self.home)},
                             capture_output=True, text=True, timeout=PATIENCE, check=False)
        print(ran.args, ran.stdout, ran.stderr, sep="\n")
        return ran

    def make_database(self, browser, find_database):
        """As a user does: the first visit to a server, refused, and then the imports. Returns the
        database: the browser's own, with certificates of alice and of bob."""
        with browser(self.home) as first:
            with self.assertRaises(browsers.PageError):
                first.browse(f"https://localhost:{self.destination.port}/")
            first.close()
        database = NssDatabase(find_database(self.home))
        database.add_certificate("server CA", self.pki / "server-ca.pem", trust="C,,")
        database.add("alice", self.pki / "client.crt", self.pki / "client.key")
        self.add_own(database, "bob")
        return database

    def add_own(self, database, name):
        database.add(name, self.own_certificates / f"{name}.crt", self.own_certificates / f"{name}.key")
