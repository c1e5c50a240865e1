"""One run of a flow: how it begins, anew or once more, and how it ends."""

from collections.abc import Iterable, Mapping
from contextlib import nullcontext, suppress
from contextvars import Token
from typing import TYPE_CHECKING, Any, Self

from brickwork import Scope, use_engine
from brickwork_flows.context import RunContext, current_run, current_transaction
from brickwork_flows.dependencies import results_of
from brickwork_flows.engine import FlowRun
from brickwork_flows.errors import FlowSuspended, IllegalTransition, InvalidFlow
from brickwork_flows.finding import (
    entry_point,
    is_loaded_by_worker,
    is_loaded_to_be_searched,
    source_file,
)
from brickwork_flows.fingerprints import fingerprint
from brickwork_flows.history.events import RunStarted
from brickwork_flows.lines import RunLog
from brickwork_flows.names import arguments_of, named, tags_of_run
from brickwork_flows.parameters import recorded
from brickwork_flows.recording import Run, new_run_id
from brickwork_flows.replay import NOT_KEPT, Replay, keep_changed
from brickwork_flows.result_settings import ResultSettings
from brickwork_flows.runners import LazyRunner, ThreadRunner
from brickwork_flows.runtime import Runtime, current_runtime
from brickwork_flows.states import AWAITING_SLOT, StateType

if TYPE_CHECKING:
    from brickwork_flows.definition import Flow
    from brickwork_flows.limits.runs import RunSlots


class Beginning:
    """How a run begins: anew, as part of another one, or as one that is resumed.

    Args:
        run_id: Its id; None for a new one that nobody calls.
        replay: What it did before; the whole run's, if it is part of one.
        states: How many states it was in.
        attempts: How many times it was tried.
        run_name: The name it had; None for a new run.
        caller: The run that calls the flow.
        path: Which call it is.
        inputs: A fingerprint of its parameters.
    """

    def __init__(
        self,
        run_id: str | None = None,
        replay: Replay | None = None,
        states: int = 0,
        attempts: int = 0,
        run_name: str | None = None,
        caller: RunContext | None = None,
        path: str = "",
        inputs: str = "",
    ) -> None:
        self.run_id = run_id or new_run_id()
        self.replay = replay or Replay()
        self.states = states
        self.attempts = attempts
        self.run_name = run_name
        self.caller = caller
        self.path = path
        self.inputs = inputs
        self.waited_for: list[tuple[str, int, int]] = []
        self.claimed = False  # whether who resumes it holds the run
        self.message = ""
        self.known = False
        self.value: Any = None

    @classmethod
    def of_call(cls, flow: "Flow[Any, Any]", arguments: Mapping[str, Any]) -> "Beginning":
        """Return how a flow begins that is called here: in another one, it is part of that.

        Raises:
            ReplayDiverged: What ran before as this call was something else.
        """
        caller = current_run.get()
        if caller is None:
            return cls()
        within = caller.flow
        path = within.key(flow.name)
        if within.replay.left and not flow.is_async:
            within.expect(path, flow.name)
        inputs = fingerprint((), arguments)
        run_id = f"{within.root}.{path}"
        before = within.replay.calls.get(path)
        if before is None:
            return cls(run_id, within.replay, caller=caller, path=path, inputs=inputs)
        how = cls(
            run_id,
            within.replay,
            before.number,
            before.attempts,
            caller=caller,
            path=path,
            inputs=inputs,
        )
        settings = within.results.of_flow(flow.options)
        how.known, how.value = within.replay.given_back(
            path, "flow", inputs, settings, within.context.name
        )
        if not how.known and before.inputs != inputs and not before.here:
            keep_changed(within.runtime.history, within.root, run_id, inputs)
        how.message = NOT_KEPT if before.completed else ""
        replayed = within.replay.staged is not None
        if how.known and (replayed or current_transaction.get() is not None):
            from brickwork_flows.transactions.tasks import completed

            context = RunContext(run_id, "flow", flow.name, path, path, within)
            context.attempt = before.attempts
            completed(Run(context, within.write, before.number), {}, before=True)
        return how


class Running:
    """The run of a flow while it runs, as a context manager: records how it begins and ends."""

    def __init__(
        self, flow: "Flow[Any, Any]", how: Beginning, arguments: Mapping[str, Any]
    ) -> None:
        worker = is_loaded_by_worker()
        if worker or is_loaded_to_be_searched():
            who = "a process of a ProcessRunner" if worker else "this process"
            why = "" if worker else ", to find a flow in it"
            raise InvalidFlow(
                f"The flow {flow.name!r} is called while {who} loads the program that it is in"
                f"{why}.",
                fix='Call it under: if __name__ == "__main__":',
            )
        self._runtime = runtime = current_runtime()
        self._how = how
        make = flow.options.get("task_runner") or ThreadRunner
        outer = None if how.caller is None else how.caller.flow
        self._flow_run = FlowRun(
            how.run_id,
            runtime,
            how.replay,
            LazyRunner(make),
            results=_results_of(flow, runtime, outer),
            again=bool(flow.options.get("retries")) or (outer is not None and outer.again),
            caller=how.caller,
        )
        self._flow_run.claimed = how.claimed
        self._flow_run.parameters = arguments
        name = how.run_name or _run_name(flow, how.run_id, how.path, arguments)
        wanted = flow.options.get("log_prints")
        if wanted is None:
            wanted = how.caller is not None and how.caller.log_prints
        tags = tags_of_run(flow.options.get("tags", ()))
        context = RunContext(
            how.run_id, "flow", flow.name, name, how.path, self._flow_run, flow.fn, tags, wanted
        )
        context.attempt = how.attempts + 1
        self._flow_run.context = context
        self._flow_run.log = RunLog(how.run_id, runtime) if outer is None else outer.log
        if how.states and outer is None:
            self._flow_run.log.goes_on()
        self.run = self._flow_run.states = Run(context, runtime.recorder.write, how.states)
        self._started = None if how.states else self._start(flow, name, arguments)
        self._engine = use_engine(self._flow_run)
        self._scope = Scope(flow.name)
        self._token: Token[RunContext | None] | None = None

    def _start(self, flow: "Flow[Any, Any]", name: str, arguments: Mapping[str, Any]) -> RunStarted:
        how = self._how
        return RunStarted(
            how.run_id,
            "flow",
            flow.name,
            name,
            None if how.caller is None else how.caller.id,
            how.path,
            self._flow_run.root,
            self.run.context.tags,
            how.inputs,
            {
                "version": flow.version,
                "entry": entry_point(flow.fn),
                "file": source_file(flow.fn),
                "parameters": recorded(arguments),
                **({"waits_for": how.waited_for} if how.waited_for else {}),
            },
        )

    def slots(self) -> "RunSlots | nullcontext[None]":
        """Return a context that waits until limits allow the run, and holds their slots."""
        limits = self._runtime.limits()
        if not limits:
            return nullcontext()
        context = self.run.context
        names = (f"flow:{context.name}", *(f"tag:{tag}" for tag in context.tags))
        wanted = [name for name in names if name in limits]
        if not wanted:
            return nullcontext()
        from brickwork_flows.limits.runs import RunSlots, slots_of

        return RunSlots(slots_of(self._runtime, wanted, context.id), self, self._scope)

    def awaits_slot(self, names: Iterable[str]) -> None:
        """Record that the run waits for slots of limits."""
        before = () if self._started is None else (self._started,)
        self.run.set(StateType.SCHEDULED, AWAITING_SLOT, ", ".join(names), *before)
        self._started = None
        if self._how.caller is None:
            self._runtime.recorder.requests.watch(self._how.run_id, self._asked)

    def got_no_slot(self, error: BaseException) -> None:
        """Record that the run does not begin."""
        self._runtime.recorder.requests.unwatch(self._how.run_id)
        if not self.run.states:
            before = () if self._started is None else (self._started,)
            self.run.set(StateType.PENDING, "", "", *before)
        self.run.end_badly(error)
        if self._how.caller is not None and self._flow_run.again:
            self._flow_run.remember(self.run, self._how.inputs, None)

    def __enter__(self) -> Self:
        before = () if self._started is None else (self._started,)
        self.run.begin(*before, message=self._how.message)
        if self._transacts():
            from brickwork_flows.transactions.tasks import begins

            begins(self.run, {})
        if self._how.caller is None:
            self._runtime.recorder.requests.watch(self._how.run_id, self._asked)
        self._token = current_run.set(self.run.context)
        self._scope.__enter__()
        self._engine.__enter__()
        if self.run.context.log_prints:
            self._flow_run.watch_prints()
        return self

    def _transacts(self) -> bool:
        """Tell whether it is part of a run that has transactions."""
        return self._how.caller is not None and (
            current_transaction.get() is not None or self._how.replay.staged is not None
        )

    def _asked(self, wish: str) -> bool:
        """Do what was asked of the run from outside; called in another thread."""
        if wish == "pause":
            self._flow_run.pause_asked = True
            return True
        if wish != "cancel":
            return False
        with suppress(IllegalTransition):  # it has just ended
            self.run.set(StateType.CANCELLING, "", "somebody asked")
        self._scope.cancel()
        if self._runtime.on_cancel is not None:
            self._runtime.on_cancel()
        return True

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        try:
            self._flow_run.runner.close(cancel=error is not None)
        finally:
            self._flow_run.unwatch_prints()
            self._engine.__exit__(None, None, None)
            self._scope.__exit__(None, None, None)
            if self._token is not None:
                current_run.reset(self._token)
            self._runtime.recorder.requests.unwatch(self._how.run_id)
        if error is not None and not self._suspended_by(error):
            self.run.end_badly(error)
            if self.run.context.transaction is not None:
                from brickwork_flows.transactions.tasks import failed

                failed(self.run, error)
            if self._how.caller is None and self._how.replay.staged is not None:
                self._how.replay.staged.tidy()
            if self._how.caller is not None and self._flow_run.again:
                self._flow_run.remember(self.run, self._how.inputs, None)
        if self._flow_run.pausing is not None:
            self._flow_run.pausing.close()

    def _suspended_by(self, error: BaseException) -> bool:
        """Tell whether an error does no more than end the body of a run that is suspended."""
        if self._flow_run.top.suspended is None or self.run.state.type is not StateType.PAUSED:
            return False
        if isinstance(error, BaseExceptionGroup):
            return error.split(FlowSuspended)[1] is None
        return isinstance(error, FlowSuspended)

    def complete(self, value: Any) -> Any:
        """Wait for what was submitted, and record that the flow ended well.

        Returns:
            The value; with their results in the places of futures.
        """
        self._flow_run.runner.wait()
        return self._completed(value)

    async def complete_async(self, value: Any) -> Any:
        """`complete` without blocking the event loop."""
        import asyncio

        await asyncio.to_thread(self._flow_run.runner.wait)
        return self._completed(value)

    def _completed(self, value: Any) -> Any:
        value = results_of(value)
        if self._flow_run.top.suspended is not None:
            raise self._flow_run.top.suspended  # the body dealt with what was to end it
        if self._how.replay.diverged is not None:
            raise self._how.replay.diverged  # the same
        kept, note = self._flow_run.kept(self.run.context.id, value)
        before = () if kept is None else (kept,)
        self.run.set(StateType.COMPLETED, "", note, *before)
        if self._transacts():
            from brickwork_flows.transactions.tasks import completed

            completed(self.run, {})
        elif self._how.replay.staged is not None:
            self._how.replay.staged.clear()
        if self._how.caller is not None and self._flow_run.again:
            self._flow_run.remember(self.run, self._how.inputs, [value])
        return value


def _results_of(flow: "Flow[Any, Any]", runtime: Runtime, outer: FlowRun | None) -> ResultSettings:
    """Return how a flow's results are kept; its own storage is opened, so that faults show now."""
    around = ResultSettings.outermost(runtime.place.results) if outer is None else outer.results
    settings = around.of_flow(flow.options)
    if flow.options.get("result_storage") is not None:
        settings.where()
    return settings


def _run_name(flow: "Flow[Any, Any]", run_id: str, path: str, arguments: Mapping[str, Any]) -> str:
    option = flow.options.get("flow_run_name")
    if not option:
        return path or f"{flow.name}-{run_id[-6:]}"
    return named(flow.name, option, lambda: arguments_of(flow.fn, (), arguments))
