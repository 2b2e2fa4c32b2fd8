"""What every BUILD file keeps to: the warnings of //bazel:copts.bzl, no globs, one file name; and each
test in one of them."""

import ast
import pathlib
import re

from tree import files

_CC_RULES = ("cc_binary", "cc_library", "cc_test")


def check(root: pathlib.Path) -> list[str]:
    """Returns one line for each offence in the tree at `root`."""
    errors = [f"{path}: name it BUILD.bazel" for path in files(root, "BUILD", "*/BUILD")]
    for path in files(root, "*BUILD.bazel", "*.bzl"):
        # A BUILD file is Python as far as its syntax goes.
        for node in ast.walk(ast.parse((root / path).read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                errors += [f"{path}:{node.lineno}: {offence}" for offence in _offences(node)]
    return errors + _forgotten(root)


def _forgotten(root: pathlib.Path) -> list[str]:
    """Nobody would notice that a test is not run any more."""
    errors = [
        f"{path}: no target of {path.parent}/BUILD.bazel runs this test"
        for path in files(root, "tests/*_test.cc", "tests/*_test.py", "tests/*_test.sh")
        if not _words(root / path.parent) & {path.name, path.stem}
    ]
    for path in files(root, "tests/seeded_bugs/*.patch"):
        red = re.search(r"^Red: //([^:\n]*):(\S+)$", (root / path).read_text(), re.MULTILINE)
        # Some names have an ending that says which variant it is.
        if not red or not any(word and red[2].startswith(word.removesuffix("_test"))
                              for word in _words(root / red[1])):
            errors.append(f"{path}: there is no such test to turn red")
    return errors


def _words(folder: pathlib.Path) -> set[str]:
    """The strings in the BUILD file of `folder`."""
    path = folder / "BUILD.bazel"
    tree = ast.parse(path.read_text() if path.exists() else "")
    constants = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    return {value for value in constants if isinstance(value, str)}


def _offences(call: ast.Call) -> list[str]:
    rule = call.func.id
    attributes = {keyword.arg: keyword.value for keyword in call.keywords}
    offences = []
    if rule in _CC_RULES and not _names(attributes.get("copts"), "DETACH_COPTS"):
        offences.append(f"{rule} without copts = DETACH_COPTS")
    if rule in _CC_RULES and any(_calls(value, "glob") for value in attributes.values()):
        offences.append(f"{rule} with a glob: list the files")
    return offences


def _names(value: ast.expr | None, name: str) -> bool:
    return value is not None and any(
        isinstance(node, ast.Name) and node.id == name for node in ast.walk(value)
    )


def _calls(value: ast.expr, function: str) -> bool:
    return any(
        isinstance(node, ast.Call) and _names(node.func, function) for node in ast.walk(value)
    )
