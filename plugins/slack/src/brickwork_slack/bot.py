"""``slack-channel``: notifications that a bot posts to a channel, in threads, with files.

See https://docs.slack.dev/reference/methods/chat.postMessage.
"""

import hashlib
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from dataclasses import replace
from typing import Any, ClassVar

from pydantic import Field

from brickwork import (
    Attempt,
    Attempts,
    Block,
    BrickworkError,
    CheckReport,
    DeliveryStatus,
    Finding,
    Limits,
    Notification,
    Notifier,
    Overflow,
    Receipt,
    Scope,
    VaultError,
    ledger_of,
)
from brickwork_slack.calls import ask
from brickwork_slack.clients import api_url, describe
from brickwork_slack.credentials import SlackCredentials
from brickwork_slack.errors import SlackDenied, SlackError
from brickwork_slack.files.sources import Upload
from brickwork_slack.files.uploading import upload_files
from brickwork_slack.notifying import (
    Mentions,
    Overflowing,
    RetrySeconds,
    TimeoutSeconds,
    limits,
    message_of,
    one_at_a_time,
)
from brickwork_slack.tasks import driven
from brickwork_slack.webhook import failed

MOST_FILES = 10
MOST_FILE_BYTES = 20 * 1024 * 1024
"""Of all files of a notification together; Slack takes 1 GB, but they are held in memory here."""

THREADS_KEPT_SECONDS = 90 * 24 * 3600.0

_CHECK_SECONDS = 5.0
_GONE = frozenset({"thread_not_found", "message_not_found", "cannot_reply_to_message"})


class SlackChannel(Block, Notifier):
    """Posts notifications to a channel as a bot.

    Notifications with one thread key are a thread: the first begins it, the others are replies.
    Which message began a thread is kept in the vault, for all processes, if the block is saved;
    else in this process. Files are uploaded into the thread of their message. Texts are shown as
    they are, not as Markdown, and mention nobody; ``mentions`` does. What may have been taken (no
    answer, 500) is not sent again.

    The token needs ``chat:write``, and ``files:write`` for files; the bot must be in the channel,
    or have ``chat:write.public``.

    Examples:
        >>> from brickwork import notify
        >>> from brickwork_slack import SlackChannel, SlackCredentials
        >>> bot = SlackCredentials(token="xoxb-2401-8830-Jw8sT2xLq0bNk4Yb6")
        >>> SlackChannel(channel="#data", credentials=bot).save("data")
        Document('slack-channel/data@1')
        >>> (receipt,) = notify("slack-channel/data", title="Load failed", dry_run=True)
        >>> receipt.detail
        'would be sent'
    """

    slug: ClassVar[str] = "slack-channel"

    channel: str = Field(
        min_length=2,
        max_length=100,
        description="The id of a channel or of a user, or the name of a channel with #.",
    )
    credentials: SlackCredentials = Field(description="The bot's token.")
    threads: bool = Field(
        default=True, description="Notifications with one thread key are one thread."
    )
    broadcast: bool = Field(
        default=False, description="Show replies in the channel, too, and not in the thread alone."
    )
    mentions: Mentions = ()
    overflow: Overflowing = Overflow.CUT
    timeout_seconds: TimeoutSeconds = 10.0
    retry_seconds: RetrySeconds = 30.0

    def describe(self) -> str:
        """Return the address; for one that is not saved, the slug and the channel."""
        if self.address is not None:
            return f"{self.address.slug}/{self.address.name}"
        return f"{self.slug}:{self.channel}"

    def limits(self) -> Limits:
        """Take what fits in one message, and ten files of 20 MiB together."""
        return limits(self.overflow, attachments=MOST_FILES, attachment_bytes=MOST_FILE_BYTES)

    def deliver(self, notification: Notification) -> Receipt:
        """Post a message, in the thread of its thread key; see the class."""
        body = message_of(notification, self.mentions)
        key = notification.thread_key if self.threads else None
        sent: dict[str, Any] = {}
        place = f"{api_url(self.credentials)} {describe(self.credentials)} {self.channel}"
        attempts = Attempts(self.describe(), place, self.timeout_seconds, self.retry_seconds)
        with one_at_a_time(f"{place} {key}") if key else nullcontext():
            receipt = attempts.run(lambda _: self._attempt(body, key, sent))
        if receipt.delivered and notification.attachments:
            return self._with_files(notification, sent, receipt)
        return receipt

    def check(self) -> CheckReport:
        """Ask Slack who the token is, and for the channel; post nothing. Never raises."""
        try:
            with Scope("check", seconds=_CHECK_SECONDS):
                return CheckReport((self._who(), self._where(), _NOT_SENT))
        except BrickworkError as error:
            return CheckReport((Finding("failed", "bot", error.what, error.fix), _NOT_SENT))
        except Exception as error:  # noqa: BLE001  # a check never raises
            fix = "Look at the credentials and at the channel."
            return CheckReport((Finding("failed", "bot", type(error).__name__, fix), _NOT_SENT))

    def _who(self) -> Finding:
        found = self._ask("auth.test")
        return Finding("ok", "bot", f"{found.get('user')} in {found.get('team')}")

    def _where(self) -> Finding:
        if self.channel.startswith("#"):
            fix = "Give its id to have it looked at."
            return Finding("skipped", "channel", f"{self.channel} is a name", fix)
        try:
            channel = self._ask("conversations.info", channel=self.channel)["channel"]
        except SlackDenied as error:
            # Who may post need not be allowed to look.
            return Finding("warning", "channel", error.what, error.fix)
        name = f"#{channel.get('name') or self.channel}"
        if channel.get("is_archived"):
            return Finding("failed", "channel", f"{name} is archived", "Unarchive it.")
        if channel.get("is_member") is False:
            fix = "Invite the bot, unless it has chat:write.public."
            return Finding("warning", "channel", f"the bot is not in {name}", fix)
        return Finding("ok", "channel", name)

    def _attempt(self, body: Mapping[str, Any], key: str | None, sent: dict[str, Any]) -> Attempt:
        """Post a message; in a thread, unless that is gone."""
        thread = self._remembered(key)
        try:
            try:
                answer = self._post(body, thread)
            except SlackError as error:
                if thread is None or error.error not in _GONE:
                    raise
                thread = None
                answer = self._post(body, None)
        except SlackError as error:
            return failed(error)
        sent.update(channel=answer["channel"], ts=answer["ts"], thread=thread or answer["ts"])
        if key and thread is None:
            self._remember(key, str(answer["ts"]))
        return Attempt(DeliveryStatus.DELIVERED, message_id=f"{answer['channel']}/{answer['ts']}")

    def _post(self, body: Mapping[str, Any], thread: str | None) -> Any:
        more: dict[str, Any] = {"thread_ts": thread} if thread else {}
        if thread and self.broadcast:
            more["reply_broadcast"] = True
        return self._ask("chat.postMessage", channel=self.channel, **body, **more)

    def _ask(self, method: str, **arguments: Any) -> Any:
        return driven(ask(once(self.credentials, self.timeout_seconds), method, **arguments))

    def _with_files(
        self, notification: Notification, sent: Mapping[str, Any], receipt: Receipt
    ) -> Receipt:
        """Upload the files into the thread of the message."""
        uploads = [
            Upload(each.content, each.name) for each in notification.attachments if each.content
        ]
        empty = [each.name for each in notification.attachments if not each.content]
        told = f"Slack takes no empty file: {', '.join(empty)}" if empty else ""
        channel, thread = str(sent["channel"]), str(sent["thread"])
        waits = {"rate_limit_wait_seconds": self.retry_seconds}
        credentials = _with_options(self.credentials, timeout=self.timeout_seconds, **waits)
        try:
            if uploads:
                upload_files.fn(credentials, uploads, channel, thread_ts=thread)
        except SlackError as error:
            told = f"The message was posted, but its files were not. {error.what} {error.fix}"
            return replace(receipt, status=DeliveryStatus.FAILED, detail=told.rstrip())
        return replace(receipt, detail=told)

    def _remembered(self, key: str | None) -> str | None:
        if key:
            with suppress(VaultError):  # the message matters more
                entry = ledger_of(self).get(self._entry(key))
                if entry is not None:
                    return str(entry["ts"])
        return None

    def _remember(self, key: str, ts: str) -> None:
        with suppress(VaultError), ledger_of(self).transaction() as page:
            page.put(self._entry(key), {"ts": ts}, keep_seconds=THREADS_KEPT_SECONDS)

    def _entry(self, key: str) -> str:
        # A block may be saved again with another channel.
        named = f"{self.channel}\n{key}".encode("utf-8", "surrogatepass")
        return f"thread:{hashlib.sha256(named).hexdigest()[:32]}"


def once(credentials: SlackCredentials, timeout_seconds: float) -> SlackCredentials:
    """Return credentials whose requests are sent once: `Attempts` waits and repeats."""
    return _with_options(
        credentials, timeout=timeout_seconds, retries=0, rate_limit_wait_seconds=0.0
    )


def _with_options(credentials: SlackCredentials, **changes: float) -> SlackCredentials:
    options = credentials.client_options.model_copy(update=changes)
    return credentials.model_copy(update={"client_options": options})


_NOT_SENT = Finding("skipped", "may post", "not tried, since it would reach people")
