"""The numbers that make a private key, and the search for them in a process and its core file."""

import hashlib
import re
import subprocess

from keeper import openssl
from processes import PATIENCE


def _integers(der):
    """The INTEGERs of a DER SEQUENCE of nothing else."""
    at, found = 0, []

    def header():
        nonlocal at
        size = der[at + 1]
        at += 2
        if size & 0x80:
            count = size & 0x7F
            size = int.from_bytes(der[at:at + count], "big")
            at += count
        return size

    header()
    while at < len(der):
        size = header()
        found.append(der[at:at + size].lstrip(b"\0"))
        at += size
    return found


def _rsa(key_file, text):
    form = ["pkey"] if "RSA-PSS" in text else ["rsa"]
    der = openssl(*form, "-in", key_file, "-traditional", "-outform", "DER")
    names = ("version", "n", "e", "d", "p", "q", "dp", "dq", "qinv")
    numbers = dict(zip(names, _integers(der)))
    return {name: numbers[name] for name in names[3:]}


def _expanded(seed):
    """What RFC 8032 §5.1.5 makes of the seed of Ed25519; the scalar before it is pruned and after."""
    digest = hashlib.sha512(seed).digest()
    scalar = bytearray(digest[:32])
    scalar[0] &= 0xF8
    scalar[31] = scalar[31] & 0x7F | 0x40
    return {"hash": digest[:32], "scalar": bytes(scalar), "prefix": digest[32:]}


# What libcrypto works out from a seed anew for each signature, and does not keep.
WORKED_OUT = {"hash", "scalar", "prefix"}


def components(key_file):
    """Name → big-endian bytes of whatever gives the key away."""
    text = openssl("pkey", "-in", key_file, "-noout", "-text").decode()
    if "modulus:" in text:
        return _rsa(key_file, text)
    private = re.search(r"priv:\n((?: +[0-9a-f:]+\n)+)", text).group(1)
    number = bytes.fromhex(re.sub(r"[\s:]", "", private))
    if "ED25519" in text:
        return {"seed": number, **_expanded(number)}
    return {"private": number.lstrip(b"\0")}


def written(number):
    """The ways in which libraries write a number: the most significant byte first (DER), the least
    (arrays of words of any size, from the least word on: libcrypto, Botan), or the most significant
    word first, of 4 or 8 bytes, each of them as this machine has it."""
    def swapped(size):
        padded = number.rjust(-(-len(number) // size) * size, b"\0")
        words = [padded[i:i + size][::-1] for i in range(0, len(padded), size)]
        return b"".join(words[len(padded) > len(number):])  # the first may be cut short

    return {number, number[::-1], swapped(4), swapped(8)}


def _names_in(contents, wanted):
    return {name for name, number in wanted.items()
            if any(form in contents for form in written(number))}


def found_in(pid, wanted):
    """The names in `wanted` whose bytes stand in the memory of a process, in whatever order."""
    found, searched = set(), 0
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            begin, end = (int(word, 16) for word in line.split()[0].split("-"))
            if "r" not in line.split()[1] or "[v" in line:  # the kernel's own: [vvar] and the like
                continue
            memory.seek(begin)
            contents = memory.read(end - begin)
            assert len(contents) == end - begin, f"not all can be read of {line}"
            searched += len(contents)
            found |= _names_in(contents, wanted)
    assert searched > 1 << 20, "the memory cannot be read"
    return found


def _written_memory(pid):
    """How many bytes of a process are its own: mapped, and writable."""
    with open(f"/proc/{pid}/maps") as maps:
        spans = [line.split()[0].split("-") for line in maps if "rw" in line.split()[1]]
    return sum(int(end, 16) - int(begin, 16) for begin, end in spans)


def found_in_core(pid, wanted, folder):
    """The same in a core file of a process, with the memory that asks not to be in one. By gdb, for
    where the kernel puts one, and whether, is the machine's affair."""
    core = folder / f"core.{pid}"
    subprocess.run(["gdb", "-nx", "-batch", "-p", str(pid), "-ex", "set use-coredump-filter off",
                    "-ex", "set dump-excluded-mappings on", "-ex", f"generate-core-file {core}"],
                   check=True, capture_output=True, timeout=PATIENCE,
                   stdin=subprocess.DEVNULL, env={"DEBUGINFOD_URLS": "", "PATH": "/usr/bin:/bin"})
    contents = core.read_bytes()
    core.unlink()
    assert len(contents) > _written_memory(pid), "memory is missing in the core file"
    return _names_in(contents, wanted)
