"""Running flows and their tasks: what is called, recorded, replayed and given back."""

import time
import traceback
from collections.abc import Callable, Mapping
from contextvars import copy_context
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from brickwork import Engine, Task, TaskCancelled, TaskFuture, TaskTimeout, mask
from brickwork_flows.context import RunContext, current_run
from brickwork_flows.errors import FlowError, ReplayDiverged
from brickwork_flows.fingerprints import fingerprint
from brickwork_flows.futures import RunFuture, has_futures, resolved
from brickwork_flows.history.events import Event, ResultKept, RunStarted, StateSet
from brickwork_flows.replay import PastCall, Replay
from brickwork_flows.results import keep, restore
from brickwork_flows.states import State, StateType, check_transition

if TYPE_CHECKING:
    from brickwork_flows.runners import TaskRunner
    from brickwork_flows.runtime import Runtime

MAX_MESSAGE = 500


class Run:
    """A run and its states, each recorded when it is set. Tells nobody's secrets.

    Attributes:
        context: What is called inside sees this.
        states: Every state that it was in since it began here, as recorded.
        number: How many states were recorded.
    """

    __slots__ = ("_write", "context", "number", "states")

    def __init__(self, context: RunContext, write: Callable[..., None], number: int = 0) -> None:
        self.context = context
        self.states: list[StateSet] = []
        self._write = write
        self.number = number

    def begin(self, *before: Event) -> None:
        """Record that the run came to be and began at once."""
        run, now = self.context.id, time.time()
        number = self.number
        pending = StateSet(run, number + 1, "pending", "Pending", "", now)
        running = StateSet(run, number + 2, "running", "Running", "", now, self.context.attempt)
        self.number = number + 2
        self.states += (pending, running)
        self._write(*before, pending, running)

    def set(self, kind: StateType, name: str = "", message: str = "", *before: Event) -> None:
        """Record that the run goes into a state.

        Raises:
            IllegalTransition: It may not follow.
        """
        last = StateType(self.states[-1].type) if self.states else None
        check_transition(last, kind, self.context.run_name)
        self.number += 1
        state = StateSet(
            self.context.id,
            self.number,
            kind.value,
            name or kind.value.capitalize(),
            message,
            time.time(),
            self.context.attempt,
        )
        self.states.append(state)
        self._write(*before, state)

    @property
    def state(self) -> State:
        """The state that it is in."""
        return self.states[-1].state

    # What a call of `Task.perform` tells

    def retry_planned(self, error: Exception, number: int, delay: float) -> None:
        """Record that an attempt failed, and that another one follows."""
        message = f"attempt {number}: {described(error)}; the next begins in {delay:.3g} s"
        self.set(StateType.SCHEDULED, "AwaitingRetry", message)

    def attempt_begins(self, number: int) -> None:
        """Record that another attempt begins."""
        self.context.attempt = number
        self.context.begin_again()
        self.set(StateType.RUNNING, "Retrying")

    def end_badly(self, error: BaseException) -> None:
        """Record how an error ended the run."""
        message = described(error)
        if isinstance(error, TaskTimeout):
            self.set(StateType.FAILED, "TimedOut", message)
        elif isinstance(error, TaskCancelled | KeyboardInterrupt):
            self.set(StateType.CANCELLED, "", message)
        elif isinstance(error, Exception):
            self.set(StateType.FAILED, "", message)
        else:
            self.set(StateType.CRASHED, "", message)


class FlowRun(Engine):
    """The run of a flow, and the engine of the tasks that are called in it.

    Args:
        run_id: Its id.
        runtime: Where it is recorded.
        replay: What was recorded before, if this run is resumed or retried.
        runner: Runs what is submitted.
        persist: Whether results are kept: always, never, or (None) where they can be.
        again: Whether the flow's body may be tried again, and so finds what its tasks did.
    """

    def __init__(
        self,
        run_id: str,
        runtime: "Runtime",
        replay: Replay,
        runner: "TaskRunner",
        *,
        persist: bool | None = None,
        again: bool = False,
    ) -> None:
        self.id = run_id
        self.runtime = runtime
        self.replay = replay
        self.runner = runner
        self._persist = persist
        self._again = again
        self._write = runtime.recorder.write

    # What tasks are called by

    def run(self, task: Task[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any], /) -> Any:
        """Run a sync task and return its result."""
        return self._here(task, args, kwargs, self._key(task))

    async def run_async(
        self, task: Task[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any], /
    ) -> Any:
        """Run a task without blocking the event loop."""
        return await self._here_async(task, args, kwargs, self._key(task))

    def submit(
        self, task: Task[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any], /
    ) -> RunFuture[Any]:
        """Start a task and return at once."""
        key = self._key(task)
        future: RunFuture[Any] = RunFuture(task.name, key)
        if task.is_async:
            self.runner.start_async(future, self._here_async, task, args, kwargs, key)
        else:
            self.runner.start(future, copy_context().run, self._here, task, args, kwargs, key)
        return future

    def map(
        self, task: Task[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any], /
    ) -> list[TaskFuture[Any]]:
        """Start a task once for each element of its arguments."""
        from brickwork_flows.mapping import calls_of

        return [self.submit(task, each, named) for each, named in calls_of(task, args, kwargs)]

    # One run of a task

    def _key(self, task: Task[..., Any]) -> str:
        caller = current_run.get()
        assert caller is not None  # noqa: S101  # an engine is installed only inside a flow
        key = caller.next_key(task.name)
        return key if caller.kind == "flow" else f"{caller.path}/{key}"

    def _here(
        self,
        task: Task[..., Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        path: str,
    ) -> Any:
        if has_futures(args, kwargs):
            args, kwargs = resolved(task.name, args, kwargs)
        known, value, run = self._begin(task, args, kwargs, path)
        if known:
            return value
        token = current_run.set(run.context)
        try:
            value = task.perform(args, kwargs, run)
        except BaseException as error:
            self._fail(run, task, args, kwargs, error)
            raise
        finally:
            current_run.reset(token)
        self._complete(run, task, args, kwargs, value)
        return value

    async def _here_async(
        self,
        task: Task[..., Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        path: str,
    ) -> Any:
        if has_futures(args, kwargs):
            import asyncio

            args, kwargs = await asyncio.to_thread(resolved, task.name, args, kwargs)
        known, value, run = self._begin(task, args, kwargs, path)
        if known:
            return value
        token = current_run.set(run.context)
        try:
            value = await task.perform_async(args, kwargs, run)
        except BaseException as error:
            self._fail(run, task, args, kwargs, error)
            raise
        finally:
            current_run.reset(token)
        self._complete(run, task, args, kwargs, value)
        return value

    def _begin(
        self, task: Task[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any], path: str
    ) -> tuple[bool, Any, Run]:
        """Record that a task begins; or find what it returned when it ran before.

        Raises:
            ReplayDiverged: What ran before as this call was something else.
        """
        inputs = fingerprint(args, kwargs)
        before = self.replay.calls.get(path)
        run_id = f"{self.id}.{path}"
        context = RunContext(run_id, "task", task.name, path, path, self)
        if before is None:
            run = Run(context, self._write)
            caller = current_run.get()
            parent = self.id if caller is None else caller.id
            tags = tuple(sorted(task.tags)) if task.tags else ()
            run.begin(
                RunStarted(run_id, "task", task.name, path, parent, path, self.id, tags, inputs)
            )
            return False, None, run
        if before.inputs != inputs:
            raise ReplayDiverged(
                f"The call {path} has other arguments than when the flow ran before.",
                fix="Make the flow's body depend on its parameters and on results of tasks alone; "
                "or start a new run.",
            )
        if before.value is not None:
            return True, before.value[0], Run(context, self._write)
        if before.result is not None:
            return True, restore(before.result), Run(context, self._write)
        context.attempt = before.attempts + 1
        run = Run(context, self._write, before.number)
        run.begin()
        return False, None, run

    def _complete(
        self,
        run: Run,
        task: Task[..., Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        value: Any,
    ) -> None:
        """Record that a task ended well, and keep its result."""
        kept, note = self.kept(run.context.id, value)
        if kept is None:
            run.set(StateType.COMPLETED, "", note)
        else:
            run.set(StateType.COMPLETED, "", note, kept)
        if self._again:
            self._remember(run, task, fingerprint(args, kwargs), [value])

    def _fail(
        self,
        run: Run,
        task: Task[..., Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        error: BaseException,
    ) -> None:
        """Record how a task ended badly."""
        run.end_badly(error)
        if self._again:
            self._remember(run, task, fingerprint(args, kwargs), None)

    def _remember(
        self, run: Run, task: Task[..., Any], inputs: str, value: list[Any] | None
    ) -> None:
        past = PastCall(task.name, inputs, None, run.number, run.context.attempt, value)
        self.replay.calls[run.context.path] = past

    def kept(self, run_id: str, value: Any) -> tuple[ResultKept | None, str]:
        """Keep a result where that is wanted and can be; say why it is not."""
        if self._persist is False:
            return None, ""
        try:
            return keep(run_id, value, self.runtime.place.results), ""
        except FlowError:
            raise
        except Exception as error:
            if self._persist:
                raise
            return None, f"its result is not kept: {described(error)}"


def described(error: BaseException) -> str:
    """Return the kind and the text of an error, masked, for a state's message."""
    text = "".join(traceback.format_exception_only(error)).strip()
    return mask(text)[:MAX_MESSAGE]


def new_run_id() -> str:
    """Return an id for a run: ids sort by the time at which they were made."""
    return f"{time.time_ns() // 1000:014x}{uuid4().hex[:12]}"
