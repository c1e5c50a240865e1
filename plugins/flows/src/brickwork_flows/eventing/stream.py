"""The stream of events: what happened to runs and blocks, and what was emitted, in one order."""

import heapq
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Literal, NamedTuple

from brickwork import BrickworkError, check_cancelled
from brickwork_flows.eventing.blocks import block_events, position, trail
from brickwork_flows.eventing.recorded import PREFIX, Cursor, RecordedEvent, of_change
from brickwork_flows.runtime import Runtime, current_runtime

POLL_SECONDS = 0.2
PAGE = 2_000

Since = datetime | timedelta | None
_Source = Literal["changes", "blocks"]
_Item = tuple[float, _Source, int, RecordedEvent]


class Wanted(NamedTuple):
    """Which events are asked for.

    Attributes:
        since: Not before that time, in seconds since 1970.
        events: Names, or patterns such as ``flow-run.*``, of which one must fit; all if there are
            none. The prefix ``brickwork.`` may be left out.
        run: The id of a run: only of it, and of what is within it.
        blocks: Whether changes of blocks are asked for.
    """

    since: float = 0.0
    events: tuple[str, ...] = ()
    run: str = ""
    blocks: bool = True

    def fits(self, event: RecordedEvent) -> bool:
        """Whether an event is asked for."""
        if event.occurred.timestamp() < self.since:
            return False
        if not self.events:
            return True
        names = (event.event, event.event.removeprefix(PREFIX))
        return any(fnmatchcase(name, each) for name in names for each in self.events)


class Stream:
    """Reads events, on and on.

    Args:
        runtime: Where runs are recorded.
        wanted: Which events are asked for.
        on_gap: Is told, once, why changes of blocks cannot be read; the stream goes on without.

    Attributes:
        cursor: How far it was read.
    """

    def __init__(
        self, runtime: Runtime, wanted: Wanted, on_gap: Callable[[BrickworkError], object]
    ) -> None:
        self.cursor = Cursor()
        self._runtime = runtime
        self._wanted = wanted
        self._on_gap = on_gap
        self._blocks = wanted.blocks and not wanted.run

    def read(self) -> Iterator[RecordedEvent]:
        """Yield what is new, and is asked for."""
        self._runtime.flush()
        cursor, end = self.cursor, self._runtime.history.position()
        merged = heapq.merge(self._changes(cursor.changes), self._block_changes(cursor.blocks))
        for _, source, number, event in merged:
            self.cursor = self.cursor._replace(**{source: number})
            if self._wanted.fits(event):
                yield event._replace(cursor=str(self.cursor))
        # Of what was there before the first was read, nothing is left, asked for or not.
        self.cursor = self.cursor._replace(changes=max(self.cursor.changes, end))

    def end(self) -> Cursor:
        """Return the cursor after everything that has happened."""
        self._runtime.flush()
        blocks = 0
        if self._blocks:
            try:
                blocks = position(trail())
            except BrickworkError as error:
                self._gap(error)
        return Cursor(self._runtime.history.position(), blocks)

    def last(self, count: int) -> list[RecordedEvent]:
        """Return the last events that are asked for, and go on after them."""
        end = self.end()
        width = max(200, 2 * count)
        while True:
            self.cursor = Cursor(max(0, end.changes - width), max(0, end.blocks - width))
            found = list(self.read())
            # Of each source, as many as could be among the last, or all.
            blocks = sum(each.id.startswith("audit:") for each in found)
            if (len(found) - blocks >= count or width >= end.changes) and (
                blocks >= count or width >= end.blocks
            ):
                return found[-count:]
            width *= 8

    def _changes(self, after: int) -> Iterator[_Item]:
        history, wanted = self._runtime.history, self._wanted
        while page := history.changes(after=after, since=wanted.since, run=wanted.run, limit=PAGE):
            for change in page:
                after = change.position
                yield change.event.at, "changes", after, of_change(change)

    def _block_changes(self, after: int) -> Iterator[_Item]:
        if not self._blocks:
            return
        try:
            for number, event in block_events(trail(), after):
                yield event.occurred.timestamp(), "blocks", number, event
        except BrickworkError as error:
            self._gap(error)

    def _gap(self, error: BrickworkError) -> None:
        self._blocks = False
        self._on_gap(error)


def events(
    *,
    after: str = "",
    since: Since = None,
    event: str | tuple[str, ...] = (),
    run: str = "",
    blocks: bool = True,
    follow: bool = False,
) -> Iterator[RecordedEvent]:
    """Yield what has happened, the oldest first: to runs, to blocks, and what was emitted.

    Keep the ``cursor`` of the last event that was dealt with, and give it as ``after`` to go on:
    nothing is missed, and nothing comes twice, though several processes record at once. Events of
    runs stand in the order in which the history got them, those of blocks in that of the vault's
    audit trail, and both are merged by time. A cursor belongs to one history and one vault.

    Where the vault cannot be read, that is logged once, and the stream goes on without its blocks.

    Args:
        after: The cursor of an event; ``now`` for what is yet to happen.
        since: Not before a time, or a span back from now.
        event: A name, or a pattern such as ``flow-run.*``; or several.
        run: The id of a run: only of it and of what is within it.
        blocks: Whether to tell of changes of blocks, too.
        follow: Whether to wait for more, and never end.

    Raises:
        InvalidName: ``after`` is no cursor.
        HistoryError: The history cannot be read.
    """
    patterns = (event,) if isinstance(event, str) else tuple(event)
    wanted = Wanted(timestamp(since), patterns, run, blocks)
    stream = Stream(current_runtime(), wanted, _log_gap)
    stream.cursor = stream.end() if after == "now" else Cursor.parse(after)
    return following(stream) if follow else stream.read()


def following(stream: Stream) -> Iterator[RecordedEvent]:
    """Yield what is new, and wait for more, without an end."""
    while True:
        yield from stream.read()
        check_cancelled()
        time.sleep(POLL_SECONDS)


def timestamp(since: Since) -> float:
    """Return a time, or a span back from now, in seconds since 1970."""
    if since is None:
        return 0.0
    if isinstance(since, timedelta):
        return (datetime.now(UTC) - since).timestamp()
    return since.timestamp()


def _log_gap(error: BrickworkError) -> None:
    import logging

    logging.getLogger("brickwork.flows").warning("changes of blocks are left out: %s", error.what)
