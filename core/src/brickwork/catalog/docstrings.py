"""What docstrings say, cut into the parts that the catalog shows."""

import re
from inspect import cleandoc

from brickwork.tasks.docstrings import examples as examples, summary as summary

_SECTION = re.compile(r"^[A-Z][A-Za-z]*:\s*$")
_EXTRA = re.compile(r"\b([A-Za-z0-9][A-Za-z0-9._-]*)\[([A-Za-z0-9][A-Za-z0-9._-]*)\]")


def description(docstring: str | None) -> str:
    """Return what stands between the first paragraph and the first section."""
    _, _, rest = cleandoc(docstring or "").partition("\n\n")
    kept: list[str] = []
    lines = rest.splitlines()
    for number, line in enumerate(lines):
        below = lines[number + 1] if number + 1 < len(lines) else ""
        if _SECTION.match(line) and below.startswith(" "):
            break
        kept.append(line)
    return "\n".join(kept).strip()


def returned(docstring: str | None) -> str:
    """Return what the section ``Returns:`` says, on one line."""
    section = cleandoc(docstring or "").partition("\nReturns:\n")[2]
    lines = []
    for line in section.splitlines():
        if line and not line[0].isspace():
            break
        lines.append(line.strip())
    return " ".join(" ".join(lines).split())


def needed_extra(docstring: str | None, distribution: str) -> str | None:
    """Return the extra that a docstring says is needed: ``Needs ``brickwork[arrow]```."""
    for found in _EXTRA.finditer(docstring or ""):
        before = (docstring or "")[: found.start()].rstrip("`' \n")
        if found[1] == distribution and before.endswith(("Needs", "needs", "needs the extra")):
            return found[2]
    return None
