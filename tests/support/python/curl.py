"""curl as the browser."""

import subprocess

from processes import PATIENCE

# The name in the inner ClientHello. Nothing else in a tunnel's connections has it, so that it can
# be looked for on the wire; the CONNECT names `localhost`.
INNER_NAME = "wiki.corp.example"


def curl(*arguments, patience=PATIENCE):
    return subprocess.run(["curl", "-sS", *map(str, arguments)], capture_output=True,
                          timeout=patience, check=False)


def as_bob(pki):
    """The options for a user with a client certificate of his own (other-client.pem)."""
    return ["--cacert", pki / "server-ca.pem", "--cert", pki / "other-client.crt",
            "--key", pki / "other-client.key"]


def through(proxy_port, destination_port):
    """The options that lead https://INNER_NAME/ through a proxy to a port of this machine."""
    return ["--proxy", f"http://127.0.0.1:{proxy_port}",
            "--connect-to", f"{INNER_NAME}:443:localhost:{destination_port}"]
