"""The hooks by which a package extends the engine: with histories, and with runners.

A package names a module in its metadata::

    [project.entry-points.brickwork_flows]
    postgres = "brickwork_postgres.flows"

and that module implements some of the hooks below with `hookimpl`::

    from brickwork_flows import hookimpl


    @hookimpl
    def brickwork_flows_histories():
        return {"postgresql": "brickwork_postgres.history:PostgresHistory"}

Every hook takes nothing and returns a mapping from a name to a dotted path, ``module:attribute``.
The module is imported when a name is asked for that this package does not have itself; it should
import neither its own other modules nor a vendor's package. What fails is set aside with its
reason, which is told to who asks for a name that is not found.
"""

from collections.abc import Mapping

import pluggy

hookspec = pluggy.HookspecMarker("brickwork_flows")
hookimpl = pluggy.HookimplMarker("brickwork_flows")


@hookspec
def brickwork_flows_histories() -> Mapping[str, str]:  # type: ignore[empty-body]  # a specification
    """Return the histories: scheme to `History`, ``{"sqlite": "acme.history:SqliteHistory"}``.

    ``BRICKWORK_HISTORY=sqlite:...`` then opens it with `History.open`.
    """


@hookspec
def brickwork_flows_runners() -> Mapping[str, str]:  # type: ignore[empty-body]  # a specification
    """Return the runners: name to `TaskRunner` or a function that makes one.

    ``@flow(task_runner="dask")`` then calls it, without arguments, for each run.
    """
