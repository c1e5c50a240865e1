"""References in stored fields: where they stand, what they gave, and how they stay."""

from collections.abc import Callable, Mapping
from typing import Any

from brickwork.block import Address, Block
from brickwork.secret import Secret
from brickwork.vault.envelope import Secrets
from brickwork.vault.pointers import escape, put_at
from brickwork.vault.references import BLOCK, Template, parse_stored

Marks = Mapping[str, Mapping[str, Any]]
Resolve = Callable[[dict[str, Template]], Mapping[str, Any]]
"""Gives, by pointer, what the templates there yield: texts, or values that are known already."""


class _Text(str):
    """What a reference gave, told apart from other texts by what it is."""

    __slots__ = ()


class Written:
    """Which of the values in a tree of fields came from references; migrations may move them."""

    def __init__(self) -> None:
        self._templates: dict[int, Template] = {}
        self._alive: list[object] = []  # an id is that of one object only while it lives

    def put(self, fields: Any, pointer: str, value: Any, template: Template) -> None:
        """Put a value in its place, and remember that it came from a template."""
        mine = _Text(value) if isinstance(value, str) else value
        self._alive.append(mine)
        self._templates[id(mine)] = template
        put_at(fields, pointer, mine)

    def found_in(self, fields: dict[str, Any]) -> dict[str, Template]:
        """Return the templates by pointer, and leave plain values; does not look into blocks."""
        found: dict[str, Template] = {}
        waiting: list[tuple[str, Any]] = [("", fields)]
        while waiting:
            pointer, holder = waiting.pop()
            items = holder.items() if isinstance(holder, dict) else enumerate(holder)
            for key, value in list(items):
                here = f"{pointer}/{escape(str(key))}"
                template = self._templates.get(id(value))
                if template is not None:
                    found[here] = template
                    if isinstance(value, _Text):
                        holder[key] = str.__str__(value)
                elif isinstance(value, dict | list):
                    waiting.append((here, value))
        return found


def put_references(fields: Any, marks: Marks, secrets: Secrets, resolve: Resolve) -> Written:
    """Fetch what the references of a document stand for, and put it in place."""
    templates = {pointer: template_at(pointer, marks, secrets) for pointer in marks}
    values = resolve(templates)
    written = Written()
    for pointer, template in templates.items():  # no value gets a name, as in `decode`
        if marks[pointer].get("secret") and isinstance(values[pointer], str):
            written.put(fields, pointer, Secret(values[pointer]), template)
        else:
            written.put(fields, pointer, values[pointer], template)
    return written


def template_at(pointer: str, marks: Marks, secrets: Secrets) -> Template:
    """Return the template at a pointer, which is sealed if it has text beside references."""
    text = marks[pointer].get("text")
    if text is None:
        sealed = secrets[pointer]
        text = sealed if isinstance(sealed, str) else sealed.decode()
    return parse_stored(text)


def mark_of(template: Template, *, secret: bool) -> dict[str, Any]:
    """Return what is public about a template."""
    if not secret:
        return {"text": template.text}
    if not template.has_text:
        return {"text": template.text, "secret": True}
    uses = sorted({ref.path for ref in template.references if ref.scheme == BLOCK})
    return {"secret": True, **({"uses": uses} if uses else {})}


def uses_of_mark(mark: Mapping[str, Any]) -> set[str]:
    """Return the addresses that the template behind a mark refers to, as ``slug/name``."""
    paths = mark.get("uses", ())
    if "text" in mark:
        references = parse_stored(mark["text"]).references
        paths = [ref.path for ref in references if ref.scheme == BLOCK]
    return {path.partition("@")[0] for path in paths}


def rename_references(marks: dict[str, Any], old: Address, new: Address) -> None:
    """Make the references in a public part lead to a block's new address."""
    before, after = f"{old.slug}/{old.name}", f"{new.slug}/{new.name}"
    for mark in marks.values():
        if "text" in mark:
            mark["text"] = parse_stored(mark["text"]).renamed(before, after).text
        if "uses" in mark:
            mark["uses"] = [
                f"{after}{path[len(before) :]}" if path.partition("@")[0] == before else path
                for path in mark["uses"]
            ]


def rename_sealed(marks: Marks, secrets: Secrets, old: Address, new: Address) -> Secrets:
    """Return secrets whose templates lead to a block's new address."""
    before, after = f"{old.slug}/{old.name}", f"{new.slug}/{new.name}"
    renamed = Secrets(secrets)
    for pointer, mark in marks.items():
        if mark.get("uses"):
            renamed[pointer] = template_at(pointer, marks, secrets).renamed(before, after).text
    return renamed


def keep_templates(block: Block, templates: dict[str, Template]) -> None:
    """Note on a block which of its values came from references, so that saving keeps them."""
    private = block.__pydantic_private__
    if private is not None:
        private["_templates"] = templates


def templates_of(block: Block) -> dict[str, Template]:
    """Return, by pointer, the references that a block was loaded with."""
    private = block.__pydantic_private__
    return {} if private is None else private.get("_templates") or {}


def keep_at(block: Block, path: tuple[str, ...], template: Template) -> None:
    """Note on a block, or on the one inside it that a path leads into, where a value came from."""
    holder, pointer, value = block, "", block
    for step in path:
        pointer += f"/{escape(step)}"
        value = _inside(value, step)
        if isinstance(value, Block):
            if value.address is not None:
                return  # saved on its own: it keeps its own references
            holder, pointer = value, ""
    if pointer:
        keep_templates(holder, {**templates_of(holder), pointer: template})


def _inside(value: Any, step: str) -> Any:
    if isinstance(value, dict):
        return value.get(step)
    if isinstance(value, list | tuple):
        return value[int(step)] if step.isdecimal() and int(step) < len(value) else None
    return getattr(value, step, None)
