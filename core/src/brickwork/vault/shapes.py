"""What a field takes, told from its annotation: for forms, ``--set``, manifests and references."""

import dataclasses
import enum
import types
import typing
from collections.abc import Mapping, Sequence, Set as AbstractSet
from functools import cached_property, lru_cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, JsonValue, SecretBytes, SecretStr, TypeAdapter
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from brickwork.block import Block
from brickwork.secret import Secret

Kind = Literal[
    "secret", "block", "fields", "list", "dict", "union", "choice", "bool", "any", "leaf"
]

REQUIRED: Any = PydanticUndefined
"""Stands for the default of a field that has none."""


class Shape:
    """What may stand in one place.

    Attributes:
        annotation: The type, with its constraints.
        optional: Whether null may stand there too.
        bare: The type without null and constraints.
    """

    def __init__(self, annotation: Any) -> None:
        self.annotation = annotation
        self.bare, self.optional = _bare(annotation)

    @cached_property
    def kind(self) -> Kind:
        """What sort of thing it is."""
        return _kind(self.bare)

    @cached_property
    def options(self) -> "tuple[Shape, ...]":
        """The members of a union; the shape of the items of a list or of the values of a dict."""
        args = get_args(self.bare)
        if self.kind == "union":
            return tuple(Shape(each) for each in args if each is not types.NoneType)
        if self.kind == "dict":
            return (Shape(args[1] if len(args) > 1 else Any),)
        if self.kind == "list":
            kept = [each for each in args if each is not Ellipsis]
            several = get_origin(self.bare) is tuple and len(kept) > 1
            return (Shape(_union(kept) if several else kept[0] if kept else Any),)
        return ()

    @cached_property
    def fields(self) -> "Mapping[str, Field]":
        """The fields of a block, a model, a dataclass or a typed dict."""
        return fields_of(self.bare) if self.kind in ("fields", "block") else {}

    @cached_property
    def choices(self) -> tuple[Any, ...]:
        """The values that a choice has."""
        if self.kind != "choice":
            return ()
        if isinstance(self.bare, enum.EnumType):
            members: Mapping[str, enum.Enum] = self.bare.__members__
            return tuple(member.value for member in members.values())
        return get_args(self.bare)

    @cached_property
    def adapter(self) -> "TypeAdapter[Any] | None":
        """Validates a value for this place alone; None where that cannot be done."""
        try:
            return TypeAdapter(self.annotation)
        except Exception:  # noqa: BLE001  # a type that only its model's own settings allow
            return None

    def fits(self, value: object) -> bool:
        """Whether a value could stand there, as far as this place alone says."""
        if self.adapter is None:
            return True
        try:
            self.adapter.validate_python(value)
        except Exception:  # noqa: BLE001  # validators of the class's author raise what they like
            return False
        return True

    def at(self, path: Sequence[str]) -> "Shape | None":
        """Return the shape of what stands below; None where nothing can."""
        if not path:
            return self
        if self.kind == "any":
            return self
        if self.kind == "union":
            found = [below for each in self.options if (below := each.at(path)) is not None]
            if len(found) > 1:
                return Shape(_union([each.annotation for each in found]))
            return found[0] if found else None
        if self.kind in ("list", "dict"):
            inside = self.kind == "dict" or path[0].isdecimal()
            return self.options[0].at(path[1:]) if inside else None
        field = self.fields.get(path[0])
        return None if field is None else field.shape.at(path[1:])

    def takes_secret(self) -> bool:
        """Whether a secret may stand in this very place."""
        if self.kind == "union":
            return any(each.takes_secret() for each in self.options)
        return self.kind == "secret"

    def block_classes(self) -> tuple[type[Block], ...]:
        """Return the classes of block that may stand in this very place."""
        if self.kind == "block":
            return (self.bare,)
        if self.kind == "union":
            return tuple(cls for each in self.options for cls in each.block_classes())
        return ()

    def secret_in(self, value: object) -> bool:
        """Whether a literal value has text where a secret may stand, at any depth."""
        if self.kind == "secret":
            return value is not None
        if self.kind == "union":
            return any(each.secret_in(value) for each in self.options)
        if self.kind == "list" and isinstance(value, list):
            return any(self.options[0].secret_in(each) for each in value)
        if self.kind == "dict" and isinstance(value, dict):
            return any(self.options[0].secret_in(each) for each in value.values())
        if self.fields and isinstance(value, dict):
            return any(
                self.fields[name].shape.secret_in(each)
                for name, each in value.items()
                if name in self.fields
            )
        return False


class Field:
    """One field.

    Attributes:
        name: Its name.
        shape: What it takes.
        description: What its class says of it.
        default: Its default; `REQUIRED` where there is none.
    """

    def __init__(self, name: str, annotation: Any, description: str = "", default: Any = REQUIRED):
        self.name = name
        self.shape = Shape(annotation)
        self.description = description
        self.default = default

    @property
    def required(self) -> bool:
        """Whether a value must be given."""
        return self.default is REQUIRED


@lru_cache(maxsize=1024)
def fields_of(cls: Any) -> "Mapping[str, Field]":
    """Return the fields of a class; an alias leads to the same field as its name."""
    if issubclass(cls, BaseModel):
        found = {name: _of_model(name, info) for name, info in cls.model_fields.items()}
        aliases = {info.alias: found[name] for name, info in cls.model_fields.items() if info.alias}
        return {**aliases, **found}
    hints = get_type_hints(cls, include_extras=True)
    if dataclasses.is_dataclass(cls):
        return {
            each.name: Field(each.name, hints[each.name], default=_of_dataclass(each))
            for each in dataclasses.fields(cls)
            if each.init
        }
    required: frozenset[str] = getattr(cls, "__required_keys__", frozenset())
    return {
        name: Field(name, hint, default=REQUIRED if name in required else None)
        for name, hint in hints.items()
    }


def _of_model(name: str, info: FieldInfo) -> Field:
    annotation: Any = info.annotation
    for each in info.metadata:
        annotation = Annotated[annotation, each]
    default = REQUIRED
    if not info.is_required():
        try:
            default = info.get_default(call_default_factory=True, validated_data={})
        except Exception:  # noqa: BLE001  # a factory that needs the other fields
            default = None
    return Field(name, annotation, info.description or "", default)


def _of_dataclass(field: "dataclasses.Field[Any]") -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return REQUIRED if field.default is dataclasses.MISSING else field.default


def _union(members: Sequence[Any]) -> Any:
    return Union[tuple(members)]  # noqa: UP007  # built from a list


def _bare(annotation: Any) -> tuple[Any, bool]:
    """Return the type without null, constraints and names of types; and whether null may be."""
    optional = False
    while True:
        if get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        elif annotation is JsonValue:
            return Any, optional
        elif hasattr(annotation, "__value__"):  # a type alias
            annotation = annotation.__value__
        elif get_origin(annotation) in (typing.Required, typing.NotRequired, typing.ClassVar):
            annotation = get_args(annotation)[0]
        elif get_origin(annotation) in (Union, types.UnionType):
            members = [each for each in get_args(annotation) if each is not types.NoneType]
            optional = optional or len(members) < len(get_args(annotation))
            if len(members) != 1:
                return _union(members), optional
            annotation = members[0]
        else:
            return annotation, optional


def _kind(bare: Any) -> Kind:
    origin = get_origin(bare)
    cls = origin or bare
    if bare is Any or bare is object or isinstance(bare, typing.TypeVar):
        return "any"
    if origin is Union:
        return "union"
    if origin is Literal:
        return "choice"
    if not isinstance(cls, type):
        return "leaf"
    if issubclass(cls, Secret | SecretStr | SecretBytes):
        return "secret"
    if issubclass(cls, Block):
        return "block"
    if cls is bool:
        return "bool"
    if issubclass(cls, enum.Enum):
        return "choice"
    if issubclass(cls, BaseModel) or dataclasses.is_dataclass(cls) or typing.is_typeddict(cls):
        return "fields"
    if issubclass(cls, str | bytes | bytearray):
        return "leaf"
    if issubclass(cls, Mapping):
        return "dict"
    return "list" if issubclass(cls, Sequence | AbstractSet) else "leaf"
