"""Tests in Python, of the standard library alone."""

load("@rules_shell//shell:sh_test.bzl", "sh_test")

_SUPPORT = "tests/support/python"

def python_test(name, data = [], deps = [], **kwargs):
    """A test whose program is NAME.py and which finds the modules of tests/support/python.

    Args:
      name: without .py.
      data: programs that it runs.
      deps: further modules, as sh_library.
      **kwargs: as of sh_test.
    """
    sh_test(
        name = name,
        srcs = [name + ".py"],
        data = data,
        env = {"PYTHONPATH": _SUPPORT},
        deps = deps + ["//" + _SUPPORT + ":python"],
        **kwargs
    )
