"""What `brickwork doctor` looks at of the vault: its file, its key, its blocks, its disk."""

import os
import warnings
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from brickwork.errors import BrickworkError, ExpiryWarning, KeyUnavailable

if TYPE_CHECKING:
    from brickwork.cli.examinations import Finding
    from brickwork.cli.invocation import Invocation
    from brickwork.vault import Document

_MOST_BLOCKS_NAMED = 20
_LITTLE = 100 * 1024 * 1024
_TOO_LITTLE = 4 * 1024 * 1024


def vault(invocation: "Invocation") -> "Iterator[Finding]":
    """Look whether the vault is there, is one, and is whole."""
    from brickwork.cli.examinations import Finding

    store = invocation.vault().store
    if not store.exists():
        detail = f"{store.location} is not there yet; the first save makes it"
        yield Finding("vault", "ok", "vault", detail)
        return
    count = len(invocation.vault().documents())  # checks the format
    yield Finding("vault", "ok", "vault", f"{store.location}, {count} block(s)")
    path = _file(invocation)
    if path is None:
        return
    yield _writable(path)
    yield _private(path)
    yield _whole(path)


def key(invocation: "Invocation") -> "Iterator[Finding]":
    """Look whether the key is there, private, and the right one."""
    from brickwork.cli.examinations import Finding, from_error

    keys = invocation.vault().keys
    where = keys.provider.describe()
    yield from _apart(invocation)
    active = next((each for each in keys.status() if each.active), None)
    if active is not None:
        keys.current("wrap")
        detail = f"{where}; it opens root key {active.kid.hex()}"
        yield Finding("key", "ok", "key", detail)
        return
    try:
        keys.provider.wrap(bytes(32), b"probe")
    except KeyUnavailable as error:
        if keys.provider.name == "file" and not _key_file(invocation).exists():
            yield Finding("key", "ok", "key", f"{where} is made by the first save")
        else:
            yield from_error("key", "key", error)
    else:
        yield Finding("key", "ok", "key", f"{where}; the vault has no root key yet")


def blocks(invocation: "Invocation") -> "Iterator[Finding]":
    """Look whether every block can be loaded: decrypted, and by a class that takes it."""
    from brickwork.cli.examinations import Finding, from_error
    from brickwork.registry.plugins import told

    warnings.simplefilter("ignore", ExpiryWarning)  # they are findings here
    the_vault = invocation.vault()
    documents = the_vault.documents()
    broken = 0
    for document in documents:
        yield from _expiry(document)
        try:
            the_vault.load(f"{document.slug}/{document.name}")
        except Exception as error:  # noqa: BLE001  # also what somebody wrote to the database
            broken += 1
            if broken > _MOST_BLOCKS_NAMED:
                continue
            name = f"{document.slug}/{document.name}"
            if isinstance(error, BrickworkError):
                yield from_error("blocks", name, error)
            else:
                yield Finding(
                    "blocks", "failed", name, told(error), "Restore the vault from a backup."
                )
    if broken > _MOST_BLOCKS_NAMED:
        more = broken - _MOST_BLOCKS_NAMED
        yield Finding("blocks", "failed", "others", f"{more} more cannot be loaded")
    good = len(documents) - broken
    yield Finding("blocks", "ok", "blocks", f"{good} of {len(documents)} can be loaded")


def _expiry(document: "Document") -> "Iterator[Finding]":
    from brickwork.cli.examinations import Finding
    from brickwork.vault.expiry import expiry, told

    try:
        notes = document.notes
    except BrickworkError:
        return  # told when it is loaded
    if expiry(notes) is not None:
        name = f"{document.slug}/{document.name}"
        fix = f"Save what replaces it; then brickwork block annotate {name} --expires DATE."
        yield Finding("blocks", "warning", name, told(notes), fix)


def disk(invocation: "Invocation") -> "Iterator[Finding]":
    """Look whether the vault's disk can be written and has room."""
    from brickwork.cli.examinations import Finding

    path = _file(invocation)
    if path is None:
        yield Finding("disk", "skipped", "disk", "the vault is not a file of this machine")
        return
    folder = next(each for each in path.parents if each.exists())
    status = os.statvfs(folder)
    free = status.f_bavail * status.f_frsize
    if status.f_flag & os.ST_RDONLY or not os.access(folder, os.W_OK):
        fix = "Make it writable, or save to another vault (BRICKWORK_VAULT)."
        yield Finding("disk", "failed", "writing", f"{folder} is read-only", fix)
    else:
        yield Finding("disk", "ok", "writing", f"{folder} can be written")
    room = f"{free // 1024 // 1024} MiB are free for {folder}"
    if free < _TOO_LITTLE:
        yield Finding("disk", "failed", "space", room, "Free some space: saving will fail.")
    elif free < _LITTLE:
        yield Finding("disk", "warning", "space", room, "Free some space.")
    else:
        yield Finding("disk", "ok", "space", room)


def _file(invocation: "Invocation") -> Path | None:
    """Return the file of a vault that is one."""
    path = getattr(invocation.vault().store, "path", None)
    return path if isinstance(path, Path) else None


def _key_file(invocation: "Invocation") -> Path:
    path = getattr(invocation.vault().keys.provider, "path", None)
    return path if isinstance(path, Path) else Path()


def _writable(path: Path) -> "Finding":
    from brickwork.cli.examinations import Finding

    if os.access(path, os.W_OK):
        return Finding("vault", "ok", "writing", f"{path} can be written")
    return Finding(
        "vault",
        "warning",
        "writing",
        f"{path} is read-only for this user",
        f"chmod u+w {path}, if this user is to save blocks.",
    )


def _private(path: Path) -> "Finding":
    from brickwork.cli.examinations import Finding

    mode = path.stat().st_mode & 0o777
    if not mode & 0o077:
        return Finding("vault", "ok", "mode", f"{mode:04o}")
    return Finding(
        "vault",
        "warning",
        "mode",
        f"{path} is open to other users ({mode:04o}); secrets in it are sealed, the rest is not",
        f"chmod 600 {path}",
    )


def _whole(path: Path) -> "Finding":
    """Ask SQLite whether the file is whole."""
    import sqlite3
    from urllib.parse import quote

    from brickwork.cli.examinations import Finding

    fix = "Restore it from a backup, or save what `sqlite3 FILE .recover` can still read."
    try:
        uri = f"file:{quote(str(path))}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=5)) as connection:
            answer = str(connection.execute("PRAGMA quick_check(5)").fetchall()[0][0])
    except sqlite3.Error as error:
        return Finding("vault", "failed", "integrity", str(error), fix)
    if answer == "ok":
        return Finding("vault", "ok", "integrity", "whole")
    return Finding("vault", "failed", "integrity", answer, fix)


def _apart(invocation: "Invocation") -> "Iterator[Finding]":
    """Warn of a key file in the folder of the vault: a copy of the folder would have both."""
    from brickwork.cli.examinations import Finding

    path = _file(invocation)
    key_file = _key_file(invocation)
    if path is not None and key_file.is_absolute() and key_file.parent == path.parent:
        yield Finding(
            "key",
            "warning",
            "place",
            f"the key file lies beside the vault, in {path.parent}",
            "Move it, and name its place: BRICKWORK_KEY_FILE.",
        )
