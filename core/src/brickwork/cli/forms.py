"""Forms: asks for the fields of a block, one by one, from the schema of its class."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from brickwork.block import Address, Block
from brickwork.cli.assign import Load
from brickwork.cli.output import harmless
from brickwork.errors import BrickworkError, InvalidBlock
from brickwork.secret import Secret
from brickwork.vault.shapes import REQUIRED, Field, Shape

KEEP: Any = object()
"""An answer that means: leave it as it is."""


class Person(Protocol):
    """Who answers."""

    def ask(self, question: str, *, default: str = "") -> str:
        """Ask for a line of text; the default for an empty answer."""

    def ask_hidden(self, question: str) -> str:
        """Ask without echo."""

    def confirm(self, question: str, *, default: bool) -> bool:
        """Ask yes or no."""

    def tell(self, text: str) -> None:
        """Say something."""


class Terminal:
    """A person at the terminal; questions go to standard error."""

    def ask(self, question: str, *, default: str = "") -> str:
        """Ask for a line of text; the default for an empty answer."""
        import click

        answer: str = click.prompt(
            question, default=default, show_default=bool(default), err=True, type=str
        )
        return answer

    def ask_hidden(self, question: str) -> str:
        """Ask without echo."""
        import click

        answer: str = click.prompt(
            question, default="", show_default=False, hide_input=True, err=True, type=str
        )
        return answer

    def ask_needed(self, name: str) -> str:
        """Ask without echo until there is an answer."""
        while not (answer := self.ask_hidden(f"{name} (hidden)")):
            self.tell("  It is needed.")
        return answer

    def confirm(self, question: str, *, default: bool) -> bool:
        """Ask yes or no."""
        import click

        return click.confirm(question, default=default, err=True)

    def tell(self, text: str) -> None:
        """Say something."""
        import click

        click.echo(text, err=True)


class Form:
    """Asks a person for the fields of a class.

    Args:
        person: Who answers.
        load: Loads a block that is to be referred to.
        saved: Slug to the addresses of saved blocks, to offer them.
    """

    def __init__(self, person: Person, load: Load, saved: Mapping[str, Sequence[str]]) -> None:
        self._person = person
        self._load = load
        self._saved = saved

    def fill(
        self, cls: type[Block], given: Mapping[str, Any], *, only_missing: bool = False
    ) -> Block:
        """Ask for all that is not given, until the class accepts it.

        Args:
            cls: The class.
            given: Fields that are known already.
            only_missing: Ask only for what has no default.
        """
        answers = dict(given)
        fields = unique(Shape(cls).fields)
        for field in fields:
            if field.name not in answers and (field.required or not only_missing):
                self._answer(answers, field, KEEP)
        return self._built(cls, answers, fields)

    def change(self, block: Block, given: Mapping[str, Any]) -> Block:
        """Ask for each field of a block with its value as default; an empty answer keeps it."""
        answers = dict(given)
        fields = unique(Shape(type(block)).fields)
        for field in fields:
            if field.name not in answers:
                self._answer(answers, field, getattr(block, field.name))
        return self._built(type(block), answers, fields, block)

    def _built(
        self,
        cls: type[Block],
        answers: dict[str, Any],
        fields: Sequence[Field],
        base: Block | None = None,
    ) -> Block:
        """Make the block; ask again for what its class refuses."""
        while True:
            try:
                if base is None:
                    return cls(**answers)
                return base.model_copy(update=answers)
            except InvalidBlock as error:
                problems = error.problems
            tops = {problem.path.partition(".")[0].partition("[")[0] for problem in problems}
            again = [field for field in fields if field.name in tops] or list(fields)
            for problem in problems:
                self._person.tell(f"  {harmless(problem)}")
            for field in again:
                answers.pop(field.name, None)
                self._answer(answers, field, getattr(base, field.name, KEEP))

    def _answer(self, answers: dict[str, Any], field: Field, current: Any) -> None:
        value = self._field(field, field.name, current)
        if value is not KEEP:
            answers[field.name] = value

    def _field(self, field: Field, path: str, current: Any) -> Any:
        """Ask for one field; KEEP where its default, or what it has, is to stay."""
        if field.description:
            self._person.tell(f"{harmless(field.description)}")
        may_keep = current is not KEEP or not field.required
        shown = field.default if current is KEEP else current
        return self._value(field.shape, path, may_keep=may_keep, current=shown)

    def _value(self, shape: Shape, path: str, *, may_keep: bool, current: Any = REQUIRED) -> Any:
        if shape.kind == "secret":
            return self._secret(path, may_keep, current)
        if shape.kind == "bool" and not shape.optional:
            answer = self._person.confirm(path, default=current is True)
            return KEEP if may_keep and answer is current else answer
        if shape.kind == "union":
            return self._union(shape, path, may_keep, current)
        if shape.kind == "block":
            return self._block(shape, path, may_keep, current)
        if shape.kind == "fields":
            return self._nested(shape, path, may_keep, current)
        if shape.kind in ("list", "dict"):
            return self._several(shape, path, may_keep, current)
        return self._leaf(shape, path, may_keep, current)

    def _secret(self, path: str, may_keep: bool, current: Any) -> Any:
        kept = isinstance(current, Secret)
        hint = "hidden, Enter keeps it" if kept else "hidden"
        hint = "hidden, Enter for none" if may_keep and not kept else hint
        while True:
            answer = self._person.ask_hidden(f"{path} ({hint})")
            if answer:
                return Secret(answer)
            if may_keep:
                return KEEP
            self._person.tell("  It is needed.")

    def _leaf(self, shape: Shape, path: str, may_keep: bool, current: Any) -> Any:
        default = shown(current)
        question = path
        if shape.choices:
            question += f" ({', '.join(map(str, shape.choices))})"
        elif may_keep and not default:
            question += " (Enter for none)"
        while True:
            answer = self._person.ask(question, default=default)
            if answer == default and may_keep:
                return KEEP
            if not answer:
                self._person.tell("  It is needed.")
                continue
            if answer == "null" and shape.optional:
                return None
            value = self._fitting(shape, answer)
            if value is not KEEP:
                return value
            self._person.tell(f"  That does not fit{_wanted(shape)}.")

    def _fitting(self, shape: Shape, answer: str) -> Any:
        """Return what fits of a text and of what it says in JSON; KEEP where neither does."""
        try:
            parsed = json.loads(answer)
        except (ValueError, RecursionError):
            parsed = answer
        first, second = (parsed, answer) if shape.kind == "any" else (answer, parsed)
        if shape.fits(first):
            return first
        return second if shape.fits(second) else KEEP

    def _block(self, shape: Shape, path: str, may_keep: bool, current: Any) -> Any:
        slug = shape.bare.__dict__.get("slug", "")
        every = [address for addresses in self._saved.values() for address in addresses]
        saved = self._saved.get(slug, ()) if slug else every
        if saved:
            self._person.tell(f"  saved: {', '.join(saved)}")
        kept = isinstance(current, Block) and current.address is not None
        default = str(current.address) if kept else ""
        end = ", Enter for none" if may_keep and not default else ""
        # A field for blocks of any class says nothing of what to ask for in a new one.
        kinds = f"a {slug} block, or new" if slug else "a saved block"
        question = f"{path} (address of {kinds}{end})"
        while True:
            answer = self._person.ask(question, default=default)
            if may_keep and answer == default:
                return KEEP
            if answer == "new" and slug:
                return self._inner(shape, path)
            try:
                return self._load(Address.parse(answer if "/" in answer else f"{slug}/{answer}"))
            except BrickworkError as error:
                self._person.tell(f"  {harmless(error.what)}")

    def _inner(self, shape: Shape, path: str) -> Any:
        """Ask for the fields of something that stands inside, with the path before each."""
        answers: dict[str, Any] = {}
        for field in unique(shape.fields):
            value = self._field(field, f"{path}.{field.name}", KEEP)
            if value is not KEEP:
                answers[field.name] = value
        return answers

    def _nested(self, shape: Shape, path: str, may_keep: bool, current: Any) -> Any:
        if may_keep and not self._person.confirm(f"Set the fields of {path}", default=False):
            return KEEP
        answers = self._inner(shape, path)
        kept = current.__dict__ if isinstance(current, shape.bare) else {}
        return {**kept, **answers}

    def _several(self, shape: Shape, path: str, may_keep: bool, current: Any) -> Any:
        """Ask for the items of a list, or for keys and values, until an empty answer."""
        has = len(current) if isinstance(current, list | tuple | dict | set | frozenset) else 0
        item = shape.options[0]
        if may_keep or shape.kind == "list":
            question = f"Replace the {has} entries of {path}" if has else f"Add entries to {path}"
            if not self._person.confirm(question, default=not may_keep):
                return KEEP if may_keep else []
        if shape.kind == "dict":
            entries: dict[str, Any] = {}
            while key := self._person.ask(f"{path}: key (Enter ends)"):
                entries[key] = self._value(item, f"{path}.{key}", may_keep=False)
            return entries
        items: list[Any] = []
        more = True
        while more:
            items.append(self._value(item, f"{path}.{len(items)}", may_keep=False))
            more = self._person.confirm(f"Another one in {path}", default=False)
        return items

    def _union(self, shape: Shape, path: str, may_keep: bool, current: Any) -> Any:
        names = [_name(each) for each in shape.options]
        plain = all(each.kind in ("leaf", "bool", "choice", "any") for each in shape.options)
        if plain:
            return self._leaf(shape, path, may_keep, current)
        question = f"{path}: which kind ({', '.join(names)}{', Enter for none' * may_keep})"
        while True:
            answer = self._person.ask(question)
            if not answer and may_keep:
                return KEEP
            if answer in names:
                return self._value(shape.options[names.index(answer)], path, may_keep=False)
            self._person.tell(f"  Answer with one of: {', '.join(names)}.")


def unique(fields: Mapping[str, Field]) -> list[Field]:
    """Return each field once, in order, under its own name."""
    return list({field.name: field for field in fields.values()}.values())


def shown(value: Any) -> str:
    """Return a value as a default for a question; empty for none, and for what is no leaf."""
    if value is REQUIRED or value is None or isinstance(value, Secret | Block):
        return ""
    value = getattr(value, "value", value)  # a member of an Enum
    if isinstance(value, bool | int | float | dict | list):
        try:
            return json.dumps(value)
        except (TypeError, ValueError):
            return ""
    return str(value)


def _name(shape: Shape) -> str:
    if shape.kind == "block":
        return str(shape.bare.__dict__.get("slug", shape.bare.__name__))
    if shape.kind in ("secret", "list", "dict"):
        return shape.kind
    return str(getattr(shape.bare, "__name__", shape.kind))


def _wanted(shape: Shape) -> str:
    return f": {', '.join(map(str, shape.choices))}" if shape.choices else ""
