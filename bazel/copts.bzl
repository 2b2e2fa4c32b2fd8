"""The warnings that every C++ target of this repository is held to."""

DETACH_COPTS = [
    "-Wall",
    "-Wextra",
    "-Wshadow",
    "-Wconversion",
    "-Wno-sign-conversion",
    "-Wno-missing-field-initializers",
    "-Werror",
]
