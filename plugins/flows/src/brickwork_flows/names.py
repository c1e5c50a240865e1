"""Names and tags of runs."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime, time, timedelta
from typing import Any

from brickwork import mask
from brickwork_flows.errors import InvalidFlow

MAX_NAME = 200

NameOption = str | Callable[[], str]
"""A template with parameters, ``"load-{day}"``, or a function that returns the name."""

_PLAIN = (str, int, float, bool, date, datetime, time, timedelta, type(None))
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")

_tags: ContextVar[frozenset[str]] = ContextVar("brickwork_tags", default=frozenset())


@contextmanager
def tags(*names: str) -> Iterator[frozenset[str]]:
    """Give tags to every run of a flow or a task that begins inside; they add up.

    Yields:
        The tags that such a run gets.
    """
    token = _tags.set(_tags.get() | set(names))
    try:
        yield _tags.get()
    finally:
        _tags.reset(token)


def tags_of_run(own: Iterable[str]) -> tuple[str, ...]:
    """Return the tags of a run that begins here, sorted: its flow's or task's, and those around."""
    around = _tags.get()
    if not around and not own:
        return ()
    return tuple(sorted(around.union((own,) if isinstance(own, str) else own)))


def check_name(what: str, option: object, fn: Callable[..., Any]) -> None:
    """Look at a template or function for the names of runs before anything runs.

    Args:
        what: What they are the runs of, for the error.
        option: The template or function; None for neither.
        fn: The function whose parameters a template may name.

    Raises:
        InvalidFlow: It is neither, or the template names what is no parameter.
    """
    if option is None or callable(option):
        return
    if not isinstance(option, str):
        raise InvalidFlow(
            f"The name of the runs of {what} is neither a text nor a function.",
            fix='Give a template such as "load-{day}", or a function without parameters.',
        )
    fields = _fields(what, option)
    if not fields:
        return
    import inspect

    parameters = inspect.signature(fn).parameters
    if any(each.kind is each.VAR_KEYWORD for each in parameters.values()):
        return
    unknown = [name for name in fields if name not in parameters]
    if unknown:
        raise InvalidFlow(
            f"The name of the runs of {what} uses {', '.join(map(repr, unknown))}, which is no "
            "parameter.",
            fix=f"There are: {', '.join(parameters) or 'none'}. Attributes and items of parameters "
            "cannot be used, since they could be secrets.",
        )


def named(what: str, option: NameOption, arguments: Callable[[], Mapping[str, Any]]) -> str:
    """Return the name of a run: one line, with known secrets hidden.

    Args:
        what: What it is a run of, for the error.
        option: The template or function.
        arguments: Returns the parameters by name; called only for a template that uses some. Texts,
            numbers, dates and times are shown, and of anything else its type alone.

    Raises:
        InvalidFlow: The function failed, or a value does not fit its format.
    """
    try:
        if callable(option):
            name = str(option())
        elif "{" in option or "}" in option:
            name = _filled(what, option, arguments())
        else:
            name = option
    except InvalidFlow:
        raise
    except Exception as error:  # noqa: BLE001  # the user's function, or a format that does not fit
        # The class alone: the text may carry a value.
        raise InvalidFlow(
            f"The name of a run of {what} could not be made: {type(error).__name__}.",
            fix="Mend the template or the function that is given for it.",
        ) from None
    return _UNPRINTABLE.sub(" ", mask(name)).strip()[:MAX_NAME] or what


def arguments_of(
    fn: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the arguments of a call by the names of the parameters, with defaults."""
    import inspect

    bound = inspect.signature(fn).bind(*args, **kwargs)
    bound.apply_defaults()
    found = dict(bound.arguments)
    for name, parameter in bound.signature.parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            found |= found.pop(name, {})
    return found


def _filled(what: str, template: str, arguments: Mapping[str, Any]) -> str:
    values = {name: _shown(arguments[name]) for name in _fields(what, template)}
    return template.format_map(values)


def _shown(value: object) -> object:
    # A subclass may format itself in any way, so only its exact type makes a value plain.
    return value if type(value) in _PLAIN else f"<{type(value).__name__}>"


def _fields(what: str, template: str) -> list[str]:
    try:
        from string import Formatter

        parsed = [part[1] for part in Formatter().parse(template) if part[1] is not None]
    except ValueError as error:
        raise InvalidFlow(
            f"The name of the runs of {what} is no template: {error}.",
            fix="Write {{ and }} for braces that stand for themselves.",
        ) from None
    return parsed
