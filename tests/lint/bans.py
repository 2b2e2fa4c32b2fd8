"""What no text of this repository may hold, as a table, and the check that it is kept."""

import dataclasses
import pathlib
import re

from tree import files


@dataclasses.dataclass(frozen=True)
class Ban:
    pattern: str  # a regular expression, tried on each line
    patterns: tuple[str, ...]  # of the files that it is for
    why: str


_CXX = ("*.h", "*.cc", "*.c")
_TEST_CODE = tuple(f"tests/*.{ending}" for ending in ("cc", "h", "py", "sh"))
_TEXT = (*_CXX, "*.bazel", "*.bzl", "*.md", "*.py", "*.sh", "*.toml", "dev", ".ci/run")

BANS = (
    Ban(r"\busing namespace (?!std::\w*literals)", _CXX, "names come from where they say"),
    Ban(r"\b(sleep_for|sleep_until|usleep|nanosleep|time\.sleep)\b|^\s*sleep\s", _TEST_CODE,
        "a test waits for what it needs, not for time to pass"),
    Ban(r"\b(bind|connect|create_connection|create_server)\(.*, [1-9]\d{3,4}\)", _TEST_CODE,
        "a fixed port may be taken: bind port 0"),
    Ban(r"[?:] co_await\b|\bco_await [\w.:>-]+\(\{", _CXX,
        "g++ 12 destroys such temporaries twice: co_await in a statement of its own, arguments named"),
    Ban(r"\b(TODO|FIXME|XXX)\b", _TEXT, "what is left to do is an issue, not a comment"),
    Ban(r"\bDESIGN\b", _TEXT, "no such file: say it here, or name a file of docs/"),
    Ban(r"[ \t]$", _TEXT, "white space at the end of a line"),
    Ban(r"\r", _TEXT, "carriage return"),
)


def check(root: pathlib.Path) -> list[str]:
    """Returns one line for each banned text in the tree at `root`."""
    errors = []
    for ban in (*BANS, _workplace(root)):
        banned = re.compile(ban.pattern)
        for path in files(root, *ban.patterns):
            if path.parts[:2] == ("tests", "lint"):
                continue  # it names what it bans
            for number, line in enumerate((root / path).read_text().splitlines(), 1):
                if banned.search(line):
                    errors.append(f"{path}:{number}: {ban.why}: {line.strip()}")
    return errors


def _workplace(root: pathlib.Path) -> Ban:
    folder = root.parent if len(root.parts) > 2 and root.parent.parent != pathlib.Path("/") else root
    # Behind a word it is the end of another path.
    return Ban(rf"(?<!\w){re.escape(str(folder))}/", _TEXT, "the path of one machine's copy")
