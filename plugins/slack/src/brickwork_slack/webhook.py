"""``slack-webhook``: an incoming webhook of Slack, as a notifier and for a task.

See https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

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
    Secret,
)
from brickwork_slack import blockkit
from brickwork_slack.errors import (
    SlackConflict,
    SlackDenied,
    SlackError,
    SlackInvalid,
    SlackNotFound,
    SlackRateLimited,
    SlackUnavailable,
)
from brickwork_slack.notifying import (
    Mentions,
    Overflowing,
    RetrySeconds,
    TimeoutSeconds,
    limits,
    message_of,
)
from brickwork_slack.posting import Hook, checked_url, post, post_once
from brickwork_slack.tasks import driven, slack_task

_CHECK_SECONDS = 5.0


class SlackWebhook(Block, Notifier):
    """An incoming webhook: posts notifications, and messages of any kind, to one channel.

    Delivered means that Slack said ``ok``; anything else is an error, with Slack's word for it.
    Slack cannot recognise what it has had: what may have been taken (no answer, 500) is not sent
    again. Texts of notifications are shown as they are, not as Markdown, and mention nobody;
    ``mentions`` does. Attachments are named, not sent. A webhook does not say which message it
    posted, so that notifications are no threads: those of `SlackChannel` are.

    Examples:
        >>> from brickwork import notify
        >>> from brickwork_slack import SlackWebhook
        >>> SlackWebhook(
        ...     url="https://hooks.slack.com/services/T024BE7LD/B024BE7LF/Jw8sT2xLq0bNk4Yb6",
        ...     mentions=["here"],
        ... ).save("ops")
        Document('slack-webhook/ops@1')
        >>> (receipt,) = notify("slack-webhook/ops", title="Load failed", dry_run=True)
        >>> receipt.detail
        'would be sent'
    """

    slug: ClassVar[str] = "slack-webhook"

    url: Secret[str] = Field(
        description="The webhook's URL, from the app's settings; the whole of it is a secret."
    )
    mentions: Mentions = ()
    overflow: Overflowing = Overflow.CUT
    timeout_seconds: TimeoutSeconds = 10.0
    retry_seconds: RetrySeconds = 30.0
    ca_bundle: str | None = Field(
        default=None, description="File with the authorities to trust, in PEM."
    )

    @model_validator(mode="after")
    def _check_fields(self) -> Self:
        checked_url(self.url.reveal())
        return self

    def describe(self) -> str:
        """Return the address; for one that is not saved, the slug and the host of its URL."""
        if self.address is not None:
            return f"{self.address.slug}/{self.address.name}"
        return f"{self.slug}:{urlsplit(self.url.reveal()).hostname}"

    def limits(self) -> Limits:
        """Take what fits in one message; no attachments."""
        return limits(self.overflow)

    def deliver(self, notification: Notification) -> Receipt:
        """Post a message; see the class for when it is sent again."""
        body = message_of(notification, self.mentions)

        def attempt(seconds: float) -> Attempt:
            try:
                driven(post_once(self._hook(seconds), body))
            except SlackError as error:
                return failed(error)
            return Attempt(DeliveryStatus.DELIVERED, http_status=200)

        place = self.url.reveal()
        attempts = Attempts(self.describe(), place, self.timeout_seconds, self.retry_seconds)
        return attempts.run(attempt)

    def check(self) -> CheckReport:
        """Ask Slack whether it knows the webhook: an empty message is refused, and not posted.

        Never raises.
        """
        try:
            driven(post_once(self._hook(min(self.timeout_seconds, _CHECK_SECONDS)), {"text": ""}))
        except SlackInvalid as error:
            # Slack looks for the webhook first, and then at what it is to post.
            return CheckReport((Finding("ok", "webhook", f"known, it says {error.error}"),))
        except BrickworkError as error:
            return CheckReport((Finding("failed", "webhook", error.what, error.fix),))
        except Exception as error:  # noqa: BLE001  # a check never raises
            fix = "Check the URL."
            return CheckReport((Finding("failed", "webhook", type(error).__name__, fix),))
        return CheckReport((Finding("warning", "webhook", "it took an empty message"),))

    def _hook(self, seconds: float | None = None) -> Hook:
        timeout = self.timeout_seconds if seconds is None else seconds
        return Hook(self.url, self.describe(), timeout, self.ca_bundle)


def failed(error: SlackError) -> Attempt:
    """Return what an error means for a notification, and whether it may be sent again."""
    limited = error if isinstance(error, SlackRateLimited) else None
    refused = isinstance(error, SlackInvalid | SlackNotFound | SlackDenied | SlackConflict)
    return Attempt(
        DeliveryStatus.REFUSED if refused else DeliveryStatus.FAILED,
        f"{error.what} {error.fix}".rstrip(),
        http_status=error.status or None,
        again=limited is not None or isinstance(error, SlackUnavailable),
        retry_after=limited.retry_after_seconds if limited else None,
    )


@slack_task("incoming-webhook", retried=False)
async def send_webhook(
    webhook: SlackWebhook,
    text: str = "",
    *,
    blocks: Sequence[blockkit.Block] | None = None,
    attachments: Sequence[Mapping[str, Any]] | None = None,
    unfurl_links: bool | None = None,
    unfurl_media: bool | None = None,
    thread_ts: str | None = None,
) -> None:
    """Post a message through an incoming webhook.

    A rate limit is waited out, and a connection that did not come about tried again. Not retried:
    what may have been taken already, since Slack cannot recognise it. See
    https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks.

    Args:
        webhook: Where to.
        text: In Slack's markup; with blocks, what notifications say.
        blocks: Blocks, as `brickwork_slack.blockkit` makes them.
        attachments: Attachments.
        unfurl_links: Whether links to pages are shown with a part of them.
        unfurl_media: Whether links to pictures and films are.
        thread_ts: The message of the webhook's channel to reply to.

    Raises:
        SlackInvalid: There is nothing to post, or Slack does not take it.
        SlackNotFound: The webhook is gone (``no_service``).
        SlackConflict: The channel is archived (``channel_is_archived``).
        SlackDenied: It may not post there.
        SlackRateLimited: There is no time to wait.
        SlackUncertain: No answer came: it may have been posted.

    Examples:
        >>> from brickwork_slack import send_webhook
        >>> from brickwork_slack.blockkit import fields, header, message
        >>> send_webhook(webhook, "*Release 4.2* is out")
        >>> report = message(header("Nightly load"), fields({"Files": 12}))
        >>> send_webhook(webhook, report.text, blocks=report.blocks)
    """
    if not text.strip() and not blocks and not attachments:
        error = SlackInvalid("The message says nothing.", fix="Give a text or blocks.")
        error.error = "no_text"
        raise error
    body: dict[str, Any] = {
        "text": text or (blockkit.fallback(blocks) if blocks else None),
        "blocks": blockkit.checked(blocks) if blocks else None,
        "attachments": list(attachments) if attachments else None,
        "unfurl_links": unfurl_links,
        "unfurl_media": unfurl_media,
        "thread_ts": thread_ts,
    }
    await post(webhook._hook(), body)  # noqa: SLF001  # of this module
