"""The two CAs of the demo, and what they issue, made by the openssl command."""

import subprocess

EC_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]


def _openssl(*arguments):
    made = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True)
    if made.returncode != 0:
        raise SystemExit("openssl: " + made.stderr)


class Authority:
    """A CA whose files lie in `directory`."""

    def __init__(self, directory, name):
        self._directory = directory
        self._name = name
        self.certificate = directory / f"{name}-ca.crt"
        self._key = directory / f"{name}-ca.key"
        _openssl("req", "-x509", *EC_KEY, "-days", 1, "-subj", f"/CN={name} CA",
                 "-keyout", self._key, "-out", self.certificate,
                 "-addext", "keyUsage=critical,keyCertSign,cRLSign")

    def issue(self, common_name, usage, alt_name):
        """Returns the path of one PEM file with a new certificate and its key."""
        path = self._directory / f"{self._name}-{usage}.pem"
        key = path.with_suffix(".key")
        _openssl("req", "-x509", *EC_KEY, "-days", 1, "-subj", f"/CN={common_name}",
                 "-CA", self.certificate, "-CAkey", self._key, "-keyout", key, "-out", path,
                 "-addext", "basicConstraints=critical,CA:FALSE",
                 "-addext", "keyUsage=critical,digitalSignature",
                 "-addext", f"extendedKeyUsage={usage}", "-addext", f"subjectAltName={alt_name}")
        with path.open("a") as chain_and_key:
            chain_and_key.write(key.read_text())
        path.chmod(0o600)
        return path
