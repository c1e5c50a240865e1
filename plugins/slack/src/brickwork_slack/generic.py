"""A task for whatever has no task of its own: any method of the Web API."""

import re
from collections.abc import Mapping
from typing import Any

from brickwork import InvalidArguments
from brickwork_slack.calls import PAGE, ask
from brickwork_slack.credentials import SlackCredentials
from brickwork_slack.tasks import slack_task

_METHOD = re.compile(r"[a-z]+(\.[A-Za-z]+){1,4}")


@slack_task(retried=False)
async def slack_call(
    credentials: SlackCredentials,
    method: str,
    *,
    all_pages: bool = True,
    limit: int | None = None,
    **arguments: Any,
) -> dict[str, Any]:
    """Call any method of Slack's Web API.

    The arguments are checked against slack_sdk's function for the method, if it has one, before
    anything is sent. Not retried as a task: nobody knows whether the call may be repeated; the
    requests are, where that can do no harm. See https://docs.slack.dev/reference/methods.

    Args:
        credentials: Whose.
        method: As Slack's documentation has it: ``team.info``.
        all_pages: Whether to read an answer that has pages to its end, and join its lists.
        limit: Of an answer that has pages, at most so many items; of one page, how many it has.
        arguments: The method's, with Slack's names. Secrets go in clear; None is left out.

    Returns:
        The answer, as JSON has it.

    Raises:
        InvalidArguments: There is no such method, or it does not take that, or ``limit`` is
            negative; nothing was sent.
        SlackError: It failed; the class says how.

    Examples:
        >>> slack_call(credentials, "auth.test")["ok"]
        True
        >>> [each["name"] for each in slack_call(credentials, "conversations.list")["channels"]]
        ['general', 'random']
    """
    if limit is not None and limit < 0:
        raise InvalidArguments(
            "limit is how many at most: no negative number.", fix="Give 0 or more."
        )
    has_pages = _check(method, arguments)
    if not (all_pages and has_pages):
        return await ask(credentials, method, **{"limit": limit, **arguments})
    whole: dict[str, Any] = {}
    seen: set[str] = set()
    page = dict(arguments)
    while True:
        most = PAGE if limit is None else min(PAGE, max(limit - _longest(whole), 1))
        answer = await ask(credentials, method, **{**page, "limit": most})
        whole = _joined(whole, answer)
        cursor = _next(answer)
        if not cursor or cursor in seen or (limit is not None and _longest(whole) >= limit):
            return _cut(whole, limit)
        seen.add(cursor)
        page["cursor"] = cursor


def _check(method: str, arguments: Mapping[str, Any]) -> bool:
    """Refuse what cannot be right; tell whether the method has pages."""
    import inspect

    from slack_sdk import WebClient

    if not _METHOD.fullmatch(method):
        raise InvalidArguments(
            f"{method!r} is no method of Slack's.", fix="Give one as in chat.postMessage."
        )
    function = getattr(WebClient, method.replace(".", "_"), None)
    if function is None:
        return "cursor" in arguments
    signature = inspect.signature(function)
    try:
        signature.bind(None, **{k: v for k, v in arguments.items() if v is not None})
    except TypeError as error:
        raise InvalidArguments(
            f"{method}: {error}.",
            fix=f"Look at https://docs.slack.dev/reference/methods/{method}.",
        ) from None
    return "cursor" in signature.parameters


def _next(answer: Mapping[str, Any]) -> str:
    return str((answer.get("response_metadata") or {}).get("next_cursor") or "")


def _longest(whole: Mapping[str, Any]) -> int:
    return max((len(value) for value in whole.values() if isinstance(value, list)), default=0)


def _cut(whole: Mapping[str, Any], limit: int | None) -> dict[str, Any]:
    """Return an answer without what is too much: Slack's ``limit`` is a wish, and never 0."""
    return {
        name: value[:limit] if isinstance(value, list) else value for name, value in whole.items()
    }


def _joined(whole: Mapping[str, Any], page: Mapping[str, Any]) -> dict[str, Any]:
    """Return an answer with the lists of its next page; all else is that page's."""
    before = {name: value for name, value in whole.items() if isinstance(value, list)}
    lists = {
        name: [*before[name], *value]
        for name, value in page.items()
        if name in before and isinstance(value, list)
    }
    return {**whole, **page, **lists}
