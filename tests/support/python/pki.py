"""The certificates of tests/support/test_pki.h, as files."""

import contextlib
import pathlib
import subprocess
import tempfile

MAKE_PKI = "tests/support/make_pki"


@contextlib.contextmanager
def certificates():
    """A directory with server.pem, client.pem, server-ca.pem, client.crl and so on."""
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run([MAKE_PKI, directory], check=True)
        yield pathlib.Path(directory)
