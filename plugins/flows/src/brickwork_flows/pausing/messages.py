"""Typed input for runs that go on meanwhile: sent from anywhere, received in order, once each."""

import time
from threading import Event
from typing import Any, Generic, NamedTuple, TypeVar, overload
from uuid import uuid4

from brickwork import check_cancelled
from brickwork_flows.context import current_run
from brickwork_flows.errors import EntryConflict, NotPausable, NotResumable
from brickwork_flows.futures import block
from brickwork_flows.history.interface import Entry
from brickwork_flows.pausing.inputs import Wanted, packed, unpacked
from brickwork_flows.runtime import current_runtime

T = TypeVar("T")
R = TypeVar("R")

SENT = "messages"
"""The collection of what was sent: in order, with who took it."""

_LAST = "messages-last"  # near the number of the last one
POLL_SECONDS = 0.25
TIMEOUT_SECONDS = 3600.0
"""Prefect's."""


class Message(NamedTuple, Generic[R]):
    """What was sent, and by whom.

    Attributes:
        value: What was sent.
        sender: The id of the run that sent it; empty for a program that is none.
        at: When, in seconds since 1970.
    """

    value: R
    sender: str
    at: float


def send_input(run_input: Any, flow_run_id: str, *, key_prefix: str | None = None) -> None:
    """Send something to the run of a flow, which takes it by `receive_input`.

    It is in the history when this returns, and waits there; also a run that was killed has it when
    it is resumed.

    Args:
        run_input: Plain values, models, dataclasses, dates. One with a secret is kept encrypted.
        flow_run_id: The run of a flow, also of one that another flow called.
        key_prefix: The queue; a receiver of another one does not see it.

    Raises:
        RunNotFound: There is no such run.
        NotResumable: It has completed, so that nobody would take it.
        InvalidInput: The value has no form in JSON.
        VaultError: It holds a secret, and the vault in use has no key to seal it with.
    """
    from brickwork_flows.states import StateType

    runtime = current_runtime()
    runtime.flush()
    record = runtime.history.run(flow_run_id)
    if record.kind != "flow" or record.state.type is StateType.COMPLETED:
        raise NotResumable(
            f"The run {flow_run_id} takes no input: it is "
            + ("a task's." if record.kind != "flow" else "completed."),
            fix="Send it to the run of a flow that goes on.",
        )
    sender = current_run.get()
    message = {
        "input": packed(run_input),
        "sender": "" if sender is None else sender.flow.id,
        "at": time.time(),
        "taken": None,
    }
    queue = _queue(flow_run_id, key_prefix)
    hint = runtime.history.entry(_LAST, queue)
    number = 0 if hint is None else hint.value
    while True:
        number += 1
        try:
            runtime.history.put(
                SENT, f"{queue}{number:012d}", message, expected=0, run=record.flow_run
            )
            break
        except EntryConflict:  # somebody else's
            continue
    runtime.history.put(_LAST, queue, number, run=record.flow_run)


async def asend_input(run_input: Any, flow_run_id: str, *, key_prefix: str | None = None) -> None:
    """`send_input` without blocking the event loop."""
    import asyncio

    await asyncio.to_thread(send_input, run_input, flow_run_id, key_prefix=key_prefix)


def _queue(run_id: str, key_prefix: str | None) -> str:
    name = key_prefix or ""
    return f"{run_id}|{len(name)}|{name}|"  # no queue's keys begin as those of another one


class Receiver(Generic[R]):
    """Takes what is sent to a run, one after the other; made by `receive_input`."""

    def __init__(
        self,
        wanted: Wanted,
        flow_run_id: str,
        timeout: float | None,
        key_prefix: str | None,
        *,
        raises: bool,
        whole: bool,
    ) -> None:
        self._history = current_runtime().history
        self._wanted = wanted
        self._queue = _queue(flow_run_id, key_prefix)
        self._root = flow_run_id.partition(".")[0]
        self._timeout = timeout
        self._raises = raises
        self._whole = whole
        self._after = ""

    def next(self) -> R:
        """Take the next one; wait for it if there is none.

        Raises:
            TimeoutError: None came in time.
            InvalidInput: It does not fit the type; it is taken all the same.
            TaskCancelled: The run was cancelled.
        """
        taker, until = self._taker(), self._until()
        while (entry := self._take(taker)) is None:
            event = Event()
            block(event.wait, event.set, self._left(until))
            check_cancelled()
        return self._value(entry)

    async def anext(self) -> R:
        """`next` without blocking the event loop."""
        import asyncio

        taker, until = self._taker(), self._until()
        while (entry := await asyncio.to_thread(self._take, taker)) is None:
            await asyncio.sleep(self._left(until))
        return self._value(entry)

    def __iter__(self) -> "Receiver[R]":
        return self

    def __next__(self) -> R:
        try:
            return self.next()
        except TimeoutError:
            if self._raises:
                raise
            raise StopIteration from None

    def __aiter__(self) -> "Receiver[R]":
        return self

    async def __anext__(self) -> R:
        try:
            return await self.anext()
        except TimeoutError:
            if self._raises:
                raise
            raise StopAsyncIteration from None

    def _until(self) -> float | None:
        return None if self._timeout is None else time.monotonic() + self._timeout

    def _left(self, until: float | None) -> float:
        left = POLL_SECONDS if until is None else until - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"nothing was sent within {self._timeout:g} s")
        return min(POLL_SECONDS, left)

    def _taker(self) -> tuple[str, bool]:
        """Return which call takes the next one, and whether it may have been made before."""
        context = current_run.get()
        if context is None:
            return uuid4().hex, False
        call = context.next_key(f"\0receive {self._queue}").replace("\0", "")
        flow = context.flow
        again = flow.top.claimed or flow.again or context.attempt > 1 or bool(flow.retried)
        return f"{context.id}: {call}", again

    def _take(self, taker: tuple[str, bool]) -> Entry | None:
        by, again = taker
        if again and (taken := self._taken_before(by)) is not None:
            return taken
        while page := self._history.entries(SENT, prefix=self._queue, after=self._after, limit=100):
            for entry in page:
                self._after = entry.key
                if entry.value["taken"] is not None:
                    continue
                try:
                    return self._history.put(
                        SENT,
                        entry.key,
                        {**entry.value, "taken": by},
                        expected=entry.version,
                        run=self._root,
                    )
                except EntryConflict:  # another receiver was faster
                    continue
        return None

    def _taken_before(self, by: str) -> Entry | None:
        after = ""
        while page := self._history.entries(SENT, prefix=self._queue, after=after):
            for entry in page:
                if entry.value["taken"] == by:
                    return entry
            after = page[-1].key
        return None

    def _value(self, entry: Entry) -> R:
        value: Any = self._wanted.read(unpacked(entry.value["input"]))
        if self._whole:
            value = Message(value, entry.value["sender"], entry.value["at"])
        return value  # type: ignore[no-any-return]  # as it was wanted


@overload
def receive_input(
    input_type: type[T],
    timeout: float | None = ...,
    *,
    raise_timeout_error: bool = ...,
    key_prefix: str | None = ...,
    flow_run_id: str | None = ...,
) -> Receiver[T]: ...
@overload
def receive_input(
    input_type: Any,
    timeout: float | None = ...,
    *,
    raise_timeout_error: bool = ...,
    key_prefix: str | None = ...,
    flow_run_id: str | None = ...,
    with_metadata: bool = ...,
) -> Receiver[Any]: ...
def receive_input(
    input_type: Any,
    timeout: float | None = TIMEOUT_SECONDS,
    *,
    raise_timeout_error: bool = False,
    key_prefix: str | None = None,
    flow_run_id: str | None = None,
    with_metadata: bool = False,
) -> Receiver[Any]:
    """Take what is sent to a run by `send_input`, in the order in which it was sent.

    Iterate over it, in a ``for`` or an ``async for``, or take one by ``next()`` or
    ``await anext()``. Each is taken by one receiver alone, and once: a body that runs again, since
    it is retried or the run is resumed, is given what it took before.

    Args:
        input_type: Any type that pydantic knows.
        timeout: Seconds to wait for the next one, after which the iteration ends; None: for ever.
        raise_timeout_error: Whether the iteration raises TimeoutError instead.
        key_prefix: The queue, as it was sent to.
        flow_run_id: The run; by default the flow that runs here.
        with_metadata: Whether to give a `Message`, with the sender.

    Raises:
        NotPausable: No flow runs here, and no run is named.
        InvalidInput: The type is none that can be sent.
    """
    context = current_run.get()
    if flow_run_id is None and context is None:
        raise NotPausable(
            "Nothing can be received here: no flow runs.", fix="Name a run by flow_run_id."
        )
    run_id = flow_run_id or (context.flow.id if context is not None else "")
    return Receiver(
        Wanted(input_type),
        run_id,
        timeout,
        key_prefix,
        raises=raise_timeout_error,
        whole=with_metadata,
    )
