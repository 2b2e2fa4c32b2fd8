"""A keeper that issues certificates: its CA, its tokens, and asking it for one."""

import hashlib

from keeper import ISSUE, Peer, entry, frame, openssl

ALICE = "URI:spiffe://corp.example/alice"


def make_authority(folder, *key_options):
    """Writes ca.pem, a CA's certificate and key, and ca.crt. Returns the path of the first."""
    whole = folder / "ca.pem"
    openssl("req", "-x509", "-newkey", *key_options, "-nodes", "-keyout", folder / "ca.key", "-out",
            folder / "ca.crt", "-subj", "/CN=Clients", "-days", 30,
            "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    whole.write_bytes((folder / "ca.crt").read_bytes() + (folder / "ca.key").read_bytes())
    whole.chmod(0o600)
    return whole


def write_tokens(folder, *names, end="2999-01-01T00:00:00Z"):
    """Writes the file of tokens, as an administrator does. Returns the tokens."""
    tokens = [openssl("rand", "-hex", 16).strip() for _ in names]
    path = folder / "tokens"
    path.write_text("".join(f"{hashlib.sha256(token).hexdigest()} {name} {end}\n"
                            for token, name in zip(tokens, names)))
    path.chmod(0o600)
    return tokens


def issuing_entry(folder, authority):
    """The [[identity]] "ca", with the tokens in `folder`."""
    return entry("ca", authority, "issuing", tokens_file=str(folder / "tokens"),
                 spent_tokens_file=str(folder / "spent"))


def issue(socket, token, request, name=b"ca"):
    """Returns the type of the reply, its argument and its payload."""
    with Peer(socket) as peer:
        kind, argument, _, _, _, payload = peer.ask(
            frame(ISSUE, argument=len(token), name=name, payload=token + request))
    return kind, argument, payload
