#!/usr/bin/env python3
"""A keeper that dies is started again: no tunnel breaks, and new ones wait for it.

At a reload there is another keeper, with the keys as they are then, or all stays as it was. Without
this whoever can crash a keeper takes all users' connections with it, and a renewed certificate needs
a restart.
"""

import contextlib
import hashlib
import os
import signal
import socket
import ssl
import threading
import unittest

import inner_tls
from curl import INNER_NAME
from keeper import make_identity
from kept_case import OwnKeeperCase, keepers_of, monitor_of
from processes import PATIENCE
from raw_client import alice_context
from resources import wait_until

KILLS = 3
LOAD = 4  # threads that make one tunnel after the other
PIECE = 1 << 20


class Load:
    """Threads that call `step` again and again until the block is left; a failure is the block's."""

    def __init__(self, step):
        self._step = step
        self._done = [0] * LOAD
        self._failures = []
        self._stop = threading.Event()

    def __enter__(self):
        self._threads = [threading.Thread(target=self._run, args=(i,)) for i in range(LOAD)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join(PATIENCE)
        if self._failures:
            raise self._failures[0]

    def wait_for_one_more_each(self):
        before = list(self._done)
        wait_until(lambda: self._failures or all(now > then + 1 for now, then in
                                                 zip(self._done, before)),
                   "each thread has begun and finished a step")

    def _run(self, i):
        try:
            while not self._stop.is_set():
                self._step()
                self._done[i] += 1
        except Exception as failure:  # pylint: disable=broad-except
            self._failures.append(failure)


class Download:
    """A file that comes through a tunnel, and is read in pieces."""

    def __init__(self, end, path):
        self._end = end
        end.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += end.recv(1)
        self._hash = hashlib.sha256()

    def read(self, size):
        """Whether there was so much."""
        while size > 0:
            piece = self._end.recv(min(size, 65536))
            if not piece:
                return False
            self._hash.update(piece)
            size -= len(piece)
        return True

    def digest(self):
        while self.read(PIECE):
            pass
        return self._hash.digest()


class ProxyReplacesItsKeeperTest(OwnKeeperCase):
    def setUp(self):
        super().setUp()
        self.server = self.nginx()
        self.client, self.reverse = self.own_proxies(self.server.port)
        self.client.event("listening")

    def tunnel(self):
        """A browser's end of a new one."""
        end = inner_tls.connect_through(self.client.port, self.server.port)
        return inner_tls.bob_context(self.pki).wrap_socket(end, server_hostname=INNER_NAME)

    def check_tunnel(self):
        with self.tunnel() as end:
            end.sendall(b"GET / HTTP/1.0\r\n\r\n")
            answer = b"".join(iter(lambda: end.recv(65536), b""))
            self.assertIn(b"CN=bob", answer)

    def kill_keeper(self, proxy):
        """Returns when there is the next."""
        dead, = keepers_of(proxy)
        os.kill(dead, signal.SIGKILL)
        wait_until(lambda: set(keepers_of(proxy)) - {dead}, "there is another keeper")

    def check_under_load(self, proxy):
        content = os.urandom(KILLS * PIECE) * 8
        (self.server.files / "bulk").write_bytes(content)
        with contextlib.ExitStack() as ends, Load(self.check_tunnel) as load:
            downloads = [Download(ends.enter_context(self.tunnel()), "/files/bulk")
                         for _ in range(4)]
            for _ in range(KILLS):
                load.wait_for_one_more_each()
                self.kill_keeper(proxy)
                for download in downloads:
                    self.assertTrue(download.read(PIECE))
            load.wait_for_one_more_each()
            for download in downloads:
                self.assertEqual(download.digest(), hashlib.sha256(content).digest())
        self.assertEqual(len(proxy_lines(proxy, "keeper_died")), KILLS)

    def test_of_the_reverse_proxy_under_load(self):
        self.check_under_load(self.reverse)

    def test_of_the_client_proxy_under_load(self):
        self.check_under_load(self.client)

    def reload(self, proxy, event):
        seen = len(proxy.events(event))
        proxy.signal(signal.SIGHUP)
        return proxy.wait_for_events(event, seen + 1)[-1]

    def certificate_shown(self):
        with socket.create_connection(("127.0.0.1", self.reverse.port), PATIENCE) as raw:
            context = alice_context(self.pki)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            with context.wrap_socket(raw) as end:
                return end.getpeercert(binary_form=True)

    def test_a_reload_takes_the_renewed_key_and_leaves_the_connections_that_there_are(self):
        old = self.certificate_shown()
        before, = keepers_of(self.reverse)
        with self.tunnel() as end:
            renewed = make_identity(self.directory, "renewed", "rsa:2048")
            self.write_key("server.pem", renewed.read_bytes())
            self.assertEqual(self.certificate_shown(), old)
            self.reload(self.reverse, "reloaded")
            shown = ssl.DER_cert_to_PEM_cert(self.certificate_shown())
            self.assertEqual(shown, renewed.with_suffix(".crt").read_text())
            end.sendall(b"GET / HTTP/1.0\r\n\r\n")
            self.assertIn(b"200 OK", end.recv(65536))
        wait_until(lambda: before not in keepers_of(self.reverse), "the first keeper has ended")
        self.assertEqual(len(keepers_of(self.reverse)), 1)

    def test_a_reload_of_the_client_proxy_takes_the_renewed_key(self):
        self.check_tunnel()
        self.write_key("client.pem", (self.pki / "other-client.pem").read_bytes())
        self.reload(self.client, "reloaded")
        with self.assertRaises(inner_tls.Refused):  # the row is Alice's
            self.tunnel()
        self.reverse.event("refused", client="URI:spiffe://corp.example/bob")

    def test_a_reload_with_a_bad_key_keeps_what_was_in_force(self):
        for proxy, name in ((self.reverse, "server.pem"), (self.client, "client.pem")):
            good = (self.keys / name).read_bytes()
            keeper, = keepers_of(proxy)
            self.write_key(name, b"no key")
            reason = self.reload(proxy, "reload_failed")["reason"]
            self.assertRegex(reason, rf"^{proxy.config_file}:\d+:\d+: .*{self.keys / name}")
            self.check_tunnel()
            wait_until(lambda proxy=proxy, keeper=keeper: keepers_of(proxy) == [keeper],
                       "the one that refused has ended")
            # It finds no key again either, until there is one.
            os.kill(keeper, signal.SIGKILL)
            proxy.find(lambda line: "event=keeper_not_started" in line or None)
            self.write_key(name, good)
            self.check_tunnel()

    def kill_monitor(self, proxy):
        os.kill(monitor_of(proxy), signal.SIGKILL)
        self.assertIn("start the proxy again", proxy.event("keeper_monitor_ended")["advice"])

    def test_without_its_monitor_the_reverse_proxy_keeps_what_is_in_force(self):
        keeper, = keepers_of(self.reverse)
        self.kill_monitor(self.reverse)
        self.check_tunnel()
        reason = self.reload(self.reverse, "reload_failed")["reason"]
        self.assertRegex(reason, "no keeper can be started: .*; start it again")
        self.check_tunnel()
        os.kill(keeper, signal.SIGKILL)
        with self.assertRaises(inner_tls.Refused):
            self.tunnel()
        self.assertIn("the keeper of this proxy: ", self.reverse.event("refused")["reason"])

    def test_without_its_monitor_the_client_proxy_gets_another_at_a_reload(self):
        self.kill_monitor(self.client)
        self.check_tunnel()
        self.reload(self.client, "reloaded")
        self.kill_keeper(self.client)
        self.check_tunnel()


def proxy_lines(proxy, event):
    """Those of its monitor."""
    return [line for line in proxy.lines if f" event={event} " in line]


if __name__ == "__main__":
    unittest.main()
