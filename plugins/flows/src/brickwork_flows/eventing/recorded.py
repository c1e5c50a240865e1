"""What an event is, for who reads the stream."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple, Self

from brickwork import InvalidName
from brickwork_flows.history.events import Emitted
from brickwork_flows.history.interface import Change

PREFIX = "brickwork."
ID = "brickwork.resource.id"
NAME = "brickwork.resource.name"


class Cursor(NamedTuple):
    """How far the stream was read; as text, ``120.7``.

    Attributes:
        changes: The position of the last change of the history.
        blocks: The position of the last entry of the vault's audit trail.
    """

    changes: int = 0
    blocks: int = 0

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a cursor; an empty text stands for the beginning. Raises InvalidName."""
        if not text:
            return cls()
        first, dot, second = text.partition(".")
        numbers = [each for each in (first, second) if each.isascii() and each.isdecimal()]
        if not dot or len(numbers) < 2 or max(map(len, numbers)) > 18:
            raise InvalidName(
                f"Not a cursor of events: {text[:40]!r}.",
                fix="Give the cursor of an event, such as 120.7; 'now'; or nothing.",
            )
        return cls(int(first), int(second))

    def __str__(self) -> str:
        return f"{self.changes}.{self.blocks}"


class RecordedEvent(NamedTuple):
    """Something that has happened.

    Attributes:
        id: Its id; who gets an event twice may know it by this.
        event: What has happened, such as ``brickwork.flow-run.Completed``.
        occurred: When, in UTC, by the clock of the machine that says so.
        resource: What it happened to: labels, ``brickwork.resource.id`` among them.
        payload: What else there is to say.
        run: The id of the run that it is of, or was emitted in; None for any other.
        related: Labels of other things that have to do with it.
        follows: The id of the event that it follows; None where none was told.
        cursor: Where the stream goes on after it; empty in what `emit_event` returns.
    """

    id: str
    event: str
    occurred: datetime
    resource: Mapping[str, str]
    payload: Mapping[str, Any]
    run: str | None = None
    related: tuple[Mapping[str, str], ...] = ()
    follows: str | None = None
    cursor: str = ""


def of_emitted(event: Emitted) -> RecordedEvent:
    """Return an event that a program emitted."""
    data = event.data
    return RecordedEvent(
        event.id,
        event.name,
        datetime.fromtimestamp(event.at, UTC),
        data.get("resource", {}),
        data.get("payload", {}),
        event.run or None,
        tuple(data.get("related", ())),
        data.get("follows"),
    )


def of_change(change: Change) -> RecordedEvent:
    """Return a change of a history as an event."""
    event = change.event
    if isinstance(event, Emitted):
        return of_emitted(event)
    kind = change.kind or ("task" if "." in event.run else "flow")
    state = {"type": event.type, "name": event.name, "message": event.message}
    return RecordedEvent(
        f"{event.run}:{event.number}",
        f"{PREFIX}{kind}-run.{event.name}",
        datetime.fromtimestamp(event.at, UTC),
        {ID: f"{PREFIX}{kind}-run.{event.run}", NAME: change.run_name},
        {kind: change.name, "state": state, "attempt": event.attempt},
        event.run,
    )
