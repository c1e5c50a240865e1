"""References in texts: ``${scheme:path#field}``, alone or among other text; ``$${`` is a ``${``."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from brickwork.errors import BlockError

BLOCK = "block"
"""The scheme of references to fields of other blocks, which the vault itself resolves."""

_TOKEN = re.compile(r"\$\$\{|\$\{(?:([a-z][a-z0-9+.-]*):([^{}#]+)(?:#([^{}#]+))?\})?")


class Reference(NamedTuple):
    """What is fetched when a block is loaded.

    Attributes:
        scheme: Names the resolver.
        path: What to fetch.
        field: Which part of it; None for the whole.
    """

    scheme: str
    path: str
    field: str | None

    def __str__(self) -> str:
        return f"${{{self.scheme}:{self.path}{'' if self.field is None else f'#{self.field}'}}}"


class Template:
    """A text with references in it.

    Attributes:
        text: As it was written.
        parts: Literal texts and references, in order.
    """

    __slots__ = ("parts", "text")

    def __init__(self, text: str, parts: tuple[str | Reference, ...]) -> None:
        self.text = text
        self.parts = parts

    @property
    def references(self) -> list[Reference]:
        """The references in it, in order."""
        return [part for part in self.parts if isinstance(part, Reference)]

    @property
    def has_text(self) -> bool:
        """Whether there is literal text beside the references."""
        return any(isinstance(part, str) for part in self.parts)

    def filled(self, values: Mapping[Reference, str]) -> str:
        """Return the text with the values in place of the references."""
        return "".join(part if isinstance(part, str) else values[part] for part in self.parts)

    def renamed(self, old: str, new: str) -> "Template":
        """Return one whose references to a block lead to its new address; both ``slug/name``."""
        parts = tuple(
            part._replace(path=f"{new}{part.path[len(old) :]}")
            if isinstance(part, Reference)
            and part.scheme == BLOCK
            and part.path.partition("@")[0] == old
            else part
            for part in self.parts
        )
        return Template("".join(escape(p) if isinstance(p, str) else str(p) for p in parts), parts)

    def __repr__(self) -> str:
        # The literal text may be a part of a secret.
        return f"Template({', '.join(map(str, self.references))})"


def parse(text: str) -> str | Template:
    """Read a text as people write it.

    Returns:
        The literal text, where there is no reference in it; else a template.

    Raises:
        BlockError: There is a ``${`` that begins no reference.
    """
    if "${" not in text:
        return text
    parts: list[str | Reference] = []
    literal, end = "", 0
    for token in _TOKEN.finditer(text):
        literal += text[end : token.start()]
        end = token.end()
        if token[0] == "$${":
            literal += "${"
        elif token[1] is None:
            raise BlockError(
                "There is a `${` that begins no reference.",
                fix="Write ${scheme:path} or ${scheme:path#field}, for example ${env:NAME}; "
                "for a literal ${ write $${.",
            )
        else:
            parts += [literal] if literal else []
            parts.append(Reference(token[1], token[2], token[3]))
            literal = ""
    literal += text[end:]
    if not parts:
        return literal
    return Template(text, tuple([*parts, literal] if literal else parts))


def only_reference(text: str) -> Reference:
    """Return the one reference that a text is. Raises BlockError where it is something else."""
    template = parse(text)
    if isinstance(template, str) or template.has_text or len(template.references) != 1:
        raise BlockError(
            "That is not one reference, and nothing else.",
            fix="Write ${scheme:path} or ${scheme:path#field}, for example ${env:NAME}.",
        )
    return template.references[0]


def parse_stored(text: str) -> Template:
    """Read a template from a document. Raises ValueError where it is none."""
    found = parse(text)
    if isinstance(found, str):
        raise ValueError("not a template")  # somebody edited the document
    return found


def escape(literal: str) -> str:
    """Return how a literal text is written; `parse` gives it back."""
    return literal.replace("${", "$${")
