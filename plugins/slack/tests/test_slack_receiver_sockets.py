"""Socket Mode: the same handlers, over sockets that break, are replaced, and are closed."""

import asyncio
import logging
import signal
import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest

from brickwork import InvalidArguments, Scope, Secret, TaskCancelled
from brickwork.testing.task import no_waiting
from brickwork_slack.credentials import SlackCredentials
from brickwork_slack.errors import SlackDenied
from brickwork_slack.receivers.answers import answers
from brickwork_slack.receivers.events import AppMentionEvent, SlackEvent
from brickwork_slack.receivers.interactions import SlashCommand
from brickwork_slack.receivers.socket_mode import socket_mode
from brickwork_slack.testing import Fault, SlackServer, delivering
from brickwork_slack.testing.faults import server_error

MENTION = {"type": "app_mention", "text": "hi", "user": "U1", "channel": "C1"}


@pytest.fixture
def credentials(slack_server: SlackServer) -> SlackCredentials:
    """Credentials with an app token."""
    return slack_server.credentials(app_token=slack_server.token(kind="app"))


class Heard(list[Any]):
    """What a handler was given."""

    def __init__(self) -> None:
        self._more = threading.Condition()

    def __call__(self, request: Any) -> None:
        """Keep it."""
        with self._more:
            self.append(request)
            self._more.notify_all()

    def wait(self, count: int = 1) -> None:
        """Wait until so many came."""
        with self._more:
            assert self._more.wait_for(lambda: len(self) >= count, 5)


def gone(slack: SlackServer) -> bool:
    """Wait until all sockets are closed."""
    with slack.sockets.changed:
        return slack.sockets.changed.wait_for(lambda: not slack.sockets.connections, 5)


def test_events_commands_and_answers_come_over_a_socket(
    slack_server: SlackServer, credentials: SlackCredentials
) -> None:
    """Events are acknowledged, and a handler that answers gives the answer to a command."""
    heard = Heard()

    def deploy(command: SlashCommand) -> str:
        return f"deploying {command.text}"

    with socket_mode(credentials, {"app_mention": heard, "/deploy": answers(deploy)}):
        told = slack_server.events.event(MENTION)
        assert (told.status, told.body) == (200, None)
        heard.wait()
        assert slack_server.command("/deploy", "web").body == {
            "response_type": "ephemeral",
            "text": "deploying web",
        }
    assert isinstance(heard[0], AppMentionEvent)
    assert heard[0].text == "hi"
    assert gone(slack_server)


def test_what_nobody_handles_is_acknowledged(
    slack_server: SlackServer, credentials: SlackCredentials
) -> None:
    """Else Slack would send it again."""
    with socket_mode(credentials, {}):
        assert slack_server.events.event(MENTION).status == 200


def test_an_event_that_comes_again_is_handled_once(
    slack_server: SlackServer, credentials: SlackCredentials
) -> None:
    """It is acknowledged all the same."""
    heard = Heard()
    with socket_mode(credentials, {"*": heard}):
        for _ in range(2):
            assert slack_server.events.event(MENTION, event_id="Ev1").status == 200
        slack_server.events.event({**MENTION, "text": "last"})
        heard.wait(2)
    assert [each.text for each in heard] == ["hi", "last"]


def test_what_fails_or_is_nonsense_is_not_acknowledged(
    slack_server: SlackServer, credentials: SlackCredentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slack tells who did it, and sends events again; the socket goes on."""
    monkeypatch.setattr(delivering, "SECONDS", 0.2)

    def broken(_: SlackEvent) -> None:
        raise ValueError("no")

    with socket_mode(credentials, {"app_mention": answers(broken)}):
        assert slack_server.events.event(MENTION).status == 0
        assert slack_server.events.interaction({"no": "type"}).status == 0
        assert slack_server.events.event({"type": "team_join"}).status == 200
    assert slack_server.sockets.opened == 1


@pytest.mark.parametrize("reason", ["refresh_requested", "warning"])
def test_a_socket_that_slack_replaces_is_opened_anew(
    slack_server: SlackServer, credentials: SlackCredentials, reason: str
) -> None:
    """At once, and as often as Slack wants."""
    heard = Heard()
    with socket_mode(credentials, {"*": heard}):
        for count in (1, 2, 3):
            slack_server.sockets.disconnect(reason)
            assert slack_server.sockets.wait_opened(count + 1)
            assert slack_server.events.event(MENTION).status == 200
        heard.wait(3)
    assert gone(slack_server)


def test_a_socket_that_breaks_is_opened_anew(
    slack_server: SlackServer, credentials: SlackCredentials
) -> None:
    """After a pause, and though Slack is away for a while."""
    with no_waiting(), socket_mode(credentials, {}):
        slack_server.fail("apps.connections.open", server_error(), times=9)
        slack_server.sockets.close()
        assert slack_server.sockets.wait_opened(2)
        assert slack_server.events.event(MENTION).status == 200


def test_a_socket_that_is_never_opened_is_given_up(slack_server: SlackServer) -> None:
    """Whoever takes the connection and says nothing is left after the time-out."""
    credentials = slack_server.credentials(
        app_token=slack_server.token(kind="app"), client_options={"timeout": 0.3}
    )
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"ws://127.0.0.1:{silent.getsockname()[1]}/link"
        slack_server.fail("apps.connections.open", Fault(200, {"ok": True, "url": url}))
        receiver = socket_mode(credentials, {})
        with no_waiting():
            receiver.start()
            opened = slack_server.sockets.wait_opened()
        receiver.close()
    assert opened
    assert len(slack_server.asked("apps.connections.open")) == 2
    assert gone(slack_server)


def test_a_token_that_is_not_taken_is_told_at_once(
    slack_server: SlackServer, credentials: SlackCredentials
) -> None:
    """It is not asked with again and again."""
    slack_server.expect_refusals()
    assert credentials.app_token is not None
    slack_server.revoke(credentials.app_token)
    with pytest.raises(SlackDenied), socket_mode(credentials, {}):
        raise AssertionError
    assert len(slack_server.asked("apps.connections.open")) == 1


def test_without_an_app_token_there_is_no_socket_mode(slack_server: SlackServer) -> None:
    """The error says where to make one."""
    with pytest.raises(InvalidArguments, match="no app token") as caught:
        socket_mode(slack_server.credentials(), {})
    assert "connections:write" in caught.value.fix


def in_background(work: Callable[[], object]) -> threading.Thread:
    """Do something in a thread."""
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_socket_mode_that_is_turned_off_ends_it(
    slack_server: SlackServer, credentials: SlackCredentials
) -> None:
    """`listen` raises what happened."""

    def turn_off() -> None:
        assert slack_server.sockets.wait_opened()
        slack_server.sockets.disconnect("link_disabled")

    thread = in_background(turn_off)
    with pytest.raises(SlackDenied, match="turned off"):
        socket_mode(credentials, {}).listen()
    thread.join()
    assert gone(slack_server)


def test_ctrl_c_ends_it(slack_server: SlackServer, credentials: SlackCredentials) -> None:
    """The socket is closed, and the event that was being handled is acknowledged before."""
    told: list[int] = []

    def tell() -> None:
        assert slack_server.sockets.wait_opened()
        told.append(slack_server.events.event(MENTION).status)

    def interrupt(_: SlackEvent) -> None:
        signal.raise_signal(signal.SIGINT)

    thread = in_background(tell)
    with pytest.raises(KeyboardInterrupt):
        socket_mode(credentials, {"*": answers(interrupt)}).listen()
    thread.join()
    assert told == [200]
    assert gone(slack_server)


@pytest.mark.parametrize("how", ["listen", "run"])
def test_a_scope_that_is_cancelled_ends_it(
    slack_server: SlackServer, credentials: SlackCredentials, how: str
) -> None:
    """Blocking and awaited alike."""
    receiver = socket_mode(credentials, {})
    with Scope("receiving") as scope:

        def cancel() -> None:
            assert slack_server.sockets.wait_opened()
            scope.cancel()

        thread = in_background(cancel)
        with pytest.raises(TaskCancelled):
            asyncio.run(receiver.run()) if how == "run" else receiver.listen()
    thread.join()
    assert gone(slack_server)


def test_async_handlers_run_on_the_loop_that_awaits(
    slack_server: SlackServer, credentials: SlackCredentials
) -> None:
    """Cancelling the task closes the socket."""

    async def main() -> bool:
        loops: list[asyncio.AbstractEventLoop] = []
        came = asyncio.Event()

        async def handler(_: SlackEvent) -> None:
            loops.append(asyncio.get_running_loop())
            came.set()

        running = asyncio.ensure_future(socket_mode(credentials, {"*": handler}).run())
        await asyncio.to_thread(slack_server.sockets.wait_opened)
        await asyncio.to_thread(slack_server.events.event, MENTION)
        await asyncio.wait_for(came.wait(), 5)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        return loops == [asyncio.get_running_loop()]

    assert asyncio.run(main())
    assert gone(slack_server)


def test_the_end_waits_for_handlers(
    slack_server: SlackServer, credentials: SlackCredentials
) -> None:
    """What was begun is ended."""
    begun, release, ended = threading.Event(), threading.Event(), threading.Event()

    def handler(_: SlackEvent) -> None:
        begun.set()
        assert release.wait(5)
        ended.set()

    receiver = socket_mode(credentials, {"*": handler})
    with receiver:
        slack_server.events.event(MENTION)
        assert begun.wait(5)
        closing = in_background(receiver.close)
        assert not ended.is_set()
        release.set()
    closing.join()
    assert ended.is_set()


def test_closing_twice_waits_for_handlers_too(
    slack_server: SlackServer, credentials: SlackCredentials
) -> None:
    """A second close cuts nothing off that the first one waits for."""
    begun, release, ended, cut = (threading.Event() for _ in range(4))

    async def handler(_: SlackEvent) -> None:
        begun.set()
        try:
            assert await asyncio.to_thread(release.wait, 5)
        except asyncio.CancelledError:
            cut.set()
            raise
        ended.set()

    with socket_mode(credentials, {"*": handler}) as receiver:
        slack_server.events.event(MENTION)
        assert begun.wait(5)
        closing = []
        for _ in range(2):
            closing.append(in_background(receiver.close))
            assert not cut.wait(0.1)
        release.set()
    for each in closing:
        each.join()
    assert ended.is_set()


def test_it_is_begun_once(slack_server: SlackServer, credentials: SlackCredentials) -> None:
    """A second time is an error, not a second socket."""
    receiver = socket_mode(credentials, {})
    with receiver, pytest.raises(InvalidArguments, match="begun before"):
        receiver.start()
    assert slack_server.sockets.opened == 1


def test_no_ticket_and_no_token_is_logged(
    slack_server: SlackServer, credentials: SlackCredentials, caplog: pytest.LogCaptureFixture
) -> None:
    """A handshake that fails quotes the URL, which is a ticket."""
    caplog.set_level(logging.DEBUG, "brickwork_slack")
    url = f"{slack_server.url.replace('http', 'ws', 1)}/link/?ticket=stale-ticket"
    slack_server.answer("apps.connections.open", {"url": url})
    receiver = socket_mode(credentials, {})
    with no_waiting(), Scope("trying") as scope:
        receiver.start()
        while "no socket was opened" not in caplog.text:
            assert not scope.cancelled()
        assert not receiver.is_connected()
        receiver.close()
    assert credentials.app_token is not None
    assert Secret("stale-ticket").reveal() not in caplog.text
    assert credentials.app_token.reveal() not in caplog.text
