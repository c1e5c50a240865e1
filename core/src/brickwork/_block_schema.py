"""How pydantic sees a `Block`: inputs are boxed before validation, so errors quote nothing."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast, get_args

from pydantic import ValidationError
from pydantic_core import (
    PydanticCustomError,
    PydanticSerializationUnexpectedValue,
    core_schema,
)

from brickwork._secret_schema import Hidden
from brickwork.errors import InvalidBlock, Problem
from brickwork.masking import masker
from brickwork.secret import Secret

if TYPE_CHECKING:
    from brickwork.block import Block

_KIND = "invalid_block"
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
        return value if isinstance(value, cls) else Hidden(value)

    def validate(boxed: object, inner: core_schema.ValidatorFunctionWrapHandler) -> object:
        value = boxed.value if isinstance(boxed, Hidden) else boxed
        try:
            return inner(_hide_secrets(cls, value))
        except ValidationError as error:
            problems, _ = problems_of(cls, error)
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


def _hide_secrets(cls: "type[Block]", value: object) -> object:
    # A validator of the class's author sees a Secret, so the message it writes cannot quote it.
    if not isinstance(value, Mapping):
        return value
    names = [name for name in secret_fields(cls) if isinstance(value.get(name), str | bytes)]
    if not names:
        return value
    return {**value, **{name: Secret(value[name]) for name in names}}


def secret_fields(cls: "type[Block]") -> tuple[str, ...]:
    """Return the names of the fields that are a `Secret` themselves, or an optional one."""
    found = cls.__dict__.get("_secret_fields")
    if found is None:
        found = tuple(
            key
            for name, field in cls.model_fields.items()
            if _is_secret(field.annotation)
            for key in {name, field.alias or name}
        )
        type.__setattr__(cls, "_secret_fields", found)
    return found


def _is_secret(annotation: Any) -> bool:
    origin = getattr(annotation, "__origin__", annotation)
    return origin is Secret or any(_is_secret(part) for part in get_args(annotation))


def problems_of(cls: "type[Block]", error: ValidationError) -> tuple[tuple[Problem, ...], str]:
    """Tell what is wrong, field by field, without a value; and what to do next."""
    problems: list[Problem] = []
    for item in error.errors(include_url=False):
        context = item.get("ctx", {})
        inner = context.get("problems") if item["type"] == _KIND else None
        if isinstance(context.get("error"), InvalidBlock):  # an inner block's own __init__
            inner = context["error"].problems
        path = _path(item["loc"])
        if inner is not None:
            problems += [Problem(_join(path, p.path), p.message, p.kind) for p in inner]
        else:
            problems.append(Problem(path, _message(item), item["type"]))
    return tuple(problems), _fix(cls, problems)


def _message(item: Any) -> str:
    if isinstance(item["input"], Secret) and item["type"] not in _ABOUT_SECRETS:
        return "a Secret was given, and this field is stored in clear"
    if item["type"] == "extra_forbidden":
        return "no such field"
    return masker.mask(_QUOTING.get(item["type"], item["msg"]))


def _fix(cls: "type[Block]", problems: list[Problem]) -> str:
    unknown = [p.path for p in problems if p.kind == "extra_forbidden" and "." not in p.path]
    if not unknown:
        return ""
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
        elif "function-" not in part:  # pydantic's label of a union's member
            path = _join(path, part)
    return path


def _join(path: str, more: str) -> str:
    return f"{path}.{more}" if path and more and not more.startswith("[") else path + more
