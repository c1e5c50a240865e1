"""``emit_event``: a program says that something has happened."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from brickwork import mask
from brickwork_flows.context import run_here
from brickwork_flows.errors import InvalidEvent
from brickwork_flows.eventing.recorded import ID, PREFIX, RecordedEvent, of_emitted
from brickwork_flows.history.events import Emitted
from brickwork_flows.runtime import current_runtime

MAX_NAME = 200
MAX_BYTES = 64 * 1024
"""Of an event's resource, related resources and payload together, as JSON."""

Labels = Mapping[str, str]


def emit_event(
    event: str,
    resource: Labels | str | None = None,
    *,
    occurred: datetime | None = None,
    related: Sequence[Labels] = (),
    payload: Mapping[str, Any] | None = None,
    id: UUID | str | None = None,  # noqa: A002  # Prefect's name
    follows: RecordedEvent | None = None,
) -> RecordedEvent:
    """Record that something has happened; in a run, as part of that.

    It is recorded when this returns, and a kill of the process does not lose it. Known secrets are
    hidden. It waits for nothing, so it has no async twin.

    Args:
        event: What has happened, such as ``acme.report.published``; names that begin with
            ``brickwork.`` are the engine's.
        resource: What it happened to: an id, or labels.
        occurred: When. Default: now. A time without a zone is local.
        related: Labels of other things that have to do with it.
        payload: What else there is to say: what JSON can hold, by names.
        id: Its own id: an event that is there already is not recorded again, such as by a task
            that runs once more. Default: a new one.
        follows: The event that it follows.

    Raises:
        InvalidEvent: The name is none or is the engine's, or the rest is no JSON, or is too large.
        HistoryError: It cannot be recorded.
    """
    context = run_here()
    labels = {ID: resource} if isinstance(resource, str) else dict(resource or {})
    data: dict[str, Any] = {"resource": labels, "payload": dict(payload or {})}
    if related:
        data["related"] = [dict(each) for each in related]
    if follows is not None:
        data["follows"] = follows.id
    said = Emitted(
        str(id or uuid4()),
        _name(event),
        (occurred or datetime.now().astimezone()).timestamp(),
        "" if context is None else context.id,
        _plain(event, data),
    )
    write = current_runtime().recorder.write if context is None else context.flow.write
    write(said)
    return of_emitted(said)


def _name(event: str) -> str:
    if not event or not event.isprintable() or len(event) > MAX_NAME:
        raise InvalidEvent(
            f"The name of an event is one line of printable text, of 1 to {MAX_NAME} characters.",
            fix="Give a name such as acme.report.published.",
        )
    if event.startswith(PREFIX):
        raise InvalidEvent(
            f"The event {mask(event)!r} cannot be emitted: names that begin with {PREFIX!r} are "
            "the engine's.",
            fix="Let it begin with a name of your own.",
        )
    return mask(event)


def _plain(event: str, data: Any) -> Any:
    """Return data as JSON gives it back, with secrets hidden."""
    try:
        text = json.dumps(data, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        # The class alone where the text may carry a value.
        why = str(error) if isinstance(error, TypeError) else "a number or depth that JSON has not"
        raise InvalidEvent(
            f"The event {mask(event)!r} has something that is no JSON: {mask(why)}.",
            fix="Give texts, numbers, true and false, lists, and mappings with texts as keys.",
        ) from None
    if len(text) > MAX_BYTES:
        raise InvalidEvent(
            f"The event {mask(event)!r} has {len(text)} bytes of data; {MAX_BYTES} is the most.",
            fix="Store what is larger, and give its address.",
        )
    return _masked(json.loads(text))


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, list):
        return [_masked(each) for each in value]
    if isinstance(value, dict):
        return {mask(key): _masked(each) for key, each in value.items()}
    return value
