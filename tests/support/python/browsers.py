"""Real browsers without a display, each with a home of its own: the certificate databases in it are
those that the browser makes for its user.

A user who says "yes" to the first certificate that fits is a policy of Chromium, a preference of
Firefox. No browser asks a proxy for this machine's own names and addresses: a destination needs
another name, which only the reverse proxy has to resolve.
"""

import base64
import contextlib
import json
import os
import pathlib
import re
import socket
import subprocess

from processes import PATIENCE, Program

# Chromium reads policies below /etc only: so it gets an /etc/chromium of its own. It wants
# descriptors 3 and 4.
_START_CHROMIUM = """
mount -t tmpfs tmpfs /etc/chromium
mkdir -p /etc/chromium/policies/managed
echo "$POLICY" >/etc/chromium/policies/managed/policy.json
exec "$@" 3<&{requests} 4>&{messages}
"""
# The user who says "yes" in the dialogue.
_POLICY = {"AutoSelectCertificateForUrls": [json.dumps({"pattern": "*", "filter": {}})]}
_PATIENCE = 4 * PATIENCE  # browsers are large
_PREFERENCES = {
    "marionette.port": 0,
    "security.default_personal_cert": "Select Automatically",
    # Of what Firefox fetches by itself, nothing.
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
}


class PageError(Exception):
    """A page that did not come, and why: the browser's words."""


def pac(proxy_port, host):
    """The URL of a PAC file: `host` through a proxy, all else directly."""
    script = (f'function FindProxyForURL(url, host) {{ return host == "{host}"'
              f' ? "PROXY 127.0.0.1:{proxy_port}" : "DIRECT"; }}')
    return ("data:application/x-ns-proxy-autoconfig;base64,"
            + base64.b64encode(script.encode()).decode())


def home_environment(home):
    """What tells a program that `home` is its user's, wherever the test's own user lives."""
    unset = ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "DBUS_SESSION_BUS_ADDRESS")
    return {"HOME": str(home), "XDG_RUNTIME_DIR": str(home), **dict.fromkeys(unset, "")}


def chromium_database(home):
    """Where Chromium keeps certificates: in the first of the two that is there."""
    folders = [pathlib.Path(home, folder) for folder in (".pki/nssdb", ".local/share/pki/nssdb")]
    return next(folder for folder in folders if folder.is_dir())


def firefox_database(home):
    """Where Firefox keeps them: in its only profile. Firefox 147 and later have profiles in the
    folder for configurations."""
    profile, = (profile for folder in (".mozilla/firefox", ".config/mozilla/firefox")
                for profile in pathlib.Path(home, folder).glob("*.default-esr"))
    return profile


class Chromium(Program):
    """Chromium of the user whose home is `home`. It speaks the DevTools protocol on two pipes: JSON,
    each message ended by a zero byte.

    `pac`: the URL of a PAC file; None: directly.
    """

    def __init__(self, home, pac=None):
        self._calls = 0
        self._unread = b""
        requests, self._requests = os.pipe()
        self._messages, messages = os.pipe()
        proxy = f"--proxy-pac-url={pac}" if pac else "--no-proxy-server"
        super().__init__(
            ["unshare", "--user", "--map-root-user", "--mount", "bash", "-euc",
             _START_CHROMIUM.format(requests=requests, messages=messages), "bash", "chromium",
             "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             "--no-first-run", "--disable-background-networking", "--log-level=3",
             f"--user-data-dir={home}/.config/chromium", "--remote-debugging-pipe", proxy],
            env={**home_environment(home), "POLICY": json.dumps(_POLICY)}, pass_fds=[requests, messages])
        os.close(requests)
        os.close(messages)

    def __enter__(self):
        page = self._call("Target.createTarget", url="about:blank")
        self._page = self._call("Target.attachToTarget", **page, flatten=True)
        self._call("Page.enable", **self._page)
        self._call("Page.setLifecycleEventsEnabled", **self._page, enabled=True)
        return self

    def __exit__(self, *_):
        super().__exit__()
        os.close(self._requests)
        os.close(self._messages)

    def browse(self, url):
        """Returns the text of the page at `url`. PageError, where there is none."""
        page = self._call("Page.navigate", **self._page, url=url)
        if "errorText" in page:
            raise PageError(page["errorText"])
        loaded = {"name": "load", "loaderId": page["loaderId"]}
        self._find(lambda message: loaded.items() <= message.get("params", {}).items())
        text = self._call("Runtime.evaluate", **self._page, expression="document.body.innerText")
        return text["result"]["value"]

    def close(self):
        """Ends as when the user closes the last window."""
        self._call("Browser.close")
        self.wait()

    def _call(self, method, *, sessionId=None, **parameters):
        self._calls += 1
        message = {"id": self._calls, "method": method, "params": parameters}
        if sessionId:
            message["sessionId"] = sessionId
        os.write(self._requests, json.dumps(message).encode() + b"\0")
        reply = self._find(lambda message: message.get("id") == self._calls)
        if "error" in reply:
            raise AssertionError(self.complaint(f"answered {method} with {reply['error']}"))
        return reply["result"]

    def _find(self, fits):
        while True:
            while b"\0" not in self._unread:
                more = os.read(self._messages, 1 << 16)
                if not more:
                    raise AssertionError(self.complaint("ended"))
                self._unread += more
            first, _, self._unread = self._unread.partition(b"\0")
            message = json.loads(first)
            if fits(message):
                return message


class Firefox(Program):
    """Firefox of the user whose home is `home`, with the profile that it makes there. It speaks
    Marionette: JSON behind its length, on a port of its own choice. `pac`: as Chromium's."""

    def __init__(self, home, pac=None):
        self._calls = 0
        preferences = {**_PREFERENCES, "network.proxy.type": 2 if pac else 0,
                       "network.proxy.autoconfig_url": pac or ""}
        environment = home_environment(home)
        if not list(pathlib.Path(home).glob(".*")):
            subprocess.run(["firefox-esr", "--headless", "-CreateProfile", "default-esr"],
                           env={**os.environ, **environment}, capture_output=True, check=True)
        (firefox_database(home) / "user.js").write_text("".join(
            f"user_pref({json.dumps(key)}, {json.dumps(value)});\n"
            for key, value in preferences.items()))
        super().__init__(["firefox-esr", "--headless", "--marionette", "-P", "default-esr"],
                         env=environment)

    def __enter__(self):
        port = self.find(lambda line: re.search(r"Marionette\tINFO\tListening on port (\d+)", line),
                         patience=_PATIENCE)
        self._connection = socket.create_connection(("127.0.0.1", int(port[1])), timeout=_PATIENCE)
        self._stream = self._connection.makefile("rb")
        self._receive()  # who it is
        self._call("WebDriver:NewSession")
        return self

    def __exit__(self, *_):
        self._stream.close()
        self._connection.close()
        super().__exit__()

    def browse(self, url):
        """Returns the text of the page at `url`. PageError, where there is none."""
        self._call("WebDriver:Navigate", url=url)
        return self._call("WebDriver:ExecuteScript", script="return document.body.innerText",
                          args=[])["value"]

    def close(self):
        """Ends as when the user closes the last window."""
        with contextlib.suppress(ConnectionError):
            self._call("Marionette:Quit", flags=["eForceQuit"])
        self.wait()

    def _call(self, command, **parameters):
        self._calls += 1
        message = json.dumps([0, self._calls, command, parameters]).encode()
        self._connection.sendall(b"%d:%s" % (len(message), message))
        _, _, error, result = self._receive()
        if error:
            raise PageError(error["message"])
        return result

    def _receive(self):
        size = b""
        while not size.endswith(b":"):
            byte = self._stream.read(1)
            if not byte:
                raise ConnectionError("Firefox has ended")
            size += byte
        return json.loads(self._stream.read(int(size[:-1])))
