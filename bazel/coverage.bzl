"""The two programs that Bazel's coverage support asks for, without a download."""

_BUILD = """
package(default_visibility = ["//visibility:public"])

sh_binary(
    name = "lcov_merger",
    srcs = ["lcov_merge.py"],
)

sh_binary(
    name = "coverage_report_generator",
    srcs = ["lcov_merge.py"],
)
"""

def _coverage_tools_impl(ctx):
    ctx.file("WORKSPACE", "workspace(name = \"remote_coverage_tools\")\n")
    ctx.file("BUILD.bazel", _BUILD)
    ctx.symlink(ctx.attr._merger, "lcov_merge.py")

coverage_tools = repository_rule(
    implementation = _coverage_tools_impl,
    attrs = {"_merger": attr.label(default = Label("//bazel:lcov_merge.py"))},
    doc = """Stands in for the @remote_coverage_tools that Bazel would download.

Every test in Bazel 4 depends on its two labels, coverage or not.""",
)
