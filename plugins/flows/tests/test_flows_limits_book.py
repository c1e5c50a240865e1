"""The book of limits: who gets slots, in what order, and how rates are kept."""

import json

import hypothesis.strategies as st
from hypothesis import given, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from brickwork_flows.limits.book import CLOCK_SECONDS, Book, Process, Rule, Ticket

NAMES = ("a", "b", "c")
PROCESSES = ("p1", "p2", "p3")


def ticket(number: int, *names: str, slots: int = 1, inside: bool = False) -> Ticket:
    """A ticket of the process ``p1``."""
    return Ticket(str(number), names, slots, "p1", "", 0.0, inside)


class Bookkeeping(RuleBasedStateMachine):
    """Whatever is done to the book, in whatever order, slots are given out rightly."""

    def __init__(self) -> None:
        super().__init__()
        self.book = Book()
        self.number = 0
        self.alive: set[str] = set()

    def checked(self, before: Book) -> None:
        """Look at what was given out since a book before."""
        new = [each for each in self.book.held.values() if each.id not in before.held]
        for each in new:
            for name in each.names:
                allowed = self.book.rules.get(name)
                assert allowed is None or self.book.used(name) <= allowed.slots
            if not each.inside:
                order = [*before.queue, each.id]
                ahead = order[: order.index(each.id)]
                for other in (self.book.queue[i] for i in ahead if i in self.book.queue):
                    assert other.inside or set(other.names).isdisjoint(each.names)

    def copy(self) -> Book:
        """The book as another process reads it."""
        return Book(json.loads(json.dumps(self.book.value())))

    @rule(name=st.sampled_from(NAMES), slots=st.integers(0, 4))
    def define(self, name: str, slots: int) -> None:
        before = self.copy()
        self.book.define(name, Rule(slots))
        self.book.settle()
        self.checked(before)

    @rule(name=st.sampled_from(NAMES))
    def undefine(self, name: str) -> None:
        before = self.copy()
        self.book.undefine(name)
        self.book.settle()
        self.checked(before)

    @rule(
        names=st.sets(st.sampled_from(NAMES), min_size=1).map(sorted).map(tuple),
        slots=st.integers(1, 3),
        process=st.sampled_from(PROCESSES),
        inside=st.booleans(),
    )
    def join(self, names: tuple[str, ...], slots: int, process: str, inside: bool) -> None:
        self.number += 1
        new = Ticket(str(self.number), names, slots, process, "", 0.0, inside)
        before = self.copy()
        self.alive.add(new.id)
        self.book.join(new)
        self.checked(before)

    @rule(pick=st.integers(0, 100))
    def leave(self, pick: int) -> None:
        if not self.alive:
            return
        gone = sorted(self.alive)[pick % len(self.alive)]
        before = self.copy()
        self.alive.discard(gone)
        self.book.leave(gone)
        self.book.settle()
        self.checked(before)

    @rule(process=st.sampled_from(PROCESSES))
    def bury(self, process: str) -> None:
        before = self.copy()
        self.book.bury(process)
        self.alive -= {
            each.id
            for each in (*before.held.values(), *before.queue.values())
            if each.process == process
        }
        self.book.settle()
        self.checked(before)

    @rule()
    def read_again(self) -> None:
        self.book = self.copy()

    @invariant()
    def nobody_is_lost_or_twice(self) -> None:
        assert not set(self.book.held) & set(self.book.queue)
        assert set(self.book.held) | set(self.book.queue) == self.alive

    @invariant()
    def the_first_waits_only_for_slots(self) -> None:
        waiting = [each for each in self.book.queue.values() if not each.inside]
        for each in waiting[:1]:
            rules = {name: self.book.rules.get(name) for name in each.names}
            assert any(
                allowed is not None and self.book.used(name) + each.slots > allowed.slots
                for name, allowed in rules.items()
            )

    @invariant()
    def it_is_read_as_it_was_written(self) -> None:
        assert self.copy().value() == self.book.value()


TestBookkeeping = Bookkeeping.TestCase
TestBookkeeping.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)


def test_who_wants_much_is_not_overtaken() -> None:
    """A claim of two slots is served before a later one of one, which would fit sooner."""
    book = Book()
    book.define("a", Rule(2))
    book.join(ticket(1, "a"))
    book.join(ticket(2, "a", slots=2))
    book.join(ticket(3, "a"))
    assert (list(book.held), list(book.queue)) == (["1"], ["2", "3"])
    book.leave("1")
    book.settle()
    assert (list(book.held), list(book.queue)) == (["2"], ["3"])


def test_other_limits_are_not_held_up() -> None:
    """Who waits for one limit does not keep others from another one."""
    book = Book()
    book.define("a", Rule(1))
    book.define("b", Rule(1))
    book.join(ticket(1, "a"))
    book.join(ticket(2, "a"))
    book.join(ticket(3, "b"))
    assert list(book.held) == ["1", "3"]


def test_several_limits_are_all_or_none() -> None:
    """While one of two limits is full, nothing of the other one is taken."""
    book = Book()
    book.define("a", Rule(1))
    book.define("b", Rule(1))
    book.join(ticket(1, "a"))
    book.join(ticket(2, "a", "b"))
    assert (book.used("a"), book.used("b")) == (1, 0)
    book.leave("1")
    book.settle()
    assert (book.used("a"), book.used("b")) == (1, 1)


def test_inside_a_holder_nobody_waits_behind_others() -> None:
    """What runs inside a holder goes first: the holder gives nothing back before."""
    book = Book()
    book.define("a", Rule(1))
    book.define("b", Rule(1))
    book.join(ticket(1, "a"))
    book.join(ticket(2, "a", "b"))
    book.join(ticket(3, "b", inside=True))
    assert list(book.held) == ["1", "3"]
    book.join(ticket(4, "b"))
    book.join(ticket(5, "b", inside=True))
    book.leave("3")
    book.settle()
    assert list(book.held) == ["1", "5"]


def test_what_never_fits_is_told() -> None:
    """More than a limit has, or anything of a limit of 0, is impossible."""
    book = Book()
    book.define("a", Rule(2))
    book.define("none", Rule(0))
    assert book.impossible(("a", "unknown"), 2) is None
    assert book.impossible(("a",), 3) == "a"
    assert book.impossible(("none",), 1) == "none"


@given(
    burst=st.integers(1, 8),
    rate=st.floats(0.5, 200.0),
    calls=st.lists(st.tuples(st.floats(0.0, 0.5), st.integers(1, 3)), min_size=1, max_size=60),
)
def test_a_rate_is_never_exceeded(burst: int, rate: float, calls: list[tuple[float, int]]) -> None:
    """In any second there are at most the burst and what comes back in a second."""
    book, now = Book(), 1000.0
    book.define("r", Rule(burst, rate))
    starts: list[tuple[float, int]] = []
    for gap, slots in calls:
        now += gap
        wanted = min(slots, burst)
        start = book.reserve(("r",), wanted, now)
        assert start >= now
        starts.append((start, wanted))
    for first, _ in starts:
        within = sum(slots for at, slots in starts if first <= at <= first + 1.0)
        assert within <= burst + rate + 1e-6


@given(burst=st.integers(1, 8), rate=st.floats(0.5, 200.0), count=st.integers(1, 50))
def test_a_rate_is_used_to_the_full(burst: int, rate: float, count: int) -> None:
    """Those that come at once go on as soon as the rate allows it, and not later."""
    book = Book()
    book.define("r", Rule(burst, rate))
    starts = [book.reserve(("r",), 1, 0.0) for _ in range(count)]
    for number, start in enumerate(starts, start=1):
        assert abs(start - max(0.0, (number - burst) / rate)) < 1e-6


def test_several_rates_are_taken_from_together() -> None:
    """The slowest rate says when, and all are taken from."""
    book = Book()
    book.define("slow", Rule(1, 1.0))
    book.define("fast", Rule(1, 10.0))
    assert [book.reserve(("slow", "fast"), 1, 0.0) for _ in range(3)] == [0.0, 1.0, 2.0]
    assert book.reserve(("fast",), 1, 0.0) == 2.1


def test_a_clock_that_was_set_back_stops_nobody() -> None:
    """A clock that goes back by an hour does not make everybody wait for an hour."""
    book = Book()
    book.define("r", Rule(1, 1.0))
    book.reserve(("r",), 1, 10_000.0)
    assert book.reserve(("r",), 1, 10_000.0 - 3600) == 10_000.0 - 3600 + 1.0
    book.reserve(("r",), 1, 10_000.0)
    little = CLOCK_SECONDS / 2  # that far the clocks of two machines may be apart
    assert book.reserve(("r",), 1, 10_000.0 - little) >= 10_001.0


def test_a_process_that_died_holds_nothing() -> None:
    """Its slots and its place in the queue go to others."""
    book = Book()
    book.define("a", Rule(1))
    book.processes["p1"] = Process("m", "h", 1, "/f", 0.0)
    book.join(ticket(1, "a"))
    book.join(ticket(2, "a"))
    book.join(Ticket("3", ("a",), 1, "p2", "", 0.0))
    book.bury("p1")
    book.settle()
    assert (list(book.held), book.processes) == (["3"], {})
