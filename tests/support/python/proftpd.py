"""ProFTPD with mod_tls."""

import grp
import os
import pathlib
import pwd
import socket
import subprocess
import threading

from ftp_programs import PASSWORD, USER
from processes import PATIENCE

PROFTPD = "/usr/sbin/proftpd"

# Debian 13 has made modules of what Debian 12 has built in.
_MODULES = [name for name in ("mod_delay", "mod_ls", "mod_xfer", "mod_tls")
            if pathlib.Path(f"/usr/lib/proftpd/{name}.so").exists()]

_CONFIG = """
ServerType inetd
DefaultAddress 127.0.0.1
{modules}
User {user}
Group {group}
RootLogin on
RequireValidShell off
AuthOrder mod_auth_file.c
AuthUserFile {work}/users
AuthGroupFile {work}/groups
AllowOverwrite on
UseReverseDNS off
DelayEngine off
WtmpLog off
TransferLog none
SystemLog {work}/log
ScoreboardFile {work}/scoreboard
TLSEngine on
TLSLog {work}/tls-log
TLSProtocol TLSv1.2 TLSv1.3
TLSECCertificateFile {pki}/server.crt
TLSECCertificateKeyFile {pki}/server.key
"""


class ProFtpd:
    """A server for USER, one process for each connection. A context manager. `folder` is what it serves.

    ProFTPD itself does not listen at port 0: it is run as inetd would.
    """

    def __init__(self, pki, directory):
        work = pathlib.Path(directory) / "proftpd"
        self.folder = work / "served"
        self.folder.mkdir(parents=True)
        self._config = work / "proftpd.conf"
        self._config.write_text(_CONFIG.format(
            work=work, pki=pki, modules="\n".join(f"LoadModule {name}.c" for name in _MODULES), user=pwd.getpwuid(os.getuid()).pw_name, group=grp.getgrgid(os.getgid()).gr_name))
        hashed = subprocess.run(["openssl", "passwd", "-6", PASSWORD], check=True, stdout=subprocess.PIPE, text=True)
        _write_private(work / "users",
                       f"{USER}:{hashed.stdout.strip()}:{os.getuid()}:{os.getgid()}::{self.folder}:/bin/false\n")
        _write_private(work / "groups", f"{USER}:x:{os.getgid()}:\n")
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._sessions = []
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        for session in self._sessions:
            session.kill()
            session.wait(PATIENCE)

    def _serve(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:  # __exit__
                return
            with connection:
                self._sessions.append(subprocess.Popen([PROFTPD, "-c", self._config],
                                                       stdin=connection, stdout=connection))


def proftpd_version():
    said = subprocess.run([PROFTPD, "-v"], check=True, capture_output=True, text=True)
    return (said.stdout + said.stderr).split("Version")[1].split()[0]


def _write_private(path, text):
    path.write_text(text)
    path.chmod(0o600)
