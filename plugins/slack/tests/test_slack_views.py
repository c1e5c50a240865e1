"""Tasks on home tabs and modals: what is shown, and what is refused before it is sent."""

from typing import Any

import pytest
from hypothesis import given, strategies as st

from brickwork import open_serializer
from brickwork_slack import (
    SlackConflict,
    SlackInvalid,
    SlackNotFound,
    SlackUncertain,
    home,
    modal,
    open_view,
    publish_home,
    push_view,
    update_view,
)
from brickwork_slack.blockkit import divider, header, section
from brickwork_slack.credentials import SlackCredentials
from brickwork_slack.testing import SlackServer
from brickwork_slack.testing.blocks import view_faults
from brickwork_slack.testing.faults import lost_answer
from brickwork_slack.views.building import view_problems

INPUT = {
    "type": "input",
    "block_id": "name",
    "label": {"type": "plain_text", "text": "Name"},
    "element": {"type": "plain_text_input", "action_id": "name"},
}


def test_a_home_tab_is_filled(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """For a user by name; the next one replaces it."""
    first = publish_home(
        slack_credentials, "@ada", [header("Hello")], callback_id="home", private_metadata="42"
    )
    assert (first.kind, first.callback_id, first.private_metadata) == ("home", "home", "42")
    second = publish_home(slack_credentials, "ada@example.com", [divider()])
    assert second.id == first.id
    assert [each["type"] for each in second.blocks] == ["divider"]
    assert slack_server.workspace.views[first.id].user == slack_server.ada.id
    serializer = open_serializer("json")
    assert serializer.loads(serializer.dumps(second)) == second


def test_a_change_of_somebody_else_is_not_lost(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """Who names the hash that they saw is refused where it is another one now."""
    seen = publish_home(slack_credentials, slack_server.ada.id, [header("One")])
    publish_home(slack_credentials, slack_server.ada.id, [header("Two")])
    with pytest.raises(SlackConflict, match="hash_conflict"):
        publish_home(
            slack_credentials, slack_server.ada.id, [header("Three")], expected_hash=seen.hash
        )


def test_a_modal_is_opened_and_another_put_over_it(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """The second knows the first."""
    view = modal("Deploy", [section("Sure?"), INPUT], submit="Yes", close="No", callback_id="ask")
    first = open_view(slack_credentials, slack_server.trigger(), view)
    assert (first.kind, first.callback_id, first.root_id) == ("modal", "ask", first.id)
    second = push_view(slack_credentials, slack_server.trigger(), modal("More", [divider()]))
    assert (second.previous_id, second.root_id) == (first.id, first.id)


def test_a_modal_is_updated(slack_server: SlackServer, slack_credentials: SlackCredentials) -> None:
    """By Slack's id of it, or by the app's own."""
    view = modal("Deploy", [section("Sure?")], external_id="deploy-42")
    opened = open_view(slack_credentials, slack_server.trigger(), view)
    done = modal("Deploy", [section("Done")], external_id="deploy-42")
    assert update_view(slack_credentials, done, view_id=opened.id).id == opened.id
    assert update_view(slack_credentials, done, external_id="deploy-42").external_id == "deploy-42"
    with pytest.raises(SlackConflict, match="hash_conflict"):
        update_view(slack_credentials, done, view_id=opened.id, expected_hash="0" * 12)
    with pytest.raises(SlackNotFound):
        update_view(slack_credentials, done, view_id="V000000000")


@pytest.mark.parametrize("which", [{}, {"view_id": "V1", "external_id": "x"}])
def test_a_view_is_updated_by_one_id(
    slack_server: SlackServer, slack_credentials: SlackCredentials, which: dict[str, Any]
) -> None:
    """None or both is refused before anything is sent."""
    with pytest.raises(SlackInvalid, match="view_id"):
        update_view(slack_credentials, modal("x", [divider()]), **which)
    assert slack_server.requests == []


def test_a_trigger_is_good_once_and_not_for_long(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """The errors say which it was."""
    view = modal("Deploy", [divider()])
    trigger = slack_server.trigger()
    open_view(slack_credentials, trigger, view)
    with pytest.raises(SlackConflict, match="exchanged_trigger_id"):
        open_view(slack_credentials, trigger, view)
    late = slack_server.trigger()
    slack_server.advance(4)
    with pytest.raises(SlackConflict, match="expired_trigger_id") as caught:
        open_view(slack_credentials, late, view)
    assert "3 seconds" in caught.value.fix


def test_a_lost_answer_opens_no_second_modal(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """Nobody knows whether it is open, and it is not tried again."""
    slack_server.fail("views.open", lost_answer())
    with pytest.raises(SlackUncertain):
        open_view(slack_credentials, slack_server.trigger(), modal("Deploy", [divider()]))
    assert len(slack_server.requests) == 1


@pytest.mark.parametrize(
    ("view", "problem"),
    [
        (modal("x" * 25, [divider()]), "less than 25 characters [json-pointer:/view/title/text]"),
        (modal("x", [divider()], submit="y" * 25), "[json-pointer:/view/submit/text]"),
        (modal("x", [divider()], private_metadata="y" * 3001), "/view/private_metadata"),
        (modal("x", [INPUT]), "needs submit"),
        (modal("x", [divider()] * 101), "no more than 100 items allowed"),
        (modal("x", [{**header("y"), "text": {}}]), "[json-pointer:/view/blocks/0/text]"),
        (home([divider()]), "must be modal"),
        ({"type": "modal", "blocks": []}, "missing required field: title"),
        ({"type": "modal", "title": "x", "blocks": []}, "an object [json-pointer:/view/title]"),
        ({**home([]), "type": "modal", "blocks": ["x"]}, "[json-pointer:/view/blocks/0]"),
        ({**modal("x", []), "callback_id": 7}, "a string [json-pointer:/view/callback_id]"),
        ({**modal("x", []), "blocks": "divider"}, "field: blocks"),
        ({"type": "modal", "title": {"type": "plain_text", "text": "x"}}, "field: blocks"),
    ],
)
def test_a_view_is_looked_at_before_it_is_sent(
    slack_server: SlackServer,
    slack_credentials: SlackCredentials,
    view: dict[str, Any],
    problem: str,
) -> None:
    """What Slack would refuse costs no trigger."""
    with pytest.raises(SlackInvalid) as caught:
        open_view(slack_credentials, slack_server.trigger(), view)
    assert any(problem in each for each in caught.value.messages)
    assert slack_server.requests == []


TEXTS = st.text(st.characters(codec="ascii", categories=["L", "N"]), max_size=27)


@given(
    title=TEXTS,
    submit=st.none() | TEXTS,
    close=st.none() | TEXTS,
    callback_id=st.none() | st.integers(250, 260).map("c".__mul__),
    private_metadata=st.none() | st.integers(2998, 3002).map("m".__mul__),
    blocks=st.lists(st.sampled_from([divider(), section("x"), INPUT]), max_size=3),
)
def test_what_is_refused_here_is_what_slack_refuses(**parts: Any) -> None:
    """No more, or users could not send it; and no less, or it would cost them a trigger."""
    blocks = [{**block, "block_id": str(at)} for at, block in enumerate(parts.pop("blocks"))]
    view = modal(parts.pop("title"), blocks, **parts)
    assert bool(list(view_problems(view))) == bool(view_faults(view))


def test_what_keeps_the_limits_is_taken(
    slack_server: SlackServer, slack_credentials: SlackCredentials
) -> None:
    """Up to the last character, by Slack, too: twice as many blocks as a message has."""
    view = modal(
        "x" * 24,
        [divider()] * 100,
        submit="y" * 24,
        close="z" * 24,
        private_metadata="m" * 3000,
        callback_id="c" * 255,
        external_id="e" * 255,
    )
    assert len(open_view(slack_credentials, slack_server.trigger(), view).blocks) == 100
