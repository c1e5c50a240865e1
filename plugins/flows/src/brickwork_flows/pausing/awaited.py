"""What runs wait for, and what they were given: entries of the history, bound to the run."""

import time
from collections.abc import Sequence
from typing import Any, NamedTuple, Self

from brickwork_flows.errors import EntryConflict, NotResumable
from brickwork_flows.history.interface import Entry, History
from brickwork_flows.pausing.inputs import Kept, outlined, packed

OPEN = "pauses"
"""The collection of pauses that nobody has ended."""

GIVEN = "inputs"
"""The collection of what pauses were ended with; given back when the flow's body runs again."""

ASKED = "(asked)"
"""The key of a pause that was asked for from outside, and that no call in the body stands for."""


class Pause(NamedTuple):
    """A pause that nobody has ended.

    Attributes:
        root: The run that it is in; nobody called that.
        key: Which pause of the run it is.
        kind: ``pause`` or ``suspend``; ``asked`` where somebody asked for it from outside.
        since: When it began, in seconds since 1970.
        until: When it is over without being ended; None: never.
        type: The name of the type that it waits for; empty where it waits for nothing.
        schema: The JSON schema of that.
        offer: What it is offered, if it was not looked at yet.
        refused: Why the last offer was not taken.
        version: The version of the entry.
    """

    root: str
    key: str
    kind: str
    since: float
    until: float | None = None
    type: str = ""
    schema: dict[str, Any] | None = None
    offer: dict[str, Any] | None = None
    refused: list[str] | None = None
    version: int = 0

    @classmethod
    def of(cls, entry: Entry) -> Self:
        """Return the pause of an entry."""
        root, _, key = entry.key.partition("/")
        return cls(root, key, **entry.value, version=entry.version)

    @property
    def place(self) -> str:
        """The key of its entry."""
        return f"{self.root}/{self.key}"

    @property
    def takes(self) -> str:
        """The type with its fields; empty where it waits for nothing."""
        return outlined(self.type, self.schema) if self.schema is not None else ""

    def put(self, history: History, **changes: Any) -> "Pause":
        """Keep it, changed. Raises EntryConflict where somebody else has changed it."""
        changed = self._replace(**changes)
        value = changed._asdict()
        for name in ("root", "key", "version"):
            del value[name]
        entry = history.put(OPEN, self.place, value, expected=self.version, run=self.root)
        return changed._replace(version=entry.version)


def open_pauses(history: History, root: str) -> Sequence[Pause]:
    """Return the pauses of a run that nobody has ended."""
    return [Pause.of(entry) for entry in history.entries(OPEN, prefix=f"{root}/")]


def open_pause(history: History, root: str, key: str) -> Pause | None:
    """Return one pause; None where it is not open."""
    entry = history.entry(OPEN, f"{root}/{key}")
    return None if entry is None else Pause.of(entry)


def end(history: History, root: str, key: str, given: Kept | None = None) -> None:
    """Remove a pause; with what it was given, it has been ended for good."""
    if given is not None:
        history.put(GIVEN, f"{root}/{key}", given, run=root)
    history.put(OPEN, f"{root}/{key}", None)


def given(history: History, root: str, key: str) -> Kept | None:
    """Return what a pause was given; None where it has not been ended."""
    entry = history.entry(GIVEN, f"{root}/{key}")
    return None if entry is None else entry.value


def chosen(pauses: Sequence[Pause], root: str, key: str | None) -> Pause:
    """Return the pause with a key, or the only one.

    Raises:
        NotResumable: There is none, or more than one.
    """
    keys = ", ".join(pause.key for pause in pauses) or "none"
    found = [pause for pause in pauses if key is None or pause.key == key]
    if len(found) == 1:
        return found[0]
    if key is not None:
        raise NotResumable(f"The run {root} has no open pause {key!r}.", fix=f"There is: {keys}.")
    if not found:
        raise NotResumable(f"The run {root} waits for nothing now.", fix="Look at it again.")
    raise NotResumable(f"The run {root} has several pauses: {keys}.", fix="Say which, by its key.")


def offer(history: History, pause: Pause, value: Any) -> Pause:
    """Offer a pause what it waits for; whoever runs the flow looks at it.

    Args:
        history: Where the run is recorded.
        pause: The pause.
        value: What it is given; None for nothing.

    Raises:
        NotResumable: Somebody else has offered it something.
        InvalidInput: The value has no form in JSON.
        VaultError: It holds a secret, and the vault in use has no key to seal it with.
    """
    kept = None if value is None else packed(value, pause.schema)
    try:
        if pause.offer is not None:
            raise EntryConflict("")
        return pause.put(history, offer={"at": time.time(), "input": kept}, refused=None)
    except EntryConflict:
        raise NotResumable(
            f"Somebody else resumes the run {pause.root} right now.", fix="Look at it again."
        ) from None
