"""What GitHub answers when something is wrong, and what is said of it."""

from typing import Any

import pytest

from brickwork import Secret
from brickwork_github import (
    GitHubConflict,
    GitHubCredentials,
    GitHubDenied,
    GitHubError,
    GitHubInvalid,
    GitHubNotFound,
)
from brickwork_github.requests import Request
from brickwork_github.testing import GitHubServer
from brickwork_github.testing.faults import (
    bad_credentials,
    conflict,
    denied,
    invalid,
    not_found,
    sso_required,
)

REPO = "acme/reports"
GET = "GET /repos/{owner}/{repo}"


def failing(server: GitHubServer, fault: Any, **options: Any) -> GitHubError:
    """Return the error of a request that goes wrong."""
    server.fail(GET, fault)
    with pytest.raises(GitHubError) as caught:
        Request(server.credentials(**options), GET, REPO).send()
    return caught.value


@pytest.mark.parametrize(
    ("fault", "kind", "said"),
    [
        (bad_credentials(), GitHubDenied, "has expired or was revoked"),
        (denied(), GitHubDenied, "brickwork github permissions TASK"),
        (denied("issues=write"), GitHubDenied, "the permission issues=write"),
        (
            denied(message="Repository was archived so is read-only."),
            GitHubDenied,
            "Unarchive the repository",
        ),
        (sso_required(), GitHubDenied, "single sign-on"),
        (not_found(), GitHubNotFound, "GitHub answers the same where a permission lacks"),
        (conflict("Pull request is locked"), GitHubConflict, "Look at what is there"),
        (invalid(), GitHubInvalid, "Correct what was given"),
        (conflict("Merge conflict"), GitHubConflict, "resolve the conflicts"),
        (conflict("Git Repository is empty."), GitHubConflict, "github.create_file"),
        (conflict("main is at 1a but expected 2b"), GitHubConflict, "read it again"),
        (
            conflict("Could not update file: Changes must be made through a pull request."),
            GitHubConflict,
            "The branch is protected",
        ),
        (invalid(message="Protected branch update failed"), GitHubInvalid, "open a pull request"),
        (invalid(message="Update is not a fast forward"), GitHubInvalid, "read it again"),
    ],
)
def test_each_failure_has_its_class_and_says_what_to_do(
    github_server: GitHubServer, fault: Any, kind: type[GitHubError], said: str
) -> None:
    """The class tells programs, the fix tells people."""
    error = failing(github_server, fault)
    assert type(error) is kind
    assert said in error.fix
    assert error.status == fault.status
    assert error.request == "GET /repos/acme/reports"
    assert error.request_id.count(":") == 4
    assert error.documentation_url.startswith("https://docs.github.com/rest")


def test_errors_are_of_pythons_kinds_too(github_server: GitHubServer) -> None:
    """Who knows nothing of GitHub catches LookupError, PermissionError and ValueError."""
    assert isinstance(failing(github_server, not_found()), LookupError)
    assert isinstance(failing(github_server, bad_credentials()), PermissionError)
    assert isinstance(failing(github_server, invalid()), ValueError)


def test_a_refusal_names_what_lacks(github_server: GitHubServer) -> None:
    """The permission and the page of single sign-on are there for programs."""
    error = failing(github_server, denied("contents=write", "administration=write"))
    assert isinstance(error, GitHubDenied)
    assert error.permissions == "contents=write; administration=write"
    error = failing(github_server, sso_required("https://github.com/orgs/acme/sso"))
    assert isinstance(error, GitHubDenied)
    assert error.sso_url == "https://github.com/orgs/acme/sso"


def test_what_is_invalid_is_named_field_by_field(github_server: GitHubServer) -> None:
    """All that GitHub has against what was sent is in the message, and apart."""
    error = failing(
        github_server,
        invalid(
            {"resource": "Issue", "field": "title", "code": "missing_field"},
            {"resource": "Issue", "code": "custom", "message": "labels must be texts"},
        ),
    )
    assert isinstance(error, GitHubInvalid)
    assert error.fields == ("title: missing_field", "labels must be texts")
    assert error.fix == f"Correct what was given; see {error.documentation_url}."
    assert "Validation Failed (title: missing_field; labels must be texts)" in error.what


def test_no_error_shows_a_secret(github_server: GitHubServer) -> None:
    """A message that quotes a secret is masked; whose token it was is said by name."""
    Secret("quoted-back-to-us")
    error = failing(github_server, invalid(message="bad value quoted-back-to-us, sorry"))
    assert "quoted-back-to-us" not in f"{error!r} {error.__dict__}"
    error = failing(github_server, bad_credentials())
    assert "github-credentials with a token" in error.what
    assert github_server.token.reveal() not in f"{error!r} {error.__cause__} {error.__context__}"


def test_a_wrong_token_of_the_environment_is_replaced_there(
    github_server: GitHubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is saved that could be saved anew."""
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_expired-long-ago")
    error = failing(github_server, bad_credentials(), token=None)
    assert "GITHUB_TOKEN" in error.fix


@pytest.mark.usefixtures("isolated")
def test_an_error_names_the_block(github_server: GitHubServer) -> None:
    """Of credentials that were saved, the address is named."""
    github_server.credentials().save("prod")
    github_server.fail(GET, bad_credentials())
    with pytest.raises(GitHubDenied, match=r"github-credentials/prod"):
        Request(GitHubCredentials.load("prod"), GET, REPO).send()
