"""A pool of threads that never stands still because its tasks wait for each other."""

import threading
import time
from collections import deque
from collections.abc import Callable

from brickwork_flows.futures import this_thread

PATIENCE_SECONDS = 0.001
LONGEST_PATIENCE_SECONDS = 0.008
BRISK = 4
"""So many jobs taken in a millisecond are fast enough: another thread would only be in the way of
those that work, since one at a time runs Python."""

LOOK_EVERY = 64
"""After so many jobs, a thread looks whether it is in the way."""
SHORT_SECONDS = 0.0004
FULL = (0.8, 1.3)
"""Jobs that take less of the processor, and together use it as much as one thread of Python can,
are done sooner by fewer threads."""


class Pool:
    """Threads that do jobs in the order in which they come.

    A job that waits for another one leaves its place, so that the other can be done, by one more
    thread if need be. So waits end, however few places there are.

    Args:
        most: How many jobs at once, those that wait for others not counted.
        name: What the names of the threads begin with.
    """

    def __init__(self, most: int, name: str) -> None:
        self._most = most
        self._name = name
        self._jobs: deque[Callable[[], None]] = deque()
        self._lock = threading.Lock()
        self._idle = threading.Condition(self._lock)  # threads without work
        self._later = threading.Condition(self._lock)  # one that looks whether it is needed
        self._back = threading.Condition(self._lock)  # those that waited, and go on
        self._idling = 0
        self._working = 0
        self._returning = 0
        self._taken = 0
        self._looked = (0, 0.0, 0.0)  # at what was taken, the time, and the processor's time
        self._too_many = False
        self._patience = PATIENCE_SECONDS
        self._last = 0.0  # when a job was taken
        self._called = False  # a thread was woken or started, and has not looked yet
        self._reserve = False  # a thread looks whether it is needed
        self._closed = False
        self._threads: list[threading.Thread] = []

    def put(self, job: Callable[[], None]) -> None:
        """Have a job done, soon."""
        with self._lock:
            self._jobs.append(job)
            self._call()

    def leave(self) -> None:
        """Leave one's place: the job of this thread waits for something."""
        with self._lock:
            self._working -= 1
            if self._returning:
                self._back.notify()
            else:
                self._call()

    def come_back(self) -> None:
        """Take a place again; those that come back go before those that begin."""
        with self._lock:
            self._returning += 1
            try:
                while self._working >= self._most and not self._closed:
                    self._back.wait()
            finally:
                self._returning -= 1
                self._working += 1

    def close(self, seconds: float) -> None:
        """End the threads; what does not end in that time is left behind."""
        with self._lock:
            self._closed = True
            self._idle.notify_all()
            self._later.notify_all()
            self._back.notify_all()
            threads = [each for each in self._threads if each is not threading.current_thread()]
        end = time.monotonic() + seconds
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))

    def _call(self) -> None:
        """Wake or start a thread, if there is work for one more."""
        if self._called or self._reserve or not self._jobs or self._working >= self._most:
            return
        self._called = True
        if self._idling:
            self._idle.notify()
            return
        name = f"{self._name}-{len(self._threads)}"
        # Daemons: a task that nothing interrupts must not keep the program from its end.
        thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _work(self) -> None:
        this_thread.slots = self
        worked = False
        while (job := self._next(worked)) is not None:
            job()
            del job  # with everything that it holds
            worked = True

    def _next(self, worked: bool) -> Callable[[], None] | None:
        """Return the next job, when there is one and a place; None when there is no more."""
        with self._lock:
            if worked:
                self._working -= 1
                if self._returning:
                    self._back.notify()
                worked = not self._in_the_way()
            else:
                self._called = False
            while True:
                free = self._working + self._returning < self._most
                if self._jobs and free and not self._reserve and not worked:
                    worked = self._needed()
                    continue
                if self._jobs and free and worked:
                    return self._take()
                if self._closed and not self._jobs:
                    return None
                self._idling += 1
                self._idle.wait()
                self._idling -= 1
                self._called = False
                worked = False

    def _take(self) -> Callable[[], None]:
        job = self._jobs.popleft()
        self._working += 1
        self._taken += 1
        self._last = time.monotonic()
        self._call()
        return job

    def _needed(self) -> bool:
        """Tell whether those that work do not come to the next job soon; may wait for that."""
        if not self._working or time.monotonic() - self._last > PATIENCE_SECONDS or self._closed:
            return True
        taken, patience = self._taken, self._patience
        self._reserve = True
        self._later.wait(patience)
        self._reserve = False
        needed = self._taken - taken < BRISK * patience / PATIENCE_SECONDS
        self._patience = PATIENCE_SECONDS if needed else min(2 * patience, LONGEST_PATIENCE_SECONDS)
        return needed

    def _in_the_way(self) -> bool:
        """Tell whether the others would do the jobs sooner without this thread."""
        taken, at, used = self._looked
        if self._taken - taken >= LOOK_EVERY:
            now = self._looked = (self._taken, time.monotonic(), time.process_time())
            seconds, of_processor = now[1] - at, now[2] - used
            short = of_processor < SHORT_SECONDS * (now[0] - taken)
            self._too_many = short and FULL[0] < of_processor / seconds < FULL[1]
        if not self._working:
            self._too_many = False  # the last one goes on
        return self._too_many
