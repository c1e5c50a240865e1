"""``Block``: a typed, immutable value of configuration and secrets, saved and loaded by name."""

from collections.abc import Callable, Mapping
from functools import cached_property, wraps
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, ParamSpec, Self, TypeVar

from pydantic import BaseModel, ConfigDict, PrivateAttr, ValidationError
from pydantic_core import PydanticSerializationError

from brickwork._address import (
    Address as Address,
    check_name as check_name,
    check_slug as check_slug,
    parse_name,
)
from brickwork._block_schema import guarded_schema, problems_of
from brickwork._check import CheckReport as CheckReport, Finding as Finding
from brickwork._default import current_vault
from brickwork._migrations import Fields as Fields, lift as lift, migration as migration
from brickwork._secret_schema import Hidden
from brickwork.errors import BlockError, InvalidBlock, InvalidName, Problem, SecretExposed

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic_core import CoreSchema

    from brickwork.vault import Document
    from brickwork.vault.notes import Notes

P = ParamSpec("P")
R = TypeVar("R")


def _quiet(function: Callable[P, R]) -> Callable[P, R]:
    """Let a function that is given a block's values fail without showing them.

    What it raises instead of a ValidationError has neither the error in its chain nor a frame
    that holds the values.
    """

    @wraps(function)
    def quiet(*args: P.args, **options: P.kwargs) -> R:
        try:
            return function(*args, **options)
        except ValidationError as error:
            owner: Any = args[0]
            invalid = _invalid(owner if isinstance(owner, type) else type(owner), error)
        except InvalidBlock as error:
            invalid = error.with_traceback(None)
        finally:
            del args, options
        raise invalid

    return quiet


def _invalid(cls: "type[Block]", error: ValidationError) -> InvalidBlock:
    problems, fix = problems_of(cls, error)
    return InvalidBlock(_called(cls), problems, fix=fix)


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

    @_quiet
    def __init__(self, /, **fields: Any) -> None:
        # Boxed, so that no frame of a traceback that shows local variables has them in sight.
        boxed = Hidden(fields)
        del fields
        self.__pydantic_validator__.validate_python(boxed, self_instance=self)

    # Pydantic then validates a nested block straight away, instead of by calling this.
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]  # as RootModel does

    @classmethod
    @_quiet
    def model_validate(cls, obj: Any, **options: Any) -> Self:
        """Validate like pydantic, with errors that carry no input. Raises InvalidBlock."""
        return super().model_validate(obj, **options)

    @classmethod
    @_quiet
    def model_validate_json(cls, json_data: str | bytes | bytearray, **options: Any) -> Self:
        """Validate JSON like pydantic, with errors that carry no input. Raises InvalidBlock."""
        return super().model_validate_json(json_data, **options)

    @classmethod
    @_quiet
    def model_validate_strings(cls, obj: Any, **options: Any) -> Self:
        """Validate texts like pydantic, with errors that carry no input. Raises InvalidBlock."""
        return super().model_validate_strings(obj, **options)

    @classmethod  # type: ignore[no-redef]  # pydantic's mypy plugin adds its own
    @_quiet
    def model_construct(  # type: ignore[override]  # as above
        cls, _fields_set: set[str] | None = None, **values: Any
    ) -> Self:
        """Validate all the same: an unchecked block could show a secret held as plain text."""
        return cls(**values)

    @_quiet
    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy; with ``update`` a validated one with those fields changed.

        A changed copy has no address, but saving it over the block that it was made from notices
        when somebody else saved a newer version in between (VersionConflict).
        """
        if not update:
            return super().model_copy(deep=deep)
        copy = type(self)(**{**_values(self), **update})
        place = place_of(self)
        if place is not None:
            stamp(copy, place._replace(changed=True))
        _keep_templates(self, copy, update)
        return copy

    @_quiet
    def copy(self, *, update: Mapping[str, Any] | None = None, **options: Any) -> Self:
        """Do what `model_copy` does; pydantic's own, which is deprecated, would not validate."""
        return self.model_copy(update=update, **options)

    def model_dump(self, **options: Any) -> dict[str, Any]:
        """Return a dict, as pydantic does. Raises SecretExposed for secrets in mode ``json``."""
        try:
            return super().model_dump(**options)
        except PydanticSerializationError as error:
            raise _exposed(type(self), error) from None

    def model_dump_json(self, **options: Any) -> str:
        """Return JSON, as pydantic does. Raises SecretExposed for a block that holds secrets."""
        try:
            return super().model_dump_json(**options)
        except PydanticSerializationError as error:
            raise _exposed(type(self), error) from None

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("_"):
            super().__setattr__(name, value)
            return
        del value
        problem = Problem(name, "a block cannot be changed", "frozen_instance")
        raise InvalidBlock(
            _called(type(self)), [problem], fix="Make a changed one: model_copy(update={...})."
        )

    def __eq__(self, other: object) -> bool:
        """Compare class and fields; where the two are saved does not matter."""
        if not isinstance(other, Block):
            return NotImplemented
        if type(self) is not type(other):
            return False
        return self.__dict__ == other.__dict__ or _values(self) == _values(other)

    def __hash__(self) -> int:
        values = _values(self)
        try:
            return hash((type(self), *values.values()))
        except TypeError:  # a field holds a dict or a list
            return hash((type(self), *values))

    def __reduce__(self) -> Any:
        place = place_of(self)
        if place is None or place.changed:
            return super().__reduce__()
        return (_load_pickled, (type(self), str(place.address), place.pinned))

    def __reduce_ex__(self, protocol: Any) -> Any:
        return super().__reduce_ex__(protocol) if self.address is None else self.__reduce__()

    # Saving and loading, on the vault in use

    @property
    def address(self) -> Address | None:
        """Where this block is saved, with its version; None for one that is not."""
        place = place_of(self)
        return None if place is None or place.changed else place.address

    def __cache_key__(self) -> str | None:
        """Return what tells this saved version from all others, in whatever vault; or None."""
        place = place_of(self)
        if place is None or place.changed:
            return None
        return f"{place.address} {place.store_id.hex()}"

    def save(
        self,
        name: str,
        *,
        overwrite: bool = False,
        notes: "Notes | None" = None,
        keep: int | None = None,
    ) -> "Document":
        """Save on the vault in use, and stamp the address on this block.

        Args:
            name: ``[A-Za-z0-9][A-Za-z0-9._-]{0,99}``; case counts.
            overwrite: Add a version when another block is saved under the name.
            notes: Description, tags and expiry; those of the version before stay without them.
            keep: How many versions stay when one is added; without it, the setting
                ``keep_versions`` counts, which is all of them where it is not set.

        Raises:
            BlockExists: Another block has the name, and ``overwrite`` is not set.
            VersionConflict: This block was loaded, and a newer version was saved since.
            VaultError: Any other reason; the vault is as it was.
        """
        return current_vault().save(self, name, overwrite=overwrite, notes=notes, keep=keep)

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
        return current_vault().load(_address_for(cls, name, version), expect=cls)

    def check(self) -> CheckReport:
        """Find out whether it is real, reachable and permitted. Bounded in time; never raises.

        The default looks at nothing, since most plain blocks stand for nothing outside.
        """
        return CheckReport((Finding("skipped", "nothing outside to check"),))

    async def asave(
        self,
        name: str,
        *,
        overwrite: bool = False,
        notes: "Notes | None" = None,
        keep: int | None = None,
    ) -> "Document":
        """`save`, in a worker thread."""
        document: Document = await _in_thread(
            self.save, name, overwrite=overwrite, notes=notes, keep=keep
        )
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
        made = handler(schema["steps"][1]["schema"] if schema["type"] == "chain" else schema)
        described = handler.resolve_ref_schema(made)
        if "description" in described:  # forms and editors show it: without the examples
            described["description"] = described["description"].partition("\n\nExamples:")[0]
        return made


class Place(NamedTuple):
    """Where a block was loaded from or saved to."""

    address: Address
    store_id: bytes
    pinned: bool = False  # loaded by an explicit version
    changed: bool = False  # a changed copy: not what is saved, but based on it
    block_id: bytes = b""  # which stays when the block is renamed


def place_of(block: Block) -> Place | None:
    """Return where a block was loaded from or saved to; for the vault."""
    # Straight from where pydantic keeps private attributes: its own way there is slow.
    private = block.__pydantic_private__
    return None if private is None else private.get("_place")


def stamp(block: Block, place: Place) -> None:
    """Note on a block where it is saved; for the vault."""
    private = block.__pydantic_private__
    assert private is not None  # noqa: S101  # every block has the private attribute _place
    private["_place"] = place


def _keep_templates(block: Block, copy: Block, update: Mapping[str, Any]) -> None:
    # What a reference gave stays a reference when the copy is saved, unless the field was changed.
    private = block.__pydantic_private__
    templates = private.get("_templates") if private else None
    if templates:
        kept = {at: each for at, each in templates.items() if at.split("/")[1] not in update}
        assert copy.__pydantic_private__ is not None  # noqa: S101  # as in `stamp`
        copy.__pydantic_private__["_templates"] = kept


# Helpers of the class


def _address_for(cls: type[Block], name: str, version: int | None) -> Address:
    slug = cls.__dict__.get("slug")
    if "/" in name:
        address = Address.parse(name)
    elif slug is None:
        raise InvalidName(
            f"{cls.__name__}.load({name!r}): without the slug, the class to load is not known.",
            fix=f"Write the whole address, slug/{name}, or load on the block's own class.",
        )
    else:
        address = Address(slug, *parse_name(name))
    if slug is not None and address.slug != slug:
        raise BlockError(
            f"{address} is not a {slug} block.",
            fix=f'Load it with Block.load("{address}") or with the class of {address.slug}.',
        )
    return address if version is None else address._replace(version=version)


def _load_pickled(cls: type[Block], address: str, pinned: bool) -> Block:
    block = cls.load(address)
    place = place_of(block)
    if place is not None:
        # The version in a pickle is not one that somebody chose.
        stamp(block, place._replace(pinned=pinned))
    return block


def _called(cls: type[Block]) -> str:
    slug: str = cls.__dict__.get("slug", cls.__name__)
    return slug


def _values(block: Block) -> dict[str, Any]:
    """Return the fields alone: what a cached property keeps beside them is none."""
    held = block.__dict__
    return {name: held[name] for name in type(block).model_fields}


def _exposed(cls: type[Block], error: PydanticSerializationError) -> Exception:
    if SecretExposed.__name__ not in str(error):
        return error
    return SecretExposed(
        f"A {cls.__name__} holds secrets and cannot be written as JSON.",
        fix="Save it in a vault; `brickwork export` writes its public fields and references.",
    )


def _refuse_shadowing(cls: type[Block]) -> None:
    # A field that hides a method breaks every caller of the method, far from here.
    for field in cls.model_fields:
        if field in ("slug", "schema_version"):
            raise BlockError(
                f"{cls.__qualname__}.{field} is a field, and must belong to the class.",
                fix=f"Annotate it: {field}: ClassVar[{'str' if field == 'slug' else 'int'}] = ...",
            )
        for base in cls.__mro__[1:]:
            hidden = vars(base).get(field)
            if callable(hidden) or isinstance(hidden, property | cached_property | classmethod):
                raise BlockError(
                    f"The field {cls.__qualname__}.{field} hides {base.__qualname__}.{field}.",
                    fix="Give the field another name; an alias keeps the name outside: "
                    f'Field(alias="{field}").',
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
