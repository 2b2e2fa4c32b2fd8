"""What the documents quote or point to is there."""

import pathlib
import re

from tree import files

_LINK = re.compile(r"\]\(([^)#:]+)\)")


def check(root: pathlib.Path) -> list[str]:
    """Returns one line for each link that leads nowhere, and one for a README whose code is not the example's."""
    errors = []
    for path in files(root, "*.md"):
        for target in _LINK.findall((root / path).read_text()):
            if not ((root / path).parent / target).exists():
                errors.append(f"{path}: links to {target}, which is not there")
    example = root / "examples" / "upgrade_then_detach.cc"
    readme = root / "README.md"
    if example.exists() and readme.exists():
        main = example.read_text().partition("int main(")
        if "".join(main[1:]) not in readme.read_text():
            errors.append(f"README.md: its code is not the main() of {example.relative_to(root)}")
    return errors
