"""Tasks on secrets and variables of Actions: sealed, set whether there or not, never shown."""

import logging
from typing import Any

import pytest
from hypothesis import given, settings as hypothesis_settings, strategies as st

from brickwork import Secret
from brickwork.testing.task import no_waiting
from brickwork_github import (
    GitHubCredentials,
    GitHubDenied,
    GitHubError,
    GitHubInvalid,
    GitHubNotFound,
    delete_secret,
    delete_variable,
    list_organization_secrets,
    list_organization_variables,
    list_secrets,
    list_variables,
    set_organization_secret,
    set_organization_variable,
    set_secret,
    set_variable,
)
from brickwork_github.actions.secrets import sealed
from brickwork_github.testing import GitHubServer
from brickwork_github.testing.faults import cut, denied, secondary_limit
from brickwork_github.testing.live import LiveRepository
from brickwork_github.testing.live.settings import settings_of

REPO = "acme/data"
WORD = "correct horse battery staple"
SECRETS = "/repos/{owner}/{repo}/actions/secrets"
VARIABLES = "/repos/{owner}/{repo}/actions/variables"
VARIABLE = f"{VARIABLES}/{{name}}"
ORG_SECRET = "/orgs/{org}/actions/secrets/{secret_name}"
ORG_VARIABLES = "/orgs/{org}/actions/variables"


@pytest.fixture
def repo(github_server: GitHubServer) -> LiveRepository:
    """A repository."""
    return github_server.repository(REPO, {"README.md": "# Data\n"})


@pytest.fixture
def credentials(github_credentials: GitHubCredentials) -> GitHubCredentials:
    """Whose."""
    return github_credentials


def test_a_secret_is_what_was_given_and_only_github_reads_it(
    github_server: GitHubServer,
    credentials: GitHubCredentials,
    repo: LiveRepository,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """GitHub opens it with its key; no request, log or error shows it."""
    credentials.client()  # imports PyGithub, which sets the level of its log
    with caplog.at_level(logging.DEBUG), caplog.at_level(logging.DEBUG, logger="github"):
        set_secret(credentials, REPO, "PASSWORD", Secret(WORD))
    assert settings_of(repo).secrets == {("", "PASSWORD"): WORD}
    (asked,) = github_server.asked(f"PUT {SECRETS}/{{secret_name}}")
    assert set(asked.body) == {"encrypted_value", "key_id"}
    assert "encrypted_value" in caplog.text
    assert WORD not in caplog.text + repr(github_server.requests)


def test_a_secret_is_replaced_listed_and_deleted(
    credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """The same name, the new value; an environment has its own."""
    set_secret(credentials, REPO, "PASSWORD", Secret("first one"))
    set_secret(credentials, REPO, "PASSWORD", Secret("second one"))
    set_secret(credentials, REPO, "PASSWORD", Secret("third one"), environment="eu/prod")
    assert settings_of(repo).secrets == {
        ("", "PASSWORD"): "second one",
        ("environment eu/prod", "PASSWORD"): "third one",
    }
    assert [each.name for each in list_secrets(credentials, REPO)] == ["PASSWORD"]
    delete_secret(credentials, REPO, "PASSWORD")
    assert list_secrets(credentials, REPO) == []
    assert [each.name for each in list_secrets(credentials, REPO, environment="eu/prod")] == [
        "PASSWORD"
    ]
    with pytest.raises(GitHubNotFound):
        delete_secret(credentials, REPO, "PASSWORD")


def test_a_name_that_github_keeps_for_itself_is_refused(
    credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """The error is GitHub's, without the value."""
    with pytest.raises(GitHubInvalid, match="must not start with GITHUB_") as caught:
        set_secret(credentials, REPO, "GITHUB_PASSWORD", Secret(WORD))
    assert WORD not in repr(caught.value)
    assert settings_of(repo).secrets == {}


def test_a_key_that_is_none_is_told(
    github_server: GitHubServer, credentials: GitHubCredentials
) -> None:
    """The description's example of a key is too short; nothing is sent by it, nor told."""
    with pytest.raises(GitHubError, match="unknown form") as caught:
        set_secret(credentials, REPO, "PASSWORD", Secret(WORD))
    assert WORD not in repr(caught.value)
    assert caught.value.__cause__ is None
    assert len(github_server.requests) == 1


def test_what_is_set_is_set_again_when_the_answer_is_lost(
    github_server: GitHubServer, credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """Twice is as good as once; a limit is waited out."""
    github_server.fail(f"PUT {SECRETS}/{{secret_name}}", cut(0))
    github_server.fail(f"GET {SECRETS}/public-key", secondary_limit(retry_after=7))
    with no_waiting() as waits:
        set_secret(credentials, REPO, "PASSWORD", Secret(WORD))
    assert settings_of(repo).secrets == {("", "PASSWORD"): WORD}
    assert 6 < waits[0] <= 7


def test_without_permission_nothing_is_set(
    github_server: GitHubServer, credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """The error names the permission, as GitHub does."""
    github_server.fail(f"PUT {SECRETS}/{{secret_name}}", denied("secrets=write"))
    with pytest.raises(GitHubDenied) as caught:
        set_secret(credentials, REPO, "PASSWORD", Secret(WORD))
    assert caught.value.permissions == "secrets=write"
    assert settings_of(repo).secrets == {}


@hypothesis_settings(max_examples=50, deadline=None)
@given(value=st.text(max_size=2000))
def test_any_text_can_be_sealed(value: str) -> None:
    """The owner of the key reads it as it was, and each time it looks different."""
    from base64 import b64decode, b64encode

    from nacl.public import PrivateKey, SealedBox

    key = PrivateKey.generate()
    public = b64encode(bytes(key.public_key)).decode()
    one, two = sealed(Secret(value), public), sealed(Secret(value), public)
    assert SealedBox(key).decrypt(b64decode(one)).decode() == value
    assert one != two


def test_a_variable_is_made_and_changed(
    github_server: GitHubServer, credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """It is set whether it is there or not; an environment has its own."""
    set_variable(credentials, REPO, "REGION", "eu-west-1")
    set_variable(credentials, REPO, "REGION", "eu-central-1")
    set_variable(credentials, REPO, "REGION", "us-east-1", environment="prod")
    assert [(each.name, each.value) for each in list_variables(credentials, REPO)] == [
        ("REGION", "eu-central-1")
    ]
    (other,) = list_variables(credentials, REPO, environment="prod")
    assert other.value == "us-east-1"
    delete_variable(credentials, REPO, "REGION")
    assert list_variables(credentials, REPO) == []
    assert len(github_server.asked(f"POST {VARIABLES}")) == 1
    assert len(github_server.asked(f"PATCH {VARIABLE}")) == 2


def test_a_variable_whose_making_was_lost_is_there_once(
    github_server: GitHubServer, credentials: GitHubCredentials, repo: LiveRepository
) -> None:
    """The second time GitHub says that it is there, and its value is set."""
    github_server.fail(f"POST {VARIABLES}", cut(0))
    with no_waiting():
        set_variable(credentials, REPO, "REGION", "eu-west-1")
    assert [each.value for each in list_variables(credentials, REPO)] == ["eu-west-1"]
    assert [asked.route.split()[0] for asked in github_server.requests[:-1]] == [
        "PATCH",
        "POST",
        "POST",
        "PATCH",
    ]


def test_all_variables_and_secrets_are_listed(
    github_server: GitHubServer, credentials: GitHubCredentials
) -> None:
    """Page by page, of which those of variables are short."""
    variable = github_server.example(f"GET {VARIABLES}")["variables"][0]
    found = [{**variable, "name": f"V{n}"} for n in range(95)]
    github_server.answer(f"GET {VARIABLES}", {"total_count": 95, "variables": found})
    assert [each.name for each in list_variables(credentials, REPO)] == [
        each["name"] for each in found
    ]
    assert [asked.query["per_page"] for asked in github_server.requests] == ["30"] * 4
    assert len(list_variables(credentials, REPO, limit=40)) == 40
    secret = github_server.example(f"GET {SECRETS}")["secrets"][0]
    many = [{**secret, "name": f"S{n}"} for n in range(130)]
    github_server.answer(f"GET {SECRETS}", {"total_count": 130, "secrets": many})
    assert len(list_secrets(credentials, REPO)) == 130


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, {"visibility": "private"}),
        ({"visibility": "all"}, {"visibility": "all"}),
        (
            {"repositories": ["octo/one", "octo/two"]},
            {"visibility": "selected", "selected_repository_ids": [41, 42]},
        ),
        ({"repositories": []}, {"visibility": "selected", "selected_repository_ids": []}),
    ],
)
def test_those_of_an_organization_are_for_some_repositories(
    github_server: GitHubServer,
    credentials: GitHubCredentials,
    options: dict[str, Any],
    expected: dict[str, Any],
) -> None:
    """Repositories are given by name; GitHub wants their ids."""
    from base64 import b64encode

    route = "GET /orgs/{org}/actions/secrets/public-key"
    key = b64encode(bytes(range(32))).decode()
    github_server.answer(route, github_server.example(route, key=key))
    for_ids = "GET /repos/{owner}/{repo}"
    for number in (42, 41, 42, 41):  # the last that was said is the first that is given
        github_server.answer(for_ids, github_server.example(for_ids, id=number), times=1)
    set_organization_secret(credentials, "octo", "KEY", Secret(WORD), **options)
    set_organization_variable(credentials, "octo", "REGION", "eu", **options)
    (secret,) = github_server.asked(f"PUT {ORG_SECRET}")
    (variable,) = github_server.asked(f"PATCH {ORG_VARIABLES}/{{name}}")
    del secret.body["encrypted_value"], secret.body["key_id"]
    assert secret.body == expected
    assert variable.body == {"value": "eu", **expected}
    assert list_organization_secrets(credentials, "octo", limit=1)[0].visibility == "private"
    assert list_organization_variables(credentials, "octo", limit=1)[0].visibility == "private"
