"""A workflow of Power Automate that posts to Microsoft Teams."""

import re
from collections.abc import Iterator

from brickwork.testing.services.base import Answer, Files, Json, Service, length, unknown

_URL = re.compile(r"https?://[\w.-]+(?::\d+)?(?:[/?#]\S*)?", re.ASCII)


class Workflow(Service):
    """A workflow of Power Automate that posts the cards that its webhook receives.

    https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using
    """

    query = "?api-version=1&sig=aSignature-of-a-workflow"
    max_bytes = 28 * 1024
    path = "/workflows/4f7d2c9b0a/triggers/manual/paths/invoke"

    def taken(self, message: Json, query: dict[str, str]) -> Answer:  # noqa: ARG002  # interface
        """Say nothing but that it was accepted."""
        return 202, {"x-ms-workflow-run-id": f"0858{len(self.accepted)}CU"}, None

    def refusal(self, faults: list[str]) -> Answer:
        """Return what Power Automate says of what does not fit the trigger's schema."""
        return 400, {}, {"error": {"code": "TriggerInputSchemaMismatch", "message": faults[0]}}

    def faults(self, message: Json, files: Files, query: dict[str, str]) -> Iterator[str]:
        """Say what could not be posted."""
        if message.get("type") != "message" or files or "sig" not in query:
            yield "no message"
            return
        for attachment in message["attachments"]:
            if attachment.get("contentType") != "application/vnd.microsoft.card.adaptive":
                yield "an attachment that is no card"
            yield from card_faults(attachment["content"])


_CARD = {"type", "$schema", "version", "msteams", "body", "actions"}
_ELEMENTS = {
    "Container": {"items", "style", "bleed", "spacing", "separator"},
    "RichTextBlock": {"inlines", "spacing", "separator", "horizontalAlignment"},
    "FactSet": {"facts", "spacing", "separator"},
}
_TEXT_RUN = {"type", "text", "size", "weight", "color", "isSubtle", "fontType", "italic"}
_ONE_OF = {
    "style": {"default", "emphasis", "good", "attention", "warning", "accent"},
    "spacing": {"Default", "None", "Small", "Medium", "Large", "ExtraLarge", "Padding"},
    "size": {"Default", "Small", "Medium", "Large", "ExtraLarge"},
    "weight": {"Default", "Lighter", "Bolder"},
}


def card_faults(card: Json) -> Iterator[str]:
    """Say what an Adaptive Card has that version 1.2, or Teams, does not know.

    https://adaptivecards.io/explorer/ and, for six actions,
    https://github.com/microsoft/AdaptiveCards/blob/main/samples/HostConfig/microsoft-teams-light.json
    """
    yield from unknown(card, _CARD, "the card")
    if card.get("type") != "AdaptiveCard" or card.get("version") != "1.2":
        yield "no AdaptiveCard of version 1.2"
    if card.get("msteams", {}) not in ({}, {"width": "Full"}):
        yield "msteams"
    if not card.get("body"):
        yield "an empty card"
    for element in card.get("body", []):
        yield from _element_faults(element)
    actions = card.get("actions", [])
    if len(actions) > 6:
        yield "too many actions"
    for action in actions:
        yield from unknown(action, {"type", "title", "url"}, "an action")
        if action.get("type") != "Action.OpenUrl" or not _URL.fullmatch(action.get("url", "")):
            yield f"the action {action}"
        yield from length("an action's title", action.get("title"), 1, 1000)


def _element_faults(element: Json) -> Iterator[str]:
    kind = element.get("type", "")
    yield from unknown(element, _ELEMENTS.get(kind, set()) | {"type"}, f"the element {kind!r}")
    yield from _choice_faults(element)
    for inner in element.get("items", []):
        yield from _element_faults(inner)
    if kind == "RichTextBlock" and not element.get("inlines"):
        yield "a RichTextBlock without text"
    for run in element.get("inlines", []):
        yield from unknown(run, _TEXT_RUN, "a TextRun")
        yield from _choice_faults(run)
        yield from length("a TextRun's text", run.get("text"), 1, 28 * 1024)
    for fact in element.get("facts", []):
        yield from unknown(fact, {"title", "value"}, "a fact")
        for name in ("title", "value"):
            yield from length(f"a fact's {name}", fact.get(name), 1, 28 * 1024)


def _choice_faults(element: Json) -> Iterator[str]:
    for name, values in _ONE_OF.items():
        if name in element and element[name] not in values:
            yield f"{name}: {element[name]}"
