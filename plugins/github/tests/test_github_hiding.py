"""Secrets in GitHub's answers are known to the masker before anybody can log them."""

import json
import logging
import traceback
from collections.abc import Callable

import pytest
from hypothesis import given, strategies as st

from brickwork import mask
from brickwork_github import GitHubCredentials, GitHubDenied, GitHubError, get_issue, github_call
from brickwork_github.hiding import hide_secrets
from brickwork_github.testing import GitHubServer
from brickwork_github.testing.faults import bad_credentials

RUNNER = "POST /repos/{owner}/{repo}/actions/runners/registration-token"


def test_a_runners_token_is_hidden(
    github_server: GitHubServer,
    github_credentials: GitHubCredentials,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """PyGithub logs the answer with the token in it; the log shows no token."""
    token = github_server.example(RUNNER)["token"]
    github_credentials.client()  # imports PyGithub, which sets the level of its log
    with caplog.at_level(logging.DEBUG, logger="github"):
        answer = github_call(github_credentials, RUNNER, repository="acme/reports")
    assert answer["token"] == token
    assert "registration-token" in caplog.text
    assert token not in caplog.text


@given(st.text(min_size=12).filter(lambda text: len(text.strip()) >= 12), st.booleans())
def test_secrets_are_hidden_at_any_depth(secret: str, nested: bool) -> None:
    """Whatever the text, neither it nor its form in JSON stays in what is logged."""
    found = {"webhook_secret": secret}
    body = json.dumps([{"app": found}] if nested else found)
    hide_secrets(201, body.encode())
    assert json.dumps(secret)[1:-1] not in mask(body)


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, b'{"token": 7}'), (200, b'{"token"'), (404, b'{"token": "abcdefghijkl"}'), (204, b"")],
)
def test_what_is_no_secret_is_left_alone(status: int, body: bytes) -> None:
    """Numbers, broken JSON and errors do no harm."""
    hide_secrets(status, body)
    assert mask(body.decode()) == body.decode()


CALLS: dict[str, Callable[[GitHubCredentials], object]] = {
    "a task": lambda robot: get_issue(robot, "acme/reports", 7),
    "GraphQL": lambda robot: robot.graphql("{ viewer { login } }"),
    "PyGithub": lambda robot: robot.client().get_user().login,
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_no_token_is_in_a_traceback_with_local_variables(
    github_server: GitHubServer, call: Callable[[GitHubCredentials], object]
) -> None:
    """Frames of PyGithub hold the headers when nobody answers; the token in them is not shown."""
    nobody = github_server.credentials(api_url="http://127.0.0.1:9", client_options={"retries": 0})
    with pytest.raises(GitHubError) as caught:
        call(nobody)
    shown = "".join(
        traceback.TracebackException.from_exception(caught.value, capture_locals=True).format()
    )
    assert "'Authorization': '********'" in shown
    assert github_server.token.reveal() not in shown


def test_no_signature_of_an_app_is_in_a_traceback(github_server: GitHubServer) -> None:
    """What the App signed is as good as a token for ten minutes; PyGithub's frames hold it, too."""
    route = "GET /repos/{owner}/{repo}/installation"
    github_server.fail(route, bad_credentials())
    app = github_server.app.settings(installation="acme/reports")
    robot = github_server.credentials(token=None, app=app)
    with pytest.raises(GitHubDenied) as refused:
        robot.access_token()
    nobody = github_server.credentials(
        token=None, app=app, api_url="http://127.0.0.1:9", client_options={"retries": 0}
    )
    with pytest.raises(GitHubError) as unheard:
        nobody.access_token()
    shown = "".join(
        line
        for error in (refused.value, unheard.value)
        for line in traceback.TracebackException.from_exception(error, capture_locals=True).format()
    )
    assert "'Authorization': '********'" in shown
    assert "eyJ" not in shown
