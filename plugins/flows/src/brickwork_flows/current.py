"""What runs now, for the user's code."""

from typing import NamedTuple

from brickwork_flows.context import RunContext, current_run, run_here
from brickwork_flows.runtime import Runtime, current_runtime


class CurrentRun(NamedTuple):
    """A run of a flow or of a task, as it is when it is asked for.

    Attributes:
        id: Its id.
        name: The flow's or the task's name.
        run_name: The name of this very run.
        attempt: Which attempt this is, from 1.
        tags: Its tags, sorted.
        parameters: The names of its parameters; never their values.
    """

    id: str
    name: str
    run_name: str
    attempt: int
    tags: tuple[str, ...]
    parameters: tuple[str, ...]


def current_flow_run() -> CurrentRun | None:
    """Return the run of the flow that runs here, also inside its tasks; None outside of one."""
    context = run_here()
    return None if context is None else described_run(context.flow.context)


def current_task_run() -> CurrentRun | None:
    """Return the run of the task that runs here; None outside of one."""
    context = run_here()
    return None if context is None or context.kind != "task" else described_run(context)


def runtime_here() -> Runtime:
    """Return where the run is recorded that runs here; the history in use outside of one."""
    context = current_run.get()
    return current_runtime() if context is None else context.flow.runtime


def described_run(context: RunContext) -> CurrentRun:
    """Return what user code may know of a run."""
    return CurrentRun(
        context.id,
        context.name,
        context.run_name,
        context.attempt,
        context.tags,
        parameter_names(context),
    )


def parameter_names(context: RunContext) -> tuple[str, ...]:
    """Return the names of the parameters of the function that runs."""
    import inspect

    return () if context.fn is None else tuple(inspect.signature(context.fn).parameters)
