"""How long runs are kept: their removal, and that of what nothing points to any more."""

import time
from collections.abc import Iterable, Iterator, Set as AbstractSet
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from brickwork import BrickworkError, KeyNotFound
from brickwork_flows.claims import Claim
from brickwork_flows.errors import NotResumable, RunNotFound
from brickwork_flows.history.interface import RunRecord
from brickwork_flows.result_settings import ResultSettings
from brickwork_flows.results import discard
from brickwork_flows.runtime import Runtime, current_runtime
from brickwork_flows.states import FINAL, StateType

if TYPE_CHECKING:
    from brickwork import Storage

GUARD_SECONDS = 24 * 3600.0
"""Files that nothing points to are left alone for so long: a process may be about to record one."""

_AT_ONCE = 500


class Pruned(NamedTuple):
    """What was removed, or would be.

    Attributes:
        runs: The ids of the runs.
        cached: How many results in the cache: expired, damaged, or of a run that was removed.
        orphans: How many files that neither a run nor the cache pointed to.
        problems: Of results that could not be deleted: where they are, and why.
    """

    runs: tuple[str, ...]
    cached: int
    orphans: int
    problems: tuple[str, ...]


def prune_runs(
    *,
    older_than: timedelta | None = None,
    keep: int = 0,
    states: Iterable[StateType | str] = (),
    flow: str | None = None,
    dry_run: bool = False,
) -> Pruned:
    """Remove runs that ended long ago, and what nothing points to any more.

    With a run go its tasks, logs, events, artifacts (but for the newest of each key), results and
    results in the cache. In any case go results in the cache that have expired, and files of
    results and of transactions that killed processes left behind a day ago. Runs that have not
    ended stay, and those that are being resumed. Safe beside processes that run flows.

    Args:
        older_than: Runs that ended so long ago. Without it and ``keep``, no run is removed.
        keep: How many of the newest runs of each flow stay in any case.
        states: Only runs that ended in one of these.
        flow: Only runs of the flow of that name.
        dry_run: Remove nothing, and return what would be.

    Raises:
        ValueError: There is no such state, or no run ends in it; or ``keep`` is below 0.
        HistoryError: The history cannot be read or written.
    """
    kinds = frozenset(map(StateType, states)) or FINAL
    if keep < 0 or not kinds <= FINAL:
        raise ValueError("keep is a number from 0, and states are those that a run ends in")
    runtime = current_runtime()
    runtime.flush()
    now = time.time()
    found: list[RunRecord] = []
    if older_than is not None or keep:
        end = now if older_than is None else now - older_than.total_seconds()
        found = [each for each in _older(runtime, end, keep, flow) if each.state.type in kinds]
    removed, problems = [], []
    for record in found:
        if not dry_run:
            try:
                problems += remove_run(runtime, record.id)
            except (NotResumable, RunNotFound):  # it has just been resumed, or removed
                continue
        removed.append(record.id)
    if older_than is not None and not dry_run:
        runtime.history.forget(now - older_than.total_seconds())
    cached = _prune_cache(frozenset(removed), dry_run=dry_run)
    orphans = _prune_orphans(runtime, now - GUARD_SECONDS, dry_run=dry_run)
    if not dry_run:
        _prune_staged(runtime, now - GUARD_SECONDS)
        if removed:
            runtime.history.compact()
    return Pruned(tuple(removed), cached, orphans, tuple(problems))


def remove_run(runtime: Runtime, run_id: str) -> list[str]:
    """Remove a run of a flow with all that belongs to it.

    Returns:
        Of results that could not be deleted: where they are, and why.

    Raises:
        RunNotFound: There is none.
        NotResumable: It is part of another one, has not ended, or is being resumed.
    """
    from brickwork_flows.artifacts.keeping import forget_run

    problems = []
    with _held(runtime, run_id):
        check_removable(runtime.history.run(run_id))
        forget_run(runtime, run_id)
        _remove_folder(_staged(runtime) / run_id)
        for kept in runtime.history.remove(run_id):
            try:
                discard(kept)
            except BrickworkError as error:
                problems.append(f"The result of {kept.run} stays where it is: {error.what}")
    return problems


def check_removable(record: RunRecord) -> None:
    """Refuse to remove a run that is part of another one, or has not ended. Raises NotResumable."""
    if record.id != record.flow_run:
        raise NotResumable(
            f"The run {record.id} is part of another one.", fix=f"Remove that: {record.flow_run}."
        )
    if not record.state.final:
        raise NotResumable(
            f"The run {record.id} has not ended: it is {record.state.type.value}.",
            fix=f"End it first: brickwork run cancel {record.id}.",
        )


@contextmanager
def _held(runtime: Runtime, run_id: str) -> Iterator[None]:
    """Have a run for oneself, so that nobody resumes it meanwhile."""
    claim = Claim.take(runtime.place.folder, run_id)
    if claim is None:
        raise NotResumable(f"The run {run_id} is being resumed.", fix="Wait until it has ended.")
    try:
        yield
    finally:
        claim.release()


def _all(runtime: Runtime, flow: str | None = None) -> Iterator[RunRecord]:
    page = runtime.history.runs(name=flow, limit=_AT_ONCE)
    while page:
        yield from page
        page = runtime.history.runs(name=flow, before=page[-1].id, limit=_AT_ONCE)


def _older(runtime: Runtime, end: float, keep: int, flow: str | None) -> list[RunRecord]:
    """Return the runs that ended before a time, but the newest of each flow."""
    seen: dict[str, int] = {}
    found = []
    for record in _all(runtime, flow):
        number = seen[record.name] = seen.get(record.name, 0) + 1
        ended = bool(record.states) and record.state.final
        if ended and number > keep and record.state.timestamp < end:
            found.append(record)
    return found


def _prune_cache(removed: AbstractSet[str], *, dry_run: bool) -> int:
    from brickwork_flows.caching.store import prune

    return prune(of_runs=removed, dry_run=dry_run)


def _prune_orphans(runtime: Runtime, before: float, *, dry_run: bool) -> int:
    """Delete results in the history's own folder that nothing points to.

    Other storages are left alone: what else is in them, and whose it is, cannot be known.
    """
    storage, url = ResultSettings(runtime.place.results).where()
    # Before what points to them is read, so that none comes to be in between.
    left = set(_written_before(storage, before))
    for key in _pointed_to(runtime, url) if left else ():
        left.discard(key)
    for key in left:
        if not dry_run:
            storage.delete(key)
    return len(left)


def _written_before(storage: "Storage", time_: float) -> Iterator[str]:
    for key in storage.keys():  # noqa: SIM118  # of a storage, which is no mapping
        with suppress(KeyNotFound):
            if storage.stat(key).modified.timestamp() < time_:
                yield key


def _pointed_to(runtime: Runtime, url: str) -> Iterator[str]:
    from brickwork_flows.caching.store import CacheStore

    for record in _all(runtime):
        for kept in runtime.history.results(record.id).values():
            if kept.url == url and kept.storage_key is not None:
                yield kept.storage_key
    for entry in CacheStore.of(runtime.place).readable():
        kept = entry.kept
        if kept.url == url and kept.storage_key is not None:
            yield kept.storage_key


def _prune_staged(runtime: Runtime, before: float) -> None:
    """Remove what transactions put aside in runs that there are no more."""
    for folder in _staged(runtime).glob("*"):
        with suppress(FileNotFoundError):
            if folder.stat().st_mtime < before:
                try:
                    runtime.history.run(folder.name)
                except RunNotFound:
                    _remove_folder(folder)


def _staged(runtime: Runtime) -> Path:
    """Return where transactions put aside what they write, in a folder for each flow's run."""
    return runtime.place.folder / "staged"


def _remove_folder(folder: Path) -> None:
    from shutil import rmtree

    rmtree(folder, ignore_errors=True)
