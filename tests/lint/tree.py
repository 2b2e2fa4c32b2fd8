"""The files of the repository, for the checks beside this file."""

import fnmatch
import pathlib
from collections.abc import Iterator


def files(root: pathlib.Path, *patterns: str) -> Iterator[pathlib.Path]:
    """Yields the paths below `root` that match one of `patterns`, where * matches / too."""
    for path in sorted(path.relative_to(root) for path in _own(root)):
        if any(fnmatch.fnmatchcase(str(path), pattern) for pattern in patterns):
            yield path


def _own(folder: pathlib.Path) -> Iterator[pathlib.Path]:
    for path in folder.iterdir():
        if path.name.startswith("bazel-") or path.name in (".git", "__pycache__", "user.bazelrc"):
            continue
        if path.is_dir() and not path.is_symlink():
            yield from _own(path)
        elif path.is_file():
            yield path
