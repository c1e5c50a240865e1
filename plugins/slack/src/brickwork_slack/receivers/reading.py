"""Makes typed requests of what Slack sends, by HTTP or Socket Mode."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from brickwork_slack.errors import SlackRequestRefused
from brickwork_slack.receivers.events import EVENTS, SlackEvent
from brickwork_slack.receivers.interactions import (
    INTERACTIONS,
    SlackInteraction,
    SlashCommand,
    chosen,
)
from brickwork_slack.receivers.request import SlackRequest, without_capabilities

_JSON = "application/json"
_FORM = "application/x-www-form-urlencoded"


def media_type(content_type: str | None) -> str:
    """Return the kind of a body: JSON for events, a form for all else.

    Raises:
        SlackRequestRefused: It is neither.
    """
    kind = (content_type or "").partition(";")[0].strip().lower()
    if kind not in (_JSON, _FORM):
        raise SlackRequestRefused(f"The request is neither {_JSON} nor {_FORM}.", status=415)
    return kind


def read_body(body: bytes, content_type: str | None) -> dict[str, Any]:
    """Return what stands in a body, which is verified: an event, an interaction or a command.

    Raises:
        SlackRequestRefused: It is not what Slack sends.
    """
    if media_type(content_type) == _JSON:
        return _object(body)
    fields = _form(body)
    return _object(fields["payload"]) if "payload" in fields else dict(fields)


def _object(text: bytes | str) -> dict[str, Any]:
    import json

    try:
        value = json.loads(text)
    except (ValueError, RecursionError):  # UnicodeDecodeError is a ValueError
        # Not the cause: it quotes the body.
        raise SlackRequestRefused("The body is not JSON.", status=400) from None
    if not isinstance(value, dict):
        raise SlackRequestRefused("The body is no JSON object.", status=400)
    return value


def _form(body: bytes) -> dict[str, str]:
    from urllib.parse import parse_qsl

    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            max_num_fields=50,
            errors="strict",
        )
    except ValueError:
        raise SlackRequestRefused("The body is not a form.", status=400) from None
    fields = dict(pairs)
    if len(fields) != len(pairs) or not fields:
        raise SlackRequestRefused("The form has a field twice, or none.", status=400)
    return fields


def read_request(
    payload: Mapping[str, Any], *, retry: int = 0, retry_reason: str = ""
) -> SlackRequest:
    """Make what Slack sent a typed request.

    Args:
        payload: The event with what is around it, the interaction, or the command's fields.
        retry: How often Slack tried before.
        retry_reason: Why it sends it again.

    Returns:
        An event of the class in `EVENTS`, an interaction of the class in `INTERACTIONS`, or a
        `SlashCommand`; a `SlackEvent` or a `SlackInteraction` for what has no class.

    Raises:
        SlackRequestRefused: It is none of these.
    """
    given = {
        **payload,
        "payload": without_capabilities(payload),
        "brickwork_retry": retry,
        "brickwork_retry_reason": retry_reason,
    }
    cls = _class_of(payload)
    if issubclass(cls, SlackInteraction):
        _prepare(given)
    try:
        return cls.model_validate(given)
    except ValidationError as error:
        # Not the error itself: it could quote the payload.
        found = sorted({".".join(map(str, each["loc"])) for each in error.errors()})
        raise SlackRequestRefused(
            f"The {cls.__name__} is not what Slack sends: {', '.join(found)}.", status=400
        ) from None


def _class_of(payload: Mapping[str, Any]) -> type[SlackRequest]:
    if isinstance(payload.get("command"), str):
        return SlashCommand
    kind = payload.get("type")
    if kind == "event_callback":
        event = payload.get("event")
        name = event.get("type") if isinstance(event, Mapping) else None
        if not isinstance(name, str):
            raise SlackRequestRefused("The event has no type.", status=400)
        return EVENTS.get(name, SlackEvent)
    if kind == "app_rate_limited":
        return SlackEvent
    if not isinstance(kind, str):
        raise SlackRequestRefused("What was sent has no type.", status=400)
    return INTERACTIONS.get(kind, SlackInteraction)


def _prepare(given: dict[str, Any]) -> None:
    """Bring what Slack nests or says in many ways to where the models read it."""
    view = given.get("view")
    if isinstance(view, Mapping):
        state = view.get("state")
        values = state.get("values", {}) if isinstance(state, Mapping) else {}
        given["view"] = {**view, "state_values": values}
    actions = given.get("actions")
    if isinstance(actions, list):
        given["actions"] = [
            {**each, "value": chosen(each)} for each in actions if isinstance(each, Mapping)
        ]
    urls = given.get("response_urls")
    if isinstance(urls, list):
        given["response_url_texts"] = [
            each.get("response_url") for each in urls if isinstance(each, Mapping)
        ]
