"""``Block``: a typed, immutable value of configuration and secrets, saved and loaded by name."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, Self, TypeVar

from pydantic import BaseModel, ConfigDict, PrivateAttr, ValidationError
from pydantic_core import PydanticSerializationError

from brickwork._block_schema import guarded_schema, problems_of
from brickwork.errors import (
    BlockError,
    InvalidBlock,
    InvalidName,
    MigrationError,
    SecretExposed,
)

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic_core import CoreSchema

    from brickwork.vault import Document, Vault

B = TypeVar("B", bound="Block")
Fields = dict[str, Any]

_SLUG = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*\Z")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")


class Address(NamedTuple):
    """Where a block is saved: ``slug/name``, with a version ``slug/name@3``."""

    slug: str
    name: str
    version: int | None = None

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Read an address from text. Raises InvalidName."""
        slug, slash, rest = text.partition("/")
        name, at, version = rest.partition("@")
        if not slash or (at and not (version.isascii() and version.isdigit() and int(version))):
            raise InvalidName(
                f"{text!r} is not an address.",
                fix="Write slug/name or slug/name@version, for example aws-credentials/prod.",
            )
        return cls(check_slug(slug), check_name(name), int(version) if at else None)

    def __str__(self) -> str:
        version = "" if self.version is None else f"@{self.version}"
        return f"{self.slug}/{self.name}{version}"


def check_slug(text: str) -> str:
    """Return the text if it is a slug. Raises InvalidName."""
    if not _SLUG.match(text):
        raise InvalidName(
            f"{text!r} is not a slug.",
            fix="A slug is lower-case words with hyphens between them, such as aws-s3-bucket; "
            "the first word is the plugin's entry-point name.",
        )
    return text


def check_name(text: str) -> str:
    """Return the text if it is a block's name. Raises InvalidName."""
    if not _NAME.match(text):
        raise InvalidName(
            f"{text!r} is not a name for a block.",
            fix="A name has 1 to 100 of the characters A-Z a-z 0-9 . _ - and starts with a "
            "letter or a digit.",
        )
    return text


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check looked at.

    Attributes:
        status: ``ok``, ``warning``, ``failed``, or ``skipped`` where it could not be looked at.
        what: What was looked at, in some words.
        detail: What was found; never a secret.
        fix: What to do next, where something is to be done.
    """

    status: Literal["ok", "warning", "failed", "skipped"]
    what: str
    detail: str = ""
    fix: str = ""


@dataclass(frozen=True)
class CheckReport:
    """The answer of `Block.check`: is it real, reachable, permitted?"""

    findings: tuple[Finding, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing failed."""
        return all(finding.status != "failed" for finding in self.findings)


def migration(
    from_version: int,
) -> Callable[[Callable[[Fields], Fields]], "staticmethod[..., Any]"]:
    """Mark a function of a block class that lifts stored fields by one schema version.

    ``@migration(1)`` takes the fields of a document of schema version 1 and returns those of
    version 2. Fields are plain JSON values, `Secret` objects and blocks. A field that is not
    returned disappears, its secret with it. The function is called without the class::

        class Account(Block):
            slug: ClassVar[str] = "acme-account"
            schema_version: ClassVar[int] = 2
            login: str = Field(description="Who logs in.")

            @migration(1)
            def _user_became_login(fields):
                fields["login"] = fields.pop("user")
                return fields
    """

    def mark(function: Callable[[Fields], Fields]) -> "staticmethod[..., Any]":
        marked = staticmethod(function)
        marked.__dict__["migrates_from"] = from_version
        return marked

    return mark


defined_blocks: dict[str, "type[Block]"] = {}
"""Every block class with a slug that this process has defined."""


class Block(BaseModel):
    """A typed, immutable value: configuration and secrets, and a client or an interface on it.

    Subclass it, give it a ``slug`` and described fields; the docstring is its description::

        class Account(Block):
            \"\"\"An account at Acme.\"\"\"

            slug: ClassVar[str] = "acme-account"
            login: str = Field(description="Who logs in.")
            password: Secret[str] = Field(description="The password.")

    Values are coerced and validated; unknown fields are refused; nothing can be changed afterwards
    (`model_copy(update=...)` makes a changed one). Errors are `InvalidBlock` and never carry the
    values. A field may hold blocks at any depth: one with an address is saved as a reference, so
    that rotating it reaches every block that uses it; one without is saved inside.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        ser_json_inf_nan="strings",
        validate_by_name=True,
        validate_by_alias=True,
    )

    slug: ClassVar[str]
    """The class's permanent name; the text before its first hyphen is its plugin's name."""
    schema_version: ClassVar[int] = 1
    """Raised when the fields change so that stored documents need a `migration`."""

    _place: "Place | None" = PrivateAttr(default=None)

    # Values

    def __init__(self, /, **fields: Any) -> None:
        try:
            super().__init__(**fields)
        except ValidationError as error:
            invalid = _invalid(type(self), error)
        else:
            return
        # Raised out here, without the values: neither the chain of errors nor a traceback that
        # shows local variables leads back to them.
        del fields
        raise invalid

    @classmethod
    def model_validate(cls, obj: Any, **options: Any) -> Self:
        """Validate like pydantic, with errors that carry no input. Raises InvalidBlock."""
        try:
            return super().model_validate(obj, **options)
        except ValidationError as error:
            invalid = _invalid(cls, error)
        del obj
        raise invalid

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **options: Any) -> Self:
        """Validate JSON like pydantic, with errors that carry no input. Raises InvalidBlock."""
        try:
            return super().model_validate_json(json_data, **options)
        except ValidationError as error:
            invalid = _invalid(cls, error)
        del json_data
        raise invalid

    @classmethod  # type: ignore[no-redef]  # pydantic's mypy plugin adds its own
    def model_construct(  # type: ignore[override]  # as above
        cls, _fields_set: set[str] | None = None, **values: Any
    ) -> Self:
        """Validate all the same: an unchecked block could show a secret held as plain text."""
        return cls(**values)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy; with ``update`` a validated one with those fields changed.

        A changed copy has no address, but saving it over the block that it was made from notices
        when somebody else saved a newer version in between (VersionConflict).
        """
        if not update:
            return super().model_copy(deep=deep)
        copy = type(self)(**{**self.__dict__, **update})
        place = self._place
        if place is not None:
            stamp(copy, place._replace(changed=True))
        return copy

    def model_dump_json(self, **options: Any) -> str:
        """Return JSON, as pydantic does. Raises SecretExposed for a block that holds secrets."""
        try:
            return super().model_dump_json(**options)
        except PydanticSerializationError as error:
            raise _exposed(type(self), error) from None

    def __eq__(self, other: object) -> bool:
        """Compare class and fields; where the two are saved does not matter."""
        if not isinstance(other, Block):
            return NotImplemented
        return type(self) is type(other) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        try:
            return hash((type(self), tuple(self.__dict__.values())))
        except TypeError:  # a field holds a dict or a list
            return hash((type(self), tuple(self.__dict__)))

    def __reduce__(self) -> Any:
        if self.address is not None:
            return (_load_pickled, (str(self.address),))
        return super().__reduce__()

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.__reduce__() if self.address is not None else super().__reduce_ex__(protocol)

    # Saving and loading, on the vault in use

    @property
    def address(self) -> Address | None:
        """Where this block is saved, with its version; None for one that is not."""
        place = self._place
        return None if place is None or place.changed else place.address

    def save(self, name: str, *, overwrite: bool = False) -> "Document":
        """Save on the vault in use, and stamp the address on this block.

        Args:
            name: ``[A-Za-z0-9][A-Za-z0-9._-]{0,99}``; case counts.
            overwrite: Add a version when another block is saved under the name.

        Raises:
            BlockExists: Another block has the name, and ``overwrite`` is not set.
            VersionConflict: This block was loaded, and a newer version was saved since.
            VaultError: Any other reason; the vault is as it was.
        """
        return _vault().save(self, name, overwrite=overwrite)

    @classmethod
    def load(cls, name: str, *, version: int | None = None) -> Self:
        """Load from the vault in use.

        Args:
            name: The name, or the whole address (needed on `Block` itself): ``slug/name@3``.
            version: A version; the newest where it is None. A block that was loaded by version
                stays that version where other blocks refer to it.

        Raises:
            BlockNotFound: Nothing is saved there.
            BlockError: What is saved there is not of this class, or does not fit it any more.
            VaultError: It could not be read or decrypted.
        """
        return _vault().load(_address_for(cls, name, version), expect=cls)

    def check(self) -> CheckReport:
        """Find out whether it is real, reachable and permitted. Bounded in time; never raises.

        The default looks at nothing, since most plain blocks stand for nothing outside.
        """
        return CheckReport((Finding("skipped", "nothing outside to check"),))

    async def asave(self, name: str, *, overwrite: bool = False) -> "Document":
        """`save`, in a worker thread."""
        document: Document = await _in_thread(self.save, name, overwrite=overwrite)
        return document

    @classmethod
    async def aload(cls, name: str, *, version: int | None = None) -> Self:
        """`load`, in a worker thread."""
        loaded: Self = await _in_thread(cls.load, name, version=version)
        return loaded

    async def acheck(self) -> CheckReport:
        """`check`, in a worker thread."""
        report: CheckReport = await _in_thread(self.check)
        return report

    # The class

    @classmethod
    def __pydantic_init_subclass__(cls, **options: Any) -> None:
        super().__pydantic_init_subclass__(**options)
        _refuse_shadowing(cls)
        slug = cls.__dict__.get("slug")
        if slug is not None:
            _define(check_slug(slug), cls)

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: Any, handler: "GetCoreSchemaHandler"
    ) -> "CoreSchema":
        return guarded_schema(cls, handler(source))

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: "CoreSchema", handler: "GetJsonSchemaHandler"
    ) -> dict[str, Any]:
        # The guard says nothing about the fields: describe the model inside it.
        return handler(schema["steps"][1]["schema"] if schema["type"] == "chain" else schema)


class Place(NamedTuple):
    """Where a block was loaded from or saved to."""

    address: Address
    store_id: bytes
    pinned: bool = False  # loaded by an explicit version
    changed: bool = False  # a changed copy: not what is saved, but based on it


def place_of(block: Block) -> Place | None:
    """Return where a block was loaded from or saved to; for the vault."""
    return block._place  # noqa: SLF001  # private to users, not to this module


def stamp(block: Block, place: Place) -> None:
    """Note on a block where it is saved; for the vault."""
    block._place = place  # noqa: SLF001  # as above


# Migrations


def lift(cls: type[Block], fields: Fields, from_version: int) -> Fields:
    """Lift stored fields to the class's schema version, one migration after the other.

    Raises:
        MigrationError: A migration lacks, or failed, or the document is newer than the class.
    """
    if from_version > cls.schema_version:
        raise MigrationError(
            f"A {cls.slug} block was saved with schema version {from_version}; the installed "
            f"{cls.__name__} knows only up to {cls.schema_version}.",
            fix=f"Upgrade the package that has {cls.__module__}.",
        )
    steps = _migrations(cls)
    for version in range(from_version, cls.schema_version):
        step = steps.get(version)
        if step is None:
            raise MigrationError(
                f"A {cls.slug} block was saved with schema version {from_version}, and "
                f"{cls.__name__} has no migration from {version} to {version + 1}.",
                fix=f"Add a function marked @migration({version}) to {cls.__module__}."
                f"{cls.__qualname__}.",
            )
        try:
            fields = step(fields)
        except Exception as error:  # noqa: BLE001  # any failure of foreign code, named
            raise MigrationError(
                f"The migration of {cls.slug} from schema version {version} failed with "
                f"{type(error).__name__}.",
                fix=f"Mend the function marked @migration({version}) in {cls.__module__}.",
            ) from None
        if not isinstance(fields, dict):
            raise MigrationError(
                f"The migration of {cls.slug} from schema version {version} returned "
                f"{type(fields).__name__}, not the fields.",
                fix=f"Return the dict of fields from @migration({version}) in {cls.__module__}.",
            )
    return fields


def _migrations(cls: type[Block]) -> dict[int, Callable[[Fields], Fields]]:
    found: dict[int, Callable[[Fields], Fields]] = {}
    for base in reversed(cls.__mro__):
        for value in vars(base).values():
            if isinstance(value, staticmethod) and "migrates_from" in value.__dict__:
                found[value.__dict__["migrates_from"]] = value.__func__
    return found


# Helpers of the class


def _vault() -> "Vault":
    from brickwork._default import current_vault

    return current_vault()


def _address_for(cls: type[Block], name: str, version: int | None) -> Address:
    slug = cls.__dict__.get("slug")
    if slug is None and "/" not in name:
        raise InvalidName(
            f"{cls.__name__}.load({name!r}): without the slug, the class to load is not known.",
            fix=f"Write the whole address, slug/{name}, or load on the block's own class.",
        )
    address = Address.parse(name if "/" in name else f"{slug}/{name}")
    if slug is not None and address.slug != slug:
        raise BlockError(
            f"{address} is not a {slug} block.",
            fix=f'Load it with Block.load("{address}") or with the class of {address.slug}.',
        )
    return address if version is None else address._replace(version=version)


def _load_pickled(address: str) -> Block:
    return Block.load(address)


def _invalid(cls: type[Block], error: ValidationError) -> InvalidBlock:
    problems, fix = problems_of(cls, error)
    return InvalidBlock(cls.__dict__.get("slug", cls.__name__), problems, fix=fix)


def _exposed(cls: type[Block], error: PydanticSerializationError) -> Exception:
    if "SecretExposed" not in str(error):
        return error
    return SecretExposed(
        f"A {cls.__name__} holds secrets and cannot be written as JSON.",
        fix="Save it in a vault; `brickwork export` writes its public fields and references.",
    )


def _refuse_shadowing(cls: type[Block]) -> None:
    # A field that hides a method breaks every caller of the method, far from here.
    for field in cls.model_fields:
        for base in cls.__mro__[1:]:
            hidden = vars(base).get(field)
            if callable(hidden) or isinstance(hidden, property | cached_property | classmethod):
                raise TypeError(
                    f"{cls.__qualname__}.{field} hides {base.__qualname__}.{field}; "
                    "give the field another name"
                )


def _define(slug: str, cls: type[Block]) -> None:
    other = defined_blocks.get(slug)
    # The same class again, as when a notebook cell or a module is run twice, replaces itself.
    if other is not None and _identity(other) != _identity(cls):
        raise BlockError(
            f"Two block classes have the slug {slug!r}: {'.'.join(_identity(other))} and "
            f"{'.'.join(_identity(cls))}.",
            fix="Give one of them another slug.",
        )
    defined_blocks[slug] = cls


def _identity(cls: type[Block]) -> tuple[str, str]:
    return cls.__module__, cls.__qualname__


async def _in_thread(function: Callable[..., Any], /, *args: Any, **options: Any) -> Any:
    import asyncio

    return await asyncio.to_thread(function, *args, **options)
