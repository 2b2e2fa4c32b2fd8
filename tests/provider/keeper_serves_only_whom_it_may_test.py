#!/usr/bin/env python3
"""Only whom its configuration names reaches the keeper, and none of them keeps the others out."""

import os
import pathlib
import signal
import socket
import struct
import subprocess
import tempfile
import unittest

from keeper import KEEPER, IDENTITY, LIST_IDENTITY, Keeper, Peer, entry, frame, make_identity
from processes import PATIENCE, Program

OTHER = 65534
AS_OTHER = ["setpriv", f"--reuid={OTHER}", f"--regid={OTHER}", "--clear-groups"]


def why_not():
    """Why this cannot be tested here."""
    if os.geteuid() != 0:
        return "only root can be another user as well"
    tried = subprocess.run([*AS_OTHER, "true"], capture_output=True, text=True, check=False)
    return tried.stderr.strip()  # a sandbox may have no other user


def tcp_pair():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        near = socket.create_connection(listener.getsockname())
        return near, listener.accept()[0]


def as_other(path, request):
    """Sends the frame as the other user. Returns how many bytes come back."""
    program = ("import socket, sys; s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET);"
               "s.connect(sys.argv[1]); s.send(bytes.fromhex(sys.argv[2])); print(len(s.recv(4096)))")
    ran = subprocess.run([*AS_OTHER, "python3", "-c", program, str(path), request.hex()],
                         capture_output=True, text=True, check=False)
    return ran.stdout.strip() or ran.stderr.strip().rpartition("\n")[2]


class KeeperServesOnlyWhomItMayTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.entry = entry("id", make_identity(self.folder, "id", "ed25519"), "tls-server")

    def start(self, **options):
        return self.enterContext(Keeper(self.folder, self.entry, **options))

    def assert_serves(self, keeper):
        with Peer(keeper.socket) as peer:
            self.assertEqual(peer.ask(frame(LIST_IDENTITY))[0], IDENTITY)

    def test_nobody_where_strangers_could_enter_or_write_the_folder(self):
        for mode in (0o701, 0o770, 0o777):
            keeper = self.start(mode=mode, wait=False)
            self.assertEqual(keeper.wait(), 2)
            self.assertIn("chmod 0700", keeper.lines[-1])

    def test_nobody_who_sends_it_descriptors(self):
        """Linux refuses to send them from 6.16 on."""
        keeper = self.start()
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as peer:
            peer.settimeout(PATIENCE)
            peer.connect(str(keeper.socket))
            try:
                socket.send_fds(peer, [frame(LIST_IDENTITY)], [peer.fileno()])
            except PermissionError:
                pass
            else:
                with self.assertRaises(ConnectionResetError):  # what it had sent lay unread
                    peer.recv(4096)
        self.assert_serves(keeper)

    def test_one_keeper_at_a_time(self):
        first = self.start()
        second = self.start(wait=False)
        self.assertEqual(second.wait(), 2)
        self.assertIn("another process listens there", second.lines[-1])
        self.assert_serves(first)

    def test_the_socket_of_a_killed_keeper_is_no_hindrance(self):
        self.start().kill()
        self.assert_serves(self.start())

    def test_a_file_in_its_place_stays(self):
        (self.folder / "socket").write_text("precious")
        keeper = self.start(wait=False)
        self.assertEqual(keeper.wait(), 2)
        self.assertEqual((self.folder / "socket").read_text(), "precious")

    def test_systemd_knows_when_it_listens(self):
        """sd_notify(3): what asks the keeper at its start is started behind it."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
            systemd.bind(str(self.folder / "notify"))
            systemd.setblocking(False)
            environment = {**os.environ, "NOTIFY_SOCKET": str(self.folder / "notify")}
            self.assert_serves(self.start(env=environment))
            self.assertEqual(systemd.recv(64), b"READY=1")

    def test_without_a_folder_for_its_socket_it_says_what_to_do(self):
        (self.folder / "keeper.toml").write_text(f"socket = '/nowhere/socket'\n{self.entry}")
        ended = subprocess.run([KEEPER, "--config", self.folder / "keeper.toml"],
                               capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.assertEqual(ended.returncode, 2)
        self.assertIn(":1:10: /nowhere: No such file or directory; make", ended.stderr)
        self.assertIn("mkdir -m 0700", ended.stderr)

    def test_sigterm_ends_it(self):
        keeper = self.start()
        keeper.signal(signal.SIGTERM)
        self.assertEqual(keeper.wait(), 0)
        self.assertIn("event=ended", keeper.lines[-1])

    def test_sighup_does_not(self):
        """Its files are read at the start only."""
        keeper = self.start()
        keeper.signal(signal.SIGHUP)
        self.assert_serves(keeper)
        keeper.signal(signal.SIGTERM)
        self.assertEqual(keeper.wait(), 0)

    def test_silent_peers_keep_nobody_out(self):
        keeper = self.start()
        silent = [self.enterContext(Peer(keeper.socket)) for _ in range(300)]
        self.assertEqual(len(silent), 300)
        self.assert_serves(keeper)
        keeper.event("peer_dropped", reason='"its place was needed"')

    def test_also_where_nobody_reads_its_log(self):
        keeper = self.start()
        reader, writer = os.pipe()
        config = self.folder / "keeper.toml"
        keeper.kill()
        deaf = subprocess.Popen([KEEPER, "--config", config], stderr=writer)
        self.addCleanup(deaf.wait)
        self.addCleanup(deaf.kill)
        os.close(writer)
        with open(reader, encoding="utf-8") as log:
            self.assertIn("event=ready", log.readline())
        with Peer(self.folder / "socket") as peer:
            peer.ask_bytes(b"what the keeper complains of")
        self.assert_serves(keeper)

    def hinder(self, channel):
        """Has a keeper close TCP connections that wait for an hour then, as many as it has threads.

        Before it runs: whoever closes them last waits, and that must not be this test.
        """
        for _ in range(2 * os.cpu_count()):
            lingers, deaf = tcp_pair()
            self.addCleanup(deaf.close)
            lingers.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 3600))
            lingers.setblocking(False)
            with self.assertRaises(BlockingIOError):
                while True:
                    lingers.send(bytes(1 << 20))
            rude, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            socket.send_fds(rude, [frame(LIST_IDENTITY)], [lingers.fileno()])
            lingers.close()
            socket.send_fds(channel, [b"x"], [theirs.fileno()])
            theirs.close()
            self.addCleanup(rude.close)

    def test_its_parent_through_an_inherited_channel(self):
        parent, child = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.hinder(parent)
        config = self.folder / "keeper.toml"
        config.write_text(self.entry)
        config.chmod(0o600)
        keeper = self.enterContext(Program(
            [KEEPER, "--config", config, "--inherited-fd", child.fileno()],
            pass_fds=[child.fileno()]))
        child.close()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.settimeout(PATIENCE)
        socket.send_fds(parent, [b"x"], [theirs.fileno()])
        theirs.close()
        ours.send(frame(LIST_IDENTITY))
        self.assertEqual(ours.recv(4096)[1], IDENTITY)
        ours.send(frame(LIST_IDENTITY))
        self.assertEqual(ours.recv(4096)[1], IDENTITY)
        parent.send(b"x")  # no connection: the keeper says so, and lives
        keeper.find(lambda line: line if "event=connection_refused" in line else None)
        parent.close()
        ours.close()
        self.assertEqual(keeper.wait(), 0)  # with those whom it served

    @unittest.skipIf(why_not(), f"not as another user: {why_not()}")
    def test_another_user_only_where_it_is_named(self):
        self.folder.parent.chmod(0o755)
        request = frame(LIST_IDENTITY)
        with Keeper(self.folder, self.entry) as keeper:
            self.folder.chmod(0o755)  # the folder is not all that stands before it
            self.assertIn(as_other(keeper.socket, request), ("0", "ConnectionResetError: [Errno 104] "
                                                             "Connection reset by peer",
                                                             "BrokenPipeError: [Errno 32] Broken pipe"))
            keeper.event("peer_dropped", uid=OTHER, reason='"this user is not in allow_users"')
        with Keeper(self.folder, self.entry, allow_users=["nobody"]) as keeper:
            self.folder.chmod(0o755)
            self.assertEqual(as_other(keeper.socket, request), str(len(request)))

    @unittest.skipIf(why_not(), f"not as another user: {why_not()}")
    def test_its_memory_is_hidden_from_its_own_user(self):
        """Also where that user could trace it, were it any other process."""
        for path in (self.folder, *self.folder.iterdir()):
            os.chown(path, OTHER, OTHER)
        keeper = self.start(as_user=AS_OTHER, wait=False)
        keeper.event("ready")
        sleeper = self.enterContext(Program([*AS_OTHER, "sh", "-c", "echo there; exec cat"],
                                            stdin=subprocess.PIPE))
        sleeper.find(lambda line: True if line == "there" else None)
        for process, readable in ((keeper, False), (sleeper, True)):
            ran = subprocess.run([*AS_OTHER, "head", "-c", "1", f"/proc/{process.pid}/environ"],
                                 capture_output=True, check=False)
            self.assertEqual(ran.returncode == 0, readable, ran.stderr)


if __name__ == "__main__":
    unittest.main()
