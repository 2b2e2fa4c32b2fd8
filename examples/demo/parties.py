"""The programs of the demo: nginx, the two proxies and curl."""

import contextlib
import json
import pathlib
import signal
import subprocess
import sys
import time

START_SECONDS = 20
STOP_SECONDS = 20

NGINX = """
user root; daemon off; master_process off; pid {directory}/nginx.pid; error_log stderr;
events {{}}
http {{
  access_log off;
  client_body_temp_path {directory}/nginx-1; proxy_temp_path {directory}/nginx-2;
  fastcgi_temp_path {directory}/nginx-3; uwsgi_temp_path {directory}/nginx-4;
  scgi_temp_path {directory}/nginx-5;
  server {{
    listen unix:{directory}/nginx.sock ssl;
    ssl_certificate {identity}; ssl_certificate_key {identity};
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_verify_client on; ssl_client_certificate {anchors};
    add_header Client-Certificate "$ssl_client_s_dn, issued by $ssl_client_i_dn";
    root {directory}/www;
  }}
}}
"""

REVERSE_PROXY = """
listen = ["127.0.0.1:0"]
pid_file = "{directory}/reverse-proxy.pid"
[tls]
identity = "file:{identity}"
client_trust_anchors = "{anchors}"
crl = "none"
[detach]
modes = {modes}
[[allow]]
client = "{client}"
destinations = ["*.corp.example:{destination_port}"]
networks = ["127.0.0.0/8"]
[log]
format = "json"
"""

CLIENT_PROXY = """
listen = ["127.0.0.1:0"]
pid_file = "{directory}/client-proxy.pid"
identities = ["file:{identity}"]
[reverse_proxy]
url = "https://127.0.0.1:{reverse_proxy_port}"
trust_anchors = "{anchors}"
[detach]
modes = {modes}
[mapping]
hosts = ["*.corp.example"]
[log]
format = "json"
"""


def program(label):
    """The path of the binary that Bazel built for `label`, "package/name"."""
    for root in (pathlib.Path.cwd(), pathlib.Path(sys.argv[0] + ".runfiles/detach")):
        if (root / label).exists():
            return (root / label).resolve()
    raise SystemExit(f"{label} is not here: start the demo by `bazel run //examples:quickstart`")


class HeldBack:
    """Keeps Ctrl-C and SIGTERM back until deliver(): between the start of a program and the `try`
    that ends it, nothing may interrupt."""

    def __init__(self):
        self._arrived = []
        self._handlers = {number: signal.signal(number, self._keep)
                          for number in (signal.SIGINT, signal.SIGTERM)}

    def _keep(self, number, _):
        self._arrived.append(number)

    def deliver(self):
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        if self._arrived:
            raise KeyboardInterrupt


@contextlib.contextmanager
def running(name, command, directory, started, environment=None):
    """`command`, from when `started(log)` is true to the end of the block; yields its log's path."""
    log = directory / f"{name}.log"
    # The kernel ends it should this program be killed.
    command = ["setpriv", "--pdeathsig", "KILL", "--", *map(str, command)]
    interrupts = HeldBack()
    with log.open("w") as out:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                   env=environment, start_new_session=True)
    try:
        interrupts.deliver()
        _await_start(name, process, started, log)
        yield log
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await_start(name, process, started, log):
    deadline = time.monotonic() + START_SECONDS
    while not started(log):
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"{name} did not start:\n{log.read_text()}")
        time.sleep(0.01)


def events(log, name):
    """What a proxy's log says about the events called `name`."""
    found = []
    for line in log.read_text().splitlines():
        with contextlib.suppress(ValueError):  # the last line may be half written
            event = json.loads(line)
            if event["event"] == name:
                found.append(event)
    return found


def is_listening(log):
    return bool(events(log, "listening"))


def port_of(log):
    """The port that a proxy listens on."""
    return int(events(log, "listening")[0]["address"].rpartition(":")[2])


def curl(proxy_port, url, identity, anchors, body):
    """Fetches `url` into the file `body`. Returns the response's header lines, or curl's error."""
    fetched = subprocess.run(
        ["curl", "--silent", "--show-error", "--fail", "--max-time", "30", "--dump-header", "-",
         "--suppress-connect-headers", "--proxy", f"http://127.0.0.1:{proxy_port}",
         "--cert", identity, "--cacert", anchors, "--output", body, url],
        capture_output=True, text=True)
    return fetched.stdout.splitlines(), fetched.stderr.strip()
