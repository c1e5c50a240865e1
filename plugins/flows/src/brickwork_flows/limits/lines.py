"""The claims of this process: who lends to whom, and who is next in which line."""

import threading
import time
from collections import OrderedDict
from collections.abc import Iterable
from itertools import count
from typing import Any, NamedTuple

from brickwork_flows.errors import LimitRefused
from brickwork_flows.limits.book import Book, Ticket
from brickwork_flows.limits.claim import Claim

_Line = OrderedDict[Claim, None]


class Step(NamedTuple):
    """What a change of the book is for the claims of this process, once it is written.

    Attributes:
        now: When it was made.
        dropped: The tickets that were taken out.
        refused: The claims that ask for more than there is, and of which limit.
        dues: When claims may go on by their rates.
        new: The claims that were not looked for before.
    """

    now: float
    dropped: frozenset[str]
    refused: dict[Claim, str]
    dues: dict[Claim, float]
    new: tuple[Claim, ...]


class Lines:
    """The claims of this process that wait, and those that are held.

    A time-out may interrupt any thread in the middle of what is done here. So what must not be lost
    is written down first, and a claim leaves its line last.

    Claims that want the same stand in one line, of which only the first waits in the book: so
    processes take turns, however many claims each of them has.

    Args:
        token: The process, in the book.

    Attributes:
        lock: Everything here is done under it.
        held: The claims that have slots, by their tickets.
        dropping: The tickets that are to leave the book.
    """

    def __init__(self, token: str) -> None:
        self.lock = threading.RLock()
        self.held: dict[str, Claim] = {}
        self.dropping: set[str] = set()
        self._token = token
        self._lines: dict[tuple[Any, ...], _Line] = {}
        self._rate_lines: dict[tuple[Any, ...], _Line] = {}
        self._new: dict[Claim, None] = {}
        self._numbers = count()

    @property
    def waiting(self) -> bool:
        """Whether somebody waits for slots."""
        return bool(self._lines)

    def next_due(self) -> float | None:
        """Return when a rate lets the next claim go on; None if nobody waits for one."""
        return min((_head(line).due or 0.0 for line in self._rate_lines.values()), default=None)

    # Claims

    def enter(self, claim: Claim) -> bool:
        """Line up a claim, or have it done where it can borrow all it wants.

        Returns:
            Whether it is the first in its line, and so may be served at once.
        """
        while (lender := claim.lender()) is not None:
            if lender.lent_to is not None:
                lender.borrowers[claim] = None
                break
            claim.borrow(lender)
        first = self._line_up(claim)
        if first and not claim.done:
            self._new[claim] = None
        claim.looked = not first
        return first

    def stops(self, loop: int, names: Iterable[str]) -> bool:
        """Tell whether slots are for coroutines of a loop, which cannot go on while it waits."""
        waiting = [claim for line in self._lines.values() for claim in line]
        wanted = frozenset(names)
        return any(
            each.loop == loop and not wanted.isdisjoint(each.names)
            for each in (*self.held.values(), *waiting)
        )

    def leave(self, claim: Claim) -> None:
        """Give back what a claim holds, and take it out of its line."""
        claim.borrowers.clear()
        if claim.lent_to is not None:
            claim.ended = True  # who uses its slots gives them back
        else:
            self._undo(claim)

    def _line_up(self, claim: Claim) -> bool:
        if claim.wanted:
            inside = bool(claim.around)
            ticket_id = f"{self._token}-{next(self._numbers)}"
            claim.ticket = Ticket(
                *(ticket_id, claim.wanted, claim.slots, self._token, claim.run, time.time(), inside)
            )
            line = self._lines.setdefault((claim.wanted, claim.slots, inside), OrderedDict())
        elif claim.rates:
            line = self._rate_lines.setdefault((claim.rates, claim.slots), OrderedDict())
        else:
            claim.finish()
            return True
        line[claim] = None
        return len(line) == 1

    def _undo(self, claim: Claim) -> None:
        for each in claim.around:
            each.borrowers.pop(claim, None)
        self._take_out(claim)
        if claim.ticket is not None:
            self.dropping.add(claim.ticket.id)
            self.held.pop(claim.ticket.id, None)
            claim.ticket = None
        lenders, claim.lenders = claim.lenders, []
        for lender in lenders:
            lender.lent_to = None
            if lender.ended:
                self._undo(lender)
            elif lender.borrowers:
                self._lend(lender, _head(lender.borrowers))

    def _lend(self, lender: Claim, claim: Claim) -> None:
        """Lend to a claim that waits in a line meanwhile."""
        for each in claim.around:
            each.borrowers.pop(claim, None)
        self._take_out(claim)
        if claim.ticket is not None:
            self.dropping.add(claim.ticket.id)
            claim.ticket = None
        claim.borrow(lender)
        self.enter(claim)

    def _take_out(self, claim: Claim) -> None:
        self._new.pop(claim, None)
        for lines in (self._lines, self._rate_lines):
            for key, line in tuple(lines.items()):
                if claim in line:
                    del line[claim]
                    if not line:
                        del lines[key]
                    elif claim.due is not None and _head(line).due is None:
                        _head(line).due = claim.due  # what it has reserved is not lost

    # The book

    def apply(self, book: Book) -> Step:
        """Change the book; what that is for the claims counts when the book is written."""
        now = time.time()
        dropped = frozenset(self.dropping)
        for ticket_id in dropped:
            book.leave(ticket_id)
        book.settle()
        refused: dict[Claim, str] = {}
        for line in self._lines.values():
            refused |= _advance(book, line)
        dues: dict[Claim, float] = {}
        for line in self._rate_lines.values():
            for claim in line:
                name = book.impossible(claim.rates, claim.slots)
                if name is not None:
                    refused[claim] = name
                    continue
                due = claim.due
                if due is None:
                    due = dues[claim] = book.reserve(claim.rates, claim.slots, now)
                if due > now:
                    break
        return Step(now, dropped, refused, dues, tuple(self._new))

    def notice(self, book: Book, step: Step) -> bool:
        """Bring the claims up to date with the book; tell whether there is more to do at once."""
        self.dropping -= step.dropped
        for claim, name in step.refused.items():
            if not claim.done:
                self._undo(claim)
                claim.finish(_refused(book, name, claim.slots))
        more = False
        for line in tuple(self._lines.values()):
            while line and (claim := _head(line)).ticket and claim.ticket.id in book.held:
                more = self._granted(claim) or more
                line.pop(claim, None)
        for key in [key for key, line in self._lines.items() if not line]:
            del self._lines[key]
        for claim, due in step.dues.items():
            claim.due = due
        for line in tuple(self._rate_lines.values()):
            while line and (at := _head(line).due) is not None and at <= step.now:
                claim = _head(line)
                claim.finish()
                claim.due = None
                self._take_out(claim)
        for claim in step.new:
            self._new.pop(claim, None)
            claim.looked = True
            if not claim.done:
                claim.wake()
        return more

    def _granted(self, claim: Claim) -> bool:
        assert claim.ticket is not None  # noqa: S101  # it was found in the book by it
        self.held[claim.ticket.id] = claim
        for each in claim.around:
            each.borrowers.pop(claim, None)
        claim.wanted = ()
        return self._line_up(claim) and not claim.done

    def fail(self, error: Exception) -> None:
        """Tell all who wait that there is nothing to wait for."""
        for lines in (self._lines, self._rate_lines):
            for line in tuple(lines.values()):
                for claim in tuple(line):
                    self._undo(claim)
                    claim.finish(error)

    def lost(self, book: Book) -> list[Claim]:
        """Return claims whose slots somebody else has released; they are held no more."""
        tickets = [each for each in self.held if each not in book.held]
        return [self.held.pop(each) for each in tickets]


def _head(line: dict[Claim, None]) -> Claim:
    return next(iter(line))


def _advance(book: Book, line: _Line) -> dict[Claim, str]:
    """Put the first of a line into the queue, and the next ones as long as they get slots."""
    refused: dict[Claim, str] = {}
    for claim in line:
        ticket = claim.ticket
        if ticket is None or ticket.id in book.held:
            continue
        name = book.impossible((*ticket.names, *claim.rates), ticket.slots)
        if name is not None:
            book.leave(ticket.id)
            refused[claim] = name
            continue
        if ticket.id not in book.queue:
            book.join(ticket)
        if ticket.id in book.queue:
            break
    return refused


def _refused(book: Book, name: str, slots: int) -> LimitRefused:
    most = book.rules[name].slots
    if most == 0:
        return LimitRefused(
            f"The limit {name!r} is 0: nothing of it may run.",
            fix=f"Raise it when it may: brickwork limit set {name} 1.",
        )
    return LimitRefused(
        f"{slots} slots of {name!r} are asked for, and there are {most}.",
        fix=f"Ask for fewer, or raise the limit: brickwork limit set {name} {slots}.",
    )
