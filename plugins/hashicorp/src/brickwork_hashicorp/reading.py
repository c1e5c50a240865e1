"""Reads secrets from the key/value engines, several paths at once."""

import threading
from collections import deque
from collections.abc import Mapping, Sequence
from contextvars import copy_context
from queue import Empty, SimpleQueue
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from brickwork_hashicorp.connection import Connection, connection_for
from brickwork_hashicorp.faults import (
    Diagnosis,
    answers_of,
    explain,
    is_vault_error,
    name_of,
)
from brickwork_hashicorp.mounts import Mount
from brickwork_hashicorp.references import Wanted

if TYPE_CHECKING:
    from brickwork_hashicorp.block import HashicorpVault

THREADS = 8
"""How many paths are read at once."""

_GRACE_SECONDS = 0.5
_SHOWN = 10

Found = Mapping[str, Any] | Diagnosis
"""The fields of a secret, or why there are none."""


def read_all(vault: "HashicorpVault", paths: Sequence[Wanted]) -> Mapping[Wanted, Found]:
    """Return the fields of each path, or why there are none.

    Each path may take the block's ``timeout``, also from a server that sends byte by byte. When
    the server turns out to be gone, those that have not begun fail in the same way at once.
    """
    connection, began = connection_for(vault), monotonic()
    waiting = deque(paths)
    answers: SimpleQueue[tuple[Wanted, Found]] = SimpleQueue()

    def work() -> None:
        while waiting:
            try:
                path = waiting.popleft()
            except IndexError:  # another thread took it
                return
            answers.put((path, _read(connection, path, began)))

    # Not an executor: its threads would keep a process alive that has given up on a server.
    for _ in range(min(THREADS, len(paths))):
        threading.Thread(target=copy_context().run, args=(work,), daemon=True).start()
    found: dict[Wanted, Found] = {}
    missing = Diagnosis(
        f"The server gave no answer in time ({name_of(vault)}).",
        "Check url and the network; or raise timeout.",
    )
    patience = 1  # of failures in a row that say that the server is gone
    failures = 0
    while len(found) < len(paths):
        try:
            left = max(connection.deadline() - monotonic(), 0)  # a task's may be up already
            path, answer = answers.get(timeout=left + _GRACE_SECONDS)
        except Empty:
            break
        found[path] = answer
        gone = isinstance(answer, Diagnosis) and answer.hopeless
        failures = failures + 1 if gone else 0
        patience = patience if gone else THREADS
        if isinstance(answer, Diagnosis) and failures >= patience:
            missing = answer
            break
    waiting.clear()
    return {path: found.get(path, missing) for path in paths}


def _read(connection: Connection, wanted: Wanted, began: float) -> Found:
    """Read one path; never raises, since nobody would see it."""
    deadline = connection.deadline()
    place: tuple[Mount, str] | None = None
    try:
        located = _located(connection, wanted, deadline, began)
        if isinstance(located, Diagnosis):
            return located
        place = located
        return _fields(connection, *place, wanted.version, deadline)
    except Exception as error:  # noqa: BLE001  # as above
        if not is_vault_error(error):
            kind = type(error).__name__
            return Diagnosis(f"The answer cannot be read ({kind}).", "Check that url is a Vault.")
        found = explain(error, connection.vault)
        return _about_path(error, connection, place, wanted) if found is None else found


def _located(
    connection: Connection, wanted: Wanted, deadline: float, began: float
) -> tuple[Mount, str] | Diagnosis:
    """Return the mount of a path, and the path in it."""
    vault = connection.vault
    path = wanted.path.removeprefix("/")
    inside = vault.mount is not None and not wanted.path.startswith("/")
    if inside:
        path = f"{vault.mount}/{path}"
    mount: Mount | None
    if inside and vault.mount is not None and vault.kv_version != "auto":
        mount = Mount(vault.mount, "kv", vault.kv_version)
    else:
        mount = connection.mounts.of(path, deadline, began)
        if mount is None:
            return _no_mount(connection, path, deadline)
        if vault.kv_version != "auto":
            mount = mount._replace(version=vault.kv_version)
    if not mount.is_kv:
        return Diagnosis(
            f"{mount.path}/ is a mount of the engine {mount.kind!r} ({name_of(vault)}).",
            "Refer to a secret in a mount of the engine kv; others are for client().",
        )
    rest = path[len(mount.path) + 1 :]
    if not rest:
        return Diagnosis(
            f"{mount.path}/ is a mount, not a secret in it.", "Write the path behind it as well."
        )
    return mount, rest


def _no_mount(connection: Connection, path: str, deadline: float) -> Diagnosis:
    seen = sorted(each.path for each in connection.mounts.all(deadline).values() if each.is_kv)
    shown = ", ".join(seen[:_SHOWN]) + (", ..." if len(seen) > _SHOWN else "")
    return Diagnosis(
        f"No mount that {path!r} is in can be seen ({name_of(connection.vault)}).",
        f"Begin with a mount; the token sees {shown or 'none'}. If it should see more, give it a"
        " policy.",
    )


def _fields(
    connection: Connection, mount: Mount, path: str, version: int | None, deadline: float
) -> Found:
    if mount.version == 1 and version is not None:
        return Diagnosis(
            f"{mount.path}/ is of KV version 1, which keeps no old versions.",
            "Leave out ?version=, or turn the mount into version 2: bao kv enable-versioning",
        )
    params = {} if version is None else {"version": version}
    data = connection.get(_api_path(mount, path), deadline, **params)["data"]
    fields: Mapping[str, Any] = data["data"] if mount.version == 2 else data
    return fields


def _api_path(mount: Mount, path: str) -> str:
    """See https://openbao.org/api-docs/secret/kv/kv-v2/#read-secret-version."""
    return quote(f"{mount.path}/data/{path}" if mount.version == 2 else f"{mount.path}/{path}")


def _about_path(
    error: BaseException,
    connection: Connection,
    place: tuple[Mount, str] | None,
    wanted: Wanted,
) -> Diagnosis:
    """Tell what is wrong with one path."""
    from hvac import exceptions as hvac

    name = name_of(connection.vault)
    if place is None:  # it was the list of mounts that failed
        return Diagnosis(
            f"The server does not tell its mounts ({name}): {answers_of(error) or 'refused'}.",
            "Set mount and kv_version in the block, so that it need not be asked.",
        )
    mount, path = place
    if isinstance(error, hvac.Forbidden):
        right = f'path "{_api_path(mount, path)}" {{ capabilities = ["read"] }}'
        return Diagnosis(
            f"The token may not read it, and not know whether it exists ({name}).",
            f"Correct the path, or give the token a policy with: {right}",
        )
    if isinstance(error, hvac.InvalidPath):
        return _not_there(error, mount, wanted.version, name)
    said = answers_of(error) or type(error).__name__
    return Diagnosis(f"The server refuses to give it ({name}): {said}.", "Correct the reference.")


def _not_there(error: BaseException, mount: Mount, version: int | None, name: str) -> Diagnosis:
    """Tell why a path has nothing: deleted, destroyed, never written."""
    answer = getattr(error, "json", None)
    data = answer.get("data") if isinstance(answer, dict) else None
    metadata = (data.get("metadata") if isinstance(data, dict) else None) or {}
    which = f"Version {metadata.get('version')}"
    undelete = "Refer to another version with ?version=, or write a new one."
    if metadata.get("destroyed"):
        return Diagnosis(f"{which} of it was destroyed ({name}).", undelete)
    if metadata.get("deletion_time"):
        when = str(metadata["deletion_time"])[:19]
        return Diagnosis(
            f"{which} of it was deleted at {when} ({name}).",
            f"{undelete[:-1]}, or: bao kv undelete",
        )
    if "no handler" in answers_of(error):
        return Diagnosis(f"{mount.path}/ is not mounted any more ({name}).", "Correct the path.")
    what = "There is no such secret" if version is None else f"There is no version {version} of it"
    return Diagnosis(
        f"{what} in {mount.path}/, a mount of KV version {mount.version} ({name}).",
        "Correct the path, or write the secret: bao kv put",
    )
