"""Tests in Python, of the standard library alone."""

load("@rules_shell//shell:sh_test.bzl", "sh_test")

_SUPPORT = "tests/support/python"

def python_test(name, src = None, data = [], deps = [], env = {}, **kwargs):
    """A test in Python, which finds the modules of tests/support/python.

    Args:
      name: of the target.
      src: the program; without it, NAME.py.
      data: programs that it runs.
      deps: further modules, as sh_library.
      env: its environment, as of sh_test.
      **kwargs: as of sh_test.
    """
    sh_test(
        name = name,
        srcs = [src or name + ".py"],
        data = data,
        env = dict(env, PYTHONPATH = _SUPPORT),
        deps = deps + ["//" + _SUPPORT + ":python"],
        **kwargs
    )
