#!/usr/bin/env python3
"""A keeper has a thread for each core, and each of them signs, confined as it is.

Without this one slow signature, or one eager client, holds up everybody's handshakes.
"""

import os
import pathlib
import tempfile
import threading
import unittest

from keeper import (Keeper, Peer, SIGNATURE, SIGN_CERTIFICATE_VERIFY, certificate_verify, entry, frame,
                    key_id, make_identity)

ED25519 = 0x0807


def cpu_times(pid):
    """Nanoseconds that each thread of the process has had."""
    return {thread.name: int((thread / "schedstat").read_text().split()[0])
            for thread in pathlib.Path(f"/proc/{pid}/task").iterdir()}


class KeeperSignsOnEveryCoreTest(unittest.TestCase):
    def test_under_load(self):
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        identity = make_identity(folder, "id", "ed25519")
        keeper = self.enterContext(Keeper(
            folder, entry("id", identity, "tls-server", signatures_per_second=1_000_000)))
        cores = len(os.sched_getaffinity(0))
        keeper.event("ready", threads=cores)
        question = frame(SIGN_CERTIFICATE_VERIFY, argument=ED25519, name=b"id",
                         key=key_id(folder / "id.crt"), payload=certificate_verify("server"))
        before = cpu_times(keeper.pid)
        self.assertEqual(len(before), cores)
        idle = set(before)
        wrong = []

        def ask():
            with Peer(keeper.socket) as peer:
                while idle and not wrong:
                    reply = peer.ask(question)
                    if reply[0] != SIGNATURE:
                        wrong.append(reply)

        clients = [threading.Thread(target=ask) for _ in range(2 * cores)]
        for client in clients:
            client.start()
        while idle and not wrong:
            now = cpu_times(keeper.pid)
            idle -= {thread for thread in idle if now[thread] - before[thread] > 2_000_000}
        for client in clients:
            client.join()
        self.assertEqual(wrong, [])


if __name__ == "__main__":
    unittest.main()
