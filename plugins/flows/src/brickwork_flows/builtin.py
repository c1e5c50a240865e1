"""What this package itself brings to the engine, by the hooks that others use."""

from collections.abc import Mapping

from brickwork_flows.hookspecs import hookimpl


@hookimpl
def brickwork_flows_histories() -> Mapping[str, str]:
    """The history in SQLite."""
    return {"sqlite": "brickwork_flows.history.sqlite:SqliteHistory"}


@hookimpl
def brickwork_flows_runners() -> Mapping[str, str]:
    """Threads and processes."""
    return {
        "threads": "brickwork_flows.runners:ThreadRunner",
        "processes": "brickwork_flows.runners.processes:ProcessRunner",
    }
