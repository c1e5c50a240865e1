"""``teams-webhook``: Adaptive Cards in a channel or chat of Microsoft Teams, through a workflow.

The webhook is the one of a workflow (Power Automate) that begins with "When a Teams webhook request
is received"; what it takes, and how to make one:
https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using.
The limit of the size is the one of posting:
https://learn.microsoft.com/en-us/connectors/teams/#known-issues-and-limitations-with-actions.
"""

import re
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import Field, model_validator

from brickwork.block import Block, CheckReport
from brickwork.builtin.notifiers.attempts import Attempt
from brickwork.builtin.notifiers.http import (
    AllowHttp,
    AllowPrivate,
    CaCertificates,
    Post,
    RetrySeconds,
    TimeoutSeconds,
    checked_url,
    described,
    reached,
    shown,
)
from brickwork.builtin.notifiers.texts import (
    cut,
    host_of_link,
    json_bytes,
    json_object,
    json_size,
    plain,
)
from brickwork.notifier import (
    DeliveryStatus,
    Limits,
    Notification,
    Notifier,
    Overflow,
    Receipt,
    Severity,
)
from brickwork.secret import Secret

if TYPE_CHECKING:
    from brickwork.builtin.outbound.client import Response

# Microsoft says "approximately 28 KB". The workflow takes what is larger, and fails later, unseen;
# posts of 21,000 bytes were seen to fail (https://rubydoc.info/gems/msteams_hermes).
MAX_CARD_BYTES = 20_000
MAX_ACTIONS = 6

_MAX_TITLE = 400
_MAX_FIELDS = 25
_MAX_FIELD_NAME = 200
_MAX_FIELD_VALUE = 1500
_MAX_URL = 2000
_MAX_WORDS = 150
_MAX_TAGS = 100  # characters

# The message without any text: what is around it, around 25 fields, and around 6 buttons.
_OVERHEAD_BYTES = 1_800 + _MAX_FIELDS * 150 + MAX_ACTIONS * 60

_STYLES = {
    Severity.INFO: "accent",
    Severity.SUCCESS: "good",
    Severity.WARNING: "warning",
    Severity.ERROR: "attention",
    Severity.CRITICAL: "attention",
}

# What Markdown could change: signs anywhere, list items, and white space that it leaves out.
_MARKED = re.compile(r"[\\*_`~\[\]<>#|\n\t]|^\s*(?:[-+]|\d+[.)])(?:\s|$)|^\s|\s\s|\s$|^$")
_SPACES = re.compile(r"^ +| {2,}|\t", re.MULTILINE)


class TeamsWebhook(Block, Notifier):
    """Posts notifications as Adaptive Cards to Microsoft Teams, through the webhook of a workflow.

    Delivered means that the workflow took it: Power Automate answers 202 before it posts, and
    whether it posted is in the workflow's run history. It cannot recognise what it has had: what
    may have been taken (no answer, 500, 502, 504) is not sent again. Texts are shown as they are,
    not as Markdown. Attachments are named, not sent.

    Examples:
        >>> from brickwork import TeamsWebhook, notify
        >>> flow = "https://prod-07.westeurope.logic.azure.com/workflows/9c1e/invoke?sig=u2Xk7"
        >>> TeamsWebhook(url=flow, overflow="split").save("data-team")
        Document('teams-webhook/data-team@1')
        >>> (receipt,) = notify("teams-webhook/data-team", title="Load failed", dry_run=True)
        >>> receipt.detail
        'would be sent'
    """

    slug: ClassVar[str] = "teams-webhook"

    url: Secret[str] = Field(
        description='URL of the workflow\'s trigger, "When a Teams webhook request is received"; '
        "the whole of it is a secret."
    )
    overflow: Overflow = Field(
        default=Overflow.CUT, description="What to do with a long body: cut or split it."
    )
    timeout_seconds: TimeoutSeconds = 10.0
    retry_seconds: RetrySeconds = 30.0
    allow_private: AllowPrivate = False
    allow_http: AllowHttp = False
    ca_certificates: CaCertificates = None

    @model_validator(mode="after")
    def _check_fields(self) -> Self:
        checked_url(self.url.reveal(), self)
        return self

    def describe(self) -> str:
        """Return the address; for one that is not saved, the slug and the host of its URL."""
        return described(self, self.url.reveal())

    def limits(self) -> Limits:
        """Take what fits in one card, as bytes of JSON; no attachments."""
        return Limits(
            title=_MAX_TITLE,
            fields=_MAX_FIELDS,
            field_name=_MAX_FIELD_NAME,
            field_value=_MAX_FIELD_VALUE,
            total=MAX_CARD_BYTES - _OVERHEAD_BYTES,
            measure=_size,
            links=MAX_ACTIONS - 1,
            link=_can_link,
            overflow=self.overflow,
        )

    def deliver(self, notification: Notification) -> Receipt:
        """Post a card; the message's id is the one of the workflow's run."""
        post = Post(self.describe(), self.url.reveal(), self, judge=self._judged)
        message = {
            "type": "message",
            "attachments": [
                {
                    "contentType": "application/vnd.microsoft.card.adaptive",
                    "contentUrl": None,
                    "content": card(notification),
                }
            ],
        }
        headers = {"content-type": "application/json; charset=utf-8"}
        return post.send(json_bytes(message), lambda: headers)

    def check(self) -> CheckReport:
        """Connect to Power Automate, with TLS; the workflow itself is not called."""
        return reached(self.url.reveal(), self, "workflow")

    def _judged(self, response: "Response") -> Attempt:
        """Read an answer: 202 and nothing else, or what the workflow's author lets it answer."""
        if "error" in json_object(response.body) or b"returned HTTP error" in response.body:
            return Attempt(
                DeliveryStatus.REFUSED,
                f"HTTP {response.status}, but: {shown(response.body, self.url.reveal())}",
                http_status=response.status,
            )
        return Attempt(
            DeliveryStatus.DELIVERED,
            http_status=response.status,
            message_id=response.headers.get("x-ms-workflow-run-id"),
        )


def card(notification: Notification) -> dict[str, Any]:
    """Return the Adaptive Card of a notification.

    Texts are in RichTextBlocks, which know no Markdown. It could not be escaped in a TextBlock:
    Teams shows the backslashes on Android and iOS
    (https://github.com/MicrosoftDocs/msteams-docs/issues/5793).
    """
    told = [notification.severity.upper(), *sorted(notification.tags)]
    head = [
        _rich(_run(plain(notification.title), size="Large", weight="Bolder")),
        _rich(
            _run(cut(plain(" \u00b7 ".join(told)), _MAX_TAGS), size="Small", isSubtle=True),
            spacing="None",
        ),
    ]
    body: list[dict[str, Any]] = [
        {
            "type": "Container",
            "style": _STYLES[notification.severity],
            "bleed": True,
            "items": head,
        }
    ]
    text = _laid_out(notification.body).strip("\n")
    if text.strip():
        body.append(_rich(_run(text)))
    body += _facts(notification)
    made: dict[str, Any] = {
        "type": "AdaptiveCard",
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "version": "1.2",
        "msteams": {"width": "Full"},
        "body": body,
    }
    links = [("Open", notification.url)] if notification.url else []
    links += notification.links.items()
    if links:
        made["actions"] = [
            {"type": "Action.OpenUrl", "title": plain(words), "url": url} for words, url in links
        ]
    return made


def _facts(notification: Notification) -> list[dict[str, Any]]:
    """Return the fields: a FactSet, if Markdown, which it knows, would leave all of them alone."""
    fields = [(plain(name), plain(value)) for name, value in notification.fields.items()]
    if not fields:
        return []
    if not any(_MARKED.search(text) for pair in fields for text in pair):
        facts = [{"title": name, "value": value} for name, value in fields]
        return [{"type": "FactSet", "facts": facts}]
    rows = []
    for name, value in fields:
        runs = [_run(f"{name}: ", weight="Bolder")]
        runs += [_run(value)] if value else []
        rows.append(_rich(*runs, spacing="Small"))
    return rows


def _rich(*runs: dict[str, Any], **more: str) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": list(runs), **more}


def _run(text: str, **more: object) -> dict[str, Any]:
    return {"type": "TextRun", "text": text, **more}


def _laid_out(text: str) -> str:
    """Return a text whose indents and columns stay, with spaces that are not left out."""
    return _SPACES.sub(lambda found: "\u00a0" * len(found[0].expandtabs(4)), plain(text))


def _size(text: str) -> int:
    return json_size(_laid_out(text))


def _can_link(words: str, url: str) -> bool:
    return len(url) <= _MAX_URL and _size(words) <= _MAX_WORDS and host_of_link(url) is not None
