"""The slots of runs: by their tags, and flows by their names."""

from collections.abc import Iterable

from brickwork_flows.limits.limiter import limiter_of
from brickwork_flows.limits.slots import Slots
from brickwork_flows.runtime import Runtime


def slots_of(runtime: Runtime, names: Iterable[str], run: str) -> Slots:
    """Return the slots that a run needs; they are not taken yet.

    Args:
        runtime: Its history.
        names: Limits that there are.
        run: Its id.
    """
    rules = runtime.limits()
    rates = [name for name in names if name in rules and rules[name][1] is not None]
    held = [name for name in names if name not in rates]
    return Slots(limiter_of(runtime), held, rates, run=run)
