"""The interface of histories: where the runs of flows are kept, and asked for."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, Self

from brickwork_flows.errors import EntryConflict
from brickwork_flows.history.events import Emitted, Event, Logged, ResultKept, StateSet
from brickwork_flows.states import State, StateType


class RunRecord(NamedTuple):
    """A run, as a history keeps it.

    Attributes:
        id: Its id.
        kind: ``flow`` or ``task``.
        name: The flow's or the task's name.
        run_name: The name of this very run.
        parent: The id of the run that called it; None for a flow that a program called.
        key: Which of its parent's calls it is.
        flow_run: The id of the run of the outermost flow that it belongs to; its own for that.
        tags: Its tags.
        inputs: A fingerprint of its arguments.
        details: What only flows have: version, entry point, parameters.
        states: Every state that it was in, oldest first.
        attempts: How many times it was tried.
    """

    id: str
    kind: str
    name: str
    run_name: str
    parent: str | None
    key: str
    flow_run: str
    tags: tuple[str, ...]
    inputs: str
    details: Mapping[str, Any]
    states: tuple[State, ...]
    attempts: int

    @property
    def state(self) -> State:
        """The state that it is in."""
        return self.states[-1]


class Change(NamedTuple):
    """Something that happened, as `History.changes` tells it.

    Attributes:
        position: Where it stands among all changes; later ones have greater positions.
        event: The state that a run went into, or what a program emitted.
        kind: What the run is a run of: ``flow`` or ``task``; empty outside of any run.
        name: The flow's or the task's name.
        run_name: The name of the run.
    """

    position: int
    event: StateSet | Emitted
    kind: str = ""
    name: str = ""
    run_name: str = ""


class Entry(NamedTuple):
    """Something small that is kept beside the runs, and that may change.

    Attributes:
        key: Its key, within its collection.
        value: What JSON can hold; not None.
        version: 1 when it was made, then one more with each change.
        at: When it was changed last, in seconds since 1970.
    """

    key: str
    value: Any
    version: int
    at: float


class History(ABC):
    """Keeps runs durably, and finds them.

    Safe to use from many threads and processes. Every method raises HistoryError where the history
    cannot be read or written.
    """

    scheme: ClassVar[str]
    """The scheme of its URLs, for example ``sqlite``."""

    @classmethod
    @abstractmethod
    def open(cls, url: str, *, power: bool = False) -> Self:
        """Return the history of a URL; it is made when something is first recorded.

        Args:
            url: The URL, with the scheme; a password in it must not stand in any error.
            power: Whether what is recorded is to outlive a loss of power, too.

        Raises:
            HistoryError: The URL cannot be used.
        """

    @abstractmethod
    def record(self, events: Sequence[Event]) -> None:
        """Keep events, all or none. What was kept before is not kept twice."""

    @abstractmethod
    def run(self, run_id: str) -> RunRecord:
        """Return a run. Raises RunNotFound."""

    @abstractmethod
    def runs(
        self,
        *,
        name: str | None = None,
        states: Iterable[StateType] = (),
        before: str | None = None,
        limit: int = 50,
    ) -> Sequence[RunRecord]:
        """Return runs of flows that no other run called, the newest first.

        Args:
            name: Only of the flow of that name.
            states: Only those that are in one of these; all if there are none.
            before: Only those that began before the run of that id.
            limit: How many at most.
        """

    def matching(self, text: str) -> Sequence[str]:
        """Return the ids of runs of flows, that no other run called, that a text may stand for.

        Those whose id begins or ends with it, and those of that name; the newest first.
        """
        found: list[str] = []
        page = self.runs(limit=500)
        while page:
            found += [
                each.id
                for each in page
                if each.run_name == text or each.id.startswith(text) or each.id.endswith(text)
            ]
            page = self.runs(before=page[-1].id, limit=500)
        return found

    @abstractmethod
    def children(self, flow_run: str) -> Sequence[RunRecord]:
        """Return everything that ran within the run of a flow, in the order in which it began."""

    @abstractmethod
    def result(self, run_id: str) -> ResultKept | None:
        """Return where the result of a run is; None where none is kept."""

    @abstractmethod
    def results(self, flow_run: str) -> Mapping[str, ResultKept]:
        """Return where the results within a flow's run are, by the id of the run."""

    @abstractmethod
    def logs(self, flow_run: str, *, after: int = 0, limit: int = 1000) -> Sequence[Logged]:
        """Return what was logged within a flow's run, oldest first."""

    @abstractmethod
    def changes(
        self, *, after: int = 0, since: float = 0.0, run: str = "", limit: int = 1000
    ) -> Sequence[Change]:
        """Return states of runs and emitted events, in the order in which they were recorded.

        Whoever asks for what comes after the last position that he has seen misses nothing and
        gets nothing twice, though several processes record at once: what is recorded later has a
        greater position, also after changes were removed.

        Args:
            after: The position after which to begin.
            since: Only what happened at that time, in seconds since 1970, or later.
            run: Only of the run of that id and of those within it.
            limit: How many at most.
        """

    @abstractmethod
    def position(self) -> int:
        """Return the position that the newest change got; 0 before the first."""

    @abstractmethod
    def forget(self, before: float) -> int:
        """Remove what was emitted outside of runs before a time; return how many events."""

    @abstractmethod
    def entries(
        self, collection: str, *, prefix: str = "", after: str = "", limit: int = 1000
    ) -> Sequence[Entry]:
        """Return entries of a collection, in the order of their keys by code point.

        Args:
            collection: The name of the collection; there is nothing to make before it is used.
            prefix: Only keys that begin so.
            after: Only keys that come after this one.
            limit: How many at most.
        """

    @abstractmethod
    def put(
        self,
        collection: str,
        key: str,
        value: Any,
        *,
        expected: int | None = None,
        run: str | None = None,
    ) -> Entry:
        """Keep a value under a key, durably when it returns.

        Args:
            collection: The name of the collection.
            key: The key.
            value: What JSON can hold; None removes the entry.
            expected: The version that it must have to be changed; 0: there must be none. Without
                it, it is changed in any case.
            run: The run of a flow with which it is removed.

        Returns:
            The entry as it is kept; what was removed is returned with version 0.

        Raises:
            EntryConflict: It has another version than expected; nothing is changed.
        """

    def change(
        self, collection: str, key: str, function: Callable[[Any], Any], *, run: str | None = None
    ) -> Entry:
        """Change a value to what a function makes of it, safely beside others who do the same.

        Args:
            collection: The name of the collection.
            key: The key.
            function: From the value, or None where there is none, to the new one, or None. It is
                called again when somebody else was faster.
            run: The run of a flow with which it is removed.
        """
        while True:
            found = self.entry(collection, key)
            value = function(None if found is None else found.value)
            if found is None and value is None:
                return Entry(key, None, 0, 0.0)
            try:
                return self.put(
                    collection, key, value, expected=0 if found is None else found.version, run=run
                )
            except EntryConflict:
                continue

    def entry(self, collection: str, key: str) -> Entry | None:
        """Return one entry; None where there is none."""
        for found in self.entries(collection, prefix=key, limit=1):
            if found.key == key:
                return found
        return None

    @abstractmethod
    def remove(self, run_id: str) -> Sequence[ResultKept]:
        """Remove the run of a flow with everything in it, and return the results to delete.

        Entries that were put with that run go, too, and what was emitted in it.

        Not those that the result of another run points to, as that of a cache hit does.
        """

    def compact(self) -> None:  # noqa: B027  # nothing is what most have to do
        """Give back the space of what was removed; nothing, unless overridden."""

    @abstractmethod
    def close(self) -> None:
        """Close this thread's connection."""
