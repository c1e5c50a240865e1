"""Resuming runs: the same run begins again, and what it completed is not done again."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from brickwork_flows.claims import Claim
from brickwork_flows.definition import Flow
from brickwork_flows.errors import FlowSuspended, NotResumable
from brickwork_flows.history.events import StateSet
from brickwork_flows.history.interface import RunRecord
from brickwork_flows.history.recorder import is_at_work
from brickwork_flows.history.requests import ask
from brickwork_flows.reopening import flow_of, parameters_of
from brickwork_flows.replay import Replay
from brickwork_flows.running import Beginning
from brickwork_flows.runtime import Runtime, current_runtime
from brickwork_flows.staging import Staging
from brickwork_flows.states import REPEATABLE, StateType
from brickwork_flows.working import await_work

if TYPE_CHECKING:
    from brickwork_flows.pausing.awaited import Pause

ANSWER_SECONDS = 10.0
"""How long to wait until the process of a paused run says whether its input fits."""

_LOOK_SECONDS = 0.05
_CLAIM_SECONDS = 0.3


def resume(run_id: str, flow: Flow[Any, Any] | None = None, /, **parameters: Any) -> Any:
    """Run a flow again that crashed, failed, was cancelled or suspended: the same run, by its id.

    Its body runs from the start, with the parameters that were recorded. Tasks, and flows in it,
    that completed are not run again, and give back what they returned; those that did not
    complete, or whose result was not kept, run again. So the body must do the same as before
    when it is given the same. What waits for input is given it by `resume_flow_run`.

    Args:
        run_id: The run of a flow that a program called.
        flow: The flow, where it is not found by the name that was recorded: it was moved or
            renamed, or is made inside a function.
        parameters: Those that were not recorded, such as secrets, once more; and blocks, for
            another version of one, or where one was deleted.

    Returns:
        What the flow returns; for an async flow, the coroutine that runs it.

    Raises:
        RunNotFound: There is no such run.
        NotResumable: It runs, has completed, is part of another run, or is being resumed.
        InvalidFlow: The flow is not where it was, or takes other parameters than it did.
        InvalidParameters: A parameter must be given again, or one was given that is recorded.
        ReplayDiverged: The body calls something else than before.
    """
    runtime = current_runtime()
    record = resumable(runtime, run_id)
    if record.state.type is StateType.PAUSED:
        return resume_flow_run(run_id, flow=flow, parameters=parameters)
    return resume_flow(flow or flow_of(record), record, parameters)


def resume_flow_run(
    run_id: str,
    run_input: Any = None,
    *,
    key: str | None = None,
    flow: Flow[Any, Any] | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> Any:
    """Let a run go on that is paused or suspended, with what it waits for.

    Where a process waits in the run, that goes on, and this returns None once it has taken the
    input. Where none does, since the run was suspended or its process was killed, the run goes on
    here, as by `resume`.

    Args:
        run_id: The run of a flow that a program called.
        run_input: What it waits for: a value, or a mapping of the fields of a model.
        key: Which of its pauses is meant, where several are open at once.
        flow: As for `resume`; only where it goes on here.
        parameters: As for `resume`; only where it goes on here.

    Returns:
        None, or what the flow returns; for an async flow, the coroutine that runs it.

    Raises:
        RunNotFound: There is no such run.
        NotResumable: It is not paused, waits elsewhere too, or somebody else resumes it now.
        InvalidInput: The input does not fit; the run is paused still.
        FlowSuspended: It was suspended once more, further on.
    """
    runtime = current_runtime()
    record = resumable(runtime, run_id)
    if record.state.type is not StateType.PAUSED:
        raise NotResumable(
            f"The run {run_id} is not paused: it is {record.state.type.value}.",
            fix=f"Use resume({run_id!r}), or: brickwork run resume {run_id}",
        )
    if is_held(runtime, run_id) and tell_waiting(runtime, record, run_input, key):
        return None
    return resume_flow(
        flow or flow_of(record),
        record,
        parameters or {},
        lambda: offer_input(runtime, record, run_input, key, held=False),
    )


async def aresume_flow_run(
    run_id: str,
    run_input: Any = None,
    *,
    key: str | None = None,
    flow: Flow[Any, Any] | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> Any:
    """`resume_flow_run` without blocking the event loop; always a coroutine."""
    import asyncio
    from inspect import isawaitable

    value = await asyncio.to_thread(
        resume_flow_run, run_id, run_input, key=key, flow=flow, parameters=parameters
    )
    return await value if isawaitable(value) else value


def is_held(runtime: Runtime, run_id: str) -> bool:
    """Tell whether a process waits in a run that is paused, or goes on with it."""
    claim = Claim.take(runtime.place.folder, run_id)
    if claim is not None:
        claim.release()
    return claim is None


def tell_waiting(
    runtime: Runtime, record: RunRecord, run_input: Any, key: str | None = None
) -> bool:
    """Give the process that waits in a run what it waits for.

    Returns:
        Whether it has taken it; else it has died meanwhile.

    Raises:
        NotResumable: It waits for nothing, somebody else was faster, or it does not answer.
        InvalidInput: It does not fit; the run is paused still.
    """
    from brickwork_flows.pausing.awaited import known
    from brickwork_flows.pausing.inputs import misfit

    offered = offer_input(runtime, record, run_input, key)
    if offered is None:
        return False
    until = time.monotonic() + ANSWER_SECONDS
    while time.monotonic() < until:
        pause = known(runtime.history, record.id, offered.key)
        if pause is None:
            raise NotResumable(f"The run {record.id} has ended meanwhile.", fix="Look at it.")
        if pause.is_by(offered):
            return True
        if pause.offer != offered.offer:
            if pause.refused is not None:
                raise misfit(pause.type, pause.refused, pause.schema or {})
            raise NotResumable(
                f"Somebody else was faster to resume the run {record.id}.", fix="Look at it again."
            )
        if not is_held(runtime, record.id):
            # It may have taken it since, and even have ended.
            pause = known(runtime.history, record.id, offered.key)
            return pause is not None and pause.is_by(offered)
        time.sleep(_LOOK_SECONDS)
    raise NotResumable(
        f"The process of the run {record.id} has not answered within {ANSWER_SECONDS:g} s.",
        fix="It takes what it was given as soon as it looks. See: brickwork run show",
    )


def offer_input(
    runtime: Runtime, record: RunRecord, run_input: Any, key: str | None, *, held: bool = True
) -> "Pause | None":
    """Offer a paused run what it waits for; whoever runs it looks at that.

    Args:
        runtime: Where it is recorded.
        record: The run.
        run_input: What it waits for.
        key: Which of its pauses is meant.
        held: Whether a process waits in it. Where none does, it may wait for nothing any more:
            a process was killed after it had taken what it waited for. Then None is returned.

    Raises:
        NotResumable: It waits for nothing, or somebody else was faster.
        InvalidInput: The input has no form in JSON.
    """
    from brickwork_flows.pausing.awaited import chosen, offer, open_pauses

    pauses = open_pauses(runtime.history, record.id, held=held)
    if not (held or pauses) and run_input is None and key is None:
        return None
    return offer(runtime.history, chosen(pauses, record.id, key), run_input, held=held)


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
    if record.state.type not in REPEATABLE and _crashed_unseen(runtime, record):
        record = runtime.history.run(run_id)
    kind = record.state.type
    if kind is StateType.COMPLETED:
        raise NotResumable(f"The run {run_id} has completed.", fix="Call the flow for another run.")
    if kind not in REPEATABLE:
        raise NotResumable(
            f"The run {run_id} has not ended: it is {kind.value}.",
            fix=f"Wait for it, or end it: brickwork run cancel {run_id}.",
        )
    return record


def cancel_at_rest(runtime: Runtime, run_id: str) -> bool:
    """Record a paused run as cancelled; False where a process waits in it, which can do so."""
    from brickwork_flows.pausing.awaited import open_pauses, remove

    claim = Claim.take(runtime.place.folder, run_id)
    if claim is None:
        return False
    try:
        if runtime.history.run(run_id).state.type is not StateType.PAUSED:
            return False
        message = "somebody asked while it was paused"
        _end_all(runtime, run_id, StateType.CANCELLED, message)
        for pause in open_pauses(runtime.history, run_id):
            remove(runtime.history, run_id, pause.key)
        return True
    finally:
        claim.release()


def _crashed_unseen(runtime: Runtime, record: RunRecord) -> bool:
    """Record that a run has crashed whose process has left nothing that tells so.

    Its journal was removed, or a copy of the history was made without the journals.
    """
    if runtime.place.url:  # its process may be on another machine, with its journal
        return False
    if is_at_work(runtime.place.journals, record.id):
        return False
    claim = Claim.take(runtime.place.folder, record.id, patience=_CLAIM_SECONDS)
    if claim is None:
        return False
    try:
        if runtime.history.run(record.id).state != record.state:
            return False  # it has gone on meanwhile
        message = "no process runs it, and that which did has left no journal"
        _end_all(runtime, record.id, StateType.CRASHED, message)
        return True
    finally:
        claim.release()


def _end_all(runtime: Runtime, run_id: str, kind: StateType, message: str) -> None:
    records = [*runtime.history.children(run_id), runtime.history.run(run_id)]
    runtime.history.record(
        [
            StateSet(
                *(each.id, len(each.states) + 1, kind.value, kind.value.capitalize()),
                *(message, time.time(), each.attempts),
            )
            for each in records
            if not each.state.final
        ]
    )


def resume_flow(
    flow: Flow[Any, Any],
    record: RunRecord,
    again: Mapping[str, Any],
    first: Callable[[], object] | None = None,
) -> Any:
    """Resume a run with a flow; arguments, results and errors are those of `resume`.

    Args:
        flow: The flow.
        record: The run.
        again: Parameters that were not recorded.
        first: Called once the run is this process's own, before anything of it runs.
    """
    arguments = parameters_of(flow, record, again)
    runtime = current_runtime()
    if not flow.is_async:
        with _claimed(runtime, record.id, first) as how, _refusals():
            return flow.begin(arguments, how)

    async def running() -> Any:
        with _claimed(runtime, record.id, first) as how, _refusals():
            return await flow.begin(arguments, how)

    return running()


@contextmanager
def _refusals() -> Iterator[None]:
    """Tell who resumes a run what is wrong with its input, if that is why it is paused again."""
    try:
        yield
    except FlowSuspended as suspended:
        if suspended.refused is not None:
            raise suspended.refused from None
        raise


def _beginning(runtime: Runtime, record: RunRecord) -> Beginning:
    from brickwork_flows.pausing.awaited import ASKED, open_pauses, remove

    # What somebody asked of it before it ended is not meant for what begins now.
    ask(runtime.history, record.id, "")
    for pause in open_pauses(runtime.history, record.id):
        # Where it was killed just before it was paused, nobody knew of that.
        unseen = record.state.type is not StateType.PAUSED and pause.offer is None
        if unseen or pause.key == ASKED:
            remove(runtime.history, record.id, pause.key)
    how = Beginning(
        record.id,
        Replay.of(runtime.history, record),
        len(record.states),
        record.attempts,
        record.run_name,
    )
    how.claimed = True
    how.replay.staged = Staging.left_by(runtime.place, record.id)
    return how


@contextmanager
def _claimed(
    runtime: Runtime, run_id: str, first: Callable[[], object] | None
) -> Iterator[Beginning]:
    """Have a run for oneself: of several who resume it at once, only one does."""
    claim = Claim.take(runtime.place.folder, run_id, patience=_CLAIM_SECONDS)
    if claim is None:
        raise NotResumable(
            f"The run {run_id} is being resumed already, by another process or thread.",
            fix=f"Look at it: brickwork run show {run_id}",
        )
    try:
        await_work(runtime.place.folder, run_id)
        record = resumable(runtime, run_id)  # once more: somebody may have been faster
        if first is not None:
            first()
        yield _beginning(runtime, record)
    finally:
        claim.release()
