"""The one door: what is waited for, what is repeated, what is told."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from brickwork import BlockError, Scope, TaskCancelled, TaskTimeout
from brickwork.testing.task import no_waiting
from brickwork_slack import (
    SlackCredentials,
    SlackDenied,
    SlackError,
    SlackInvalid,
    SlackRateLimited,
    SlackUnavailable,
    SlackUncertain,
)
from brickwork_slack.calls import ask, everything
from brickwork_slack.tasks import driven
from brickwork_slack.testing import Fault, SlackServer
from brickwork_slack.testing.faults import (
    garbled,
    lost_answer,
    rate_limited,
    reset_after,
    reset_before,
    says,
    server_error,
    slow,
)

Call = Callable[..., Any]
READ = "team.info"
BROKEN = [server_error(500), server_error(503), reset_before(), reset_after(), lost_answer()]
BROKEN += [garbled(), says("internal_error"), says("fatal_error")]
BROKEN_IDS = ["500", "503", "before", "after", "amidst", "garbled", "internal", "fatal"]


@pytest.fixture(params=["call", "aio"])
def call(request: pytest.FixtureRequest) -> Iterator[Call]:
    """Ask in the one way or in the other, without waits."""

    def blocking(*args: Any, **kwargs: Any) -> Any:
        return driven(ask(*args, **kwargs))

    def waiting(*args: Any, **kwargs: Any) -> Any:
        return asyncio.run(ask(*args, **kwargs))

    with no_waiting():
        yield blocking if request.param == "call" else waiting


def settings(server: SlackServer, **options: Any) -> SlackCredentials:
    """Return credentials with other options of clients."""
    return server.credentials(client_options=options)


def test_a_rate_limit_is_waited_out(slack_server: SlackServer, call: Call) -> None:
    """As long as Slack says, for reads and for changes, however often."""
    robot = settings(slack_server, retries=0)
    for method in (READ, "chat.postMessage"):
        slack_server.fail(method, rate_limited(7), times=2)
    with no_waiting() as waits:
        assert call(robot, READ)["ok"]
        assert call(robot, "chat.postMessage", channel=slack_server.general.id, text="x")["ok"]
    assert [round(wait) for wait in waits] == [7, 7, 7, 7]
    assert len(slack_server.general.posted) == 1


def test_a_rate_limit_counts_as_no_try(slack_server: SlackServer, call: Call) -> None:
    """What fails after it is repeated as often as what fails without it."""
    for fault in (rate_limited(1), rate_limited(1), server_error()):
        slack_server.fail(READ, fault)
    assert call(settings(slack_server, retries=1), READ)["ok"]
    assert len(slack_server.requests) == 4


def test_a_limit_that_says_no_time_is_waited_out_too(slack_server: SlackServer, call: Call) -> None:
    """Half a minute, and a limit as a code, without the status, is one."""
    slack_server.fail(READ, rate_limited(None))
    slack_server.fail(READ, says("ratelimited"))
    with no_waiting() as waits:
        assert call(slack_server.credentials(), READ)["ok"]
    assert [round(wait) for wait in waits] == [30, 30]


@pytest.mark.parametrize("said", ["nan", "inf", "soon", "Wed, 21 Oct 2026 07:28:00 GMT"])
def test_a_limit_that_says_no_number_is_waited_out_too(
    slack_server: SlackServer, call: Call, said: str
) -> None:
    """Half a minute; a wait that never ends, or cannot be compared, is none."""
    slack_server.fail(READ, Fault(429, {"ok": False}, {"Retry-After": said}))
    with no_waiting() as waits:
        assert call(slack_server.credentials(), READ)["ok"]
    assert [round(wait) for wait in waits] == [30]


def test_without_time_a_rate_limit_is_an_error_at_once(
    slack_server: SlackServer, call: Call
) -> None:
    """With the seconds; and nothing more is sent before the limit lifts."""
    robot = slack_server.credentials()
    slack_server.fail(READ, rate_limited(60))
    with no_waiting() as waits, Scope("job", seconds=5):
        for _ in range(2):
            with pytest.raises(SlackRateLimited, match="wait 60 s") as caught:
                call(robot, READ)
    assert caught.value.retry_after_seconds == pytest.approx(60, abs=2)
    assert (caught.value.error, caught.value.method) == ("ratelimited", READ)
    assert (waits, len(slack_server.requests)) == ([], 1)


def test_the_longest_wait_is_the_users(slack_server: SlackServer, call: Call) -> None:
    """Also where a task has all the time of the world."""
    slack_server.fail(READ, rate_limited(60))
    with pytest.raises(SlackRateLimited):
        call(settings(slack_server, rate_limit_wait_seconds=59), READ)


def test_a_limit_of_one_method_stops_no_other(slack_server: SlackServer, call: Call) -> None:
    """Slack counts each method by itself."""
    robot = settings(slack_server, rate_limit_wait_seconds=1)
    slack_server.fail(READ, rate_limited(60))
    with pytest.raises(SlackRateLimited):
        call(robot, READ)
    assert call(robot, "auth.test")["ok"]


def test_all_threads_wait_together(slack_server: SlackServer) -> None:
    """Once one was told to wait, no other asks before that."""
    slack_server.fail(READ, rate_limited(1))
    driven_alone = settings(slack_server, rate_limit_wait_seconds=0)
    with pytest.raises(SlackRateLimited):
        driven(ask(driven_alone, READ))
    # Others with these credentials know of it, without a request of their own.
    results: list[object] = []

    def one() -> None:
        try:
            results.append(driven(ask(driven_alone, READ)))
        except SlackRateLimited as error:
            results.append(error)

    threads = [threading.Thread(target=one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [type(each) for each in results] == [SlackRateLimited] * 8
    assert len(slack_server.requests) == 1


def test_many_threads_use_one_token(slack_server: SlackServer) -> None:
    """Each has its own answer, through limits and broken connections."""
    robot = slack_server.credentials()
    slack_server.fail(None, rate_limited(1), times=3)
    slack_server.fail(None, reset_before(), times=3)
    names: dict[int, str] = {}

    def one(number: int) -> None:
        user = slack_server.user(f"person-{number}")
        names[number] = driven(ask(robot, "users.info", user=user.id))["user"]["name"]

    with no_waiting():
        threads = [threading.Thread(target=one, args=(number,)) for number in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert names == {number: f"person-{number}" for number in range(16)}


def test_many_coroutines_and_loops_use_one_token(slack_server: SlackServer) -> None:
    """One after the other and side by side, without a connection that is left open."""
    robot = slack_server.credentials()

    async def many() -> list[bool]:
        answers = await asyncio.gather(*(ask(robot, READ) for _ in range(8)))
        return [answer["ok"] for answer in answers]

    assert asyncio.run(many()) == asyncio.run(many()) == [True] * 8


@pytest.mark.parametrize("fault", BROKEN, ids=BROKEN_IDS)
@pytest.mark.parametrize("method", [READ, "conversations.setTopic"])
def test_what_does_no_harm_is_repeated(
    slack_server: SlackServer, call: Call, fault: Fault, method: str
) -> None:
    """Reads, and what means the same when it comes twice, after whatever broke."""
    given = {} if method == READ else {"channel": slack_server.general.id, "topic": "On"}
    slack_server.fail(method, fault, times=2)
    assert call(slack_server.credentials(), method, **given)["ok"]
    assert len(slack_server.asked(method)) == 3


@pytest.mark.parametrize("fault", BROKEN, ids=BROKEN_IDS)
def test_what_may_do_harm_is_not_repeated(
    slack_server: SlackServer, call: Call, fault: Fault
) -> None:
    """Nobody knows whether it was done, and the error says so."""
    slack_server.fail("chat.postEphemeral", fault)
    where = {"channel": slack_server.general.id, "user": slack_server.ada.id}
    with pytest.raises(SlackUncertain, match="Nobody knows") as caught:
        call(slack_server.credentials(), "chat.postEphemeral", text="x", **where)
    assert caught.value.method == "chat.postEphemeral"
    assert "before you do it again" in caught.value.fix
    assert len(slack_server.requests) == 1


def test_what_was_surely_not_taken_is_repeated(slack_server: SlackServer, call: Call) -> None:
    """A request that came in part only did nothing, as Slack says."""
    slack_server.fail("chat.postMessage", says("request_timeout"))
    call(slack_server.credentials(), "chat.postMessage", channel=slack_server.general.id, text="x")
    assert len(slack_server.general.posted) == 1
    assert len(slack_server.requests) == 2


@pytest.mark.parametrize("method", [READ, "chat.postEphemeral"])
def test_what_was_never_sent_is_repeated(
    slack_server: SlackServer, call: Call, method: str
) -> None:
    """Where nobody listens, any method may be tried again; then it is surely not done."""
    nobody = settings(slack_server, retries=2).model_copy(
        update={"base_url": "http://127.0.0.1:9/api/"}
    )
    with no_waiting() as waits, pytest.raises(SlackUnavailable, match="nobody listens") as caught:
        call(nobody, method)
    assert caught.value.never_sent
    assert "http://127.0.0.1:9" in caught.value.what
    assert len(waits) == 2


def test_repeats_end(slack_server: SlackServer, call: Call) -> None:
    """After as many as the credentials say, with pauses that grow."""
    slack_server.fail(READ, server_error(502), times=9)
    with no_waiting() as waits, pytest.raises(SlackUnavailable, match="HTTP 502") as caught:
        call(settings(slack_server, retries=4), READ)
    assert caught.value.status == 502
    assert len(slack_server.requests) == 5
    assert waits == sorted(waits)
    assert len(waits) == 4


def test_repeats_end_with_the_time_of_the_task(slack_server: SlackServer, call: Call) -> None:
    """A pause that is longer than what is left is not begun."""
    slack_server.fail(READ, server_error(), times=99)
    robot = settings(slack_server, retries=20)
    with no_waiting() as waits, Scope("job", seconds=10), pytest.raises(SlackUnavailable):
        call(robot, READ)
    assert 0 < sum(waits) < 10


@pytest.mark.parametrize("fault", [reset_after(), lost_answer(), server_error(503, served=True)])
def test_what_was_done_by_the_first_try_counts_as_done(
    slack_server: SlackServer, call: Call, fault: Fault
) -> None:
    """The second one is told already_reacted, which is what was wanted."""
    message = slack_server.say(slack_server.general, "Deploying")
    given = {"channel": message.channel, "timestamp": message.ts, "name": "eyes"}
    robot = slack_server.credentials()
    slack_server.fail("reactions.add", fault)
    assert call(robot, "reactions.add", **given) == {"ok": True}
    assert message.reactions == {"eyes": [slack_server.bot.id]}
    with pytest.raises(SlackError) as caught:  # without a lost answer it is what Slack says
        call(robot, "reactions.add", **given)
    assert caught.value.error == "already_reacted"


def test_a_refusal_is_not_repeated(slack_server: SlackServer, call: Call) -> None:
    """It says what lacks, and what the token has, in words and for programs."""
    robot = slack_server.credentials(token=slack_server.token(scopes=["chat:write"]))
    with pytest.raises(SlackDenied, match="lacks the scope channels:read") as caught:
        call(robot, "conversations.list")
    assert "channels:read" in caught.value.needed
    assert caught.value.provided == ("chat:write",)
    assert "channels:read" in caught.value.fix
    assert len(slack_server.requests) == 1


def test_slacks_words_are_in_the_error(slack_server: SlackServer, call: Call) -> None:
    """Also for programs, as `messages`."""
    slack_server.expect_refusals()
    with pytest.raises(SlackInvalid) as caught:
        call(
            slack_server.credentials(),
            "chat.postMessage",
            channel=slack_server.general.id,
            blocks=[{"type": "section"}],
        )
    assert caught.value.error in ("invalid_blocks", "invalid_arguments")
    assert caught.value.messages


@pytest.mark.parametrize("status", [302, 400, 403, 404])
def test_what_is_no_answer_of_slack_is_told(
    slack_server: SlackServer, call: Call, status: int
) -> None:
    """A page of a proxy, or of another server: look at the address."""
    page = Fault(status, b"<html>blocked</html>", {"Content-Type": "text/html"})
    slack_server.fail(READ, page)
    with pytest.raises(SlackError, match=f"HTTP {status}, and no answer of Slack's") as caught:
        call(slack_server.credentials(), READ)
    assert "base_url" in caught.value.fix


def test_a_broken_json_is_no_answer(slack_server: SlackServer, call: Call) -> None:
    """Whatever the type of its content says; reads are repeated, and then told of."""
    broken = Fault(200, b'{"ok": tr', {"Content-Type": "application/json"})
    slack_server.fail(READ, broken, times=2)
    with pytest.raises(SlackUnavailable, match="HTTP 200, and no answer") as caught:
        call(settings(slack_server, retries=1), READ)
    assert caught.value.status == 200


def test_arguments_are_sent_as_slack_takes_them(slack_server: SlackServer, call: Call) -> None:
    """None is left out, and a method that slack_sdk does not know gets a form."""
    robot = slack_server.credentials()
    slack_server.answer("users.profile.get", {"profile": {}})
    call(robot, READ, team=None)
    call(robot, "users.profile.get", user=None, include_labels=True)
    assert "team" not in slack_server.requests[0].arguments
    assert "user" not in slack_server.requests[1].arguments


def test_an_unknown_method_gets_a_form(slack_server: SlackServer, call: Call) -> None:
    """All methods take forms, and not all take JSON; lists are JSON in them."""
    slack_server.expect_refusals()
    with pytest.raises(SlackInvalid) as caught:
        call(slack_server.credentials(), "bricks.lay", rows=[1, {"a": True}], dry=True, name="x")
    assert caught.value.error == "unknown_method"
    (asked,) = slack_server.requests
    assert asked.headers["Content-Type"].startswith("application/x-www-form-urlencoded")
    assert asked.arguments == {"rows": '[1, {"a": true}]', "dry": "true", "name": "x"}


def test_arguments_that_the_sdk_does_not_take_are_refused(
    slack_server: SlackServer, call: Call
) -> None:
    """Before anything is sent."""
    with pytest.raises(SlackInvalid, match=r"users\.info.*user"):
        call(slack_server.credentials(), "users.info")
    assert slack_server.requests == []


def test_a_bundle_that_cannot_be_read_is_the_fault_of_the_block(
    slack_server: SlackServer, call: Call
) -> None:
    """And not of the network."""
    robot = settings(slack_server, ca_bundle="/no/such/file.pem")
    with pytest.raises(BlockError, match="no/such/file"):
        call(robot, READ)


def test_a_slow_answer_ends_with_the_time_out(slack_server: SlackServer, call: Call) -> None:
    """Reads are repeated; nobody knows of a change, which Slack may still be at."""
    robot = settings(slack_server, timeout=0.3)
    slack_server.fail(READ, slow(5))
    assert call(robot, READ)["ok"]
    slack_server.fail("chat.postMessage", slow(5))
    with pytest.raises(SlackUncertain, match="it took too long") as caught:
        call(robot, "chat.postMessage", channel=slack_server.general.id, text="x")
    assert caught.value.still_at_it


def test_no_request_takes_longer_than_the_task_has(slack_server: SlackServer) -> None:
    """Its time-out is what is left of the task's."""
    slack_server.fail(READ, slow(20), times=9)
    with Scope("job", seconds=0.5), pytest.raises((SlackUnavailable, TaskTimeout)):
        driven(ask(slack_server.credentials(), READ))


def test_a_cancelled_task_stops_waiting(slack_server: SlackServer) -> None:
    """At once, in the midst of a rate limit's minutes."""
    robot = slack_server.credentials()
    slack_server.fail(READ, rate_limited(500), times=9)
    ended: list[BaseException] = []
    scope = Scope("job")

    def wait() -> None:
        with scope:
            try:
                driven(ask(robot, READ))
            except TaskCancelled as error:
                ended.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    while not slack_server.requests:
        pass
    scope.cancel()
    waiting.join(10)
    assert not waiting.is_alive()
    assert len(ended) == 1


def test_a_cancelled_coroutine_stops_waiting(slack_server: SlackServer) -> None:
    """As any coroutine does."""
    robot = slack_server.credentials()
    slack_server.fail(READ, rate_limited(500), times=9)

    async def work() -> None:
        asking = asyncio.create_task(ask(robot, READ))
        while not slack_server.requests:
            await asyncio.sleep(0)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking

    asyncio.run(work())


def test_pages_end_where_a_cursor_comes_again(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """A service that leads in circles does not hold anybody for ever."""
    answer = {"members": ["U1"], "response_metadata": {"next_cursor": "round"}}
    slack_server.answer("conversations.members", answer)
    where = slack_server.general.id
    found = driven(everything(slack_credentials, "conversations.members", "members", channel=where))
    assert found == ["U1", "U1"]


def test_a_negative_limit_is_refused(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """It means nothing, and nothing is sent."""
    with pytest.raises(ValueError, match="negative"):
        driven(everything(slack_credentials, "users.list", "members", limit=-1))
    assert slack_server.requests == []
