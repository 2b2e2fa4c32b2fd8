#!/usr/bin/env python3
"""A name is resolved once; its addresses are checked, and exactly those are dialled.

Without this whoever owns a name that a row allows gets to every address of the internal network: by
a name that leads there, or by DNS that says one thing to the check and another to the connection.
"""

import concurrent.futures
import contextlib
import signal
import socket
import unittest

import private_network
from private_network import Resolver
from proxies import ALICE
from raw_client import alice_context, ask, connected
from resources import wait_until
from tunnel_case import TunnelCase

NO_NAMESPACES = private_network.enter()

# What no row without `networks` leads to.
FORBIDDEN = ("127.0.0.1", "127.8.8.8", "0.0.0.0", "169.254.169.254", "224.0.0.1",
             "255.255.255.255", "::1", "::", "fe80::1", "ff02::1", "::ffff:127.0.0.1",
             "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::7f00:1")


@unittest.skipIf(NO_NAMESPACES, NO_NAMESPACES)
class ReverseDialsOnlyAddressesThatItHasCheckedTest(TunnelCase):
    def setUp(self):
        super().setUp()
        self.good = self.enterContext(socket.create_server(("127.0.0.2", 0)))
        self.port = self.good.getsockname()[1]
        self.bad = self.enterContext(socket.create_server(("127.0.0.1", self.port)))
        for listener in (self.good, self.bad):
            listener.setblocking(False)

    def start_reverse(self, *networks, **changes):
        row = {"client": ALICE, "destinations": [f"*.example:{self.port}"]}
        self.reverse = self.reverse_proxy(
            allow=[{**row, "networks": list(networks)} if networks else row], **changes)

    def request(self, name):
        target = f"{name}:{self.port}"
        return f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode()

    def refusal(self, name):
        """The answer, which is what the log says; nobody was dialled."""
        answer = ask(self.reverse.port, self.request(name), alice_context(self.pki))
        refused = self.reverse.event("refused", destination=f"{name}:{self.port}",
                                     reason=answer.body.strip())
        self.assertEqual(refused["status"], answer.status)
        for listener in (self.good, self.bad):
            with self.assertRaises(BlockingIOError, msg=f"{listener.getsockname()} was dialled"):
                listener.accept()
        return answer

    def check_reaches_the_good_one(self, name):
        """And nobody else; the log says whom."""
        with connected(self.reverse.port, alice_context(self.pki)) as end:
            end.sendall(self.request(name))
            self.assertTrue(end.recv(4096).startswith(b"HTTP/1.1 200 "))
            self.good.accept()[0].close()
            with self.assertRaises(BlockingIOError):
                self.bad.accept()
            end.unwrap()
        ended = self.reverse.event("tunnel_end", destination=f"{name}:{self.port}")
        self.assertEqual(ended["dialled"], f"127.0.0.2:{self.port}")

    def test_a_name_that_leads_where_no_row_says_that_it_may(self):
        names = {f"n{index}_example": [[address]] for index, address in enumerate(FORBIDDEN)}
        self.enterContext(Resolver(**names))
        self.start_reverse()
        for name, ((address,),) in names.items():
            with self.subTest(address):
                answer = self.refusal(name.replace("_", "."))
                self.assertEqual(answer.status, 403)
                self.assertIn("is not allowed", answer.body)
                self.assertIn("error=destination_ip_prohibited", answer.fields["proxy-status"])

    def test_of_several_addresses_only_those_of_the_row(self):
        self.enterContext(Resolver(many_example=[["127.0.0.1", "::1", "127.0.0.2"]]))
        self.start_reverse("127.0.0.2/32")
        self.check_reaches_the_good_one("many.example")

    def test_dns_that_turns_bad_behind_the_check(self):
        resolver = self.enterContext(Resolver(turns_example=[["127.0.0.2"], ["127.0.0.1"]]))
        self.start_reverse("127.0.0.2/32")
        self.check_reaches_the_good_one("turns.example")
        self.assertEqual(resolver.asked, ["turns.example"])
        self.assertIn(f"127.0.0.1:{self.port} is not allowed", self.refusal("turns.example").body)

    def test_dns_that_turns_good_behind_the_check(self):
        resolver = self.enterContext(Resolver(turns_example=[["127.0.0.1"], ["127.0.0.2"]]))
        self.start_reverse("127.0.0.2/32")
        self.assertEqual(self.refusal("turns.example").status, 403)
        self.assertEqual(resolver.asked, ["turns.example"])

    def test_a_name_that_does_not_exist(self):
        self.enterContext(Resolver())
        self.start_reverse()
        answer = self.refusal("nowhere.example")
        self.assertEqual(answer.status, 502)
        self.assertIn("nowhere.example: Name or service not known", answer.body)
        self.assertIn("error=dns_error", answer.fields["proxy-status"])

    def test_dns_that_is_silent_holds_up_nobody(self):
        """Neither beyond limits.dial nor those who ask for other names."""
        resolver = self.enterContext(Resolver(silent_example=[None], good_example=[["127.0.0.2"]]))
        self.start_reverse("127.0.0.2/32", threads=1, limits={"dial": "300ms"})
        with contextlib.ExitStack() as stack, concurrent.futures.ThreadPoolExecutor() as pool:
            waiting = [pool.submit(self.refusal, "silent.example") for _ in range(4)]
            for answer in concurrent.futures.as_completed(waiting):
                self.assertEqual(answer.result().status, 504)
                self.assertIn("silent.example: not connected within 300 ms", answer.result().body)
        self.assertIn("silent.example", resolver.asked)
        self.check_reaches_the_good_one("good.example")

    def test_dns_that_is_silent_holds_up_no_end(self):
        """A second SIGTERM ends the program at once, whatever it waits for."""
        resolver = self.enterContext(Resolver(silent_example=[None]))
        self.start_reverse("127.0.0.2/32", limits={"dial": "1h"})
        with connected(self.reverse.port, alice_context(self.pki)) as end:
            end.sendall(self.request("silent.example"))
            wait_until(lambda: resolver.asked, "the resolver is asked")
            for _ in range(2):
                self.reverse.signal(signal.SIGTERM)
                self.reverse.event("draining")
            self.assertEqual(self.reverse.wait(), 0)


if __name__ == "__main__":
    unittest.main()
