"""``discord-webhook``: messages in a channel, or posts in a forum, of Discord.

What is sent, and its limits: https://docs.discord.com/developers/resources/webhook#execute-webhook
and https://docs.discord.com/developers/resources/message#embed-object-embed-limits. Discord counts
code points (https://github.com/discord/discord-api-docs/issues/1315).
"""

import re
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self
from urllib.parse import parse_qsl, urlencode, urlsplit

from pydantic import Field, model_validator

from brickwork.block import Block, CheckReport, Finding
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
    fetched,
    shown,
)
from brickwork.builtin.notifiers.multipart import file_name, form_with_files
from brickwork.builtin.notifiers.texts import cut, host_of_link, json_bytes, json_object, plain
from brickwork.errors import VaultError
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

MAX_TITLE = 256
MAX_DESCRIPTION = 4096
MAX_FIELDS = 25
MAX_FIELD_NAME = 256
MAX_FIELD_VALUE = 1024
MAX_EMBED = 6000
MAX_FILES = 10
MAX_FILE_BYTES = 10 * 1024 * 1024  # of one file, in a server without boosts; here of all together
MAX_THREAD_NAME = 100
THREADS_KEPT_SECONDS = 90 * 24 * 3600.0

_MAX_FOOTER = 256
_MAX_URL = 2048
_LONGEST_WAIT_SECONDS = 1e9
_BLANK = "\u200b"  # Discord refuses names and values that are empty

_COLOURS = {
    Severity.INFO: 0x3498DB,
    Severity.SUCCESS: 0x2ECC71,
    Severity.WARNING: 0xF1C40F,
    Severity.ERROR: 0xE74C3C,
    Severity.CRITICAL: 0x992D22,
}

# Web addresses stay as they are: within them a backslash would be a part of the address.
_MARKDOWN = re.compile(
    r"(?P<url>https?://[^\s<>\\`]+)"
    r"|^(?P<number>[ \t]*\d+)\."
    r"|^(?P<indent>[ \t]*)(?P<item>[-+])"
    r"|(?P<emoji>:)(?!\d+:)(?=[\w+-]+:)"
    r"|(?P<sign>[\\*_~`|<>\[\]#])",
    re.MULTILINE,
)

# Without a version in the path Discord speaks an old one, in which waits are milliseconds.
_API = re.compile(r"\A/api/(?:v\d+/)?webhooks/")

Mention = Annotated[str, Field(pattern=r"^(everyone|here|role:\d{1,20}|user:\d{1,20})$")]


class DiscordWebhook(Block, Notifier):
    """Posts notifications as embeds to a channel of Discord.

    Only an answer with the id of the message counts as delivered. Discord cannot recognise what it
    has had: what may have been taken (no answer, 500) is not sent again. Texts are shown as they
    are, not as Markdown, and mention nobody; ``mentions`` does.

    Examples:
        >>> from brickwork import DiscordWebhook, notify
        >>> DiscordWebhook(
        ...     url="https://discord.com/api/webhooks/1307731882/Jw8sT2xLq0bN",
        ...     username="Operations",
        ...     mentions=["here"],
        ... ).save("data-team")
        Document('discord-webhook/data-team@1')
        >>> (receipt,) = notify("discord-webhook/data-team", title="Load failed", dry_run=True)
        >>> receipt.detail
        'would be sent'
    """

    slug: ClassVar[str] = "discord-webhook"

    url: Secret[str] = Field(
        description="The webhook's URL, from the channel's settings; the whole of it is a secret."
    )
    username: str | None = Field(
        default=None, min_length=1, max_length=80, description="Name to post under."
    )
    avatar_url: str | None = Field(default=None, description="Picture to post with.")
    mentions: tuple[Mention, ...] = Field(
        default=(),
        max_length=50,
        description="Whom each message alerts: everyone, here, role:ID or user:ID.",
    )
    thread_id: str | None = Field(
        default=None, pattern=r"^\d{1,20}$", description="Thread of the channel to post in."
    )
    forum: bool = Field(
        default=False,
        description="The channel is a forum: each notification begins a post, and those with the "
        "same thread key share one.",
    )
    overflow: Overflow = Field(
        default=Overflow.CUT, description="What to do with a long body: cut, split or attach it."
    )
    timeout_seconds: TimeoutSeconds = 10.0
    retry_seconds: RetrySeconds = 30.0
    allow_private: AllowPrivate = False
    allow_http: AllowHttp = False
    ca_certificates: CaCertificates = None

    @model_validator(mode="after")
    def _check_fields(self) -> Self:
        checked_url(self.url.reveal(), self)
        if self.username and re.search("clyde|discord", self.username, re.IGNORECASE):
            raise ValueError("Discord allows no username with clyde or discord in it")
        if self.avatar_url is not None and not _can_link("", self.avatar_url):
            raise ValueError("the avatar_url is no http or https address of a public host")
        if self.forum and self.thread_id is not None:
            raise ValueError("give thread_id or forum, not both")
        return self

    def describe(self) -> str:
        """Return the address; for one that is not saved, the slug and the host of its URL."""
        return described(self, self.url.reveal())

    def limits(self) -> Limits:
        """Take what fits in one embed, as Discord counts it, and ten files of 10 MiB together."""
        return Limits(
            title=MAX_TITLE,
            body=MAX_DESCRIPTION,
            fields=MAX_FIELDS,
            field_name=MAX_FIELD_NAME,
            field_value=MAX_FIELD_VALUE,
            total=MAX_EMBED - _MAX_FOOTER - 2 * MAX_FIELDS,
            measure=_size,
            links=0,  # as lines of the body, where Discord makes them links
            link=_can_link,
            attachments=MAX_FILES,
            attachment_bytes=MAX_FILE_BYTES,
            overflow=self.overflow,
        )

    def deliver(self, notification: Notification) -> Receipt:
        """Post a message; in a forum, to the thread that the thread key began."""
        key = notification.thread_key if self.forum else None
        thread = self._remembered(key)
        receipt = self._post(notification, thread)
        if receipt.http_status == 404 and key and thread:
            # The thread was deleted; if it was the webhook, the next one is refused, too.
            again = self._post(notification, None)
            return replace(again, attempts=receipt.attempts + again.attempts)
        return receipt

    def check(self) -> CheckReport:
        """Ask Discord whether it knows the webhook; nothing is posted.

        https://docs.discord.com/developers/resources/webhook#get-webhook-with-token
        """
        url = self._api_url()
        answer = fetched(url, self)
        if isinstance(answer, CheckReport):
            return answer
        webhook = json_object(answer.body)
        name = webhook.get("name")
        if answer.status == 200 and "id" in webhook:
            named = " ".join(plain(str(name)).split())[:80] if name else "without a name"
            return CheckReport((Finding("ok", "webhook", named),))
        said = f"HTTP {answer.status}: {shown(answer.body, url)}"
        fix = (
            "Make a new webhook in the channel's settings, under Integrations, and save its URL."
            if answer.status in (401, 403, 404)
            else "Check the URL, and try again later."
        )
        return CheckReport((Finding("failed", "webhook", said, fix),))

    def _post(self, notification: Notification, thread: str | None) -> Receipt:
        began: list[str] = []

        def judge(response: "Response") -> Attempt:
            message = json_object(response.body)
            if isinstance(message.get("channel_id"), str):
                began.append(str(message["channel_id"]))
            return _judged(response.status, message)

        key = notification.thread_key if self.forum else None
        url = self._posting_url(thread or self.thread_id)
        post = Post(
            self.describe(), url, self, judge=judge, waits=_asked_to_wait, place=self.url.reveal()
        )
        message = self._message(notification)
        if self.forum and thread is None:
            name = plain(key or notification.title).strip() or _BLANK
            message["thread_name"] = cut(" ".join(name.split()), MAX_THREAD_NAME)
        body, media_type = json_bytes(message), "application/json"
        if notification.attachments:
            body, media_type = form_with_files(body, notification.attachments)
        receipt = post.send(body, lambda: {"content-type": media_type})
        if receipt.delivered and key and thread is None and began:
            self._remember(key, began[-1])
        return receipt

    def _message(self, notification: Notification) -> dict[str, Any]:
        message: dict[str, Any] = {
            "embeds": [_embed(notification)],
            "allowed_mentions": {
                "parse": ["everyone"] if {"everyone", "here"} & set(self.mentions) else [],
                "roles": _ids(self.mentions, "role"),
                "users": _ids(self.mentions, "user"),
            },
        }
        if self.mentions:
            # Embeds alert nobody.
            message["content"] = " ".join(map(_mention, dict.fromkeys(self.mentions)))
        if self.username:
            message["username"] = self.username
        if self.avatar_url:
            message["avatar_url"] = self.avatar_url
        if notification.attachments:
            message["attachments"] = [
                {"id": number, "filename": file_name(file)}
                for number, file in enumerate(notification.attachments)
            ]
        return message

    def _api_url(self) -> str:
        parts = urlsplit(self.url.reveal())
        return parts._replace(path=_API.sub("/api/v10/webhooks/", parts.path), query="").geturl()

    def _posting_url(self, thread: str | None) -> str:
        query = dict(parse_qsl(urlsplit(self.url.reveal()).query)) | {"wait": "true"}
        if thread is not None:
            query["thread_id"] = thread
        return f"{self._api_url()}?{urlencode(query)}"

    def _remembered(self, key: str | None) -> str | None:
        if not key:
            return None
        from brickwork.ledger import ledger_of

        with suppress(VaultError):  # the message matters more
            entry = ledger_of(self).get(f"thread:{key}")
            if entry is not None and str(entry.get("id")).isdigit():
                return str(entry["id"])
        return None

    def _remember(self, key: str, thread: str) -> None:
        from brickwork.ledger import ledger_of

        with suppress(VaultError), ledger_of(self).transaction() as page:
            page.put(f"thread:{key}", {"id": thread}, keep_seconds=THREADS_KEPT_SECONDS)


def escaped(text: str) -> str:
    """Return Markdown that Discord shows as the text is."""
    return _MARKDOWN.sub(_escape, plain(text))


def _escape(match: re.Match[str]) -> str:
    if match["url"]:
        return match["url"]
    if match["number"]:
        return f"{match['number']}\\."
    if match["item"]:
        return f"{match['indent']}\\{match['item']}"
    return f"\\{match[0]}"


def _size(text: str) -> int:
    return len(escaped(text))


def _embed(notification: Notification) -> dict[str, Any]:
    footer = " \u00b7 ".join([notification.severity.value, *sorted(notification.tags)])
    embed: dict[str, Any] = {
        "title": escaped(notification.title),
        "color": _COLOURS[notification.severity],
        "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "footer": {"text": cut(plain(footer), _MAX_FOOTER)},
    }
    if notification.body.strip():
        embed["description"] = escaped(notification.body)
    if notification.url:
        embed["url"] = notification.url
    if notification.fields:
        embed["fields"] = [
            {"name": _not_blank(name), "value": _not_blank(value), "inline": len(value) <= 40}
            for name, value in notification.fields.items()
        ]
    return embed


def _not_blank(text: str) -> str:
    return escaped(text) if text.strip() else _BLANK


def _can_link(_words: str, url: str) -> bool:
    """Tell whether Discord takes an address: it refuses a message for a host without a dot.

    See https://github.com/go-gitea/gitea/issues/11124.
    """
    host = host_of_link(url)
    return len(url) <= _MAX_URL and host is not None and _is_public_name(host)


def _is_public_name(host: str) -> bool:
    *labels, last = host.split(".")
    return bool(labels) and all(labels) and (last.isdigit() or (len(last) > 1 and last.isalpha()))


def _ids(mentions: tuple[str, ...], kind: str) -> list[str]:
    """Return the ids of one kind, each once."""
    found = (each.partition(":") for each in dict.fromkeys(mentions))
    return [identity for name, _, identity in found if name == kind]


def _mention(mention: str) -> str:
    kind, _, identity = mention.partition(":")
    return {"role": f"<@&{identity}>", "user": f"<@{identity}>"}.get(kind, f"@{mention}")


def _judged(status: int, message: dict[str, object]) -> Attempt:
    """Read an answer: with ``wait=true`` it is the message."""
    identity = message.get("id")
    if isinstance(identity, str):
        return Attempt(DeliveryStatus.DELIVERED, http_status=status, message_id=identity)
    said = message.get("message")
    return Attempt(
        DeliveryStatus.REFUSED if said else DeliveryStatus.FAILED,
        f"HTTP {status}, but: {said or 'the answer is no message of Discord'}",
        http_status=status,
    )


def _asked_to_wait(response: "Response") -> float | None:
    """Read the seconds from the body, where they are more exact than in the header.

    https://docs.discord.com/developers/topics/rate-limits#exceeding-a-rate-limit
    """
    seconds = json_object(response.body).get("retry_after")
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        return None
    return float(seconds) if 0 <= seconds < _LONGEST_WAIT_SECONDS else None
