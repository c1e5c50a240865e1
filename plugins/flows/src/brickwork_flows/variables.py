"""Variables: named JSON values that flows, tasks and programs share, and that may change."""

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from brickwork import mask
from brickwork_flows.current import runtime_here
from brickwork_flows.errors import EntryConflict, InvalidVariable, VariableNotFound
from brickwork_flows.history.interface import Entry, History

COLLECTION = "variables"

MAX_BYTES = 64 * 1024
"""The most that a value may have, as JSON."""

MAX_NAME = 255
_NAME = re.compile(r"[a-z0-9_-]+")
_MAX_TAGS = 100
_MAX_TAG = 255
_DEEPEST = 100
_PAGE = 500

_SAVE_A_BLOCK = (
    "Save a block instead, such as SecretBlock(value=...).save('name'): it is encrypted."
)


@dataclass(frozen=True)
class Variable:
    """A named value, kept in the history in use: what JSON has, and comes back as it was.

    Attributes:
        name: Its name: lower-case letters, digits, underscores and dashes.
        value: None, a bool, a number, a text, or lists and dicts of these.
        tags: Its tags, sorted.
        version: 1 when it was set first, then one more with each change.
        updated: When it was changed last, in seconds since 1970.
    """

    name: str
    value: Any
    tags: tuple[str, ...]
    version: int
    updated: float

    @classmethod
    def get(cls, name: str, default: Any = None) -> Any:
        """Return the value of a variable.

        Args:
            name: Its name.
            default: What to return where there is none.

        Raises:
            InvalidVariable: Nothing can have that name.
            HistoryError: The history cannot be read.
        """
        found = cls.find(name)
        return default if found is None else found.value

    @classmethod
    def find(cls, name: str) -> "Variable | None":
        """Return a variable with its tags and version; None where there is none.

        Raises:
            InvalidVariable: Nothing can have that name.
            HistoryError: The history cannot be read.
        """
        entry = _history().entry(COLLECTION, _checked(name))
        return None if entry is None else _variable(entry)

    @classmethod
    def set(
        cls,
        name: str,
        value: Any,
        tags: Iterable[str] | None = None,
        overwrite: bool = False,
        *,
        expected: int | None = None,
    ) -> "Variable":
        """Set a variable, durably when it returns.

        Args:
            name: Its name.
            value: What JSON has, up to 64 KiB as JSON. No secret that is known may be in it.
            tags: Its tags; by default those that it has.
            overwrite: Whether it may be set already.
            expected: Only if it has this version; then it may be set already.

        Raises:
            InvalidVariable: The name, the value or a tag cannot be used.
            EntryConflict: It is set already, or has another version than expected.
            HistoryError: The history cannot be written.
        """
        kept = _checked_value(_checked(name), value)
        wanted = None if tags is None else _checked_tags(tags)

        def change(found: Variable | None) -> tuple[Any, tuple[str, ...]]:
            version = 0 if found is None else found.version
            if expected is None and found is not None and not overwrite:
                raise EntryConflict(
                    f"There is a variable {name!r} already.",
                    fix="Pass overwrite=True to change it.",
                )
            if expected not in (None, version):
                raise EntryConflict(
                    f"The variable {name!r} has version {version}, and not {expected}.",
                    fix="Read it again: somebody else has changed it.",
                )
            return kept, wanted if wanted is not None else found.tags if found else ()

        return _changed(name, change)

    @classmethod
    def change(cls, name: str, function: Callable[[Any], Any], default: Any = None) -> "Variable":
        """Set a variable to what a function makes of its value, safely beside others who do so.

        Args:
            name: Its name.
            function: From the value to the new one. It is called again when somebody else was
                faster.
            default: What it is called with where there is no such variable.

        Raises:
            InvalidVariable: The name or the new value cannot be used.
            HistoryError: The history cannot be written.
        """
        _checked(name)

        def change(found: Variable | None) -> tuple[Any, tuple[str, ...]]:
            value = function(default if found is None else found.value)
            return _checked_value(name, value), () if found is None else found.tags

        return _changed(name, change)

    @classmethod
    def unset(cls, name: str) -> bool:
        """Remove a variable; return whether there was one.

        Raises:
            InvalidVariable: Nothing can have that name.
            HistoryError: The history cannot be written.
        """
        history = _history()
        while (entry := history.entry(COLLECTION, _checked(name))) is not None:
            try:
                history.put(COLLECTION, name, None, expected=entry.version)
            except EntryConflict:
                continue
            return True
        return False

    @classmethod
    async def aget(cls, name: str, default: Any = None) -> Any:
        """`get` without blocking the event loop."""
        from asyncio import to_thread

        return await to_thread(cls.get, name, default)

    @classmethod
    async def aset(
        cls,
        name: str,
        value: Any,
        tags: Iterable[str] | None = None,
        overwrite: bool = False,
        *,
        expected: int | None = None,
    ) -> "Variable":
        """`set` without blocking the event loop."""
        from asyncio import to_thread

        return await to_thread(cls.set, name, value, tags, overwrite, expected=expected)

    @classmethod
    async def aunset(cls, name: str) -> bool:
        """`unset` without blocking the event loop."""
        from asyncio import to_thread

        return await to_thread(cls.unset, name)


def list_variables(tag: str | None = None) -> list[Variable]:
    """Return all variables in the order of their names; or those that have a tag.

    Raises:
        HistoryError: The history cannot be read.
    """
    return [each for each in _all(_history()) if tag is None or tag in each.tags]


def existing(name: str) -> Variable:
    """Return a variable. Raises VariableNotFound."""
    found = Variable.find(name)
    if found is None:
        raise VariableNotFound(
            f"There is no variable {name!r}.", fix="`brickwork variable ls` shows those there are."
        )
    return found


def _history() -> History:
    return runtime_here().history


def _all(history: History) -> Iterator[Variable]:
    page = history.entries(COLLECTION, limit=_PAGE)
    while page:
        yield from map(_variable, page)
        page = history.entries(COLLECTION, after=page[-1].key, limit=_PAGE)


def _variable(entry: Entry) -> Variable:
    kept = entry.value
    return Variable(entry.key, kept["value"], tuple(kept["tags"]), entry.version, entry.at)


def _changed(
    name: str, function: Callable[[Variable | None], tuple[Any, tuple[str, ...]]]
) -> Variable:
    history = _history()
    while True:
        entry = history.entry(COLLECTION, name)
        value, tags = function(None if entry is None else _variable(entry))
        try:
            kept = history.put(
                COLLECTION,
                name,
                {"value": value, "tags": tags},
                expected=0 if entry is None else entry.version,
            )
        except EntryConflict:
            continue
        return Variable(name, value, tags, kept.version, kept.at)


# What can be one


def _checked(name: str) -> str:
    if not _NAME.fullmatch(str(name)) or len(name) > MAX_NAME:
        raise InvalidVariable(
            f"The name {str(name)[:80]!r} of a variable may only have lower-case letters (a-z),"
            f" digits, underscores and dashes, and has to have 1 to {MAX_NAME} of them.",
            fix="Choose another name, such as 'daily_limit'.",
        )
    return name


def _checked_tags(tags: Iterable[str]) -> tuple[str, ...]:
    found = [] if isinstance(tags, str) else sorted(map(str, {*tags}))
    if isinstance(tags, str) or len(found) > _MAX_TAGS:
        raise InvalidVariable(f"Tags are a list of at most {_MAX_TAGS} texts.")
    for tag in found:
        if not 0 < len(tag) <= _MAX_TAG:
            raise InvalidVariable(f"A tag is a text of 1 to {_MAX_TAG} characters.")
        if mask(tag) != tag:
            raise _secret("A tag")
    return tuple(found)


def _checked_value(name: str, value: Any) -> Any:
    """Return a copy of a value that is JSON, within the limits, and holds no known secret."""
    where = f"The value of the variable {name!r}"
    kept = _json(value, where, 0)
    text = json.dumps(kept)
    if len(text) > MAX_BYTES:
        raise InvalidVariable(
            f"{where} has {len(text):,} bytes as JSON, and may have {MAX_BYTES:,}.",
            fix="Write it to a storage, and keep its key in the variable.",
        )
    if mask(name) != name or mask(text) != text or any(mask(each) != each for each in _texts(kept)):
        raise _secret(where)
    return kept


def _json(value: Any, where: str, depth: int) -> Any:
    if value is None or type(value) in (bool, int, str):
        return value
    if type(value) is float and math.isfinite(value):
        return value
    if depth < _DEEPEST:
        if type(value) is list:
            return [_json(each, where, depth + 1) for each in value]
        if type(value) is dict and all(type(key) is str for key in value):
            return {key: _json(each, where, depth + 1) for key, each in value.items()}
    what = _what(value, depth)
    raise InvalidVariable(
        f"{where} is, or holds, {what}, which JSON has not.",
        fix=_SAVE_A_BLOCK
        if type(value).__name__ in ("Secret", "SecretStr", "SecretBytes")
        else "Use None, bools, finite numbers, texts, and lists and dicts of these.",
    )


def _what(value: Any, depth: int) -> str:
    if type(value) is float:
        return "a number that is not finite"
    if type(value) is dict and depth < _DEEPEST:
        return "a dict with keys that are no texts"
    if type(value) in (list, dict):
        return f"more than {_DEEPEST} lists and dicts in each other"
    return f"a {type(value).__name__}"


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, dict):
        yield from value
        for each in value.values():
            yield from _texts(each)


def _secret(what: str) -> InvalidVariable:
    return InvalidVariable(
        f"{what} holds a secret, and variables are kept in clear.", fix=_SAVE_A_BLOCK
    )
