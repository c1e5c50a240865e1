"""Credentials: what they take, where they lead, whom they find, and how a token is renewed."""

import logging
import os
import threading
from contextvars import copy_context
from typing import Any

import pytest

from brickwork import (
    BlockError,
    InvalidBlock,
    Scope,
    Secret,
    TaskCancelled,
    TaskTimeout,
    on_progress,
)
from brickwork.testing.loopback import LoopbackServer, Peer, Request as Asking
from brickwork.testing.task import no_waiting
from brickwork_github import (
    GitHubApp,
    GitHubCredentials,
    GitHubDenied,
    GitHubNotFound,
    GitHubUnavailable,
    app_tokens,
)
from brickwork_github.clients import api_url, client_for
from brickwork_github.requests import Request
from brickwork_github.testing import GitHubServer
from brickwork_github.testing.faults import Fault, not_found, secondary_limit, server_error

REPO = "acme/reports"
GET = "GET /repos/{owner}/{repo}"
TOKENS = "POST /app/installations/{installation_id}/access_tokens"


def app_of(server: GitHubServer, **options: Any) -> GitHubCredentials:
    """Return credentials of the server's App."""
    app = server.app.settings().model_dump() | options
    app["private_key"] = server.app.private_key
    return server.credentials(app=app)


# What they take


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"token": "ghp_a b"}, "no token has"),
        ({"token": ""}, "no token has"),
        ({"host": "https://github.com"}, "leave out https://"),
        ({"host": "api.github.com"}, "the server is github.com"),
        ({"host": "git hub"}, "host"),
        ({"api_url": "ftp://github.example"}, "https://host/path"),
        ({"api_url": "https://user@github.example"}, "without user and query"),
        ({"client_options": {"verify": False, "ca_bundle": "x.pem"}}, "leave out one of them"),
        ({"app": {"app_id": 1, "private_key": "not-a-key-in-pem"}}, "no private key in PEM"),
        ({"app": {"app_id": 1, "private_key": "k" * 20, "installation": "a/b/c"}}, "owner/name"),
        ({"app": {"app_id": 1, "private_key": "k" * 20, "permissions": ["issues"]}}, "permissions"),
    ],
)
def test_mistakes_are_named_without_secrets(fields: dict[str, Any], said: str) -> None:
    """Each wrong field is refused with its reason, and its value is not shown."""
    with pytest.raises(InvalidBlock) as caught:
        GitHubCredentials(**fields)
    assert said in str(caught.value)
    assert "not-a-key" not in str(caught.value)
    assert "ghp_a b" not in str(caught.value)


def test_a_token_excludes_an_app(github_server: GitHubServer) -> None:
    """Who gives both is asked to leave one out."""
    with pytest.raises(InvalidBlock, match="leave out one of them"):
        github_server.credentials(token="ghp_abcdefgh", app=github_server.app.settings())


def test_a_key_may_come_in_one_line(github_server: GitHubServer) -> None:
    """A key from an environment variable, its line ends written as backslash n, is the same key."""
    key = github_server.app.private_key.reveal()
    flat = GitHubApp(app_id="1", private_key=Secret(key.strip().replace("\n", "\\n")))
    assert flat.private_key.reveal() == key


# Where they lead


@pytest.mark.parametrize(
    ("host", "url"),
    [
        (None, "https://api.github.com"),
        ("github.com", "https://api.github.com"),
        ("GitHub.com", "https://api.github.com"),
        ("acme.ghe.com", "https://api.acme.ghe.com"),
        ("github.acme.example", "https://github.acme.example/api/v3"),
    ],
)
def test_a_host_has_its_api(host: str | None, url: str) -> None:
    """github.com, its data residency and Enterprise Server have their APIs at other places."""
    assert api_url(GitHubCredentials(token="ghp_abcdefgh", host=host)) == url


def test_an_enterprise_server_answers_below_its_path(github_server: GitHubServer) -> None:
    """Requests and pages stay below /api/v3, and GraphQL is beside it."""
    there = github_server.credentials(api_url=f"{github_server.url}/api/v3")
    route = "GET /repos/{owner}/{repo}/issues"
    issue = github_server.example(route)
    github_server.answer(route, [issue] * 150)
    assert len(Request(there, route, REPO).many(dict, None)) == 150
    assert there.graphql("{ viewer { login } }")["viewer"]


@pytest.mark.parametrize("name", ["GH_TOKEN", "GITHUB_TOKEN"])
def test_the_environment_is_enough(
    github_server: GitHubServer, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """In a workflow of Actions nothing need be given; a new token in the environment counts."""
    monkeypatch.setenv("GITHUB_API_URL", github_server.url)
    nothing = GitHubCredentials()
    with pytest.raises(BlockError, match="no token"):
        nothing.client()
    for _ in range(2):
        token = github_server.new_token().reveal()
        monkeypatch.setenv(name, token)
        Request(nothing, GET, REPO).send()
        assert github_server.requests[-1].token == token


def test_a_token_of_the_environment_is_looked_at(
    github_server: GitHubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line's end behind it does no harm; anything else that no token has is told, unshown."""
    monkeypatch.setenv("GITHUB_API_URL", github_server.url)
    monkeypatch.setenv("GITHUB_TOKEN", f"{github_server.token.reveal()}\n")
    assert Request(GitHubCredentials(), GET, REPO).send().status == 200
    for wrong in ("token ghp_abcdefgh", "ghp_abc\ndefgh", "ghp_abcd\u00e9fgh"):
        monkeypatch.setenv("GITHUB_TOKEN", wrong)
        with pytest.raises(BlockError, match="GITHUB_TOKEN of the environment is no") as caught:
            Request(GitHubCredentials(), GET, REPO).send()
        assert "ghp" not in repr(caught.value)
        assert not GitHubCredentials().check().ok


def test_a_token_of_ones_own_goes_where_it_is_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a workflow's server is does not matter to a token that was saved; an override does."""
    saved = GitHubCredentials(token="ghp_abcdefgh")
    monkeypatch.setenv("GITHUB_API_URL", "https://github.acme.example/api/v3")
    assert api_url(saved) == "https://api.github.com"
    assert api_url(GitHubCredentials()) == "https://github.acme.example/api/v3"
    monkeypatch.setenv("BRICKWORK_GITHUB_API_URL", "http://127.0.0.1:1/")
    assert api_url(saved) == api_url(GitHubCredentials()) == "http://127.0.0.1:1"


def test_the_token_of_github_com_goes_to_no_other_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server of one's own has variables of its own."""
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_of-github-com")
    own = GitHubCredentials(host="github.acme.example")
    with pytest.raises(BlockError, match="GH_ENTERPRISE_TOKEN"):
        own.access_token()
    monkeypatch.setenv("GH_ENTERPRISE_TOKEN", "ghp_of-acme")
    assert own.access_token().reveal() == "ghp_of-acme"


def test_a_proxy_that_is_given_counts(
    github_server: GitHubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It beats the one of the environment, and its password is not shown."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    proxy = github_server.url.replace("http://", "http://user:proxy-word-4711@")
    options = {"client_options": {"proxy": proxy, "retries": 0}}
    through = github_server.credentials(api_url="http://api.github.invalid", **options)
    Request(through, GET, REPO).send()
    assert len(github_server.asked(GET)) == 1
    assert "4711" not in repr(through)


# Clients


def test_equal_credentials_share_a_client(github_server: GitHubServer) -> None:
    """A client is kept by value, and another value has another one."""
    one, same = github_server.credentials(), github_server.credentials()
    assert one.client() is same.client()
    assert github_server.credentials(token=github_server.new_token()).client() is not one.client()


def test_the_client_is_pygithubs(github_server: GitHubServer) -> None:
    """It works, and waits as this package does, also when it is lazy."""
    client = github_server.credentials().client()
    assert client.per_page == 100
    for kind in (client, client.withLazy(True), client.withLazy(True).withLazy(False)):
        github_server.fail(GET, server_error(502), times=2)
        with no_waiting() as waits:
            assert kind.get_repo(REPO).id
        assert len(waits) == 2


def test_the_client_has_no_waits_of_pygithubs_own(github_server: GitHubServer) -> None:
    """Neither retries nor pauses between requests: the transport has both, in the task's time."""
    client = github_server.credentials().client()
    for kind in (client, client.withLazy(True)):
        given = kind.requester.kwargs
        waits = ("retry", "seconds_between_requests", "seconds_between_writes")
        assert [given[each] for each in waits] == [None, None, None]


def test_a_forked_child_makes_its_own_client(github_credentials: GitHubCredentials) -> None:
    """A child does not write into its parent's connections."""
    client = client_for(github_credentials)
    child = os.fork() if hasattr(os, "fork") else 0
    if child == 0:
        os._exit(0 if client_for(github_credentials) is not client else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert client_for(github_credentials) is client


# A GitHub App


@pytest.mark.parametrize("installation", [987654, "acme", "acme/reports", None])
def test_an_app_finds_its_installation(
    github_server: GitHubServer, installation: int | str | None
) -> None:
    """By id, owner or repository; or the only one."""
    credentials = app_of(github_server, installation=installation)
    for _ in range(3):
        Request(credentials, GET, REPO).send()
    assert str(github_server.requests[-1].token).startswith("ghs_")
    assert len(github_server.asked(TOKENS)) == 1, "one token serves many requests"


def test_an_app_is_found_on_a_person_too(github_server: GitHubServer) -> None:
    """An owner that is no organization is asked for as a user."""
    missing = {"message": "Not Found", "documentation_url": "", "status": "404"}
    github_server.answer("GET /orgs/{org}/installation", missing, status=404)
    app_of(github_server, installation="octocat").access_token()
    assert github_server.asked("GET /users/{username}/installation")


def test_an_app_that_is_not_installed_says_so(github_server: GitHubServer) -> None:
    """The owner is named, and what to do."""
    github_server.app.installed_on = ["acme/other"]
    with pytest.raises(BlockError, match=r"is not installed on acme/reports") as caught:
        app_of(github_server, installation=REPO).access_token()
    assert "Install it there" in caught.value.fix


def test_several_installations_want_a_choice(github_server: GitHubServer) -> None:
    """Where the App is installed twice, the owners are named."""
    route = "GET /app/installations"
    one = github_server.example(route)
    github_server.answer(route, [one, {**one, "id": 2}])
    with pytest.raises(BlockError, match="has 2 installations"):
        app_of(github_server, installation=None).access_token()


def test_what_a_token_may_do_can_be_narrowed(github_server: GitHubServer) -> None:
    """Repositories and permissions go with the question for a token."""
    narrow = {"repositories": ("reports",), "permissions": ("issues:read",)}
    app_of(github_server, **narrow).access_token()
    (asked,) = github_server.asked(TOKENS)
    assert asked.body == {"repositories": ["reports"], "permissions": {"issues": "read"}}


def test_a_long_run_renews_its_token(
    github_server: GitHubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In three hours each request has a good token, replaced five minutes before it ends."""
    monkeypatch.setattr(app_tokens, "time", github_server.now)
    credentials = app_of(github_server)
    tokens = []
    for _ in range(12):
        Request(credentials, GET, REPO).send()
        tokens.append(github_server.requests[-1].token)
        github_server.advance(15 * 60)
    assert len(set(tokens)) == 3 == len(github_server.asked(TOKENS))
    assert [tokens.count(each) for each in dict.fromkeys(tokens)] == [4, 4, 4]


def test_many_threads_renew_a_token_once(
    github_server: GitHubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threads that need a token at once wait for one renewal."""
    monkeypatch.setattr(app_tokens, "time", github_server.now)
    credentials, start, found = app_of(github_server), threading.Barrier(8), set[str]()

    def ask() -> None:
        start.wait(10)
        found.add(credentials.access_token().reveal())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(found) == 1 == len(github_server.asked(TOKENS))


def test_a_token_that_is_still_good_outlives_a_failed_renewal(
    github_server: GitHubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While GitHub fails, the token at hand serves until its end, and no longer."""
    monkeypatch.setattr(app_tokens, "time", github_server.now)
    credentials = app_of(github_server)
    first = credentials.access_token()
    github_server.advance(56 * 60)
    github_server.fail(TOKENS, server_error(), times=8)
    with no_waiting():
        assert credentials.access_token() == first
        github_server.advance(5 * 60)
        with pytest.raises(GitHubUnavailable):
            credentials.access_token()
    assert credentials.access_token() != first


def test_a_token_that_was_revoked_is_replaced(github_server: GitHubServer) -> None:
    """GitHub does not know it any more: another one is fetched, and the request sent again."""
    credentials = app_of(github_server)
    first = credentials.access_token()
    github_server.revoke(first)
    Request(credentials, "POST /repos/{owner}/{repo}/issues", REPO).send(body={"title": "A"})
    assert credentials.access_token() != first
    assert len(github_server.asked(TOKENS)) == 2


def test_whatever_asks_gets_another_token(github_server: GitHubServer) -> None:
    """PyGithub's client, and what reads and sends files, keep none that was revoked, either."""
    route = "GET /repos/{owner}/{repo}/actions/jobs/{job_id}/logs"
    github_server.answer(route, b"done")
    credentials = app_of(github_server)
    github_server.revoke(credentials.access_token())
    assert credentials.client().get_repo(REPO).default_branch
    github_server.revoke(credentials.access_token())
    with Request(credentials, route, REPO, job_id=7).stream() as reply:
        assert b"".join(reply.iter_content()) == b"done"
    assert len(github_server.asked(TOKENS)) == 3


def test_a_storage_that_refuses_gets_no_token(github_server: GitHubServer) -> None:
    """Its 401 is not for the token, which only GitHub may see, also when it is asked again."""
    route = "GET /repos/{owner}/{repo}/actions/jobs/{job_id}/logs"
    seen: list[tuple[str, str | None]] = []

    def refuse(peer: Peer, request: Asking) -> None:
        seen.append((request.line.split()[1], request.headers.get("authorization")))
        peer.send(b"HTTP/1.1 401 X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    with LoopbackServer(refuse) as storage:
        elsewhere = {"Location": f"http://127.0.0.1:{storage.port}/blob"}
        github_server.fail(route, Fault(302, None, elsewhere), times=2)
        with (
            pytest.raises(GitHubDenied),
            Request(app_of(github_server), route, REPO, job_id=7).stream(),
        ):
            pass
    assert seen == [("/blob", None)] * 2


def test_waiting_for_a_token_can_be_cancelled(
    github_server: GitHubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one thread waits for GitHub, a second one that is cancelled does not."""
    monkeypatch.setattr(app_tokens, "time", github_server.now)
    credentials, asked = app_of(github_server), threading.Event()
    github_server.fail(TOKENS, secondary_limit(retry_after=600))
    with Scope() as all_of_it:

        def first() -> None:
            with on_progress(lambda _: asked.set()), pytest.raises(TaskCancelled):
                credentials.access_token()

        thread = threading.Thread(target=copy_context().run, args=(first,))
        thread.start()
        assert asked.wait(10)
        with Scope(seconds=0.2), pytest.raises(TaskTimeout):
            credentials.access_token()
        all_of_it.cancel()
        thread.join(10)
    assert not thread.is_alive()


def test_a_key_that_cannot_be_used_is_a_typed_error(github_server: GitHubServer) -> None:
    """The error says what to give, and shows nothing of the key."""
    body = "bm90IGEga2V5IGF0IGFsbA=="
    key = f"-----BEGIN RSA PRIVATE KEY-----\n{body}\n-----END RSA PRIVATE KEY-----\n"
    with pytest.raises(BlockError, match="cannot be used") as caught:
        app_of(github_server, app_id="12345").model_copy(
            update={"app": GitHubApp(app_id="12345", private_key=Secret(key), installation=1)}
        ).access_token()
    assert body not in f"{caught.value!r} {caught.value.__cause__!r} {caught.value.__context__!r}"


def test_an_unknown_app_is_denied(github_server: GitHubServer) -> None:
    """A key of another App is refused by GitHub, and the App is named."""
    with pytest.raises(GitHubDenied, match="the App 777"):
        app_of(github_server, app_id="777").access_token()


def test_an_installation_that_is_gone_is_not_found(github_server: GitHubServer) -> None:
    """An id that is none of the App's is a GitHubNotFound."""
    with pytest.raises(GitHubNotFound):
        app_of(github_server, installation=1).access_token()


def test_no_token_stands_in_a_log(
    github_server: GitHubServer, caplog: pytest.LogCaptureFixture
) -> None:
    """PyGithub logs whole answers, also the one with the App's token: it is hidden there."""
    with caplog.at_level(logging.DEBUG), caplog.at_level(logging.DEBUG, logger="github"):
        credentials = app_of(github_server)
        token = credentials.access_token().reveal()
        Request(credentials, GET, REPO).send()
    assert "access_tokens" in caplog.text
    assert token not in caplog.text
    assert github_server.app.private_key.reveal()[40:80] not in caplog.text


# The check


def found(credentials: GitHubCredentials) -> dict[str, tuple[str, str]]:
    """Return what a check finds, by what it looked at."""
    return {each.what: (each.status, each.detail) for each in credentials.check().findings}


def test_a_check_tells_who_and_how_much(github_server: GitHubServer) -> None:
    """A classic token has a login, scopes, and a limit."""
    told = found(github_server.credentials())
    assert told["identity"] == ("ok", "octocat; scopes gist, read:org, repo, workflow")
    assert told["rate limit"][0] == "ok"
    assert told["rate limit"][1].startswith("5000 of 5000 requests left until ")
    assert told["expiry"] == ("ok", "GitHub names no end of the token")


def test_a_check_warns_of_a_token_that_ends(github_server: GitHubServer) -> None:
    """A fine-grained token that ends within the week is worth a warning."""
    for days, status in ((3, "warning"), (30, "ok")):
        token = github_server.new_token(fine_grained=True, expires_in=days * 86_400)
        told = found(github_server.credentials(token=token))
        assert told["identity"] == ("ok", "octocat; fine-grained token")
        assert told["expiry"][0] == status


def test_a_check_of_an_app_tells_its_permissions(github_server: GitHubServer) -> None:
    """The App's name and what its installation may do."""
    status, told = found(app_of(github_server))["identity"]
    assert status == "ok"
    assert told.startswith("the App ")
    assert "issues: write" in told


def test_a_check_knows_a_workflow_s_token(github_server: GitHubServer) -> None:
    """The token of an installation is nobody's, and works all the same."""
    refused = {"message": "Resource not accessible by integration", "documentation_url": ""}
    github_server.answer("GET /user", refused, status=403)
    told = found(github_server.credentials())
    assert told["identity"] == ("ok", "an App's installation, as a workflow has it")


@pytest.mark.parametrize("kind", ["token", "app"])
def test_a_server_without_limits_is_well(github_server: GitHubServer, kind: str) -> None:
    """An Enterprise Server has none by default, and says 404; who it is is asked all the same."""
    none = not_found("Rate limiting is not enabled.")
    github_server.fail("GET /rate_limit", none)
    ours = github_server.credentials() if kind == "token" else app_of(github_server)
    told = found(ours)
    assert told["rate limit"] == ("ok", "the server has none")
    assert told["identity"][0] == "ok"
    github_server.fail("GET /rate_limit", none)
    token = github_server.new_token(fine_grained=True, expires_in=3 * 86_400)
    assert found(github_server.credentials(token=token))["expiry"][0] == "warning"


def test_a_server_of_another_kind_is_not_well(github_server: GitHubServer) -> None:
    """Another 404 is that of some website."""
    github_server.fail("GET /rate_limit", not_found())
    assert not github_server.credentials().check().ok


def test_a_check_says_what_fails(github_server: GitHubServer) -> None:
    """A revoked token, nobody there, no token at all: each is a finding with a fix."""
    github_server.revoke(github_server.token)
    nobody = GitHubCredentials(token="ghp_abcdefgh", api_url="http://127.0.0.1:1")
    with no_waiting():
        reports = [github_server.credentials().check(), nobody.check(), GitHubCredentials().check()]
    for report in reports:
        assert not report.ok
        assert all(each.fix for each in report.findings if each.status == "failed")


def test_a_check_warns_of_a_token_in_clear(
    github_server: GitHubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By http a token goes to another machine in clear; on loopback nobody is in between."""
    assert found(github_server.credentials())["address"][0] == "ok"
    monkeypatch.setenv("http_proxy", github_server.url)  # which answers in place of the host
    there = github_server.credentials(api_url="http://github.acme.example/api/v3")
    assert found(there)["address"][0] == "warning"


def test_a_check_warns_of_a_used_up_limit(github_server: GitHubServer) -> None:
    """Few requests left are worth a warning, and asking for it costs none."""
    github_server.quota.remaining = 20
    assert found(github_server.credentials())["rate limit"][0] == "warning"
