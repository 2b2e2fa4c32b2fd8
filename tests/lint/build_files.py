"""What every BUILD file keeps to: the warnings of //bazel:copts.bzl, no globs, one file name."""

import ast
import pathlib

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
    return errors


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
