"""TLS servers that know nothing of detaching and pass on what they decrypt: behind examples/loopback_echo."""

import os
import socket
import subprocess

from processes import Program
from resources import wait_until

_JAR = "tests/interop/stacks/black_box.jar"
_ENVIRONMENT = {"PATH": os.environ["PATH"] + ":/usr/sbin"}


def free_port():
    """A sandboxed test has a network of its own: nobody else takes it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def _listens(port):
    with socket.socket() as end:
        return end.connect_ex(("127.0.0.1", port)) == 0


class _BlackBox(Program):
    """Ready when somebody listens on its port."""

    def __init__(self, command, port, **options):
        self.port = port
        super().__init__(command, env=_ENVIRONMENT, **options)

    def __enter__(self):
        wait_until(lambda: _listens(self.port) or self.process.poll() is not None, f"{self.command[0]} listens")
        return super().__enter__()


class Stunnel(_BlackBox):
    def __init__(self, directory, pki, port, clear_port):
        config = directory / "stunnel.conf"
        config.write_text(f"""
foreground = yes
pid =
syslog = no
debug = notice
[box]
accept = 127.0.0.1:{port}
connect = 127.0.0.1:{clear_port}
protocol = proxy
cert = {pki}/server.pem
sslVersionMin = TLSv1.2
""")
        super().__init__(["stunnel", config], port)

    @staticmethod
    def version():
        said = subprocess.run(["stunnel", "-version"], env={**os.environ, **_ENVIRONMENT}, check=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout
        return next(" ".join(line.split()[:2]) for line in said.splitlines() if line.startswith("stunnel "))


class Haproxy(_BlackBox):
    def __init__(self, directory, pki, port, clear_port):
        config = directory / "haproxy.conf"
        config.write_text(f"""
defaults
  mode tcp
  timeout connect 60s
  timeout client 60s
  timeout server 60s
listen box
  bind 127.0.0.1:{port} ssl crt {pki}/server.pem ssl-min-ver TLSv1.2
  server clear 127.0.0.1:{clear_port} send-proxy
""")
        super().__init__(["haproxy", "-db", "-f", config], port)

    @staticmethod
    def version():
        said = subprocess.run(["haproxy", "-v"], env={**os.environ, **_ENVIRONMENT}, check=True,
                              stdout=subprocess.PIPE, text=True).stdout
        return "HAProxy " + said.split()[2].partition("-")[0]


class Java(_BlackBox):
    def __init__(self, directory, pki, port, clear_port):
        store = directory / "store.p12"
        subprocess.run(["openssl", "pkcs12", "-export", "-in", pki / "server.pem", "-passout", "pass:store",
                        "-out", store], check=True)
        super().__init__(["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", f"-Djavax.net.ssl.keyStore={store}",
                          "-Djavax.net.ssl.keyStorePassword=store", "-cp", _JAR, "BlackBox", port, clear_port], port)

    @staticmethod
    def version():
        said = subprocess.run(["java", "--version"], check=True, stdout=subprocess.PIPE, text=True).stdout
        return "Java " + said.split()[1]


BLACK_BOXES = {"stunnel": Stunnel, "HAProxy": Haproxy, "SSLServerSocket": Java}
