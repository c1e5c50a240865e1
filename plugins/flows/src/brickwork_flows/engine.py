"""Running flows and their tasks: what is called, recorded, replayed and given back."""

import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from brickwork import Engine, Task
from brickwork_flows.calls import TaskCall
from brickwork_flows.context import RunContext, current_run
from brickwork_flows.dependencies import has_futures, resolved, resolved_async
from brickwork_flows.errors import FlowError, FlowSuspended
from brickwork_flows.futures import RunFuture
from brickwork_flows.history.events import ResultKept, RunStarted
from brickwork_flows.recording import Run, described, setting
from brickwork_flows.replay import PastCall, Replay
from brickwork_flows.result_settings import ResultSettings
from brickwork_flows.results import keep
from brickwork_flows.states import CACHED, StateType
from brickwork_flows.submission import OPTIONS, Outcome, call_options, start

if TYPE_CHECKING:
    from brickwork_flows.lines import RunLog
    from brickwork_flows.pausing.pauses import Pausing
    from brickwork_flows.runners import TaskRunner
    from brickwork_flows.runtime import Runtime


class FlowRun(Engine):
    """The run of a flow, and the engine of the tasks that are called in it.

    Args:
        run_id: Its id.
        runtime: Where it is recorded.
        replay: What was recorded before, if this run is resumed or retried.
        runner: Runs what is submitted.
        results: How results are kept.
        again: Whether the flow's body may be tried again, and so finds what its tasks did.
        caller: The run that called the flow; None if nobody did.

    Attributes:
        root: The id of the outermost run that this one is part of; its own if nobody called it.
        top: That run, as an engine.
        context: The flow's own run.
        states: The same, to record its states.
        log: What it and its tasks log.
        first_failed: The first task that failed; empty until then.
        retried: The paths of tasks that run, and may be tried again.
        claimed: Of the outermost run: whether it was resumed, and is held while it runs.
        pausing: Of the outermost run: its pauses; None before the first.
        pause_asked: Of the outermost run: whether somebody asked it to pause at the next task.
        suspended: Of the outermost run: what ends the body, once it was suspended.
        write: Records events.
        heard: Is told of what is submitted, and of artifacts, where somebody looks on.
    """

    def __init__(
        self,
        run_id: str,
        runtime: "Runtime",
        replay: Replay,
        runner: "TaskRunner",
        *,
        results: ResultSettings | None = None,
        again: bool = False,
        caller: RunContext | None = None,
    ) -> None:
        self.id = run_id
        self.caller = caller
        self.top: FlowRun = self if caller is None else caller.flow.top
        self.root = self.top.id
        self.context: RunContext
        self.states: Run
        self.log: RunLog
        self.first_failed = ""
        self.runtime = runtime
        self.replay = replay
        self.runner = runner
        self.results = results or ResultSettings.outermost(runtime.place.results)
        self._prints = False
        self.again = again
        self.retried: set[str] = set()
        self.parameters: Mapping[str, Any] = {}
        recorder = runtime.recorder
        self.write = recorder.write
        self.heard = recorder.heard
        self.claimed = False
        self.pausing: Pausing | None = None
        self.pause_asked = False
        self.suspended: FlowSuspended | None = None

    def chain(self) -> Iterator["FlowRun"]:
        """Yield this run, and those that wait for it, from the inside out."""
        flow: FlowRun | None = self
        while flow is not None:
            yield flow
            flow = None if flow.caller is None else flow.caller.flow

    # What tasks are called by

    def run(self, task: Task[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any], /) -> Any:
        """Run a sync task and return its result."""
        if kwargs and not OPTIONS.isdisjoint(kwargs):
            return self._with_options(task, args, kwargs)
        key = self.key(task.name)
        if self.replay.left and not has_futures(args, kwargs):
            self.expect(key, task.name)
        return TaskCall(self, task, args, kwargs, key).run()

    async def run_async(
        self, task: Task[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any], /
    ) -> Any:
        """Run a task without blocking the event loop."""
        if kwargs and not OPTIONS.isdisjoint(kwargs):
            return await self._with_options_async(task, args, kwargs)
        return await TaskCall(self, task, args, kwargs, self.key(task.name)).run_async()

    def _with_options(
        self, task: Task[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> Any:
        kwargs, after, state = call_options(task, kwargs)
        future: RunFuture[Any] = RunFuture(task.name, self.key(task.name))
        try:
            if after:
                resolved(task.name, after, {})
            value = TaskCall(self, task, args, kwargs, future.key, future, after).run()
        except Exception as error:
            if not state:
                raise
            future.end(None, error)
            return Outcome.of(future)
        future.end(value)
        return Outcome.of(future) if state else value

    async def _with_options_async(
        self, task: Task[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> Any:
        kwargs, after, state = call_options(task, kwargs)
        future: RunFuture[Any] = RunFuture(task.name, self.key(task.name))
        try:
            if after:
                await resolved_async(task.name, after, {})
            value = await TaskCall(self, task, args, kwargs, future.key, future, after).run_async()
        except Exception as error:
            if not state:
                raise
            future.end(None, error)
            return Outcome.of(future)
        future.end(value)
        return Outcome.of(future) if state else value

    def submit(
        self, task: Task[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any], /
    ) -> Any:
        """Start a task and return at once."""
        if kwargs and not OPTIONS.isdisjoint(kwargs):
            kwargs, after, state = call_options(task, kwargs)
            future = start(self, task, args, kwargs, after)
            return Outcome.of(future) if state else future
        return start(self, task, args, kwargs)

    def map(self, task: Task[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any], /) -> Any:
        """Start a task once for each element of its arguments."""
        from brickwork_flows.mapping import calls_of

        kwargs, after, state = call_options(task, kwargs)
        calls = calls_of(task, args, kwargs)
        if mapped := [each for each in (*args, *kwargs.values()) if type(each) is RunFuture]:
            after = (*after, mapped)
        futures = [start(self, task, each, named, after) for each, named in calls]
        return [Outcome.of(future) for future in futures] if state else futures

    # What a call of a task needs of its flow

    def key(self, name: str) -> str:
        """Return which call the next one of that name is, seen from the outermost flow."""
        caller = current_run.get()
        assert caller is not None  # noqa: S101  # an engine is installed only inside a flow
        key = caller.next_key(name)
        if caller.path:
            key = f"{caller.path}/{key}"
        if self.replay.left or self.replay.diverged is not None:
            self.replay.ask(key)
        return key

    def expect(self, key: str, name: str) -> None:
        """Refuse a call that takes the place of another one, when the run is resumed.

        Raises:
            ReplayDiverged: It does, or an earlier one did.
        """
        asyncio = sys.modules.get("asyncio")
        # In an event loop, the order of calls may differ from one run to the next.
        if asyncio is None or asyncio._get_running_loop() is None:  # noqa: SLF001  # documented
            self.replay.expect(key, name, self.context.name)

    def watch_prints(self) -> None:
        """Keep what runs within this one print, until `unwatch_prints`."""
        if not self._prints:
            from brickwork_flows import prints

            with setting(self.id):
                if not self._prints:
                    prints.begin()
                    self._prints = True

    def unwatch_prints(self) -> None:
        """Undo `watch_prints`; called once, at the end."""
        if self._prints:
            from brickwork_flows import prints

            prints.end()

    def never_began(self, task: Task[..., Any], path: str, parent: str) -> None:
        """Record that a task was cancelled while it waited for its turn."""
        before = self.replay.calls.get(path)
        run_id = f"{self.root}.{path}"
        context = RunContext(run_id, "task", task.name, path, path, self)
        context.attempt = 0 if before is None else before.attempts
        run = Run(context, self.write, 0 if before is None else before.number)
        tags = tuple(sorted(task.tags))
        started = RunStarted(run_id, "task", task.name, path, parent, path, self.root, tags)
        run.set(StateType.PENDING, "", "", *(() if before is not None else (started,)))
        run.set(StateType.CANCELLED, "", "cancelled before it began")
        if self.may_come_again(path):
            self.remember(run, "", None)

    def may_come_again(self, path: str) -> bool:
        """Return whether a call may be made again: by the flow's body, or by a task around it."""
        if self.again or not self.retried or "/" not in path:
            return self.again
        return any(path.startswith(f"{each}/") for each in tuple(self.retried))

    def remember(self, run: Run, inputs: str, value: list[Any] | None) -> None:
        """Keep what a call did, for when what calls it is tried again."""
        context = run.context
        past = PastCall(
            *(context.name, inputs, None, run.number, context.attempt, value),
            here=True,
            cached=run.states[-1].name == CACHED,
            kind=context.kind,
        )
        self.replay.calls[context.path] = past

    def artifact(self, what: str, *values: Any) -> None:
        """Keep an artifact, or change one."""
        from brickwork_flows.artifacts.keeping import change, shown

        change(self.runtime, what, *values)
        told = None if self.heard is None else shown(what, *values)
        if self.heard is not None and told is not None:
            self.heard((told,))

    def kept(
        self, run_id: str, value: Any, settings: ResultSettings | None = None, key: str = ""
    ) -> tuple[ResultKept | None, str]:
        """Keep a result where that is wanted and can be; say why it is not.

        Args:
            run_id: The run that returned it.
            value: The result.
            settings: How; as the flow has it, unless the task says otherwise.
            key: Its key in the storage, if it has one of its own.
        """
        settings = settings or self.results
        if settings.persist is False:
            return None, ""
        try:
            return keep(run_id, value, settings, key), ""
        except FlowError:
            raise
        except Exception as error:
            if settings.persist:
                raise
            return None, f"its result is not kept: {described(error)}"
