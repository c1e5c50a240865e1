"""The types that serializers know by a registered name, never by an import path found in data."""

import re
from collections.abc import Callable, Mapping
from enum import Enum, Flag
from typing import Any, NamedTuple, TypeVar, overload

from brickwork.errors import DuplicateName, UnsupportedType
from brickwork.masking import masker

C = TypeVar("C", bound=type[Any])

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class RegisteredType(NamedTuple):
    """A class of the user's, and how its values become simpler ones and come back.

    Attributes:
        name: Stands in the data.
        cls: The class; its subclasses are not meant.
        encode: From a value to a simpler one that the serializer knows.
        decode: Back. May raise anything for data that does not fit.
    """

    name: str
    cls: type[Any]
    encode: Callable[[Any], object]
    decode: Callable[[Any], object]


class StoredException(Exception):
    """An exception that was stored as a result: its type's name and its text, no more.

    Attributes:
        name: The type, with its module if it is no built-in.
        text: What ``str`` of the exception gave, masked.
    """

    def __init__(self, name: str, text: str) -> None:
        super().__init__(name, text)
        self.name = name
        self.text = text

    @classmethod
    def of(cls, error: BaseException) -> "StoredException":
        """Describe an exception, known secrets in its text hidden.

        One that was stored before stays what it was.
        """
        if isinstance(error, StoredException):
            return error
        kind = type(error)
        name = kind.__qualname__
        if kind.__module__ != "builtins":
            name = f"{kind.__module__}.{name}"
        try:
            return cls(name, masker.mask(str(error)))
        except Exception:  # noqa: BLE001 - __str__ of any class may raise anything
            return cls(name, "")

    def __str__(self) -> str:
        return f"{self.name}: {self.text}" if self.text else self.name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, StoredException) and self.args == other.args

    def __hash__(self) -> int:
        return hash(self.args)


_by_name: dict[str, RegisteredType] = {}
_by_class: dict[type[Any], RegisteredType] = {}


@overload
def register_type(name: str) -> Callable[[C], C]: ...
@overload
def register_type(
    name: str,
    cls: C,
    *,
    encode: Callable[[Any], object] | None = None,
    decode: Callable[[Any], object] | None = None,
) -> C: ...
def register_type(
    name: str,
    cls: C | None = None,
    *,
    encode: Callable[[Any], object] | None = None,
    decode: Callable[[Any], object] | None = None,
) -> C | Callable[[C], C]:
    """Make a class known under a name, so that ``json`` can store its values.

    As a decorator, or as a call for classes of others::

        @register_type("order")
        @dataclass
        class Order: ...


        register_type("money", Money, encode=str, decode=Money.parse)

    Dataclasses, pydantic models (without private attributes), enums and named tuples need no
    functions; data is validated again when it comes back. Both, the program that
    writes and the one that reads, import the module that registers. Keep a name for ever: it
    stands in stored results.

    Args:
        name: Letters, digits, ``.``, ``_``, ``-``; unique in the program.
        cls: The class. Its subclasses need names of their own.
        encode: Returns a simpler value: one that ``json`` knows.
        decode: Makes the value again from what ``encode`` returned.

    Raises:
        DuplicateName: Another class has the name, or the class has another name.
        UnsupportedType: The class needs ``encode`` and ``decode``, or the name is none.
    """
    if cls is None:
        return lambda decorated: register_type(name, decorated)
    if not _NAME.fullmatch(name):
        raise UnsupportedType(
            f"{name[:100]!r} cannot name a type.",
            fix="Use letters, digits, '.', '_' and '-', at most 100.",
        )
    if (encode is None) != (decode is None):
        raise UnsupportedType(
            f"The type {name!r} has one of encode and decode.", fix="Give both, or none."
        )
    if encode is None or decode is None:
        encode, decode = _functions_for(name, cls)
    _refuse_duplicates(name, cls)
    entry = RegisteredType(name, cls, encode, decode)
    _by_name[name] = _by_class[cls] = entry
    return cls


def registered_type(cls: type[Any]) -> RegisteredType | None:
    """Return the entry of a class, if it has one."""
    return _by_class.get(cls)


def registered_name(name: str) -> RegisteredType:
    """Return the entry of a name found in data; imports nothing. Raises UnsupportedType."""
    entry = _by_name.get(name)
    if entry is None:
        raise UnsupportedType(
            f"The data holds a value of type {name[:100]!r}, which nothing here has registered.",
            fix="Import the module that calls register_type with that name before reading.",
        )
    return entry


def _refuse_duplicates(name: str, cls: type[Any]) -> None:
    other = _by_name.get(name)
    if other is not None and _where(other.cls) != _where(cls):
        raise DuplicateName(
            f"The type name {name!r} is taken by {_where(other.cls)}; {_where(cls)} wants it too.",
            fix="Register one of them under another name.",
        )
    entry = _by_class.get(cls)
    if entry is not None and entry.name != name:
        raise DuplicateName(
            f"{_where(cls)} is registered as {entry.name!r} already, not as {name!r}.",
            fix="Keep one name.",
        )


def _where(cls: type[Any]) -> str:
    # By path, not by identity: a reloaded module makes its classes anew.
    return f"{cls.__module__}.{cls.__qualname__}"


def _functions_for(
    name: str, cls: type[Any]
) -> tuple[Callable[[Any], object], Callable[[Any], object]]:
    if issubclass(cls, Flag):  # combinations have no name of their own
        return (lambda value: value.value), cls
    if issubclass(cls, Enum):
        return (lambda value: value.name), cls.__getitem__
    if hasattr(cls, "__pydantic_validator__") and hasattr(cls, "model_fields"):
        return _encode_model, lambda raw: _decode_model(cls, raw)
    if hasattr(cls, "__dataclass_fields__"):
        return _dataclass_functions(name, cls)
    if issubclass(cls, tuple) and hasattr(cls, "_fields"):
        return (lambda value: dict(zip(cls._fields, value, strict=True))), lambda raw: cls(**raw)
    raise UnsupportedType(
        f"{_where(cls)} is no dataclass, pydantic model, enum or named tuple.",
        fix=f"Say how: register_type({name!r}, {cls.__name__}, encode=..., decode=...).",
    )


def _dataclass_functions(
    name: str, cls: type[Any]
) -> tuple[Callable[[Any], object], Callable[[Any], object]]:
    from dataclasses import InitVar, fields

    declared = cls.__dataclass_fields__.values()
    if any(isinstance(field.type, InitVar) or "InitVar" in str(field.type) for field in declared):
        raise UnsupportedType(
            f"{_where(cls)} has an InitVar, whose value no instance keeps.",
            fix=f"Say how: register_type({name!r}, {cls.__name__}, encode=..., decode=...).",
        )
    names = [field.name for field in fields(cls)]
    later = {field.name for field in fields(cls) if not field.init}

    def encode(value: Any) -> object:
        return {name: getattr(value, name) for name in names}

    def decode(raw: Mapping[str, object]) -> object:
        value = cls(**{name: part for name, part in raw.items() if name not in later})
        for name in later & raw.keys():
            object.__setattr__(value, name, raw[name])  # also on a frozen class
        return value

    return encode, decode


def _encode_model(value: Any) -> object:
    fields = {name: getattr(value, name) for name in type(value).model_fields}
    extra = getattr(value, "__pydantic_extra__", None)
    given = sorted(value.model_fields_set)
    return {"fields": fields, "set": given, **({"extra": extra} if extra else {})}


def _decode_model(cls: Any, raw: Mapping[str, Any]) -> object:
    fields = raw["fields"]
    if getattr(cls, "__pydantic_root_model__", False):
        return cls.model_validate(fields["root"])
    # Validated again: whoever can write to the result storage is not trusted with raw fields.
    value = cls.model_validate({**fields, **raw.get("extra", {})}, by_alias=False, by_name=True)
    object.__setattr__(value, "__pydantic_fields_set__", set(raw["set"]))
    return value
