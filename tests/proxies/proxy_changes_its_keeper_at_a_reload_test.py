#!/usr/bin/env python3
"""A reload takes another kind of keeper, or says why it cannot and leaves what is in force.

Without this an operator who moves his keys loses all connections to a restart, or looks for what is
wrong where nothing is.
"""

import os
import resource
import signal
import unittest

import proxies
from kept_case import KeptCase, OwnKeeperCase, keepers_of
from resources import wait_until


class ProxyChangesItsKeeperAtAReloadTest(KeptCase, OwnKeeperCase):
    def setUp(self):
        super().setUp()
        self.destination = self.listener()
        self.port = self.destination.getsockname()[1]

    def start_both(self, reverse, client):
        self.reverse = self.reverse_proxy(self.port, **reverse)
        self.client = self.client_proxy(self.reverse.port, **client)
        self.check_tunnel()

    def check_tunnel(self):
        browser, destination = self.tls_ends(self.client.port, self.destination)
        self.check_that_it_passes_bytes(browser, destination)

    def reload(self, proxy, event, **changes):
        """To this configuration. Returns the event."""
        if proxy is self.reverse:
            config = proxies.reverse_config(self.pki, [self.port], **changes)
        else:
            config = proxies.client_config(self.pki, self.reverse.port, **changes)
        proxy.write_config(config)
        seen = len(proxy.events(event))
        proxy.signal(signal.SIGHUP)
        happened = proxy.wait_for_events(event, seen + 1)[-1]
        self.check_tunnel()
        return happened

    def check_that_no_keeper_runs(self, proxy):
        wait_until(lambda: keepers_of(proxy) == [], "the keeper that is not in force has ended")

    def test_from_one_that_it_starts_to_a_socket_and_back(self):
        self.start_both(self.own_reverse(), self.own_client())
        for _ in range(2):
            self.reload(self.reverse, "reloaded", **self.kept_reverse())
            self.reload(self.client, "reloaded", **self.kept_client())
            for proxy in (self.reverse, self.client):
                self.check_that_no_keeper_runs(proxy)
            self.reload(self.reverse, "reloaded", **self.own_reverse())
            self.reload(self.client, "reloaded", **self.own_client())
            for proxy in (self.reverse, self.client):
                self.assertEqual(len(keepers_of(proxy)), 1)

    def test_the_client_proxy_gets_its_first(self):
        self.start_both({}, {})
        self.reload(self.client, "reloaded", **self.own_client())
        self.assertEqual(len(keepers_of(self.client)), 1)
        self.reload(self.client, "reloaded", **self.kept_client())
        self.reload(self.client, "reloaded")

    def test_the_reverse_proxy_may_start_none_that_had_none_when_it_was_confined(self):
        self.start_both({}, {})
        reason = self.reload(self.reverse, "reload_failed", **self.own_reverse())["reason"]
        self.assertRegex(reason, "no keeper can be started: .*; start it again$")

    def test_the_reverse_proxy_may_not_read_the_provider_when_it_is_confined(self):
        self.start_both({}, {})
        if self.reverse.event("confined")["landlock"] == 0:
            self.skipTest("this kernel has no Landlock: the provider can be read")
        reason = self.reload(self.reverse, "reload_failed", **self.kept_reverse())["reason"]
        self.assertRegex(reason, f"{self.keeper_table()['provider']}: may not be .* start it again")

    def test_a_reload_without_a_descriptor_left_says_so(self):
        self.start_both(self.own_reverse(), self.own_client())
        for proxy, config in ((self.reverse, self.own_reverse()), (self.client, self.own_client())):
            keepers = keepers_of(proxy)
            before = leave_one_descriptor(proxy.pid)
            proxy.signal(signal.SIGHUP)
            reason = proxy.event("reload_failed")["reason"]
            resource.prlimit(proxy.pid, resource.RLIMIT_NOFILE, before)
            self.assertRegex(reason, "no keeper can be started: .*Too many open files")
            self.assertEqual(keepers_of(proxy), keepers)
            self.reload(proxy, "reloaded", **config)


def leave_one_descriptor(process):
    """For a file to be read, and no pair of sockets. Returns the limits that there were."""
    used = {int(number) for number in os.listdir(f"/proc/{process}/fd")}
    first = next(number for number in range(len(used) + 1) if number not in used)
    limit = next(number for number in range(first + 1, len(used) + 2) if number not in used)
    return resource.prlimit(process, resource.RLIMIT_NOFILE,
                            (limit, resource.prlimit(process, resource.RLIMIT_NOFILE)[1]))


if __name__ == "__main__":
    unittest.main()
