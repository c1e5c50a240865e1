"""GitHub on this machine, for tests, demos and documentation.

`github_server` runs a GitHub on 127.0.0.1 that answers with the examples of GitHub's own OpenAPI
description, and refuses what that refuses: an unknown path, a missing, unknown or ill-typed
parameter or field, a missing token. A test says what is answered instead, and cannot lie: an
answer that contradicts the description is an error::

    with github_server() as github:
        github.answer("GET /repos/{owner}/{repo}/topics", {"names": ["bricks"]})
        client = github.credentials().client()
        assert client.get_repo("octocat/Hello-World").get_topics() == ["bricks"]

A repository that a test makes lives: what is created in it is there afterwards, and git may clone
it and push to it::

    bricks = github.repository("acme/bricks", {"README.md": "# Bricks"})

`brickwork_github.testing.faults` says what can go wrong: ``github.fail(None, server_error())``.

`deliver` signs a webhook's payload and delivers it to an ASGI app, and `webhook_payload` makes one.

For pytest, name the fixtures' module in the ``conftest.py`` at the root of your tests::

    pytest_plugins = ["brickwork_github.testing.fixtures"]

It needs ``pip install "brickwork-github[testing]"``, and npm once, to fetch the description.
"""

from brickwork_github.testing.faults import Fault
from brickwork_github.testing.live import (
    LiveRepository,
    RunPlan,
    actions_of,
    issues_of,
    releases_of,
    settings_of,
    statuses_of,
)
from brickwork_github.testing.messages import Answer, Asked, Refusal
from brickwork_github.testing.npm import DescriptionMissing
from brickwork_github.testing.server import GitHubServer, github_server
from brickwork_github.testing.validation import WrongAnswer
from brickwork_github.testing.webhooks import Answered, adeliver, deliver, webhook_payload

__all__ = [
    "Answer",
    "Answered",
    "Asked",
    "DescriptionMissing",
    "Fault",
    "GitHubServer",
    "LiveRepository",
    "Refusal",
    "RunPlan",
    "WrongAnswer",
    "actions_of",
    "adeliver",
    "deliver",
    "github_server",
    "issues_of",
    "releases_of",
    "settings_of",
    "statuses_of",
    "webhook_payload",
]
