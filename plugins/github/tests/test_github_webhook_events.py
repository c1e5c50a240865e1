"""Payloads become typed events; held against GitHub's description and its recorded examples."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_origin

import pytest
from hypothesis import given, strategies as st

from brickwork import open_serializer
from brickwork.testing.base import lacking
from brickwork_github import (
    GitHubEvent,
    GitHubWebhookRefused,
    IssueCommentEvent,
    IssuesEvent,
    PullRequestEvent,
    PushEvent,
    WorkflowRunEvent,
    parse_event,
)
from brickwork_github.testing import DescriptionMissing, webhook_payload
from brickwork_github.testing.description import Description, Webhook, description
from brickwork_github.testing.examples import Examples
from brickwork_github.testing.npm import file_of
from brickwork_github.testing.validation import Schemas
from brickwork_github.testing.webhooks import _with_moments
from brickwork_github.webhooks.events import EVENTS, NAMES
from brickwork_github.webhooks.reading import Place, places

pytestmark = pytest.mark.usefixtures("github")

Schema = Mapping[str, Any]


@pytest.fixture(scope="module")
def github() -> Description:
    """GitHub's description."""
    try:
        return description()
    except DescriptionMissing as error:
        lacking(str(error))


@pytest.fixture(scope="module")
def recorded() -> list[tuple[str, dict[str, Any]]]:
    """Payloads that GitHub really sent, as the npm package of Octokit has them."""
    try:
        file = file_of("@octokit/webhooks-examples", "7.6.1", "api.github.com/index.json")
    except DescriptionMissing as error:
        lacking(str(error))
    events = json.loads(file.read_bytes())
    return [(event["name"], payload) for event in events for payload in event["examples"]]


# What the description says


class Reader:
    """Looks up where the description has what a field is read from."""

    def __init__(self, github: Description) -> None:
        self._github = github

    def below(self, schema: Schema, name: str) -> tuple[list[Schema], bool]:
        """Return what a field of an object may be, and whether it is always there."""
        schema = self._github.resolved(schema)
        found = [schema["properties"][name]] if name in schema.get("properties", {}) else []
        required = name in schema.get("required", [])
        for part in schema.get("allOf", []):
            more, there = self.below(part, name)
            found, required = found + more, required or there
        for key in ("oneOf", "anyOf"):
            branches = [self.below(branch, name) for branch in schema.get(key, [])]
            found += [each for more, _ in branches for each in more]
            required = required or (bool(branches) and all(there for _, there in branches))
        return found, required

    def may_be_null(self, schema: Schema) -> bool:
        schema = self._github.resolved(schema)
        branches = [*schema.get("oneOf", []), *schema.get("anyOf", [])]
        return bool(schema.get("nullable")) or any(map(self.may_be_null, branches))

    def types(self, schema: Schema) -> set[str]:
        schema = self._github.resolved(schema)
        branches = [b for key in ("allOf", "oneOf", "anyOf") for b in schema.get(key, [])]
        own = {schema["type"]} if "type" in schema else set()
        own |= {"object"} if "properties" in schema else set()
        return own.union(*map(self.types, branches))

    def at(self, schema: Schema, place: Place) -> tuple[list[Schema], bool]:
        """Return what may stand at a field's path, and whether something always does."""
        nodes, always, in_items = [schema], True, False
        *_, last = steps = place.path.split(".")
        for step in steps:
            found = [self.below(node, step.removesuffix("[]")) for node in nodes]
            nodes = [each for more, _ in found for each in more]
            if not in_items:  # items that lack it are left out
                always = always and all(there for _, there in found)
                always = always and (step is last or not any(map(self.may_be_null, nodes)))
            if step.endswith("[]"):
                lists = [self._github.resolved(node) for node in nodes]
                nodes, in_items = [each["items"] for each in lists if "items" in each], True
        return nodes, always


def webhooks_with_a_class(github: Description) -> Iterator[tuple[Webhook, Place]]:
    """Yield each event and action with each field of its class."""
    for webhook in github.webhooks:
        for place in places(EVENTS.get(webhook.event, GitHubEvent)):
            yield webhook, place


def test_required_fields_are_required_by_the_description(github: Description) -> None:
    """What a class cannot be made without, GitHub always sends, in each action of the event."""
    reader, looked = Reader(github), 0
    wrong = []
    for webhook, place in webhooks_with_a_class(github):
        nodes, always = reader.at(webhook.schema, place)
        if not place.optional:
            looked += 1
            null = any(map(reader.may_be_null, nodes)) and "[]" not in place.path
            if not nodes or not always or (null and not place.nullable):
                wrong.append((webhook.event, webhook.action, place.path))
    assert wrong == []
    assert looked > 700


def test_every_field_is_one_of_the_description(github: Description) -> None:
    """No path is misspelt: in one action of the event at least, the description has it."""
    reader = Reader(github)
    found: dict[tuple[str, str], bool] = {}
    for webhook, place in webhooks_with_a_class(github):
        key = (webhook.event, place.path)
        found[key] = found.get(key, False) or bool(reader.at(webhook.schema, place)[0])
    common = {place.path for place in places(GitHubEvent)}
    assert [key for key, there in found.items() if not there and key[1] not in common] == []
    assert len(found) > 300


_JSON_TYPES = {str: "string", int: "integer", bool: "boolean", datetime: "string"}


def test_fields_have_the_types_of_the_description(github: Description) -> None:
    """A text is read as a text, a number as a number, a list as a tuple."""
    reader, wrong = Reader(github), []
    for webhook, place in webhooks_with_a_class(github):
        kind = get_origin(place.kind) or place.kind
        for node in reader.at(webhook.schema, place)[0]:
            types = reader.types(node)
            if kind is tuple and "[]" not in place.path:
                expected = "array"
            elif kind is tuple:
                expected = _JSON_TYPES[place.kind.__args__[0]]
            else:
                expected = _JSON_TYPES.get(kind, "object")
            types |= {"integer"} if "number" in types else set()
            if types and place.kind is not Any and expected not in types:
                wrong.append((webhook.event, webhook.action, place.path, expected, types))
    assert wrong == []


def test_the_names_of_events_are_githubs(github: Description) -> None:
    """No event that GitHub documents is unknown, and none is misspelt."""
    assert {webhook.event for webhook in github.webhooks} == NAMES
    assert EVENTS.keys() <= NAMES
    assert len(set(EVENTS.values())) == len(EVENTS) >= 25


def test_every_payload_that_the_description_allows_is_parsed(github: Description) -> None:
    """One of each event and action, with nothing that need not be there."""
    schemas = Schemas(github)
    examples = Examples(github, schemas)
    parsed = 0
    for webhook in github.webhooks:
        payload = _with_moments(examples.mended({}, webhook.schema))
        assert schemas.faults(payload, webhook.schema) == []
        event = parse_event(webhook.event, payload)
        assert type(event) is EVENTS.get(webhook.event, GitHubEvent)
        assert event.payload == payload
        parsed += 1
    assert parsed > 250


def test_the_page_names_every_event_and_class() -> None:
    """The table is whole; so is the list of those whose bodies are remembered, by their events."""
    page = (Path(__file__).parents[3] / "docs" / "github" / "webhooks.md").read_text("utf-8")
    table, _, rest = page.partition("## What is answered")
    rows = [row.split("|") for row in table.splitlines() if row.startswith("| `")]
    events = [name for row in rows for name in re.findall(r"`(\w+)`", row[1])]
    classes = [name for row in rows for name in re.findall(r"`(\w+)`", row[2])]
    assert {name: cls.__name__ for name, cls in EVENTS.items()} == dict(
        zip(events, classes, strict=True)
    )
    told = re.search(r"remembered as well: (.*?)\. For others", rest, re.DOTALL)
    assert told is not None
    remembered = {name for name, cls in EVENTS.items() if cls.tells_apart}
    short = {"issue_comment", "commit_comment", "deployment_status"} | {
        "pull_request_review",
        "pull_request_review_comment",
    }
    assert set(re.findall(r"`(\w+)`", told[1])) == remembered - short
    fields_told = {name for row in rows for name in re.findall(r"`(\w+)`", row[3])}
    known = {name for cls in EVENTS.values() for name in dir(cls)} | {
        field.name for cls in EVENTS.values() for field in fields(cls)
    }
    assert fields_told <= known


# What GitHub sends


def test_every_recorded_payload_is_parsed(recorded: list[tuple[str, dict[str, Any]]]) -> None:
    """Each becomes an event of its class, with its repository and sender."""
    for name, payload in recorded:
        event = parse_event(name, payload, delivery="d-1")
        assert type(event) is EVENTS.get(name, GitHubEvent)
        assert (event.name, event.delivery, event.payload) == (name, "d-1", payload)
        assert event.repository == payload.get("repository", {}).get("full_name")
        assert event.sender == payload.get("sender", {}).get("login")
        assert event.action == payload.get("action")
    assert len(recorded) > 300
    assert {name for name, _ in recorded} >= EVENTS.keys()


def test_an_event_can_be_stored_and_comes_back(
    recorded: list[tuple[str, dict[str, Any]]],
) -> None:
    """Events may be results of tasks, and parameters of flows."""
    serializer = open_serializer("json")
    for name, payload in recorded:
        event = parse_event(name, payload, delivery="d-1")
        assert serializer.loads(serializer.dumps(event)) == event


def test_a_push_tells_branches_from_tags() -> None:
    """``branch`` and ``tag`` are the ref's name without its folder; one of them is None."""
    payload = webhook_payload("push")
    branch = parse_event("push", {**payload, "ref": "refs/heads/feature/a"})
    tag = parse_event("push", {**payload, "ref": "refs/tags/v1"})
    assert isinstance(branch, PushEvent)
    assert isinstance(tag, PushEvent)
    assert (branch.branch, branch.tag) == ("feature/a", None)
    assert (tag.branch, tag.tag) == (None, "v1")


def test_commits_of_a_push_are_read(recorded: list[tuple[str, dict[str, Any]]]) -> None:
    """Their messages, authors, files and times."""
    pushes = [parse_event(name, each) for name, each in recorded if name == "push"]
    commits = [one for each in pushes if isinstance(each, PushEvent) for one in each.commits]
    assert commits
    first = commits[0]
    assert first.sha == "6113728f27ae82c7b1a177c8d03f9e96e0adf246"
    assert first.modified or first.added
    assert first.timestamp.tzinfo is not None


def test_a_comment_knows_whether_it_is_on_a_pull_request() -> None:
    """GitHub tells comments on pull requests as those on issues."""
    payload = webhook_payload("issue_comment", "created")
    payload["issue"].pop("pull_request", None)
    on_issue = parse_event("issue_comment", payload)
    issue = {
        **payload["issue"],
        "pull_request": {"url": "https://api.github.com/repos/a/b/pulls/1"},
    }
    on_pull = parse_event("issue_comment", {**payload, "issue": issue})
    assert isinstance(on_issue, IssueCommentEvent)
    assert isinstance(on_pull, IssueCommentEvent)
    assert (on_issue.is_pull_request, on_pull.is_pull_request) == (False, True)


def test_a_pull_request_of_a_fork_is_known_as_one() -> None:
    """Also where the fork is gone: its code is a stranger's."""
    payload = webhook_payload("pull_request", "opened")
    payload["repository"]["full_name"] = "acme/api"
    forks = []
    for repo in ({"full_name": "acme/api"}, {"full_name": "mallory/api"}, None):
        payload["pull_request"]["head"]["repo"] = repo
        event = parse_event("pull_request", payload)
        assert isinstance(event, PullRequestEvent)
        forks.append(event.from_fork)
    assert forks == [False, True, True]


def test_moments_are_read_with_their_zone() -> None:
    """A star's time is a moment, not a text."""
    payload = webhook_payload("star", "created") | {"starred_at": "2026-11-23T16:00:00Z"}
    event = parse_event("star", payload)
    assert getattr(event, "starred_at") == datetime(2026, 11, 23, 16, tzinfo=UTC)  # noqa: B009  # of StarEvent


def test_users_who_are_gone_leave_no_hole() -> None:
    """GitHub has null for a user who deleted the account, also in lists."""
    payload = webhook_payload("issues", "assigned")
    payload["issue"] |= {"user": None, "assignees": [None, {"login": "octocat"}], "labels": None}
    event = parse_event("issues", payload)
    assert isinstance(event, IssuesEvent)
    assert (event.author, event.assignees, event.labels) == (None, ("octocat",), ())


# What is none


def test_an_unknown_event_is_a_generic_one() -> None:
    """GitHub may have new events at any time."""
    event = parse_event("moon_landing", {"action": "landed", "crew": 3}, delivery="d-1")
    assert type(event) is GitHubEvent
    assert (event.name, event.action, event.repository) == ("moon_landing", "landed", None)
    assert event.payload["crew"] == 3


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"number": "7"}, "workflow_run"),
        ({"run_number": "7"}, "workflow_run.run_number"),
        ({"run_number": True}, "workflow_run.run_number"),
        ({"head_sha": None}, "workflow_run.head_sha"),
        ({"head_sha": {"sha": "abc"}}, "workflow_run.head_sha"),
        ({"pull_requests": {"number": 1}}, "workflow_run.pull_requests"),
        ({"pull_requests": [{"number": "1"}]}, "workflow_run.pull_requests[].number"),
    ],
)
def test_a_field_of_another_type_is_named(change: dict[str, Any], place: str) -> None:
    """The error says where the payload is wrong, and 400."""
    payload = webhook_payload("workflow_run", "completed")
    payload["workflow_run"] |= change
    if change == {"number": "7"}:  # a field that nobody reads
        assert isinstance(parse_event("workflow_run", payload), WorkflowRunEvent)
        return
    with pytest.raises(GitHubWebhookRefused) as caught:
        parse_event("workflow_run", payload)
    assert place in caught.value.what
    assert caught.value.status == 400


def test_a_moment_that_is_none_is_named() -> None:
    """The error does not quote what stands there."""
    payload = webhook_payload("star", "created") | {"starred_at": "tea time"}
    with pytest.raises(GitHubWebhookRefused, match=r"starred_at is no moment of time") as caught:
        parse_event("star", payload)
    assert "tea" not in str(caught.value)
    assert caught.value.__cause__ is None


_JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(name=st.sampled_from(sorted(NAMES)), payload=_JSON_VALUES)
def test_what_is_no_payload_is_an_event_or_a_refusal(name: str, payload: Any) -> None:
    """Whatever JSON it is, nothing else is raised."""
    try:
        event = parse_event(name, payload)
    except GitHubWebhookRefused as error:
        assert error.status == 400  # noqa: PT017  # an event is right as well
    else:
        assert isinstance(event, GitHubEvent)


@given(data=st.data())
def test_a_payload_with_one_part_replaced_is_an_event_or_a_refusal(data: st.DataObject) -> None:
    """Whatever stands in whichever place, nothing else is raised."""
    name = data.draw(st.sampled_from(["push", "issues", "pull_request", "check_run"]))
    payload = PAYLOADS.setdefault(name, webhook_payload(name))
    payload = json.loads(json.dumps(payload))
    node: Any = payload
    while True:
        key = data.draw(st.sampled_from(sorted(node)))
        if isinstance(node[key], dict) and node[key] and data.draw(st.booleans()):
            node = node[key]
            continue
        node[key] = data.draw(_JSON_VALUES)
        break
    try:
        assert parse_event(name, payload).payload == payload
    except GitHubWebhookRefused as error:
        assert error.status == 400  # noqa: PT017  # an event is right as well


PAYLOADS: dict[str, dict[str, Any]] = {}
