"""``Task`` and the decorator that makes one."""

import sys
from collections.abc import Callable, Coroutine, Iterable, Mapping
from contextlib import suppress
from contextvars import Token
from types import MethodType
from typing import (
    TYPE_CHECKING,
    Any,
    Concatenate,
    Generic,
    ParamSpec,
    Self,
    TypedDict,
    TypeVar,
    Unpack,
    overload,
)

from brickwork.errors import TaskError
from brickwork.tasks.calls import Watcher, call, call_async
from brickwork.tasks.engine import Engine, TaskFuture, current_engine
from brickwork.tasks.functions import is_async
from brickwork.tasks.retry import Condition, Delay, RetryOn, RetryPolicy, checked_number
from brickwork.tasks.scope import Scope, current_scope

if TYPE_CHECKING:
    from datetime import timedelta

    from brickwork.tasks.parameters import Parameter

P = ParamSpec("P")
P2 = ParamSpec("P2")
R = TypeVar("R")
T = TypeVar("T")
R_co = TypeVar("R_co", covariant=True)


_OF_RESULTS = frozenset(
    {"persist_result", "result_storage", "result_serializer", "result_storage_key"}
)

Hook = Callable[..., object] | str
Hooks = Hook | Iterable[Hook]


class Options(TypedDict, total=False):
    """The options of `task` and of `Task.with_options`; `task` says what they mean."""

    name: str
    description: str
    async_fn: Callable[..., Coroutine[Any, Any, Any]]
    tags: Iterable[str]
    permissions: Iterable[str]
    retries: int
    retry_delay_seconds: Delay
    retry_jitter_factor: float
    retry_on: RetryOn
    retry_condition_fn: Condition | None
    timeout_seconds: float | None
    cache_policy: object
    cache_key_fn: Callable[[Any, dict[str, Any]], str | None] | None
    cache_expiration: "timedelta | None"
    refresh_cache: bool
    task_run_name: str | Callable[[], str]
    log_prints: bool | None
    on_completion: Hooks
    on_failure: Hooks
    on_commit: Hooks
    on_rollback: Hooks
    persist_result: bool | None
    result_storage: object
    result_serializer: str
    result_storage_key: str


class Task(Generic[P, R_co]):
    """A typed function with a policy; made by `task`.

    A call runs the function with its retries and its time-out; under an engine, the engine runs
    it. At the name of a module's function it pickles by that name.

    Attributes:
        fn: The function, bare.
        async_fn: The coroutine function that does the same, if there is one.
        name: The function's name, or as given; the registry's name for a plugin's tasks.
        is_async: Whether the function is a coroutine function.
        tags: For engines and listings.
        permissions: What the service must allow, in its own words; for listings and policies.
        retry: When a failed attempt is tried again.
        retry_condition_fn: Whether it is, as it was given.
        timeout_seconds: For each attempt.
        options: The options as they were given.
        cache_policy: For engines; a plain call does not cache. So are the next three.
        cache_key_fn: In place of a policy, a function that returns the key.
        cache_expiration: How long a result in the cache counts; None: always.
        refresh_cache: Whether what is in the cache is computed anew.
        caches: Whether there is a policy, or a function in place of one.
    """

    def __init__(self, fn: Callable[P, R_co], **options: Unpack[Options]) -> None:
        if isinstance(fn, Task):
            raise TaskError(
                f"{fn.name!r} is a task already.", fix="Use with_options() for other options."
            )
        self.is_async = is_async(fn)
        name = options.get("name") or getattr(fn, "__name__", None)
        if not name:
            raise TaskError(f"{fn!r} has no name.", fix="Give one: @task(name=...).")
        unknown = options.keys() - Options.__annotations__.keys()
        if unknown:
            raise TaskError(
                f"Task {name!r}: no such option: {', '.join(sorted(unknown))}.",
                fix=f"There are: {', '.join(Options.__annotations__)}.",
            )
        self.fn = fn
        self.async_fn = options.get("async_fn")
        if self.async_fn is not None and (self.is_async or not is_async(self.async_fn)):
            raise TaskError(
                f"Task {name!r}: async_fn is the coroutine function beside a sync function.",
                fix="Give one written by async def, or leave it out: an async task needs no other.",
            )
        if sys.version_info < (3, 14):
            # On the object: a class that was once asked for its annotations answers with its own.
            self.__annotations__ = getattr(fn, "__annotations__", {})
        self.name: str = name
        self.tags = frozenset(options.get("tags", ()))
        self.permissions = permissions = tuple(options.get("permissions", ()))
        if isinstance(options.get("permissions"), str) or not all(
            isinstance(each, str) for each in permissions
        ):
            raise TaskError(
                f"Task {name!r}: permissions are a list of texts.",
                fix='Write permissions=["service:Action"].',
            )
        self.cache_policy = options.get("cache_policy")
        self.cache_key_fn = options.get("cache_key_fn")
        self.cache_expiration = options.get("cache_expiration")
        self.refresh_cache = options.get("refresh_cache", False)
        self.caches = self.cache_policy is not None or self.cache_key_fn is not None
        if self.caches or self.cache_expiration is not None:
            from brickwork.tasks.caching import check_caching

            check_caching(self)
        self.timeout_seconds = options.get("timeout_seconds")
        if self.timeout_seconds is not None:
            checked_number("timeout_seconds", self.timeout_seconds, above_zero=True)
        self.retry = RetryPolicy(
            options.get("retries", 0),
            options.get("retry_delay_seconds", 0.0),
            options.get("retry_jitter_factor", 0.0),
            options.get("retry_on", Exception),
        )
        self.retry_condition_fn = options.get("retry_condition_fn")
        if not (self.retry_condition_fn is None or callable(self.retry_condition_fn)):
            raise TaskError(
                f"Task {name!r}: retry_condition_fn is no function.",
                fix="Give a function of (task, run, state) that returns a bool.",
            )
        self.options = options
        if not _OF_RESULTS.isdisjoint(options):
            from brickwork.tasks.results import check_results

            check_results(self)
        self._parameters: tuple[Parameter, ...] | None = None
        self.__wrapped__ = fn
        self.__doc__ = getattr(fn, "__doc__", None)
        self.__name__: str = getattr(fn, "__name__", name)
        self.__qualname__: str = getattr(fn, "__qualname__", name)
        self.__module__ = getattr(fn, "__module__", None) or __name__

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co:
        """Run the task; an async one gives the coroutine that runs it."""
        engine = current_engine.get()
        running: Any
        if self.is_async:
            start = call_async if engine is None else engine.run_async
            running = start(self, args, kwargs)
        elif engine is not None:
            running = engine.run(self, args, kwargs)
        elif self.retry.retries:
            running = call(self, args, kwargs)
        else:
            return self.attempt(args, kwargs)
        result: R_co = running
        return result

    @overload
    async def aio(
        self: "Task[P, Coroutine[Any, Any, T]]", *args: P.args, **kwargs: P.kwargs
    ) -> T: ...
    @overload
    async def aio(self, *args: P.args, **kwargs: P.kwargs) -> R_co: ...
    async def aio(self, *args: Any, **kwargs: Any) -> Any:
        """Run the task in an event loop: always a coroutine.

        A sync function without an ``async_fn`` runs in a worker thread with the context variables
        of here. When the caller is cancelled, it is interrupted at its next bytecode, and awaited
        until it ended.
        """
        engine = current_engine.get()
        if engine is not None:
            return await engine.run_async(self, args, kwargs)
        return await call_async(self, args, kwargs)

    @overload
    def submit(
        self: "Task[P, Coroutine[Any, Any, T]]", *args: P.args, **kwargs: P.kwargs
    ) -> TaskFuture[T]: ...
    @overload
    def submit(self, *args: P.args, **kwargs: P.kwargs) -> TaskFuture[R_co]: ...
    def submit(self, *args: Any, **kwargs: Any) -> TaskFuture[Any]:
        """Start the task under the engine and return at once.

        Raises:
            TaskError: No engine is running.
        """
        return self._engine("submit").submit(self, args, kwargs)

    @overload
    def map(
        self: "Task[..., Coroutine[Any, Any, T]]", *args: Any, **kwargs: Any
    ) -> list[TaskFuture[T]]: ...
    @overload
    def map(self, *args: Any, **kwargs: Any) -> list[TaskFuture[R_co]]: ...
    def map(self, *args: Any, **kwargs: Any) -> list[TaskFuture[Any]]:
        """Start the task under the engine once for each element of the arguments.

        Raises:
            TaskError: No engine is running.
        """
        return self._engine("map").map(self, args, kwargs)

    def attempt(self, args: tuple[Any, ...], kwargs: Mapping[str, Any], number: int = 1) -> R_co:
        """Call the sync function once: in a scope of its own, with the time-out, no retries.

        For engines. An async task's is `attempt_async`.

        Args:
            args: Positional arguments.
            kwargs: Arguments by name.
            number: Which attempt this is, from 1.

        Raises:
            TaskTimeout: The time-out interrupted it, or the time of a scope around is up.
            TaskCancelled: The scope around was cancelled before it began.
        """
        outer = current_scope.get()
        if outer is not None:
            outer.check()
        fn: Callable[..., R_co] = self.fn
        scope = Scope(self.name, seconds=self.timeout_seconds, attempt=number)
        token = current_scope.set(scope)
        try:
            if self.timeout_seconds is None:
                return fn(*args, **kwargs)
            from brickwork.tasks.interrupt import limited

            return limited(scope, fn, args, kwargs)
        except BaseException:
            scope.cancel()  # threads that it started and left behind should stop as well
            raise
        finally:
            current_scope.reset(token)

    async def attempt_async(
        self, args: tuple[Any, ...], kwargs: Mapping[str, Any], number: int = 1
    ) -> Any:
        """Call the function once without blocking the event loop; a sync one in a thread.

        For engines. Arguments and errors are those of `attempt`.
        """
        outer = current_scope.get()
        if outer is not None:
            outer.check()
        fn: Callable[..., Any] = self.async_fn or self.fn
        awaited = self.is_async or self.async_fn is not None
        scope = Scope(self.name, seconds=self.timeout_seconds, attempt=number)
        token = current_scope.set(scope)
        try:
            if awaited and scope.parent is None and scope.ends is None:
                return await fn(*args, **kwargs)  # nothing to watch: any event loop will do
            from brickwork.tasks.loops import in_loop, in_thread

            return await (in_loop if awaited else in_thread)(scope, fn, args, kwargs)
        except BaseException:
            scope.cancel()
            raise
        finally:
            _reset(token)

    def perform(
        self,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        watcher: Watcher | None = None,
    ) -> R_co:
        """Call the sync function with its retries and its time-out, past the engine.

        For engines, which run it so when its turn has come. Arguments and errors are those of
        `attempt`.

        Args:
            args: Positional arguments.
            kwargs: Arguments by name.
            watcher: Is told of each retry.
        """
        return call(self, args, kwargs, watcher)

    async def perform_async(
        self,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        watcher: Watcher | None = None,
    ) -> Any:
        """`perform` without blocking the event loop; a sync function runs in a thread."""
        return await call_async(self, args, kwargs, watcher)

    def with_options(self, **changes: Unpack[Options]) -> "Task[P, R_co]":
        """Return the same task with other options; those not given stay.

        Raises:
            TaskError: An option is unknown, or its value cannot be used.
        """
        options: Options = {**self.options, **changes}
        return Task(self.fn, **options)

    @property
    def description(self) -> str:
        """What the task does: as given, or the first paragraph of the docstring."""
        from brickwork.tasks.docstrings import summary

        return self.options.get("description") or summary(self.__doc__)

    @property
    def parameters(self) -> "tuple[Parameter, ...]":
        """The parameters, with their annotations resolved.

        Raises:
            TaskError: An annotation cannot be resolved.
        """
        if self._parameters is None:
            from brickwork.tasks.parameters import parameters_of

            self._parameters = parameters_of(self)
        return self._parameters

    def coerce(
        self,
        arguments: Mapping[str, object],
        *,
        resolve_block: Callable[[str], object] | None = None,
    ) -> dict[str, Any]:
        """Return the arguments as the annotations want them, ready for ``t(**arguments)``.

        Texts become numbers, dates, paths and so on; a text that holds JSON becomes a list, a
        mapping or a model where one is wanted.

        Args:
            arguments: By parameter name. Those with defaults may be left out, and stay out.
            resolve_block: Called with a text given for a block, storage, serializer or notifier;
                returns the thing itself.

        Raises:
            InvalidArguments: Names every parameter that is wrong, missing or unknown; no values.
            TaskError: An annotation cannot be resolved, or the task takes positional arguments.
        """
        from brickwork.tasks.parameters import coerce

        return coerce(self, arguments, resolve_block)

    def _engine(self, method: str) -> Engine:
        engine = current_engine.get()
        if engine is None:
            raise TaskError(
                f"{self.name}.{method}() needs an engine, and none is running.",
                fix="Install brickwork-flows and call it inside a @flow function, or call the"
                " task itself.",
            )
        return engine

    @overload
    def __get__(self, instance: None, owner: type, /) -> Self: ...
    @overload
    def __get__(
        self: "Task[Concatenate[Any, P2], R]", instance: object, owner: type | None = None, /
    ) -> "Task[P2, R]": ...
    def __get__(self, instance: object, owner: type | None = None, /) -> "Task[..., Any]":
        """Bind to an instance, as a function does."""
        return self if instance is None else _bind(self, instance)

    def __reduce__(self) -> str | tuple[Any, ...]:
        if isinstance(self.fn, MethodType):
            return (_bind, (_unbound(self, self.fn), self.fn.__self__))
        at_name = _find(self.__module__, self.__qualname__)
        if at_name is self:
            return self.__qualname__
        if isinstance(at_name, Task) and at_name.fn is self.fn:
            return (_with_options, (at_name, self.options))
        return (_make, (self.fn, self.options))

    def __repr__(self) -> str:
        return f"<Task {self.name}>"

    if not TYPE_CHECKING:  # mypy would take any attribute for granted

        def __getattr__(self, name: str) -> Any:
            if name == "__signature__":
                import inspect

                return inspect.signature(self.fn)
            if name in {"__annotations__", "__type_params__"}:
                return getattr(self.fn, name)
            raise AttributeError(f"Task has no attribute {name!r}")


@overload
def task(fn: Callable[P, R], /) -> Task[P, R]: ...
@overload
def task(**options: Unpack[Options]) -> Callable[[Callable[P, R]], Task[P, R]]: ...
def task(fn: Callable[..., Any] | None = None, /, **options: Unpack[Options]) -> Any:
    """Make a function a task: ``@task`` or ``@task(retries=3, ...)``.

    The options have Prefect's names, and its meaning unless said otherwise.

    Args:
        fn: The function, sync or async; no generator.
        name: Default: the function's name.
        description: Default: the first paragraph of the docstring.
        async_fn: A coroutine function that does the same as a sync one without blocking, with the
            same parameters: `Task.aio` awaits it in place of a worker thread.
        tags: For engines and listings.
        permissions: What a service must allow for it, in its own words, such as an IAM action or
            an OAuth scope. Listings show them, and plugins make policies of them.
        retries: How often a failed attempt is tried again.
        retry_delay_seconds: Seconds before each retry, a list of them (the last repeats), or a
            function from the number of the failed attempt, from 1 (unlike Prefect's, which
            returns the whole list), such as `exponential_backoff`.
        retry_jitter_factor: Each delay is spread evenly over this share of it, both ways (in
            Prefect, by a clamped exponential distribution over the same interval).
        retry_on: Exception classes, or a function from the exception to a bool. Default: every
            `Exception`. Never retried: `TaskCancelled`, asyncio's cancelling, Ctrl-C, exit.
        retry_condition_fn: A function of the task, its run (None without an engine) and the failed
            state, whose ``result()`` raises what the attempt raised: it returns whether to try
            again. One that raises says no. ``retry_on`` is the shorter way.
        timeout_seconds: For each attempt. `remaining` tells the function how much is left.
        cache_policy: For engines: when a result of before is given back instead of running the
            task, such as ``INPUTS`` of brickwork-flows. A plain call does not cache.
        cache_key_fn: In place of a policy: called with what runs and the arguments by name, it
            returns the text under which the result is kept, or None for no caching.
        cache_expiration: How long a result in the cache counts. Default: always.
        refresh_cache: Whether the task runs in any case, and its result takes the place of the
            one in the cache.
        task_run_name: For engines: the name of each run, a template with parameters such as
            ``"load-{day}"``, or a function without parameters.
        log_prints: For engines: whether what the task prints is kept with its run. Default: as the
            flow has it.
        on_completion: For engines: functions of the task, its run and its state, or addresses of
            notifiers, that are called when a run has completed.
        on_failure: The same when it has failed, after its last retry.
        on_commit: For engines: functions of the transaction that the task runs in, called when
            that is committed.
        on_rollback: The same when it is rolled back: they undo what the task did.
        persist_result: For engines: whether what the task returns is kept. Default: as the flow
            has it.
        result_storage: For engines: the storage for what it returns; a storage, or its address.
        result_serializer: For engines: the chain by which that is written, such as ``json|zstd``.
        result_storage_key: For engines: the key there, a template such as
            ``"{flow_run.name}/{parameters[day]}.json"``.

    Raises:
        TaskError: An option cannot be used, or the function cannot be a task.
    """
    if fn is not None:
        return Task(fn, **options)
    return lambda function: Task(function, **options)


def _reset(token: Token[Scope | None]) -> None:
    # An abandoned coroutine is closed by the garbage collector, in another context.
    with suppress(ValueError):
        current_scope.reset(token)


def _find(module: str, qualname: str) -> object:
    found: object = sys.modules.get(module)
    for part in qualname.split("."):
        found = getattr(found, part, None)
    return found


def _bind(unbound: Task[..., Any], instance: object) -> Task[..., Any]:
    options = unbound.options
    if unbound.async_fn is not None:
        options = {**options, "async_fn": MethodType(unbound.async_fn, instance)}
    return Task(MethodType(unbound.fn, instance), **options)


def _unbound(bound: Task[..., Any], method: MethodType) -> Task[..., Any]:
    options = bound.options
    if isinstance(bound.async_fn, MethodType):
        options = {**options, "async_fn": bound.async_fn.__func__}
    return Task(method.__func__, **options)


def _with_options(base: Task[..., Any], options: Options) -> Task[..., Any]:
    return Task(base.fn, **options)


def _make(fn: Callable[..., Any], options: Options) -> Task[..., Any]:
    return Task(fn, **options)
