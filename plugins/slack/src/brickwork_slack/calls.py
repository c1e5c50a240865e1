"""THE one door for every request to the Web API: through slack_sdk, for calls and event loops.

- A rate limit is waited out, within the time of the task; all threads that use one token wait
  together. See https://docs.slack.dev/apis/web-api/rate-limits.
- Broken connections and 5xx are repeated for methods that mean the same when they come twice, see
  `brickwork_slack.methods`, and for any method of which surely nothing was sent. For all others
  nobody knows whether they were done: `SlackUncertain`.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from brickwork import Secret, check_cancelled, mask, progress, remaining, sleep, sleep_async
from brickwork_slack.clients import Client, client_for
from brickwork_slack.errors import (
    SlackError,
    SlackInvalid,
    SlackRateLimited,
    SlackUnavailable,
    SlackUncertain,
)
from brickwork_slack.faults import error_of
from brickwork_slack.hiding import Unshown
from brickwork_slack.methods import is_harmless, says_done_before
from brickwork_slack.network import is_permanent, unreachable
from brickwork_slack.tasks import is_blocking

if TYPE_CHECKING:
    from brickwork_slack.credentials import SlackCredentials

PAGE = 200
"""How many elements to ask for at once: https://docs.slack.dev/apis/web-api/pagination."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
_LEAST_TIMEOUT = 0.1

Answer = dict[str, Any]


async def ask(credentials: "SlackCredentials", method: str, /, **arguments: Any) -> Answer:
    """Call a method of the Web API and return its answer.

    Args:
        credentials: Who asks.
        method: For example ``chat.postMessage``.
        arguments: The method's; None is left out, secrets are revealed.

    Raises:
        SlackRateLimited: There is no time to wait.
        SlackUncertain: Nobody knows whether it was done.
        SlackUnavailable: Slack gave no answer, also when asked again.
        SlackError: It was refused, and why.
    """
    answer, _ = await asked(credentials, method, arguments)
    return answer


async def asked(
    credentials: "SlackCredentials", method: str, arguments: Mapping[str, Any]
) -> tuple[Answer, Mapping[str, str]]:
    """Return the answer and its headers, by their names in lower case; else as `ask`."""
    client = client_for(credentials)
    sent = {name: _plain(value) for name, value in arguments.items() if value is not None}
    if client.team_id is not None and _takes_team(method):
        sent.setdefault("team_id", client.team_id)
    harmless = is_harmless(method)
    tries, maybe_done = 0, False
    while True:
        await _wait_for_gate(client, method)
        tries += 1
        try:
            return await _once(client, method, sent)
        except SlackRateLimited as limit:
            client.gates.close(method, limit.retry_after_seconds)
            tries -= 1  # it was not taken, and counts for nothing
        except SlackError as error:
            if maybe_done and says_done_before(method, error.error):
                return {"ok": True}, {}
            if not isinstance(error, SlackUnavailable):
                raise
            if not (error.never_sent or harmless):
                raise _uncertain(error) from None
            wait = _pause_after(tries)
            if tries > client.options.retries or not _has_time(wait):
                raise
            maybe_done = maybe_done or not error.never_sent
            await pause(wait)


async def everything(
    credentials: "SlackCredentials",
    method: str,
    key: str,
    /,
    *,
    limit: int | None = None,
    keep: Callable[[Any], bool] | None = None,
    **arguments: Any,
) -> list[Any]:
    """Return the elements of all pages of a method.

    Args:
        credentials: Who asks.
        method: One that takes ``cursor`` and ``limit``.
        key: Where the elements are in an answer.
        limit: How many at most.
        keep: Tells which count; None: all.
        arguments: The method's.

    Raises:
        SlackError: As `ask`.
        ValueError: The limit is negative.
    """
    if limit is not None and limit < 0:
        raise ValueError("limit is how many at most: no negative number")
    found: list[Any] = []
    cursor: str | None = None
    seen: set[str] = set()
    while limit is None or len(found) < limit:
        check_cancelled()
        size = PAGE if limit is None or keep else min(PAGE, limit - len(found))
        answer = await ask(credentials, method, cursor=cursor, limit=size, **arguments)
        found += filter(keep, answer.get(key) or [])
        progress(len(found), limit, method)
        cursor = str((answer.get("response_metadata") or {}).get("next_cursor") or "")
        if not cursor or cursor in seen:
            break
        seen.add(cursor)
    return found[:limit]


async def pause(seconds: float) -> None:
    """Wait, as the running drive does: `brickwork.sleep` or `brickwork.sleep_async`."""
    if is_blocking():
        sleep(seconds)
    else:
        await sleep_async(seconds)


async def _wait_for_gate(client: Client, method: str) -> None:
    """Wait until Slack takes a method again, as far as is known here."""
    while (closed := client.gates.closed(method)) is not None:
        until, left = closed
        longest = client.options.rate_limit_wait_seconds
        if left > longest or not _has_time(left):
            error = SlackRateLimited(
                f"{method} with {client.whose}: Slack asks to wait {left:.0f} s more, and there is "
                "no time for that.",
                fix="Ask for less, or give the task more time.",
            )
            error.error, error.method, error.status = "ratelimited", method, 429
            error.retry_after_seconds = left
            raise error
        progress(0, None, f"Slack asks to wait {left:.0f} s")
        await pause(left)
        client.gates.waited(method, until)


async def _once(
    client: Client, method: str, sent: Mapping[str, Any]
) -> tuple[Answer, Mapping[str, str]]:
    from slack_sdk.errors import SlackApiError, SlackRequestError

    left = remaining()
    seconds = client.options.timeout if left is None else min(client.options.timeout, left)
    seconds = max(seconds, _LEAST_TIMEOUT)
    error: SlackError
    blocking = is_blocking()
    web: Any = client.blocking(seconds, []) if blocking else client.waiting(seconds, [])
    try:
        answer: Any = _called(web, method, sent)
        answer = answer if blocking else await answer
    except SlackApiError as failure:
        error = _refused(client, method, failure.response)
    except (TypeError, SlackRequestError) as failure:  # before anything was sent
        error = SlackInvalid(
            f"{method}: slack_sdk does not take these arguments: {mask(str(failure))}",
            fix=f"Look at https://docs.slack.dev/reference/methods/{method}.",
        )
        error.method = method
    except Exception as failure:  # noqa: BLE001  # urllib's and aiohttp's, which may quote what was sent
        error = _no_answer(client, method, failure)
    else:
        data = answer.data
        whole = data if isinstance(data, dict) else {"ok": True, "content": data}
        return dict(whole), _lower(answer.headers)
    raise error from None


def _called(web: Any, method: str, sent: Mapping[str, Any]) -> Any:
    """Call the SDK's own function for a method, which knows how Slack wants its arguments."""
    function = getattr(web, method.replace(".", "_"), None)
    if method in _POSTING:
        return web.api_call(method, json=dict(sent))
    if function is None:
        return web.api_call(method, data={name: _in_form(value) for name, value in sent.items()})
    return function(**sent)


@cache
def _takes_team(method: str) -> bool:
    """Tell whether a method takes a workspace, as slack_sdk knows it; no other is told one."""
    import inspect

    from slack_sdk import WebClient

    function = getattr(WebClient, method.replace(".", "_"), None)
    return function is not None and "team_id" in inspect.signature(function).parameters


def _in_form(value: Any) -> Any:
    """Return an argument as a form has it: all methods take forms, and not all take JSON."""
    if isinstance(value, Mapping | list | bool):
        import json

        return json.dumps(value)
    return value


_POSTING = frozenset(
    {"chat.postMessage", "chat.postEphemeral", "chat.scheduleMessage", "chat.update"}
)
"""The SDK's functions for these warn where blocks have no text, which people read in blocks."""


def _refused(client: Client, method: str, response: Any) -> SlackError:
    data = response.data if isinstance(getattr(response, "data", response), dict) else {}
    headers = getattr(response, "headers", None) or {}
    # The async client has aiohttp's response where the answer is no JSON.
    status = getattr(response, "status_code", None) or getattr(response, "status", None)
    return error_of(method, int(status or 0), data, _lower(headers), client.whose)


def _no_answer(client: Client, method: str, failure: Exception) -> SlackError:
    where = urlsplit(client.url)
    error = unreachable(method, failure, f"{where.scheme}://{where.netloc}")
    if is_permanent(failure):
        told = SlackError(error.what, fix=error.fix)
        told.method = method
        return told
    return error


def _uncertain(error: SlackUnavailable) -> SlackUncertain:
    told = SlackUncertain(
        f"{error.what} Nobody knows whether it was done.",
        fix="Look in Slack whether it was done before you do it again.",
    )
    told.error, told.method, told.status = error.error, error.method, error.status
    told.still_at_it = error.still_at_it
    return told


def _pause_after(tries: int) -> float:
    import random

    longest = min(_FIRST_PAUSE * 2.0 ** (tries - 1), _LONGEST_PAUSE)
    return random.uniform(longest / 2, longest)  # noqa: S311  # spreads callers, no secret


def _has_time(seconds: float) -> bool:
    left = remaining()
    return left is None or seconds < left


def _lower(headers: Mapping[str, Any]) -> dict[str, str]:
    return {
        name.lower(): str(value[0]) if isinstance(value, list) else str(value)
        for name, value in headers.items()
    }


def _plain(value: Any) -> Any:
    """Return an argument as it is sent."""
    if isinstance(value, Secret):
        return Unshown(value.reveal())  # in logs and tracebacks of what sends it
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value
