"""Labels and milestones of a live repository, and what is kept of its issues."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from brickwork_github.testing.live.repository import LOGIN, Handler, LiveRepository, Rejected
from brickwork_github.testing.messages import Answer, Asked
from brickwork_github.testing.validation import Json

_REPO = "/repos/{owner}/{repo}"
_ISSUE = f"{_REPO}/issues/{{issue_number}}"
_DEFAULT_LABELS = {
    "bug": ("d73a4a", "Something isn't working"),
    "documentation": ("0075ca", "Improvements or additions to documentation"),
    "enhancement": ("a2eeef", "New feature or request"),
    "question": ("d876e3", "Further information is requested"),
}
"""Some of those that a new repository has."""


@dataclass
class Issues:
    """What is kept of a repository's issues; pull requests are among them.

    Attributes:
        found: Issues as GitHub shows them, by number.
        comments: Comments, by id.
        labels: The repository's, by name in small letters.
        milestones: By number.
    """

    found: dict[int, dict[str, Any]] = field(default_factory=dict)
    comments: dict[int, dict[str, Any]] = field(default_factory=dict)
    labels: dict[str, dict[str, Any]] = field(default_factory=dict)
    milestones: dict[int, dict[str, Any]] = field(default_factory=dict)


def issues_of(repo: LiveRepository) -> Issues:
    """Return what is kept; with a new repository's labels when it is first asked for."""
    kept: Issues = repo.area(Issues)
    if not kept.labels:
        for name, (color, description) in _DEFAULT_LABELS.items():
            _add_label(repo, kept, name, color, description)
    return kept


def issue_in(repo: LiveRepository, asked: Asked) -> dict[str, Any]:
    """Return the issue that a request is about. Raises Rejected."""
    number = asked.path.get("issue_number") or asked.path.get("pull_number") or "0"
    found = issues_of(repo).found.get(int(number))
    if found is None:
        raise Rejected(404)
    return found


# Labels


def _add_label(
    repo: LiveRepository, kept: Issues, name: str, color: str, description: str | None
) -> dict[str, Any]:
    label = {
        "id": repo.new_id(),
        "node_id": f"LA_{name}",
        "url": repo.url(f"/labels/{name}"),
        "name": name,
        "description": description,
        "color": color,
        "default": name in _DEFAULT_LABELS,
    }
    kept.labels[name.lower()] = label
    return label


def label_of(repo: LiveRepository, given: str | Mapping[str, Any]) -> dict[str, Any]:
    """Return the label that an issue is given; made where there is none yet."""
    name = given if isinstance(given, str) else str(given["name"])
    kept = issues_of(repo)
    return kept.labels.get(name.lower()) or _add_label(repo, kept, name, "ededed", None)


def _labels(repo: LiveRepository, asked: Asked) -> Json:  # noqa: ARG001  # a handler
    return [*issues_of(repo).labels.values()]


def _create_label(repo: LiveRepository, asked: Asked) -> Answer:
    body, kept = asked.body, issues_of(repo)
    if body["name"].lower() in kept.labels:
        fault = {"resource": "Label", "code": "already_exists", "field": "name"}
        raise Rejected(422, "Validation Failed", fault)
    color = body.get("color", "ededed")
    return Answer(_add_label(repo, kept, body["name"], color, body.get("description")), 201)


def _one_label(repo: LiveRepository, asked: Asked) -> Json | Answer:
    kept = issues_of(repo)
    label = kept.labels.get(asked.path["name"].lower())
    if label is None:
        raise Rejected(404)
    if asked.route.startswith("PATCH "):
        changes = dict(asked.body)
        del kept.labels[label["name"].lower()]
        label["name"] = changes.pop("new_name", label["name"])
        label |= changes
        kept.labels[label["name"].lower()] = label
    if asked.route.startswith("DELETE "):
        del kept.labels[label["name"].lower()]
        for issue in kept.found.values():
            issue["labels"] = [each for each in issue["labels"] if each is not label]
        return Answer(None, 204)
    return label


def _issue_labels(repo: LiveRepository, asked: Asked) -> Json | Answer:
    issue, body = issue_in(repo, asked), asked.body or {}
    given = body.get("labels", []) if isinstance(body, dict) else body
    wanted = [label_of(repo, each) for each in given]
    if asked.route.startswith("POST "):
        wanted = [*issue["labels"], *(each for each in wanted if each not in issue["labels"])]
    if not asked.route.startswith("GET "):
        issue["labels"] = wanted
        issue["updated_at"] = repo.now()
    return Answer(None, 204) if asked.route.startswith("DELETE ") else issue["labels"]


def _remove_label(repo: LiveRepository, asked: Asked) -> Json:
    issue, name = issue_in(repo, asked), asked.path["name"].lower()
    rest = [each for each in issue["labels"] if each["name"].lower() != name]
    if len(rest) == len(issue["labels"]):
        raise Rejected(404, "Label does not exist")
    issue["labels"], issue["updated_at"] = rest, repo.now()
    return rest


# Milestones


def milestone_of(repo: LiveRepository, number: Json) -> dict[str, Any] | None:
    """Return the milestone that an issue is given. Raises Rejected."""
    if number is None:
        return None
    found = issues_of(repo).milestones.get(int(number))
    if found is None:
        fault = {"resource": "Issue", "field": "milestone", "code": "invalid"}
        raise Rejected(422, "Validation Failed", fault)
    return found


def _create_milestone(repo: LiveRepository, asked: Asked) -> Answer:
    kept, now = issues_of(repo), repo.now()
    number = len(kept.milestones) + 1
    made = {
        **repo.example(f"POST {_REPO}/milestones"),
        "url": repo.url(f"/milestones/{number}"),
        "html_url": repo.html_url(f"/milestone/{number}"),
        "labels_url": repo.url(f"/milestones/{number}/labels"),
        "id": repo.new_id(),
        "number": number,
        "state": "open",
        "description": None,
        "creator": repo.person(LOGIN),
        "open_issues": 0,
        "closed_issues": 0,
        "created_at": now,
        "updated_at": now,
        "closed_at": None,
        "due_on": None,
        **asked.body,
    }
    kept.milestones[number] = made
    return Answer(made, 201)


def _milestones(repo: LiveRepository, asked: Asked) -> Json:
    state = asked.query.get("state", "open")
    return [each for each in issues_of(repo).milestones.values() if state in ("all", each["state"])]


def _one_milestone(repo: LiveRepository, asked: Asked) -> Json | Answer:
    kept, number = issues_of(repo), int(asked.path["milestone_number"])
    if number not in kept.milestones:
        raise Rejected(404)
    if asked.route.startswith("DELETE "):
        del kept.milestones[number]
        return Answer(None, 204)
    kept.milestones[number] |= asked.body or {}
    return kept.milestones[number]


HANDLERS: Mapping[str, Handler] = {
    f"GET {_REPO}/labels": _labels,
    f"POST {_REPO}/labels": _create_label,
    **{f"{method} {_REPO}/labels/{{name}}": _one_label for method in ("GET", "PATCH", "DELETE")},
    **{f"{method} {_ISSUE}/labels": _issue_labels for method in ("GET", "POST", "PUT", "DELETE")},
    f"DELETE {_ISSUE}/labels/{{name}}": _remove_label,
    f"GET {_REPO}/milestones": _milestones,
    f"POST {_REPO}/milestones": _create_milestone,
    **{
        f"{method} {_REPO}/milestones/{{milestone_number}}": _one_milestone
        for method in ("GET", "PATCH", "DELETE")
    },
}
