"""Migrations: functions of a block class that lift stored fields to the schema of today."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from brickwork.errors import MigrationError

if TYPE_CHECKING:
    from brickwork.block import Block

Fields = dict[str, Any]


def migration(
    from_version: int,
) -> Callable[[Callable[[Fields], Fields]], "staticmethod[..., Any]"]:
    """Mark a function of a block class that lifts stored fields by one schema version.

    ``@migration(1)`` takes the fields of a document of schema version 1 and returns those of
    version 2. Fields are plain JSON values, `Secret` objects and blocks. A field that is not
    returned disappears, its secret with it. The function is called without the class; writing
    ``@staticmethod`` below the mark changes nothing, and pleases linters::

        class Account(Block):
            slug: ClassVar[str] = "acme-account"
            schema_version: ClassVar[int] = 2
            login: str = Field(description="Who logs in.")

            @migration(1)
            @staticmethod
            def _user_became_login(fields):
                fields["login"] = fields.pop("user")
                return fields
    """

    def mark(function: Callable[[Fields], Fields]) -> "staticmethod[..., Any]":
        marked = function if isinstance(function, staticmethod) else staticmethod(function)
        marked.__dict__["migrates_from"] = from_version
        return marked

    return mark


def lift(cls: "type[Block]", fields: Fields, from_version: int) -> Fields:
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
        fields = _step(cls, step, fields, version)
    return fields


def _step(
    cls: "type[Block]", step: Callable[[Fields], Fields], fields: Fields, version: int
) -> Fields:
    try:
        lifted: object = step(fields)
    except Exception as error:  # noqa: BLE001  # any failure of foreign code, named
        failure = f"failed with {type(error).__name__}"
    else:
        if isinstance(lifted, dict):
            return lifted
        failure = f"returned {type(lifted).__name__}, not the fields"
    # Raised out here: the cause could quote the fields.
    raise MigrationError(
        f"The migration of {cls.slug} from schema version {version} {failure}.",
        fix=f"Mend the function marked @migration({version}) in {cls.__module__}."
        f"{cls.__qualname__}; it takes the fields and returns them.",
    )


def _migrations(cls: "type[Block]") -> dict[int, Callable[[Fields], Fields]]:
    found: dict[int, Callable[[Fields], Fields]] = {}
    for base in reversed(cls.__mro__):
        for value in vars(base).values():
            if isinstance(value, staticmethod) and "migrates_from" in value.__dict__:
                found[value.__dict__["migrates_from"]] = value.__func__
    return found
