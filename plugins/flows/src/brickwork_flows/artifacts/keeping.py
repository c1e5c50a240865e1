"""Artifacts in the history: kept, versioned by key, found, changed, removed.

Each is an entry of the collection ``artifacts`` under its id, so that those of a run stand
together. A version of a key is claimed first, by an entry of ``artifact-keys`` that must not exist
yet: of two processes that claim the same one, the second takes the next. The newest has the lowest
key there. A claim without an artifact, which a kill leaves, is passed over.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from brickwork import mask
from brickwork_flows.artifacts.records import (
    Artifact,
    Draft,
    ProgressShown,
    artifact_of,
    check_size,
    files_in,
)
from brickwork_flows.errors import ArtifactNotFound, EntryConflict, HistoryError, InvalidArtifact
from brickwork_flows.history.files import make_private
from brickwork_flows.history.interface import Entry, History
from brickwork_flows.runtime import Runtime

ARTIFACTS = "artifacts"
KEYS = "artifact-keys"

INLINE_BYTES = 16 * 1024
"""Contents up to this size are kept in the history itself; images never are."""

_LAST = 9_999_999_999
_PAGE = 200


def change(runtime: Runtime, what: str, *values: Any) -> None:
    """Do what another process, or a task, has told: ``keep``, or ``update``.

    Args:
        runtime: Where it is kept.
        what: What to do.
        values: Those of a `Draft`, or the arguments of `update`.

    Raises:
        FlowError: As that does.
        StorageError: As `keep` does.
    """
    if what == "keep":
        keep(runtime, Draft(*values))
    else:
        update(runtime, *values)


def keep(runtime: Runtime, draft: Draft) -> None:
    """Keep an artifact, secrets hidden; if it was made before in the same run, that is it.

    Raises:
        InvalidArtifact: It is too large, or holds a secret that cannot be hidden.
        HistoryError: The history cannot be written.
        StorageError: The content cannot be written.
    """
    draft, content = _hidden(draft)
    history = runtime.history
    found = history.entry(ARTIFACTS, draft.id)
    if found is None:
        version = None if draft.key is None else _claim(history, draft.key, draft.id)
    elif draft.type == "progress":  # it begins again
        version = found.value["version"]
        draft = draft._replace(made=found.value["made"])
    else:
        return
    in_file = draft.image is not None or len(content) > INLINE_BYTES
    if in_file:
        _write(runtime, draft.id, content)
    record = {
        "type": draft.type,
        "key": draft.key,
        "version": version,
        "description": draft.description,
        "run": draft.run,
        "made": draft.made,
        "size": len(content),
        "file": in_file,
        "data": draft.data if draft.image is not None or not in_file else None,
    }
    _put(history, draft.id, record)


def shown(what: str, *values: Any) -> ProgressShown | None:
    """Return what progress a `change` shows; None where it is about none."""
    if what == "update":
        artifact_id, progress, label = values
        return ProgressShown(artifact_id, "", progress, label)
    draft = Draft(*values)
    if draft.type != "progress":
        return None
    return ProgressShown(draft.id, draft.run or "", draft.data, draft.description or draft.key)


def _write(runtime: Runtime, artifact_id: str, content: bytes) -> None:
    folder = _folder(runtime)
    try:
        make_private(folder)
    except OSError as error:
        raise HistoryError(
            f"The folder {folder} cannot be made: {os.strerror(error.errno or 0).lower()}.",
            fix="Check the disk's free space and the folder's permissions.",
        ) from None
    files_in(folder, durable=runtime.place.durability == "power").write(artifact_id, content)


def update(runtime: Runtime, artifact_id: str, progress: float, description: str | None) -> None:
    """Change the progress that an artifact shows.

    Raises:
        ArtifactNotFound: There is no such artifact.
        InvalidArtifact: It is one of another type.
        HistoryError: The history cannot be written.
    """
    while True:
        entry = runtime.history.entry(ARTIFACTS, artifact_id)
        if entry is None:
            raise _missing(artifact_id)
        record = {**entry.value, "data": progress, "size": len(json.dumps(progress))}
        if record["type"] != "progress":
            raise InvalidArtifact(
                f"The artifact {artifact_id} is of the type {record['type']}, and shows no"
                " progress.",
                fix="Pass what create_progress_artifact returned.",
            )
        if description is not None:
            record["description"] = mask(description)
        try:
            _put(runtime.history, artifact_id, record, expected=entry.version)
        except EntryConflict:
            continue
        return


def _put(
    history: History, artifact_id: str, record: dict[str, Any], expected: int | None = None
) -> None:
    # What has no key goes with its run; of a key, `forget_run` leaves the newest.
    bound = artifact_id.partition("/")[0] if record["key"] is None and record["run"] else None
    history.put(ARTIFACTS, artifact_id, record, expected=expected, run=bound)


def _claim(history: History, key: str, artifact_id: str) -> int:
    """Return the next version of a key, which is this artifact's alone from now on."""
    while True:
        newest = history.entries(KEYS, prefix=f"{key}/", limit=1)
        if newest and newest[0].value["id"] == artifact_id:
            return _version(newest[0])  # claimed before a kill
        version = _version(newest[0]) + 1 if newest else 1
        try:
            history.put(KEYS, _claimed(key, version), {"id": artifact_id}, expected=0)
        except EntryConflict:
            continue
        return version


def _claimed(key: str, version: int) -> str:
    return f"{key}/{_LAST - version:010d}"


def _version(claim: Entry) -> int:
    return _LAST - int(claim.key.rpartition("/")[2])


def _folder(runtime: Runtime) -> Path:
    return runtime.place.folder / "artifacts"


# Secrets


def _hidden(draft: Draft) -> tuple[Draft, bytes]:
    """Return an artifact without the secrets that are known, and its content."""
    data = hide(draft.data)
    draft = draft._replace(data=data, description=mask(draft.description))
    text = json.dumps(data)
    check_size(len(text) if draft.image is None else len(draft.image))
    known = mask(text) != text
    if draft.image is not None and not known:
        raw = draft.image.decode("utf-8", "replace")
        known = mask(raw) != raw
    if known or (draft.key is not None and mask(draft.key) != draft.key):
        raise InvalidArtifact(
            "The artifact holds a secret where it cannot be hidden.", fix="Leave it out."
        )
    return draft, text.encode("ascii") if draft.image is None else draft.image


def hide(value: Any) -> Any:
    """Return what JSON has, with secrets hidden in every text and number."""
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, list):
        return [hide(each) for each in value]
    if isinstance(value, dict):
        return {mask(key): hide(each) for key, each in value.items()}
    if isinstance(value, int | float) and not isinstance(value, bool):
        text = json.dumps(value)
        shown = mask(text)
        return value if shown == text else shown
    return value


# Finding


def found(runtime: Runtime, name: str, version: int | None = None) -> Artifact:
    """Return the artifact of a key, or of an id.

    Args:
        runtime: Where it is kept.
        name: A key or an id.
        version: Which version of the key; the newest by default.

    Raises:
        ArtifactNotFound: There is none.
    """
    if "/" in name:
        entry = runtime.history.entry(ARTIFACTS, name)
        if entry is None:
            raise _missing(name)
        return _artifact(runtime, entry)
    if version is None:
        artifact = next(versions(runtime, name), None)
    else:
        claim = runtime.history.entry(KEYS, _claimed(name, version))
        artifact = None if claim is None else _claimant(runtime, claim)
    if artifact is None:
        raise _missing(name if version is None else f"{name}@{version}")
    return artifact


def versions(runtime: Runtime, key: str) -> Iterator[Artifact]:
    """Yield the versions of a key, the newest first."""
    page = runtime.history.entries(KEYS, prefix=f"{key}/", limit=1)
    while page:
        for claim in page:
            artifact = _claimant(runtime, claim)
            if artifact is not None:
                yield artifact
        page = runtime.history.entries(KEYS, prefix=f"{key}/", after=page[-1].key, limit=_PAGE)


def newest(runtime: Runtime) -> Iterator[Artifact]:
    """Yield the newest version of every key, in the order of the keys."""
    page = runtime.history.entries(KEYS, limit=1)
    while page:
        key = page[0].key.partition("/")[0]
        yield from _first(versions(runtime, key))
        # All of the key begin with it and a slash; a zero is what comes after a slash.
        page = runtime.history.entries(KEYS, after=f"{key}0", limit=1)


def made_by(runtime: Runtime, run: str) -> list[Artifact]:
    """Return the artifacts of a run and of what ran within it, the oldest first."""
    flow_run = run.partition(".")[0]
    artifacts: list[Artifact] = []
    page = runtime.history.entries(ARTIFACTS, prefix=f"{flow_run}/", limit=_PAGE)
    while page:
        artifacts += [_artifact(runtime, entry) for entry in page]
        page = runtime.history.entries(
            ARTIFACTS, prefix=f"{flow_run}/", after=page[-1].key, limit=_PAGE
        )
    within = [
        each
        for each in artifacts
        if run in (flow_run, each.run) or str(each.run).startswith(f"{run}/")
    ]
    return sorted(within, key=lambda each: (each.made, each.id))


def _first(artifacts: Iterator[Artifact]) -> Iterator[Artifact]:
    for artifact in artifacts:
        yield artifact
        return


def _claimant(runtime: Runtime, claim: Entry) -> Artifact | None:
    entry = runtime.history.entry(ARTIFACTS, claim.value["id"])
    if entry is None or entry.value["version"] != _version(claim):
        return None
    return _artifact(runtime, entry)


def _artifact(runtime: Runtime, entry: Entry) -> Artifact:
    return artifact_of(entry.key, entry.value, entry.at, _folder(runtime))


def _missing(name: str) -> ArtifactNotFound:
    return ArtifactNotFound(
        f"There is no artifact {name!r}.", fix="`brickwork artifact ls` shows those that are kept."
    )


# Removing


def remove(runtime: Runtime, artifact: Artifact) -> None:
    """Remove one artifact; its version is never given to another one of the key."""
    history = runtime.history
    history.put(ARTIFACTS, artifact.id, None)
    if artifact.key is not None and artifact.version is not None:
        claims = history.entries(KEYS, prefix=f"{artifact.key}/", limit=1)
        if claims and _version(claims[0]) != artifact.version:
            history.put(KEYS, _claimed(artifact.key, artifact.version), None)
    _remove_content(runtime, artifact)


def remove_key(runtime: Runtime, key: str) -> int:
    """Remove all versions of a key, which begins again with 1; return how many there were.

    Raises:
        ArtifactNotFound: There is none.
    """
    all_of_it = list(versions(runtime, key))
    if not all_of_it:
        raise _missing(key)
    for artifact in reversed(all_of_it):
        remove(runtime, artifact)
    runtime.history.put(KEYS, _claimed(key, all_of_it[0].version or 0), None)
    return len(all_of_it)


def forget_run(runtime: Runtime, flow_run: str) -> None:
    """Remove the artifacts of a flow's run, but for those that are the newest of their key."""
    for artifact in made_by(runtime, flow_run):
        last = None if artifact.key is None else next(versions(runtime, artifact.key), None)
        if last is None or last.id != artifact.id:
            remove(runtime, artifact)


def _remove_content(runtime: Runtime, artifact: Artifact) -> None:
    from brickwork import KeyNotFound

    if artifact.in_file:
        try:
            files_in(_folder(runtime)).delete(artifact.id)
        except KeyNotFound:
            return
