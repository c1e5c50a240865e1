"""A task's parameters, and arguments made to fit them. Imported when first asked for."""

import inspect
from collections.abc import Callable, Mapping
from types import UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    NamedTuple,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from brickwork.errors import InvalidArguments, TaskError
from brickwork.tasks.docstrings import argument_descriptions

if TYPE_CHECKING:
    from pydantic import TypeAdapter, ValidationError

    from brickwork.tasks.definition import Task

Resolve = Callable[[str], object]
EMPTY = inspect.Parameter.empty

# The interfaces whose objects stand in arguments by their address, block or URL. By module name:
# interfaces do not import each other.
_BY_ADDRESS = ("block", "storage", "serializer", "notifier")


class Parameter(NamedTuple):
    """One parameter of a task.

    Attributes:
        name: Its name.
        annotation: Its type, resolved; `inspect.Parameter.empty` without one.
        default: Its default; `inspect.Parameter.empty` without one.
        kind: How it is given, as in `inspect.Parameter.kind`.
        description: What the docstring's ``Args:`` say of it, or empty.
    """

    name: str
    annotation: Any
    default: Any
    kind: Any
    description: str

    @property
    def required(self) -> bool:
        """Whether a call must give it."""
        variadic = self.kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
        return self.default is EMPTY and not variadic


def parameters_of(task: "Task[..., Any]") -> tuple[Parameter, ...]:
    """Return a task's parameters in their order.

    Raises:
        TaskError: An annotation cannot be resolved.
    """
    hints = resolved_hints(task)
    described = argument_descriptions(task.__doc__)
    return tuple(
        Parameter(name, hints.get(name, EMPTY), each.default, each.kind, described.get(name, ""))
        for name, each in inspect.signature(task.fn).parameters.items()
    )


def resolved_hints(task: "Task[..., Any]") -> dict[str, Any]:
    """Return a task's annotations, with texts turned into types.

    Raises:
        TaskError: One cannot be resolved.
    """
    fn = inspect.unwrap(task.fn)
    while not inspect.isroutine(fn):  # a partial, or an object with __call__
        fn = getattr(fn, "func", None) or type(fn).__call__
    try:
        return get_type_hints(fn, include_extras=True)
    except Exception as error:
        raise TaskError(
            f"Task {task.name!r}: an annotation cannot be resolved: {error}.",
            fix="Import its type at run time, not only under TYPE_CHECKING.",
        ) from error


def coerce(
    task: "Task[..., Any]", arguments: Mapping[str, object], resolve: Resolve | None
) -> dict[str, Any]:
    """Do what `Task.coerce` says."""
    wanted = {each.name: each for each in task.parameters}
    rest = None
    for each in task.parameters:
        if each.kind in (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.VAR_POSITIONAL):
            raise TaskError(
                f"Task {task.name!r} takes {each.name!r} by position only.",
                fix="Call it in Python, or give the function a parameter with a name.",
            )
        if each.kind is inspect.Parameter.VAR_KEYWORD:
            rest = wanted.pop(each.name)
    good: dict[str, Any] = {}
    problems: list[str] = []
    for name, value in arguments.items():
        parameter = wanted.get(name, rest)
        if parameter is None:
            problems.append(f"{name}: there is no such parameter")
        else:
            found = _validated(parameter, value, resolve)
            if isinstance(found, _Refused):
                problems += [f"{name}{line}" for line in found.lines]
            else:
                good[name] = found
    problems += [
        f"{name}: is missing"
        for name, parameter in wanted.items()
        if parameter.required and name not in arguments
    ]
    if problems:
        lines = "".join(f"\n  - {problem}" for problem in problems)
        raise InvalidArguments(
            f"Task {task.name!r}: {len(problems)} argument(s) do not fit{lines}",
            fix=f"It takes: {', '.join(map(_as_text, task.parameters)) or 'no arguments'}.",
        ) from None
    return good


class _Refused:
    """What is wrong with one argument: lines that follow its name."""

    def __init__(self, error: "ValidationError", *, secret: bool) -> None:
        self.lines = [
            f"{_path(each['loc'])}: {_message(each['type'], each['msg'], secret=secret)}"
            for each in error.errors(include_input=False, include_url=False, include_context=False)
        ]


def _path(loc: tuple[int | str, ...]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc)


def _message(kind: str, message: str, *, secret: bool) -> str:
    # A validator of the user's own may quote what it was given.
    own = kind in ("value_error", "assertion_error")
    return "the value was refused (it may hold a secret)" if own and secret else message


def _as_text(parameter: Parameter) -> str:
    return parameter.name if parameter.required else f"[{parameter.name}]"


def _validated(parameter: Parameter, value: object, resolve: Resolve | None) -> Any:
    from pydantic import ValidationError

    if parameter.annotation is EMPTY:
        return value
    annotation = parameter.annotation
    adapter = _adapter(annotation if resolve is None else _with_resolver(annotation, resolve))
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        first = error
    parsed = _parsed(value)
    if parsed is not value:
        try:
            return adapter.validate_python(parsed)
        except ValidationError as error:
            # Who wrote a list or a mapping wants to know what is wrong inside.
            if isinstance(parsed, list | dict):
                first = error
    return _Refused(first, secret=_mentions(annotation, _may_hold_secret))


def _parsed(value: object) -> object:
    """Return what a text says in JSON; the value itself when it is no such text."""
    import json

    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _adapter(annotation: Any) -> "TypeAdapter[Any]":
    from pydantic import ConfigDict, TypeAdapter
    from pydantic.errors import PydanticSchemaGenerationError

    try:
        return TypeAdapter(annotation)
    except PydanticSchemaGenerationError:
        # A class that pydantic does not know, such as an interface: an instance of it will do.
        return TypeAdapter(annotation, config=ConfigDict(arbitrary_types_allowed=True))


def _with_resolver(annotation: Any, resolve: Resolve) -> Any:
    """Return the annotation with a step before each interface in it: texts are resolved."""
    from pydantic import BeforeValidator

    if _is_by_address(annotation):

        def by_address(value: object) -> object:
            if not isinstance(value, str):
                return value
            _refuse_bare_name(annotation, value)
            return resolve(value)

        return Annotated[annotation, BeforeValidator(by_address)]
    origin, args = get_origin(annotation), get_args(annotation)
    if not _mentions(annotation, _is_by_address):
        return annotation
    if origin is Annotated:
        return Annotated[(_with_resolver(args[0], resolve), *args[1:])]
    inside = tuple(_with_resolver(arg, resolve) for arg in args)
    return Union[inside] if origin in (Union, UnionType) else origin[inside]  # noqa: UP007 - built from a tuple


def _mentions(annotation: Any, test: Callable[[Any], bool]) -> bool:
    if test(annotation):
        return True
    if get_origin(annotation) is Literal:
        return False
    args = get_args(annotation)
    return any(_mentions(arg, test) for arg in args)


def _refuse_bare_name(annotation: Any, text: str) -> None:
    """Refuse a name where an address or a URL must be; only serializers go by their names."""
    from pydantic_core import PydanticCustomError

    interfaces = _interfaces(annotation)
    if "/" in text or ":" in text or "serializer" in interfaces:
        return
    wanted = []
    if "block" in interfaces:
        slug = annotation.__dict__.get("slug", "slug")
        wanted.append(f"the address of a saved block, {slug}/NAME")
    if "storage" in interfaces or "notifier" in interfaces:
        wanted.append("a URL" if wanted else "a URL or the address of a saved block, slug/NAME")
    raise PydanticCustomError("bare_name", "give {wanted}", {"wanted": ", or ".join(wanted)})


def _is_by_address(annotation: Any) -> bool:
    return bool(_interfaces(annotation))


def _interfaces(annotation: Any) -> set[str]:
    """Return which of the interfaces an annotation is, or implements."""
    bases = [base.__module__.split(".") for base in getattr(annotation, "__mro__", ())]
    return {
        name for package, *inside in bases if package == "brickwork" for name in inside[:1]
    } & set(_BY_ADDRESS)


def _may_hold_secret(annotation: Any) -> bool:
    """Whether it is a secret, or a class with fields of its own, such as a model."""
    from brickwork.secret import Secret

    fields = ("model_fields", "__dataclass_fields__", "__required_keys__")
    is_secret = annotation is Secret or get_origin(annotation) is Secret
    return is_secret or any(hasattr(annotation, each) for each in fields)
