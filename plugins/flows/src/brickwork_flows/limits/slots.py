"""Slots as a context manager: waited for, held, and given back."""

import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from contextvars import Token
from functools import partial
from threading import Event, Lock, get_ident
from typing import Any, Self

from brickwork import Scope, check_cancelled, remaining
from brickwork_flows.errors import EndlessWait, LimitTimeout
from brickwork_flows.futures import block, place_left
from brickwork_flows.limits.limiter import Limiter, held_here

_SHOWN = 5


class Slots:
    """Slots of limits: taken when the block begins, given back when it ends.

    The same with ``async with``, which never blocks the event loop.

    Args:
        limiter: Who gives them out.
        names: The limits whose slots are held.
        rates: The rates that are taken from.
        slots: How many of each.
        run: The run that they are for; empty outside of runs.
        timeout: Seconds to wait at most.
    """

    __slots__ = ("_claim", "_end", "_left", "_limiter", "_timeout", "_token", "_unwatch")

    def __init__(
        self,
        limiter: Limiter,
        names: Iterable[str],
        rates: Iterable[str],
        slots: int = 1,
        *,
        run: str = "",
        timeout: float | None = None,
    ) -> None:
        self._limiter = limiter
        self._claim = limiter.claim(names, rates, slots, run)
        self._timeout = timeout
        self._end = None if timeout is None else time.monotonic() + timeout
        self._left = False
        self._token: Token[Any] | None = None
        self._unwatch: Callable[[], object] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """What is limited."""
        return (*self._claim.names, *self._claim.rates)

    def __enter__(self) -> Self:
        if not self._claim.done and not self.taken():
            self.wait()
        self._hold()
        return self

    def __exit__(self, *error: object) -> None:
        self._let_go(now=True)

    async def __aenter__(self) -> Self:
        if not self._claim.done:
            await self.wait_async()
        self._hold()
        return self

    async def __aexit__(self, *error: object) -> None:
        self._let_go(now=False)

    # Steps

    def taken(self) -> bool:
        """Take them if that can be done at once, else begin to wait; tell whether they are held.

        Raises:
            LimitRefused: More are wanted than there are.
            HistoryError: The history cannot be read or written.
        """
        check_cancelled()
        try:
            self._limiter.enter(self._claim)
        except BaseException:
            self.give_up()
            raise
        if self._claim.done:
            self._check()
        return self._claim.done

    def wait(self) -> None:
        """Wait for them, after `taken` has returned False.

        Raises:
            LimitTimeout: They were not free in time.
            LimitRefused: More are wanted than there are.
            EndlessWait: They are for coroutines of the event loop that this would stop.
            TaskCancelled: What runs here was cancelled.
            TaskTimeout: Its time is up.
        """
        over = Event()
        try:
            self._check_loop()
            self._claim.when_woken(over.set)
            if not self._claim.done:
                with Scope("wait for a slot").waking(over.set):
                    # The place in a pool of threads is for others meanwhile.
                    block(over.wait, over.set, self._seconds())
        except BaseException:
            self.give_up()
            raise
        self._check()

    async def wait_async(self, on_wait: Callable[[], None] | None = None) -> None:
        """Take them, and wait for that without blocking the event loop; raises as `wait` does.

        Args:
            on_wait: Called when they are not free at once.
        """
        import asyncio

        loop, woken = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            with suppress(RuntimeError):  # the loop is closed: nothing waits there any more
                loop.call_soon_threadsafe(woken.set)

        check_cancelled()
        claim, scope = self._claim, Scope("wait for a slot")
        claim.loop = get_ident()
        limits = [each for each in (self._seconds(), remaining()) if each is not None]
        try:
            claim.when_woken(wake)
            self._limiter.enter(claim, now=False)
            with scope.waking(wake), place_left(), suppress(TimeoutError):
                async with asyncio.timeout(min(limits, default=None)):
                    while not claim.done and not scope.cancelled():
                        if claim.looked and on_wait is not None:
                            on_wait()
                            on_wait = None
                        await woken.wait()
                        woken.clear()
        except BaseException:
            self.give_up()
            raise
        self._check()

    def park(self) -> Callable[[Callable[[], None]], None]:
        """Return what waits without a thread, instead of `wait`.

        That takes a function, which is called once, when `finish` should be.
        """
        scope = Scope("wait for a slot")
        limits = [each for each in (self._seconds(), remaining()) if each is not None]

        def begin(wake: Callable[[], None]) -> None:
            once = _Once(wake)
            watching = scope.waking(once)
            watching.__enter__()
            self._unwatch = partial(watching.__exit__, None, None, None)
            if limits:
                self._limiter.wake_at(self._claim, time.monotonic() + min(limits))
            self._claim.when_woken(once)
            if self._claim.done:
                once()
            once.arm()

        return begin

    def finish(self) -> None:
        """Find them held, or raise as `wait` does."""
        if self._unwatch is not None:
            self._unwatch()
        self._check()

    def _check_loop(self) -> None:
        asyncio = sys.modules.get("asyncio")
        if asyncio is None or asyncio._get_running_loop() is None:  # noqa: SLF001  # None without one
            return
        if self._limiter.stops(get_ident(), self._claim.wanted):
            raise EndlessWait(
                f"Waiting here for a slot of {', '.join(self._claim.wanted)} would stop the event "
                "loop of those who have it, or are to have it first.",
                fix="Write: await task.aio(...), or: async with aconcurrency(...)",
            )

    def give_up(self) -> None:
        """Give back what is held, and wait no more."""
        self._let_go(now=False)

    def _seconds(self) -> float | None:
        return None if self._end is None else max(0.0, self._end - time.monotonic())

    def _check(self) -> None:
        """Find them held, or give everything back and say why they are not."""
        try:
            check_cancelled()
            if self._claim.error is not None:
                raise self._claim.error
            if not self._claim.done:
                raise self._late()
        except BaseException:
            self.give_up()
            raise

    def _hold(self) -> None:
        if self._claim.names:
            self._token = held_here.set((*held_here.get(), (self._limiter, self._claim)))

    def _let_go(self, *, now: bool) -> None:
        if self._left:
            return
        token, self._token = self._token, None
        if token is not None:
            held_here.reset(token)
        self._limiter.leave(self._claim, now=now)
        self._left = True

    def _late(self) -> LimitTimeout:
        book, names = self._limiter.seen, self.names
        holders = [each for each in book.held.values() if not set(names).isdisjoint(each.names)]
        held = "".join(
            f"\n  {', '.join(each.names)}: {each.run or 'no run'}, process {_process(book, each)}"
            for each in holders[:_SHOWN]
        )
        more = f"\n  and {len(holders) - _SHOWN} more" if len(holders) > _SHOWN else ""
        who = f" They are held by:{held}{more}" if holders else ""
        return LimitTimeout(
            f"No {self._claim.slots} slot(s) of {', '.join(names)} came free within "
            f"{self._timeout or 0.0:g} s.{who}",
            fix=f"Wait longer, or look: brickwork limit show {names[0]}.",
        )


class _Once:
    """Calls a function once, however often it is called; not before it was armed."""

    def __init__(self, function: Callable[[], None]) -> None:
        self._function = function
        self._lock = Lock()
        self._armed = self._called = False

    def __call__(self) -> None:
        with self._lock:
            first, self._called = not self._called, True
            armed = self._armed
        if first and armed:
            self._function()

    def arm(self) -> None:
        with self._lock:
            self._armed = True
            called = self._called
        if called:
            self._function()


def _process(book: Any, ticket: Any) -> str:
    process = book.processes.get(ticket.process)
    return "?" if process is None else f"{process.pid} of {process.host}"
