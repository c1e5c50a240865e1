"""What runs wait for, and what they were given: entries of the history, bound to the run."""

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, Self
from uuid import uuid4

from brickwork_flows.errors import EntryConflict, NotResumable
from brickwork_flows.history.interface import Entry, History
from brickwork_flows.pausing.inputs import outlined, packed

PAUSES = "pauses"
"""The collection of pauses. One that has ended stays, with what it was given: a body that runs
again is given that back."""

ASKED = "(asked)"
"""The key of a pause that was asked for from outside, and that no call in the body stands for."""


class Pause(NamedTuple):
    """A pause, open until it is given something or its time is up.

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
        given: The offer that ended it; None while it is open.
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
    given: dict[str, Any] | None = None
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
        entry = history.put(PAUSES, self.place, value, expected=self.version, run=self.root)
        return changed._replace(version=entry.version)

    def is_by(self, offered: "Pause") -> bool:
        """Tell whether it was ended by what another state of it was offered."""
        return self.given is not None and self.given == offered.offer


def open_pauses(history: History, root: str, *, held: bool = True) -> Sequence[Pause]:
    """Return the pauses of a run that nobody has ended.

    Args:
        history: Where it is recorded.
        root: The run.
        held: Whether a process waits in it. Where none does, nobody has to end the pause that was
            asked for from outside: it ends with the process.
    """
    found = [pause for pause in _pauses(history, root) if pause.given is None]
    return found if held else [pause for pause in found if pause.key != ASKED]


def _pauses(history: History, root: str) -> Iterator[Pause]:
    after = ""
    while page := history.entries(PAUSES, prefix=f"{root}/", after=after):
        yield from map(Pause.of, page)
        after = page[-1].key


def known(history: History, root: str, key: str) -> Pause | None:
    """Return a pause, open or not; None where it was not made, or its time was up."""
    entry = history.entry(PAUSES, f"{root}/{key}")
    return None if entry is None else Pause.of(entry)


def begun(history: History, pause: Pause) -> Pause:
    """Keep a pause that begins, in the place of one of that key that has ended."""
    while True:
        before = known(history, pause.root, pause.key)
        if before is not None and before.given is None:
            return before  # another call of that key has begun it
        with suppress(EntryConflict):
            return pause._replace(version=0 if before is None else before.version).put(history)


def remove(history: History, root: str, key: str) -> None:
    """Remove a pause, unless it has ended well."""
    pause = known(history, root, key)
    if pause is not None and pause.given is None:
        history.put(PAUSES, pause.place, None)


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
        raise NotResumable(
            f"The run {root} waits for nothing now.",
            fix="Leave out the input; or look at it again, if it goes on just now.",
        )
    raise NotResumable(f"The run {root} has several pauses: {keys}.", fix="Say which, by its key.")


def offer(history: History, pause: Pause, value: Any, *, held: bool) -> Pause:
    """Offer a pause what it waits for; whoever runs the flow looks at it.

    Args:
        history: Where the run is recorded.
        pause: The pause.
        value: What it is given; None for nothing.
        held: Whether a process waits in it. Where none does, an offer that it has was left by one
            that was killed: it stands if there is no other one.

    Raises:
        NotResumable: Somebody else has offered it something.
        InvalidInput: The value has no form in JSON.
        VaultError: It holds a secret, and the vault in use has no key to seal it with.
    """
    if pause.offer is not None and value is None and not held:
        return pause
    kept = None if value is None else packed(value, pause.schema)
    offered = {"at": time.time(), "by": uuid4().hex, "input": kept}
    try:
        if pause.offer is not None and held:
            raise EntryConflict("")
        return pause.put(history, offer=offered, refused=None)
    except EntryConflict:
        raise NotResumable(
            f"Somebody else resumes the run {pause.root} right now.", fix="Look at it again."
        ) from None
