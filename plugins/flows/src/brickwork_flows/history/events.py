"""What is recorded of runs: small facts, in the order in which they happened.

A fact is written to the journal before whoever caused it goes on, and folded into the history soon
after. Folding the same facts twice changes nothing, so that a journal whose process died is simply
folded once more. They are tuples, since one is made for every step of every task.
"""

import json
from binascii import a2b_base64, b2a_base64
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from brickwork_flows.states import State, StateType


class RunKind(StrEnum):
    """What a run is a run of."""

    FLOW = "flow"
    TASK = "task"


class RunStarted(NamedTuple):
    """A run came to be.

    Attributes:
        id: Its id; that of a task's run begins with that of its flow's.
        kind: ``flow`` or ``task``.
        name: The flow's or the task's name.
        run_name: The name of this very run.
        parent: The id of the run that called it; None for a flow that a program called.
        key: Which of its parent's calls it is: the name and a number, ``load-2``.
        flow_run: The id of the run of the outermost flow that it belongs to; its own for that.
        tags: Its tags.
        inputs: A fingerprint of its arguments, to compare with when it is replayed.
        details: What only flows have: version, entry point, parameters.
    """

    id: str
    kind: str
    name: str
    run_name: str
    parent: str | None
    key: str
    flow_run: str
    tags: tuple[str, ...] = ()
    inputs: str = ""
    details: Mapping[str, Any] = {}


class StateSet(NamedTuple):
    """A run went into a state.

    Attributes:
        run: The id of the run.
        number: 1 for the run's first state, then one more each time.
        type: The type of the state.
        name: Its name.
        message: Why.
        at: When, in seconds since 1970.
        attempt: Which attempt of the run it belongs to, from 1; 0 before the first.
    """

    run: str
    number: int
    type: str
    name: str
    message: str
    at: float
    attempt: int = 0

    @property
    def state(self) -> State:
        """The state."""
        return State(StateType(self.type), self.name, self.message, self.at)


class ResultKept(NamedTuple):
    """What a run returned was kept.

    Attributes:
        run: The id of the run.
        chain: The serializer chain, as ``open_serializer`` takes it.
        data: The bytes, for a small result.
        url: The storage that a larger one is in, as ``open_storage`` takes it.
        storage_key: Its key there.
    """

    run: str
    chain: str
    data: bytes | None = None
    url: str | None = None
    storage_key: str | None = None


class Logged(NamedTuple):
    """A run logged a line, or printed one.

    Attributes:
        run: The id of the run.
        number: Which line of its flow's run it is.
        at: When, in seconds since 1970.
        level: As in ``logging``.
        logger: The logger's name; ``print`` for what was printed.
        message: The line, with secrets hidden.
    """

    run: str
    number: int
    at: float
    level: int
    logger: str
    message: str


class Emitted(NamedTuple):
    """A program said that something has happened.

    Attributes:
        id: The event's own id; what is there already is not recorded again.
        name: What has happened.
        at: When, in seconds since 1970.
        run: The id of the run in which it was said; empty outside of any.
        data: What JSON can hold: ``resource``, ``related``, ``payload``, ``follows``.
    """

    id: str
    name: str
    at: float
    run: str
    data: Mapping[str, Any]


Event = RunStarted | StateSet | ResultKept | Logged | Emitted

_KINDS: dict[str, type[Any]] = {
    "run": RunStarted,
    "state": StateSet,
    "result": ResultKept,
    "log": Logged,
    "event": Emitted,
}
_CODES = {kind: code for code, kind in _KINDS.items()}
_quoted = json.encoder.encode_basestring_ascii
_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


def encoded(events: Sequence[Event]) -> bytes:
    """Return events as one line of ASCII: JSON, without the newline.

    Raises:
        TypeError: An event has something that JSON has not.
    """
    return f"[{','.join([_line_of(event) for event in events])}]".encode("ascii")


def _line_of(event: Event) -> str:
    if type(event) is StateSet and event.at - event.at == 0:
        # Three of four events; written out, since json takes twice as long (but for infinity).
        run, number, kind, name, message, at, attempt = event
        return (
            f'["state",[{_quoted(run)},{number},{_quoted(kind)},{_quoted(name)},{_quoted(message)},'
            f"{at!r},{attempt}]]"
        )
    if type(event) is ResultKept:
        return _encode(("result", (*event[:2], _text_of(event.data), *event[3:])))
    return _encode((_CODES[type(event)], event))


def decoded(line: bytes) -> list[Event]:
    """Return the events of a line. Raises ValueError or TypeError where it has none."""
    return [_event(code, values) for code, values in json.loads(line)]


def _event(code: str, values: list[Any]) -> Event:
    kind = _KINDS.get(code)
    if kind is None:
        raise ValueError(f"no event is called {code!r}")
    if kind is RunStarted:
        values[7] = tuple(values[7])
    elif kind is ResultKept:
        values[2] = _data_of(values[2])
    event: Event = kind._make(values)
    return event


def _text_of(data: bytes | None) -> str | None:
    """Return bytes as text: themselves if they are some, with a mark in front."""
    if data is None:
        return None
    try:
        return "t" + data.decode("utf-8")
    except UnicodeDecodeError:
        return "b" + b2a_base64(data, newline=False).decode("ascii")


def _data_of(text: str | None) -> bytes | None:
    if text is None:
        return None
    return text[1:].encode("utf-8") if text[:1] == "t" else a2b_base64(text[1:], strict_mode=True)
