"""A route keeps the contract of notifiers, with one target behind it."""

from collections.abc import Iterator

import pytest

from brickwork import NotifyRoute, RouteTarget, Webhook
from brickwork.testing.notifier import Counterpart, HttpCounterpart, NotifierContract


def route(url: str) -> NotifyRoute:
    """Make a route to a webhook on loopback."""
    hook = Webhook(
        url=url, allow_private=True, allow_http=True, timeout_seconds=0.5, retry_seconds=60
    )
    return NotifyRoute(targets=[RouteTarget(to=hook)], dedupe_seconds=0)


class TestRoute(NotifierContract):
    @pytest.fixture
    def counterpart(self) -> Iterator[Counterpart]:
        with HttpCounterpart(route) as server:
            yield server
