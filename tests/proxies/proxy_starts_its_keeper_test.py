#!/usr/bin/env python3
"""A proxy starts the keeper that its configuration has rows for, and takes it along when it ends.

Without this an operator runs two programs for one, or finds keys in processes that nobody uses.
"""

import contextlib
import os
import pathlib
import select
import shutil
import signal
import subprocess
import unittest

import proxies
from keeper import KEEPER
from kept_case import OwnKeeperCase, keepers_of, monitor_of
from private_key import components, found_in
from processes import PATIENCE
from resources import wait_until


def open_files(process):
    """What its descriptors are, in order: "socket", "pipe", or a path."""
    folder = pathlib.Path(f"/proc/{process}/fd")
    return [os.readlink(folder / number).partition(":")[0]
            for number in sorted(os.listdir(folder), key=int)]


@contextlib.contextmanager
def watch(process):
    """A descriptor that can be read when the process has ended."""
    descriptor = os.pidfd_open(process)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


class ProxyStartsItsKeeperTest(OwnKeeperCase):
    def setUp(self):
        super().setUp()
        self.destination = self.listener()
        self.port = self.destination.getsockname()[1]

    def check_tunnel(self, client):
        browser, destination = self.tls_ends(client.port, self.destination)
        self.check_that_it_passes_bytes(browser, destination)
        browser.fin()
        destination.fin()

    def both(self):
        client, reverse = self.own_proxies(self.port)
        self.check_tunnel(client)
        return client, reverse

    def test_the_keys_are_there_and_not_in_the_proxies(self):
        for proxy, key in zip(self.both(), ("client.pem", "server.pem")):
            numbers = components(self.keys / key)
            self.assertEqual(found_in(proxy.pid, numbers), set())
            self.assertEqual(found_in(monitor_of(proxy), numbers), set())
            keeper, = keepers_of(proxy)
            self.assertTrue(found_in(keeper, numbers))

    def test_they_have_nothing_open_that_is_not_theirs(self):
        """And a session of their own: what ends a group of processes does not reach them."""
        for proxy in self.both():
            monitor = monitor_of(proxy)
            keeper, = keepers_of(proxy)
            for process in (monitor, keeper):
                self.assertEqual(os.getsid(process), process)
                self.assertEqual(open_files(process)[:3], ["/dev/null", "/dev/null", "pipe"])
            # The proxy's end; of the keeper, its channel and what it reports through.
            self.assertEqual(open_files(monitor)[3:], ["socket"] * 3)
            self.assertEqual(set(open_files(keeper)[3:]) - {"anon_inode"}, {"socket"})

    def test_they_have_nothing_open_where_a_log_would_be_if_they_were_started_without(self):
        """Nor has the proxy: its log would go to whatever it opens first."""
        pid = self.directory / "pid"
        reverse = self.reverse_proxy(self.port, prefix=["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"],
                                     **self.own_reverse(pid_file=str(pid)))
        wait_until(pid.exists, "it has started")
        for process in (reverse.pid, monitor_of(reverse), *keepers_of(reverse)):
            self.assertEqual(open_files(process)[:3], ["/dev/null"] * 3)

    def test_it_is_the_one_beside_the_proxy_unless_another_is_named(self):
        folder = self.directory / "bin"
        folder.mkdir()
        for program in (proxies.REVERSE_PROXY, KEEPER):
            shutil.copy(program, folder)
        config = proxies.reverse_config(
            self.pki, [self.port], **self.own_reverse(keeper={"program": None}))
        reverse = self.start(proxies.Proxy(
            folder / pathlib.Path(proxies.REVERSE_PROXY).name, config, self.directory))
        reverse.event("listening")
        for process in (monitor_of(reverse), *keepers_of(reverse)):
            self.assertEqual(os.readlink(f"/proc/{process}/exe"), str(folder / "detach-keeper"))

    def test_the_reverse_proxy_says_which_key_it_could_read_itself(self):
        """Whoever breaks into it could, too."""
        far = {**self.own_reverse(), **self.rows("web", "server.pem")}
        near = {**far, "keeper.identity": [{"name": "web", "uri": f"file:{self.pki}/server.pem"}]}
        (self.pki / "server.pem").chmod(0o600)
        reverse = self.reverse_proxy(self.port, **far)
        if reverse.event("confined")["landlock"] == 0:
            self.skipTest("this kernel has no Landlock: every key is within reach")
        reverse.event("listening")
        self.assertEqual(reverse.events("key_within_reach"), [])
        reverse.write_config(proxies.reverse_config(self.pki, [self.port], **near))
        reverse.signal(signal.SIGHUP)
        reverse.event("reloaded")
        for proxy in (reverse, self.reverse_proxy(self.port, **near)):
            warning = proxy.event("key_within_reach")
            self.assertEqual(warning["level"], "warning")
            self.assertEqual(warning["file"], f"{self.pki}/server.pem")
            self.assertIn(f"{self.pki}, ", warning["advice"])

    def test_the_database_lists_what_it_has_and_leaves_none_behind(self):
        client = self.client_proxy(9, **self.own_client())
        client.event("listening")
        ran = subprocess.run([proxies.CLIENT_PROXY, "identities", "--config", client.config_file],
                             capture_output=True, text=True, timeout=PATIENCE, check=True)
        self.assertIn("CN=alice", ran.stdout)
        self.assertEqual(ran.stderr, "")  # and whoever could write there has ended

    def test_what_stops_a_service_leaves_them_to_the_proxy_that_drains(self):
        """systemd sends SIGTERM to all of a service's processes; SIGPIPE is a log that nobody reads."""
        client, reverse = self.both()
        for proxy in (client, reverse):
            for process in (monitor_of(proxy), *keepers_of(proxy)):
                for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
                    os.kill(process, number)
        self.check_tunnel(client)
        for proxy in (client, reverse):
            self.assertEqual(len(proxy.events("keeper_died")), 0)

    def check_that_they_end(self, proxy, end):
        with contextlib.ExitStack() as watched:
            processes = [watched.enter_context(watch(process))
                         for process in (monitor_of(proxy), *keepers_of(proxy))]
            end()
            for process in processes:
                self.assertTrue(select.select([process], [], [], PATIENCE)[0])

    def test_none_is_left_when_the_proxy_is_terminated(self):
        for proxy in self.both():
            self.check_that_they_end(proxy, lambda proxy=proxy: proxy.signal(signal.SIGTERM))
            self.assertEqual(proxy.wait(), 0)

    def test_none_is_left_when_the_proxy_is_killed(self):
        for proxy in self.both():
            self.check_that_they_end(proxy, proxy.process.kill)


if __name__ == "__main__":
    unittest.main()
