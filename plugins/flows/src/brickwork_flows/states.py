"""States of runs, and which may follow which.

The types and names are Prefect's (https://docs.prefect.io/v3/concepts/states), so that who knows
those knows these.
"""

import time
from dataclasses import dataclass, field
from enum import StrEnum

from brickwork_flows.errors import IllegalTransition


class StateType(StrEnum):
    """What a run is doing, or how it ended."""

    SCHEDULED = "scheduled"
    """To begin later: at a time, or after a wait before a retry."""
    PENDING = "pending"
    """About to begin."""
    RUNNING = "running"
    """At work."""
    PAUSED = "paused"
    """Waiting for a person, or for another program."""
    CANCELLING = "cancelling"
    """Asked to stop, and not stopped yet."""
    COMPLETED = "completed"
    """Ended well."""
    FAILED = "failed"
    """Ended with an error."""
    CANCELLED = "cancelled"
    """Stopped because somebody asked."""
    CRASHED = "crashed"
    """Ended by something outside of it: its process was killed, the machine stopped."""

    @property
    def final(self) -> bool:
        """Whether the run has ended."""
        return self in FINAL


FINAL = frozenset({StateType.COMPLETED, StateType.FAILED, StateType.CANCELLED, StateType.CRASHED})
"""The types of states that a run ends in."""

_S = StateType
_ENDED_BADLY = frozenset({_S.FAILED, _S.CANCELLED, _S.CRASHED})

CACHED = "Cached"
"""The name of the state of a run that did not run, since its result was in the cache."""

ROLLED_BACK = "RolledBack"
"""The name of the state of a run that completed, and was undone with its transaction."""

LEGAL: dict[StateType | None, frozenset[StateType]] = {
    None: frozenset({_S.SCHEDULED, _S.PENDING}),
    # After a wait before a retry a run is running at once.
    _S.SCHEDULED: frozenset({_S.PENDING, _S.RUNNING, _S.CANCELLING} | _ENDED_BADLY),
    # A cached task completes without running.
    _S.PENDING: frozenset({_S.RUNNING, _S.CANCELLING, _S.COMPLETED} | _ENDED_BADLY),
    _S.RUNNING: frozenset({_S.SCHEDULED, _S.PAUSED, _S.CANCELLING, _S.COMPLETED} | _ENDED_BADLY),
    # What was paused from outside may end, or be tried again, while a task in it waits.
    _S.PAUSED: frozenset(
        {_S.SCHEDULED, _S.RUNNING, _S.PAUSED, _S.CANCELLING, _S.COMPLETED} | _ENDED_BADLY
    ),
    # What was asked to stop may have ended just before.
    _S.CANCELLING: frozenset({_S.COMPLETED} | _ENDED_BADLY),
    _S.COMPLETED: frozenset({_S.COMPLETED}),  # under the name of ROLLED_BACK alone
    _S.FAILED: frozenset(),
    _S.CANCELLED: frozenset(),
    _S.CRASHED: frozenset(),
}
"""Which types may follow a type until the run ends; None stands for that of a new run."""

REPEATABLE = frozenset(FINAL | {_S.PAUSED})
"""In which states a run may begin again: as it is resumed, or as what called it is tried again.

Then it is scheduled or pending, as at first. What completed begins again only within such a run,
where its result was not kept or it was rolled back.
"""

RETRYING = "Retrying"
"""The name of the state in which a run that failed is tried again."""

AWAITING_RETRY = "AwaitingRetry"
"""The name of the state in which a run that failed waits until it is tried again."""

AWAITING_SLOT = "AwaitingConcurrencySlot"
"""The name of the state in which a run waits for a slot of a limit."""

_NAMES = {kind: kind.value.capitalize() for kind in StateType}


@dataclass(frozen=True, slots=True)
class State:
    """What a run is doing since when, or how it ended.

    Attributes:
        type: The type, which decides what may follow.
        name: A name that says more than the type: ``Retrying``, ``Cached``, ``TimedOut``.
        message: Why, in some words; secrets are hidden in it.
        timestamp: Since when, in seconds since 1970, UTC.
    """

    type: StateType
    name: str = ""
    message: str = ""
    timestamp: float = field(default_factory=time.time)

    def __post_init__(self) -> None:
        if not self.name:
            object.__setattr__(self, "name", _NAMES[self.type])

    @property
    def final(self) -> bool:
        """Whether the run has ended."""
        return self.type in FINAL

    def __str__(self) -> str:
        return f"{self.name}({self.message})" if self.message else self.name


def may_follow(before: StateType | None, after: StateType, name: str = "") -> bool:
    """Tell whether a state may follow another one, in a run that does not begin again.

    Args:
        before: The type of the state before; None for the first.
        after: The type of the next one.
        name: The name of the next one.
    """
    return after in LEGAL[before] and (before is not _S.COMPLETED or name == ROLLED_BACK)


def check_transition(before: StateType | None, after: StateType, run: str, name: str = "") -> None:
    """Refuse a state that may not follow.

    Args:
        before: The type of the state before; None for the first.
        after: The type of the next one.
        run: The run, for the error.
        name: The name of the next one.

    Raises:
        IllegalTransition: It may not; the run stays as it is.
    """
    if not may_follow(before, after, name):
        shown = "no state" if before is None else before.value
        raise IllegalTransition(
            f"The run {run} cannot go from {shown} to {after.value}.",
            fix="Look at what it is now: brickwork run show",
        )
