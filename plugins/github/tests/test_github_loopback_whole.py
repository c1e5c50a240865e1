"""The loopback GitHub as a whole: every operation is answered, whatever is sent."""

import json
from collections.abc import Iterator
from email.message import Message
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from brickwork.testing.base import lacking
from brickwork.testing.listening import Reply
from brickwork_github.testing import DescriptionMissing, GitHubServer, github_server
from brickwork_github.testing.description import Operation
from brickwork_github.testing.serving import Serving

WORKFLOW = ".github/workflows/build.yml"


@pytest.fixture
def server() -> Iterator[GitHubServer]:
    """A server with a repository that has a bit of everything."""
    try:
        with github_server(refusals_allowed=True) as server:
            repo = server.repository(
                "octocat/Hello-World", {"README.md": "x", WORKFLOW: "on: push"}
            )
            repo.commit({"a": "b"}, branch="topic")
            yield server
    except DescriptionMissing as error:
        lacking(str(error))


def ask(server: GitHubServer, method: str, target: str, body: bytes) -> Reply:
    """Send a request, but without a connection."""
    headers = Message()
    headers["Authorization"] = f"token {server.token.reveal()}"
    headers["User-Agent"] = "test"
    if body:
        headers["Content-Type"] = "application/json" if body[:1] in b"{[" else "text/plain"
    return Serving(server).reply_to(method, target, headers, body)


def value_of(server: GitHubServer, parameter: Any) -> Any:
    """Return something that a parameter may be."""
    fixed = {"owner": "octocat", "repo": "Hello-World", "ref": "main", "branch": "topic"}
    schema = server.description.resolved(parameter["schema"])
    kind = {"integer": 1, "boolean": True}.get(schema.get("type"), "main")
    shown = parameter.get("example", schema.get("example", schema.get("default", kind)))
    return fixed.get(parameter["name"], schema.get("enum", [shown])[0])


def target_of(server: GitHubServer, operation: Operation) -> str:
    """Return a path and a query for an operation."""
    path, query = operation.path, {}
    for (place, name), parameter in operation.parameters.items():
        value = value_of(server, parameter)
        if place == "path":
            path = path.replace(f"{{{name}}}", quote(str(value)))
        elif parameter.get("required"):
            query[name] = value
    return f"{path}?{urlencode(query)}" if query else path


def bodies_of(server: GitHubServer, operation: Operation) -> list[bytes]:
    """Return GitHub's own examples of what may be sent; nothing where nothing may."""
    wanted = server.description.resolved(operation.raw.get("requestBody")) or {"content": {}}
    content = wanted["content"].get("application/json", {})
    found = [server.description.resolved(each) for each in content.get("examples", {}).values()]
    return [json.dumps(each["value"]).encode() for each in found if "value" in each] or [b""]


def test_every_operation_is_answered(server: GitHubServer) -> None:
    """With GitHub's own example of a request; by what GitHub may answer, and never by an error."""
    wrong, answered = [], 0
    operations = [*server.description.operations.values()]
    # What is deleted is deleted last.
    for operation in sorted(operations, key=lambda each: each.method == "DELETE"):
        for body in bodies_of(server, operation):
            reply = ask(server, operation.method, target_of(server, operation), body)
            answered += reply.status < 400
            if reply.status >= 500:
                wrong.append((operation.route, reply.content))
    assert wrong == []
    assert server.lies == []
    assert answered > 900


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["title", "body", "labels", "ref", "sha", "files", "message", "name"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_nothing_that_is_sent_breaks_it(server: GitHubServer, data: st.DataObject) -> None:
    """Any body, any bytes, any path: answered, and refused where it makes no sense."""
    live = [
        each
        for each in server.description.operations.values()
        if each.path.startswith("/repos/{owner}/{repo}/")
        and each.method in ("POST", "PUT", "PATCH")
    ]
    operation = data.draw(st.sampled_from(live))
    body = data.draw(
        st.binary(max_size=20) | anything.map(lambda value: json.dumps(value).encode())
    )
    reply = ask(server, operation.method, target_of(server, operation), body)
    assert reply.status < 500, (operation.route, body, reply.content)


@pytest.mark.parametrize(
    "target",
    ["", "/", "//", "/repos", "/repos//x", "/%", "/%ff/%00", "/api/v3", "/repos/a/b/contents"],
)
def test_odd_paths_are_not_found(server: GitHubServer, target: str) -> None:
    """None of them breaks it."""
    assert ask(server, "GET", target, b"").status in (200, 404, 422)


def test_a_created_repository_lives(server: GitHubServer) -> None:
    """It can be filled, has one name, and is gone when it is deleted."""
    made = {"name": "fresh", "private": True, "auto_init": True, "description": "New"}
    reply = ask(server, "POST", "/user/repos", json.dumps(made).encode())
    assert reply.status == 201
    assert json.loads(reply.content)["full_name"] == "octocat/fresh"
    assert json.loads(reply.content)["description"] == "New"
    assert ask(server, "GET", "/repos/octocat/fresh/contents/README.md", b"").status == 200
    assert ask(server, "POST", "/user/repos", json.dumps(made).encode()).status == 422
    assert ask(server, "DELETE", "/repos/octocat/fresh", b"").status == 204
    assert ask(server, "GET", "/repos/octocat/fresh", b"").status == 404
    assert ask(server, "POST", "/orgs/acme/repos", json.dumps(made).encode()).status == 201
    assert "acme/fresh" in server.repositories


def test_a_protected_branch_is_changed_only_by_a_pull_request(server: GitHubServer) -> None:
    """Neither by a file, nor by moving the branch; what protects it is shown, and can go."""
    repo = server.repositories["octocat/hello-world"]
    here = "/repos/octocat/Hello-World"
    rules = {
        "required_status_checks": {"strict": True, "contexts": ["build"]},
        "enforce_admins": True,
        "required_pull_request_reviews": {"required_approving_review_count": 1},
        "restrictions": None,
    }
    protection = f"{here}/branches/main/protection"
    assert ask(server, "GET", protection, b"").status == 404
    reply = ask(server, "PUT", protection, json.dumps(rules).encode())
    assert json.loads(reply.content)["required_status_checks"]["contexts"] == ["build"]

    file = json.dumps({"message": "m", "content": "eA=="}).encode()
    assert ask(server, "PUT", f"{here}/contents/new", file).status == 409
    move = json.dumps({"sha": repo.git.resolve("topic", "commit")}).encode()
    assert ask(server, "PATCH", f"{here}/git/refs/heads/main", move).status == 422
    branches = json.loads(ask(server, "GET", f"{here}/branches", b"").content)
    assert {each["name"]: each["protected"] for each in branches} == {"main": True, "topic": False}
    assert ask(server, "DELETE", protection, b"").status == 204
    assert ask(server, "PUT", f"{here}/contents/new", file).status == 201


def test_a_created_gist_lives(server: GitHubServer) -> None:
    """Its files are changed, renamed and deleted; it has a star or none; at last it is gone."""
    files = {"a.txt": {"content": "1"}, "b.txt": {"content": "2"}}
    made = json.dumps({"files": files, "description": "Two"}).encode()
    gist = json.loads(ask(server, "POST", "/gists", made).content)
    here = f"/gists/{gist['id']}"
    changes = {"a.txt": {"filename": "c.txt"}, "b.txt": None, "d.txt": {"content": "4"}}
    ask(server, "PATCH", here, json.dumps({"files": changes}).encode())

    shown = json.loads(ask(server, "GET", here, b"").content)
    assert {name: file["content"] for name, file in shown["files"].items()} == {
        "c.txt": "1",
        "d.txt": "4",
    }
    (listed,) = json.loads(ask(server, "GET", "/gists", b"").content)
    assert "content" not in listed["files"]["c.txt"]
    assert [ask(server, "GET", f"{here}/star", b"").status] == [404]
    assert ask(server, "PUT", f"{here}/star", b"").status == 204
    assert ask(server, "GET", f"{here}/star", b"").status == 204
    assert ask(server, "DELETE", here, b"").status == 204
    assert server.gists.found == {}


def test_many_may_ask_at_once(server: GitHubServer) -> None:
    """Each issue gets a number of its own, each file its commit, and none is lost."""
    from concurrent.futures import ThreadPoolExecutor

    here = "/repos/octocat/Hello-World"

    def work(number: int) -> tuple[int, int]:
        issue = ask(server, "POST", f"{here}/issues", json.dumps({"title": "x"}).encode())
        file = json.dumps({"message": "m", "content": "eA=="}).encode()
        assert ask(server, "PUT", f"{here}/contents/file{number}", file).status == 201
        return issue.status, json.loads(issue.content)["number"]

    with ThreadPoolExecutor(8) as pool:
        done = [*pool.map(work, range(40))]
    assert sorted(done) == [(201, number) for number in range(1, 41)]
    repo = server.repositories["octocat/hello-world"]
    assert len(repo.git.commits("main")) == 41
    assert len(repo.git.tree("main")) == 42
