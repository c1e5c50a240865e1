"""What a run may be given while it waits: its type, how it is checked, and how it is kept."""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError, create_model
from pydantic.errors import PydanticSchemaGenerationError
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import PydanticSerializationError, to_jsonable_python

from brickwork import Secret, mask, open_serializer
from brickwork_flows.errors import InvalidInput

Kept = dict[str, Any]
"""A value as an entry keeps it: ``json`` in clear, or ``sealed`` with the key of the vault."""

_OWN = frozenset({"value_error", "assertion_error"})
_ANY: TypeAdapter[Any] = TypeAdapter(Any)


class RunInput(BaseModel):
    """What a run asks for when it pauses: derive from it, with a field for each thing.

    Unknown fields are refused. The docstring of the class, and the descriptions of its fields, are
    shown to who answers.
    """

    model_config = ConfigDict(extra="forbid")

    @classmethod
    def with_initial_data(cls, description: str | None = None, **initial: Any) -> type[Self]:
        """Return the same model with these values as defaults, which who answers may leave.

        Args:
            description: What is asked, in place of the docstring.
            **initial: Values by field.

        Raises:
            InvalidInput: There is no such field.
        """
        unknown = initial.keys() - cls.model_fields.keys()
        if unknown:
            raise InvalidInput(
                f"{cls.__name__} has no field {', '.join(sorted(unknown))}.",
                fix=f"There are: {', '.join(cls.model_fields)}.",
            )
        fields: dict[str, Any] = {}
        for name, value in initial.items():
            field = cls.model_fields[name]
            merged = FieldInfo.merge_field_infos(field, default=value, validate_default=True)
            fields[name] = (field.annotation, merged)
        made: type[Self] = create_model(
            cls.__name__, __base__=cls, __doc__=description or cls.__doc__, **fields
        )
        return made


class _Schema(GenerateJsonSchema):
    """Leaves out defaults that have no form in JSON, such as secrets, and does not warn of it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ignored_warning_kinds = {"skipped-choice", "non-serializable-default"}


class Wanted:
    """The type of what a run waits for.

    Args:
        kind: Any type that pydantic knows: ``int``, ``list[str]``, a model.

    Attributes:
        name: Its name, for people.
        schema: Its JSON schema, with secrets out of the defaults.

    Raises:
        InvalidInput: Nothing of that type can be given.
    """

    def __init__(self, kind: Any) -> None:
        try:
            self._adapter: TypeAdapter[Any] = TypeAdapter(kind)
            schema = self._adapter.json_schema(schema_generator=_Schema)
        except (PydanticSchemaGenerationError, ValueError, TypeError) as error:
            raise InvalidInput(
                f"{_name(kind)} is no type that a run can be given: {type(error).__name__}.",
                fix="Use a model derived from RunInput, or a plain type such as int or list[str].",
            ) from None
        self.name = _name(kind)
        self.schema: dict[str, Any] = json.loads(mask(json.dumps(schema)))
        self._is_model = isinstance(kind, type) and issubclass(kind, BaseModel)

    @property
    def outline(self) -> str:
        """The type with its fields, on one line."""
        return outlined(self.name, self.schema)

    def read(self, text: str | None) -> Any:
        """Return the value that a text in JSON stands for; of None, one of defaults alone.

        Raises:
            InvalidInput: It does not fit; names the fields and shows no value.
        """
        if text is None and not self._is_model:
            raise self.refusal(["nothing was given"])
        try:
            return self._adapter.validate_json("{}" if text is None else text)
        except ValidationError as error:
            secret = holds_secret(self.schema)
            raise self.refusal(
                [
                    f"{_place(each['loc'])}{_message(each['type'], each['msg'], secret=secret)}"
                    for each in error.errors(
                        include_input=False, include_url=False, include_context=False
                    )
                ]
            ) from None

    def refusal(self, problems: list[str]) -> InvalidInput:
        """Return the error for an input that does not fit."""
        return misfit(self.name, problems, self.schema)


def misfit(name: str, problems: list[str], schema: Mapping[str, Any]) -> InvalidInput:
    """Return the error for an input that does not fit a type."""
    lines = "".join(f"\n  - {problem}" for problem in problems)
    return InvalidInput(
        f"The input does not fit {name}{lines}", fix=f"It takes: {outlined(name, schema)}."
    )


def outlined(name: str, schema: Mapping[str, Any]) -> str:
    """Return a type with its fields, on one line: those that may be left out in brackets."""
    fields = schema.get("properties")
    if not fields:
        return name
    needed = schema.get("required", ())
    shown = [each if each in needed else f"[{each}]" for each in fields]
    return f"{name}({', '.join(shown)})"


def holds_secret(schema: Any) -> bool:
    """Tell whether a JSON schema has a field that is a secret, at any depth."""
    if isinstance(schema, dict):
        if schema.get("format") == "password" or schema.get("writeOnly"):
            return True
        return any(holds_secret(each) for each in schema.values())
    return isinstance(schema, list) and any(holds_secret(each) for each in schema)


def packed(value: Any, schema: Mapping[str, Any] | None = None) -> Kept:
    """Return a value as it is kept: sealed if it holds a secret.

    Args:
        value: What is given: plain values, models, dataclasses, dates, secrets.
        schema: Of what it is given for, which may say that there is a secret in it.

    Raises:
        InvalidInput: It has no form in JSON.
        VaultError: It holds a secret, and the vault in use has no key to seal it with.
    """
    secrets: list[object] = []
    try:
        plain = _revealed(_ANY.dump_python(value), secrets)
        text = json.dumps(to_jsonable_python(plain))
    except (PydanticSerializationError, ValueError, TypeError, RecursionError) as error:
        raise InvalidInput(
            f"A {_name(type(value))} cannot be given to a run: {type(error).__name__}.",
            fix="Give plain values, models, dataclasses or dates.",
        ) from None
    if secrets or holds_secret(schema) or mask(text) != text:
        sealed = open_serializer("json|aes256gcm").dumps(text)
        return {"sealed": b64encode(sealed).decode("ascii")}
    return {"json": text}


def unpacked(kept: Kept) -> str:
    """Return the JSON text that `packed` was given.

    Raises:
        SerializerError: It was changed, or the vault in use is not the one that sealed it.
    """
    if "json" in kept:
        return str(kept["json"])
    return str(open_serializer("json|aes256gcm").loads(b64decode(kept["sealed"])))


def _revealed(value: Any, secrets: list[object]) -> Any:
    if isinstance(value, Secret) or callable(getattr(value, "get_secret_value", None)):
        secrets.append(value)
        return value.reveal() if isinstance(value, Secret) else value.get_secret_value()
    if isinstance(value, dict):
        return {key: _revealed(each, secrets) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_revealed(each, secrets) for each in value]
    return value


def _place(loc: tuple[int | str, ...]) -> str:
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc)
    return f"{mask(path).lstrip('.')}: " if path else ""


def _message(kind: str, message: str, *, secret: bool) -> str:
    # A validator of the user's own may quote what it was given.
    return "the value was refused" if secret and kind in _OWN else mask(message)


def _name(kind: Any) -> str:
    plain = isinstance(kind, type) and not getattr(kind, "__args__", None)
    return kind.__name__ if plain else str(kind).replace("typing.", "")


def fields_of(schema: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any], bool]]:
    """Yield the fields of a model's schema: name, schema, whether it must be given."""
    needed = schema.get("required", ())
    for name, field in schema.get("properties", {}).items():
        yield name, resolved(field, schema), name in needed


def resolved(field: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the schema of a field, with what it refers to in its place."""
    where = str(field.get("$ref", ""))
    if not where.startswith("#/$defs/"):
        return field
    return {**schema["$defs"][where.removeprefix("#/$defs/")], **field}
