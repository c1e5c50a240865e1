"""One call of a task in the run of a flow: found or performed, recorded, and told.

What is done twice here, once without and once with an event loop, differs in the waiting alone; all
that is decided and recorded stands in the steps below.
"""

from collections.abc import Mapping
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Any

from brickwork import Task
from brickwork_flows.context import RunContext, current_run, current_transaction
from brickwork_flows.dependencies import has_futures, resolved, resolved_async, waited_for
from brickwork_flows.fingerprints import fingerprint
from brickwork_flows.futures import RunFuture
from brickwork_flows.history.events import Event, ResultKept, RunStarted
from brickwork_flows.hooks import tell, tell_async
from brickwork_flows.names import arguments_of, named, tags_of_run
from brickwork_flows.recording import Run
from brickwork_flows.replay import NOT_KEPT, keep_changed
from brickwork_flows.result_settings import ResultSettings
from brickwork_flows.runners.interface import Parked
from brickwork_flows.states import AWAITING_SLOT, StateType

if TYPE_CHECKING:
    from brickwork_flows.caching.calls import CachedCall
    from brickwork_flows.engine import FlowRun
    from brickwork_flows.limits.slots import Slots


class TaskCall:
    """A call of a task in a flow.

    Args:
        flow: The flow's run.
        task: The task; an async one is performed by `run_async`, or where its runner can by `run`.
        args: Positional arguments; futures in them are waited for.
        kwargs: Arguments by name.
        path: Which call it is.
        future: Is told which run it is; where that was submitted, the runner does the work.
        after: Futures, at any depth, that were waited for besides those in the arguments.
    """

    __slots__ = (
        "_args",
        "_cache",
        "_flow",
        "_future",
        "_given_back",
        "_key",
        "_kwargs",
        "_path",
        "_prepared",
        "_run",
        "_task",
        "_waited_for",
    )

    _run: Run

    def __init__(
        self,
        flow: "FlowRun",
        task: Task[..., Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        path: str,
        future: RunFuture[Any] | None = None,
        after: Any = (),
    ) -> None:
        self._flow = flow
        self._task = task
        self._args = args
        self._kwargs = kwargs
        self._path = path
        self._future = future
        self._waited_for = waited_for(after) if after else []
        self._cache: CachedCall | None = None
        self._key = ""
        self._given_back = False
        self._prepared: tuple[str, tuple[Event, ...], str] | None = None

    def run(self) -> Any:
        """Run the task in this thread."""
        if has_futures(self._args, self._kwargs):
            self._waited_for += waited_for((self._args, self._kwargs))
            self._args, self._kwargs = resolved(self._task.name, self._args, self._kwargs)
        if self._flow.top.pause_asked:
            from brickwork_flows.pausing.pauses import hold

            hold(self._flow)
        limits = self._limits()
        if limits:
            return self._run_limited(limits)
        return self._run_now(self._cached_call())

    async def run_async(self) -> Any:
        """Run the task without blocking the event loop."""
        if has_futures(self._args, self._kwargs):
            self._waited_for += waited_for((self._args, self._kwargs))
            waiting = resolved_async(self._task.name, self._args, self._kwargs)
            self._args, self._kwargs = await waiting
        if self._flow.top.pause_asked:
            from brickwork_flows.pausing.pauses import ahold

            await ahold(self._flow)
        limits = self._limits()
        if limits:
            return await self._run_limited_async(limits)
        return await self._run_now_async(self._cached_call())

    def _run_now(self, cache: "CachedCall | None") -> Any:
        if cache is None:
            return self._perform()
        with cache as self._cache:
            return self._perform()

    async def _run_now_async(self, cache: "CachedCall | None") -> Any:
        if cache is None:
            return await self._perform_async()
        async with cache as self._cache:
            return await self._perform_async()

    # With slots of limits

    def _run_limited(self, limits: list[str]) -> Any:
        """Run the task when its limits allow it; what need not run takes no slot."""
        self._prepare()
        cache = self._cached_call()
        if cache is not None and cache.look():
            return self._run_now(cache)
        slots = self._slots(limits)
        try:
            at_once = slots.taken()
            parks = self._future is not None and self._future.submitted and self._flow.runner.parks
            if not at_once:
                self._awaits(slots, cache)
            if not at_once and not parks:
                slots.wait()
        except BaseException as error:
            self._never_ran(error)
            tell(self._task, self._run.context, self._run.states)
            raise
        if parks and not at_once:
            go_on = partial(copy_context().run, self._go_on, slots, cache)
            raise Parked(slots.park(), go_on)
        with slots:
            return self._run_now(cache)

    def _go_on(self, slots: "Slots", cache: "CachedCall | None") -> Any:
        """Run the task after it was parked."""
        try:
            slots.finish()
        except BaseException as error:
            self._never_ran(error)
            tell(self._task, self._run.context, self._run.states)
            raise
        with slots:
            return self._run_now(cache)

    async def _run_limited_async(self, limits: list[str]) -> Any:
        self._prepare()
        cache = self._cached_call()
        if cache is not None and cache.look():
            return await self._run_now_async(cache)
        slots = self._slots(limits)
        try:
            await slots.wait_async(lambda: self._awaits(slots, cache))
        except BaseException as error:
            self._never_ran(error)
            if isinstance(error, Exception):
                await tell_async(self._task, self._run.context, self._run.states)
            raise
        async with slots:
            return await self._run_now_async(cache)

    def _limits(self) -> list[str]:
        """Return the limits of the tags of this call."""
        tags = tags_of_run(self._task.tags)
        if not tags or self._flow.replay.knows(self._path):
            return []
        limits = self._flow.runtime.limits()
        return [f"tag:{tag}" for tag in tags if f"tag:{tag}" in limits] if limits else []

    def _slots(self, limits: list[str]) -> "Slots":
        from brickwork_flows.limits.runs import slots_of

        return slots_of(self._flow.runtime, limits, self._run.context.id)

    def _awaits(self, slots: "Slots", cache: "CachedCall | None") -> None:
        """Record that the task waits for a slot."""
        assert self._prepared is not None  # noqa: S101  # done before it asks for one
        inputs, started, message = self._prepared
        self._run.set(StateType.SCHEDULED, AWAITING_SLOT, ", ".join(slots.names), *started)
        self._prepared = (inputs, (), message)
        if cache is not None:
            cache.run = self._run
        if self._future is not None:
            self._future.runs_as(self._run)

    def _never_ran(self, error: BaseException) -> None:
        """Record that the task got no slot."""
        if not self._run.states:
            assert self._prepared is not None  # noqa: S101  # as above
            self._run.set(StateType.PENDING, "", "", *self._prepared[1])
        self._fail(error)

    def _perform(self) -> Any:
        task, future = self._task, self._future
        known = self._begin()
        run = self._run
        if known is not None:
            if self._cache is not None:
                tell(task, run.context, run.states)
            elif self._given_back and self._transacts():
                from brickwork_flows.transactions.tasks import completed

                completed(run, task.options, before=True)
            return known[0]
        token = current_run.set(run.context)
        try:
            if future is None or not future.submitted:
                value = task.perform(self._args, self._kwargs, run)
            else:
                value = self._flow.runner.perform(task, self._args, self._kwargs, run)
            kept = self._kept(value)
        except BaseException as error:
            self._fail(error)
            if task.options:
                tell(task, run.context, run.states)
            raise
        finally:
            current_run.reset(token)
        self._complete(value, *kept)
        if task.options:
            tell(task, run.context, run.states)
        if self._transacts():
            from brickwork_flows.transactions.tasks import completed

            completed(run, task.options)
        return value

    async def _perform_async(self) -> Any:
        task = self._task
        known = self._begin()
        run = self._run
        if known is not None:
            if self._cache is not None:
                await tell_async(task, run.context, run.states)
            elif self._given_back and self._transacts():
                from brickwork_flows.transactions.tasks import completed_async

                await completed_async(run, task.options, before=True)
            return known[0]
        token = current_run.set(run.context)
        try:
            value = await task.perform_async(self._args, self._kwargs, run)
            kept = self._kept(value)
        except BaseException as error:
            self._fail(error)
            if task.options and isinstance(error, Exception):
                await tell_async(task, run.context, run.states)
            raise
        finally:
            current_run.reset(token)
        self._complete(value, *kept)
        if task.options:
            await tell_async(task, run.context, run.states)
        if self._transacts():
            from brickwork_flows.transactions.tasks import completed_async

            await completed_async(run, task.options)
        return value

    # Steps

    def _cached_call(self) -> "CachedCall | None":
        if not self._task.caches or self._flow.replay.knows(self._path):
            return None
        from brickwork_flows.caching.calls import CachedCall

        return CachedCall(self._flow, self._task, self._args, self._kwargs, self._path)

    def _prepare(self) -> list[Any] | None:
        """Make the run; or return, in a list, what it returned before.

        Raises:
            ReplayDiverged: What ran before as this call was something else.
        """
        flow, task, path = self._flow, self._task, self._path
        inputs = fingerprint(self._args, self._kwargs)
        context = self._context()
        before = flow.replay.calls.get(path)
        started: tuple[Event, ...] = ()
        message = ""
        if before is None:
            self._run = Run(context, flow.write)
            caller = current_run.get()
            started = (
                RunStarted(
                    context.id,
                    "task",
                    task.name,
                    context.run_name,
                    flow.id if caller is None else caller.id,
                    path,
                    flow.root,
                    context.tags,
                    inputs,
                    {"waits_for": self._waited_for} if self._waited_for else {},
                ),
            )
        else:
            self._run = Run(context, flow.write, before.number)
            name = flow.context.name
            known, value = flow.replay.given_back(path, "task", inputs, self._results(), name)
            if known:
                context.attempt, self._given_back = before.attempts, not before.cached
                return [value]
            if before.inputs != inputs and not before.here:
                keep_changed(flow.runtime.history, flow.root, context.id, inputs)
            context.attempt = before.attempts + 1
            message = NOT_KEPT if before.completed else ""
        self._prepared = (inputs, started, message)
        return None

    def _begin(self) -> list[Any] | None:
        """Record that the task begins; or return, in a list, what it returned before.

        Raises:
            ReplayDiverged: What ran before as this call was something else.
        """
        if self._prepared is None:
            known = self._prepare()
            if known is not None:
                return known
            assert self._prepared is not None  # noqa: S101  # by `_prepare`
        flow, run, task = self._flow, self._run, self._task
        inputs, started, message = self._prepared
        if self._cache is not None and self._cache.found is not None:
            self._found(self._cache, inputs, started)
        else:
            if task.retry.retries:
                flow.retried.add(self._path)
            if task.options:
                self._key = self._storage_key()  # before the task can change its arguments
            if self._transacts():
                from brickwork_flows.transactions.tasks import begins

                begins(run, task.options)
            run.begin(*started, message=message)
        if self._future is not None:
            self._future.runs_as(run)
        return None if self._cache is None else self._cache.found

    def _found(self, cache: "CachedCall", inputs: str, started: tuple[Event, ...]) -> None:
        """Record that the task need not run, since its result was in the cache."""
        run, flow = self._run, self._flow
        keeps = self._results().persist is not False
        kept = (cache.kept._replace(run=run.context.id),) if keeps else ()
        run.found(cache.note, started, kept)
        if flow.again:
            flow.remember(run, inputs, cache.found)

    def _transacts(self) -> bool:
        """Tell whether the call belongs to a transaction, or has something to commit itself."""
        options = self._task.options
        return (
            self._run.context.transaction is not None
            or current_transaction.get() is not None
            or self._flow.replay.staged is not None
            or (bool(options) and ("on_commit" in options or "on_rollback" in options))
        )

    def _context(self) -> RunContext:
        flow, task, path = self._flow, self._task, self._path
        options = task.options
        name, prints = path, flow.context.log_prints
        if options:
            if "task_run_name" in options:
                template = options["task_run_name"]
                args, kwargs = self._args, self._kwargs
                name = named(task.name, template, lambda: arguments_of(task.fn, args, kwargs))
            wanted = options.get("log_prints")
            prints = prints if wanted is None else wanted
        if prints:
            flow.watch_prints()
        tags = tags_of_run(task.tags)
        run_id = f"{flow.root}.{path}"
        return RunContext(run_id, "task", task.name, name, path, flow, task.fn, tags, prints)

    def _results(self) -> ResultSettings:
        return self._flow.results.of_task(self._task.options)

    def _storage_key(self) -> str:
        """Return the key that the task wants its result kept under; empty for none."""
        template = self._task.options.get("result_storage_key")
        if not template:
            return ""
        from brickwork_flows.result_settings import storage_key

        context, flow = self._run.context, self._flow.context
        return storage_key(
            template,
            arguments_of(self._task.fn, self._args, self._kwargs),
            {"id": flow.id, "name": flow.run_name, "flow_name": flow.name},
            {
                "id": context.id,
                "name": context.run_name,
                "task_name": context.name,
                "run_count": context.attempt,
            },
        )

    def _kept(self, value: Any) -> tuple[ResultKept | None, str]:
        """Keep the result. Raises where that is wanted, and cannot be."""
        flow, run_id = self._flow, self._run.context.id
        if not self._task.options:
            return flow.kept(run_id, value)
        return flow.kept(run_id, value, self._results(), self._key)

    def _complete(self, value: Any, kept: ResultKept | None, note: str) -> None:
        """Record that the task ended well."""
        run, flow = self._run, self._flow
        if self._cache is not None:
            own = run.context.transaction
            later = None if own is None or own.parent is None else own.after_commit
            note = "; ".join(filter(None, (note, self._cache.keep(kept, later))))
        if kept is None:
            run.set(StateType.COMPLETED, "", note)
        else:
            run.set(StateType.COMPLETED, "", note, kept)
        flow.retried.discard(self._path)
        if flow.may_come_again(self._path):
            flow.remember(run, fingerprint(self._args, self._kwargs), [value])

    def _fail(self, error: BaseException) -> None:
        """Record how the task ended badly."""
        run, flow = self._run, self._flow
        run.end_badly(error)
        if run.context.transaction is not None:
            from brickwork_flows.transactions.tasks import failed

            failed(run, error)
        flow.first_failed = flow.first_failed or run.context.run_name
        flow.retried.discard(self._path)
        if flow.may_come_again(self._path):
            flow.remember(run, fingerprint(self._args, self._kwargs), None)
