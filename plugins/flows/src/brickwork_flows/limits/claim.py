"""Slots that somebody wants, waits for, and holds."""

from collections.abc import Callable, Iterable

from brickwork_flows.limits.book import Ticket


class Claim:
    """Slots of some limits, all or none: wanted at first, then held, at last given back.

    Args:
        names: The limits whose slots are held.
        rates: The rates that are taken from.
        slots: How many of each.
        run: The run that it is for; empty outside of runs.
        around: The claims inside of which it is made. What they hold they lend, to one at a time.

    Attributes:
        wanted: The limits of which it needs slots still.
        due: From when on it may go on by its rates; None until that is known.
        ticket: What is in the book for it.
        lenders: Whose slots it uses.
        lent_to: Who uses its slots.
        borrowers: Who would use them next.
        ended: Whether it was given back, while its slots were lent.
        looked: Whether the book was looked into for it, or somebody is before it.
        loop: The thread of the event loop that waits for it; None outside of one.
        done: Whether it is held, or was refused.
        error: Why it was refused.
    """

    __slots__ = (
        "_callbacks",
        "around",
        "borrowers",
        "done",
        "due",
        "ended",
        "error",
        "lenders",
        "lent_to",
        "looked",
        "loop",
        "names",
        "rates",
        "run",
        "slots",
        "ticket",
        "wanted",
    )

    def __init__(
        self,
        names: Iterable[str],
        rates: Iterable[str],
        slots: int,
        run: str = "",
        around: "tuple[Claim, ...]" = (),
    ) -> None:
        self.names = self.wanted = tuple(sorted(set(names)))
        self.rates = tuple(sorted(set(rates)))
        self.slots = slots
        self.run = run
        self.around = around
        self.due: float | None = None
        self.ticket: Ticket | None = None
        self.lenders: list[Claim] = []
        self.lent_to: Claim | None = None
        self.borrowers: dict[Claim, None] = {}
        self.ended = False
        self.looked = False
        self.loop: int | None = None
        self.done = False
        self.error: Exception | None = None
        self._callbacks: list[Callable[[], object]] = []

    def lender(self) -> "Claim | None":
        """Return the innermost claim around this one that holds something which it wants."""
        for each in reversed(self.around):
            if each.done and not each.ended and not set(each.names).isdisjoint(self.wanted):
                return each
        return None

    def borrow(self, lender: "Claim") -> None:
        """Use the slots of a claim around this one, which are not lent to another."""
        lender.lent_to = self
        self.lenders.append(lender)
        self.wanted = tuple(name for name in self.wanted if name not in lender.names)

    def when_woken(self, callback: Callable[[], object]) -> None:
        """Have a function called whenever there is news of it, from any thread; it must be quick.

        What was before is not told: look at `done` after this.
        """
        self._callbacks.append(callback)

    def finish(self, error: Exception | None = None) -> None:
        """Note that it is held, or refused, and wake who waits for that."""
        self.error = error
        self.done = True
        self.wake()

    def wake(self) -> None:
        """Have who waits look."""
        for callback in tuple(self._callbacks):
            callback()
