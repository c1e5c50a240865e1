"""Slack on this machine, for tests, demos and documentation.

`slack_server` runs a Slack on 127.0.0.1 that keeps what it is told: channels, messages, threads,
files, reactions. It refuses what Slack refuses, with Slack's codes; what it takes and answers is
checked against the TypeScript types that Slack publishes, so it cannot lie::

    with slack_server() as slack:
        client = slack.credentials().client()
        client.chat_postMessage(channel=slack.general.id, text="Bricks")
        assert [message.text for message in slack.general.posted] == ["Bricks"]

`brickwork_slack.testing.faults` says what can go wrong: ``slack.fail(None, server_error())``.

`brickwork_slack.testing.posts` makes what Slack posts to apps, and delivers it to an ASGI app.

For pytest, name the fixtures' module in the ``conftest.py`` at the root of your tests::

    pytest_plugins = ["brickwork_slack.testing.fixtures"]

It needs ``pip install "brickwork-slack[testing]"``, and Node and npm once, to fetch the types.
"""

from brickwork_slack.testing.faults import Fault
from brickwork_slack.testing.npm import TypesMissing
from brickwork_slack.testing.server import SlackServer, slack_server
from brickwork_slack.testing.state import Channel, File, Message, User, Workspace
from brickwork_slack.testing.traffic import Asked, Refusal
from brickwork_slack.testing.types import WrongAnswer

__all__ = [
    "Asked",
    "Channel",
    "Fault",
    "File",
    "Message",
    "Refusal",
    "SlackServer",
    "TypesMissing",
    "User",
    "Workspace",
    "WrongAnswer",
    "slack_server",
]
