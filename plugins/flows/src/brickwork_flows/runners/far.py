"""The run of a task, in a process that does its work and does not record."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol

from brickwork import Progress, mask, on_progress
from brickwork_flows.context import RunContext, current_run, far_run
from brickwork_flows.current import parameter_names
from brickwork_flows.history.events import Event
from brickwork_flows.lines import stored
from brickwork_flows.runtime import Place, use_history

PROGRESS_SECONDS = 0.1


class Tell(Protocol):
    """Takes what happens in a run, from any thread, and hands it to the process that records."""

    def line(self, at: float, level: int, logger: str, message: str) -> None:
        """A line was logged."""

    def artifact(self, what: str, *values: Any) -> None:
        """An artifact was made, or changed; as `brickwork_flows.artifacts.keeping.change`."""

    def progress(self, done: float, total: float | None, text: str) -> None:
        """The task says how far it is."""

    def record(self, *events: Event) -> None:
        """Something is to be recorded; as `FlowRun.write`."""


class FarRun(NamedTuple):
    """What such a process is told of a run, its own or its flow's.

    Attributes:
        id: Its id.
        kind: ``flow`` or ``task``.
        name: The flow's or the task's name.
        run_name: The name of this very run.
        tags: Its tags.
        parameters: The names of its parameters.
        log_prints: Whether what it prints is kept.
    """

    id: str
    kind: str
    name: str
    run_name: str
    tags: tuple[str, ...]
    parameters: tuple[str, ...]
    log_prints: bool


class Here(NamedTuple):
    """Where a task runs, to tell another process.

    Attributes:
        task: The task's run.
        flow: Its flow's.
        place: Where they are recorded.
        watched: Whether somebody looks on, and progress is to be told.
    """

    task: FarRun
    flow: FarRun
    place: Place
    watched: bool


def here() -> Here | None:
    """Return where the task of this thread runs; None outside of one."""
    context = current_run.get()
    if context is None:
        return None
    flow = context.flow
    watched = flow.heard is not None
    return Here(_told(context), _told(flow.context), flow.runtime.place, watched)


@contextmanager
def inside(there: Here | None, tell: Tell) -> Iterator[None]:
    """Let what is logged, printed and made inside belong to a run of another process.

    Args:
        there: Where it runs, or None.
        tell: Is told.
    """
    if there is None:
        yield
        return
    flow: Any = _Flow(tell)
    task, flow.context = (_context(run, flow) for run in there[:2])
    place = there.place
    with use_history(place.url or place.folder, durability=place.durability), _as(task):
        if not there.watched:
            yield
            return
        with on_progress(_Seldom(tell)):
            yield


@contextmanager
def _as(task: RunContext) -> Iterator[None]:
    token = far_run.set(task)
    if task.log_prints:
        from brickwork_flows import prints

        prints.begin()
    try:
        yield
    finally:
        far_run.reset(token)
        if task.log_prints:
            prints.end()


class _Seldom:
    """Tells of progress some times a second at most, and of the end of it."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._next = 0.0

    def __call__(self, report: Progress) -> None:
        now = time.monotonic()
        if now >= self._next or (report.total is not None and report.done >= report.total):
            self._next = now + PROGRESS_SECONDS
            self._tell.progress(report.done, report.total, mask(report.text))


class _Flow:
    """As much of a flow's run as logs, prints, artifacts and events need."""

    def __init__(self, tell: Tell) -> None:
        self.log = _Log(tell)
        self.context: RunContext
        self.artifact = tell.artifact
        self.write = tell.record


class _Log:
    def __init__(self, tell: Tell) -> None:
        self._tell = tell

    def add(self, run: str, at: float, level: int, logger: str, message: str) -> None:  # noqa: ARG002  # as of RunLog
        # Secrets that only this process knows are hidden here.
        self._tell.line(at, level, logger, stored(message))


def _told(context: RunContext) -> FarRun:
    return FarRun(
        context.id,
        context.kind,
        context.name,
        context.run_name,
        context.tags,
        parameter_names(context),
        context.log_prints,
    )


def _context(run: FarRun, flow: Any) -> RunContext:
    return RunContext(
        run.id,
        run.kind,
        run.name,
        run.run_name,
        "",
        flow,
        _with_parameters(run.parameters),
        run.tags,
        run.log_prints,
    )


def _with_parameters(names: tuple[str, ...]) -> Callable[..., Any]:
    from inspect import Parameter, Signature

    def function() -> None:
        """Has parameters of these names, for who asks."""

    parameters = [Parameter(name, Parameter.KEYWORD_ONLY) for name in names]
    function.__signature__ = Signature(parameters)  # type: ignore[attr-defined]  # inspect reads it
    return function
