"""What users call: slots and rates for a block of code, and the limits themselves."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from brickwork import InvalidArguments, mask
from brickwork_flows.context import run_here
from brickwork_flows.errors import LimitNotFound
from brickwork_flows.limits.book import Book, Rule, Ticket
from brickwork_flows.limits.limiter import limiter_of
from brickwork_flows.limits.slots import Slots
from brickwork_flows.runtime import current_runtime

MAX_NAME = 200


class Holder(NamedTuple):
    """Who holds slots of a limit, or waits for them.

    Attributes:
        run: The run that they are for; empty outside of runs.
        slots: How many.
        since: Since when, in seconds since 1970.
        host: On which machine.
        pid: The number of the process there; 0 where it is not known.
        ticket: What `release_limit` takes.
    """

    run: str
    slots: int
    since: float
    host: str
    pid: int
    ticket: str


class Limit(NamedTuple):
    """A limit, as it is when it is asked for.

    Attributes:
        name: Its name.
        slots: How many at once; of a rate, how many at once after a pause.
        per_second: How many a second; None where slots are held, and given back.
        holders: Who holds slots.
        waiting: Who waits for them, first come first; of each process one claim of each kind.
    """

    name: str
    slots: int
    per_second: float | None = None
    holders: tuple[Holder, ...] = ()
    waiting: tuple[Holder, ...] = ()

    @property
    def used(self) -> int:
        """How many slots are held."""
        return sum(each.slots for each in self.holders)


# For a block of code


def concurrency(
    names: str | Iterable[str],
    occupy: int = 1,
    *,
    timeout_seconds: float | None = None,
    strict: bool = False,
) -> Slots:
    """Hold slots of limits during a ``with`` block, all or none, and wait for them before.

    Among those who wait for the same limit, processes take turns, and within a process who came
    first goes first. What is called inside uses the same slots, one at a time, and takes others
    where these are in use and there are some.

    Args:
        names: The limits; those that there are not limit nothing.
        occupy: How many slots of each.
        timeout_seconds: How long to wait at most; without it, as long as it takes, or as the task
            has time that runs here.
        strict: Whether a name that no limit has is an error.

    Raises:
        LimitTimeout: They were not free in time; says who holds them.
        LimitRefused: More are wanted than there are, or the limit is 0.
        LimitNotFound: There is no such limit, with ``strict``.
        InvalidArguments: One is a rate, which is not held; or ``occupy`` is below 1.
        TaskCancelled: The task or flow that waits here was cancelled.
        TaskTimeout: Its time is up.
    """
    return _slots(names, occupy, timeout_seconds, strict=strict, rate=False)


def aconcurrency(
    names: str | Iterable[str],
    occupy: int = 1,
    *,
    timeout_seconds: float | None = None,
    strict: bool = False,
) -> Slots:
    """`concurrency` for ``async with``: never blocks the event loop."""
    return _slots(names, occupy, timeout_seconds, strict=strict, rate=False)


def rate_limit(
    names: str | Iterable[str],
    occupy: int = 1,
    *,
    timeout_seconds: float | None = None,
    strict: bool = False,
) -> None:
    """Wait until rates allow so many more.

    Args:
        names: The rates: limits that were made with ``per_second``.
        occupy: How many of each.
        timeout_seconds: As for `concurrency`.
        strict: As for `concurrency`.

    Raises:
        InvalidArguments: One is no rate; or ``occupy`` is below 1.
        LimitTimeout: They did not allow it in time.
        LimitRefused: More are wanted than the rate allows at once, or the limit is 0.
        LimitNotFound: There is no such rate, with ``strict``.
        TaskCancelled: The task or flow that waits here was cancelled.
        TaskTimeout: Its time is up.
    """
    with _slots(names, occupy, timeout_seconds, strict=strict, rate=True):
        return


async def arate_limit(
    names: str | Iterable[str],
    occupy: int = 1,
    *,
    timeout_seconds: float | None = None,
    strict: bool = False,
) -> None:
    """`rate_limit` without blocking the event loop."""
    async with _slots(names, occupy, timeout_seconds, strict=strict, rate=True):
        return


def _slots(
    names: str | Iterable[str],
    occupy: int,
    timeout: float | None,
    *,
    strict: bool,
    rate: bool,
) -> Slots:
    if occupy < 1:
        raise InvalidArguments(f"{occupy} slots are nothing to wait for.", fix="Give 1 or more.")
    runtime = current_runtime()
    wanted = [names] if isinstance(names, str) else list(names)
    rules = runtime.limits(fresh=strict)
    unknown = [name for name in wanted if name not in rules]
    if unknown and strict:
        raise _not_found(unknown[0])
    known = [name for name in wanted if name in rules]
    for name in known:
        if (rules[name][1] is not None) is not rate:
            raise InvalidArguments(
                f"The limit {name!r} is {'no' if rate else 'a'} rate.",
                fix="rate_limit is for those made with per_second, concurrency for the others.",
            )
    here = run_here()
    run = "" if here is None else here.id
    held, rates = ((), known) if rate else (known, ())
    return Slots(limiter_of(runtime), held, rates, occupy, run=run, timeout=timeout)


# The limits themselves


def set_limit(name: str, slots: int, *, per_second: float | None = None) -> Limit:
    """Make a limit, or change one: who holds more slots than it allows now keeps them.

    Args:
        name: Any text for `concurrency` and `rate_limit`; ``tag:T`` for runs of tasks and flows
            that have the tag ``T``; ``flow:F`` for runs of the flow ``F``.
        slots: How many at once; 0 refuses all. Of a rate, how many at once after a pause.
        per_second: Makes it a rate: so many slots come back each second, and none are given back.

    Raises:
        InvalidArguments: The name or a number cannot be used.
        HistoryError: The history cannot be read or written.
    """
    if not name or len(name) > MAX_NAME or not name.isprintable() or mask(name) != name:
        raise InvalidArguments(
            f"That cannot be the name of a limit: {mask(name)[:MAX_NAME]!r}.",
            fix=f"Give 1 to {MAX_NAME} printable characters, without secrets.",
        )
    if slots < 0 or (per_second is not None and not 0 < per_second < float("inf")):
        raise InvalidArguments(
            f"The limit {name!r} can have neither fewer than 0 slots nor a rate of 0 or less.",
            fix="To refuse everything, give it 0 slots.",
        )
    rule = Rule(slots, None if per_second is None else float(per_second))
    _change(lambda book: book.define(name, rule))
    return Limit(name, *rule)


def list_limits() -> list[Limit]:
    """Return all limits, by name, with those who hold slots; processes that died hold none.

    Raises:
        HistoryError: The history cannot be read or written.
    """
    book = limiter_of(current_runtime()).change(deaths=True)
    return [_limit(book, name) for name in sorted(book.rules)]


def remove_limit(name: str) -> None:
    """Remove a limit; who waits for it goes on.

    Raises:
        LimitNotFound: There is none of that name.
        HistoryError: The history cannot be read or written.
    """

    def remove(book: Book) -> None:
        if name not in book.rules:
            raise _not_found(name)
        book.undefine(name)

    _change(remove)


def release_limit(name: str, *, run: str | None = None, ticket: str | None = None) -> list[Holder]:
    """Take slots from those who hold them, though these go on: for what is stuck.

    What was killed needs no such thing: its slots are free soon after.

    Args:
        name: The limit.
        run: Only those of that run.
        ticket: Only that one of `Limit.holders`.

    Returns:
        Who held them.

    Raises:
        LimitNotFound: There is none of that name.
        HistoryError: The history cannot be read or written.
    """
    released: list[Holder] = []

    def release(book: Book) -> None:
        released.clear()  # it may be called again
        if name not in book.rules:
            raise _not_found(name)
        for each in list(book.held.values()):
            wanted = (run is None or each.run == run) and ticket in (None, each.id)
            if name in each.names and wanted:
                released.append(_holder(book, each))
                book.leave(each.id)

    _change(release)
    return released


def _change(function: Callable[[Book], None]) -> None:
    runtime = current_runtime()
    limiter_of(runtime).change(function)
    runtime.limits(fresh=True)


def _limit(book: Book, name: str) -> Limit:
    return Limit(
        name,
        *book.rules[name],
        tuple(_holder(book, each) for each in book.held.values() if name in each.names),
        tuple(_holder(book, each) for each in book.queue.values() if name in each.names),
    )


def _holder(book: Book, ticket: Ticket) -> Holder:
    process = book.processes.get(ticket.process)
    host, pid = ("", 0) if process is None else (process.host, process.pid)
    return Holder(ticket.run, ticket.slots, ticket.since, host, pid, ticket.id)


def _not_found(name: str) -> LimitNotFound:
    return LimitNotFound(
        f"There is no limit {name!r}.",
        fix=f"Make it: brickwork limit set {name} 1; or look: brickwork limit ls.",
    )
