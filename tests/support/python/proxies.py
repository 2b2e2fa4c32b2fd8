"""Both proxies as programs: their configurations as dictionaries, their logs as events."""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import unittest

from processes import PATIENCE, Program

CLIENT_PROXY = "proxies/client/detach-client-proxy"
REVERSE_PROXY = "proxies/reverse/detach-reverse-proxy"

# The environment says where one of the two proxies' TLS stacks has no TLS 1.3. They agree on mode
# "connect" then.
TLS12_ONLY = "OUTER_TLS_1_2" in os.environ
WITH_BOTAN = "botan" in (os.environ.get("CLIENT_PROXY_BACKEND"), os.environ.get("REVERSE_PROXY_BACKEND"))
MODE, OTHER_MODE = ("connect", "covered") if TLS12_ONLY else ("covered", "connect")
# What a log says of bytes behind a close_notify that was the end. In TLS 1.2 it ends both directions,
# and what follows is not even read.
BEHIND_CLOSE_NOTIFY = "closed" if TLS12_ONLY else "bytes behind close_notify"

ALICE = "URI:spiffe://corp.example/alice"  # client.pem of the test PKI


def to_toml(config):
    """TOML of a dictionary: values, tables in it, and lists of tables, one level deep."""
    plain, tables = [], []
    for key, value in config.items():
        if isinstance(value, dict):
            tables.append(f"[{key}]\n{to_toml(value)}")
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            tables += [f"[[{key}]]\n{to_toml(row)}" for row in value]
        else:  # what JSON and TOML write alike
            plain.append(f"{key} = {json.dumps(value)}\n")
    return "".join(plain + tables)


def merged(config, changes):
    """`config` with `changes`: tables are merged, a value of None takes the key away."""
    result = dict(config)
    for key, value in changes.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            result[key] = merged(result.get(key, {}), value)
        else:
            result[key] = value
    return result


def outer_tls(side):
    """What every configuration says of the outer TLS: {SIDE}_BACKEND, {SIDE}_PAIRING of the environment."""
    keys = {"backend": os.environ.get(f"{side}_BACKEND"), "pairing": os.environ.get(f"{side}_PAIRING"),
            "min_version": "1.2" if TLS12_ONLY else None}
    tls = {key: value for key, value in keys.items() if value}
    if not TLS12_ONLY and "pairing" not in tls:
        return {"tls": tls}
    return {"tls": tls, "detach": {"modes": ["connect"]}}


def reverse_config(pki, ports, **changes):
    """Alice may go to these ports of this machine."""
    return merged(merged({
        "listen": ["127.0.0.1:0"],
        "threads": 2,
        "tls": {
            "identity": f"file:{pki}/server.pem",
            "client_trust_anchors": f"{pki}/client-ca.pem",
            "crl": f"{pki}/client.crl",
        },
        "allow": [{
            "client": ALICE,
            "destinations": [f"localhost:{port}" for port in ports],
            "networks": ["127.0.0.0/8", "::1/128"],
        }],
        "log": {"format": "json"},
    }, outer_tls("REVERSE_PROXY")), changes)


def client_config(pki, reverse_port, **changes):
    """Alice's proxy: through the reverse proxy to `localhost`."""
    return merged(merged({
        "listen": ["127.0.0.1:0"],
        "threads": 2,
        "identities": [f"file:{pki}/client.pem"],
        "reverse_proxy": {
            "url": f"https://localhost:{reverse_port}",
            "trust_anchors": f"{pki}/server-ca.pem",
        },
        "mapping": {"hosts": ["localhost"]},
        "log": {"format": "json"},
    }, outer_tls("CLIENT_PROXY")), changes)


def needs_outer_tls13(why):
    """Leaves a test out where one of the proxies has no TLS 1.3."""
    return unittest.skipIf(TLS12_ONLY, f"outer TLS 1.2: {why}")


class Proxy(Program):
    """A running proxy. `prefix` is a command to run it under."""

    def __init__(self, program, config, directory, *, prefix=(), env=None):
        self.config_file = pathlib.Path(directory) / f"{pathlib.Path(program).name}-{id(self)}.toml"
        self.write_config(config)
        words = ["run"] if program == CLIENT_PROXY else []
        super().__init__([*prefix, program, *words, "--config", self.config_file], env=env)

    def __exit__(self, *_):
        """Ends it as an operator would: what sanitizers have to say they say at the end."""
        try:
            self._terminate()
        finally:
            super().__exit__()

    def _terminate(self):
        code = None
        for _ in range(10 * PATIENCE):  # the second one does not wait for tunnels
            self.signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                code = self.process.wait(0.1)
                break
        # A test may have killed it; and one that does not listen yet dies of the signal.
        if code not in (0, -signal.SIGKILL, -signal.SIGTERM):
            raise AssertionError(self.complaint(f"ended with {code}"))

    def write_config(self, config):
        self.config_file.write_text(to_toml(config), encoding="utf-8")

    @property
    def port(self):
        return int(self.event("listening")["address"].rpartition(":")[2])

    def event(self, name, **fields):
        """Waits for an event of that name with those fields; returns the first such."""
        return self.find(lambda line: _matching(line, name, fields))

    def events(self, name, **fields):
        """Those that the log has now."""
        found = (_matching(line, name, fields) for line in self.lines)
        return [event for event in found if event is not None]

    def wait_for_events(self, name, count):
        """Waits for so many events of that name."""
        found = []

        def take(line):
            event = _matching(line, name, {})
            if event is not None:
                found.append(event)
            return found if len(found) == count else None

        return self.find(take)


def _matching(line, name, fields):
    if not line.startswith("{"):
        return None
    event = json.loads(line)
    fits = event["event"] == name and all(event.get(key) == fields[key] for key in fields)
    return event if fits else None
