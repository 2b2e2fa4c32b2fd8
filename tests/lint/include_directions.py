"""Who may include whom: docs/ARCHITECTURE.md's rooms, as a table, and the check that it is kept."""

import dataclasses
import pathlib
import re

from tree import files


@dataclasses.dataclass(frozen=True)
class Room:
    """A file belongs to the room with the longest `path` that it lies below.

    `rooms`: paths that it may include headers below, beside its own.
    `libraries`: names of LIBRARIES that it may include headers of.
    """

    path: str
    rooms: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()


# Prefixes of what stands between < and >. What is in no row here, such as <vector>, is free.
LIBRARIES = {
    "asio": ("asio.hpp", "asio/"),
    "beast": ("boost/",),
    "benchmark": ("benchmark/",),
    "botan": ("botan/",),
    "cli11": ("CLI/",),
    "gnutls": ("gnutls/",),
    "gtest": ("gtest/", "gmock/"),
    "json": ("nlohmann/",),
    "openssl": ("openssl/",),
    "p11-kit": ("p11-kit/",),
    "seccomp": ("seccomp.h",),
    "sockets": ("netdb.h", "netinet/", "poll.h", "sys/epoll.h", "sys/socket.h", "sys/un.h"),
    "spdlog": ("spdlog/",),
    "toml++": ("toml++/",),
}

EVERYTHING = ("",)
_BACKEND_INTERFACE = (
    "bio/status.h",
    "bio/backend/tls_alert.h",
    "bio/backend/tls_backend.h",
    "bio/backend/tls_config.h",
)
_SESSION = (*_BACKEND_INTERFACE, "bio/record", "bio/session")
# What knows nothing of sessions.
_SOCKET = ("bio/socket/deadline.h", "bio/socket/tcp.h", "bio/socket/unique_fd.h")
# What both proxies share.
_SHARED = (
    "program",
    "proxies/config",
    "proxies/daemon",
    "proxies/identity",
    "proxies/keeper",
    "proxies/log",
    "proxies/net",
    "proxies/tunnel",
)

ROOMS = (
    Room("bio/status.h"),
    Room("bio/record"),
    Room("bio/session", rooms=_SESSION),
    Room("bio/backend", rooms=_BACKEND_INTERFACE),
    Room("bio/backend/openssl", rooms=_BACKEND_INTERFACE, libraries=("openssl",)),
    Room("bio/backend/botan", rooms=_BACKEND_INTERFACE, libraries=("botan",)),
    Room("bio/backend/by_name", rooms=(*_BACKEND_INTERFACE, "bio/backend/openssl", "bio/backend/botan"),
         libraries=("botan",)),
    Room("bio/openssl_bio", rooms=(*_SESSION, "bio/backend/openssl"), libraries=("openssl",)),
    Room("bio/socket", rooms=_SESSION, libraries=("sockets",)),
    Room("bio/loopback", rooms=("bio/status.h", "bio/record", *_SOCKET), libraries=("sockets",)),
    Room("program", rooms=("bio/status.h", "bio/socket/unique_fd.h"), libraries=("seccomp", "sockets", "toml++")),
    Room("program/crypto", rooms=("bio/status.h",), libraries=("openssl",)),
    Room("provider",
         rooms=("bio/status.h", "bio/socket/unique_fd.h", "program/crypto/crypto_types.h", "provider/keeper"),
         libraries=("openssl",)),
    Room("provider/keeper", rooms=("bio/status.h", "bio/socket/unique_fd.h", "program"),
         libraries=("cli11", "openssl", "seccomp", "sockets")),
    Room("provider/keeper/issuing",
         rooms=("bio/status.h", "bio/socket/unique_fd.h", "program", "provider/keeper/frame.h", "provider/keeper/identity.h",
                "provider/keeper/log.h", "provider/keeper/utc_time.h"),
         libraries=("openssl",)),
    Room("provider/keeper/pkcs11", rooms=("bio/status.h", "program", "provider/keeper/identity.h"),
         libraries=("openssl", "p11-kit")),
    Room("proxies/log", rooms=("bio", "program"), libraries=("json", "spdlog")),
    Room("proxies/net", rooms=("bio",), libraries=("asio", "sockets")),
    Room("proxies/tunnel", rooms=("bio", "proxies/log", "proxies/net"),
         libraries=("asio", "beast", "openssl", "sockets")),
    Room("proxies/config", rooms=("bio", "program", "proxies/log", "proxies/tunnel")),
    Room("proxies/identity", rooms=("bio", "program", "provider/keeper", "proxies/config"),
         libraries=("openssl",)),
    Room("proxies/keeper", rooms=("bio", "program", "provider/keeper"), libraries=("sockets",)),
    Room("proxies/daemon",
         rooms=("bio", "program", "proxies/config", "proxies/keeper", "proxies/log", "proxies/net", "proxies/tunnel"),
         libraries=("asio", "seccomp", "sockets")),
    *(
        Room(f"proxies/{side}", rooms=("bio", *_SHARED), libraries=("asio", "cli11", "openssl"))
        for side in ("client", "reverse")
    ),
    Room("examples", rooms=("bio",), libraries=("cli11", "openssl", "sockets")),
    Room("tests", rooms=EVERYTHING, libraries=tuple(LIBRARIES)),
)

_INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.MULTILINE)


def check(root: pathlib.Path) -> list[str]:
    """Returns one line for each include of the tree at `root` that the table does not allow."""
    errors = []
    for path in files(root, "*.h", "*.cc", "*.c"):
        room = _room(str(path))
        if room is None:
            errors.append(f"{path}: no row of ROOMS in tests/lint/include_directions.py is for it")
            continue
        for bracket, target in _INCLUDE.findall((root / path).read_text()):
            refused = _library(room, target) if bracket == "<" else _header(root, room, target)
            if refused:
                errors.append(f"{path}: {refused}")
    return errors


def _below(name: str, folder: str) -> bool:
    return folder == "" or name == folder or name.startswith(folder + "/")


def _room(name: str) -> Room | None:
    return max(
        (room for room in ROOMS if _below(name, room.path)),
        key=lambda room: len(room.path),
        default=None,
    )


def _header(root: pathlib.Path, room: Room, target: str) -> str | None:
    if not (root / target).is_file():
        return f'"{target}" is no path from the top of the workspace'
    if any(_below(target, allowed) for allowed in (room.path, *room.rooms)):
        return None
    return f'{room.path} may not include "{target}"'


def _library(room: Room, target: str) -> str | None:
    for name, prefixes in LIBRARIES.items():
        if target.startswith(prefixes) and name not in room.libraries:
            return f"{room.path} may not include <{target}> ({name})"
    return None
