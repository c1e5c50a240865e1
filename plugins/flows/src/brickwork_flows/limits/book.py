"""The book of limits: what is limited, who holds slots, and who waits for them.

It is one small value, so that to take slots of several limits is one change, all or none. Nothing
here waits, or knows what time it is.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

CLOCK_SECONDS = 5.0
"""How far the clocks of machines may be apart. A clock that went back further was set."""


class Rule(NamedTuple):
    """What a limit allows.

    Attributes:
        slots: How many at once; of a rate, how many at once after a pause.
        per_second: How many a second; None where slots are held, and given back.
    """

    slots: int
    per_second: float | None = None


class Ticket(NamedTuple):
    """Somebody who holds slots, or waits for them.

    Attributes:
        id: Its own.
        names: The limits.
        slots: How many of each.
        process: In which process.
        run: The run that it is for; empty outside of runs.
        since: Since when, in seconds since 1970.
        inside: Whether it is for what runs inside a holder of slots. Such a one goes first and
            holds nobody up: who it runs for gives nothing back before it has ended.
    """

    id: str
    names: tuple[str, ...]
    slots: int
    process: str
    run: str
    since: float
    inside: bool = False


class Process(NamedTuple):
    """A process that holds slots, or waits for them.

    Attributes:
        machine: What tells its machine from others.
        host: That machine's name, for people.
        pid: Its number there.
        file: The file that it has locked for as long as it lives.
        until: When it counts as dead for other machines; it moves that on before.
    """

    machine: str
    host: str
    pid: int
    file: str
    until: float


class Book:
    """The book, as it was read; changed here, and then written.

    Args:
        value: What `value` returned; without it, an empty book.

    Attributes:
        rules: The limits, by name.
        held: Who holds slots.
        queue: Who waits, in order.
        processes: Whose they are.
    """

    def __init__(self, value: Mapping[str, Any] | None = None) -> None:
        kept = value or {}
        self.rules = {name: Rule(*rule) for name, rule in kept.get("limits", {}).items()}
        self.held = _tickets(kept.get("held", ()))
        self.queue = _tickets(kept.get("queue", ()))
        self.processes = {
            token: Process(*process) for token, process in kept.get("processes", {}).items()
        }
        # By rate: when it has all its slots again, and when that was written.
        self._full_at: dict[str, tuple[float, float]] = {
            name: (full, at) for name, (full, at) in kept.get("rates", {}).items()
        }

    def value(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        content = {
            "limits": {name: list(rule) for name, rule in self.rules.items()},
            "held": [_as_list(ticket) for ticket in self.held.values()],
            "queue": [_as_list(ticket) for ticket in self.queue.values()],
            "processes": {token: list(process) for token, process in self.processes.items()},
            "rates": {name: list(rate) for name, rate in self._full_at.items()},
        }
        return {key: each for key, each in content.items() if each}

    # Limits

    def define(self, name: str, rule: Rule) -> None:
        """Make a limit, or change it: who holds more than it allows now keeps that."""
        self.rules[name] = rule
        if rule.per_second is None:
            self._full_at.pop(name, None)

    def undefine(self, name: str) -> None:
        """Remove a limit."""
        self.rules.pop(name, None)
        self._full_at.pop(name, None)

    def used(self, name: str) -> int:
        """Return how many slots are held."""
        return sum(each.slots for each in self.held.values() if name in each.names)

    def impossible(self, names: Iterable[str], slots: int) -> str | None:
        """Return the limit that never allows so many slots at once; None if there is none."""
        for name in names:
            rule = self.rules.get(name)
            if rule is not None and slots > rule.slots:
                return name
        return None

    # Slots

    def join(self, ticket: Ticket) -> None:
        """Add somebody at the end of the queue, and serve the queue."""
        self.queue[ticket.id] = ticket
        self.settle()

    def leave(self, ticket_id: str) -> None:
        """Take somebody out: who held slots gives them back."""
        self.held.pop(ticket_id, None)
        self.queue.pop(ticket_id, None)

    def settle(self) -> None:
        """Give slots to all who can have them, in order.

        Nobody overtakes who waits for one of the same limits, so that who wants much is served as
        well. Those inside holders go first.
        """
        if not self.queue:
            return
        used: dict[str, int] = {}
        for ticket in self.held.values():
            _count(used, ticket)
        wanted: set[str] = set()
        for inside in (True, False):
            for ticket in [each for each in self.queue.values() if each.inside is inside]:
                free = inside or wanted.isdisjoint(ticket.names)
                if free and self._fits(ticket, used):
                    self.held[ticket.id] = self.queue.pop(ticket.id)
                    _count(used, ticket)
                elif not inside:
                    wanted.update(ticket.names)

    def _fits(self, ticket: Ticket, used: Mapping[str, int]) -> bool:
        for name in ticket.names:
            rule = self.rules.get(name)
            if rule is None or rule.per_second is not None:
                continue  # it was removed, or became a rate, while somebody waited
            if used.get(name, 0) + ticket.slots > rule.slots:
                return False
        return True

    def bury(self, token: str) -> None:
        """Take out everything of a process that has died."""
        self.processes.pop(token, None)
        for tickets in (self.held, self.queue):
            for each in [each for each in tickets.values() if each.process == token]:
                del tickets[each.id]

    # Rates

    def reserve(self, names: Iterable[str], slots: int, now: float) -> float:
        """Take slots of rates, and return from when on they may be used.

        A bucket that fills steadily, up to its slots; kept as the time at which it is full.
        """
        rates = {
            name: (rule.slots, rule.per_second)
            for name in names
            if (rule := self.rules.get(name)) is not None and rule.per_second is not None
        }
        full_at = {name: self._full(name, now) for name in rates}
        start = now
        for name, (most, per_second) in rates.items():
            start = max(start, full_at[name] - (most - slots) / per_second)
        for name, (_, per_second) in rates.items():
            self._full_at[name] = (max(full_at[name], start) + slots / per_second, now)
        return start

    def _full(self, name: str, now: float) -> float:
        full, at = self._full_at.get(name, (now, now))
        return full - (at - now) if at - now > CLOCK_SECONDS else full


def _tickets(kept: Iterable[list[Any]]) -> dict[str, Ticket]:
    found = {}
    for ticket_id, names, *rest in kept:
        found[ticket_id] = Ticket(ticket_id, tuple(names), *rest)
    return found


def _as_list(ticket: Ticket) -> list[Any]:
    return [ticket.id, list(ticket.names), *ticket[2:]]


def _count(used: dict[str, int], ticket: Ticket) -> None:
    for name in ticket.names:
        used[name] = used.get(name, 0) + ticket.slots
