"""What is called, and who is told, when a run begins and ends.

A hook is a function that is called with the flow or task, the run and its state; or the target of a
notification, as `brickwork.notify` takes it. One that fails is logged, and breaks nothing.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

from brickwork import Scope, remaining, use_engine
from brickwork_flows.context import RunContext, current_run
from brickwork_flows.current import CurrentRun, described_run
from brickwork_flows.errors import InvalidFlow
from brickwork_flows.history.events import StateSet
from brickwork_flows.states import State, StateType

if TYPE_CHECKING:
    from brickwork import Notification, Receipt

Hook = Callable[..., object] | str
"""A function of the flow or task, the run and its state; or an address such as ``webhook/ops``."""

SECONDS = 30.0
"""A notification takes no longer."""
SHORTEST_SECONDS = 5.0
"""Of the time around, when that is nearly over: the news that it is must be told, too."""

OPTIONS: Mapping[StateType, str] = {
    StateType.RUNNING: "on_running",
    StateType.COMPLETED: "on_completion",
    StateType.FAILED: "on_failure",
    StateType.CANCELLED: "on_cancellation",
    StateType.CRASHED: "on_crashed",
}
_WORDS = {
    StateType.RUNNING: ("began", "info"),
    StateType.COMPLETED: ("completed", "success"),
    StateType.FAILED: ("failed", "error"),
    StateType.CANCELLED: ("was cancelled", "warning"),
    StateType.CRASHED: ("crashed", "critical"),
}


def hooks_of(options: Mapping[str, Any], kind: StateType) -> tuple[Hook, ...]:
    """Return the hooks for a type of state; one alone needs no list."""
    given = options.get(OPTIONS.get(kind, ""))
    if given is None:
        return ()
    return (given,) if isinstance(given, str) or callable(given) else tuple(given)


def check_hooks(what: str, options: Mapping[str, Any]) -> bool:
    """Look at the hooks of a flow; tell whether there are any.

    Raises:
        InvalidFlow: One is neither a function nor a text, or they are no list.
    """
    found = False
    for kind, name in OPTIONS.items():
        given = options.get(name)
        listed = given is None or isinstance(given, str | Iterable) or callable(given)
        hooks = hooks_of(options, kind) if listed else ()
        if not listed or not all(callable(each) or isinstance(each, str) for each in hooks):
            raise InvalidFlow(
                f"{name} of {what} is no list of functions and addresses.",
                fix='Give functions of (flow, run, state), or addresses such as "webhook/ops".',
            )
        found = found or bool(hooks)
    return found


def tell(subject: Any, context: RunContext, states: Sequence[StateSet]) -> None:
    """Call the hooks of a flow or task for the state that its run is in, which is recorded."""
    hooks = _hooks_now(subject, states)
    if hooks:
        Occasion(subject, context, states).call(hooks)


async def tell_async(subject: Any, context: RunContext, states: Sequence[StateSet]) -> None:
    """`tell` without blocking the event loop."""
    hooks = _hooks_now(subject, states)
    if hooks:
        await Occasion(subject, context, states).call_async(hooks)


def _hooks_now(subject: Any, states: Sequence[StateSet]) -> tuple[Hook, ...]:
    return hooks_of(subject.options, StateType(states[-1].type)) if states else ()


class Occasion:
    """A run that went into a state, to call hooks about.

    Args:
        subject: The flow or task.
        context: Its run.
        states: The states that it was in.
    """

    def __init__(self, subject: Any, context: RunContext, states: Sequence[StateSet]) -> None:
        self._subject = subject
        self._state: State = states[-1].state
        self._seconds = states[-1].at - states[0].at
        self._first_failed = context.flow.first_failed if context.kind == "flow" else ""
        self._run: CurrentRun = described_run(context)
        self._context = copy_context()
        # What a hook logs belongs to the run; a task that it calls is a plain call.
        self._context.run(current_run.set, context)

    def call(self, hooks: Iterable[Hook]) -> None:
        """Call the hooks, one after another."""
        for hook in hooks:
            if isinstance(hook, str):
                self._inside(self._notify, hook)
            else:
                self._inside(self._call, hook)

    async def call_async(self, hooks: Iterable[Hook]) -> None:
        """`call` without blocking the event loop, in which hooks that are coroutines run."""
        import asyncio

        for hook in hooks:
            if _is_async(hook):
                task = asyncio.get_running_loop().create_task(
                    self._await(hook), context=self._context.copy()
                )
                await task
            else:
                await asyncio.to_thread(self.call, (hook,))

    def _inside(self, function: Callable[[Any], None], hook: Hook) -> None:
        self._context.copy().run(function, hook)

    def _call(self, hook: Callable[..., object]) -> None:
        try:
            with use_engine(None):
                result = hook(self._subject, self._run, self._state)
                if _is_async(hook):
                    import asyncio

                    asyncio.run(result)  # type: ignore[arg-type]  # a coroutine function's
        except Exception as error:  # noqa: BLE001  # the user's
            self._failed(hook, error)

    async def _await(self, hook: Any) -> None:
        try:
            with use_engine(None):
                await hook(self._subject, self._run, self._state)
        except Exception as error:  # noqa: BLE001  # the user's
            self._failed(hook, error)

    def _notify(self, target: str) -> None:
        from threading import Thread

        limit = _limit()
        told: list[Receipt] = []
        context = copy_context()
        # A thread that nobody waits for in the end: a notifier may hang in what no limit reaches.
        thread = Thread(
            target=context.run,
            args=(self._send, target, limit, told),
            name="brickwork-hook",
            daemon=True,
        )
        thread.start()
        thread.join(limit + 0.5)
        if not told:
            self._warn("the notification to %s did not end within %.3g s", _label(target), limit)
        for receipt in told:
            if receipt.failed:
                self._warn(
                    "the notification to %s was not delivered: %s", receipt.target, receipt.detail
                )

    def _send(self, target: str, limit: float, told: "list[Receipt]") -> None:
        from brickwork import notify

        scope = Scope(f"hook of {self._run.name}", seconds=limit)
        # The scope around may be over: that may be the news.
        scope.parent, scope.deadline = None, scope.ends
        with use_engine(None), scope:
            told.extend(notify(target, self.notification()))

    def notification(self) -> "Notification":
        """Return what is sent: names and the reason, no values of parameters."""
        from brickwork import Notification, Severity

        word, severity = _WORDS[self._state.type]
        run = self._run
        fields = {"run": run.run_name, "id": run.id, "duration": f"{self._seconds:.3g} s"}
        if run.parameters:
            fields["parameters"] = ", ".join(run.parameters)
        if self._first_failed and self._state.type is not StateType.COMPLETED:
            fields["first failed task"] = self._first_failed
        return Notification(
            f"{run.name} {word}",
            self._state.message,
            Severity.parse(severity),
            fields,
            thread_key=run.name,
            dedupe_key=run.name,
            tags=frozenset(run.tags),
        ).masked()

    def _failed(self, hook: object, error: Exception) -> None:
        name = getattr(hook, "__qualname__", type(hook).__name__)
        self._warn("the hook %s failed", name, error=error)

    def _warn(self, text: str, *values: object, error: Exception | None = None) -> None:
        from brickwork_flows.logs import get_run_logger

        get_run_logger().warning(text, *values, exc_info=error)


def _limit() -> float:
    left = remaining()
    return SECONDS if left is None else min(SECONDS, max(SHORTEST_SECONDS, left))


def _is_async(hook: object) -> bool:
    from inspect import iscoroutinefunction

    return iscoroutinefunction(hook)


def _label(target: str) -> str:
    # A URL may be a secret as a whole.
    return target if ":" not in target else f"{target.partition(':')[0]}:..."
