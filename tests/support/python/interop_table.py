"""The tables of docs/INTEROP.md: a test hands over what it saw, and fails where the document says otherwise.

To add one:
 1. Choose a name, and put this where the table shall stand in docs/INTEROP.md, with a heading and some prose above it:
        <!-- table: NAME -->
        <!-- end -->
 2. In BUILD.bazel: python_test(..., tags = ["interop"], deps = ["//tests/support/python:interop_table"]).
 3. In the test, once, when everything has been tried:
        interop_table.check("NAME", "curl 7.88.1, lftp 4.9.2", ("client", "TLS"),
                            {("curl", "1.2"): "exact", ("lftp", "1.3"): "no: why not, in a few words"})
    A verdict is what the test saw, never what it hopes for; it begins with "exact" or "no: ". The same on every run.
 4. `./dev interop //your:test` runs it and writes its column of the Debian release that it runs on;
    `./dev interop debian13 //your:test` does so in Debian 13. Without a target: all tests with this tag.
A table belongs to one test, which hands over all of its rows. Versions are written down and not compared.
"""

import dataclasses
import json
import os
import pathlib
import re

DOCUMENT = "docs/INTEROP.md"

# What `./dev interop` sets: the document is about to be written, so there is nothing to compare with.
_WRITING = "INTEROP_WRITING"
# What a line begins with by which a test hands a table to tests/interop/write_document.py.
_HANDED_OVER = "interop_table: "

_BLOCK = re.compile(r"(<!-- table: (\S+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)
_VERSIONS = re.compile(r"- (.+?): (.+); \d+ of \d+ exact")
_NOT_TRIED = "–"


@dataclasses.dataclass
class Column:
    """What was seen on one Debian release."""

    versions: str
    verdicts: dict  # a tuple of the key columns' words -> verdict

    @property
    def exact(self):
        return sum(verdict.startswith("exact") for verdict in self.verdicts.values())


@dataclasses.dataclass
class Table:
    keys: tuple  # names of the key columns
    columns: dict  # release -> Column

    @staticmethod
    def parse(text):
        versions = dict(match.groups() for match in map(_VERSIONS.fullmatch, text.splitlines()) if match)
        rows = [[word.strip() for word in line.strip("|").split("|")]
                for line in text.splitlines() if line.startswith("|")]
        if not rows:
            return Table((), {})
        head, rows = rows[0], rows[2:]
        width = len(head) - len(versions)
        return Table(tuple(head[:width]), {
            release: Column(versions[release], {
                tuple(row[:width]): row[place] for row in rows if row[place] != _NOT_TRIED})
            for place, release in enumerate(head[width:], width)})

    def render(self):
        lines = [f"- {release}: {column.versions}; {column.exact} of {len(column.verdicts)} exact"
                 for release, column in self.columns.items()]
        lines += ["", _row([*self.keys, *self.columns]), "|---" * (len(self.keys) + len(self.columns)) + "|"]
        rows = dict.fromkeys(key for column in self.columns.values() for key in column.verdicts)
        lines += [_row([*key, *(column.verdicts.get(key, _NOT_TRIED) for column in self.columns.values())])
                  for key in rows]
        return "\n".join(lines) + "\n"


def check(name, versions, keys, verdicts):
    """Fails unless table `name` has exactly these rows for this Debian release. See the top of this file."""
    print(_HANDED_OVER + json.dumps([name, _release(), versions, keys, list(verdicts.items())]), flush=True)
    if os.environ.get(_WRITING):
        return
    table = tables(pathlib.Path(DOCUMENT).read_text(encoding="utf-8")).get(name)
    column = table and table.columns.get(_release())
    documented = column.verdicts if column else {}
    differences = [f"  {' | '.join(key)}: seen: {verdicts.get(key)}; documented: {documented.get(key)}"
                   for key in {**documented, **verdicts} if documented.get(key) != verdicts.get(key)]
    if differences:
        raise AssertionError("\n".join(
            [f"{DOCUMENT}, table {name}, {_release()} (./dev interop writes what is seen):", *differences]))


def handed_over(log):
    """The tables that a test handed over, from its log: (name, release, keys, Column) of each."""
    for line in log.splitlines():
        if line.startswith(_HANDED_OVER):
            name, release, versions, keys, rows = json.loads(line.removeprefix(_HANDED_OVER))
            yield name, release, tuple(keys), Column(versions, {tuple(key): verdict for key, verdict in rows})


def tables(document):
    """The tables of the document's text, by their names."""
    return {name: Table.parse(body) for _, name, body, _ in _BLOCK.findall(document)}


def with_tables(document, new):
    """The document's text with those of its tables replaced that `new` has."""
    return _BLOCK.sub(
        lambda block: block[1] + (new[block[2]].render() if block[2] in new else block[3]) + block[4], document)


def _row(words):
    return f"| {' | '.join(words)} |"


def _release():
    with open("/etc/os-release", encoding="utf-8") as text:
        fields = dict(line.rstrip("\n").split("=", 1) for line in text if "=" in line)
    return f"{fields['ID'].strip(chr(34)).capitalize()} {fields['VERSION_ID'].strip(chr(34))}"
