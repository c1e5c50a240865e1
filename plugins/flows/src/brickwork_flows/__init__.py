"""Flows in plain Python for Brickwork: tracked, retried, cached, persisted, resumable; no server.

The names are imported when they are asked for.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from brickwork import task as task
    from brickwork_flows.flow import Flow as Flow, flow as flow
    from brickwork_flows.futures import (
        RunFuture as RunFuture,
        allow_failure as allow_failure,
        as_completed as as_completed,
        unmapped as unmapped,
        wait as wait,
    )
    from brickwork_flows.runners import TaskRunner as TaskRunner, ThreadRunner as ThreadRunner
    from brickwork_flows.runtime import use_history as use_history
    from brickwork_flows.states import State as State, StateType as StateType

_HOMES = {
    "flow": "Flow flow",
    "futures": "RunFuture allow_failure as_completed unmapped wait",
    "runners": "TaskRunner ThreadRunner",
    "runtime": "use_history",
    "states": "State StateType",
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names.split()}

__all__ = [*sorted(_HOME_OF), "task"]  # pyright: ignore[reportUnsupportedDunderAll]  # lazy


def __getattr__(name: str) -> object:
    if name == "task":
        from brickwork import task

        return task
    module = _HOME_OF.get(name)
    if module is None:
        raise AttributeError(f"module 'brickwork_flows' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"brickwork_flows.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
