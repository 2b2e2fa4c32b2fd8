"""What the kernel holds of this machine's TCP connections."""

import socket


def queued(sender, receiver):
    """The bytes on their way between two ends, (host, port), of a connection over IPv4: not sent,
    not acknowledged, or not read. Exact when the connection is at rest."""
    sender, receiver = _entry(sender), _entry(receiver)
    with open("/proc/net/tcp", encoding="ascii") as table:
        queues = {tuple(row[1:3]): row[4].split(":") for row in map(str.split, table)}
    to_send, _ = queues.get((sender, receiver), "00")
    _, to_read = queues.get((receiver, sender), "00")
    return int(to_send, 16) + int(to_read, 16)


def _entry(address):
    host, port = address[:2]
    return f"{int.from_bytes(socket.inet_aton(host), 'little'):08X}:{port:04X}"
