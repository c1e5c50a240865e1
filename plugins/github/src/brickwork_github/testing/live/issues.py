"""Issues, comments, labels, assignees and milestones of a live repository."""

from collections.abc import Callable, Mapping
from typing import Any

from brickwork_github.testing.live.labels import issue_in, issues_of, label_of, milestone_of
from brickwork_github.testing.live.repository import LOGIN, Handler, LiveRepository, Rejected
from brickwork_github.testing.messages import Answer, Asked
from brickwork_github.testing.validation import Json

_REPO = "/repos/{owner}/{repo}"
_ISSUES, _ISSUE = f"{_REPO}/issues", f"{_REPO}/issues/{{issue_number}}"
_MOST_ASSIGNEES = 10


def new_issue(repo: LiveRepository, title: str, body: str | None, **more: Json) -> dict[str, Any]:
    """Make an issue, open and bare."""
    number, now = next(repo.numbers), repo.now()
    url, html_url = repo.url(f"/issues/{number}"), repo.html_url(f"/issues/{number}")
    example = repo.example(f"POST {_ISSUES}")
    issue = {name: value for name, value in example.items() if name not in _OF_OTHERS}
    issue |= {
        "id": repo.new_id(),
        "node_id": f"I_{number}",
        "url": url,
        "repository_url": repo.url(),
        "labels_url": f"{url}/labels{{/name}}",
        "comments_url": f"{url}/comments",
        "events_url": f"{url}/events",
        "html_url": html_url,
        "number": number,
        "state": "open",
        "state_reason": None,
        "title": str(title),
        "body": body,
        "user": repo.person(LOGIN),
        "labels": [],
        "assignee": None,
        "assignees": [],
        "milestone": None,
        "locked": False,
        "active_lock_reason": None,
        "comments": 0,
        "created_at": now,
        "updated_at": now,
        "closed_at": None,
        "closed_by": None,
        "author_association": "OWNER",
        **more,
    }
    issues_of(repo).found[number] = issue
    return issue


_OF_OTHERS = {"pull_request", "pinned_comment", "performed_via_github_app", "repository", "type"}


# Issues


def _create(repo: LiveRepository, asked: Asked) -> Answer:
    body = asked.body
    issue = new_issue(repo, body["title"], body.get("body"))
    _edit(repo, issue, {name: value for name, value in body.items() if name not in _WORDS})
    return Answer(issue, 201)


_WORDS = ("title", "body")


def _get(repo: LiveRepository, asked: Asked) -> Json:
    return issue_in(repo, asked)


def _patch(repo: LiveRepository, asked: Asked) -> Json:
    issue = issue_in(repo, asked)
    _edit(repo, issue, asked.body)
    return issue


def _edit(repo: LiveRepository, issue: dict[str, Any], body: Mapping[str, Any]) -> None:
    if "title" in body:
        issue["title"] = str(body["title"])
    if "body" in body:
        issue["body"] = body["body"]
    if "labels" in body:
        issue["labels"] = [label_of(repo, each) for each in body["labels"]]
    if "assignees" in body:
        _assign(repo, issue, body["assignees"])
    if "milestone" in body:
        issue["milestone"] = milestone_of(repo, body["milestone"])
    if "state" in body:
        set_state(repo, issue, body["state"], body.get("state_reason"))
    issue["updated_at"] = repo.now()


def set_state(
    repo: LiveRepository, issue: dict[str, Any], state: str, reason: str | None = None
) -> None:
    """Open or close an issue."""
    closed = state == "closed"
    was_closed = issue["state"] == "closed"
    issue["state"] = state
    issue["state_reason"] = (
        (reason or "completed") if closed else "reopened" if was_closed else None
    )
    issue["closed_at"] = repo.now() if closed else None
    issue["closed_by"] = repo.person(LOGIN) if closed else None


def _list(repo: LiveRepository, asked: Asked) -> Json:
    query = asked.query
    labels = [name.lower() for name in query.get("labels", "").split(",") if name]
    state, since = query.get("state", "open"), query.get("since", "")
    tests: list[Callable[[dict[str, Any]], bool]] = [
        lambda issue: state in ("all", issue["state"]),
        lambda issue: issue["updated_at"] >= since,
        lambda issue: set(labels) <= {each["name"].lower() for each in issue["labels"]},
        lambda issue: query.get("creator", LOGIN).lower() == issue["user"]["login"].lower(),
        lambda issue: _assigned(issue, query.get("assignee")),
        lambda issue: _of_milestone(issue, query.get("milestone")),
    ]
    found = [each for each in issues_of(repo).found.values() if all(test(each) for test in tests)]
    names = {"created": "created_at", "updated": "updated_at", "comments": "comments"}
    key = names[query.get("sort", "created")]
    descending = query.get("direction", "desc") == "desc"
    return sorted(found, key=lambda each: (each[key], each["number"]), reverse=descending)


def _assigned(issue: Mapping[str, Any], wanted: str | None) -> bool:
    logins = [each["login"].lower() for each in issue["assignees"]]
    if wanted in (None, "*", "none"):
        return wanted is None or bool(logins) is (wanted == "*")
    return str(wanted).lower() in logins


def _of_milestone(issue: Mapping[str, Any], wanted: str | None) -> bool:
    milestone = issue["milestone"]
    if wanted in (None, "*", "none"):
        return wanted is None or bool(milestone) is (wanted == "*")
    return milestone is not None and str(milestone["number"]) == wanted


def _lock(repo: LiveRepository, asked: Asked) -> Answer:
    issue = issue_in(repo, asked)
    issue["locked"] = asked.route.startswith("PUT ")
    issue["active_lock_reason"] = (asked.body or {}).get("lock_reason")
    return Answer(None, 204)


def _add_assignees(repo: LiveRepository, asked: Asked) -> Answer:
    issue = issue_in(repo, asked)
    there = [each["login"] for each in issue["assignees"]]
    _assign(repo, issue, [*there, *asked.body.get("assignees", [])])
    return Answer(issue, 201)


def _remove_assignees(repo: LiveRepository, asked: Asked) -> Json:
    issue = issue_in(repo, asked)
    gone = {login.lower() for login in asked.body.get("assignees", [])}
    there = [each["login"] for each in issue["assignees"]]
    _assign(repo, issue, [login for login in there if login.lower() not in gone])
    return issue


def _assign(repo: LiveRepository, issue: dict[str, Any], logins: list[str]) -> None:
    unique = list(dict.fromkeys(logins))[:_MOST_ASSIGNEES]
    issue["assignees"] = [repo.person(login) for login in unique]
    issue["assignee"] = issue["assignees"][0] if unique else None
    issue["updated_at"] = repo.now()


def _assignees(repo: LiveRepository, asked: Asked) -> Json:  # noqa: ARG001  # a handler
    return [repo.person(repo.owner), repo.person(LOGIN)]


# Comments


def _comment(repo: LiveRepository, asked: Asked) -> Answer:
    issue, now, new_id = issue_in(repo, asked), repo.now(), repo.new_id()
    made = {
        **repo.example(f"POST {_ISSUE}/comments"),
        "id": new_id,
        "node_id": f"IC_{new_id}",
        "url": repo.url(f"/issues/comments/{new_id}"),
        "html_url": f"{issue['html_url']}#issuecomment-{new_id}",
        "issue_url": issue["url"],
        "body": asked.body["body"],
        "user": repo.person(LOGIN),
        "created_at": now,
        "updated_at": now,
    }
    issues_of(repo).comments[new_id] = made
    issue["comments"] += 1
    issue["updated_at"] = now
    return Answer(made, 201)


def _comments(repo: LiveRepository, asked: Asked) -> Json:
    found = [*issues_of(repo).comments.values()]
    if "issue_number" in asked.path:
        url = issue_in(repo, asked)["url"]
        found = [each for each in found if each["issue_url"] == url]
    return [each for each in found if each["updated_at"] >= asked.query.get("since", "")]


def _one_comment(repo: LiveRepository, asked: Asked) -> Json | Answer:
    kept, number = issues_of(repo), int(asked.path["comment_id"])
    found = kept.comments.get(number)
    if found is None:
        raise Rejected(404)
    if asked.route.startswith("PATCH "):
        found |= {"body": asked.body["body"], "updated_at": repo.now()}
    if asked.route.startswith("DELETE "):
        del kept.comments[number]
        of = next(each for each in kept.found.values() if each["url"] == found["issue_url"])
        of["comments"] -= 1
        return Answer(None, 204)
    return found


HANDLERS: Mapping[str, Handler] = {
    f"POST {_ISSUES}": _create,
    f"GET {_ISSUES}": _list,
    f"GET {_ISSUE}": _get,
    f"PATCH {_ISSUE}": _patch,
    f"PUT {_ISSUE}/lock": _lock,
    f"DELETE {_ISSUE}/lock": _lock,
    f"GET {_REPO}/assignees": _assignees,
    f"POST {_ISSUE}/assignees": _add_assignees,
    f"DELETE {_ISSUE}/assignees": _remove_assignees,
    f"POST {_ISSUE}/comments": _comment,
    f"GET {_ISSUE}/comments": _comments,
    f"GET {_ISSUES}/comments": _comments,
    **{
        f"{method} {_ISSUES}/comments/{{comment_id}}": _one_comment
        for method in ("GET", "PATCH", "DELETE")
    },
}
