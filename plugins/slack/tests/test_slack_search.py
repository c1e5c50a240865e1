"""Tasks that search: how much is found, and by whom."""

import pytest

from brickwork import open_serializer
from brickwork_slack import SlackDenied, SlackInvalid, search_files, search_messages
from brickwork_slack.credentials import SlackCredentials
from brickwork_slack.testing import SlackServer
from brickwork_slack.testing.state import File


@pytest.fixture
def person(slack_server: SlackServer) -> SlackCredentials:
    """Credentials of ``ada``."""
    return slack_server.credentials(token=slack_server.token(kind="user"))


def test_messages_are_found(slack_server: SlackServer, person: SlackCredentials) -> None:
    """As Slack's own search understands a query; with where people find them."""
    slack_server.say(slack_server.random, "deploy elsewhere")
    wanted = slack_server.say(slack_server.general, "Deploy of 4.2")
    found = search_messages(person, "deploy in:#general from:@ada")
    (message,) = found
    assert (message.text, message.ts) == ("Deploy of 4.2", wanted.ts)
    assert (message.channel, message.channel_name) == (slack_server.general.id, "general")
    assert (message.user, message.user_name) == (slack_server.ada.id, "ada")
    assert message.permalink.startswith("https://brick.slack.com/archives/")
    assert message.sent_at is not None
    assert (found.total, len(found)) == (1, 1)
    serializer = open_serializer("json")
    assert serializer.loads(serializer.dumps(found)) == found


def test_all_pages_are_asked_for(slack_server: SlackServer, person: SlackCredentials) -> None:
    """A hundred at once; a limit asks for less, and the total tells that there are more."""
    for number in range(230):
        slack_server.say(slack_server.general, f"brick {number}")
    found = search_messages(person, "brick", sort="timestamp", order="asc")
    assert [each.text for each in found] == [f"brick {number}" for number in range(230)]
    assert [each.arguments["page"] for each in slack_server.requests] == ["1", "2", "3"]
    few = search_messages(person, "brick", sort="timestamp", limit=3)
    assert [each.text for each in few] == ["brick 229", "brick 228", "brick 227"]
    assert (len(few), few.total) == (3, 230)
    assert slack_server.requests[-1].arguments["count"] == "3"
    assert len(search_messages(person, "brick", limit=120)) == 120
    assert len(search_messages(person, "brick", limit=0)) == 0


def test_nothing_is_found(slack_server: SlackServer, person: SlackCredentials) -> None:
    """That is no error, and one request."""
    found = search_messages(person, "mortar")
    assert (list(found), found.total) == ([], 0)
    assert len(slack_server.requests) == 1


def test_a_search_ends_where_slack_gives_no_more(
    slack_server: SlackServer, person: SlackCredentials
) -> None:
    """Whatever total it tells."""
    empty = {"total": 500, "matches": []}
    slack_server.answer("search.messages", {"query": "x", "messages": empty})
    assert search_messages(person, "x").total == 500
    assert len(slack_server.requests) == 1


def test_files_are_found(slack_server: SlackServer, person: SlackCredentials) -> None:
    """With where they are shared."""
    for name in ("report.csv", "notes.txt"):
        key = slack_server.new_id("F")
        file = File(key, name, name.title(), slack_server.ada.id, 11, 1700000000, complete=True)
        file.shares[slack_server.general.id] = ["1700000000.000100"]
        slack_server.workspace.files[key] = file
    (found,) = search_files(person, "report")
    assert (found.name, found.title, found.size) == ("report.csv", "Report.Csv", 11)
    assert found.media_type == "text/csv"
    assert found.channels == (slack_server.general.id,)
    assert found.created_at is not None
    assert found.created_at.timestamp() == 1700000000


def test_bots_do_not_search(slack_server: SlackServer, slack_credentials: SlackCredentials) -> None:
    """Slack lets only people search."""
    slack_server.expect_refusals()
    with pytest.raises(SlackDenied, match="not_allowed_token_type"):
        search_messages(slack_credentials, "x")


def test_a_search_for_nothing_is_refused(
    slack_server: SlackServer, person: SlackCredentials
) -> None:
    """By Slack, in its words."""
    slack_server.expect_refusals()
    with pytest.raises(SlackInvalid, match="no_query"):
        search_files(person, "")
