"""A TCP relay that keeps every byte: what an onlooker between two parties sees."""

import contextlib
import socket
import threading

CHUNK = 65536


def to_tcp(port):
    return socket.create_connection(("127.0.0.1", port))


def to_unix(path):
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(str(path))
    return connection


class Recording:
    """One connection: the bytes of each direction, whole and in order."""

    def __init__(self):
        self.up = bytearray()  # from the party that connected
        self.down = bytearray()
        self.pumps = []


class Recorder:
    """Relays connections from its `port` on 127.0.0.1 to where `connect` leads."""

    def __init__(self, connect):
        self._connect = connect
        self.recordings = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self):
        with contextlib.suppress(OSError):  # close() ends it
            while True:
                near, _ = self._listener.accept()
                self._relay(near)

    def _relay(self, near):
        recording = Recording()
        self.recordings.append(recording)
        try:
            far = self._connect()
        except OSError:
            near.close()
            return
        for source, sink, record in ((near, far, recording.up), (far, near, recording.down)):
            pump = threading.Thread(target=_pump, args=(source, sink, record), daemon=True)
            recording.pumps.append(pump)
            pump.start()

    def wait(self, seconds):
        """Waits until every connection has ended both ways."""
        for recording in self.recordings:
            for pump in recording.pumps:
                pump.join(seconds)
                if pump.is_alive():
                    raise SystemExit("a recorded connection did not end")

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()


def _pump(source, sink, record):
    with contextlib.suppress(OSError):  # a reset ends the recording as an end does
        while piece := source.recv(CHUNK):
            record += piece
            sink.sendall(piece)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
