"""Reads the Google style docstrings of tasks."""

import re
from inspect import cleandoc
from itertools import takewhile
from textwrap import dedent

_SECTION = re.compile(r"^(Args|Arguments|Parameters):\s*$")
_ENTRY = re.compile(r"^\*{0,2}(\w+)\s*(?:\([^)]*\))?:\s*(.*)$")


def summary(docstring: str | None) -> str:
    """Return the first paragraph, on one line; empty without a docstring."""
    paragraph = cleandoc(docstring or "").split("\n\n", 1)[0]
    return " ".join(paragraph.split())


def argument_descriptions(docstring: str | None) -> dict[str, str]:
    """Return what the ``Args:`` section says of each parameter, each on one line."""
    lines = iter(cleandoc(docstring or "").splitlines())
    if not any(_SECTION.match(line) for line in lines):
        return {}
    found: dict[str, list[str]] = {}
    name, margin = "", 0
    for line in lines:  # those after the heading
        text = line.strip()
        indent = len(line) - len(line.lstrip())
        if text and not indent:
            break  # the next section
        margin = margin or indent
        entry = _ENTRY.match(text) if indent == margin else None
        if entry:
            name = entry[1]
            found[name] = [entry[2]]
        elif name and text:
            found[name].append(text)
    return {name: " ".join(texts).strip() for name, texts in found.items()}


def examples(docstring: str | None) -> str:
    """Return what stands under ``Examples:``, without its indentation; empty where it lacks."""
    section = cleandoc(docstring or "").partition("\nExamples:\n")[2]
    lines = takewhile(lambda line: not line or line[0].isspace(), section.splitlines())
    return dedent("\n".join(lines)).strip("\n")
