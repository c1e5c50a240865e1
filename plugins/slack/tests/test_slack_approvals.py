"""Asking for approval: who decides, by which way, what counts once, and what the message says."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import pytest

from brickwork import InvalidArguments, Progress, Scope, TaskCancelled, on_progress
from brickwork.testing.task import no_waiting
from brickwork_slack import (
    Approval,
    BlockActions,
    SlackDenied,
    SlackInvalid,
    SlackTimeout,
    SlackUnavailable,
    approval_handlers,
    ask_approval,
    create_user_group,
    set_user_group_members,
    slack_app,
)
from brickwork_slack.approvals.waiting import APPROVE, REFUSE, Waiting, decide
from brickwork_slack.blockkit import section
from brickwork_slack.credentials import SlackCredentials
from brickwork_slack.receivers.reading import read_request
from brickwork_slack.testing import Fault, SlackServer
from brickwork_slack.testing.faults import (
    lost_answer,
    rate_limited,
    reset_before,
    says,
    server_error,
)
from brickwork_slack.testing.posts import action_payload, deliver, interaction_post
from brickwork_slack.testing.state import Message, User

Step = Callable[[Message], object]


@pytest.fixture
def credentials(slack_server: SlackServer) -> SlackCredentials:
    """Credentials for Socket Mode."""
    return slack_server.credentials(app_token=slack_server.token(kind="app"))


@contextmanager
def then(slack: SlackServer, *steps: Step) -> Iterator[list[Any]]:
    """Do something at each look at what was decided; yield what each step gave."""
    given: list[Any] = []
    left = list(steps)

    def on(report: Progress) -> None:
        if left and "approval" in report.text:
            given.append(left.pop(0)(asked(slack)))

    with on_progress(on):
        yield given
    assert not left, "it ended before all was done"


def asked(slack: SlackServer) -> Message:
    """Return the message that asks, or asked."""
    return list(slack.general.messages.values())[-1]


def presses(slack: SlackServer, action_id: str, user: User | None = None) -> Step:
    """Return what presses a button."""
    return lambda message: slack.press_button(message, action_id, user=user).status


def gone(slack: SlackServer) -> bool:
    """Wait until all sockets are closed."""
    with slack.sockets.changed:
        return slack.sockets.changed.wait_for(lambda: not slack.sockets.connections, 5)


def shown(message: Message) -> str:
    """Return what people read."""
    return str(message.blocks)


@pytest.mark.parametrize(("button", "approved"), [(APPROVE, True), (REFUSE, False)])
def test_a_button_decides_over_socket_mode(
    slack_server: SlackServer, credentials: SlackCredentials, button: str, approved: bool
) -> None:
    """The result says who and when, and so does the message, which has no buttons after."""
    with then(slack_server, presses(slack_server, button)) as pressed:
        decided = ask_approval(credentials, "#general", "Deploy *1.4*?")
    assert pressed == [200]
    assert isinstance(decided, Approval)
    assert (decided.approved, decided.by, decided.comment) == (approved, slack_server.ada.id, "")
    message = asked(slack_server)
    assert (decided.channel, decided.ts) == (message.channel, message.ts)
    assert "Deploy *1.4*?" in shown(message)
    assert "Approved" in shown(message) if approved else "Refused" in shown(message)
    assert slack_server.ada.id in shown(message)
    assert f"<!date^{int(decided.at.timestamp())}" in shown(message)
    assert "button" not in shown(message)
    assert len(slack_server.asked("chat.update")) == 1
    assert gone(slack_server)


@pytest.mark.parametrize("whom", ["id", "name"])
def test_a_person_is_asked_alone(
    slack_server: SlackServer, credentials: SlackCredentials, whom: str
) -> None:
    """By the id or the name: what they press in the direct message counts, and it says so."""
    pressed: list[int] = []

    def press(report: Progress) -> None:
        if not pressed and "approval" in report.text:
            message = direct()
            pressed.append(slack_server.press_button(message, APPROVE).status)

    def direct() -> Message:
        (channel,) = [
            each for each in slack_server.workspace.channels.values() if each.kind == "im"
        ]
        return list(channel.messages.values())[-1]

    with on_progress(press):
        decided = ask_approval(
            credentials,
            slack_server.ada.id if whom == "id" else "@ada",
            "Deploy?",
            wait_seconds=5,
        )
    assert decided.approved
    assert decided.channel == direct().channel
    assert "Approved" in shown(direct())


def test_the_async_twin_waits_without_blocking(
    slack_server: SlackServer, credentials: SlackCredentials
) -> None:
    """Others run on the loop meanwhile."""

    async def main() -> tuple[Approval, int]:
        turns = 0
        asking = asyncio.ensure_future(ask_approval.aio(credentials, "#general", "Deploy?"))
        while not asking.done():
            turns += 1
            await asyncio.sleep(0.01)
        return await asking, turns

    def nothing(_: object) -> None:
        pass

    with then(slack_server, nothing, presses(slack_server, APPROVE)):
        decided, turns = asyncio.run(main())
    assert decided.approved
    assert turns > 5
    assert gone(slack_server)


def test_an_app_of_the_same_process_takes_decisions(slack_server: SlackServer) -> None:
    """By `approval_handlers`; with the comment that was written."""
    credentials = slack_server.credentials()
    app = slack_app(credentials, approval_handlers())

    def press(message: Message) -> int:
        (row,) = [each for each in message.blocks if each["type"] == "actions"]
        payload = action_payload(APPROVE, row["elements"][0]["value"])
        payload |= {
            "user": {"id": slack_server.ada.id},
            "channel": {"id": message.channel},
            "container": {"type": "message", "message_ts": message.ts},
            "state": {
                "values": {
                    "brickwork_comment": {
                        "comment": {"type": "plain_text_input", "value": "*after* <!here> lunch"}
                    }
                }
            },
        }
        assert credentials.signing_secret is not None
        return deliver(app, interaction_post(payload), credentials.signing_secret).status

    with then(slack_server, press) as pressed:
        decided = ask_approval(credentials, "#general", "Deploy?", by="app", comment=True)
    assert pressed == [200]
    assert (decided.approved, decided.comment) == (True, "*after* <!here> lunch")
    assert "lunch" in shown(asked(slack_server))
    assert "<!here>" not in shown(asked(slack_server))


@pytest.mark.parametrize(("emoji", "approved"), [("white_check_mark", True), ("x", False)])
def test_reactions_decide_where_nothing_else_can(
    slack_server: SlackServer, slack_credentials: SlackCredentials, emoji: str, approved: bool
) -> None:
    """The message says which; the app's own do not count."""

    def own(message: Message) -> None:
        slack_server.react(message, "x", user=slack_server.bot)
        slack_server.react(message, "eyes")

    def react(message: Message) -> None:
        slack_server.react(message, emoji)

    with no_waiting(), then(slack_server, own, react):
        decided = ask_approval(slack_credentials, "#general", "Deploy?")
    assert (decided.approved, decided.by) == (approved, slack_server.ada.id)
    assert ":white_check_mark: to approve" in str(slack_server.asked("chat.postMessage"))


@pytest.mark.parametrize("fault", [server_error(), reset_before()])
def test_people_decide_while_slack_is_away(
    slack_server: SlackServer, slack_credentials: SlackCredentials, fault: Fault
) -> None:
    """For longer than requests are repeated: the wait goes on, and so takes what they decided."""
    slack_server.fail("reactions.get", fault, times=9)
    with no_waiting(), then(slack_server, lambda asks: slack_server.react(asks, "x")):
        decided = ask_approval(slack_credentials, "#general", "Deploy?", wait_seconds=7200)
    assert not decided.approved


def test_people_are_asked_once_though_the_answer_is_lost(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """And what they decide by that message counts."""
    slack_server.fail("chat.postMessage", lost_answer())
    with no_waiting(), then(slack_server, lambda asks: slack_server.react(asks, "x")):
        decided = ask_approval(slack_credentials, "#general", "Deploy?")
    (message,) = slack_server.general.messages.values()
    assert (decided.approved, decided.ts) == (False, message.ts)


def test_a_question_has_blocks_and_a_thread(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """While it is open, and after."""
    parent = slack_server.say(slack_server.general, "Release 1.4")
    more = section("It has *3* changes")
    seen: list[Message] = []

    def react(message: Message) -> None:
        seen.append(deepcopy(message))
        slack_server.react(message, "x")

    with no_waiting(), then(slack_server, react):
        ask_approval(slack_credentials, "#general", "Deploy?", blocks=[more], thread_ts=parent.ts)
    (after,) = slack_server.general.replies(parent.ts)
    assert "It has *3* changes" in shown(seen[0])
    assert "to approve" in shown(seen[0])
    assert "It has *3* changes" in shown(after)
    assert "Refused" in shown(after)


def test_nobody_is_asked_where_no_socket_comes_to_stand(
    slack_server: SlackServer, credentials: SlackCredentials
) -> None:
    """An error after a while, instead of a wait without end."""
    slack_server.fail("apps.connections.open", server_error(), times=999)
    with no_waiting(), pytest.raises(SlackUnavailable, match="nobody was asked"):
        ask_approval(credentials, "#general", "Deploy?")
    assert not slack_server.asked("chat.postMessage")


def test_a_rate_limit_does_not_end_the_wait(slack_server: SlackServer) -> None:
    """Though it is longer than a request may wait."""
    robot = slack_server.credentials(client_options={"rate_limit_wait_seconds": 0.1})
    slack_server.fail("reactions.get", rate_limited(1))
    with then(slack_server, lambda asks: slack_server.react(asks, "x")):
        decided = ask_approval(robot, "#general", "Deploy?", poll_seconds=0.3)
    assert not decided.approved


def test_a_reaction_that_is_taken_back_does_not_count(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """Two have to approve at the same time."""
    bob = slack_server.user("bob")

    def on(user: User) -> Step:
        return lambda message: slack_server.react(message, "white_check_mark", user=user)

    def back(message: Message) -> None:
        slack_server.unreact(message, "white_check_mark", user=slack_server.ada)

    steps = (on(slack_server.ada), back, on(bob), on(bob))
    with no_waiting(), then(slack_server, *steps), pytest.raises(SlackTimeout):
        ask_approval(slack_credentials, "#general", "Go?", approvals=2, wait_seconds=60)


def test_as_many_as_wanted_have_to_approve(
    slack_server: SlackServer, credentials: SlackCredentials
) -> None:
    """Each counts once, however often they press; both are named."""
    bob = slack_server.user("bob")
    steps = [presses(slack_server, APPROVE)] * 2 + [presses(slack_server, APPROVE, bob)]
    with then(slack_server, *steps):
        decided = ask_approval(credentials, "#general", "Deploy?", approvals=2)
    assert [each.by for each in decided.decisions] == [slack_server.ada.id, bob.id]
    assert decided.by == bob.id
    assert all(user in shown(asked(slack_server)) for user in (slack_server.ada.id, bob.id))
    told = slack_server.asked("response_url")
    assert "You approved this before" in str(told)


def test_who_may_not_decide_is_told(
    slack_server: SlackServer, credentials: SlackCredentials
) -> None:
    """Users by name and groups by handle; nobody else counts."""
    bob, eve = slack_server.user("bob"), slack_server.user("eve")
    group = create_user_group(credentials, "On call", handle="oncall")
    set_user_group_members(credentials, group.id, [bob.id])
    steps = [
        presses(slack_server, APPROVE, eve),
        presses(slack_server, APPROVE, bob),
        presses(slack_server, APPROVE),
    ]
    with then(slack_server, *steps):
        decided = ask_approval(
            credentials, "#general", "Deploy?", users=["@ada"], groups=["oncall"], approvals=2
        )
    assert [each.by for each in decided.decisions] == [bob.id, slack_server.ada.id]
    assert "not among those who may decide" in str(slack_server.asked("response_url"))


def test_too_few_deciders_are_an_error(
    slack_server: SlackServer, credentials: SlackCredentials
) -> None:
    """Before anything is asked."""
    with pytest.raises(SlackInvalid, match="1 people may decide, and 2 have to"):
        ask_approval(credentials, "#general", "Deploy?", users=["@ada"], approvals=2)
    assert not slack_server.asked("chat.postMessage")


def press_of(message: Message, value: str, **around: Any) -> BlockActions:
    """Return what a press of the approving button says."""
    payload = action_payload(APPROVE, value)
    payload |= {
        "user": {"id": "U1"},
        "channel": {"id": message.channel},
        "container": {"type": "message", "message_ts": message.ts},
        **around,
    }
    payload.pop("response_url", None)
    request = read_request(payload)
    assert isinstance(request, BlockActions)
    return request


def test_a_forged_button_decides_nothing(slack_server: SlackServer) -> None:
    """It has to carry what was made for this message, and be pressed in it."""
    message = slack_server.say(slack_server.general, "Deploy?")
    with Waiting(message.channel, (), 1, ts=message.ts) as waiting:
        decide(press_of(message, "approve"))
        decide(press_of(message, ""))
        decide(press_of(message, waiting.key[:-1]))
        decide(press_of(message, waiting.key, channel={"id": "C0ELSEWHERE"}))
        decide(press_of(message, waiting.key, container={"message_ts": "1.1"}))
        decide(press_of(message, waiting.key, user={}))
        assert waiting.decisions == []
        decide(press_of(message, waiting.key))
        assert waiting.approved
    assert waiting.key not in repr(waiting)


def test_what_is_decided_stays_decided() -> None:
    """Of many who press at once one counts, and nobody after the end."""
    with Waiting("C1", (), 1) as waiting:
        start = threading.Barrier(8)
        told: list[str] = []

        def press(number: int) -> None:
            start.wait()
            told.append(waiting.take(f"U{number}", approved=number % 2 == 0))

        threads = [threading.Thread(target=press, args=(each,)) for each in range(8)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    assert told.count("") == 1
    assert len(waiting.decisions) == 1
    assert "decided before" in waiting.take("U9", approved=True)


def test_nobody_decides_in_time(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """An error, and the message says so and has no way to decide any more."""
    with no_waiting(), pytest.raises(SlackTimeout, match="Nobody decided"):
        ask_approval(slack_credentials, "#general", "Deploy?", wait_seconds=60)
    assert "Nobody decided in time" in shown(asked(slack_server))


def test_it_ends_within_the_time_of_the_task(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """So that the message can still say how it ended."""
    with no_waiting(), Scope("short", seconds=30), pytest.raises(SlackTimeout):
        ask_approval(slack_credentials, "#general", "Deploy?")
    assert "Nobody decided in time" in shown(asked(slack_server))


def test_a_cancelled_task_says_so_in_the_message(
    slack_server: SlackServer, credentials: SlackCredentials
) -> None:
    """And takes no decision after, and leaves no socket."""
    with (
        Scope("deploy") as scope,
        then(slack_server, lambda _: scope.cancel()),
        pytest.raises(TaskCancelled),
    ):
        ask_approval(credentials, "#general", "Deploy?")
    assert "Cancelled" in shown(asked(slack_server))
    assert gone(slack_server)


def test_a_cancelled_twin_says_so_too(
    slack_server: SlackServer, credentials: SlackCredentials
) -> None:
    """By the event loop's own cancelling."""

    async def main() -> None:
        asking: list[asyncio.Task[Approval]] = []
        with then(slack_server, lambda _: asking[0].cancel()):
            asking.append(
                asyncio.ensure_future(ask_approval.aio(credentials, "#general", "Deploy?"))
            )
            with pytest.raises(asyncio.CancelledError):
                await asking[0]

    asyncio.run(main())
    assert "Cancelled" in shown(asked(slack_server))
    assert gone(slack_server)


def test_a_decision_counts_though_the_message_cannot_be_changed(
    slack_server: SlackServer, credentials: SlackCredentials
) -> None:
    """What people decided is not lost for a message."""
    slack_server.fail("chat.update", says("cant_update_message"))
    with then(slack_server, presses(slack_server, APPROVE)):
        assert ask_approval(credentials, "#general", "Deploy?").approved


def test_an_app_token_that_is_not_taken_is_an_error(
    slack_server: SlackServer, credentials: SlackCredentials
) -> None:
    """Before anything is asked."""
    slack_server.expect_refusals()
    assert credentials.app_token is not None
    slack_server.revoke(credentials.app_token)
    with pytest.raises(SlackDenied):
        ask_approval(credentials, "#general", "Deploy?")
    assert not slack_server.asked("chat.postMessage")


@pytest.mark.parametrize(
    "options",
    [
        {"approvals": 0},
        {"comment": True},
        {"by": "reactions", "comment": True},
        {"wait_seconds": 0},
        {"poll_seconds": -1},
        {"poll_seconds": float("nan")},
    ],
)
def test_what_cannot_be_is_said_at_once(
    slack_credentials: SlackCredentials, options: dict[str, Any]
) -> None:
    """Reactions have no comment, somebody has to approve, and nobody waits less than no time."""
    with pytest.raises(InvalidArguments):
        ask_approval(slack_credentials, "#general", "Deploy?", **options)
