"""Resuming runs: the same run begins again, and what it completed is not done again."""

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from brickwork_flows.definition import Flow
from brickwork_flows.errors import HistoryError, InvalidFlow, NotResumable
from brickwork_flows.finding import find
from brickwork_flows.history.interface import RunRecord
from brickwork_flows.history.requests import ask
from brickwork_flows.parameters import restored
from brickwork_flows.replay import Replay
from brickwork_flows.running import Beginning
from brickwork_flows.runtime import Runtime, current_runtime
from brickwork_flows.states import StateType


def resume(run_id: str, /, **parameters: Any) -> Any:
    """Run a flow again that crashed, failed or was cancelled: the same run, under its id.

    Its body runs from the start, with the parameters that were recorded. Tasks, and flows in it,
    that completed are not run again, and give back what they returned; those that did not
    complete, or whose result was not kept, run again. So the body must do the same as before
    when it is given the same.

    Args:
        run_id: The run of a flow that a program called.
        parameters: Those that were not recorded, such as secrets, once more.

    Returns:
        What the flow returns; for an async flow, the coroutine that runs it.

    Raises:
        RunNotFound: There is no such run.
        NotResumable: It runs, has completed, is part of another run, or is being resumed.
        InvalidFlow: The flow is not where it was.
        InvalidParameters: A parameter must be given again, or one was given that is recorded.
        ReplayDiverged: The body calls something else than before.
    """
    runtime = current_runtime()
    record = resumable(runtime, run_id)
    return resume_flow(flow_of(record), record, parameters)


def resumable(runtime: Runtime, run_id: str) -> RunRecord:
    """Return a run that can be resumed.

    Raises:
        RunNotFound: There is no such run.
        NotResumable: It cannot be; says why.
    """
    runtime.flush()
    record = runtime.history.run(run_id)
    if record.id != record.flow_run:
        raise NotResumable(
            f"The run {run_id} is part of another one.", fix=f"Resume that: {record.flow_run}."
        )
    kind = record.state.type
    if kind is StateType.COMPLETED:
        raise NotResumable(f"The run {run_id} has completed.", fix="Call the flow for another run.")
    if not kind.final:
        raise NotResumable(
            f"The run {run_id} has not ended: it is {kind.value}.",
            fix=f"Wait for it, or end it: brickwork run cancel {run_id}.",
        )
    return record


def flow_of(record: RunRecord) -> Flow[Any, Any]:
    """Return the flow that a run was a run of. Raises InvalidFlow where it is not found."""
    details = record.details
    found = find(str(details.get("entry", "")), str(details.get("file", "")))
    if not isinstance(found, Flow):
        raise InvalidFlow(
            f"{details.get('entry')} is a {type(found).__name__} now, and no flow.",
            fix="Put @flow on it, or start a new run.",
        )
    return found


def resume_flow(flow: Flow[Any, Any], record: RunRecord, again: Mapping[str, Any]) -> Any:
    """Resume a run with a flow; arguments, results and errors are those of `resume`."""
    arguments = restored(record.details.get("parameters", {}), again)
    runtime = current_runtime()
    if not flow.is_async:
        with _claimed(runtime, record.id) as current:
            return flow.begin(arguments, _beginning(runtime, current))

    async def running() -> Any:
        with _claimed(runtime, record.id) as current:
            return await flow.begin(arguments, _beginning(runtime, current))

    return running()


def _beginning(runtime: Runtime, record: RunRecord) -> Beginning:
    # What somebody asked of it before it ended is not meant for what begins now.
    ask(runtime.history, record.id, "")
    return Beginning(
        record.id,
        Replay.of(runtime.history, record.id),
        len(record.states),
        record.attempts,
        record.run_name,
    )


@contextmanager
def _claimed(runtime: Runtime, run_id: str) -> Iterator[RunRecord]:
    """Have a run for oneself: of several who resume it at once, only one does."""
    path = runtime.place.folder / "resuming" / run_id
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise HistoryError(
            f"{path} cannot be made: {os.strerror(error.errno or 0).lower()}.",
            fix="Check the disk's free space and the folder's permissions.",
        ) from None
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(file).st_nlink == 0:  # whoever had it has just ended
                raise BlockingIOError
        except OSError:
            raise NotResumable(
                f"The run {run_id} is being resumed already.", fix="Wait for it."
            ) from None
        try:
            yield resumable(runtime, run_id)  # once more: somebody may have been faster
        finally:
            path.unlink(missing_ok=True)
    finally:
        os.close(file)
