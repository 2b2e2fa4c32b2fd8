"""A keeper with keys of every type, its protocol, and an openssl.cnf that leads there."""

import hashlib
import os
import pathlib
import socket
import struct
import subprocess

from processes import PATIENCE, Program

KEEPER = "provider/keeper/detach-keeper"
MODULE = "provider/detach.so"

# What `openssl req -newkey` makes of each type of key.
KEY_TYPES = {
    "rsa": ["rsa:2048"],
    "rsa-pss": ["rsa-pss", "-pkeyopt", "rsa_keygen_bits:2048"],
    "p256": ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "p384": ["ec", "-pkeyopt", "ec_paramgen_curve:P-384"],
    "p521": ["ec", "-pkeyopt", "ec_paramgen_curve:P-521"],
    "ed25519": ["ed25519"],
}

# Types of frames, and why one is refused (provider/keeper/frame.h).
(LIST_IDENTITY, GET_CHAIN, SIGN_CERTIFICATE_VERIFY, SIGN_TLS12_DIGEST, ISSUE,
 LIST_NOTICE) = range(1, 7)
IDENTITY, CHAIN, SIGNATURE, REFUSED, ISSUED, NOTICE = range(129, 135)
NO_CERTIFICATE_VERIFY, OTHER_ROLE, TLS12_OFF = 4, 5, 6

_FRAME = struct.Struct(">BBHIHBx64s32s3988s")


def openssl(*words, **options):
    """Runs `openssl` and returns what it printed."""
    return subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True,
                          **options).stdout


def make_identity(folder, name, *key_options):
    """Writes NAME.pem, a self-signed certificate and its key, NAME.crt and NAME.key."""
    key, certificate = folder / f"{name}.key", folder / f"{name}.crt"
    openssl("req", "-x509", "-newkey", *key_options, "-nodes", "-keyout", key, "-out", certificate,
            "-subj", f"/CN={name}", "-days", 30, "-addext", "subjectAltName=DNS:localhost")
    whole = folder / f"{name}.pem"
    whole.write_bytes(certificate.read_bytes() + key.read_bytes())
    whole.chmod(0o600)
    key.chmod(0o600)
    return whole


def entry(name, path, purpose, **more):
    """An [[identity]] of the configuration. `path`: of a file, or any URI."""
    uri = str(path) if ":" in str(path) else f"file:{path}"
    return _row("identity", name=name, uri=uri, purpose=purpose, **more)


def database(uri, purpose, **more):
    """A [[database]] of the configuration."""
    return _row("database", uri=uri, purpose=purpose, **more)


def _row(table, **values):
    return f"[[{table}]]\n" + "".join(
        f"{key} = {str(value).lower() if isinstance(value, (bool, int)) else repr(value)}\n"
        for key, value in values.items())


class Keeper(Program):
    """detach-keeper, listening in `folder`, which gets that mode."""

    def __init__(self, folder, *entries, allow_users=(), as_user=(), mode=0o700, wait=True,
                 env=None):
        folder.chmod(mode)
        self.socket = folder / "socket"
        config = folder / "keeper.toml"
        config.write_text(f"socket = '{self.socket}'\nallow_users = {list(allow_users)}\n"
                          + "".join(entries))
        config.chmod(0o600)
        os.chown(config, folder.stat().st_uid, -1)
        super().__init__([*as_user, os.path.abspath(KEEPER), "--config", config], env=env)
        if wait:
            self.event("ready")

    def event(self, name, **fields):
        """Waits for a line of the log. Returns it."""
        wanted = [f"event={name}", *(f"{key}={value}" for key, value in fields.items())]

        def extract(line):
            return line if all(f" {word}" in line for word in wanted) else None

        return self.find(extract)

    def identities(self):
        """Name → location, as the keeper lists them now."""
        listed = {}
        with Peer(self.socket) as peer:
            count = 1
            while len(listed) < count:
                kind, _, count, name, _, location = peer.ask(frame(LIST_IDENTITY, argument=len(listed)))
                if kind == REFUSED:
                    return {}
                listed[name.decode()] = location.decode()
        return listed

    def notices(self):
        """What it has passed over."""
        noticed = []
        with Peer(self.socket) as peer:
            count = 1
            while len(noticed) < count:
                _, _, count, _, _, text = peer.ask(frame(LIST_NOTICE, argument=len(noticed)))
                if count:
                    noticed.append(text.decode())
        return noticed

    def events(self, name):
        return [line for line in self.lines if f" event={name} " in line]


class Peer:
    """A connection to a keeper's socket, to say anything."""

    def __init__(self, path):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.connect(str(path))
        self._socket.settimeout(PATIENCE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def ask_bytes(self, request):
        """Returns the bytes of the reply; none when the keeper ends the connection."""
        self._socket.send(request)
        try:
            return self._socket.recv(8192)
        except ConnectionResetError:
            return b""

    def ask(self, request):
        """Returns type, argument, position, name, key and payload of the reply."""
        reply = self.ask_bytes(request)
        _, kind, argument, position, size, name_size, name, key, payload = _FRAME.unpack(reply)
        return kind, argument, position, name[:name_size], key, payload[:size]


def frame(kind, *, argument=0, position=0, name=b"", key=b"", payload=b"", version=1):
    return _FRAME.pack(version, kind, argument, position, len(payload), len(name), name, key,
                       payload)


def key_id(certificate):
    """The SHA-256 of the SubjectPublicKeyInfo of the certificate in the file."""
    pem = openssl("x509", "-in", certificate, "-noout", "-pubkey")
    return hashlib.sha256(openssl("pkey", "-pubin", "-outform", "DER", input=pem)).digest()


def certificate_verify(role):
    """What TLS 1.3 signs (RFC 9846 §4.4.3)."""
    return b" " * 64 + f"TLS 1.3, {role} CertificateVerify\0".encode() + bytes(32)


def openssl_config(path, keeper_socket, *, first=False):
    """Writes the openssl.cnf of docs/PROVIDER.md. Returns the environment that makes it count.

    `first`: the provider is activated before OpenSSL's own.
    """
    document = pathlib.Path("docs/PROVIDER.md").read_text()
    text = document.partition("```ini\n")[2].partition("```")[0]
    assert "/run/detach/keeper/socket" in text and "detach.so" in text
    text = text.replace("/run/detach/keeper/socket", str(keeper_socket))
    text = text.replace("/usr/lib/x86_64-linux-gnu/ossl-modules/detach.so", os.path.abspath(MODULE))
    if first:
        order = "default = default_section\ndetach = detach_section\n"
        assert order in text
        text = text.replace(order, "".join(f"{line}\n" for line in reversed(order.split("\n")[:2])))
    path.write_text(text)
    return {"OPENSSL_CONF": str(path)}
