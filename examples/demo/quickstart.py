#!/usr/bin/env python3
"""The quickstart: curl, both proxies and nginx on this machine, and what each of them saw.

Every statement that it prints is computed from what happened. Exit code 1: one was not so.
"""

import argparse
import contextlib
import os
import pathlib
import secrets
import shutil
import signal
import sys
import tempfile

import evidence
import parties
from certificates import Authority
from recorder import Recorder, to_tcp, to_unix

HOST = "wiki.corp.example"
ALICE = "URI:spiffe://corp.example/alice"
BODY_SIZE = 8 << 20
REVERSE_PROXY = "proxies/reverse/detach-reverse-proxy"
CLIENT_PROXY = "proxies/client/detach-client-proxy"

PICTURE = f"""
  curl ──▶ client proxy ══ outer TLS, client certificate 1 ══▶ reverse proxy ──▶ nginx
    └───────── one TLS session with {HOST}, client certificate 2 ───────┘
"""

NEXT_STEPS = """
What to try next
  bazel run //examples:quickstart -- --without-detach   the same, but the outer TLS stays: this fails
  bazel run //examples:quickstart -- --without-cover    the host name becomes visible: this fails
  bazel run //examples:quickstart -- --keep DIR         keeps configurations, certificates and logs
  bazel run //examples:sans_io_pair                     the bytes on the wire where TLS ends
  bazel run //examples:detach_echo -- --help            a server to try your own TLS stack against
  examples/upgrade_then_detach.cc                       the library in forty lines
"""


class Stage:
    """The parties, from when each is started to the end of `stack`."""

    def __init__(self, directory, modes, stack):
        self.directory = directory
        self.modes = modes
        self.stack = stack
        self.gateway = Authority(directory, "gateway")
        self.intranet = Authority(directory, "intranet")
        self.page = directory / "www" / "report"
        self.page.parent.mkdir()
        self.page.write_bytes(secrets.token_bytes(BODY_SIZE))

    def start_nginx(self):
        self._start("nginx", ["/usr/sbin/nginx", "-p", self.directory, "-e", "stderr", "-c"],
                    lambda _: (self.directory / "nginx.pid").exists(),
                    parties.NGINX.format(
                        directory=self.directory, anchors=self.intranet.certificate,
                        identity=self.intranet.issue(HOST, "serverAuth", f"DNS:{HOST}")))
        return self._record(lambda: to_unix(self.directory / "nginx.sock"))

    def start_reverse_proxy(self, destination_port):
        hosts = self.directory / "hosts"
        hosts.write_text(f"127.0.0.1 {HOST}\n")
        # Nobody else has to know the name: /etc/hosts stays as it is.
        names = {**os.environ, "LD_PRELOAD": "libnss_wrapper.so", "NSS_WRAPPER_HOSTS": str(hosts)}
        identity = self.gateway.issue("reverse proxy", "serverAuth", "IP:127.0.0.1")
        log = self._start("reverse-proxy", [parties.program(REVERSE_PROXY), "--config"],
                          parties.is_listening,
                          parties.REVERSE_PROXY.format(
                              directory=self.directory, modes=self.modes, client=ALICE,
                              destination_port=destination_port,
                              anchors=self.gateway.certificate, identity=identity), names)
        return log, self._record(lambda: to_tcp(parties.port_of(log)))

    def start_client_proxy(self, reverse_proxy_port):
        identity = self.gateway.issue("alice at the gateway", "clientAuth", ALICE)
        log = self._start("client-proxy", [parties.program(CLIENT_PROXY), "run", "--config"],
                          parties.is_listening,
                          parties.CLIENT_PROXY.format(
                              directory=self.directory, modes=self.modes,
                              reverse_proxy_port=reverse_proxy_port,
                              anchors=self.gateway.certificate, identity=identity))
        return parties.port_of(log)

    def fetch(self, client_proxy_port, url):
        """What parties.curl returns, and the page that it got."""
        identity = self.intranet.issue("alice at the intranet", "clientAuth",
                                       "email:alice@corp.example")
        fetched = self.directory / "fetched"
        headers, error = parties.curl(client_proxy_port, url, identity, self.intranet.certificate,
                                      fetched)
        return headers, error, fetched.read_bytes() if fetched.exists() else b""

    def _start(self, name, command, started, configuration, environment=None):
        path = self.directory / f"{name}.conf"
        path.write_text(configuration)
        return self.stack.enter_context(
            parties.running(name, [*command, path], self.directory, started, environment))

    def _record(self, connect):
        return self.stack.enter_context(contextlib.closing(Recorder(connect)))


def run_parties(directory, modes):
    """Lets curl fetch a page through everything. Returns what was seen."""
    with contextlib.ExitStack() as stack:
        stage = Stage(directory, modes, stack)
        behind = stage.start_nginx()
        log, between = stage.start_reverse_proxy(behind.port)
        port = stage.start_client_proxy(between.port)
        url = f"https://{HOST}:{behind.port}/report"
        headers, error, fetched = stage.fetch(port, url)
        for recorder in (between, behind):
            recorder.wait(parties.STOP_SECONDS)
    return evidence.Seen(
        url=url, host=HOST, client=ALICE, headers=headers, curl_error=error,
        page=stage.page.read_bytes(), fetched=fetched, tunnels=parties.events(log, "tunnel_end"),
        between=between.recordings, behind=behind.recordings)


def parse_arguments():
    parser = argparse.ArgumentParser(prog="quickstart", description=__doc__.splitlines()[0])
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--without-detach", action="store_const", dest="modes", const="[]",
                     help="the proxies never leave their TLS")
    how.add_argument("--without-cover", action="store_const", dest="modes", const='["connect"]',
                     help="they leave it right behind the CONNECT, as in 2006")
    # `bazel run` changes the working directory.
    here = pathlib.Path(os.environ.get("BUILD_WORKING_DIRECTORY", "."))
    parser.add_argument("--keep", metavar="DIR", type=here.joinpath,
                        help="leave certificates, configurations and logs in DIR")
    parser.set_defaults(modes='["covered"]')
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    print(PICTURE, flush=True)
    with tempfile.TemporaryDirectory(prefix="detach-quickstart-") as directory:
        directory = pathlib.Path(directory)
        try:
            seen = run_parties(directory, arguments.modes)
        finally:
            if arguments.keep:
                shutil.copytree(directory, arguments.keep, dirs_exist_ok=True)
    failures = evidence.show(seen)
    print(NEXT_STEPS)
    if failures:
        sys.exit("This is not what it should be:\n  " + "\n  ".join(failures))


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
