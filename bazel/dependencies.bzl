"""What a WORKSPACE needs to build Detach with Debian's Bazel 4, offline."""

load(":coverage.bzl", "coverage_tools")
load(":debian.bzl", "debian_rules_cc", "native_rules_java", "native_rules_shell")
load(":system_library.bzl", "system_libraries")

_RULES = {
    "remote_coverage_tools": coverage_tools,
    "rules_cc": debian_rules_cc,
    "rules_java": native_rules_java,
    "rules_shell": native_rules_shell,
}

def detach_dependencies():
    """Defines the repositories that Detach uses, but for those that the WORKSPACE has already."""
    defined = native.existing_rules().keys()
    for name, rule in _RULES.items():
        if name not in defined:
            rule(name = name)
    system_libraries(exclude = defined)
