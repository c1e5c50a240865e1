"""Answers to what people did: through the URL that Slack gives with a command or a button.

See https://docs.slack.dev/interactivity/handling-user-interaction#message_responses. Such a URL
works 5 times within 30 minutes, and needs no token.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from brickwork import Secret
from brickwork_slack import blockkit
from brickwork_slack.errors import SlackInvalid
from brickwork_slack.posting import Hook, checked_url, post
from brickwork_slack.tasks import slack_task


@slack_task(retried=False)
async def respond(
    response_url: Secret[str] | str,
    text: str = "",
    *,
    blocks: Sequence[blockkit.Block] | None = None,
    attachments: Sequence[Mapping[str, Any]] | None = None,
    to: Literal["ephemeral", "in_channel"] = "ephemeral",
    replace_original: bool = False,
    thread_ts: str | None = None,
) -> None:
    """Answer to a command, a button or another interaction with a message.

    A rate limit is waited out. Not retried: what may have been taken already, since Slack cannot
    recognise it. See
    https://docs.slack.dev/interactivity/handling-user-interaction#message_responses.

    Args:
        response_url: What Slack sent as ``response_url``.
        text: In Slack's markup; with blocks, what notifications say.
        blocks: Blocks, as `brickwork_slack.blockkit` makes them.
        attachments: Secondary content.
        to: ``ephemeral`` for who did it, ``in_channel`` for all in the channel.
        replace_original: Put it in the place of the message that the button is in.
        thread_ts: Answer in this thread.

    Raises:
        SlackInvalid: There is nothing to say, Slack does not take it, or the URL is none.
        SlackNotFound: The URL is too old (``expired_url``).
        SlackConflict: It was used 5 times (``used_url``).
        SlackRateLimited: There is no time to wait.
        SlackUncertain: No answer came: it may have been posted.

    Examples:
        >>> from brickwork_slack import respond
        >>> respond(response_url, "Deployed.", to="in_channel")
    """
    if not text.strip() and not blocks and not attachments:
        error = SlackInvalid("The answer says nothing.", fix="Give a text or blocks.")
        error.error = "no_text"
        raise error
    body: dict[str, Any] = {
        "text": text or (blockkit.fallback(blocks) if blocks else None),
        "blocks": blockkit.checked(blocks) if blocks else None,
        "attachments": list(attachments) if attachments else None,
        "response_type": to,
        "replace_original": replace_original,
        "thread_ts": thread_ts,
    }
    await post(_hook(response_url), body)


@slack_task(retried=False)
async def delete_original(response_url: Secret[str] | str) -> None:
    """Delete the message that the button is in which somebody pressed.

    Not retried: what may have been taken already, since each time counts as a use of the URL. See
    https://docs.slack.dev/interactivity/handling-user-interaction#message_responses.

    Args:
        response_url: What Slack sent as ``response_url``.

    Raises:
        SlackInvalid: The URL is none.
        SlackNotFound: The URL is too old (``expired_url``).
        SlackConflict: It was used 5 times (``used_url``).
        SlackRateLimited: There is no time to wait.
        SlackUncertain: No answer came: it may be deleted.

    Examples:
        >>> from brickwork_slack import delete_original
        >>> delete_original(response_url)
    """
    await post(_hook(response_url), {"delete_original": True})


def _hook(url: Secret[str] | str) -> Hook:
    secret = url if isinstance(url, Secret) else Secret(url)
    try:
        checked_url(secret.reveal())
    except ValueError as why:
        reason = str(why)
    else:
        return Hook(secret, "response URL")
    raise SlackInvalid(
        f"The response URL cannot be used: {reason}.", fix="Give response_url as Slack sent it."
    )
