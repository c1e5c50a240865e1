"""Lets the literal blocks of our docstrings (``::``) be Markdown: the site is built from both."""

import re
from typing import Any

import griffe

_LITERAL = re.compile(r"(?<=\w)::$|^::\n", re.MULTILINE)


class LiteralBlocks(griffe.Extension):
    """Replaces the ``::`` before an indented block by what Markdown needs."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrite an object's docstring."""
        if obj.docstring is not None:
            obj.docstring.value = _LITERAL.sub(_colon, obj.docstring.value)


def _colon(found: re.Match[str]) -> str:
    return ":" if found[0] == "::" else ""
