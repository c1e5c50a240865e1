"""Reviews of the pull requests of a live repository, and comments on their lines."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from brickwork_github.testing.live.pulls import (
    Pull,
    Pulls,
    described,
    merge_if_wanted,
    pull_in,
    shas_of,
    simple,
)
from brickwork_github.testing.live.repository import LOGIN, Handler, LiveRepository, Rejected
from brickwork_github.testing.messages import Answer, Asked
from brickwork_github.testing.validation import Json

_PULLS = "/repos/{owner}/{repo}/pulls"
_PULL = f"{_PULLS}/{{pull_number}}"
_REVIEW = f"{_PULL}/reviews/{{review_id}}"
_COMMENTS, _COMMENT = f"{_PULL}/comments", f"{_PULLS}/comments/{{comment_id}}"
_STATES = {"APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED"}
_HUNK = re.compile(r"@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@")
_OF_LINES = ("line", "original_line", "side", "start_line", "original_start_line", "start_side")


def _create(repo: LiveRepository, asked: Asked) -> Json:
    pull, body = pull_in(repo, asked), asked.body or {}
    event, text = body.get("event"), body.get("body", "")
    _check_words(event, text)
    if event is None and any(each["state"] == "PENDING" for each in pull.reviews):
        raise Rejected(422, "User can only have one pending review per pull request")
    comments = body.get("comments", [])
    places = [_place(repo, pull, comment) for comment in comments]
    number = int(asked.path["pull_number"])
    made = _new(repo, pull, number, _STATES.get(str(event), "PENDING"), text)
    made["commit_id"] = body.get("commit_id", made["commit_id"])
    for comment, place in zip(comments, places, strict=True):
        _add(repo, pull, number, comment["body"], {**place, "pull_request_review_id": made["id"]})
    merge_if_wanted(repo, number)
    return made


def _check_words(event: str | None, text: str) -> None:
    if event in ("COMMENT", "REQUEST_CHANGES") and not text:
        raise Rejected(422, "Unprocessable Entity", {"message": "Body can not be blank"})


def _new(repo: LiveRepository, pull: Pull, number: int, state: str, text: str) -> dict[str, Any]:
    new_id = repo.new_id()
    html = repo.html_url(f"/pull/{number}#pullrequestreview-{new_id}")
    api = repo.url(f"/pulls/{number}")
    made: dict[str, Any] = {
        **repo.example(f"POST {_PULL}/reviews"),
        "id": new_id,
        "node_id": f"PRR_{new_id}",
        "user": repo.person(LOGIN),
        "body": text,
        "state": state,
        "html_url": html,
        "pull_request_url": api,
        "_links": {"html": {"href": html}, "pull_request": {"href": api}},
        "submitted_at": repo.now(),
        "commit_id": shas_of(repo, pull)[1],
        "author_association": "OWNER",
    }
    if state == "PENDING":
        del made["submitted_at"]
    pull.reviews.append(made)
    return made


def _list(repo: LiveRepository, asked: Asked) -> Json:
    return pull_in(repo, asked).reviews


def _one(pull: Pull, asked: Asked) -> dict[str, Any]:
    wanted = int(asked.path["review_id"])
    found = next((each for each in pull.reviews if each["id"] == wanted), None)
    if found is None:
        raise Rejected(404)
    return found


def _review(repo: LiveRepository, asked: Asked) -> Json:
    pull = pull_in(repo, asked)
    found = _one(pull, asked)
    if asked.route.startswith("PUT "):
        found["body"] = asked.body["body"]
    if asked.route.startswith("DELETE "):
        if found["state"] != "PENDING":
            raise Rejected(422, "Can not delete a non-pending pull request review")
        pull.reviews.remove(found)
        for key in [key for key, each in pull.comments.items() if _is_of(each, found)]:
            del pull.comments[key]
    return found


def _submit(repo: LiveRepository, asked: Asked) -> Json:
    found, body = _one(pull_in(repo, asked), asked), asked.body
    if found["state"] != "PENDING":
        raise Rejected(422, "Could not submit a review that is not pending.")
    text = body.get("body", found["body"])
    _check_words(body["event"], text)
    found |= {"state": _STATES[body["event"]], "body": text, "submitted_at": repo.now()}
    merge_if_wanted(repo, int(asked.path["pull_number"]))
    return found


def _dismiss(repo: LiveRepository, asked: Asked) -> Json:
    found = _one(pull_in(repo, asked), asked)
    if found["state"] not in ("APPROVED", "CHANGES_REQUESTED"):
        raise Rejected(422, "Can not dismiss a review that neither approves nor wants changes")
    found["state"] = "DISMISSED"
    return found


def _reviewers(repo: LiveRepository, asked: Asked) -> Json | Answer:
    pull, body = pull_in(repo, asked), asked.body or {}
    logins = body.get("reviewers", [])
    if asked.route.startswith("GET "):
        return {"users": [repo.person(login) for login in pull.reviewers], "teams": []}
    if asked.route.startswith("DELETE "):
        pull.reviewers = [login for login in pull.reviewers if login not in logins]
    elif LOGIN in logins:
        raise Rejected(422, "Review cannot be requested from pull request author.")
    else:
        pull.reviewers = list(dict.fromkeys([*pull.reviewers, *logins]))
    made = simple(repo, described(repo, int(asked.path["pull_number"])))
    return Answer(made, 201 if asked.route.startswith("POST ") else 200)


# Comments on lines


def _place(repo: LiveRepository, pull: Pull, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return where a comment is. Raises Rejected where the pull request does not show that."""
    base, head = shas_of(repo, pull)
    changes = repo.git.changes(repo.git.merge_base(base, head) or base, head)
    patch = next((change.patch for change in changes if change.path == body["path"]), None)
    if patch is None:
        raise _misplaced("path")
    made = {"path": body["path"], "commit_id": body.get("commit_id", head)}
    if body.get("subject_type") == "file":
        return {**made, "diff_hunk": "", "subject_type": "file"}
    side, line, start = body.get("side", "RIGHT"), body.get("line", 0), body.get("start_line")
    start_side = body.get("start_side", side)
    shown = {(side, number): hunk for side, number, hunk in _lines(patch)}
    if (side, line) not in shown:
        raise _misplaced("line")
    if start is not None and (start >= line or (start_side, start) not in shown):
        raise _misplaced("start_line")
    made |= {"diff_hunk": shown[side, line], "subject_type": "line", "side": side}
    made |= {"line": line, "original_line": line, "start_side": start_side if start else None}
    return {**made, "start_line": start, "original_start_line": start}


def _misplaced(name: str) -> Rejected:
    field = f"pull_request_review_thread.{name}"
    problem = {"resource": "PullRequestReviewComment", "code": "custom", "field": field}
    message = f"{field} must be part of the diff"
    return Rejected(422, "Validation Failed", {**problem, "message": message})


def _lines(patch: str) -> Iterator[tuple[str, int, str]]:
    """Yield the lines that a patch shows: their side, their number, and the hunk down to them."""
    old, new, hunk = 0, 0, ""
    for text in patch.splitlines():
        found = _HUNK.match(text)
        if found is not None:
            old, new, hunk = int(found[1]), int(found[2]), text
            continue
        hunk += f"\n{text}"
        if text.startswith(("-", " ")):
            yield "LEFT", old, hunk
            old += 1
        if text.startswith(("+", " ")):
            yield "RIGHT", new, hunk
            new += 1


def _add(
    repo: LiveRepository, pull: Pull, number: int, text: str, place: Mapping[str, Any]
) -> dict[str, Any]:
    new_id, now = repo.new_id(), repo.now()
    api, html = repo.url(f"/pulls/{number}"), repo.html_url(f"/pull/{number}")
    itself = repo.url(f"/pulls/comments/{new_id}")
    example = repo.example(f"POST {_COMMENTS}")
    made: dict[str, Any] = {
        **{name: value for name, value in example.items() if name not in _DROPPED},
        "id": new_id,
        "node_id": f"PRRC_{new_id}",
        "url": itself,
        "html_url": f"{html}#discussion_r{new_id}",
        "pull_request_url": api,
        "user": repo.person(LOGIN),
        "body": text,
        "created_at": now,
        "updated_at": now,
        "author_association": "OWNER",
        "original_commit_id": place["commit_id"],
        **place,
    }
    made["_links"] = {
        "self": {"href": itself},
        "html": {"href": made["html_url"]},
        "pull_request": {"href": api},
    }
    pull.comments[new_id] = made
    return made


_DROPPED = {*_OF_LINES, "position", "original_position", "in_reply_to_id"}


def _comment(repo: LiveRepository, asked: Asked) -> Answer:
    pull, body, number = pull_in(repo, asked), asked.body, int(asked.path["pull_number"])
    place = _place(repo, pull, body)
    review = _new(repo, pull, number, "COMMENTED", "")
    place["pull_request_review_id"] = review["id"]
    return Answer(_add(repo, pull, number, body["body"], place), 201)


def _reply(repo: LiveRepository, asked: Asked) -> Answer:
    pull, number = pull_in(repo, asked), int(asked.path["pull_number"])
    first = pull.comments.get(int(asked.path["comment_id"]))
    if first is None or "in_reply_to_id" in first:
        raise Rejected(404)
    names = ("path", "commit_id", "diff_hunk", "subject_type", *_OF_LINES)
    place = {name: first[name] for name in names if name in first}
    review = _new(repo, pull, number, "COMMENTED", "")
    place |= {"in_reply_to_id": first["id"], "pull_request_review_id": review["id"]}
    return Answer(_add(repo, pull, number, asked.body["body"], place), 201)


def _comments(repo: LiveRepository, asked: Asked) -> Json:
    pull, query = pull_in(repo, asked), asked.query
    pending = {each["id"] for each in pull.reviews if each["state"] == "PENDING"}
    found = [
        each
        for each in pull.comments.values()
        if each["pull_request_review_id"] not in pending
        and each["updated_at"] >= query.get("since", "")
    ]
    key = f"{query.get('sort', 'created')}_at"
    descending = query.get("direction", "asc") == "desc"
    return sorted(found, key=lambda each: (each[key], each["id"]), reverse=descending)


def _comments_of_review(repo: LiveRepository, asked: Asked) -> Json:
    pull = pull_in(repo, asked)
    review = _one(pull, asked)
    return [each for each in pull.comments.values() if _is_of(each, review)]


def _is_of(comment: Mapping[str, Any], review: Mapping[str, Any]) -> bool:
    return bool(comment["pull_request_review_id"] == review["id"])


def _one_comment(repo: LiveRepository, asked: Asked) -> Json | Answer:
    wanted = int(asked.path["comment_id"])
    pulls = repo.area(Pulls).values()
    kept: dict[int, Any] = next((each.comments for each in pulls if wanted in each.comments), {})
    if wanted not in kept:
        raise Rejected(404)
    if asked.route.startswith("DELETE "):
        del kept[wanted]
        return Answer(None, 204)
    if asked.route.startswith("PATCH "):
        kept[wanted] |= {"body": asked.body["body"], "updated_at": repo.now()}
    return kept[wanted]


HANDLERS: Mapping[str, Handler] = {
    f"POST {_PULL}/reviews": _create,
    f"GET {_PULL}/reviews": _list,
    **{f"{method} {_REVIEW}": _review for method in ("GET", "PUT", "DELETE")},
    f"GET {_REVIEW}/comments": _comments_of_review,
    f"POST {_REVIEW}/events": _submit,
    f"PUT {_REVIEW}/dismissals": _dismiss,
    **{f"{method} {_PULL}/requested_reviewers": _reviewers for method in ("GET", "POST", "DELETE")},
    f"POST {_COMMENTS}": _comment,
    f"GET {_COMMENTS}": _comments,
    f"POST {_COMMENTS}/{{comment_id}}/replies": _reply,
    **{f"{method} {_COMMENT}": _one_comment for method in ("GET", "PATCH", "DELETE")},
}
