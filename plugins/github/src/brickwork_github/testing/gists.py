"""Gists that a test created on a `GitHubServer`; all others are the description's examples."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from brickwork_github.testing.messages import Answer, Asked, problem

if TYPE_CHECKING:
    from brickwork_github.testing.server import GitHubServer

_GIST = "/gists/{gist_id}"


@dataclass
class Gists:
    """What is kept.

    Attributes:
        found: Gists as GitHub shows them, by id.
        starred: The ids of those with a star.
    """

    found: dict[str, dict[str, Any]] = field(default_factory=dict)
    starred: set[str] = field(default_factory=set)


def answer_gist(github: "GitHubServer", asked: Asked) -> Answer | None:
    """Answer a request for gists that were created; None for any other."""
    kept = github.gists
    if asked.route == "POST /gists":
        return _create(github, asked)
    if asked.route == "GET /gists" and kept.found:
        fields = github.example("GET /gists")
        shown = [*reversed(kept.found.values())]
        # A list has all of a gist but what is in it.
        bare = [{name: each[name] for name in each if name in fields} for each in shown]
        return Answer([{**each, "files": _bare(each["files"])} for each in bare])
    handler = _HANDLERS.get(asked.route)
    if handler is None or asked.path.get("gist_id") not in kept.found:
        return None
    return handler(github, asked)


def _bare(files: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    inside = ("content", "truncated", "encoding")
    return {
        name: {key: value for key, value in file.items() if key not in inside}
        for name, file in files.items()
    }


def _file(gist_id: str, name: str, content: str) -> dict[str, Any]:
    return {
        "filename": name,
        "type": "text/plain",
        "language": "Text",
        "raw_url": f"https://gist.githubusercontent.com/octocat/{gist_id}/raw/{name}",
        "size": len(content.encode()),
        "truncated": False,
        "content": content,
        "encoding": "utf-8",
    }


def _now(github: "GitHubServer") -> str:
    return f"{datetime.fromtimestamp(github.now(), UTC):%Y-%m-%dT%H:%M:%SZ}"


def _create(github: "GitHubServer", asked: Asked) -> Answer:
    body, gist_id = asked.body, secrets.token_hex(16)
    url, page = f"https://api.github.com/gists/{gist_id}", f"https://gist.github.com/{gist_id}"
    now = _now(github)
    gist = {
        **github.example("POST /gists"),
        "url": url,
        "forks_url": f"{url}/forks",
        "commits_url": f"{url}/commits",
        "comments_url": f"{url}/comments",
        "id": gist_id,
        "node_id": f"G_{gist_id}",
        "git_pull_url": f"{page}.git",
        "git_push_url": f"{page}.git",
        "html_url": page,
        "files": {
            name: _file(gist_id, name, file["content"]) for name, file in body["files"].items()
        },
        "public": body.get("public", False) in (True, "true"),
        "description": body.get("description"),
        "comments": 0,
        "created_at": now,
        "updated_at": now,
        "forks": [],
        "history": [],
    }
    github.gists.found[gist_id] = gist
    return Answer(gist, 201)


def _get(github: "GitHubServer", asked: Asked) -> Answer:
    return Answer(github.gists.found[asked.path["gist_id"]])


def _patch(github: "GitHubServer", asked: Asked) -> Answer:
    gist, body = github.gists.found[asked.path["gist_id"]], asked.body or {}
    files = dict(gist["files"])
    for name, change in body.get("files", {}).items():
        old = files.pop(name, None)
        if change is None:
            continue
        new_name = change.get("filename") or name
        content = change.get("content", old["content"] if old else "")
        files[new_name] = _file(gist["id"], new_name, content)
    if not files:
        return problem(422, "Validation Failed")
    said = {"description": body["description"]} if "description" in body else {}
    gist |= {**said, "files": files, "updated_at": _now(github)}
    return Answer(gist)


def _delete(github: "GitHubServer", asked: Asked) -> Answer:
    del github.gists.found[asked.path["gist_id"]]
    return Answer(None, 204)


def _star(github: "GitHubServer", asked: Asked) -> Answer:
    starred, gist_id = github.gists.starred, asked.path["gist_id"]
    if asked.route.startswith("GET "):
        return Answer(None, 204) if gist_id in starred else problem(404, "Not Found")
    (starred.add if asked.route.startswith("PUT ") else starred.discard)(gist_id)
    return Answer(None, 204)


_HANDLERS: Mapping[str, Callable[["GitHubServer", Asked], Answer]] = {
    f"GET {_GIST}": _get,
    f"PATCH {_GIST}": _patch,
    f"DELETE {_GIST}": _delete,
    f"GET {_GIST}/star": _star,
    f"PUT {_GIST}/star": _star,
    f"DELETE {_GIST}/star": _star,
}
