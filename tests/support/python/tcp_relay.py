"""A TCP relay that records both directions to the byte, and attacks where it is told to."""

import collections
import select
import socket
import struct
import threading
import traceback

from processes import PATIENCE
from relay_actions import Glue, at_byte
from tls_records import RecordReader

_CHUNK = 65536


class Flow:
    """One direction of a connection."""

    def __init__(self, connection, name, actions):
        self.connection = connection
        self.name = name
        self.received = bytearray()  # all that the sender sent
        self.sent = bytearray()  # all that the receiver was given
        self.end = None  # how the sender ended: "FIN" or "RST"
        self.stalled = False
        self.dribble = 0
        self._actions = list(actions)
        self._reader = RecordReader()
        self._pending = bytearray()  # received, and neither passed on nor dropped
        self._outgoing = bytearray()  # to be given to the receiver
        self._consumed = 0  # bytes of `received` that have left _pending
        self._finishing = False
        self.finished = False  # the receiver has its FIN

    # For actions.

    def take(self, count):
        """Takes the next `count` bytes out of the stream."""
        taken = bytes(self._pending[:count])
        del self._pending[:count]
        self._consumed += len(taken)
        return taken

    def push(self, piece):
        """Gives `piece` to the receiver."""
        if not self._finishing:
            self._outgoing += piece

    def finish(self):
        """Ends the stream behind what has been pushed. Later bytes are swallowed."""
        self._finishing = True

    def arm(self, action):
        """One more action, behind the others."""
        self._actions.append(action)
        self.advance()

    # For the connection's loop.

    @property
    def wants_to_read(self):
        return self.end is None and not self.stalled and not self._outgoing

    @property
    def wants_to_write(self):
        return bool(self._outgoing)

    def read(self, source):
        piece = source.recv(_CHUNK)
        if piece:
            self.received += piece
            self.connection.pieces.append((self.name, piece))
            self._reader.feed(piece)
            self._pending += piece
        else:
            self.end = "FIN"
        self.advance()

    def advance(self):
        """Passes on what may be passed on, and acts where it is time to."""
        while not self.stalled:
            place = self._actions[0].at(self._reader) if self._actions else None
            self._pass_on(place)
            if place is None or self._consumed < place:
                break
            if self._outgoing or not self._actions[0].ready(self._pending):
                break
            self._actions.pop(0).act(self)
        if self.end == "FIN" and not self.stalled and not self._outgoing:
            self.push(self.take(len(self._pending)))
            self.finish()

    def _pass_on(self, place):
        if place is not None:
            until = place
        elif self._actions:  # where the next one acts may depend on a header that is not whole
            until = self._reader.header_in_progress
        else:
            until = len(self.received)
        self.push(self.take(max(0, until - self._consumed)))

    def write(self, sink):
        if self._outgoing:
            count = sink.send(self._outgoing[:1 if self.dribble else len(self._outgoing)])
            self.sent += self._outgoing[:count]
            del self._outgoing[:count]
            if self.dribble:
                self.dribble -= 1
                _wait_until_read(sink)
            if not self._outgoing:
                self.advance()
        done = self._finishing and not self._outgoing and not self.connection.over
        if done and not self.finished:
            self.finished = True
            sink.shutdown(socket.SHUT_WR)


class Connection:
    """A relayed connection: `up` is the flow from the client to the server, `down` the other."""

    def __init__(self, client, server, up, down):
        self.client = client
        self.server = server
        self.pieces = []  # (flow's name, bytes) in the order of their arrival
        self.replaced = None
        self.up = Flow(self, "up", up)
        self.down = Flow(self, "down", down)
        self.over = False
        self._news = threading.Condition()
        self._requests = collections.deque()
        self._wake, self._woken = socket.socketpair()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self):
        self._thread.start()

    # From any thread.

    def wait_until(self, holds):
        """Waits until `holds(connection)`; looks anew after each event."""
        with self._news:
            if not self._news.wait_for(lambda: holds(self), PATIENCE):
                raise AssertionError(
                    f"the relay waits in vain; up {len(self.up.received)} bytes, {self.up.end}; "
                    f"down {len(self.down.received)} bytes, {self.down.end}")

    def release(self):
        """Ends a Stall."""
        self.request(self._release)

    def glue(self, flow, last):
        """Holds what comes on `flow` from now on until `last` is among it; passes it on in one segment."""
        armed = threading.Event()

        def arm():
            flow.arm(Glue(at_byte(len(flow.received)), last))
            armed.set()

        self.request(arm)
        if not armed.wait(PATIENCE):
            raise AssertionError("the relay's connection is over")

    def request(self, function):
        """Has `function()` called in the relay's thread: it may use what actions use."""
        self._requests.append(function)
        self._wake.send(b"!")

    def close(self):
        if self._thread.is_alive():
            self.request(self.reset)
            self._thread.join(PATIENCE)
        for end in (self._wake, self._woken, self.replaced):
            if end:
                end.close()

    # In the relay's thread.

    def reset(self):
        for end in (self.client, self.server):
            reset(end)
        self.over = True

    def replace_server(self, address):
        self.replaced = self.server
        self.server = socket.create_connection(address)
        self.server.setblocking(False)

    def _release(self):
        for flow in (self.up, self.down):
            flow.stalled = False
            flow.advance()

    def _run(self):
        try:
            for flow in (self.up, self.down):
                flow.advance()
            while not self.over:
                self._step()
                with self._news:
                    self._news.notify_all()
        except Exception:  # pylint: disable=broad-except
            traceback.print_exc()
            self.reset()
        for end in (self.client, self.server):
            end.close()
        with self._news:
            self.over = True
            self._news.notify_all()

    def _step(self):
        legs = {self.client.fileno(): (self.client, self.up, self.down),
                self.server.fileno(): (self.server, self.down, self.up)}
        poll = select.poll()
        poll.register(self._woken, select.POLLIN)
        for fd, (_, source, sink) in legs.items():
            if source.end and sink.finished:
                continue
            wanted = (select.POLLIN if source.wants_to_read else 0) | (
                select.POLLOUT if sink.wants_to_write else 0)
            poll.register(fd, wanted)
        for fd, events in poll.poll():
            if fd == self._woken.fileno():
                self._woken.recv(_CHUNK)
                while self._requests:
                    self._requests.popleft()()
            elif not self.over and events != select.POLLOUT:
                self._read(*legs[fd][:2], events)
        if not self.over:
            self._write()

    def _read(self, end, source, events):
        try:
            if source.end is None:
                source.read(end)
            elif events & select.POLLERR:  # behind its FIN
                raise ConnectionResetError
        except (BlockingIOError, InterruptedError):
            pass
        except OSError:  # as it came, so it goes: RST
            source.end = "RST"
            self.reset()

    def _write(self):
        for flow, end, other in ((self.up, self.server, self.down),
                                 (self.down, self.client, self.up)):
            try:
                flow.write(end)
            except (BlockingIOError, InterruptedError):
                pass
            except OSError:
                other.end = "RST"
                self.reset()
            if self.over:
                return
        self.over = self.up.finished and self.down.finished and bool(self.up.end and self.down.end)


class Relay:
    """Relays each connection to `port` on to `upstream`, (host, port). A context manager.

    `up` and `down` are the actions (relay_actions.py) of those directions, of every connection.
    `dial(upstream)` returns a socket, connected.
    """

    def __init__(self, upstream, *, up=(), down=(), dial=socket.create_connection):
        self._upstream = upstream
        self._dial = dial
        self._actions = {"up": up, "down": down}
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._news = threading.Condition()
        self.connections = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(PATIENCE)
        self._listener.close()
        for connection in self.connections:
            connection.close()

    @property
    def port(self):
        return self._listener.getsockname()[1]

    def attack(self, *, up=(), down=()):
        """Other actions, for the connections from now on."""
        self._actions = {"up": up, "down": down}

    def connection(self, index=0):
        """Waits for connection number `index`."""
        with self._news:
            if not self._news.wait_for(lambda: len(self.connections) > index, PATIENCE):
                raise AssertionError(f"no connection number {index} came to the relay")
            return self.connections[index]

    def finished_connection(self, index=0):
        """Waits for the end of connection number `index`."""
        connection = self.connection(index)
        connection.wait_until(lambda connection: connection.over)
        return connection

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._add(client)

    def _add(self, client):
        try:
            server = self._dial(self._upstream)
        except (OSError, AssertionError):
            return reset(client)
        for end in (client, server):
            end.setblocking(False)
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = Connection(client, server, **self._actions)
        connection.start()
        with self._news:
            self.connections.append(connection)
            self._news.notify_all()


def reset(end):
    """Closes a socket by RST."""
    if end.fileno() >= 0:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        end.close()


def _wait_until_read(end):
    """Until the other end's program has read what was sent to it: only the kernel's table tells.

    Bounded: a program that does not read now may wait for the other direction.
    """
    peer, own = _table_entry(end.getpeername()), _table_entry(end.getsockname())
    for _ in range(200):
        with open("/proc/net/tcp", encoding="ascii") as table:
            rows = (line.split() for line in table)
            queue = next((row[4] for row in rows if row[1:3] == [peer, own]), "0:0")
        if int(queue.partition(":")[2], 16) == 0:
            return
        select.select([], [], [], 0.0002)


def _table_entry(address):
    host, port = address[:2]
    return f"{int.from_bytes(socket.inet_aton(host), 'little'):08X}:{port:04X}"
