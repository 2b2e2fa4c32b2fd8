"""What an attacker on the path can do to one direction of a relayed connection, and where.

A place is a function: given the RecordReader of the direction it returns the offset to act at, or
None while that cannot be known. An action happens once, before the byte at its place is passed on;
the actions of a direction happen in the order in which they are listed.
"""

import dataclasses
from collections.abc import Callable


def at_byte(offset):
    return lambda reader: offset


def at_record(index, plus=0):
    """`plus` bytes behind the beginning of record number `index`, counted from 0."""

    def place(reader):
        records = reader.records
        if index < len(records):
            return records[index].start + plus
        known = index == 0 or index == len(records)
        return (records[-1].end if records else 0) + plus if known else None

    return place


def at_first_record(fits, plus=0):
    """At the first record for which `fits(record)` holds."""

    def place(reader):
        return next((record.start + plus for record in reader.records if fits(record)), None)

    return place


@dataclasses.dataclass
class Action:
    at: Callable

    # How many bytes from the place on have to be there before `act` is called.
    needs = 0

    def ready(self, pending):
        """Whether `pending`, what has come from the place on, is enough."""
        return len(pending) >= self.needs

    def act(self, flow):
        raise NotImplementedError


class Fin(Action):
    """The receiver gets a FIN; what the sender still sends is swallowed."""

    def act(self, flow):
        flow.finish()


class Rst(Action):
    """Both ends get an RST."""

    def act(self, flow):
        flow.connection.reset()


class Stall(Action):
    """Nothing more is read from the sender, until Connection.release()."""

    def act(self, flow):
        flow.stalled = True


@dataclasses.dataclass
class Inject(Action):
    injected: bytes

    def act(self, flow):
        flow.push(self.injected)


@dataclasses.dataclass
class Glue(Action):
    """Holds what comes until `last` is among it, and passes it on in one segment."""

    last: bytes

    def ready(self, pending):
        return self.last in pending

    def act(self, flow):
        flow.push(flow.take(len(flow.received)))


@dataclasses.dataclass
class Drop(Action):
    count: int = 1

    @property
    def needs(self):
        return self.count

    def act(self, flow):
        flow.take(self.count)


@dataclasses.dataclass
class Duplicate(Action):
    count: int = 1

    @property
    def needs(self):
        return self.count

    def act(self, flow):
        flow.push(flow.take(self.count) * 2)


@dataclasses.dataclass
class Flip(Action):
    """Flips the bits of `mask` in one byte."""

    mask: int = 1
    needs = 1

    def act(self, flow):
        flow.push(bytes([flow.take(1)[0] ^ self.mask]))


@dataclasses.dataclass
class Dribble(Action):
    """From here on, for `count` bytes, one byte at a time: the next when the last has been read."""

    count: int = 1 << 62

    def act(self, flow):
        flow.dribble = self.count


@dataclasses.dataclass
class ReplaceServer(Action):
    """Puts another server in the server's place; Connection.replaced is the old one's socket."""

    address: tuple

    def act(self, flow):
        flow.connection.replace_server(self.address)


@dataclasses.dataclass
class TakeOver(Action):
    """As ReplaceServer, for the direction from the server: what the old one still says is lost."""

    address: tuple

    def act(self, flow):
        flow.take(len(flow.received))
        flow.connection.replace_server(self.address)
