"""The block ``apprise`` keeps the contracts, through services of Apprise on loopback."""

from collections.abc import Iterator
from typing import ClassVar

import pytest

from brickwork.builtin.notifiers.apprise.block import AppriseTarget
from brickwork.testing.notifier import Behaviour, Counterpart, HttpCounterpart, NotifierContract


class AppriseCounterpart(HttpCounterpart):
    """An HTTP server; how long it asks to wait, Apprise does not tell."""

    wait_seconds = 0.0


class AppriseContract(NotifierContract):
    """What Apprise allows to be kept to."""

    scheme: ClassVar[str]

    @property
    def behaviours(self) -> frozenset[Behaviour]:
        # How long a service asks to wait does not get through Apprise.
        return frozenset(Behaviour) - {Behaviour.BUSY}

    @property
    def check_connects(self) -> bool:
        return False  # most of its services are reached by sending only

    @pytest.fixture
    def counterpart(self) -> Iterator[Counterpart]:
        def make(url: str) -> AppriseTarget:
            return AppriseTarget(
                url=url.replace("http", self.scheme, 1),
                timeout_seconds=0.5,
                retry_seconds=1,
                allow_local=True,
            )

        with AppriseCounterpart(make) as server:
            yield server


class TestGotify(AppriseContract):
    """A service with a title and a body, and no files."""

    scheme = "gotify"


class TestJson(AppriseContract):
    """One that takes files, too."""

    scheme = "json"
