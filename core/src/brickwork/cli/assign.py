"""``--set FIELD=VALUE`` and its kin: from arguments to the fields of a block.

Arguments are literal: a value is text, or JSON where the field is more than text; ``@`` and ``$``
mean nothing. Only ``--from`` takes references, which are fetched and kept. A secret is never taken
from an argument, which other users and the shell's history can see, but from standard input or by a
hidden question.
"""

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from pydantic import BaseModel

from brickwork.block import Address, Block
from brickwork.errors import BlockError, InvalidName
from brickwork.secret import Secret
from brickwork.vault.references import Template, parse as parse_references
from brickwork.vault.shapes import Shape
from brickwork.vault.written import keep_at

Load = Callable[[Address], Block]
Resolve = Callable[[str], Secret[str]]
Ask = Callable[[str], str]

_FROM_INPUT = "-"
_MOST_INPUT = 1024 * 1024


class Assignment(NamedTuple):
    """One value for one place.

    Attributes:
        path: The field, and what is below it.
        value: The text that was given.
        source: The option that gave it.
    """

    path: tuple[str, ...]
    value: str
    source: str = "--set"

    @property
    def name(self) -> str:
        """The path as it is written."""
        return ".".join(self.path)


def parse(texts: Iterable[str], source: str) -> list[Assignment]:
    """Read ``FIELD=VALUE`` and ``FIELD.BELOW=VALUE``. Raises BlockError, which quotes no value."""
    found = []
    for text in texts:
        name, equals, value = text.partition("=")
        if not (equals and all(name.split("."))):
            raise BlockError(
                f"What is given with {source} does not read FIELD=VALUE.",
                fix=f"Write {source} field=value, or {source} field.below=value for a nested one.",
            )
        found.append(Assignment(tuple(name.split(".")), value, source))
    return found


class Assigner:
    """Puts values into the fields of one class.

    Args:
        cls: The block's class.
        load: Loads a block that is to be referred to.
        ask: Asks a person for a secret, without echo; None where nobody is there.
        resolve: Fetches what a text with references stands for.
    """

    def __init__(
        self,
        cls: type[Block],
        load: Load,
        ask: Ask | None = None,
        resolve: Resolve | None = None,
    ) -> None:
        self._cls = cls
        self._shape = Shape(cls)
        self._load = load
        self._ask = ask
        self._resolve = resolve
        self._input_used_by = ""
        self._templates: dict[tuple[str, ...], Template] = {}

    def apply(self, fields: Mapping[str, Any], assignments: Iterable[Assignment]) -> dict[str, Any]:
        """Return the fields with the assignments made, not validated yet.

        Raises:
            BlockError: A field does not exist, or a secret stands in an argument.
        """
        result = dict(fields)
        for each in assignments:
            top = self._shape.fields.get(each.path[0])
            shape = self._shape.at(each.path)
            if top is None or shape is None:
                raise self._no_field(each.path)
            value = self._value(each, shape)
            result[top.name] = _put(result.get(top.name), each.path[1:], value, each.name)
        return result

    def apply_json(self, fields: Mapping[str, Any], text: str) -> dict[str, Any]:
        """Return the fields with secrets from a JSON object: path to text. Raises BlockError."""
        try:
            secrets = json.loads(text)
        except ValueError:
            secrets = None
        if not isinstance(secrets, dict) or not all(isinstance(v, str) for v in secrets.values()):
            raise BlockError(
                "Standard input is not a JSON object of fields and texts.",
                fix='Pass {"secret_access_key": "...", "client_options.proxy": "..."}.',
            ) from None
        result = dict(fields)
        for name, value in secrets.items():
            path = tuple(name.split("."))
            top, shape = self._shape.fields.get(path[0]), self._shape.at(path)
            if top is None or shape is None:
                raise self._no_field(path)
            if not shape.takes_secret():
                raise BlockError(
                    f"{name} is no secret.", fix=f"Give it as an argument: --set {name}=..."
                )
            result[top.name] = _put(result.get(top.name), path[1:], Secret(value), name)
        return result

    def keep_references(self, block: Block) -> None:
        """Note on a block that was made of the fields which of them came from references."""
        for path, template in self._templates.items():
            keep_at(block, path, template)

    def _value(self, given: Assignment, shape: Shape) -> Any:
        if given.source == "--ref":
            return self._block(given, given.value)
        if given.source == "--from":
            return self._fetched(given, shape)
        if shape.takes_secret():
            if given.value == _FROM_INPUT:
                return Secret(self._secret(given.name))
            if not _is_null(given.value, shape):
                raise _in_argument(given.name)
        value = _parsed(given.value, shape)
        if shape.secret_in(value):
            raise _in_argument(given.name)
        return self._with_blocks(given, value, shape)

    def _with_blocks(self, given: Assignment, value: Any, shape: Shape) -> Any:
        """Load the blocks that stand in a value by their address."""
        if isinstance(value, dict) and set(value) == {"$block"} and shape.kind != "any":
            return self._block(given, value["$block"])
        if shape.kind in ("block", "union") and isinstance(value, str):
            text_too = any(not each.block_classes() for each in shape.options)
            return self._block(given, value) if shape.block_classes() and not text_too else value
        if shape.kind == "list" and isinstance(value, list):
            return [self._with_blocks(given, each, shape.options[0]) for each in value]
        if shape.kind == "dict" and isinstance(value, dict):
            below = shape.options[0]
            return {key: self._with_blocks(given, each, below) for key, each in value.items()}
        if isinstance(value, dict) and shape.fields:
            return {
                key: self._with_blocks(given, each, shape.fields[key].shape)
                if key in shape.fields
                else each
                for key, each in value.items()
            }
        return value

    def _fetched(self, given: Assignment, shape: Shape) -> Any:
        text = given.value if "${" in given.value else f"${{{given.value}}}"
        template = parse_references(text)
        if not isinstance(template, Template) or self._resolve is None:
            raise BlockError(
                f"What {given.name} is given with --from is no reference.",
                fix=f"Write --from {given.name}=env:NAME, or {given.name}='text ${{env:NAME}}'.",
            )
        if shape.takes_secret() and template.has_text:
            raise _in_argument(given.name)
        self._templates[given.path] = template
        value = self._resolve(text)
        return value if shape.takes_secret() else value.reveal()

    def _block(self, given: Assignment, value: object) -> Block:
        try:
            address = Address.parse(str(value))
        except InvalidName:
            raise BlockError(
                f"{given.name} takes the address of a saved block.",
                fix=f"Write {given.source} {given.name}=slug/name; `brickwork block ls` lists what "
                "there is.",
            ) from None
        return self._load(address)

    def _secret(self, name: str) -> str:
        if self._ask is not None:
            return self._ask(name)
        if self._input_used_by:
            raise BlockError(
                f"Standard input was taken for {self._input_used_by}, and cannot give {name} too.",
                fix="Pass all secrets as one JSON object to --secrets-from-stdin.",
            )
        self._input_used_by = name
        return read_input()

    def _no_field(self, path: tuple[str, ...]) -> BlockError:
        from difflib import get_close_matches

        known = list(dict.fromkeys(f.name for f in self._shape.fields.values()))
        if path[0] in self._shape.fields:
            return BlockError(
                f"{self._cls.slug}: the field {path[0]} has nothing below it of that name.",
                fix=f"`brickwork block types {self._cls.slug}` shows the fields.",
            )
        # Not quoted unless it looks like a field: it could be the tail of a secret with an equals
        # sign in it.
        close = get_close_matches(path[0], known, 1)
        what = f"no field {path[0]}" if path[0].isidentifier() and close else "no such field"
        fix = f"Write {close[0]}." if close else f"Fields: {', '.join(known)}."
        return BlockError(f"{self._cls.slug} has {what}.", fix=fix)


def read_input() -> str:
    """Return what standard input holds, without the newline at its end. Raises BlockError."""
    try:
        # Not as the locale would have it: what is no UTF-8 must not be saved as something else.
        text = sys.stdin.buffer.read(_MOST_INPUT + 1).decode()
    except UnicodeDecodeError:
        raise BlockError("Standard input is no text.", fix="Pass the secret as UTF-8.") from None
    if len(text.encode()) > _MOST_INPUT:
        raise BlockError("Standard input is too long for a secret.", fix="Pass only the secret.")
    text = text.removesuffix("\n").removesuffix("\r")
    if not text:
        raise BlockError(
            "Standard input is empty, and a secret should come from there.",
            fix="Pipe it in, for example: pass show aws | brickwork block create ...",
        )
    return text


def _is_null(text: str, shape: Shape) -> bool:
    return text == "null" and shape.optional


def _in_argument(name: str) -> BlockError:
    return BlockError(
        f"{name} is a secret, and an argument is seen by other users and kept in the history.",
        fix=f"Write --set {name}=- and pass it on standard input, or leave it out on a terminal "
        "to be asked.",
    )


def _parsed(text: str, shape: Shape) -> Any:
    """Return a text as JSON where that is what fits, else the text."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if shape.kind == "any":
        return value
    holds_more = isinstance(value, dict | list)
    if holds_more and (shape.block_classes() or shape.kind in ("list", "dict", "fields")):
        return value  # with blocks by address inside, it does not fit yet
    if holds_more and shape.fits(value):
        return value
    return text if shape.fits(text) or not shape.fits(value) else value


def _put(current: Any, path: tuple[str, ...], value: Any, name: str) -> Any:
    """Return a value with another one put below it."""
    if not path:
        return value
    step, rest = path[0], path[1:]
    if isinstance(current, Block):
        if current.address is not None:
            address = current.address._replace(version=None)
            raise BlockError(
                f"{name} belongs to {address}, which this block only refers to.",
                fix=f"Change it there: brickwork block edit {address}.",
            )
        return current.model_copy(
            update={step: _put(getattr(current, step, None), rest, value, name)}
        )
    if isinstance(current, list | tuple):
        items = list(current)
        if not step.isdecimal() or int(step) > len(items):
            raise BlockError(
                f"{name} does not exist: the list has {len(items)} items.",
                fix="Count from 0; the number after the last adds an item.",
            )
        old = items[int(step)] if int(step) < len(items) else None
        items[int(step) : int(step) + 1] = [_put(old, rest, value, name)]
        return items
    if current is None and step == "0":
        return [_put(None, rest, value, name)]
    fields = _as_dict(current)
    fields[step] = _put(fields.get(step), rest, value, name)
    return fields


def _as_dict(current: Any) -> dict[str, Any]:
    if isinstance(current, BaseModel):
        return dict(current.__dict__)
    if isinstance(current, Mapping):
        return dict(current)
    return dict(getattr(current, "__dict__", {}))
