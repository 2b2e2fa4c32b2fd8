"""Fuzz targets that are also tests of their corpus."""

load("@rules_cc//cc:defs.bzl", "cc_binary", "cc_test")
load("//bazel:copts.bzl", "DETACH_COPTS")

def cc_fuzz_test(name, srcs, deps = []):
    """A test that replays corpus/NAME and, with --config=fuzz, the libFuzzer binary NAME_fuzzer."""
    native.filegroup(
        name = name + "_corpus",
        srcs = native.glob(["corpus/%s/*" % name]),
    )
    cc_test(
        name = name,
        size = "small",
        srcs = srcs,
        args = ["$(locations :%s_corpus)" % name],
        copts = DETACH_COPTS,
        data = [":%s_corpus" % name],
        deps = deps + [
            ":fuzz_require",
            ":replay_main",
        ],
    )
    cc_binary(
        name = name + "_fuzzer",
        testonly = True,
        srcs = srcs,
        copts = DETACH_COPTS,
        linkopts = ["-fsanitize=fuzzer"],
        tags = ["manual"],
        deps = deps + [":fuzz_require"],
    )
