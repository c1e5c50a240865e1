"""The door for all requests: pages, waits, repeats, redirects, and what is refused unsent."""

import logging
import socket
import sys
import threading
from collections.abc import Iterator
from contextvars import copy_context
from datetime import UTC, datetime, timedelta, timezone
from io import BytesIO
from typing import Any, NoReturn

import pytest
from hypothesis import given, strategies as st

from brickwork import InvalidArguments, Progress, Scope, Secret, TaskCancelled, on_progress
from brickwork.testing.task import no_waiting
from brickwork_github import (
    GitHubCredentials,
    GitHubError,
    GitHubNotFound,
    GitHubRateLimited,
    GitHubTimeout,
    GitHubUnavailable,
)
from brickwork_github.clients import client_for
from brickwork_github.paths import filled, split_repository
from brickwork_github.requests import NULL, Request, items_of
from brickwork_github.sending import sendable
from brickwork_github.testing import (
    Answer,
    Asked,
    GitHubServer,
    github_server as another_server,
)
from brickwork_github.testing.faults import (
    cut,
    denied,
    not_found,
    primary_limit,
    reset,
    secondary_limit,
    server_error,
    slow,
)

REPO = "acme/reports"
GET = "GET /repos/{owner}/{repo}"
ISSUES = "GET /repos/{owner}/{repo}/issues"
CREATE = "POST /repos/{owner}/{repo}/issues"


def number(found: Any) -> int:
    """Return an issue's number."""
    return int(found["number"])


# What is sent


def test_a_request_says_who_asks_and_what_for(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """The token, the API's version and the media type stand in the headers."""
    Request(github_credentials, GET, REPO).send()
    (asked,) = github_server.asked(GET)
    assert asked.path == {"owner": "acme", "repo": "reports"}
    assert asked.headers["Authorization"] == f"Bearer {github_server.token.reveal()}"
    assert asked.headers["X-GitHub-Api-Version"] == "2022-11-28"
    assert asked.headers["Accept"] == "application/vnd.github+json"
    assert asked.headers["User-Agent"] == "brickwork-github"


def test_what_is_none_is_left_out(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """None is not sent, in the query, the body and below; NULL is sent as null."""
    body = {"title": "A", "body": None, "milestone": NULL}
    Request(github_credentials, CREATE, REPO).send(body=body)
    Request(github_credentials, ISSUES, REPO).send(query={"state": None, "labels": ["a", "b"]})
    assert github_server.asked(CREATE)[0].body == {"title": "A", "milestone": None}
    assert github_server.asked(ISSUES)[0].query == {"labels": "a,b"}


def test_times_go_in_utc() -> None:
    """A time of any zone is sent in UTC; one without a zone is refused."""
    east = datetime(2026, 5, 1, 2, 30, tzinfo=timezone(timedelta(hours=2)))
    assert sendable({"since": east}) == {"since": "2026-05-01T00:30:00Z"}
    assert sendable(east.astimezone(UTC)) == sendable(east)
    with pytest.raises(InvalidArguments, match="no time zone"):
        sendable(datetime(2026, 5, 1))


def test_secrets_go_in_clear_and_are_hidden_in_logs(
    github_server: GitHubServer,
    github_credentials: GitHubCredentials,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """GitHub gets a secret of the body; PyGithub's log of the whole request shows it nowhere."""
    secret = 'pass"word-4711'
    with caplog.at_level(logging.DEBUG), caplog.at_level(logging.DEBUG, logger="github"):
        Request(github_credentials, CREATE, REPO).send(body={"title": Secret(secret)})
    assert github_server.asked(CREATE)[0].body == {"title": secret}
    assert "POST http" in caplog.text, "PyGithub must have logged the request"
    assert "4711" not in caplog.text
    assert github_server.token.reveal() not in caplog.text


@pytest.mark.parametrize(
    "repository",
    [
        "reports",
        "acme/",
        "/reports",
        "acme/reports/x",
        "acme/..",
        "../reports",
        "a b/c",
        "acme/r%2e",
        "acme/reports.git",
        "",
    ],
)
def test_what_is_no_repository_is_refused(repository: str) -> None:
    """A repository is owner/name; anything else is refused before it is sent."""
    with pytest.raises(InvalidArguments, match="is no repository"):
        split_repository(repository)


@pytest.mark.parametrize(
    "address",
    [
        "acme/reports.git",
        "https://github.com/acme/reports",
        "https://github.com/acme/reports.git",
        "https://robot:ghp_pasted0123@github.acme.example:8443/acme/reports/",
        "git@github.com:acme/reports.git",
        "ssh://git@github.com/acme/reports.git",
    ],
)
def test_the_address_of_a_repository_says_what_to_write(address: str) -> None:
    """Its owner and name are in it; a token that may be in it, too, is not shown."""
    with pytest.raises(InvalidArguments) as caught:
        split_repository(address)
    assert caught.value.fix == "Write acme/reports."
    assert "ghp_pasted" not in repr(caught.value)


@given(st.sampled_from(["ref", "branch", "label", "path", "tag"]), st.text())
def test_no_value_leads_to_another_path(name: str, value: str) -> None:
    """Whatever the value, the path is refused, or keeps its begin and its end."""
    try:
        path = filled(
            f"/repos/{{owner}}/{{repo}}/x/{{{name}}}/end", {**split_repository(REPO), name: value}
        )
    except InvalidArguments:
        return
    middle = path.removeprefix("/repos/acme/reports/x/").removesuffix("/end")
    assert path == f"/repos/acme/reports/x/{middle}/end"
    assert not {"", ".", ".."} & set(middle.split("/"))
    assert not set("?#\\ \n") & set(middle)
    assert "/" not in middle or name != "label"


def test_a_branch_keeps_its_slashes(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """A branch of two words is asked for by both; a label's slash is quoted."""
    route = "GET /repos/{owner}/{repo}/branches/{branch}"
    Request(github_credentials, route, REPO, branch="feature/a#1").send()
    assert github_server.asked(route)[0].path["branch"] == "feature/a#1"
    assert filled("/labels/{name}", {"name": "area/core"}) == "/labels/area%2Fcore"


# Pages


def test_all_pages_are_read(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """A list is read to its end, a hundred items by each request."""
    issue = github_server.example(ISSUES)
    github_server.answer(ISSUES, [{**issue, "number": n} for n in range(250)])
    found = Request(github_credentials, ISSUES, REPO).many(number, None)
    assert found == list(range(250))
    assert [asked.query["per_page"] for asked in github_server.asked(ISSUES)] == ["100"] * 3


@pytest.mark.parametrize(("limit", "requests"), [(0, 0), (1, 1), (100, 1), (101, 2), (900, 3)])
def test_no_more_is_read_than_the_limit(
    github_server: GitHubServer,
    github_credentials: GitHubCredentials,
    limit: int,
    requests: int,
) -> None:
    """With a limit, no page beyond it is asked for."""
    issue = github_server.example(ISSUES)
    github_server.answer(ISSUES, [{**issue, "number": n} for n in range(250)])
    found = Request(github_credentials, ISSUES, REPO).many(number, limit)
    assert found == list(range(min(limit, 250)))
    assert len(github_server.asked(ISSUES)) == requests


def test_a_negative_limit_is_refused(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """It is a mistake, as of a subtraction, and not a wish for nothing or for all."""
    with pytest.raises(InvalidArguments, match="limit cannot be -1"):
        Request(github_credentials, ISSUES, REPO).many(number, -1)
    assert Request(github_credentials, ISSUES, REPO).many(number, 0) == []
    assert github_server.requests == []


def test_a_next_page_elsewhere_is_refused(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """The token goes to no other host, whatever an answer says of the next page."""
    link = {"Link": '<http://127.0.0.1:1/repos/acme/reports/issues?page=2>; rel="next"'}
    github_server.answer(ISSUES, [github_server.example(ISSUES)], headers=link)
    with pytest.raises(GitHubError, match="another host"):
        Request(github_credentials, ISSUES, REPO).many(number, None)


def test_items_stand_bare_or_beside_their_count() -> None:
    """Both forms of GitHub's lists are read; anything else is no list."""
    assert items_of([1, 2]) == [1, 2]
    assert items_of({"total_count": 2, "workflow_runs": [1, 2]}) == [1, 2]
    with pytest.raises(ValueError, match="a list was expected"):
        items_of({"message": "no"})


def test_a_cancelled_task_reads_no_further_page(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """Between two pages the task stops when it was cancelled."""
    issue = github_server.example(ISSUES)
    github_server.answer(ISSUES, [issue] * 250)
    with Scope() as scope:
        pages = Request(github_credentials, ISSUES, REPO).pages()
        next(pages)
        scope.cancel()
        with pytest.raises(TaskCancelled):
            next(pages)
    assert len(github_server.asked(ISSUES)) == 1


def test_an_answer_of_another_form_is_a_typed_error(
    github_credentials: GitHubCredentials,
) -> None:
    """What cannot be read raises GitHubError, without what was answered."""
    with pytest.raises(GitHubError, match=r"unknown form \(KeyError\)"):
        Request(github_credentials, GET, REPO).one(lambda found: found["no_such_field"])


# Answers that are remembered


def test_what_is_unchanged_costs_no_quota(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """The second question goes with the ETag of the first answer, and is answered the same."""
    first = Request(github_credentials, GET, REPO).send()
    left = github_server.quota.remaining
    again = Request(github_credentials, GET, REPO).send()
    assert again.data == first.data
    assert (again.status, github_server.quota.remaining) == (200, left)
    changed = github_server.example(GET, description="changed")
    github_server.answer(GET, changed)
    assert Request(github_credentials, GET, REPO).send().data["description"] == "changed"


def test_pygithub_gets_its_own_304(github_credentials: GitHubCredentials) -> None:
    """An update() of PyGithub, which has conditions of its own, learns that nothing changed."""
    repository = github_credentials.client().get_repo(REPO)
    repository.update()  # the first time all may be new
    assert repository.update() is False


# Limits


def waited(credentials: GitHubCredentials, route: str = GET) -> tuple[list[float], list[Progress]]:
    """Send a request; return the waits, and what was reported."""
    heard: list[Progress] = []
    with no_waiting() as waits, on_progress(heard.append):
        Request(credentials, route, REPO).send(body={"title": "A"} if route == CREATE else None)
    return waits, heard


def test_a_secondary_limit_is_waited_out(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """What GitHub asks one to wait is waited and reported, for a POST as well."""
    github_server.fail(CREATE, secondary_limit(retry_after=7))
    waits, heard = waited(github_credentials, CREATE)
    assert waits == [pytest.approx(7, abs=0.5)]
    assert "rate limit: waiting 7 s" in heard[0].text
    assert len(github_server.asked(CREATE)) == 2


@pytest.mark.parametrize("status", [403, 429])
def test_a_limit_without_a_time_is_waited_out_longer_each_time(
    github_server: GitHubServer, github_credentials: GitHubCredentials, status: int
) -> None:
    """Where GitHub names no time it is a minute, then two."""
    github_server.fail(GET, secondary_limit(retry_after=None, status=status), times=2)
    waits, _ = waited(github_credentials)
    assert waits == [pytest.approx(60, abs=1), pytest.approx(120, abs=1)]


@pytest.mark.parametrize(
    "said",
    [
        "You have triggered an abuse detection mechanism. Please retry your request again later.",
        "You have exceeded a secondary rate limit and have been temporarily blocked.",
        "Validation Failed: was submitted too quickly",
    ],
)
def test_an_abuse_limit_is_one(
    github_server: GitHubServer, github_credentials: GitHubCredentials, said: str
) -> None:
    """Of servers old and new, which often name no time: it is waited out, also for a POST."""
    github_server.fail(CREATE, denied(message=said))
    waits, _ = waited(github_credentials, CREATE)
    assert waits == [pytest.approx(60, abs=1)]


def test_a_primary_limit_is_waited_out_until_its_reset(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """When the hour's requests are used up, it waits until there are new ones."""
    github_server.fail(GET, primary_limit(reset_in=90))
    waits, _ = waited(github_credentials)
    assert waits == [pytest.approx(91, abs=3)]


def test_a_limit_that_outlasts_the_task_is_an_error_at_once(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """Nothing is waited for that the time-out cannot hold; later requests are not even sent."""
    github_server.fail(GET, primary_limit(reset_in=600))
    request = Request(github_credentials, GET, REPO)
    with no_waiting() as waits, Scope(seconds=30):
        with pytest.raises(GitHubRateLimited) as caught:
            request.send()
        with pytest.raises(GitHubRateLimited):
            request.send()
    assert caught.value.retry_after_seconds == pytest.approx(601, abs=5)
    assert waits == []
    assert len(github_server.asked(GET)) == 1


def test_the_longest_wait_can_be_set(github_server: GitHubServer) -> None:
    """Without a task, client_options say how long a limit is waited for."""
    github_server.fail(GET, secondary_limit(retry_after=11))
    impatient = github_server.credentials(client_options={"rate_limit_wait_seconds": 10})
    with no_waiting() as waits, pytest.raises(GitHubRateLimited, match="lifts in 11 s"):
        Request(impatient, GET, REPO).send()
    assert waits == []


def test_a_limit_holds_for_all_threads(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """While one thread waits, another one sends nothing."""
    github_server.fail(GET, secondary_limit(retry_after=600))
    heard = threading.Event()
    with Scope() as scope:

        def first() -> None:
            with on_progress(lambda _: heard.set()), pytest.raises(TaskCancelled):
                Request(github_credentials, GET, REPO).send()

        thread = threading.Thread(target=copy_context().run, args=(first,))
        thread.start()
        assert heard.wait(10)
        with Scope(seconds=5), pytest.raises(GitHubRateLimited):
            Request(github_credentials, ISSUES, REPO).send()
        scope.cancel()
        thread.join(10)
    assert not thread.is_alive()
    assert len(github_server.requests) == 1


# Failures


@pytest.mark.parametrize("route", [GET, "PUT /repos/{owner}/{repo}/subscription"])
@pytest.mark.parametrize("fault", [server_error(502), server_error(503), reset(), cut(0)])
def test_what_passes_is_tried_again(
    github_server: GitHubServer, github_credentials: GitHubCredentials, route: str, fault: Any
) -> None:
    """A request that means the same twice is sent again after 5xx and a broken connection."""
    github_server.fail(route, fault, times=2)
    with no_waiting() as waits:
        Request(github_credentials, route, REPO).send()
    assert len(waits) == 2
    assert 0.5 <= waits[0] <= 1 <= waits[1] <= 2


LABEL = "DELETE /repos/{owner}/{repo}/labels/{name}"


@pytest.mark.parametrize("fault", [reset(), cut(0)])
def test_what_a_lost_request_deleted_is_deleted(
    github_server: GitHubServer, github_credentials: GitHubCredentials, fault: Any
) -> None:
    """The answer was lost, and it is gone: that is what was wanted."""
    github_server.fail(LABEL, fault)
    github_server.fail(LABEL, not_found())
    with no_waiting():
        Request(github_credentials, LABEL, REPO, name="bug").send()


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_what_may_not_be_deleted_is_not_called_deleted(
    github_server: GitHubServer, github_credentials: GitHubCredentials, status: int
) -> None:
    """404 is also what GitHub says where a permission lacks, whatever it failed with before."""
    github_server.fail(LABEL, server_error(status))
    github_server.fail(LABEL, not_found())
    with no_waiting(), pytest.raises(GitHubNotFound):
        Request(github_credentials, LABEL, REPO, name="bug").send()


@pytest.mark.parametrize("fault", [server_error(502), cut(0)])
def test_a_post_is_not_sent_twice(
    github_server: GitHubServer, github_credentials: GitHubCredentials, fault: Any
) -> None:
    """What may have been done is not done again; the error says to look."""
    github_server.fail(CREATE, fault)
    with no_waiting() as waits, pytest.raises(GitHubUnavailable) as caught:
        Request(github_credentials, CREATE, REPO).send(body={"title": "A"})
    assert waits == []
    assert "Look whether it was done" in caught.value.fix
    assert len(github_server.asked(CREATE)) == 1


def test_a_post_with_a_guard_is_sent_again(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """A caller who guards against a double says so."""
    github_server.fail(CREATE, server_error(502))
    with no_waiting():
        Request(github_credentials, CREATE, REPO, safe=True).send(body={"title": "A"})
    assert len(github_server.asked(CREATE)) == 2


def test_a_post_that_was_never_sent_is_sent_again() -> None:
    """Nobody listens: nothing was sent, so a POST is tried again too, then the error names why."""
    nobody = GitHubCredentials(token=Secret("ghp_nobody-listens"), api_url="http://127.0.0.1:1")
    with no_waiting() as waits, pytest.raises(GitHubUnavailable) as caught:
        Request(nobody, CREATE, REPO).send(body={"title": "A"})
    assert len(waits) == 3
    assert (
        "no answer from http://127.0.0.1:1 (ConnectionError: nobody listens there)"
        in caught.value.what
    )
    assert caught.value.request == "POST /repos/acme/reports/issues"
    assert caught.value.__cause__ is None


def test_a_host_that_nobody_knows_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelt host is the first thing to look at."""

    def unknown(*_: object, **__: object) -> NoReturn:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    nobody = GitHubCredentials(
        token=Secret("ghp_nobody-knows"), host="gihtub.invalid", client_options={"retries": 0}
    )
    with pytest.raises(GitHubUnavailable, match="nobody knows a host of this name") as caught:
        Request(nobody, GET, REPO).send()
    assert "`host`" in caught.value.fix


def test_a_failure_that_stays_is_an_error(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """After three repeats GitHub's failure is raised, with the request's id."""
    github_server.fail(GET, server_error(500), times=4)
    with no_waiting() as waits, pytest.raises(GitHubUnavailable) as caught:
        Request(github_credentials, GET, REPO).send()
    assert len(waits) == 3
    assert caught.value.status == 500


def test_no_repeat_outlasts_the_task(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """Where the time-out does not hold the pause, the failure is raised at once."""
    github_server.fail(GET, server_error(502))
    with no_waiting() as waits, Scope(seconds=0.9), pytest.raises(GitHubUnavailable):
        Request(github_credentials, GET, REPO).send()
    assert waits == []


def test_an_answer_takes_no_longer_than_the_task(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """A request waits for its answer as long as the task has left."""
    github_server.fail(CREATE, slow(30))
    with Scope(seconds=0.3), pytest.raises(GitHubUnavailable, match="ReadTimeout"):
        Request(github_credentials, CREATE, REPO).send(body={"title": "A"})


def test_what_is_still_computed_is_asked_for_again(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """202 means that statistics are being made: it asks again, and gives up in the end."""
    route = "GET /repos/{owner}/{repo}/stats/contributors"
    github_server.answer(route, {}, status=202, times=2)
    with no_waiting() as waits:
        assert Request(github_credentials, route, REPO).send().status == 200
    assert len(waits) == 2
    github_server.answer(route, {}, status=202)
    with no_waiting(), pytest.raises(GitHubTimeout, match="still computes"):
        Request(github_credentials, route, "acme/other").send()


# Redirects


@pytest.mark.parametrize("route", [GET, CREATE])
def test_a_renamed_repository_is_found(
    github_server: GitHubServer, github_credentials: GitHubCredentials, route: str
) -> None:
    """Reads and writes follow a repository to its new name, with their body and query."""
    github_server.rename("acme/old", "acme/new")
    body = {"title": "A"} if route == CREATE else None
    Request(github_credentials, route, "acme/old").send(body=body)
    asked = github_server.requests[-1]
    assert (asked.path["repo"], asked.body) == ("new", body)


def test_a_redirect_to_another_host_is_refused(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """The token goes to no other host."""
    with another_server() as other:
        there = {"Location": f"{other.url}/repos/acme/reports"}
        github_server.answer(
            GET, {"message": "Moved", "url": "", "documentation_url": ""}, status=301, headers=there
        )
        with pytest.raises(GitHubUnavailable, match="another host"):
            Request(github_credentials, GET, REPO).send()
        assert other.requests == []


def test_a_file_of_storage_is_read_without_the_token(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """A file is read from where GitHub keeps it, which learns no token."""
    route = "GET /repos/{owner}/{repo}/actions/jobs/{job_id}/logs"
    github_server.answer(route, b"line one\nline two\n", status=302)
    with Request(github_credentials, route, REPO, job_id=7).stream() as reply:
        assert b"".join(reply.iter_content(4)) == b"line one\nline two\n"


ASSETS = "POST /repos/{owner}/{repo}/releases/{release_id}/assets"


def test_a_file_is_sent_to_where_github_says(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """A release's upload_url leads to the host for uploads; a file that was limited goes again."""
    release = github_server.example("GET /repos/{owner}/{repo}/releases/{release_id}")
    to = release["upload_url"].replace(
        "https://uploads.github.com", f"{github_server.url}/api/uploads"
    )
    github_server.fail(ASSETS, secondary_limit(retry_after=1))
    asked = Request(github_credentials, ASSETS, "octocat/Hello-World", release_id=1)
    with no_waiting():
        name = asked.upload(
            lambda found: found["name"],
            BytesIO(b"PK"),
            "application/zip",
            to=to,
            query={"name": "a.zip"},
        )
    assert name == "example.zip"
    first, second = github_server.asked(ASSETS)
    assert (second.body, second.query["name"]) == (b"PK", "a.zip")
    assert first.body == second.body
    assert second.headers["Content-Type"] == "application/zip"


@pytest.mark.parametrize(
    "to",
    [
        "https://uploads.evil.example/repos/acme/reports/releases/1/assets{?name}",
        "http://127.0.0.1:1/repos/acme/reports/releases/1/assets",
        "https://uploads.127.0.0.1/repos/acme/other/releases/1/assets",
    ],
)
def test_no_file_goes_elsewhere(
    github_server: GitHubServer, github_credentials: GitHubCredentials, to: str
) -> None:
    """An upload_url of another host, or for something else, is refused: it would get the token."""
    asked = Request(github_credentials, ASSETS, REPO, release_id=1)
    with pytest.raises(GitHubError, match="another host for an upload"):
        asked.upload(dict, BytesIO(b"PK"), "application/zip", to=to)
    assert github_server.requests == []


@pytest.mark.parametrize(
    ("api_url", "url", "may"),
    [
        ("https://api.github.com", "https://uploads.github.com/x", True),
        ("https://api.acme.ghe.com", "https://uploads.acme.ghe.com/x", True),
        ("https://ghes.acme/api/v3", "https://ghes.acme/api/uploads/x", True),
        ("https://api.github.com", "http://uploads.github.com/x", False),
        ("https://api.github.com", "https://uploads.github.com.evil.example/x", False),
        ("https://api.github.com", "https://uploads.github.com@evil.example/x", False),
    ],
)
def test_the_token_goes_to_the_hosts_of_one_server(api_url: str, url: str, may: bool) -> None:
    """The API's host, and the one for uploads beside it, over TLS."""
    credentials = GitHubCredentials(token="ghp_abcdefgh", api_url=api_url)
    assert client_for(credentials).transport.may_have_token(url) is may


def test_a_stream_that_fails_is_a_typed_error(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """What is not there is said before anything is read."""
    route = "GET /repos/{owner}/{repo}/actions/jobs/{job_id}/logs"
    github_server.fail(route, not_found())
    asked = Request(github_credentials, route, REPO, job_id=7)
    with pytest.raises(GitHubNotFound), asked.stream():
        pass


# Threads


@pytest.fixture
def restless() -> Iterator[None]:
    """Let threads take turns all the time, where each would else finish its request."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("restless")
def test_threads_get_their_own_answers(
    github_server: GitHubServer, github_credentials: GitHubCredentials
) -> None:
    """Of many threads on one client, PyGithub's included, each gets what it asked for."""

    def named(asked: Asked) -> Answer:
        return Answer(github_server.example(GET, description=asked.path["repo"]))

    github_server.answer(GET, named)
    client = github_credentials.client()
    wrong: list[tuple[str, str]] = []

    def ask(worker: int) -> None:
        for turn in range(6):
            name = f"repo-{worker}-{turn}"
            mine = Request(github_credentials, GET, f"acme/{name}").send().data["description"]
            theirs = client.get_repo(f"acme/{name}").description
            wrong.extend((name, each) for each in (mine, theirs) if each != name)

    threads = [threading.Thread(target=ask, args=(worker,)) for worker in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert wrong == []
    assert len(github_server.asked(GET)) == 8 * 6 * 2


def test_only_so_many_requests_are_under_way(github_server: GitHubServer) -> None:
    """No more requests are sent at once than client_options say."""
    under_way, most = [0], [0]
    lock, full = threading.Lock(), threading.Barrier(2)

    def counted(asked: Asked) -> Answer:
        with lock:
            under_way[0] += 1
            most[0] = max(most[0], under_way[0])
        full.wait(10)  # both places are taken before either answers
        with lock:
            under_way[0] -= 1
        return Answer(github_server.example(GET))

    github_server.answer(GET, counted)
    two = github_server.credentials(client_options={"max_concurrency": 2})
    threads = [
        threading.Thread(target=lambda n=n: Request(two, GET, f"acme/r{n}").send())
        for n in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert most == [2]
