"""``@flow``: a function whose runs are recorded, and whose tasks are."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from contextvars import Token
from typing import Any, Generic, ParamSpec, Self, TypedDict, TypeVar, Unpack, overload

from brickwork import InvalidArguments, Scope, Task, use_engine
from brickwork_flows.context import RunContext, current_run
from brickwork_flows.dependencies import has_futures, resolved
from brickwork_flows.engine import FlowRun
from brickwork_flows.errors import IllegalTransition, InvalidFlow, InvalidParameters
from brickwork_flows.finding import entry_point, source_file
from brickwork_flows.fingerprints import fingerprint
from brickwork_flows.history.events import RunStarted
from brickwork_flows.hooks import Hook, check_hooks, tell, tell_async
from brickwork_flows.lines import RunLog
from brickwork_flows.names import NameOption, arguments_of, check_name, named, tags_of_run
from brickwork_flows.parameters import recorded
from brickwork_flows.recording import Run, new_run_id
from brickwork_flows.replay import NOT_KEPT, Replay, given_back
from brickwork_flows.runners import LazyRunner, TaskRunner, ThreadRunner
from brickwork_flows.runtime import current_runtime
from brickwork_flows.states import StateType

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


class FlowOptions(TypedDict, total=False):
    """The options of `flow`, which says what they mean."""

    name: str
    description: str
    version: str
    flow_run_name: NameOption
    tags: Iterable[str]
    log_prints: bool | None
    on_running: Hook | Iterable[Hook]
    on_completion: Hook | Iterable[Hook]
    on_failure: Hook | Iterable[Hook]
    on_cancellation: Hook | Iterable[Hook]
    on_crashed: Hook | Iterable[Hook]
    retries: int
    retry_delay_seconds: Any
    timeout_seconds: float | None
    task_runner: Callable[[], TaskRunner] | TaskRunner
    persist_result: bool | None
    validate_parameters: bool


_OF_TASK = ("name", "description", "retries", "retry_delay_seconds", "timeout_seconds")


class Flow(Generic[P, R]):
    """A function whose runs are recorded; made by `flow`.

    Attributes:
        fn: The function, bare.
        name: Its name, or as given.
        version: As given; empty without one.
        is_async: Whether the function is a coroutine function.
    """

    def __init__(self, fn: Callable[P, R], **options: Unpack[FlowOptions]) -> None:
        unknown = options.keys() - FlowOptions.__annotations__.keys()
        if unknown:
            raise InvalidFlow(
                f"Flow {getattr(fn, '__name__', fn)!r}: no such option: "
                f"{', '.join(sorted(unknown))}.",
                fix=f"There are: {', '.join(FlowOptions.__annotations__)}.",
            )
        # Attempts, time-outs and parameters are those of a task; what is recorded is not.
        of_task: dict[str, Any] = {key: options[key] for key in _OF_TASK if key in options}  # type: ignore[literal-required]  # keys of both
        self._task: Task[P, R] = Task(fn, **of_task)
        self.fn = fn
        self.name = self._task.name
        self.version: str = options.get("version", "")
        self.is_async = self._task.is_async
        self.options = options
        check_name(self.name, options.get("flow_run_name"), fn)
        self._hooked = check_hooks(self.name, options)
        self.__wrapped__ = fn
        self.__doc__ = fn.__doc__
        self.__name__ = self._task.__name__
        self.__qualname__ = self._task.__qualname__
        self.__module__ = self._task.__module__

    @property
    def task(self) -> Task[P, R]:
        """The function as a task: its parameters, attempts and time-out."""
        return self._task

    @property
    def description(self) -> str:
        """What the flow does: as given, or the first paragraph of the docstring."""
        return self._task.description

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run the flow; an async one gives the coroutine that runs it.

        Raises:
            InvalidParameters: The parameters do not fit the signature.
        """
        running: Any
        running = self._run_async(args, kwargs) if self.is_async else self._run(args, kwargs)
        return running  # type: ignore[no-any-return]  # what the function returns

    async def aio(self, *args: P.args, **kwargs: P.kwargs) -> Any:
        """Run the flow in an event loop: always a coroutine; a sync function runs in a thread."""
        if self.is_async:
            return await self._run_async(args, kwargs)
        import asyncio

        return await asyncio.to_thread(self._run, args, kwargs)

    def with_options(self, **changes: Unpack[FlowOptions]) -> "Flow[P, R]":
        """Return the same flow with other options; those not given stay."""
        merged: FlowOptions = {**self.options, **changes}
        return Flow(self.fn, **merged)

    def begin(self, arguments: Mapping[str, Any], how: "Beginning") -> Any:
        """Run the flow in a way of its own, such as resumed; an async one gives the coroutine."""
        return (self._run_async if self.is_async else self._run)((), arguments, how)

    def __repr__(self) -> str:
        return f"<Flow {self.name}>"

    # One run

    def _run(
        self,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        how: "Beginning | None" = None,
    ) -> Any:
        if has_futures(args, kwargs):
            args, kwargs = resolved(self.name, args, kwargs)
        arguments = self._arguments(args, kwargs)
        how = how or Beginning.of_call(self, arguments)
        if how.known:
            return how.value
        running = Running(self, how, arguments)
        run = running.run
        try:
            with running:
                if self._hooked:
                    tell(self, run.context, run.states)
                value = self._task.perform((), arguments, run)
                running.complete(value)
        finally:
            if self._hooked and run.ended:
                tell(self, run.context, run.states)
        return value

    async def _run_async(
        self,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        how: "Beginning | None" = None,
    ) -> Any:
        if has_futures(args, kwargs):
            import asyncio

            args, kwargs = await asyncio.to_thread(resolved, self.name, args, kwargs)
        arguments = self._arguments(args, kwargs)
        how = how or Beginning.of_call(self, arguments)
        if how.known:
            return how.value
        running = Running(self, how, arguments)
        run = running.run
        try:
            with running:
                if self._hooked:
                    await tell_async(self, run.context, run.states)
                value = await self._task.perform_async((), arguments, run)
                await running.complete_async(value)
        except GeneratorExit:  # nothing can be awaited any more
            if self._hooked and run.ended:
                tell(self, run.context, run.states)
            raise
        except BaseException:
            if self._hooked and run.ended:
                await tell_async(self, run.context, run.states)
            raise
        if self._hooked:
            await tell_async(self, run.context, run.states)
        return value

    def _arguments(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parameters by name, as the annotations want them.

        Raises:
            InvalidParameters: Names those that are wrong, missing or unknown.
        """
        import inspect

        try:
            bound = inspect.signature(self.fn).bind(*args, **kwargs)
        except TypeError as error:
            raise InvalidParameters(
                f"Flow {self.name!r}: {error}.", fix="Give the parameters that its signature has."
            ) from None
        bound.apply_defaults()
        if self.options.get("validate_parameters") is False or not bound.arguments:
            return dict(bound.arguments)
        try:
            return self._task.coerce(bound.arguments)
        except InvalidArguments as error:
            raise self.misfit(error) from None

    def misfit(self, error: InvalidArguments) -> InvalidParameters:
        """Return what arguments that do not fit are for a flow, which is no task for its users."""
        what = error.what.removeprefix(f"Task {self.name!r}: ")
        return InvalidParameters(f"Flow {self.name!r}: {what}", fix=error.fix)


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
        self.message = ""
        self.known = False
        self.value: Any = None

    @classmethod
    def of_call(cls, flow: Flow[Any, Any], arguments: Mapping[str, Any]) -> "Beginning":
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
        how.known, how.value = given_back(before, path, inputs)
        how.message = NOT_KEPT if before.completed else ""
        return how


class Running:
    """The run of a flow while it runs, as a context manager: records how it begins and ends."""

    def __init__(self, flow: Flow[Any, Any], how: Beginning, arguments: Mapping[str, Any]) -> None:
        self._runtime = runtime = current_runtime()
        self._how = how
        make = flow.options.get("task_runner") or ThreadRunner
        outer = None if how.caller is None else how.caller.flow
        self._flow_run = FlowRun(
            how.run_id,
            runtime,
            how.replay,
            LazyRunner(make),
            persist=flow.options.get("persist_result"),
            again=bool(flow.options.get("retries")) or (outer is not None and outer.again),
            root="" if outer is None else outer.root,
        )
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
        self.run = Run(context, runtime.recorder.write, how.states)
        self._started = None if how.states else self._start(flow, name, arguments)
        self._engine = use_engine(self._flow_run)
        self._scope = Scope(flow.name)
        self._token: Token[RunContext | None] | None = None

    def _start(self, flow: Flow[Any, Any], name: str, arguments: Mapping[str, Any]) -> RunStarted:
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
            },
        )

    def __enter__(self) -> Self:
        before = () if self._started is None else (self._started,)
        self.run.begin(*before, message=self._how.message)
        if self._how.caller is None:
            self._runtime.recorder.requests.watch(self._how.run_id, self._asked)
        self._token = current_run.set(self.run.context)
        self._scope.__enter__()
        self._engine.__enter__()
        if self.run.context.log_prints:
            self._flow_run.watch_prints()
        return self

    def _asked(self, wish: str) -> bool:
        """Do what was asked of the run from outside; called in another thread."""
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
        if error is not None:
            self.run.end_badly(error)
            if self._how.caller is not None and self._flow_run.again:
                self._flow_run.remember(self.run, self._how.inputs, None)

    def complete(self, value: Any) -> None:
        """Wait for what was submitted, and record that the flow ended well."""
        self._flow_run.runner.wait()
        self._completed(value)

    async def complete_async(self, value: Any) -> None:
        """`complete` without blocking the event loop."""
        import asyncio

        await asyncio.to_thread(self._flow_run.runner.wait)
        self._completed(value)

    def _completed(self, value: Any) -> None:
        kept, note = self._flow_run.kept(self.run.context.id, value)
        before = () if kept is None else (kept,)
        self.run.set(StateType.COMPLETED, "", note, *before)
        if self._how.caller is not None and self._flow_run.again:
            self._flow_run.remember(self.run, self._how.inputs, [value])


def _run_name(flow: Flow[Any, Any], run_id: str, path: str, arguments: Mapping[str, Any]) -> str:
    option = flow.options.get("flow_run_name")
    if not option:
        return path or f"{flow.name}-{run_id[-6:]}"
    return named(flow.name, option, lambda: arguments_of(flow.fn, (), arguments))


@overload
def flow(fn: Callable[P, R], /) -> Flow[P, R]: ...
@overload
def flow(**options: Unpack[FlowOptions]) -> Callable[[Callable[P, R]], Flow[P, R]]: ...
def flow(fn: Callable[..., Any] | None = None, /, **options: Unpack[FlowOptions]) -> Any:
    """Make a function a flow: ``@flow`` or ``@flow(retries=2, ...)``.

    The options have Prefect's names, and its meaning unless said otherwise.

    Args:
        fn: The function, sync or async.
        name: Default: the function's name.
        description: Default: the first paragraph of the docstring.
        version: What to tell versions of the code apart by.
        flow_run_name: The name of each run: a template with parameters such as ``"load-{day}"``, or
            a function without parameters that returns it.
        tags: Tags of each run, besides those that `tags` adds.
        log_prints: Whether what the flow and its tasks print is kept with its logs. Default: as the
            flow has it that calls this one.
        on_running: Functions of the flow, the run and its state, or addresses of notifiers such as
            ``"webhook/ops"``, that are called when a run has begun. One alone needs no list.
        on_completion: The same when a run has completed; and so on with the other three.
        on_failure: When it has failed, after its last retry.
        on_cancellation: When it was cancelled.
        on_crashed: When something else than an error ended it, such as an exit in the middle. A
            process that is killed calls nothing any more.
        retries: How often a failed run's body is tried again. Tasks that completed are not run
            again, and give back what they returned.
        retry_delay_seconds: As for `brickwork.task`.
        timeout_seconds: For each attempt of the body.
        task_runner: What runs submitted tasks: a class or function that makes a `TaskRunner`, or
            one whose settings each run takes. Default: threads of this process.
        persist_result: Whether what tasks and the flow return is kept: always (what cannot be kept
            is an error), never, or, without it, where it can be. Only what is kept need not be
            run again when a run is resumed.
        validate_parameters: Whether parameters are turned into what the annotations ask for.
    """
    if fn is not None:
        return Flow(fn, **options)
    return lambda function: Flow(function, **options)
