"""The Events API of PagerDuty."""

import re
from collections.abc import Iterator

from brickwork.testing.services.base import Answer, Files, Json, Service, is_time, length, unknown

_URL = re.compile(r"https?://[\w.-]+(?::\d+)?(?:[/?#]\S*)?", re.ASCII)


class PagerDutyEvents(Service):
    """The Events API v2 of PagerDuty.

    https://developer.pagerduty.com/docs/send-alert-event

    Attributes:
        alerts: By deduplication key, what became of the alert.
    """

    max_bytes = 512 * 1024
    path = "/v2/enqueue"

    def __init__(self) -> None:
        super().__init__()
        self.alerts: dict[str, str] = {}

    def taken(self, message: Json, query: dict[str, str]) -> Answer:  # noqa: ARG002  # interface
        """Trigger, acknowledge or resolve."""
        key = message.get("dedup_key") or f"generated-{len(self.accepted)}"
        if message["event_action"] == "trigger" or self.alerts.get(key, "resolved") != "resolved":
            self.alerts[key] = {
                "trigger": "triggered",
                "acknowledge": "acknowledged",
                "resolve": "resolved",
            }[message["event_action"]]
        answer = {"status": "success", "message": "Event processed", "dedup_key": key}
        return 202, {}, answer

    def refusal(self, faults: list[str]) -> Answer:
        """Return what the Events API says of an event that it refuses."""
        answer = {"status": "invalid event", "message": "Event object is invalid", "errors": faults}
        return 400, {}, answer

    def faults(self, message: Json, files: Files, query: dict[str, str]) -> Iterator[str]:  # noqa: ARG002  # interface
        """Say what the Events API would refuse."""
        if files:
            yield "no event"
        known = {"routing_key", "event_action", "dedup_key", "payload", "links", "images"}
        yield from unknown(message, known | {"client", "client_url"}, "the event")
        yield from length("routing_key", message.get("routing_key", ""), 32, 32)
        action = message.get("event_action")
        if action not in ("trigger", "acknowledge", "resolve"):
            yield f"the action {action}"
        needed = 0 if action == "trigger" else 1
        yield from length("dedup_key", message.get("dedup_key", ""), needed, 255)
        if action == "trigger":
            yield from _payload_faults(message.get("payload") or {})
        for link in message.get("links", []):
            yield from unknown(link, {"href", "text"}, "a link")
            if not _URL.fullmatch(link.get("href", "")):
                yield f"the link {link}"


def _payload_faults(payload: Json) -> Iterator[str]:
    known = {"summary", "severity", "source", "timestamp", "component", "group", "class"}
    yield from unknown(payload, known | {"custom_details"}, "the payload")
    yield from length("summary", payload.get("summary"), 1, 1024)
    for name in ("source", "component", "group", "class"):
        yield from length(name, payload.get(name, "" if name == "source" else "x"), 1, 1024)
    if payload.get("severity") not in ("critical", "error", "warning", "info"):
        yield f"the severity {payload.get('severity')}"
    if "timestamp" in payload and not is_time(payload["timestamp"]):
        yield "the timestamp"
    if not isinstance(payload.get("custom_details", {}), dict):
        yield "custom_details"
