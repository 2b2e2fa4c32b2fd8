"""What the parties of the demo saw, told and judged."""

import dataclasses

import wire


@dataclasses.dataclass
class Seen:
    url: str
    host: str
    client: str  # the name in client certificate 1
    curl_error: str
    headers: list  # of nginx's answer, as lines
    page: bytes  # as nginx has it
    fetched: bytes  # as curl got it
    tunnels: list  # as the reverse proxy's log has them
    between: list  # recordings of the wire between the proxies
    behind: list  # and of that between the reverse proxy and nginx


class Report:
    """Prints statements; keeps those that are not so."""

    def __init__(self):
        self.failures = []

    def say(self, true, statement, otherwise):
        print(f"  {'yes' if true else 'NO '}  {statement if true else otherwise}")
        if not true:
            self.failures.append(otherwise)


def show(seen):
    """Prints the evidence. Returns what is not as it should be."""
    report = Report()
    print("What each party saw")
    _show_parties(report, seen)
    print("\nWhat an onlooker saw between the proxies")
    if seen.between and seen.behind:
        _show_wire(report, seen)
    else:
        report.say(False, "", "there was no connection between the proxies, or none behind them")
    return report.failures


def _show_parties(report, seen):
    report.say(seen.fetched == seen.page,
               f"curl got {len(seen.fetched):,} bytes from {seen.url}, as nginx has them",
               f"curl did not get {seen.url}: {seen.curl_error or 'other bytes came'}")
    report.say([tunnel["client"] for tunnel in seen.tunnels] == [seen.client],
               f"the reverse proxy was shown client certificate 1: {seen.client} (its log)",
               "the reverse proxy's log does not show client certificate 1")
    subject = [h.partition(": ")[2] for h in seen.headers if h.startswith("Client-Certificate: ")]
    report.say(len(subject) == 1 and "CN=alice at the intranet, issued" in subject[0],
               f"nginx was shown client certificate 2: {''.join(subject)} (its answer)",
               "nginx was not shown client certificate 2")


def _show_wire(report, seen):
    tunnel = max(seen.between, key=lambda recording: len(recording.down))
    destination = max(seen.behind, key=lambda recording: len(recording.down))
    try:
        up = wire.Direction(tunnel.up, destination.up)
        down = wire.Direction(tunnel.down, destination.down)
    except wire.Malformed as malformed:
        report.say(False, "", f"there is something between the proxies that is not TLS: {malformed}")
        return
    _show_table(up, down)
    report.say(True, "every byte belongs to a TLS record; none is malformed", "")
    _judge_records(report, up, down)
    _judge_host_name(report, seen)
    _judge_cover(report, up, down)
    _judge_raw(report, seen, up, down)


def _show_table(up, down):
    print(f"  {'records, bytes':34}{'to the reverse proxy':>26}{'to the client proxy':>26}")
    for title, part in (("outer handshake and CONNECT", "handshake"),
                        ("inner TLS, under cover", "covered"),
                        ("close_notify of the outer TLS", "close_notify"),
                        ("inner TLS, raw", "raw")):
        cells = [f"{len(records):,}, {sum(r.size for r in records):,}"
                 for records in (getattr(up, part), getattr(down, part))]
        print(f"  {title:34}{cells[0]:>26}{cells[1]:>26}")


def _judge_records(report, up, down):
    strange = [r for r in up.after_handshake() + down.after_handshake()
               if (r.type, r.version) != (wire.APPLICATION_DATA, wire.TLS12)]
    report.say(not strange,
               "after the outer hellos all are alike (type 23, version 0x0303): one TLS session",
               f"{len(strange)} records behind the outer hellos show that they are of another TLS")


def _judge_host_name(report, seen):
    name = seen.host.encode()
    visible = any(name in r.up or name in r.down for r in seen.between)
    if not any(name in r.up for r in seen.behind):  # or this search would find nothing at all
        report.say(False, "", f"{seen.host} is not visible behind the reverse proxy either")
        return
    report.say(not visible,
               f"{seen.host} is nowhere in clear (behind the reverse proxy it is)",
               f"{seen.host} stands in clear between the proxies")


def _judge_cover(report, up, down):
    hellos = all(direction.inner_covered and
                 all(r.type != wire.APPLICATION_DATA for r in direction.inner_covered)
                 for direction in (up, down))
    report.say(hellos and up.covered and down.covered,
               "under cover went the inner hellos, and nothing but handshake",
               "the inner hellos did not travel under cover, or not alone")


def _judge_raw(report, seen, up, down):
    detached = up.close_notify and down.close_notify
    report.say(bool(detached),
               "behind each close_notify the records are, byte for byte, curl's and nginx's own",
               "the outer TLS was not left: no record was raw")
    twice = up.covered_size + down.covered_size
    raw = up.raw_size + down.raw_size
    spliced = sum(tunnel["spliced"] for tunnel in seen.tunnels)
    report.say(100 * spliced >= 99 * (twice + raw),
               f"encrypted twice: {twice:,} bytes, the cover; spliced in the kernel: {spliced:,}",
               f"encrypted twice: {twice:,} bytes; spliced in the kernel: only {spliced:,}")
