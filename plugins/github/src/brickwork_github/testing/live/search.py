"""Search among the issues of live repositories, by the qualifiers that most queries have."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from brickwork_github.testing.live.labels import issues_of
from brickwork_github.testing.live.repository import LiveRepository
from brickwork_github.testing.messages import Answer, Asked, problem

if TYPE_CHECKING:
    from brickwork_github.testing.server import GitHubServer

_WORD = re.compile(r'(-?)(?:(\w+):)?(?:"([^"]*)"|(\S+))')


def search_issues(github: "GitHubServer", asked: Asked) -> Answer | None:
    """Answer a search; None where no live repository is named by ``repo:owner/name``."""
    words = [
        (bool(minus), name, quoted or bare)
        for minus, name, quoted, bare in _WORD.findall(asked.query.get("q", ""))
    ]
    names = [value.lower() for minus, name, value in words if name == "repo" and not minus]
    repos = [github.repositories[name] for name in names if name in github.repositories]
    if not repos:
        return None
    found = []
    for repo in repos:
        for issue in issues_of(repo).found.values():
            fits = [_fits(repo, issue, name, value, words) for _, name, value in words]
            if None in fits:
                return problem(422, "The search is not one that the loopback GitHub understands.")
            if all(fit is not minus for fit, (minus, _, _) in zip(fits, words, strict=True)):
                found.append(_shown(repo, issue))
    found.sort(key=lambda item: item["created_at"], reverse=asked.query.get("order") != "asc")
    told = {"incomplete_results": False, "search_type": "lexical"}
    return Answer({"total_count": len(found), **told, "items": found})


def _shown(repo: LiveRepository, issue: Mapping[str, Any]) -> dict[str, Any]:
    fields = repo.github.example("GET /search/issues")["items"][0]
    made = {name: issue[name] for name in fields if name in issue}
    return {**made, "body": issue["body"] or "", "score": 1.0}


def _fits(
    repo: LiveRepository,
    issue: Mapping[str, Any],
    name: str,
    value: str,
    words: list[tuple[bool, str, str]],
) -> bool | None:
    """Tell whether an issue has what a word of a query wants; None where nobody knows."""
    if name == "":
        return value.lower() in _text(repo, issue, words)
    if name in ("repo", "in"):
        return True
    if name in ("is", "state", "type"):
        pull = "pull_request" in issue
        kinds = {"issue": not pull, "pr": pull, "merged": pull and _merged(issue)}
        return bool(kinds.get(value, issue["state"] == value))
    if name == "label":
        return value.lower() in {each["name"].lower() for each in issue["labels"]}
    if name == "author":
        return bool(issue["user"]["login"].lower() == value.lower())
    if name == "assignee":
        return value.lower() in {each["login"].lower() for each in issue["assignees"]}
    return None


def _merged(issue: Mapping[str, Any]) -> bool:
    return issue["pull_request"].get("merged_at") is not None


def _text(
    repo: LiveRepository, issue: Mapping[str, Any], words: list[tuple[bool, str, str]]
) -> str:
    places = ",".join(value for _, name, value in words if name == "in") or "title,body,comments"
    texts = [str(issue[place] or "") for place in ("title", "body") if place in places]
    if "comments" in places:
        comments = issues_of(repo).comments.values()
        texts += [each["body"] for each in comments if each["issue_url"] == issue["url"]]
    return "\n".join(texts).lower()
