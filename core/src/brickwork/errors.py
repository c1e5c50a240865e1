"""Every error that Brickwork raises on purpose, in one tree.

::

    BrickworkError
    ├── ConfigError                  a setting in the environment or in brickwork.toml
    ├── InvalidYaml                  a YAML file that is none, or uses what is refused (ValueError)
    ├── InvalidManifest              a manifest with mistakes, all of them (also a ValueError)
    ├── BlockError
    │   ├── InvalidBlock             fields that do not fit the class (also a ValueError)
    │   ├── InvalidName              a slug, a name or an address that is not one (ValueError)
    │   ├── UnknownBlock             no class is known for a slug
    │   ├── MigrationError           a stored document cannot be lifted to the class of today
    │   └── SecretExposed            a secret was about to be written in clear (also a TypeError)
    ├── VaultError
    │   ├── BlockNotFound            (also a LookupError)
    │   ├── BlockExists
    │   ├── BlockInUse
    │   ├── VersionConflict
    │   ├── ApplyRefused             a manifest cannot be applied to what is saved
    │   ├── StoreError               the database: unreachable, read-only, full, damaged
    │   │   └── AuditUnavailable     a load had to be recorded, and could not be
    │   ├── AuditBroken              the audit trail was changed, or documents against it
    │   ├── KeyInUse                 a root key that was to be destroyed is needed
    │   ├── KeyUnavailable           no key provider can open the vault
    │   ├── WrongKey                 a key is there, and it is another one
    │   ├── InsecureKeyFile          the key file is not private
    │   ├── UnsupportedFormat        sealed by something newer, or not sealed data at all
    │   ├── TruncatedCiphertext
    │   └── TamperedCiphertext       changed, or belongs to another block
    ├── PluginError
    │   ├── PluginMissing            not installed; says what to install
    │   ├── PluginBroken             installed, and set aside for a reason
    │   ├── DuplicateName            two claim one name
    │   ├── InvalidCatalog           a file of the catalog that cannot be used (ValueError)
    │   └── UnknownName              no such task, storage, serializer, notifier ...
    ├── StorageError
    │   ├── KeyNotFound              (also a FileNotFoundError)
    │   ├── KeyExists                (also a FileExistsError)
    │   ├── InvalidKey               outside the storage, or no key at all (also a ValueError)
    │   └── UnsafeArchive            would write elsewhere, or too much (also a ValueError)
    ├── SerializerError
    │   ├── UnsupportedType          the serializer cannot take this value (also a TypeError)
    │   ├── CorruptData              truncated, changed, or not what it claims to be
    │   └── PickleRefused            pickle was not allowed here
    ├── NotifierError
    ├── OutboundRefused              an address that the outbound policy does not allow
    ├── OutboundFailed               an HTTP request that got no answer
    ├── TaskError
    │   ├── InvalidArguments         (also a TypeError)
    │   ├── TaskTimeout              (also a TimeoutError)
    │   └── TaskCancelled
    ├── RequestRefused               a request that a receiver does not take
    └── ResolveError                 a reference could not be fetched

Each says what happened, to which thing, and what to do next (``fix``); none carries a value that
could be a secret. ``exit_code`` is what the command line ends with.
"""

from collections.abc import Sequence
from typing import ClassVar, NamedTuple


class BrickworkError(Exception):
    """Base of every error that Brickwork raises on purpose.

    Args:
        what: What happened, and to which block, field, plugin or file. One sentence or two.
        fix: What to do next, as an instruction.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, *, fix: str = "") -> None:
        super().__init__(what, fix)
        self.what = what
        self.fix = fix

    def __str__(self) -> str:
        return f"{self.what}\n  fix: {self.fix}" if self.fix else self.what

    def __reduce__(self) -> tuple[object, ...]:
        # Errors cross process borders: constructors of subclasses differ, their state does not.
        return (_rebuild, (type(self), self.args, self.__dict__))


def _rebuild(
    cls: type[BrickworkError], args: tuple[object, ...], state: dict[str, object]
) -> BrickworkError:
    error = cls.__new__(cls)
    error.args = args
    error.__dict__.update(state)
    return error


class ConfigError(BrickworkError):
    """A setting in the environment or in ``brickwork.toml`` cannot be used."""

    exit_code = 2


class InvalidYaml(BrickworkError, ValueError):
    """A YAML file cannot be read: it is none, too large, or uses what is not allowed.

    Attributes:
        line: Where, counted from 1; 0 where it is the whole file.
        column: Counted from 1; 0 where it is the whole line.
    """

    exit_code = 2

    def __init__(self, what: str, *, line: int = 0, column: int = 0, fix: str) -> None:
        super().__init__(what, fix=fix)
        self.line = line
        self.column = column


class ManifestProblem(NamedTuple):
    """One thing wrong with a manifest.

    Attributes:
        file: The file; empty where it is none of one file.
        line: Counted from 1.
        column: Counted from 1.
        address: The block, if it is about one.
        field: The field, if it is about one, with dots and indexes.
        message: What is wrong; never a secret.
    """

    file: str
    line: int
    column: int
    address: str
    field: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.file else ""
        parts = (place, self.address, self.field, self.message)
        return ": ".join(part for part in parts if part)


class InvalidManifest(BrickworkError, ValueError):
    """A manifest has mistakes; nothing was changed.

    Attributes:
        problems: All of them, by place.
    """

    exit_code = 2

    def __init__(self, problems: Sequence[ManifestProblem]) -> None:
        self.problems = tuple(problems)
        lines = [f"The manifest has {len(self.problems)} mistake(s):"]
        lines += [f"  {problem}" for problem in self.problems]
        super().__init__(
            "\n".join(lines), fix="Correct them; `brickwork block types SLUG` lists fields."
        )


# Blocks


class BlockError(BrickworkError):
    """Something is wrong with a block or its class."""

    exit_code = 2


class Problem:
    """One thing wrong with one field.

    Attributes:
        path: The field, with dots and indexes: ``client.headers[0]``; empty for the whole block.
        message: What is wrong; never the value.
        kind: Pydantic's name for the kind of problem, for example ``missing``.
    """

    __slots__ = ("kind", "message", "path")

    def __init__(self, path: str, message: str, kind: str) -> None:
        self.path = path
        self.message = message
        self.kind = kind

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message

    def __repr__(self) -> str:
        return f"Problem({self.path!r}, {self.message!r}, {self.kind!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Problem) and repr(self) == repr(other)

    def __hash__(self) -> int:
        return hash(repr(self))


class InvalidBlock(BlockError, ValueError):
    """The values given do not fit the block's class.

    Attributes:
        block: The class's slug, or its name where it has none.
        problems: What is wrong, field by field.
    """

    def __init__(self, block: str, problems: Sequence[Problem], *, fix: str = "") -> None:
        self.block = block
        self.problems = tuple(problems)
        lines = [f"{block}: {len(self.problems)} invalid field(s)"]
        lines += [f"  - {problem}" for problem in self.problems]
        super().__init__("\n".join(lines), fix=fix)


class InvalidName(BlockError, ValueError):
    """A slug, a name or an address that is not one."""


class UnknownBlock(BlockError):
    """No block class is known for a slug."""

    exit_code = 7


class MigrationError(BlockError):
    """A stored document cannot be lifted to the class of today."""

    exit_code = 7


class SecretExposed(BlockError, TypeError):
    """A secret was about to be written in clear: to JSON, a pickle, a file."""


# Vault


class VaultError(BrickworkError):
    """The vault could not do what was asked; it is as it was before."""


class BlockNotFound(VaultError, LookupError):
    """No block of that address, or not of that version, is saved in the vault."""

    exit_code = 4


class BlockExists(VaultError):
    """Another block is saved under that name already."""

    exit_code = 5


class BlockInUse(VaultError):
    """Other blocks refer to the block that was to be deleted."""

    exit_code = 5


class VersionConflict(VaultError):
    """Somebody saved a newer version in between; nothing was written."""

    exit_code = 5


class ApplyRefused(VaultError):
    """A manifest cannot be applied to what is saved; nothing was changed.

    Attributes:
        refusals: Each block for which it cannot, with the reason.
    """

    exit_code = 5

    def __init__(self, refusals: Sequence[tuple[str, str]]) -> None:
        self.refusals = tuple(refusals)
        lines = ["The manifest cannot be applied:"]
        lines += [f"  {address}: {reason}" for address, reason in self.refusals]
        super().__init__("\n".join(lines), fix="`brickwork plan` shows what would change.")


class StoreError(VaultError):
    """The database that holds the vault cannot be used: unreachable, read-only, full, damaged."""

    exit_code = 8


class AuditUnavailable(StoreError):
    """A load had to be recorded in the audit trail and could not be; nothing was loaded."""


class AuditBroken(VaultError):
    """The audit trail was changed outside Brickwork, or documents are not those that it names.

    Attributes:
        position: The first entry that is wrong or missing.
        reason: ``changed``, ``missing``, ``cut off``, ``rewritten`` or ``document``: see
            `AuditTrail.verify`.
    """

    exit_code = 1  # a check found something wrong

    def __init__(self, what: str, *, position: int, reason: str, fix: str) -> None:
        super().__init__(what, fix=fix)
        self.position = position
        self.reason = reason


class KeyInUse(VaultError):
    """Documents need the root key that was to be destroyed, or it is the active one."""

    exit_code = 5


class KeyUnavailable(VaultError):
    """No key provider can open the vault: there is no key.

    Attributes:
        kid: The id of the root key that was needed, in hex; empty for a vault without one yet.
        tried: The providers that were asked.
    """

    exit_code = 3

    def __init__(self, what: str, *, kid: str = "", tried: Sequence[str] = (), fix: str) -> None:
        super().__init__(what, fix=fix)
        self.kid = kid
        self.tried = tuple(tried)


class WrongKey(VaultError):
    """There is a key, and it is not the one that this vault was locked with.

    Attributes:
        kid: The id of the root key that was needed, in hex.
    """

    exit_code = 3

    def __init__(self, what: str, *, kid: str = "", fix: str) -> None:
        super().__init__(what, fix=fix)
        self.kid = kid


class InsecureKeyFile(VaultError):
    """The key file can be read by others, is a symbolic link, or belongs to somebody else."""

    exit_code = 3


class UnsupportedFormat(VaultError):
    """Sealed by a newer Brickwork, or no sealed data at all."""

    exit_code = 6


class TruncatedCiphertext(VaultError):
    """Sealed data that ends too early."""

    exit_code = 6


class TamperedCiphertext(VaultError):
    """Sealed data that was changed, or that belongs to another block, version or vault."""

    exit_code = 6


# Plugins


class PluginError(BrickworkError):
    """Something about a plugin, or a name that plugins provide."""

    exit_code = 7


class PluginMissing(PluginError):
    """What was asked for belongs to a distribution that is not installed."""


class PluginBroken(PluginError):
    """What was asked for belongs to a plugin that was set aside, for the reason given."""


class DuplicateName(PluginError):
    """Two claim one plugin name, slug, scheme or other name; both are named."""


class InvalidCatalog(PluginError, ValueError):
    """A file of the catalog is damaged, or not in its format."""

    exit_code = 6


class UnknownName(PluginError, LookupError):
    """No task, storage, serializer, notifier, resolver or key provider has that name."""


# Storage, serializer, notifier


class StorageError(BrickworkError):
    """A storage could not do what was asked."""

    exit_code = 8


class KeyNotFound(StorageError, FileNotFoundError):
    """No object is stored under that key."""

    exit_code = 4


class KeyExists(StorageError, FileExistsError):
    """An object is stored under that key already, and ``if_absent`` was asked for."""

    exit_code = 5


class InvalidKey(StorageError, ValueError):
    """Not a relative POSIX path inside the storage."""

    exit_code = 2


class UnsafeArchive(StorageError, ValueError):
    """An archive that would write outside its folder, make links or devices, or fill the disk."""

    exit_code = 6


class SerializerError(BrickworkError):
    """A value could not be turned into bytes, or bytes into a value."""


class UnsupportedType(SerializerError, TypeError):
    """The serializer cannot take a value of this type."""


class CorruptData(SerializerError):
    """Bytes that are truncated, changed, or not what their header claims."""

    exit_code = 6


class PickleRefused(SerializerError):
    """Pickle may run code when read, and was not allowed here."""


class NotifierError(BrickworkError):
    """A notification could not be delivered."""


class OutboundRefused(BrickworkError):
    """The outbound policy does not allow a connection to this address."""


class OutboundFailed(BrickworkError):
    """An HTTP request got no answer: no connection, no time left, or no HTTP.

    Attributes:
        sent: Whether the request may have reached the server, so that sending it again could
            make its effect happen twice.
    """

    exit_code = 8

    def __init__(self, what: str, *, sent: bool, fix: str = "") -> None:
        super().__init__(what, fix=fix)
        self.sent = sent


# Tasks and references


class TaskError(BrickworkError):
    """A task could not be run, or was stopped."""


class InvalidArguments(TaskError, TypeError):
    """The arguments do not fit the task's signature."""

    exit_code = 2


class TaskTimeout(TaskError, TimeoutError):
    """The task did not end within its time-out."""


class TaskCancelled(TaskError):
    """The task was asked to stop, and did."""


class RequestRefused(BrickworkError):
    """A request that was sent to a receiver is not what its service sends.

    Attributes:
        status: The HTTP status to answer it with.
    """

    def __init__(self, what: str, *, status: int, fix: str = "") -> None:
        super().__init__(what, fix=fix)
        self.status = status


class ResolveError(BrickworkError):
    """A reference such as ``${env:NAME}`` could not be fetched; names it, never its value."""


# Warnings


class ExpiryWarning(UserWarning):
    """A block was loaded whose notes say that what it holds is not valid any more."""
