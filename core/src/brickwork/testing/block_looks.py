"""How the contract of blocks looks at a block: its secrets, its models, what it shows."""

import logging
import threading
import traceback
from collections.abc import Iterator, Mapping
from types import UnionType
from typing import Any, get_args

from pydantic import BaseModel

from brickwork import Block, BlockError, Secret
from brickwork.testing.leaks import leaks

ATTRIBUTE_DOCS = "use_attribute_docstrings"
"""The option of pydantic that reads the docstrings of fields from the source."""


def fields_of(block: BaseModel) -> dict[str, Any]:
    """Return the fields of a model, by name."""
    return {name: getattr(block, name) for name in type(block).model_fields}


def found_in(value: object, kind: type[Any] | UnionType, *, inside: bool = False) -> Iterator[Any]:
    """Yield what is of a kind in a value, at any depth; ``inside`` leaves out the value itself."""
    if isinstance(value, kind) and not inside:
        yield value
    if isinstance(value, BaseModel):
        parts: list[Any] = list(fields_of(value).values())
    elif isinstance(value, Mapping):
        parts = [*value.keys(), *value.values()]
    elif isinstance(value, list | tuple | set | frozenset):
        parts = list(value)
    else:
        parts = []
    for part in parts:
        yield from found_in(part, kind)


def clear_text(secret: Secret[Any]) -> str:
    """Return a secret in clear."""
    value = secret.reveal()
    return value if isinstance(value, str) else value.decode("latin-1")


def models_in(cls: type[BaseModel]) -> list[type[BaseModel]]:
    """Return a model and the models in its fields, at any depth."""
    found: dict[type[BaseModel], None] = {}
    waiting: list[Any] = [cls]
    while waiting:
        each = waiting.pop(0)
        if isinstance(each, type) and issubclass(each, BaseModel):
            if each not in found and each is not Block:
                found[each] = None
                waiting += [field.annotation for field in each.model_fields.values()]
        else:
            waiting += get_args(each)
    return list(found)


def is_secret(annotation: Any) -> bool:
    """Tell whether a type is a `Secret`, or has one in it."""
    if getattr(annotation, "__origin__", annotation) is Secret:
        return True
    return any(is_secret(part) for part in get_args(annotation))


def holds_text(annotation: Any) -> bool:
    """Tell whether a type takes a plain text; inside a model, its own fields are looked at."""
    if getattr(annotation, "__origin__", annotation) is Secret:
        return False
    return annotation in (str, bytes, Any) or any(map(holds_text, get_args(annotation)))


def plugins_of(cls: type[Block]) -> set[str]:
    """Return the entry-point names of the plugins that live in the package of a class."""
    from importlib.metadata import entry_points

    package = cls.__module__.partition(".")[0]
    return {
        point.name
        for point in entry_points(group="brickwork")
        if point.value.partition(".")[0] == package
    }


def assert_hidden(secrets: list[str], shown: Mapping[str, str | bytes]) -> None:
    """Assert that no text shows a secret."""
    for secret in secrets:
        where = [name for name, text in shown.items() if leaks(secret, text)]
        assert not where, f"A secret shows in {', '.join(where)}."


def logged(block: Block) -> str:
    """Return a log line with a block in it."""
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]  # the smallest handler there is
    logger = logging.Logger("brickwork.contract")
    logger.addHandler(handler)
    logger.warning("the block %s %r", block, block)
    return "\n".join(lines)


def traceback_with(block: Block) -> str:
    """Return a traceback that shows local variables, a block among them."""
    try:
        held = block  # noqa: F841  # a local variable, for the traceback to show
        raise LookupError("on purpose")
    except LookupError as error:
        told = traceback.TracebackException.from_exception(error, capture_locals=True)
    return "".join(told.format())


def refused_json(block: Block) -> str:
    """Return what writing a block as JSON gives: JSON, or the text of an error."""
    try:
        return block.model_dump_json()
    except BlockError as error:
        return f"{error} {error.__cause__!r} {error.__context__!r}"


def checked_in_time(block: Block, seconds: float) -> object:
    """Run the check of a block, and return its answer; fails where it takes too long or raises."""
    answers: list[object] = []

    def run() -> None:
        try:
            answers.append(block.check())
        except BaseException as error:  # noqa: BLE001  # told below, by its type
            answers.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    assert answers, f"check() took longer than {seconds} s: give everything in it a time-out."
    answer = answers[0]
    if isinstance(answer, BaseException):  # not `assert`, of which pytest shows the values
        raise AssertionError(
            f"check() raised {type(answer).__name__}: it must report that as a failed finding."
        )
    return answer
