"""Running flows and their tasks: what is called, recorded, replayed and given back."""

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from brickwork import Engine, Task
from brickwork_flows.context import RunContext, current_run
from brickwork_flows.dependencies import has_futures, resolved, resolved_async
from brickwork_flows.errors import FlowError
from brickwork_flows.fingerprints import fingerprint
from brickwork_flows.futures import RunFuture
from brickwork_flows.history.events import Event, ResultKept, RunStarted
from brickwork_flows.hooks import tell, tell_async
from brickwork_flows.names import arguments_of, named, tags_of_run
from brickwork_flows.recording import Run, described, setting
from brickwork_flows.replay import NOT_KEPT, PastCall, Replay, given_back
from brickwork_flows.results import keep
from brickwork_flows.states import StateType
from brickwork_flows.submission import OPTIONS, Outcome, call_options, start

if TYPE_CHECKING:
    from brickwork_flows.caching.calls import CachedCall
    from brickwork_flows.lines import RunLog
    from brickwork_flows.runners import TaskRunner
    from brickwork_flows.runtime import Runtime


class FlowRun(Engine):
    """The run of a flow, and the engine of the tasks that are called in it.

    Args:
        run_id: Its id.
        runtime: Where it is recorded.
        replay: What was recorded before, if this run is resumed or retried.
        runner: Runs what is submitted.
        persist: Whether results are kept: always, never, or (None) where they can be.
        again: Whether the flow's body may be tried again, and so finds what its tasks did.
        root: The id of the run that this one is part of; its own if nobody called the flow.

    Attributes:
        context: The flow's own run.
        log: What it and its tasks log.
        first_failed: The first task that failed; empty until then.
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
        root: str = "",
    ) -> None:
        self.id = run_id
        self.root = root or run_id
        self.context: RunContext
        self.log: RunLog
        self.first_failed = ""
        self.runtime = runtime
        self.replay = replay
        self.runner = runner
        self._persist = persist
        self._prints = False
        self.again = again
        self._retried: set[str] = set()  # tasks that run and may be tried again
        self.parameters: Mapping[str, Any] = {}
        self._write = runtime.recorder.write

    # What tasks are called by

    def run(self, task: Task[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any], /) -> Any:
        """Run a sync task and return its result."""
        if kwargs and not OPTIONS.isdisjoint(kwargs):
            return self._with_options(task, args, kwargs)
        key = self.key(task.name)
        if self.replay.left and not has_futures(args, kwargs):
            self.expect(key, task.name)
        return self.here(task, args, kwargs, key)

    async def run_async(
        self, task: Task[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any], /
    ) -> Any:
        """Run a task without blocking the event loop."""
        if kwargs and not OPTIONS.isdisjoint(kwargs):
            return await self._with_options_async(task, args, kwargs)
        return await self.here_async(task, args, kwargs, self.key(task.name))

    def _with_options(
        self, task: Task[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> Any:
        kwargs, after, state = call_options(task, kwargs)
        future: RunFuture[Any] = RunFuture(task.name, self.key(task.name))
        try:
            if after:
                resolved(task.name, after, {})
            value = self.here(task, args, kwargs, future.key, future)
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
            value = await self.here_async(task, args, kwargs, future.key, future)
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
        futures = [start(self, task, each, named, after) for each, named in calls]
        return [Outcome.of(future) for future in futures] if state else futures

    # One run of a task

    def key(self, name: str) -> str:
        """Return which call the next one of that name is, seen from the outermost flow."""
        caller = current_run.get()
        assert caller is not None  # noqa: S101  # an engine is installed only inside a flow
        key = caller.next_key(name)
        if caller.path:
            key = f"{caller.path}/{key}"
        if self.replay.left:
            self.replay.ask(key)
        return key

    def expect(self, key: str, name: str) -> None:
        """Refuse a call that takes the place of another one, when the run is resumed.

        Raises:
            ReplayDiverged: It does.
        """
        asyncio = sys.modules.get("asyncio")
        # In an event loop, the order of calls may differ from one run to the next.
        if asyncio is None or asyncio._get_running_loop() is None:  # noqa: SLF001  # documented
            self.replay.expect(key, name)

    def here(
        self,
        task: Task[..., Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        path: str,
        future: RunFuture[Any] | None = None,
    ) -> Any:
        """Run a task in this thread.

        Args:
            task: The task; an async one only where its runner can.
            args: Positional arguments; futures in them are waited for.
            kwargs: Arguments by name.
            path: Which call it is.
            future: Is told which run it is; where that was submitted, the runner does the work.
        """
        if has_futures(args, kwargs):
            args, kwargs = resolved(task.name, args, kwargs)
        if task.caches and not self.replay.knows(path):
            from brickwork_flows.caching.calls import CachedCall

            with CachedCall(self, task, args, kwargs, path) as cache:
                return self._perform(task, args, kwargs, path, future, cache)
        return self._perform(task, args, kwargs, path, future)

    def _perform(
        self,
        task: Task[..., Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        path: str,
        future: RunFuture[Any] | None,
        cache: "CachedCall | None" = None,
    ) -> Any:
        known, value, run = self._begin(task, args, kwargs, path, cache)
        if future is not None and run.states:
            future.runs_as(run)
        if known:
            if cache is not None:
                tell(task, run.context, run.states)
            return value
        token = current_run.set(run.context)
        try:
            if future is None or not future.submitted:
                value = task.perform(args, kwargs, run)
            else:
                value = self.runner.perform(task, args, kwargs, run)
        except BaseException as error:
            self._fail(run, args, kwargs, error)
            if task.options:
                tell(task, run.context, run.states)
            raise
        finally:
            current_run.reset(token)
        self._complete(run, args, kwargs, value, cache)
        if task.options:
            tell(task, run.context, run.states)
        return value

    async def here_async(
        self,
        task: Task[..., Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        path: str,
        future: RunFuture[Any] | None = None,
    ) -> Any:
        """`here` without blocking the event loop."""
        if has_futures(args, kwargs):
            args, kwargs = await resolved_async(task.name, args, kwargs)
        if task.caches and not self.replay.knows(path):
            from brickwork_flows.caching.calls import CachedCall

            async with CachedCall(self, task, args, kwargs, path) as cache:
                return await self._perform_async(task, args, kwargs, path, future, cache)
        return await self._perform_async(task, args, kwargs, path, future)

    async def _perform_async(
        self,
        task: Task[..., Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        path: str,
        future: RunFuture[Any] | None,
        cache: "CachedCall | None" = None,
    ) -> Any:
        known, value, run = self._begin(task, args, kwargs, path, cache)
        if future is not None and run.states:
            future.runs_as(run)
        if known:
            if cache is not None:
                await tell_async(task, run.context, run.states)
            return value
        token = current_run.set(run.context)
        try:
            value = await task.perform_async(args, kwargs, run)
        except BaseException as error:
            self._fail(run, args, kwargs, error)
            if task.options and isinstance(error, Exception):
                await tell_async(task, run.context, run.states)
            raise
        finally:
            current_run.reset(token)
        self._complete(run, args, kwargs, value, cache)
        if task.options:
            await tell_async(task, run.context, run.states)
        return value

    def _begin(
        self,
        task: Task[..., Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        path: str,
        cache: "CachedCall | None",
    ) -> tuple[bool, Any, Run]:
        """Record that a task begins; or find what it returned before, in this run or in another.

        Raises:
            ReplayDiverged: What ran before as this call was something else.
        """
        inputs = fingerprint(args, kwargs)
        before = self.replay.calls.get(path)
        run_id = f"{self.root}.{path}"
        context = self._context_of(task, args, kwargs, run_id, path)
        if before is None:
            run = Run(context, self._write)
            caller = current_run.get()
            parent = self.id if caller is None else caller.id
            name, tags = context.run_name, context.tags
            started = RunStarted(
                run_id, "task", task.name, name, parent, path, self.root, tags, inputs
            )
            if cache is not None and cache.found is not None:
                return True, self._cached(run, inputs, cache, started), run
            if task.retry.retries:
                self._retried.add(path)
            run.begin(started)
            return False, None, run
        known, value = given_back(before, path, inputs)
        if known:
            return True, value, Run(context, self._write)
        context.attempt = before.attempts + 1
        run = Run(context, self._write, before.number)
        if cache is not None and cache.found is not None:
            return True, self._cached(run, inputs, cache), run
        if task.retry.retries:
            self._retried.add(path)
        run.begin(message=NOT_KEPT if before.completed else "")
        return False, None, run

    def _cached(self, run: Run, inputs: str, cache: "CachedCall", *started: Event) -> Any:
        """Record that a task need not run, and return what was found in the cache."""
        assert cache.found is not None  # noqa: S101  # the caller has looked
        kept = () if self._persist is False else (cache.kept._replace(run=run.context.id),)
        run.found(cache.note, started, kept)
        if self.again:
            self.remember(run, inputs, cache.found)
        return cache.found[0]

    def _context_of(
        self,
        task: Task[..., Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        run_id: str,
        path: str,
    ) -> RunContext:
        options = task.options
        name, prints = path, self.context.log_prints
        if options:
            if "task_run_name" in options:
                template = options["task_run_name"]
                name = named(task.name, template, lambda: arguments_of(task.fn, args, kwargs))
            wanted = options.get("log_prints")
            prints = prints if wanted is None else wanted
        if prints:
            self.watch_prints()
        tags = tags_of_run(task.tags)
        return RunContext(run_id, "task", task.name, name, path, self, task.fn, tags, prints)

    def watch_prints(self) -> None:
        """Keep what runs within this one print, until `unwatch_prints`."""
        if not self._prints:
            from brickwork_flows import prints

            with setting():
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
        run = Run(context, self._write, 0 if before is None else before.number)
        tags = tuple(sorted(task.tags))
        started = RunStarted(run_id, "task", task.name, path, parent, path, self.root, tags)
        run.set(StateType.PENDING, "", "", *(() if before is not None else (started,)))
        run.set(StateType.CANCELLED, "", "cancelled before it began")

    def _complete(
        self,
        run: Run,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        value: Any,
        cache: "CachedCall | None",
    ) -> None:
        """Record that a task ended well, and keep its result."""
        kept, note = self.kept(run.context.id, value)
        if cache is not None:
            note = "; ".join(filter(None, (note, cache.keep(kept))))
        if kept is None:
            run.set(StateType.COMPLETED, "", note)
        else:
            run.set(StateType.COMPLETED, "", note, kept)
        self._retried.discard(run.context.path)
        if self._may_come_again(run.context.path):
            self.remember(run, fingerprint(args, kwargs), [value])

    def _fail(
        self,
        run: Run,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        error: BaseException,
    ) -> None:
        """Record how a task ended badly."""
        run.end_badly(error)
        self.first_failed = self.first_failed or run.context.run_name
        self._retried.discard(run.context.path)
        if self._may_come_again(run.context.path):
            self.remember(run, fingerprint(args, kwargs), None)

    def _may_come_again(self, path: str) -> bool:
        """Return whether a call may be made again: by the flow's body, or by a task around it."""
        if self.again or not self._retried or "/" not in path:
            return self.again
        return any(path.startswith(f"{each}/") for each in tuple(self._retried))

    def remember(self, run: Run, inputs: str, value: list[Any] | None) -> None:
        """Keep what a call did, for when what calls it is tried again."""
        context = run.context
        past = PastCall(
            *(context.name, inputs, None, run.number, context.attempt, value), here=True
        )
        self.replay.calls[context.path] = past

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
