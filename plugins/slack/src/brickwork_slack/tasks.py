"""How the tasks of this package are made: each is written once, for calls and for event loops.

A task is a coroutine function that awaits nothing but `brickwork_slack.calls`. For a plain call it
is driven to its end at once, with slack_sdk's blocking client; by ``aio`` it is awaited, with the
async client.
"""

import threading
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from brickwork import Task, exponential_backoff, task
from brickwork_slack.errors import SlackUnavailable

P = ParamSpec("P")
R = TypeVar("R")


class _Drive:
    """One coroutine that is driven by hand, in one thread."""

    def __init__(self) -> None:
        self.thread = threading.get_ident()
        self.loop = _running_loop()
        self.active = True

    def is_here(self) -> bool:
        # A context is copied into threads and into tasks of loops, which may outlive the drive.
        here = (threading.get_ident(), _running_loop())
        return self.active and here == (self.thread, self.loop)


_drive: ContextVar[_Drive | None] = ContextVar("brickwork_slack_drive", default=None)


def is_blocking() -> bool:
    """Tell whether the running coroutine is driven by hand, and so may block, and not wait."""
    drive = _drive.get()
    return drive is not None and drive.is_here()


def driven(coroutine: Coroutine[Any, Any, R]) -> R:
    """Run a coroutine to its end at once, without an event loop, and return its result.

    Args:
        coroutine: It awaits nothing but `brickwork_slack.calls`, and coroutines of this kind.
    """
    drive = _Drive()
    token = _drive.set(drive)
    try:
        coroutine.send(None)
    except StopIteration as end:
        result: R = end.value
        return result
    finally:
        drive.active = False
        _drive.reset(token)
        coroutine.close()
    raise AssertionError(f"{coroutine!r} awaits something else than brickwork_slack.calls")


def slack_task(
    *scopes: str, retried: bool = True
) -> Callable[[Callable[P, Coroutine[Any, Any, R]]], Task[P, R]]:
    """Make a task of a coroutine function that awaits nothing but `brickwork_slack.calls`.

    A plain call blocks, ``aio`` is awaited. Another task of this kind may call it as
    ``await post_message.async_fn(...)``, which runs in whichever way the caller does.

    Args:
        scopes: What the token needs: ``chat:write``, see https://docs.slack.dev/reference/scopes.
        retried: Whether the whole task may be tried again, twice, where Slack is away for longer
            than requests are repeated. Not for one that changes several things; its docstring says
            why.
    """

    def decorate(function: Callable[P, Coroutine[Any, Any, R]]) -> Task[P, R]:
        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            return driven(function(*args, **kwargs))

        if not retried:
            return task(async_fn=function, permissions=scopes)(call)
        return task(
            async_fn=function,
            permissions=scopes,
            retries=2,
            retry_delay_seconds=exponential_backoff(5, max_seconds=60),
            retry_jitter_factor=0.5,
            retry_on=SlackUnavailable,
        )(call)

    return decorate


def _running_loop() -> object:
    """Return the event loop that runs in this thread; None where none does."""
    import sys

    asyncio = sys.modules.get("asyncio")
    if asyncio is None:
        return None
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
