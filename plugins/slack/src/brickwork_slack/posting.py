"""THE one door for what is posted to a URL that is a secret: incoming webhooks, response URLs.

Through slack_sdk's webhook clients. Slack answers ``ok``, or an HTTP status with a code in words.
See https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks#handling_errors.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote, urlsplit

from brickwork import Secret, mask, progress, remaining, sleep, sleep_async
from brickwork_slack.errors import (
    SlackConflict,
    SlackDenied,
    SlackError,
    SlackInvalid,
    SlackNotFound,
    SlackRateLimited,
    SlackUnavailable,
    SlackUncertain,
)
from brickwork_slack.hiding import Unshown
from brickwork_slack.limits import seconds_asked
from brickwork_slack.network import is_permanent, never_sent, unreachable
from brickwork_slack.tasks import is_blocking

if TYPE_CHECKING:
    from ssl import SSLContext

_MOST_SHOWN = 200
_TRIES = 3
_PAUSES = (0.5, 2.0)
_LONGEST_WAIT = 3600.0

_NEW_URL = "Make a new webhook in the app's settings, under Incoming Webhooks, and save its URL."
_BLOCKS = "Look at the blocks and the attachments; brickwork_slack.blockkit.checked() says more."
_FIXES: dict[str, tuple[type[SlackError], str]] = {
    "action_prohibited": (SlackDenied, "Ask an administrator of the workspace to allow it."),
    "channel_is_archived": (SlackConflict, "Unarchive the channel, or take another webhook."),
    "channel_not_found": (SlackNotFound, _NEW_URL),
    "expired_url": (SlackNotFound, "A response URL works 30 minutes; post a message instead."),
    "invalid_attachments": (SlackInvalid, _BLOCKS),
    "invalid_blocks": (SlackInvalid, _BLOCKS),
    "invalid_payload": (SlackInvalid, _BLOCKS),
    "invalid_token": (SlackDenied, _NEW_URL),
    "no_active_hooks": (SlackNotFound, "The webhook is turned off: turn it on, or make a new one."),
    "no_service": (SlackNotFound, _NEW_URL),
    "no_service_id": (SlackNotFound, _NEW_URL),
    "no_team": (SlackNotFound, _NEW_URL),
    "no_text": (SlackInvalid, "Give a text or blocks."),
    "posting_to_general_channel_denied": (
        SlackDenied,
        "Only some may post to the general channel: take another one, or ask an administrator.",
    ),
    "team_disabled": (SlackDenied, "The workspace is disabled."),
    "team_not_found": (SlackNotFound, _NEW_URL),
    "too_many_attachments": (SlackInvalid, "Give 100 attachments at most."),
    "used_url": (SlackConflict, "A response URL works 5 times; post a message instead."),
    "user_not_found": (SlackNotFound, "Give the id of a user of this workspace."),
}
_BY_STATUS: dict[int, tuple[type[SlackError], str]] = {
    400: (SlackInvalid, _BLOCKS),
    403: (SlackDenied, "Ask an administrator of the workspace."),
    404: (SlackNotFound, _NEW_URL),
    410: (SlackConflict, _NEW_URL),
}


class Hook(NamedTuple):
    """Where to post.

    Attributes:
        url: The URL.
        name: What to call it in a message.
        timeout: Seconds for a connection, and for an answer.
        ca_bundle: File with the authorities to trust, in PEM; None: those of the system.
    """

    url: Secret[str]
    name: str
    timeout: float = 10.0
    ca_bundle: str | None = None


def checked_url(url: str) -> None:
    """Raise ValueError, for validators of fields, if Slack could not be at a URL.

    http is allowed on loopback, for tests.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host = ""
    if not host or not url.isascii() or any(letter.isspace() for letter in url):
        raise ValueError("the URL is none")
    if parts.scheme == "http" and host not in ("127.0.0.1", "localhost", "::1"):
        raise ValueError("the URL has no https://")
    if parts.scheme not in ("http", "https"):
        raise ValueError("the URL has no https://")


async def post(hook: Hook, body: Mapping[str, Any]) -> None:
    """Post JSON; a rate limit is waited out within the task's time, up to an hour.

    It is sent again only where surely nothing was taken: Slack cannot tell a double.

    Args:
        hook: Where to.
        body: What; None is left out.

    Raises:
        SlackRateLimited: There is no time to wait.
        SlackUncertain: It was sent, and no answer came.
        SlackError: It was not taken, and why.
    """
    tries = 0
    while True:
        tries += 1
        try:
            return await post_once(hook, body)
        except SlackRateLimited as limit:
            seconds, left = limit.retry_after_seconds, remaining()
            if seconds > _LONGEST_WAIT or (left is not None and left <= seconds):
                raise
            progress(0, None, f"Slack asks to wait {seconds:.0f} s")
        except SlackUnavailable:
            if tries >= _TRIES:
                raise
            seconds = _PAUSES[tries - 1]
        await _pause(seconds)


async def post_once(hook: Hook, body: Mapping[str, Any]) -> None:
    """Post JSON, and not again; arguments and errors are those of `post`."""
    url = Unshown(hook.url.reveal())
    try:
        answer = await _sent(
            hook, url, {key: each for key, each in body.items() if each is not None}
        )
    except Exception as failure:  # noqa: BLE001  # what urllib and aiohttp raise quotes the URL
        error = _no_answer(hook, url, failure)
    else:
        text = str(answer.body or "")
        if 200 <= answer.status_code < 300 and _is_ok(text):
            return
        error = _refused(hook, answer.status_code, text, dict(answer.headers))
    raise error from None


async def _sent(hook: Hook, url: str, body: dict[str, Any]) -> Any:
    from logging import CRITICAL, Logger

    quiet = Logger("brickwork_slack.posting", CRITICAL)  # the SDK's logs the URL and the body
    options: dict[str, Any] = {
        "ssl": _ssl(hook),
        "timeout": _timeout(hook.timeout),
        "logger": quiet,
        "retry_handlers": [],
    }
    if is_blocking():
        from slack_sdk.webhook import WebhookClient

        client = WebhookClient(url, **options)
        client.proxy = None  # urllib takes that of the environment, and heeds NO_PROXY
        return client.send_dict(body)
    from slack_sdk.webhook.async_client import AsyncWebhookClient

    waiting = AsyncWebhookClient(url, trust_env_in_session=True, **options)
    waiting.proxy = None
    return await waiting.send_dict(body)


def _ssl(hook: Hook) -> "SSLContext | None":
    if hook.ca_bundle is None:
        return None
    from brickwork_slack.certificates import context

    return context(verify=True, ca_bundle=hook.ca_bundle)


def _timeout(seconds: float) -> float:
    left = remaining()
    return seconds if left is None else max(min(seconds, left), 0.1)


async def _pause(seconds: float) -> None:
    if is_blocking():
        sleep(seconds)
    else:
        await sleep_async(seconds)


def _is_ok(text: str) -> bool:
    """Tell whether an answer is Slack's: a proxy or a login page may say 200, too."""
    said = text.strip()
    return said == "ok" or said.replace(" ", "").startswith('{"ok":true')


def _no_answer(hook: Hook, url: str, failure: Exception) -> SlackError:
    where = urlsplit(url)
    error = unreachable(hook.name, failure, f"{where.scheme}://{where.hostname}")
    if is_permanent(failure):
        return SlackError(error.what, fix=error.fix)
    if never_sent(failure):
        return error
    return SlackUncertain(
        f"{error.what} Nobody knows whether it was taken.",
        fix="Look whether it was posted before you send it again.",
    )


def _refused(hook: Hook, status: int, text: str, headers: Mapping[str, str]) -> SlackError:
    code = _code(text)
    asked = seconds_asked(status, code, {name.lower(): each for name, each in headers.items()})
    if asked is not None:
        limited = SlackRateLimited(
            f"{hook.name}: Slack asks to wait {asked:.0f} s.", fix="Send less, or wait."
        )
        limited.retry_after_seconds = asked
        error: SlackError = limited
    elif status >= 500:
        error = SlackUncertain(
            f"{hook.name}: HTTP {status} ({_shown(hook, text) or 'without a word'}).",
            fix="Look whether it was posted before you send it again.",
        )
    elif 200 <= status < 400:
        error = SlackError(
            f"{hook.name}: HTTP {status}, but the answer is not Slack's.",
            fix="Look at the URL, and at proxies between here and Slack.",
        )
    else:
        kind, fix = _FIXES.get(code) or _BY_STATUS.get(status) or (SlackInvalid, _BLOCKS)
        error = kind(f"{hook.name}: {_shown(hook, text) or 'refused'} (HTTP {status}).", fix=fix)
    error.error, error.status = code, status
    return error


def _code(text: str) -> str:
    """Return Slack's code: the whole text, or ``error`` of JSON."""
    said = text.strip()
    if said.startswith("{"):
        import json

        try:
            said = str(json.loads(said).get("error") or "")
        except (ValueError, AttributeError):
            said = ""
    return said if said.replace("_", "").isalnum() and len(said) <= 80 else ""


def _shown(hook: Hook, text: str) -> str:
    """Return the start of an answer, without what it quotes of the URL, or of any secret."""
    path = urlsplit(hook.url.reveal()).path
    for part in sorted(path.split("/"), key=len, reverse=True):
        for form in (part, unquote(part)):
            if len(form) >= 6:
                text = text.replace(form, "***")
    return mask(" ".join(text.split()))[:_MOST_SHOWN]
