"""``@flow``: a function whose runs are recorded, and whose tasks are."""

from collections.abc import Callable, Mapping
from contextvars import Token
from typing import Any, Generic, ParamSpec, Self, TypedDict, TypeVar, Unpack, overload

from brickwork import InvalidArguments, Task, use_engine
from brickwork_flows.context import RunContext, current_run
from brickwork_flows.engine import FlowRun, Run, described, new_run_id
from brickwork_flows.errors import InvalidFlow, InvalidParameters
from brickwork_flows.history.events import RunStarted
from brickwork_flows.replay import Replay
from brickwork_flows.runners import TaskRunner, ThreadRunner
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
    flow_run_name: str | Callable[[], str]
    retries: int
    retry_delay_seconds: Any
    timeout_seconds: float | None
    task_runner: Callable[[], TaskRunner]
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
        self.__wrapped__ = fn
        self.__doc__ = fn.__doc__
        self.__name__ = self._task.__name__
        self.__qualname__ = self._task.__qualname__
        self.__module__ = self._task.__module__

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
        if self.is_async:
            running = self._run_async(args, kwargs, Beginning())
        else:
            running = self._run(args, kwargs, Beginning())
        return running  # type: ignore[no-any-return]  # what the function returns

    async def aio(self, *args: P.args, **kwargs: P.kwargs) -> Any:
        """Run the flow in an event loop: always a coroutine; a sync function runs in a thread."""
        if self.is_async:
            return await self._run_async(args, kwargs, Beginning())
        import asyncio

        return await asyncio.to_thread(self._run, args, kwargs, Beginning())

    def with_options(self, **changes: Unpack[FlowOptions]) -> "Flow[P, R]":
        """Return the same flow with other options; those not given stay."""
        merged: FlowOptions = {**self.options, **changes}
        return Flow(self.fn, **merged)

    def __repr__(self) -> str:
        return f"<Flow {self.name}>"

    # One run

    def _run(self, args: tuple[Any, ...], kwargs: Mapping[str, Any], how: "Beginning") -> Any:
        arguments = self._arguments(args, kwargs)
        running = Running(self, how)
        with running:
            value = self._task.perform((), arguments, running.run)
            running.complete(value)
        return value

    async def _run_async(
        self, args: tuple[Any, ...], kwargs: Mapping[str, Any], how: "Beginning"
    ) -> Any:
        arguments = self._arguments(args, kwargs)
        running = Running(self, how)
        with running:
            value = await self._task.perform_async((), arguments, running.run)
            await running.complete_async(value)
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
            raise InvalidParameters(f"Flow {self.name!r}: {error.what}", fix=error.fix) from None


class Beginning:
    """How a run begins: anew, or as one that is resumed.

    Args:
        run_id: The run that is resumed; None for a new one.
        replay: What it did before.
        states: How many states it was in.
        attempts: How many times it was tried.
    """

    def __init__(
        self,
        run_id: str | None = None,
        replay: Replay | None = None,
        states: int = 0,
        attempts: int = 0,
    ) -> None:
        self.run_id = run_id
        self.replay = replay or Replay()
        self.states = states
        self.attempts = attempts


class Running:
    """The run of a flow while it runs, as a context manager: records how it begins and ends."""

    def __init__(self, flow: Flow[Any, Any], how: Beginning) -> None:
        runtime = current_runtime()
        run_id = how.run_id or new_run_id()
        make = flow.options.get("task_runner") or ThreadRunner
        self._runner: TaskRunner | None = None
        caller = current_run.get()
        self._flow_run = FlowRun(
            run_id,
            runtime,
            how.replay,
            LazyRunner(make),
            persist=flow.options.get("persist_result"),
            again=bool(flow.options.get("retries")),
        )
        name = _run_name(flow, run_id)
        context = RunContext(run_id, "flow", flow.name, name, "", self._flow_run)
        context.attempt = how.attempts + 1
        self.run = Run(context, runtime.recorder.write, how.states)
        self._started = (
            None
            if how.run_id
            else RunStarted(
                run_id,
                "flow",
                flow.name,
                name,
                None if caller is None else caller.id,
                "" if caller is None else caller.next_key(flow.name),
                run_id,
                (),
                "",
                {"version": flow.version, "entry": f"{flow.__module__}:{flow.__qualname__}"},
            )
        )
        self._engine = use_engine(self._flow_run)
        self._token: Token[RunContext | None] | None = None

    def __enter__(self) -> Self:
        if self._started is not None:
            self.run.begin(self._started)
        else:
            self.run.begin()
        self._token = current_run.set(self.run.context)
        self._engine.__enter__()
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        try:
            self._flow_run.runner.close(cancel=error is not None)
        finally:
            self._engine.__exit__(None, None, None)
            if self._token is not None:
                current_run.reset(self._token)
        if error is not None:
            self.run.end_badly(error)

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


class LazyRunner(TaskRunner):
    """Makes the runner when something is first submitted: most flows submit nothing."""

    def __init__(self, make: Callable[[], TaskRunner]) -> None:
        self._make = make
        self._made: TaskRunner | None = None

    def _runner(self) -> TaskRunner:
        if self._made is None:
            self._made = self._make()
        return self._made

    def start(self, future: Any, function: Callable[..., Any], /, *args: Any) -> None:
        """Start by the runner."""
        self._runner().start(future, function, *args)

    def start_async(self, future: Any, function: Callable[..., Any], /, *args: Any) -> None:
        """Start by the runner."""
        self._runner().start_async(future, function, *args)

    def wait(self) -> None:
        """Wait by the runner."""
        if self._made is not None:
            self._made.wait()

    def close(self, *, cancel: bool) -> None:
        """Close the runner."""
        if self._made is not None:
            self._made.close(cancel=cancel)


def _run_name(flow: Flow[Any, Any], run_id: str) -> str:
    name = flow.options.get("flow_run_name")
    if callable(name):
        try:
            return str(name())
        except Exception as error:  # noqa: BLE001  # the user's function
            raise InvalidFlow(
                f"The flow_run_name of {flow.name!r} failed: {described(error)}"
            ) from None
    return name or f"{flow.name}-{run_id[-6:]}"


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
        flow_run_name: The name of each run, or a function that returns it.
        retries: How often a failed run's body is tried again. Tasks that completed are not run
            again, and give back what they returned.
        retry_delay_seconds: As for `brickwork.task`.
        timeout_seconds: For each attempt of the body.
        task_runner: Makes what runs submitted tasks. Default: threads of this process.
        persist_result: Whether what tasks and the flow return is kept: always (what cannot be kept
            is an error), never, or, without it, where it can be. Only what is kept need not be
            run again when a run is resumed.
        validate_parameters: Whether parameters are turned into what the annotations ask for.
    """
    if fn is not None:
        return Flow(fn, **options)
    return lambda function: Flow(function, **options)
