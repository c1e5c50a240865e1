"""Messages one by one, each acknowledged when its work is done."""

from collections.abc import Iterator
from contextlib import suppress
from contextvars import Context
from threading import Event, Thread
from typing import TYPE_CHECKING, Self

from brickwork import BrickworkError, check_cancelled
from brickwork_aws.batches import BATCH
from brickwork_aws.sqs.messages import Queue, SqsMessage

if TYPE_CHECKING:
    from brickwork_aws.credentials import AwsCredentials


class sqs_consume:  # noqa: N801  # is used like a function, in a with statement
    """Receive messages one after the other, and acknowledge each when its turn is over.

    ::

        with sqs_consume(credentials, "orders") as messages:
            for message in messages:
                handle(message.json())

    A message is deleted when the next one is asked for, or the loop ends. One whose work raises
    comes back to the queue at once, with those that were received with it. While the work takes
    its time, the message stays hidden from others. The task that runs is cancelled between two
    messages.

    Args:
        credentials: Whose.
        queue: The queue's URL, or its name.
        visibility_seconds: How long a message stays hidden should this process be killed; it is
            renewed at half that time, as long as the work goes on.
        wait_seconds: How long to wait for the next message before the loop ends; None: for ever.

    Raises:
        AwsNotFound: There is no such queue.
        AwsError: SQS refuses.
    """

    def __init__(
        self,
        credentials: "AwsCredentials",
        queue: str,
        *,
        visibility_seconds: int = 60,
        wait_seconds: float | None = 0,
    ) -> None:
        self._queue = Queue(credentials, queue)
        self._visibility = visibility_seconds
        self._wait = wait_seconds
        self._held: list[SqsMessage] = []  # the first is worked at
        self._over = Event()
        self._keeper = Thread(target=self._keep, name="brickwork-sqs", daemon=True)

    def __enter__(self) -> Self:
        self._keeper.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        self._over.set()
        self._keeper.join()
        held, self._held = self._held, []
        if not held:
            return
        # In a context of its own: a task that was cancelled gives them back all the same.
        context = Context()
        if kind is None:  # the loop was left by break: that one is done
            context.run(self._queue.delete, [held.pop(0).receipt_handle])
        with suppress(BrickworkError):  # they come back by themselves, a little later
            context.run(self._queue.show_again, [each.receipt_handle for each in held], 0)

    def __iter__(self) -> Iterator[SqsMessage]:
        while self._fill():
            yield self._held[0]
            done = self._held[0]
            self._queue.delete([done.receipt_handle])
            self._held.pop(0)
            check_cancelled()

    def _fill(self) -> bool:
        """Receive some if none are held; return whether there are any."""
        if not self._held:
            self._held = self._queue.receive(
                BATCH, wait_seconds=self._wait, visibility_seconds=self._visibility
            )
        return bool(self._held)

    def _keep(self) -> None:
        """Hide what is held for longer, until all is over."""
        while not self._over.wait(self._visibility / 2):
            handles = [each.receipt_handle for each in tuple(self._held)]
            with suppress(BrickworkError):  # it may be deleted just now
                self._queue.show_again(handles, self._visibility)
