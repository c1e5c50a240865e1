"""Caching of what tasks return: when a result of before is given back instead of running a task.

The names are imported when they are asked for.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from brickwork_flows.caching.keys import NotCacheable as NotCacheable
    from brickwork_flows.caching.policies import (
        DEFAULT as DEFAULT,
        FLOW_PARAMETERS as FLOW_PARAMETERS,
        INPUTS as INPUTS,
        NO_CACHE as NO_CACHE,
        RUN_ID as RUN_ID,
        TASK_SOURCE as TASK_SOURCE,
        CacheContext as CacheContext,
        CacheKeyFnPolicy as CacheKeyFnPolicy,
        CachePolicy as CachePolicy,
    )
    from brickwork_flows.caching.store import prune as prune

_HOMES = {
    "keys": "NotCacheable",
    "policies": (
        "CacheContext CacheKeyFnPolicy CachePolicy DEFAULT FLOW_PARAMETERS INPUTS NO_CACHE RUN_ID"
        " TASK_SOURCE"
    ),
    "store": "prune",
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names.split()}

__all__ = sorted(_HOME_OF)  # pyright: ignore[reportUnsupportedDunderAll]  # lazy


def __getattr__(name: str) -> object:
    module = _HOME_OF.get(name)
    if module is None:
        raise AttributeError(f"module 'brickwork_flows.caching' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"brickwork_flows.caching.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
