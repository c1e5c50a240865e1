"""The loopback GitHub: what it refuses, what it answers, and that it cannot be made to lie."""

import json
import time
from collections.abc import Iterator
from typing import Any

import github as pygithub
import pytest
import requests

from brickwork import BrickworkError, Secret
from brickwork_github.testing import Answer, Asked, GitHubServer, WrongAnswer, faults, github_server

ISSUES = "GET /repos/{owner}/{repo}/issues"
CREATE = "POST /repos/{owner}/{repo}/issues"
REPOSITORY = "GET /repos/{owner}/{repo}"


def ask(
    server: GitHubServer, method: str, path: str, body: Any = None, **headers: str
) -> requests.Response:
    """Send a request as any program might."""
    given = {"Authorization": f"Bearer {server.token.reveal()}", **headers}
    if body is not None:
        given.setdefault("Content-Type", "application/json")
    data = body if isinstance(body, bytes) or body is None else json.dumps(body)
    return requests.request(
        method, server.url + path, data=data, headers=given, timeout=30, allow_redirects=False
    )


@pytest.fixture
def client(github_server: GitHubServer) -> Iterator[pygithub.Github]:
    """PyGithub's own client, as its users make it."""
    token = pygithub.Auth.Token(github_server.token.reveal())
    client = pygithub.Github(
        base_url=github_server.url, auth=token, retry=None, seconds_between_requests=None
    )
    yield client
    client.close()


@pytest.fixture
def refusing(github_server: GitHubServer) -> Iterator[GitHubServer]:
    """A server of which a test expects refusals."""
    yield github_server
    assert github_server.refusals
    github_server.refusals.clear()


# Refused is what the description refuses


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "why"),
    [
        ("GET", "/repos/o/r/isues", None, 404, "Not Found: GET /repos/o/r/isues"),
        ("PUT", "/repos/o/r/issues", None, 404, "there is GET, POST"),
        ("GET", "/repos/o/r/issues?sate=open", None, 422, '"sate" is not a permitted'),
        ("GET", "/repos/o/r/issues?state=opened", None, 422, "'opened' is not one of"),
        ("GET", "/repos/o/r/issues?state=open&state=all", None, 422, '"state" is given 2 times'),
        ("GET", "/repos/o/r/issues?per_page=many", None, 422, "'many' is not of type 'integer'"),
        ("GET", "/repos/o/r/issues/first", None, 422, "'first' is not of type 'integer'"),
        ("GET", "/search/issues", None, 422, '"q" wasn\'t supplied.'),
        ("POST", "/repos/o/r/issues", None, 422, "needs a body"),
        ("POST", "/repos/o/r/issues", {}, 422, '"title" wasn\'t supplied.'),
        ("POST", "/repos/o/r/issues", {"title": None}, 422, "None is not of type"),
        ("POST", "/repos/o/r/issues", {"title": "t", "boddy": "b"}, 422, "'boddy' was unexpected"),
        ("POST", "/repos/o/r/issues", {"title": "t", "labels": "bug"}, 422, "For 'labels'"),
        ("POST", "/repos/o/r/issues", {"title": "t", "labels": [{"nam": "a"}]}, 422, "'nam'"),
        ("POST", "/repos/o/r/issues", b"{title", 400, "Problems parsing JSON"),
        ("DELETE", "/repos/o/r/labels/bug", {"a": 1}, 422, "takes no body"),
        ("GET", "/user?x", None, 422, '"x" is not a permitted'),
    ],
)
def test_what_the_description_refuses_is_refused(
    refusing: GitHubServer, method: str, path: str, body: Any, status: int, why: str
) -> None:
    """An unknown path, parameter or field, a missing or ill-typed one: as GitHub, and noted."""
    answer = ask(refusing, method, path, body)

    assert answer.status_code == status
    assert set(answer.json()) == {"message", "documentation_url", "status"}
    (refusal,) = refusing.refusals
    assert refusal.status == status
    assert why in " ".join(refusal.reasons)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", None])
def test_a_body_of_another_kind_is_refused(refusing: GitHubServer, kind: str | None) -> None:
    """Whose headers say what the operation does not take, though its bytes are JSON."""
    headers = {"Authorization": f"Bearer {refusing.token.reveal()}", "User-Agent": "tests"}
    if kind is not None:
        headers["Content-Type"] = kind
    answer = requests.post(
        f"{refusing.url}/repos/o/r/issues", data=b'{"title": "t"}', headers=headers, timeout=30
    )
    assert answer.status_code == 415
    (refusal,) = refusing.refusals
    assert "is no kind of body that it takes" in refusal.reasons[0]


def test_a_request_without_a_token_is_refused(refusing: GitHubServer) -> None:
    """Who says nothing of itself is told to."""
    answer = requests.get(f"{refusing.url}/user", timeout=30)
    assert (answer.status_code, answer.json()["message"]) == (401, "Requires authentication")


def test_an_unknown_version_of_the_api_is_refused(refusing: GitHubServer) -> None:
    """A version that does not exist is GitHub's 400."""
    assert ask(refusing, "GET", "/user", **{"X-GitHub-Api-Version": "2020"}).status_code == 400


def test_a_test_that_leaves_a_refusal_fails() -> None:
    """The server says at its end what GitHub would have refused, unless that is allowed."""
    with pytest.raises(AssertionError, match=r"/nowhere: 404"), github_server() as server:
        ask(server, "GET", "/nowhere")
    with github_server(refusals_allowed=True) as server:
        ask(server, "GET", "/nowhere")


def test_a_wrong_token_is_no_fault_of_the_request(github_server: GitHubServer) -> None:
    """Tokens end in real life: that is answered, and is no refusal of the description."""
    token = github_server.new_token()
    headers = {"Authorization": f"token {token.reveal()}"}
    assert ask(github_server, "GET", "/user", **headers).status_code == 200
    github_server.revoke(token)
    answer = ask(github_server, "GET", "/user", **headers)
    assert (answer.status_code, answer.json()["message"]) == (401, "Bad credentials")


def test_a_token_ends_by_the_clock_of_the_server(github_server: GitHubServer) -> None:
    """The time a token has is told in each answer, and can be moved on."""
    token = github_server.new_token(fine_grained=True, expires_in=3600)
    headers = {"Authorization": f"Bearer {token.reveal()}"}
    first = ask(github_server, "GET", "/user", **headers)
    github_server.advance(3601)

    assert first.headers["GitHub-Authentication-Token-Expiration"].endswith(" UTC")
    assert "X-OAuth-Scopes" not in first.headers
    assert ask(github_server, "GET", "/user", **headers).status_code == 401


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/repos/o/r/releases/latest", "GET /repos/{owner}/{repo}/releases/latest"),
        ("/repos/o/r/releases/7", "GET /repos/{owner}/{repo}/releases/{release_id}"),
        ("/repos/o/r/contents/a/b.txt", "GET /repos/{owner}/{repo}/contents/{path}"),
        ("/repos/o/r/git/ref/heads/a/b", "GET /repos/{owner}/{repo}/git/ref/{ref}"),
        ("/repos/o/r/branches/a%2Fb", "GET /repos/{owner}/{repo}/branches/{branch}"),
        (
            "/repos/o/r/branches/a/b/protection",
            "GET /repos/{owner}/{repo}/branches/{branch}/protection",
        ),
        (
            "/repos/o/r/commits/main/check-runs",
            "GET /repos/{owner}/{repo}/commits/{ref}/check-runs",
        ),
    ],
)
def test_the_right_operation_is_found(github_server: GitHubServer, path: str, route: str) -> None:
    """A name goes before a parameter, and only some parameters have slashes."""
    ask(github_server, "GET", path)
    assert github_server.requests[-1].route == route


def test_requests_are_kept_as_they_were_understood(
    github_server: GitHubServer, client: pygithub.Github
) -> None:
    """A test reads parameters and fields, not bytes."""
    github_server.answer(
        REPOSITORY,
        github_server.example(REPOSITORY, url="https://api.github.com/repos/octo/bricks"),
    )
    client.get_repo("octo/bricks").create_issue("Wall", labels=["red"])

    (asked,) = github_server.asked(CREATE)
    assert asked.path == {"owner": "octo", "repo": "bricks"}
    assert asked.body == {"title": "Wall", "labels": ["red"]}
    assert asked.token == github_server.token.reveal()
    assert github_server.token.reveal() not in repr(asked)


# Answers are as the description says


@pytest.mark.parametrize(
    ("route", "body", "options", "why"),
    [
        (ISSUES, {"number": 1}, {}, "is not of type 'array'"),
        (ISSUES, [{"number": 1}], {}, "wasn't supplied"),
        ("GET /rate_limit", {"rate": {}}, {}, "wasn't supplied"),
        ("GET /repos/{owner}/{repo}/topics", {"names": ["a"], "nmes": []}, {}, "'nmes'"),
        ("GET /repos/{owner}/{repo}/topics", {"names": [None]}, {}, "names/0"),
        ("DELETE /gists/{gist_id}", {"deleted": True}, {}, "has no body"),
        (REPOSITORY, {}, {"status": 299}, "never answers 299"),
    ],
)
def test_a_lie_is_refused(
    github_server: GitHubServer, route: str, body: Any, options: dict[str, Any], why: str
) -> None:
    """A test cannot let GitHub answer what it never answers."""
    with pytest.raises(WrongAnswer, match=why):
        github_server.answer(route, body, **options)


def test_a_lie_told_later_fails_the_test_at_its_end() -> None:
    """What a function of the test makes is checked, too; the client gets no answer from it."""
    running = github_server()
    server = running.__enter__()
    server.answer(ISSUES, lambda asked: [server.example(ISSUES, number=asked.path["owner"])])
    assert ask(server, "GET", "/repos/o/r/issues").status_code == 500
    with pytest.raises(WrongAnswer, match=r"number"):
        running.__exit__(None, None, None)


def test_an_operation_that_does_not_exist_cannot_be_answered(github_server: GitHubServer) -> None:
    """A slip in a route is an error at once, with the nearest route."""
    with pytest.raises(BrickworkError, match=r"Did you mean 'GET /repos/\{owner\}/\{repo\}/iss"):
        github_server.answer("GET /repos/{owner}/{repo}/isues", [])


def test_an_answer_may_depend_on_the_request(github_server: GitHubServer) -> None:
    """A function makes the body, or the whole answer."""

    def made(asked: Asked) -> Answer:
        if asked.path["issue_number"] == "2":
            return Answer({"message": "gone", "documentation_url": "", "status": "410"}, 410)
        return Answer(github_server.example(route, number=int(asked.path["issue_number"])))

    route = "GET /repos/{owner}/{repo}/issues/{issue_number}"
    github_server.answer(route, made)

    assert ask(github_server, "GET", "/repos/o/r/issues/1").json()["number"] == 1
    assert ask(github_server, "GET", "/repos/o/r/issues/2").status_code == 410


def test_the_last_answer_counts_until_it_is_used_up(github_server: GitHubServer) -> None:
    """Answers with a number of times come first, then what was said before."""
    route = "GET /repos/{owner}/{repo}/topics"
    github_server.answer(route, {"names": ["always"]})
    github_server.answer(route, {"names": ["once"]}, times=1, headers={"X-Extra": "yes"})

    answers = [ask(github_server, "GET", "/repos/o/r/topics") for _ in range(3)]
    assert [answer.json()["names"] for answer in answers] == [["once"], ["always"], ["always"]]
    assert [answer.headers.get("X-Extra") for answer in answers] == ["yes", None, None]


def test_urls_in_answers_lead_back_to_the_server(
    github_server: GitHubServer, client: pygithub.Github
) -> None:
    """What GitHub links to is found here, also as on an Enterprise server."""
    assert client.get_repo("octocat/Hello-World").url.startswith(github_server.url)
    enterprise = ask(github_server, "GET", "/api/v3/repos/o/r").json()
    assert enterprise["url"].startswith(f"{github_server.url}/api/v3/repos/")
    assert enterprise["clone_url"] == f"{github_server.url}/octocat/Hello-World.git"


def test_an_asset_is_uploaded_to_where_the_release_says(
    github_server: GitHubServer, client: pygithub.Github, tmp_path: Any
) -> None:
    """The host for uploads is this server, too, and takes any bytes."""
    (tmp_path / "wall.bin").write_bytes(b"\x00brick")
    release = client.get_repo("o/r").get_latest_release()
    release.upload_asset(str(tmp_path / "wall.bin"), name="wall.bin")

    (asked,) = github_server.asked("POST /repos/{owner}/{repo}/releases/{release_id}/assets")
    assert asked.body == b"\x00brick"
    assert asked.query["name"] == "wall.bin"


# Lists in pages


@pytest.mark.parametrize("count", [0, 1, 30, 31, 75])
def test_pygithub_reads_a_list_to_its_end(
    github_server: GitHubServer, client: pygithub.Github, count: int
) -> None:
    """Link headers lead from page to page, over every item once."""
    github_server.answer(ISSUES, [github_server.example(ISSUES, number=n) for n in range(count)])

    found = [issue.number for issue in client.get_repo("o/r").get_issues()]
    assert found == list(range(count))
    assert len(github_server.asked(ISSUES)) == max(1, -(-count // 30))


def test_links_name_every_direction(github_server: GitHubServer) -> None:
    """In the middle of a list there is a way on, back, to both ends; other parameters stay."""
    github_server.answer(ISSUES, [github_server.example(ISSUES, number=n) for n in range(9)])
    answer = ask(github_server, "GET", "/repos/o/r/issues?state=all&per_page=3&page=2")

    assert [issue["number"] for issue in answer.json()] == [3, 4, 5]
    pages = {name: link["url"].partition("?")[2] for name, link in answer.links.items()}
    assert pages == {
        "prev": "state=all&per_page=3&page=1",
        "first": "state=all&per_page=3&page=1",
        "next": "state=all&per_page=3&page=3",
        "last": "state=all&per_page=3&page=3",
    }


def test_a_list_inside_an_answer_comes_in_pages(github_server: GitHubServer) -> None:
    """So it is for workflow runs, whose number stands beside them."""
    route = "GET /repos/{owner}/{repo}/actions/runs"
    run = github_server.example(route)["workflow_runs"][0]
    runs = [{**run, "id": n} for n in range(5)]
    github_server.answer(route, {"total_count": 5, "workflow_runs": runs})

    answer = ask(github_server, "GET", "/repos/o/r/actions/runs?per_page=2&page=3")
    assert [each["id"] for each in answer.json()["workflow_runs"]] == [4]
    assert answer.json()["total_count"] == 5
    assert "next" not in answer.links


def test_a_list_with_cursors_is_read_by_cursors(github_server: GitHubServer) -> None:
    """Where GitHub has no page numbers, the link has what comes after."""
    route = "GET /repos/{owner}/{repo}/activity"
    event = github_server.example(route)
    github_server.answer(route, [{**event, "id": n} for n in range(5)])

    found, path = [], "/repos/o/r/activity?per_page=2"
    while path:
        answer = ask(github_server, "GET", path)
        found += [each["id"] for each in answer.json()]
        path = answer.links.get("next", {}).get("url", "").removeprefix(github_server.url)
    assert found == [0, 1, 2, 3, 4]


# Conditional requests, the rate limit, redirects


def test_what_has_not_changed_is_not_sent_again_and_costs_nothing(
    github_server: GitHubServer,
) -> None:
    """An ETag that still fits is answered by 304, which the rate limit does not count."""
    first = ask(github_server, "GET", "/repos/o/r")
    left = github_server.quota.remaining
    again = ask(github_server, "GET", "/repos/o/r", **{"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert github_server.quota.remaining == left

    github_server.answer(REPOSITORY, github_server.example(REPOSITORY, id=9))
    changed = ask(github_server, "GET", "/repos/o/r", **{"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200


def test_the_rate_limit_is_counted_and_holds(github_server: GitHubServer) -> None:
    """Each answer says what is left; with nothing left there is a 403 until the hour is over."""
    github_server.quota.remaining = 1
    assert ask(github_server, "GET", "/user").headers["X-RateLimit-Remaining"] == "0"
    refused = ask(github_server, "GET", "/user")
    told = ask(github_server, "GET", "/rate_limit")
    github_server.advance(3700)
    after = ask(github_server, "GET", "/user")

    assert (refused.status_code, refused.headers["X-RateLimit-Remaining"]) == (403, "0")
    assert float(refused.headers["X-RateLimit-Reset"]) > time.time()
    assert told.json()["rate"]["remaining"] == 0
    assert (after.status_code, after.headers["X-RateLimit-Remaining"]) == (200, "4999")


def test_a_renamed_repository_redirects(
    github_server: GitHubServer, client: pygithub.Github
) -> None:
    """A request for the old name is sent on to the new one; a write keeps its method."""
    github_server.rename("octo/old", "octo/new")

    client.get_repo("octo/old")
    assert github_server.requests[-1].path == {"owner": "octo", "repo": "new"}
    moved = ask(github_server, "POST", "/repos/octo/old/issues", {"title": "t"})
    assert moved.status_code == 307
    assert moved.headers["Location"] == f"{github_server.url}/repos/octo/new/issues"


def test_a_download_is_on_another_host_which_wants_no_token(github_server: GitHubServer) -> None:
    """Logs are redirected to a storage, as at GitHub; a token sent there fails the test."""
    route = "GET /repos/{owner}/{repo}/actions/runs/{run_id}/logs"
    github_server.answer(route, b"PK logs")
    there = ask(github_server, "GET", "/repos/o/r/actions/runs/1/logs").headers["Location"]

    assert not there.startswith(github_server.url)
    assert requests.get(there, timeout=30).content == b"PK logs"
    assert requests.get(there, headers={"Authorization": "x"}, timeout=30).status_code == 400
    assert len(github_server.files.leaks) == 1
    github_server.files.leaks.clear()


# Faults


@pytest.mark.parametrize(
    ("fault", "status", "headers"),
    [
        (faults.secondary_limit(2), 403, {"Retry-After": "2"}),
        (faults.secondary_limit(None, status=429), 429, {}),
        (faults.primary_limit(), 403, {"X-RateLimit-Remaining": "0"}),
        (faults.server_error(), 502, {"Content-Type": "text/html"}),
        (faults.conflict(), 409, {}),
        (faults.not_found(), 404, {}),
        (faults.denied("issues=write"), 403, {"X-Accepted-GitHub-Permissions": "issues=write"}),
        (faults.sso_required(), 403, {}),
        (faults.bad_credentials(), 401, {}),
        (faults.invalid({"resource": "Issue", "field": "title", "code": "invalid"}), 422, {}),
    ],
)
def test_a_fault_happens_to_as_many_requests_as_planned(
    github_server: GitHubServer, fault: faults.Fault, status: int, headers: dict[str, str]
) -> None:
    """Then all is well again; other operations are not touched."""
    github_server.fail(REPOSITORY, fault, times=2)

    assert ask(github_server, "GET", "/user").status_code == 200
    answers = [ask(github_server, "GET", "/repos/o/r") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [status, status, 200]
    assert {name: answers[0].headers[name] for name in headers} == headers
    assert github_server.faults_left == 0


@pytest.mark.parametrize("fault", [faults.reset(), faults.cut(), faults.cut(after=10)])
def test_a_connection_breaks(github_server: GitHubServer, fault: faults.Fault) -> None:
    """Before anything was done, or with the work done, or in the midst of the answer."""
    github_server.fail(CREATE, fault)
    with pytest.raises(requests.RequestException):
        ask(github_server, "POST", "/repos/o/r/issues", {"title": "t"})
    assert ask(github_server, "POST", "/repos/o/r/issues", {"title": "t"}).status_code == 201


def test_a_slow_answer_is_late(github_server: GitHubServer) -> None:
    """A client that does not wait so long gives up; the end of the test waits for nobody."""
    github_server.fail(None, faults.slow(3600))
    with pytest.raises(requests.Timeout):
        requests.get(
            f"{github_server.url}/user",
            headers={"Authorization": f"token {github_server.token.reveal()}"},
            timeout=0.2,
        )


# The App


def test_an_app_gets_a_token_for_its_installation(github_server: GitHubServer) -> None:
    """PyGithub signs as the App, asks for a token, and works with it."""
    app = github_server.app
    auth = pygithub.Auth.AppAuth(app.app_id, app.private_key.reveal())
    integration = pygithub.GithubIntegration(base_url=github_server.url, auth=auth)
    installation = integration.get_repo_installation("octo", "bricks")
    client = installation.get_github_for_installation()

    assert installation.id == app.installation_id
    assert client.get_repo("octo/bricks").name == "Hello-World"
    assert str(github_server.requests[-1].token).startswith("ghs_")
    client.close()
    integration.close()


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"iss": "999"}, "Integration not found"),
        ({"exp": -10}, "must be a numeric value in the future"),
        ({"exp": 700}, "too far in the future"),
        ({"iat": 60}, "time in the past"),
        ({"iat": None}, "must be integers"),
    ],
)
def test_what_an_app_signs_wrongly_is_not_taken(
    github_server: GitHubServer, claims: dict[str, Any], why: str
) -> None:
    """Its times and its issuer are checked as GitHub checks them."""
    import jwt

    now = int(time.time())
    payload = {"iss": str(github_server.app.app_id), "iat": -60, "exp": 500} | claims
    payload = {
        name: now + value if isinstance(value, int) else value for name, value in payload.items()
    }
    payload = {name: value for name, value in payload.items() if value is not None}
    token = jwt.encode(payload, github_server.app.private_key.reveal(), "RS256")

    answer = ask(github_server, "GET", "/app", Authorization=f"Bearer {token}")
    assert answer.status_code == 401
    assert why in answer.json()["message"]


def test_an_app_is_not_where_it_is_not_installed(github_server: GitHubServer) -> None:
    """Of another repository there is no installation, and a person's token is no App's."""
    import jwt

    github_server.app.installed_on = ["octo/bricks"]
    now = int(time.time())
    payload = {"iss": github_server.app.client_id, "iat": now, "exp": now + 60}
    token = jwt.encode(payload, github_server.app.private_key.reveal(), "RS256")
    signed = {"Authorization": f"Bearer {token}"}

    assert ask(github_server, "GET", "/repos/octo/Bricks/installation", **signed).status_code == 200
    assert ask(github_server, "GET", "/repos/octo/tiles/installation", **signed).status_code == 404
    assert ask(github_server, "GET", "/app").status_code == 401
    assert ask(github_server, "GET", "/user", **signed).status_code == 401


def test_a_token_of_an_installation_ends(github_server: GitHubServer) -> None:
    """After an hour it is taken no longer."""
    app = github_server.app
    integration = pygithub.GithubIntegration(
        base_url=github_server.url,
        auth=pygithub.Auth.AppAuth(app.app_id, app.private_key.reveal()),
    )
    token = integration.get_access_token(app.installation_id).token
    integration.close()
    headers = {"Authorization": f"token {token}"}

    assert ask(github_server, "GET", "/user", **headers).status_code == 200
    github_server.advance(3601)
    assert ask(github_server, "GET", "/user", **headers).status_code == 401


def test_secrets_of_the_server_are_secrets(github_server: GitHubServer) -> None:
    """Its token and the App's key are masked wherever they are printed."""
    assert isinstance(github_server.token, Secret)
    assert isinstance(github_server.app.private_key, Secret)
