"""Proxies and balancers of others, which know nothing of TLS-Detach."""

import contextlib
import os
import signal
import socket
import subprocess

from processes import PATIENCE, Program
from resources import wait_until


class _Listening(Program):
    """A program on a port of ours, which it does not choose itself: ready when somebody answers."""

    def __init__(self, command, port, **options):
        self.port = port
        path = os.environ["PATH"] + ":/usr/sbin"
        super().__init__(command, env={"PATH": path}, **options)

    def __enter__(self):
        wait_until(lambda: self._answers() or self.process.poll() is not None,
                   f"{self.command[0]} listens")
        return super().__enter__()

    def _answers(self):
        with contextlib.suppress(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", self.port)).close()
            return True
        return False


def _free_port():
    """A sandboxed test has a network of its own: nobody else takes it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def _config(directory, name, text):
    path = directory / f"{name}-{id(text)}.conf"
    path.write_text(text)
    return path


class Squid(_Listening):
    """With `pki` an HTTPS proxy that demands a client certificate, else an HTTP proxy."""

    def __init__(self, directory, pki=None):
        port = _free_port()
        listen = f"http_port 127.0.0.1:{port}"
        if pki:
            listen = (f"https_port 127.0.0.1:{port} tls-cert={pki}/server.pem "
                      f"clientca={pki}/client-ca.pem sslcontext=squid")
        # Squid 6 tries one address of a name: the one that the test listens on.
        hosts = _config(directory, "hosts", "127.0.0.1 localhost\n")
        config = _config(directory, "squid", f"""
{listen}
http_access allow all
hosts_file {hosts}
cache deny all
cache_log stdio:/dev/stderr
access_log stdio:/dev/stdout
pid_filename none
netdb_filename none
pinger_enable off
shutdown_lifetime 0 seconds
coredump_dir {directory}
""")
        # As root it would take another user's rights, whom a sandbox need not have.
        prefix = []
        if os.geteuid() == 0:
            prefix = ["unshare", "--user", "--map-user=1000", "--map-group=1000"]
        # What it shares through /dev/shm has this name; another Squid of this machine must not.
        name = f"test{os.urandom(8).hex()}"
        super().__init__([*prefix, "squid", "-N", "-n", name, "-f", config], port)

    def __exit__(self, *details):
        # Killed, it would leave that behind.
        self.process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(PATIENCE)
        super().__exit__(*details)


class Tinyproxy(_Listening):
    """An HTTP proxy."""

    def __init__(self, directory):
        port = _free_port()
        config = _config(directory, "tinyproxy",
                         f"Port {port}\nListen 127.0.0.1\nTimeout 600\nMaxClients 100\n")
        super().__init__(["tinyproxy", "-d", "-c", config], port)


class Nghttpx(_Listening):
    """An HTTPS proxy that demands a client certificate, before an HTTP proxy on `behind`."""

    def __init__(self, pki, behind):
        port = _free_port()
        super().__init__(
            ["nghttpx", "--conf=/dev/null", "--workers=1", "--http2-proxy",
             f"--frontend=127.0.0.1,{port}", f"--backend=127.0.0.1,{behind};;proto=http/1.1",
             "--verify-client", f"--verify-client-cacert={pki}/client-ca.pem",
             "--accesslog-file=/dev/stdout", pki / "server.key", pki / "server.crt"], port)


class Haproxy(Program):
    """A balancer of TCP connections, before a server on `behind`."""

    def __init__(self, directory, behind):
        with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
            self.port = listener.getsockname()[1]
            config = _config(directory, "haproxy", f"""
defaults
  mode tcp
  timeout connect 60s
  timeout client 60s
  timeout server 60s
listen balancer
  bind fd@{listener.fileno()}
  server reverse_proxy 127.0.0.1:{behind}
""")
            super().__init__(["haproxy", "-db", "-f", config], pass_fds=[listener.fileno()],
                             env={"PATH": os.environ["PATH"] + ":/usr/sbin"})
