"""The time source of tasks; tests swap it (`brickwork.testing.task.no_waiting`)."""

import time
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    import threading

# Longer waits overflow in the system's calls; about 292 years.
_LONGEST = 9e9


class Clock:
    """Real time: seconds that only ever grow, and waits that can be cut short."""

    def now(self) -> float:
        """Return the seconds of a clock that is never set back."""
        return time.monotonic()

    def wait(self, seconds: float, over: "threading.Event") -> None:
        """Wait, at most until ``over`` is set."""
        over.wait(min(seconds, _LONGEST))

    async def wait_async(self, seconds: float, over: "asyncio.Event") -> None:
        """Wait in the same way without blocking the event loop."""
        import asyncio

        with suppress(TimeoutError):  # the usual end: nobody cut it short
            async with asyncio.timeout(min(seconds, _LONGEST)):
                await over.wait()


clock = Clock()
