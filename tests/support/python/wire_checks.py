"""Whether what two proxies sent each other is what docs/PROTOCOL.md promises."""

import cover_rule
import tls_records

# Shorter bodies than this (a ChangeCipherSpec has one byte) may be in any stream by chance.
_TELLING = 8


class WireError(AssertionError):
    pass


def check_covered_tunnel(wire, inner, secrets):
    """Compares a tunnel's wire with the inner stream that was recorded outside of the tunnel.

    Both are finished connections of a relay. In each direction: the wire has whole TLS records, to
    the last byte; each of the inner stream's records that the cover rule covers is not in it; the
    rest of the inner stream stands at its end, right behind a close_notify. Nothing of `secrets`,
    bytes, is anywhere. Returns the cover_rule.RawFrom.
    """
    raw_from = cover_rule.raw_from(inner.pieces)
    for direction in ("up", "down"):
        _check_direction(direction, bytes(getattr(wire, direction).received),
                         bytes(getattr(inner, direction).received), getattr(raw_from, direction))
        for secret in secrets:
            if secret in getattr(wire, direction).received:
                raise WireError(f"{direction}: {secret!r} stands on the wire in clear")
    return raw_from


def _check_direction(direction, wire, inner, raw_from):
    tls_records.walk(wire)
    raw = b"" if raw_from is None else inner[raw_from:]
    if not wire.endswith(raw):
        raise WireError(f"{direction}: the inner stream from {raw_from} on is not the wire's end")
    outer = wire[:len(wire) - len(raw)]
    last = tls_records.walk(outer)[-1]
    if raw and last.size != tls_records.CLOSE_NOTIFY_SIZE:
        raise WireError(f"{direction}: a record of {last.size} bytes stands before the raw ones, "
                        "no close_notify")
    covered = inner if raw_from is None else inner[:raw_from]
    for body in _pieces(covered):
        if len(body) >= _TELLING and body in wire:
            raise WireError(f"{direction}: on the wire in clear: {body[:32].hex(' ')} ...")


def _pieces(covered):
    """The bodies of the records or, where they are none, all of it."""
    try:
        return [record.body(covered) for record in tls_records.walk(covered)]
    except tls_records.NotRecords:
        return [covered]
