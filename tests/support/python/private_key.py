"""The numbers that make a private key, and the search for them in a process."""

import re

from keeper import openssl


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


def components(key_file):
    """Name → big-endian bytes of whatever gives the key away."""
    text = openssl("pkey", "-in", key_file, "-noout", "-text").decode()
    if "modulus:" in text:
        der = openssl("rsa", "-in", key_file, "-traditional", "-outform", "DER") \
            if "RSA-PSS" not in text else openssl("pkey", "-in", key_file, "-traditional",
                                                  "-outform", "DER")
        names = ("version", "n", "e", "d", "p", "q", "dp", "dq", "qinv")
        numbers = dict(zip(names, _integers(der)))
        return {name: numbers[name] for name in names[3:]}
    private = re.search(r"priv:\n((?: +[0-9a-f:]+\n)+)", text).group(1)
    return {"private": bytes.fromhex(re.sub(r"[\s:]", "", private)).lstrip(b"\0")}


def found_in(pid, wanted):
    """The names in `wanted` whose bytes stand in the memory of a process, in either order."""
    patterns = {name: (value, value[::-1]) for name, value in wanted.items()}
    found, searched = set(), 0
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            begin, end = (int(word, 16) for word in line.split()[0].split("-"))
            if "r" not in line.split()[1] or "[v" in line:  # the kernel's own: [vvar] and the like
                continue
            memory.seek(begin)
            contents = memory.read(end - begin)
            searched += len(contents)
            found |= {name for name, both in patterns.items() if any(b in contents for b in both)}
    assert searched > 1 << 20, "the memory cannot be read"
    return found
