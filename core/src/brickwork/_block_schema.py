"""How pydantic sees a `Block`: inputs are boxed before validation, so errors quote nothing."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, cast, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import (
    PydanticCustomError,
    PydanticSerializationUnexpectedValue,
    core_schema,
)

from brickwork._secret_schema import Hidden
from brickwork.errors import InvalidBlock, Problem
from brickwork.masking import Masker, masker
from brickwork.secret import Secret

if TYPE_CHECKING:
    from brickwork.block import Block

_KIND = "invalid_block"
_LABEL = "function-plain[box()]"
"""In what pydantic calls a block or a secret as a member of a union: no part of a path."""
_QUOTING = {"union_tag_invalid": "Input has no known tag"}
"""Kinds of problem whose message quotes the input, and what is said instead."""
_ABOUT_SECRETS = {"secret_type", "value_error", "assertion_error"}
"""Kinds of problem that a field for secrets can have; any other means the field is for none."""


def guarded_schema(cls: "type[Block]", schema: core_schema.CoreSchema) -> core_schema.CoreSchema:
    """Wrap the schema of a block class so that no error of it carries an input.

    The first step boxes the input and cannot fail; the second validates what is in the box and
    turns all that is wrong into one problem, whose input is the box. It holds wherever the class is
    a field: in a list, a union, a model that is not ours.
    """
    if schema["type"] in ("chain", "definition-ref"):  # guarded already, or a name of such a one
        return schema
    # A class that holds itself refers to its schema by name: the name must mean the guarded one.
    name = schema.get("ref")
    model = cast("core_schema.CoreSchema", {k: v for k, v in schema.items() if k != "ref"})

    def box(value: object) -> object:
        return value if isinstance(value, (cls, Hidden)) else Hidden(value)

    def validate(boxed: object, inner: core_schema.ValidatorFunctionWrapHandler) -> object:
        # The plain value gets no name here: a traceback may show local variables.
        try:
            return inner(_with_secrets(cls, boxed))
        except ValidationError as error:
            problems, _ = problems_of(cls, error, boxed)
            raise PydanticCustomError(
                _KIND,
                "{text}",
                {"text": "; ".join(map(str, problems)), "problems": problems},
            ) from None

    def serialize(
        block: object,
        inner: core_schema.SerializerFunctionWrapHandler,
        info: core_schema.SerializationInfo,
    ) -> object:
        # A vault that saves a block swaps the blocks inside it for placeholders.
        swap = getattr(info.context, "swap", None)
        if not isinstance(block, cls):  # a union tries its members in turn
            raise PydanticSerializationUnexpectedValue("not such a block")
        if swap is not None and block is not getattr(info.context, "root", None):
            return swap(block)
        return inner(block)

    return core_schema.chain_schema(
        [
            core_schema.no_info_plain_validator_function(box),
            core_schema.no_info_wrap_validator_function(validate, model),
        ],
        serialization=core_schema.wrap_serializer_function_ser_schema(
            serialize, schema=model, info_arg=True
        ),
        ref=name,
    )


def _with_secrets(cls: "type[Block]", boxed: object) -> object:
    # A validator of the class's author sees a Secret, so the message it writes cannot quote it.
    value = boxed.value if isinstance(boxed, Hidden) else boxed
    if type(value) is not dict and not isinstance(value, Mapping):
        return value
    names = [name for name in _names(cls).secret if isinstance(value.get(name), (str, bytes))]
    if not names:
        return value
    return {**value, **{name: Secret(value[name]) for name in names}}


class _Names(NamedTuple):
    secret: tuple[str, ...]
    public: frozenset[str]


def _names(cls: "type[Block]") -> _Names:
    """Return the names of fields that are a `Secret`, and of those that hold none at any depth.

    A field has more than one name if it has an alias.
    """
    found: _Names | None = cls.__dict__.get("_names_of_fields")
    if found is None:
        secret: list[str] = []
        public: list[str] = []
        for name, field in cls.model_fields.items():
            names = [name, *(n for n in (field.alias, field.validation_alias) if type(n) is str)]
            if _has_secret(field.annotation, models=False):
                secret += names
            elif not _has_secret(field.annotation, models=True):
                public += names
        found = _Names(tuple(dict.fromkeys(secret)), frozenset(public))
        type.__setattr__(cls, "_names_of_fields", found)
    return found


def _has_secret(annotation: Any, *, models: bool, seen: tuple[Any, ...] = ()) -> bool:
    """Tell whether a type holds secrets; ``models`` looks into models, and doubts what is vague."""
    origin = getattr(annotation, "__origin__", annotation)
    if origin is Secret:
        return True
    if models and (origin in seen or origin in (Any, object)):
        return origin not in seen
    if models and isinstance(origin, type) and issubclass(origin, BaseModel):
        fields = origin.model_fields.values()
        inside = [field.annotation for field in fields]
        return not fields or any(_has_secret(a, models=True, seen=(*seen, origin)) for a in inside)
    return any(_has_secret(part, models=models, seen=seen) for part in get_args(annotation))


def problems_of(
    cls: "type[Block]", error: ValidationError, boxed: object = None
) -> tuple[tuple[Problem, ...], str]:
    """Tell what is wrong, field by field, without a value; and what to do next.

    Args:
        cls: The block's class.
        error: What pydantic found.
        boxed: What was validated; a validator's message that quotes a secret of it is masked.
    """
    mask = _masker_of(cls, boxed)
    problems: list[Problem] = []
    for item in error.errors(include_url=False):
        context = item.get("ctx", {})
        inner = context.get("problems") if item["type"] == _KIND else None
        if isinstance(context.get("error"), InvalidBlock):  # an inner block's own __init__
            inner = context["error"].problems
        path = masker.mask(_path(item["loc"]))
        if inner is not None:
            problems += [Problem(_join(path, p.path), p.message, p.kind) for p in inner]
        else:
            problems.append(Problem(path, mask(_message(item)), item["type"]))
    return tuple(problems), _fix(cls, problems)


def _masker_of(cls: "type[Block]", boxed: object) -> Callable[[str], str]:
    """Return what masks texts of fields that may hold secrets, and of unknown ones."""
    value = boxed.value if isinstance(boxed, Hidden) else boxed
    if isinstance(value, cls):
        return masker.mask
    mine = Masker()
    if isinstance(value, Mapping):
        public = _names(cls).public
        waiting = [item for name, item in value.items() if name not in public]
    else:
        waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str | bytes):
            mine.add(item)
        elif isinstance(item, Mapping):
            waiting += item.values()
        elif isinstance(item, list | tuple | set | frozenset):
            waiting += item
    return lambda text: mine.mask(masker.mask(text))


def _message(item: Any) -> str:
    if isinstance(item["input"], Secret) and item["type"] not in _ABOUT_SECRETS:
        return "a Secret was given, and this field is stored in clear"
    if item["type"] == "extra_forbidden":
        return "no such field"
    return str(_QUOTING.get(item["type"], item["msg"]))


def _fix(cls: "type[Block]", problems: list[Problem]) -> str:
    unknown = [p.path for p in problems if p.kind == "extra_forbidden" and "." not in p.path]
    if not unknown:
        slug = cls.__dict__.get("slug")
        if slug is None:
            return f"Mend those fields; see the class {cls.__qualname__}."
        return f"Mend those fields; `brickwork block types {slug}` says what they take."
    from difflib import get_close_matches

    names = list(cls.model_fields)
    near = [(name, get_close_matches(name, names, 1)) for name in unknown]
    hints = [f"write {match[0]} instead of {name}" for name, match in near if match]
    return "; ".join(hints).capitalize() + "." if hints else f"Fields: {', '.join(names)}."


def _path(loc: tuple[int | str, ...]) -> str:
    path = ""
    for part in loc:
        if isinstance(part, int):
            path += f"[{part}]"
        elif _LABEL not in part:
            path = _join(path, part)
    return path


def _join(path: str, more: str) -> str:
    return f"{path}.{more}" if path and more and not more.startswith("[") else path + more
