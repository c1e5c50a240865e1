"""A backup of the root keys: one file, sealed by a passphrase of its own.

Who has lost the key file, or the key provider, opens the vault again with it; see `restore`. The
documents are not in it: the database has its own backups.

The file is a JSON object. ``format``, ``vault``, ``made_at`` and ``keys`` say in clear what it is;
``passphrase`` is a random key wrapped by the passphrase (see `builtin.key_passphrase`), and
``sealed`` has the root keys, one after the other, encrypted with it and bound to all that is clear.
"""

import errno
import json
import os
from base64 import b64decode, b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from brickwork.builtin import key_passphrase
from brickwork.builtin.key_passphrase import Cost
from brickwork.crypto import (
    KEY_SIZE,
    derive,
    key_id,
    new_key,
    open_sealed,
    seal,
    without_frames,
)
from brickwork.errors import (
    BlockNotFound,
    KeyExists,
    KeyUnavailable,
    StorageError,
    TamperedCiphertext,
    TruncatedCiphertext,
    UnsupportedFormat,
    VaultError,
    WrongKey,
)
from brickwork.masking import masker
from brickwork.secret import Secret
from brickwork.store import WrappedKey
from brickwork.vault.audit import AuditTrail
from brickwork.vault.keys import KeyRing

FORMAT = "brickwork-keys/1"

_LARGEST = 16 * 1024 * 1024
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK)
_DEFAULT_COST = Cost()


class BackedUp(NamedTuple):
    """What a backup says of a root key in clear.

    Attributes:
        kid: Its id.
        created_at: UTC, ISO 8601.
        active: Whether new documents were sealed with it.
    """

    kid: bytes
    created_at: str
    active: bool


class Backup(NamedTuple):
    """A backup as it was read; what is sealed in it is not opened yet.

    Attributes:
        path: Where it was read from.
        store_id: The id of the vault that the root keys are of.
        made_at: UTC, ISO 8601.
        keys: What it has.
        wrapped: The key that seals it, wrapped by the passphrase.
        sealed: The root keys.
    """

    path: Path
    store_id: bytes
    made_at: str
    keys: tuple[BackedUp, ...]
    wrapped: bytes
    sealed: bytes


class Written(NamedTuple):
    """What was backed up.

    Attributes:
        kids: The ids of the root keys in it.
        left: Those that could not be opened, each with the reason.
    """

    kids: tuple[bytes, ...]
    left: tuple[tuple[bytes, VaultError], ...]


class Restored(NamedTuple):
    """What came back.

    Attributes:
        kids: The ids of the root keys that the vault's key provider guards now.
        made_key: Whether the provider made a key of its own for it.
        activated: The root key that became the active one, since the one that was cannot be opened.
        locked: The root keys that were made after the backup and cannot be opened, each with how
            many documents need it.
    """

    kids: tuple[bytes, ...]
    made_key: bool
    activated: bytes | None
    locked: tuple[tuple[bytes, int], ...]


@without_frames
def write(
    keys: KeyRing, path: Path, passphrase: Secret[str], cost: Cost = _DEFAULT_COST
) -> Written:
    """Write a backup of every root key that can be opened, to a new private file.

    Args:
        keys: The root keys.
        path: The file; it must not exist.
        passphrase: What it takes to read the backup.
        cost: What a guess at the passphrase is to cost.

    Raises:
        KeyExists: The file is there already.
        KeyUnavailable: The vault has no root key, no key provider opens it, or the passphrase is
            empty.
        WrongKey: The provider's key is another one.
        StorageError: The file cannot be written.
    """
    refuse_existing(path)
    keys.root(keys.active())
    opened: list[tuple[BackedUp, bytes]] = []
    left: list[tuple[bytes, VaultError]] = []
    for key in keys.status():
        try:
            root = keys.root(key.kid)
        except VaultError as error:
            left.append((key.kid, error))
        else:
            opened.append((BackedUp(key.kid, key.created_at, key.active), root))
    made_at = datetime.now(UTC).isoformat(timespec="seconds")
    clear = _clear(keys.store.store_id, made_at, [each for each, _ in opened])
    context = _context(clear)
    file_key = new_key()
    wrapped = key_passphrase.lock(file_key, context, _bytes_of(passphrase), cost)
    sealed = seal(_sealing_key(file_key), b"".join(root for _, root in opened), context)
    content = {
        **clear,
        "passphrase": b64encode(wrapped).decode(),
        "sealed": b64encode(sealed).decode(),
    }
    _write_new(path, json.dumps(content, indent=2).encode() + b"\n")
    # A backup that cannot be read is found out now, and not when it is needed.
    if _roots(read(path), passphrase) != {each.kid: root for each, root in opened}:
        raise StorageError(f"{path} does not hold what was written.", fix="Check the disk.")
    kids = tuple(each.kid for each, _ in opened)
    with keys.store.transaction():
        AuditTrail(keys.store, keys).append(
            "keys.backup", None, file=str(path), keys=[kid.hex() for kid in kids]
        )
    return Written(kids, tuple(left))


def read(path: Path) -> Backup:
    """Read a backup; what is sealed in it stays so.

    Raises:
        StorageError: The file cannot be read.
        UnsupportedFormat: It is no backup of keys, or one of a newer Brickwork.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as error:
        raise _file_error(path, "read", error) from None
    try:
        found: dict[str, Any] = json.loads(content) if len(content) <= _LARGEST else {}
        if found["format"] != FORMAT:
            raise ValueError
        backup = Backup(
            path,
            bytes.fromhex(found["vault"]),
            str(found["made_at"]),
            tuple(
                BackedUp(bytes.fromhex(key["kid"]), str(key["created_at"]), key["active"] is True)
                for key in found["keys"]
            ),
            b64decode(found["passphrase"], validate=True),
            b64decode(found["sealed"], validate=True),
        )
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise UnsupportedFormat(
            f"{path} is not a backup of root keys that this Brickwork can read.",
            fix="Name the file that `brickwork keys backup` wrote, or upgrade Brickwork.",
        ) from None
    return backup


@without_frames
def restore(keys: KeyRing, backup: Backup, passphrase: Secret[str]) -> Restored:
    """Let the vault's key provider guard the root keys of a backup, in one transaction.

    The provider makes a key of its own if it has none and can. A root key that the vault has lost
    comes back as one to decrypt with; the one that is active stays so, if it can be opened.

    Args:
        keys: The root keys of the vault, with the key provider that is configured now.
        backup: What `read` returned.
        passphrase: What the backup was made with.

    Raises:
        BlockNotFound: There is no vault.
        WrongKey: The passphrase is another one, or the backup is of another vault.
        TamperedCiphertext: The backup was changed.
        KeyUnavailable: The key provider has no key, and makes none.
        StoreError: The database cannot be written.
    """
    store = keys.store
    if not store.exists():
        raise BlockNotFound(
            f"There is no vault at {store.location}; a backup of keys has no documents.",
            fix="Restore the vault's database first.",
        )
    if backup.store_id != store.store_id:
        raise WrongKey(
            f"{backup.path} has the root keys of another vault than {store.location}.",
            fix="Name the vault that the backup was made of, with --vault or BRICKWORK_VAULT.",
        )
    roots = _roots(backup, passphrase)
    made = keys.prepare()
    wrapped = {kid: keys.wrapped_by(keys.provider, kid, root) for kid, root in roots.items()}
    locked = _locked(keys, roots)
    with store.transaction():
        present = {key.kid: key for key in keys.status()}
        active = next((key.kid for key in present.values() if key.active), None)
        lost = active is None or active in locked
        activated = next((key.kid for key in backup.keys if key.active), None) if lost else None
        for each in backup.keys:
            old = present.get(each.kid) or WrappedKey(each.kid, "", b"", each.created_at, False, 0)
            store.put_key(
                old._replace(
                    provider=keys.provider.name,
                    wrapped=wrapped[each.kid],
                    active=each.kid == (activated or active),
                )
            )
        AuditTrail(store, keys).append(
            "keys.restore", None, keys=[each.kid.hex() for each in backup.keys]
        )
    counts = store.documents_by_key()
    return Restored(
        tuple(roots), made, activated, tuple((kid, counts.get(kid, 0)) for kid in locked)
    )


def refuse_existing(path: Path) -> None:
    """Raise KeyExists where there is a file already, or anything else."""
    if os.path.lexists(path):
        raise KeyExists(
            f"{path} is there already, and a backup overwrites nothing.", fix="Name another file."
        )


def _locked(keys: KeyRing, but: dict[bytes, bytes]) -> list[bytes]:
    """Return the root keys that cannot be opened, but for some."""
    locked = []
    for key in keys.status():
        if key.kid not in but:
            try:
                keys.root(key.kid)
            except VaultError:
                locked.append(key.kid)
    return locked


@without_frames
def _roots(backup: Backup, passphrase: Secret[str]) -> dict[bytes, bytes]:
    """Open a backup, and prove each root key by its id."""
    context = _context(_clear(backup.store_id, backup.made_at, backup.keys))
    changed = TamperedCiphertext(
        f"The backup {backup.path} was changed.", fix="Use another copy of it."
    )
    try:
        extra = key_passphrase.checked(backup.wrapped)
        file_key = key_passphrase.unlock(
            backup.wrapped, extra, context, _bytes_of(passphrase), "passphrase"
        )
        plain = open_sealed(_sealing_key(file_key), backup.sealed, context)
    except WrongKey:
        raise WrongKey(
            f"The passphrase is not the one of the backup {backup.path}.",
            fix="Give the one that it was made with.",
        ) from None
    except (TamperedCiphertext, TruncatedCiphertext, UnsupportedFormat):
        raise changed from None
    parts = [plain[start : start + KEY_SIZE] for start in range(0, len(plain), KEY_SIZE)]
    roots = {key_id(part): part for part in parts if len(part) == KEY_SIZE}
    if list(roots) != [key.kid for key in backup.keys]:
        raise changed
    return roots


def _clear(store_id: bytes, made_at: str, keys: Sequence[BackedUp]) -> Any:
    listed = [{**key._asdict(), "kid": key.kid.hex()} for key in keys]
    return {"format": FORMAT, "vault": store_id.hex(), "made_at": made_at, "keys": listed}


def _context(clear: Any) -> bytes:
    return json.dumps(clear, sort_keys=True, separators=(",", ":")).encode()


def _sealing_key(file_key: bytes) -> bytes:
    return derive(file_key, "keys backup")


def _bytes_of(passphrase: Secret[str]) -> bytes:
    text = passphrase.reveal()
    if not text.strip():
        raise KeyUnavailable("The passphrase is empty.", fix="Take five or more random words.")
    masker.add(text)
    return key_passphrase.encoded(text)


def _write_new(path: Path, content: bytes) -> None:
    from brickwork.builtin.key_file import write_new

    try:
        folder = os.open(path.absolute().parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            try:
                made = write_new(path.name, folder, content)
            except OSError as error:
                if error.errno not in _NO_LINKS:
                    raise
                made = _write_directly(path, content)
            if not made:
                refuse_existing(path)
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        if isinstance(error, StorageError):
            raise
        raise _file_error(path, "written", error) from None


def _write_directly(path: Path, content: bytes) -> bool:
    """Write a new file where the file system has no links, as on many a memory stick."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        return False
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return True


def _file_error(path: Path, deed: str, error: OSError) -> StorageError:
    return StorageError(
        f"The backup {path} cannot be {deed}: {error.strerror}.", fix="Name another file."
    )
