"""What the check of a block with credentials must tell, as assertions to inherit."""

import asyncio
import json
import socket
from collections.abc import Iterator

import pytest

from brickwork import Block, CheckReport, Finding, Secret
from brickwork.testing.base import Contract
from brickwork.testing.block_looks import assert_hidden, checked_in_time, clear_text, found_in
from brickwork.testing.network import no_network


class CheckContract(Contract):
    """What the check of a block with credentials must tell. Give blocks for one service each::

        class TestCheckOfAcmeCredentials(CheckContract):
            @pytest.fixture
            def working(self, acme_server):
                return acme_server.credentials()

            @pytest.fixture
            def wrong(self, acme_server):
                return AcmeCredentials(token="no-such-token", url=acme_server.url)

            @pytest.fixture
            def unreachable(self):
                return AcmeCredentials(token="some-token", url="http://127.0.0.1:1")

            @pytest.fixture
            def silent(self, silent_port):
                return AcmeCredentials(token="some-token", url=f"http://127.0.0.1:{silent_port}")

    Where no service can be asked, as of the secret with which a sender signs, say so: nobody has to
    be `unreachable` or `silent` then, a warning about what is `wrong` is enough, and the check must
    reach nobody indeed::

        class TestCheckOfAcmeHook(CheckContract):
            asks_service = False

            @pytest.fixture
            def working(self):
                return AcmeHook(secret="a-long-secret-of-its-own")

            @pytest.fixture
            def wrong(self):
                return AcmeHook(secret="short")

    Attributes:
        check_seconds: How long a check may take, also where nobody answers.
        asks_service: Whether the check asks a service.
    """

    check_seconds = 20.0
    asks_service = True

    @pytest.fixture
    def working(self) -> Block:
        """Return one that works."""
        raise NotImplementedError("Give a fixture `working`: a block that works.")

    @pytest.fixture
    def wrong(self) -> Block:
        """Return one whose secret the service refuses."""
        raise NotImplementedError("Give a fixture `wrong`: a block whose secret is refused.")

    @pytest.fixture
    def unreachable(self) -> Block | None:
        """Return one for a place where nobody listens; None if the check asks no service."""
        if not self.asks_service:
            return None
        raise NotImplementedError("Give a fixture `unreachable`: one where nobody listens.")

    @pytest.fixture
    def silent(self) -> Block | None:
        """Return one for a service that takes connections and never answers, see `silent_port`.

        None if the check asks no service.
        """
        if not self.asks_service:
            return None
        raise NotImplementedError(
            "Give a fixture `silent`: one for a service that takes the connection and says "
            "nothing, as that at the port of 127.0.0.1 that the fixture `silent_port` returns."
        )

    @pytest.fixture
    def denied(self) -> Block | None:
        """Return one that the service knows, and allows too little; None if it knows no rights."""
        return None

    @pytest.fixture
    def ended(self) -> Block | None:
        """Return one whose token has ended and is renewed by the block; None if none is."""
        return None

    @pytest.fixture
    def silent_port(self) -> Iterator[int]:
        """A port of 127.0.0.1 that takes connections, and never answers."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            yield server.getsockname()[1]

    def test_what_works_is_all_right(self, working: Block) -> None:
        """Nothing failed, and something was looked at."""
        report = self._report(working)
        assert report.ok, f"check() of the working block says {_failed(report)}"
        assert any(each.status == "ok" for each in report.findings), (
            "check() of the working block found nothing to be ok: ask the service who it is"
        )

    def test_a_refused_secret_is_told(self, wrong: Block) -> None:
        """Failed, with what to do; a warning where no service is asked."""
        if self.asks_service:
            self._told(wrong, "a secret that the service refuses")
        else:
            bad = _bad(self._report(wrong))
            assert bad.fix, f"the finding {bad.what!r} must say what to do next (fix=)"

    def test_a_service_that_is_not_there_is_told(self, unreachable: Block | None) -> None:
        """Failed, in time, with what to do."""
        if unreachable is None:
            pytest.skip("declared: no service is asked")
        self._told(unreachable, "a place where nobody listens")

    def test_a_service_that_never_answers_is_told(self, silent: Block | None) -> None:
        """Failed, in time, with what to do."""
        if silent is None:
            pytest.skip("declared: no service is asked")
        self._told(silent, "a service that never answers")

    def test_missing_rights_are_told(self, denied: Block | None) -> None:
        """As a warning at least: it may be enough for what the block is used for."""
        if denied is None:
            pytest.skip("declared: the service knows no rights")
        report = self._report(denied)
        assert any(each.status in ("warning", "failed") and each.fix for each in report.findings), (
            "check() does not tell what the block may not do: look at its rights, and add a "
            "Finding('warning', ...) with a fix"
        )

    def test_a_token_that_ended_is_renewed(self, ended: Block | None) -> None:
        """By the block: nobody has to save it again."""
        if ended is None:
            pytest.skip("declared: nothing of it ends and is renewed")
        report = self._report(ended)
        assert report.ok, f"the token was not renewed: {_failed(report)}"

    def test_each_fault_is_told_apart(
        self, wrong: Block, unreachable: Block | None, denied: Block | None
    ) -> None:
        """Who reads the report knows whether to mend the secret, the address or the rights."""
        given = {"wrong": wrong, "unreachable": unreachable, "denied": denied}
        said: dict[tuple[str, str], str] = {}
        for name, block in given.items():
            if block is not None:
                bad = _bad(self._report(block))
                words = (bad.detail, bad.fix)
                assert words not in said, f"check() says the same of {name} as of {said[words]}"
                said[words] = name

    def test_a_check_that_asks_no_service_reaches_nobody(
        self, working: Block, wrong: Block
    ) -> None:
        """Else there is a service that can be unreachable, and that has to be told."""
        if self.asks_service:
            pytest.skip("declared: a service is asked")
        with no_network() as tried:
            self._report(working)
            self._report(wrong)
        assert not tried, (
            f"check() tried {', '.join(tried)}: let asks_service be True, and give "
            "`unreachable` and `silent`"
        )

    def test_reports_show_no_secret(
        self, working: Block, wrong: Block, unreachable: Block | None, denied: Block | None
    ) -> None:
        """Neither the block's, nor what the service said of it."""
        for block in filter(None, (working, wrong, unreachable, denied)):
            shown = {"the report of its check": repr(self._report(block))}
            secrets = [clear_text(secret) for secret in found_in(block, Secret)]
            assert_hidden(secrets, shown)

    def test_the_async_check_says_the_same(self, wrong: Block) -> None:
        """`acheck` finds what `check` finds."""
        now = self._report(wrong)  # first: the end of an event loop would wait for one that hangs
        awaited = asyncio.run(asyncio.wait_for(wrong.acheck(), self.check_seconds))
        assert [(each.status, each.what) for each in awaited.findings] == [
            (each.status, each.what) for each in now.findings
        ], "acheck() finds something else than check(): do not override it"

    def _told(self, block: Block, what: str) -> None:
        report = self._report(block)
        assert not report.ok, f"check() is content with {what}: ask the service, and report"
        for each in report.findings:
            assert each.fix or each.status != "failed", (
                f"the finding {each.what!r} about {what} must say what to do next (fix=)"
            )

    def _report(self, block: Block) -> CheckReport:
        report = checked_in_time(block, self.check_seconds)
        assert isinstance(report, CheckReport), f"check() returned a {type(report).__name__}"
        return report


def _bad(report: CheckReport) -> Finding:
    for status in ("failed", "warning"):
        for each in report.findings:
            if each.status == status:
                return each
    raise AssertionError(f"check() found nothing wrong: {_shown(report)}")


def _failed(report: CheckReport) -> str:
    failed = (each for each in report.findings if each.status == "failed")
    return "; ".join(f"{each.what}: {each.detail}" for each in failed)


def _shown(report: CheckReport) -> str:
    return json.dumps([(each.status, each.what) for each in report.findings])
