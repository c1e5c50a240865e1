"""Transfers that are tried again: all of them do no harm when they come twice."""

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar
from urllib.parse import urlsplit

from brickwork import progress, remaining
from brickwork_slack.calls import pause
from brickwork_slack.clients import Client
from brickwork_slack.errors import (
    SlackError,
    SlackInvalid,
    SlackNotFound,
    SlackRateLimited,
    SlackUnavailable,
)
from brickwork_slack.files.transfer import Incoming
from brickwork_slack.limits import seconds_asked

P = TypeVar("P")
T = TypeVar("T")

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
_MOST_LIMITS = 5
_MOST_SAID = 200


async def repeated(
    client: Client,
    prepare: Callable[[], Coroutine[Any, Any, P]],
    once: Callable[[P], Coroutine[Any, Any, T]],
) -> T:
    """Try a transfer until it is done, as long as there is time.

    Args:
        client: Says how often, and how long to wait for a rate limit.
        prepare: Asks the API for what a try needs; it repeats itself what it asks.
        once: One try.

    Raises:
        SlackUnavailable: It failed each time.
        SlackRateLimited: There is no time to wait.
    """
    tries = limits = 0
    while True:
        prepared = await prepare()
        try:
            return await once(prepared)
        except SlackRateLimited as limit:
            limits += 1
            wait = limit.retry_after_seconds
            longest = client.options.rate_limit_wait_seconds
            if limits > _MOST_LIMITS or wait > longest or not _has_time(wait):
                raise
            progress(0, None, f"Slack asks to wait {wait:.0f} s")
        except SlackUnavailable:
            wait = min(_FIRST_PAUSE * 2.0**tries, _LONGEST_PAUSE)
            tries += 1
            if tries > client.options.retries or not _has_time(wait):
                raise
        await pause(wait)


async def refusal(name: str, answer: Incoming) -> SlackError:
    """Return what an answer means that is no success.

    Args:
        name: What was asked, for the message.
        answer: It.
    """
    status = answer.status
    asked = seconds_asked(status, "", answer.headers)
    error: SlackError
    if asked is not None:
        error = SlackRateLimited(
            f"{name}: Slack asks to wait {asked:.0f} s.", fix="Ask for less, or wait."
        )
        error.retry_after_seconds = asked
    elif status >= 500:
        error = SlackUnavailable(
            f"{name}: HTTP {status} from Slack.", fix="Try again; look at https://slack-status.com."
        )
    elif status in (404, 410):
        error = SlackNotFound(f"{name}: HTTP {status} from Slack.", fix="It is gone: ask anew.")
    else:
        said = ""
        if answer.headers.get("content-type", "").startswith("text/plain"):
            said = (await answer.read())[:_MOST_SAID].decode(errors="replace").strip()
        error = SlackInvalid(
            f"{name}: HTTP {status} from Slack{f' ({said})' if said else ''}.",
            fix="Look at the file, and at proxies between here and Slack.",
        )
    error.method, error.status = name, status
    return error


def is_slacks(client: Client, url: str, *, token: bool) -> bool:
    """Tell whether a URL of an answer may be asked.

    Args:
        client: Which API gave it.
        url: It.
        token: Whether the token is to be sent there: only to the API's host, and to those below
            it, as files.slack.com.
    """
    try:
        home, there = urlsplit(client.url), urlsplit(url)
        secure = there.scheme == "https" or (there.scheme == home.scheme == "http")
    except ValueError:
        return False
    host, ours = there.hostname or "", (home.hostname or "").removeprefix("www.")
    same = host in (ours, home.hostname) or host.endswith(f".{ours}")
    return secure and bool(host) and (same or not token)


def _has_time(seconds: float) -> bool:
    left = remaining()
    return left is None or seconds < left
