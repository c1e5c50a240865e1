"""The slots of runs: by their tags, and flows by their names."""

from collections.abc import Iterable
from typing import Protocol, Self

from brickwork import Scope
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


class Records(Protocol):
    """Who records what becomes of a run that waits for slots."""

    def awaits_slot(self, names: Iterable[str]) -> None:
        """It waits for slots of these."""

    def got_no_slot(self, error: BaseException) -> None:
        """It does not begin, since it was cancelled, or its time is up, or they are refused."""


class RunSlots:
    """The slots of a flow's run, as a context manager around it, with and without an event loop.

    Args:
        slots: What it needs.
        records: Who records that it waits.
        scope: The run's scope, by which it can be cancelled.
    """

    def __init__(self, slots: Slots, records: Records, scope: Scope) -> None:
        self._slots = slots
        self._records = records
        self._scope = scope

    def __enter__(self) -> Self:
        try:
            with self._scope:
                if not self._slots.taken():
                    self._records.awaits_slot(self._slots.names)
                    self._slots.wait()
        except BaseException as error:
            self._records.got_no_slot(error)
            raise
        self._slots.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._slots.__exit__(*error)

    async def __aenter__(self) -> Self:
        try:
            with self._scope:
                await self._slots.wait_async(lambda: self._records.awaits_slot(self._slots.names))
        except BaseException as error:
            self._records.got_no_slot(error)
            raise
        await self._slots.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._slots.__aexit__(*error)
