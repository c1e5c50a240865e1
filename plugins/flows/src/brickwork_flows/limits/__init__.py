"""Limits of how many run at once, and how often a second, across the processes of a history.

A limit has a name. Code asks for slots of it with `concurrency` or `rate_limit`. Where there are
such limits, runs of tasks and flows that have the tag ``T`` take a slot of ``tag:T``, and runs of
the flow ``F`` one of ``flow:F``.
"""

from brickwork_flows.limits.api import (
    Holder,
    Limit,
    aconcurrency,
    arate_limit,
    concurrency,
    list_limits,
    rate_limit,
    release_limit,
    remove_limit,
    set_limit,
)

__all__ = [
    "Holder",
    "Limit",
    "aconcurrency",
    "arate_limit",
    "concurrency",
    "list_limits",
    "rate_limit",
    "release_limit",
    "remove_limit",
    "set_limit",
]
