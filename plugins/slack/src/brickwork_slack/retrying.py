"""slack_sdk's retry handlers, for the clients that users get.

The SDK's own repeat any method after a broken connection or a 5xx, which may post twice, and sleep
whatever time a task has left. These are the SDK's, told when: see `handlers`.
"""

# The SDK gives each handler all of these, by name.
# ruff: noqa: ARG002

from functools import cache
from math import inf
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from brickwork import remaining, sleep, sleep_async
from brickwork_slack.limits import seconds_asked
from brickwork_slack.methods import is_harmless
from brickwork_slack.network import never_sent


def handlers(retries: int, longest: float) -> list[Any]:
    """Return the handlers of a blocking client.

    A rate limit is waited out for all methods; broken connections and 500, 502, 503 and 504 are
    repeated for those that mean the same when they come twice, and for any method as long as no
    connection came about.

    Args:
        retries: How often each repeats.
        longest: Seconds; a longer wait for a rate limit is not begun.
    """
    return _made(_handlers(), retries, longest)


def async_handlers(retries: int, longest: float) -> list[Any]:
    """Return the same for an async client."""
    return _made(_async_handlers(), retries, longest)


def _made(kinds: "_Handlers", retries: int, longest: float) -> list[Any]:
    made = [kind(max_retry_count=retries) for kind in kinds]
    made[0].longest = longest
    return made


def _limit(response: Any, longest: float = inf) -> float | None:
    """Return the seconds that an answer asks one to wait, if there is time for them."""
    if response is None:
        return None
    headers = {
        name.lower(): value[0] if isinstance(value, list) else value
        for name, value in response.headers.items()
    }
    asked = seconds_asked(response.status_code, "", headers)
    return asked if asked is not None and asked <= longest and _has_time(asked) else None


def _has_time(seconds: float) -> bool:
    left = remaining()
    return left is None or seconds < left


def _may_repeat(request: Any, error: Exception | None) -> bool:
    method = urlsplit(request.url).path.rpartition("/")[2]
    return is_harmless(method) or (error is not None and never_sent(error))


def _server_failed(response: Any) -> bool:
    return response is not None and response.status_code in (500, 502, 503, 504)


def _pause(handler: Any, state: Any) -> float:
    seconds: float = handler.interval_calculator.calculate_sleep_duration(state.current_attempt)
    return seconds


class _Handlers(NamedTuple):
    rate_limit: Any
    connection: Any
    server: Any


@cache
def _handlers() -> _Handlers:
    from slack_sdk.http_retry.builtin_handlers import (
        ConnectionErrorRetryHandler,
        RateLimitErrorRetryHandler,
        ServerErrorRetryHandler,
    )

    class RateLimit(RateLimitErrorRetryHandler):
        longest: float

        def _can_retry(
            self, *, state: Any, request: Any, response: Any = None, error: Any = None
        ) -> bool:
            return _limit(response, self.longest) is not None

        def prepare_for_next_attempt(
            self, *, state: Any, request: Any, response: Any = None, error: Any = None
        ) -> None:
            state.next_attempt_requested = True
            sleep(_limit(response) or 0.0)
            state.increment_current_attempt()

    class _Backoff:
        def prepare_for_next_attempt(
            self, *, state: Any, request: Any, response: Any = None, error: Any = None
        ) -> None:
            state.next_attempt_requested = True
            sleep(_pause(self, state))
            state.increment_current_attempt()

    class Connection(_Backoff, ConnectionErrorRetryHandler):
        def _can_retry(
            self, *, state: Any, request: Any, response: Any = None, error: Any = None
        ) -> bool:
            broken = super()._can_retry(
                state=state, request=request, response=response, error=error
            )
            return broken and _may_repeat(request, error) and _has_time(_pause(self, state))

    class Server(_Backoff, ServerErrorRetryHandler):
        def _can_retry(
            self, *, state: Any, request: Any, response: Any = None, error: Any = None
        ) -> bool:
            failed = _server_failed(response) and _may_repeat(request, None)
            return failed and _has_time(_pause(self, state))

    return _Handlers(RateLimit, Connection, Server)


@cache
def _async_handlers() -> _Handlers:
    from slack_sdk.http_retry.builtin_async_handlers import (
        AsyncConnectionErrorRetryHandler,
        AsyncRateLimitErrorRetryHandler,
        AsyncServerErrorRetryHandler,
    )

    class RateLimit(AsyncRateLimitErrorRetryHandler):
        longest: float

        async def _can_retry_async(
            self, *, state: Any, request: Any, response: Any = None, error: Any = None
        ) -> bool:
            return _limit(response, self.longest) is not None

        async def prepare_for_next_attempt_async(
            self, *, state: Any, request: Any, response: Any = None, error: Any = None
        ) -> None:
            state.next_attempt_requested = True
            await sleep_async(_limit(response) or 0.0)
            state.increment_current_attempt()

    class _Backoff:
        async def prepare_for_next_attempt_async(
            self, *, state: Any, request: Any, response: Any = None, error: Any = None
        ) -> None:
            state.next_attempt_requested = True
            await sleep_async(_pause(self, state))
            state.increment_current_attempt()

    class Connection(_Backoff, AsyncConnectionErrorRetryHandler):
        async def _can_retry_async(
            self, *, state: Any, request: Any, response: Any = None, error: Any = None
        ) -> bool:
            broken = await super()._can_retry_async(
                state=state, request=request, response=response, error=error
            )
            return broken and _may_repeat(request, error) and _has_time(_pause(self, state))

    class Server(_Backoff, AsyncServerErrorRetryHandler):
        async def _can_retry_async(
            self, *, state: Any, request: Any, response: Any = None, error: Any = None
        ) -> bool:
            failed = _server_failed(response) and _may_repeat(request, None)
            return failed and _has_time(_pause(self, state))

    return _Handlers(RateLimit, Connection, Server)
