"""Who comes first is served first: the order of notifications within a thread."""

from collections import deque
from collections.abc import Hashable, Iterable
from threading import Event, Lock

Key = tuple[Hashable, ...]


class Turn:
    """A place in several queues, taken in all of them at once."""

    def __init__(self, turns: "Turns", keys: Iterable[Key]) -> None:
        self._turns = turns
        self._events = {key: Event() for key in keys}

    def wait(self, key: Key) -> bool:
        """Wait until whoever took a place in this queue before has left it.

        Returns False when the task or scope around is cancelled meanwhile.
        """
        from brickwork.tasks import Scope, cancelled

        event = self._events[key]
        with Scope().waking(event.set):
            event.wait()
        return not cancelled()

    def leave(self, key: Key) -> None:
        """Leave a queue; nothing happens if that was done before."""
        event = self._events.pop(key, None)
        if event is not None:
            self._turns.left(key, event)

    def leave_all(self) -> None:
        """Leave every queue."""
        for key in tuple(self._events):
            self.leave(key)

    def items(self) -> Iterable[tuple[Key, Event]]:
        """Return the queues and this place's event in each."""
        return self._events.items()


class Turns:
    """Queues by key, each there only while somebody stands in it.

    Places are taken in all queues under one lock, so that two who stand in the same queues stand in
    the same order in each, and nobody waits in a circle.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._queues: dict[Key, deque[Event]] = {}

    def take(self, keys: Iterable[Key]) -> Turn:
        """Take a place at the end of each queue."""
        turn = Turn(self, keys)
        with self._lock:
            for key, event in turn.items():
                queue = self._queues.setdefault(key, deque())
                queue.append(event)
                if len(queue) == 1:
                    event.set()
        return turn

    def left(self, key: Key, event: Event) -> None:
        """Take a place out of its queue, and let the next one go on."""
        with self._lock:
            queue = self._queues[key]
            queue.remove(event)
            if queue:
                queue[0].set()
            else:
                del self._queues[key]

    def __len__(self) -> int:
        return len(self._queues)
