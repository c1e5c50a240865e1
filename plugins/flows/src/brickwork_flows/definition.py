"""``@flow``: a function whose runs are recorded, and whose tasks are."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, ParamSpec, TypedDict, TypeVar, Unpack, overload

from brickwork import InvalidArguments, Task
from brickwork_flows.dependencies import has_futures, resolved, resolved_async, waited_for
from brickwork_flows.errors import InvalidFlow, InvalidParameters
from brickwork_flows.hooks import Hook, check_hooks, tell, tell_async
from brickwork_flows.names import NameOption, check_name
from brickwork_flows.recording import Run
from brickwork_flows.result_settings import OPTIONS as OPTIONS_OF_RESULTS, check_results
from brickwork_flows.runners import TaskRunner
from brickwork_flows.running import Beginning, Running
from brickwork_flows.states import State, StateType
from brickwork_flows.submission import OPTIONS, Outcome, Waits, call_options

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
    task_runner: Callable[[], TaskRunner] | TaskRunner | str
    persist_result: bool | None
    result_storage: object
    result_serializer: str
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
        if not OPTIONS_OF_RESULTS.isdisjoint(options):
            check_results(self.name, options)
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

        With ``return_state=True`` besides its parameters it gives the state in which the run ended,
        whose ``result()`` gives what was returned, or raises what was raised; ``wait_for=[...]``
        takes futures to wait for. Both as for tasks.

        Raises:
            InvalidParameters: The parameters do not fit the signature.
        """
        running: Any
        if kwargs and not OPTIONS.isdisjoint(kwargs):
            running = (self._with_async if self.is_async else self._with)(args, kwargs)
        else:
            running = self._run_async(args, kwargs) if self.is_async else self._run(args, kwargs)
        return running  # type: ignore[no-any-return]  # what the function returns

    async def aio(self, *args: P.args, **kwargs: P.kwargs) -> Any:
        """Run the flow in an event loop: always a coroutine; a sync function runs in a thread."""
        if self.is_async:
            return await self._with_async(args, kwargs)
        import asyncio

        return await asyncio.to_thread(self._with, args, kwargs)

    def with_options(self, **changes: Unpack[FlowOptions]) -> "Flow[P, R]":
        """Return the same flow with other options; those not given stay."""
        merged: FlowOptions = {**self.options, **changes}
        return Flow(self.fn, **merged)

    def begin(self, arguments: Mapping[str, Any], how: Beginning) -> Any:
        """Run the flow in a way of its own, such as resumed; an async one gives the coroutine."""
        return (self._run_async if self.is_async else self._run)((), arguments, how)

    def __repr__(self) -> str:
        return f"<Flow {self.name}>"

    # One run

    def _with(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Run the flow with the options of a call."""
        kwargs, after, state = call_options(self._task, kwargs)
        if after:
            resolved(self.name, after, {})
        runs: list[Run] = []
        try:
            value = self._run(args, kwargs, None, runs, after)
        except Exception as error:
            if state:
                return _outcome(runs, error)
            raise
        return _outcome(runs, None, value) if state else value

    async def _with_async(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """`_with` without blocking the event loop."""
        kwargs, after, state = call_options(self._task, kwargs)
        if after:
            await resolved_async(self.name, after, {})
        runs: list[Run] = []
        try:
            value = await self._run_async(args, kwargs, None, runs, after)
        except Exception as error:
            if state:
                return _outcome(runs, error)
            raise
        return _outcome(runs, None, value) if state else value

    def _run(
        self,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        how: Beginning | None = None,
        runs: list[Run] | None = None,
        awaited: Waits = (),
    ) -> Any:
        found = has_futures(args, kwargs)
        after = waited_for((args, kwargs, awaited)) if found or awaited else []
        if found:
            args, kwargs = resolved(self.name, args, kwargs)
        arguments = self._arguments(args, kwargs)
        how = how or Beginning.of_call(self, arguments)
        how.waited_for = after
        if how.known:
            return how.value
        running = Running(self, how, arguments)
        run = running.run
        if runs is not None:
            runs.append(run)
        try:
            with running.slots(), running:
                if self._hooked:
                    tell(self, run.context, run.states)
                value = self._task.perform((), arguments, run)
                value = running.complete(value)
        finally:
            if self._hooked and run.ended:
                tell(self, run.context, run.states)
        return value

    async def _run_async(
        self,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        how: Beginning | None = None,
        runs: list[Run] | None = None,
        awaited: Waits = (),
    ) -> Any:
        found = has_futures(args, kwargs)
        after = waited_for((args, kwargs, awaited)) if found or awaited else []
        if found:
            import asyncio

            args, kwargs = await asyncio.to_thread(resolved, self.name, args, kwargs)
        arguments = self._arguments(args, kwargs)
        how = how or Beginning.of_call(self, arguments)
        how.waited_for = after
        if how.known:
            return how.value
        running = Running(self, how, arguments)
        run = running.run
        if runs is not None:
            runs.append(run)
        try:
            async with running.slots():
                with running:
                    if self._hooked:
                        await tell_async(self, run.context, run.states)
                    value = await self._task.perform_async((), arguments, run)
                    value = await running.complete_async(value)
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


def _outcome(runs: list[Run], error: Exception | None, value: Any = None) -> Outcome:
    """Return how a run ended; raise what was raised where none began, or where it goes on later."""
    if error is None:
        # One that is replayed gives back its result, and no run of it begins.
        return Outcome.ended(runs[0].state if runs else State(StateType.COMPLETED), value)
    if not runs or not runs[0].ended:
        raise error
    return Outcome.ended(runs[0].state, None, error)


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
        task_runner: What runs submitted tasks: a class or function that makes a `TaskRunner`, one
            whose settings each run takes, or a name: ``"threads"``, ``"processes"``, or one that an
            installed package brings. Default: threads of this process.
        persist_result: Whether what tasks and the flow return is kept: always (what cannot be kept
            is an error), never, or, without it, where it can be. Only what is kept need not be
            run again when a run is resumed.
        result_storage: Where results are kept that are too large for the history: a storage, the
            address of a saved one, or a URL. Tasks and flows that are called inherit it. Default:
            ``BRICKWORK_RESULTS``, or a folder beside the history.
        result_serializer: How they are written: a chain such as ``"json|zstd"`` or ``"pickle"``,
            inherited as well. Default: JSON; bytes and long texts as they are.
        validate_parameters: Whether parameters are turned into what the annotations ask for.
    """
    if fn is not None:
        return Flow(fn, **options)
    return lambda function: Flow(function, **options)
