"""Pull requests of a live repository; their commits are the repository's."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from brickwork_github.testing.live.files import described_change
from brickwork_github.testing.live.issues import new_issue, set_state
from brickwork_github.testing.live.labels import issue_in, issues_of
from brickwork_github.testing.live.repository import LOGIN, Handler, LiveRepository, Rejected
from brickwork_github.testing.messages import Answer, Asked
from brickwork_github.testing.validation import Json

_REPO = "/repos/{owner}/{repo}"
_PULLS, _PULL = f"{_REPO}/pulls", f"{_REPO}/pulls/{{pull_number}}"


@dataclass
class Pull:
    """What a pull request has beside its issue.

    Attributes:
        base: The branch it goes into.
        head: The branch it comes from.
        base_sha: The base's commit when it was merged; None before.
        head_sha: The head's commit when it was merged or closed; None before.
    """

    base: str
    head: str
    draft: bool = False
    base_sha: str | None = None
    head_sha: str | None = None
    merged_at: str | None = None
    merge_commit: str | None = None
    auto_merge: dict[str, Any] | None = None
    reviewers: list[str] = field(default_factory=list)
    teams: list[str] = field(default_factory=list)
    reviews: list[dict[str, Any]] = field(default_factory=list)
    comments: dict[int, dict[str, Any]] = field(default_factory=dict)


class Pulls(dict[int, Pull]):
    """Pull requests by number."""


def pull_in(repo: LiveRepository, asked: Asked) -> Pull:
    """Return the pull request of a request. Raises Rejected."""
    found: Pull | None = repo.area(Pulls).get(int(asked.path["pull_number"]))
    if found is None:
        raise Rejected(404)
    return found


def _create(repo: LiveRepository, asked: Asked) -> Answer:
    body = asked.body
    base, head = body["base"], body["head"].removeprefix(f"{repo.owner}:")
    for name, side in ((base, "base"), (head, "head")):
        if repo.git.resolve(f"refs/heads/{name}", "commit") is None:
            raise Rejected(422, "Validation Failed", _fault(side, "invalid"))
    pulls = repo.area(Pulls)
    for number, pull in pulls.items():
        is_open = issues_of(repo).found[number]["state"] == "open"
        if is_open and (pull.base, pull.head) == (base, head):
            there = f"A pull request already exists for {repo.owner}:{head}."
            raise Rejected(422, "Validation Failed", {**_fault("", "custom"), "message": there})
    if repo.git.counts(f"refs/heads/{base}", f"refs/heads/{head}")[0] == 0:
        none = f"No commits between {base} and {head}"
        raise Rejected(422, "Validation Failed", {**_fault("", "custom"), "message": none})
    issue = new_issue(repo, body.get("title", head), body.get("body"))
    number = issue["number"]
    api, html = repo.url(f"/pulls/{number}"), repo.html_url(f"/pull/{number}")
    links = {"diff_url": f"{html}.diff", "patch_url": f"{html}.patch", "merged_at": None}
    issue |= {"html_url": html, "pull_request": {"url": api, "html_url": html, **links}}
    issue.pop("state_reason")
    pulls[number] = Pull(base, head, body.get("draft", False))
    return Answer(described(repo, number), 201)


def _fault(name: str, code: str) -> dict[str, str]:
    made = {"resource": "PullRequest", "code": code}
    return {**made, "field": name} if name else made


def shas_of(repo: LiveRepository, pull: Pull) -> tuple[str, str]:
    """Return the commits of its base and its head."""
    base = pull.base_sha or repo.git.resolve(f"refs/heads/{pull.base}", "commit")
    head = repo.git.resolve(f"refs/heads/{pull.head}", "commit")
    return str(base), str(pull.head_sha or head)


def described(repo: LiveRepository, number: int) -> dict[str, Any]:
    """Return a pull request, as ``GET .../pulls/{pull_number}`` does."""
    issue, pull = issues_of(repo).found[number], repo.area(Pulls)[number]
    base, head = shas_of(repo, pull)
    common = repo.git.merge_base(base, head) or base
    changes = repo.git.changes(common, head)
    open_ = issue["state"] == "open"
    fits = open_ and repo.git.merged_tree(base, head) is not None
    api, html = repo.url(f"/pulls/{number}"), repo.html_url(f"/pull/{number}")
    made = repo.example(f"POST {_PULLS}")
    shared = {name: issue[name] for name in _SHARED}
    return {
        **made,
        **shared,
        "url": api,
        "node_id": f"PR_{issue['id']}",
        "html_url": html,
        "diff_url": f"{html}.diff",
        "patch_url": f"{html}.patch",
        "issue_url": issue["url"],
        "commits_url": f"{api}/commits",
        "review_comments_url": f"{api}/comments",
        "review_comment_url": repo.url("/pulls/comments{/number}"),
        "comments_url": issue["comments_url"],
        "statuses_url": repo.url(f"/statuses/{head}"),
        "draft": pull.draft,
        "merged": pull.merged_at is not None,
        "merged_at": pull.merged_at,
        "merged_by": repo.person(LOGIN) if pull.merged_at else None,
        "merge_commit_sha": pull.merge_commit,
        "mergeable": fits if open_ else None,
        "rebaseable": fits if open_ else None,
        "mergeable_state": _state(repo, pull, fits=fits) if open_ else "unknown",
        "auto_merge": pull.auto_merge,
        "requested_reviewers": [repo.person(login) for login in pull.reviewers],
        "requested_teams": [],
        "commits": repo.git.counts(common, head)[0],
        "additions": sum(change.additions for change in changes),
        "deletions": sum(change.deletions for change in changes),
        "changed_files": len(changes),
        "review_comments": len(pull.comments),
        "maintainer_can_modify": False,
        "base": _end(repo, made["base"], pull.base, base),
        "head": _end(repo, made["head"], pull.head, head),
        "_links": {
            "self": {"href": api},
            "html": {"href": html},
            "issue": {"href": issue["url"]},
            "comments": {"href": issue["comments_url"]},
            "review_comments": {"href": f"{api}/comments"},
            "review_comment": {"href": repo.url("/pulls/comments{/number}")},
            "commits": {"href": f"{api}/commits"},
            "statuses": {"href": repo.url(f"/statuses/{head}")},
        },
    }


def _state(repo: LiveRepository, pull: Pull, *, fits: bool) -> str:
    if not fits:
        return "dirty"
    if pull.draft:
        return "draft"
    return "clean" if _approved(repo, pull) else "blocked"


def _approved(repo: LiveRepository, pull: Pull) -> bool:
    """Tell whether a pull request has the approval that a protected branch wants."""
    return pull.base not in repo.protected or any(
        each["state"] == "APPROVED" for each in pull.reviews
    )


_SHARED = (
    "id", "number", "state", "locked", "title", "user", "body", "labels", "milestone",
    "active_lock_reason", "created_at", "updated_at", "closed_at", "assignee", "assignees",
    "author_association", "comments",
)  # fmt: skip


def _end(repo: LiveRepository, example: dict[str, Any], name: str, sha: str) -> dict[str, Any]:
    whole = repo.described()
    there = {key: whole.get(key, value) for key, value in example["repo"].items()}
    owner = repo.person(repo.owner)
    return {"label": f"{repo.owner}:{name}", "ref": name, "sha": sha, "user": owner, "repo": there}


def _get(repo: LiveRepository, asked: Asked) -> Json | Answer:
    pull, kind = pull_in(repo, asked), asked.headers.get("Accept", "")
    if "diff" in kind or "patch" in kind:
        base, head = shas_of(repo, pull)
        common = repo.git.merge_base(base, head) or base
        if "patch" in kind:
            return repo.git.run("format-patch", "--stdout", f"{common}..{head}")
        return repo.git.run("diff", common, head)
    return described(repo, int(asked.path["pull_number"]))


def _list(repo: LiveRepository, asked: Asked) -> Json:
    query, found = asked.query, []
    for number, pull in repo.area(Pulls).items():
        state = issues_of(repo).found[number]["state"]
        fits = query.get("state", "open") in ("all", state)
        fits = fits and query.get("base", pull.base) == pull.base
        if fits and query.get("head", f"{repo.owner}:{pull.head}") == f"{repo.owner}:{pull.head}":
            found.append(simple(repo, described(repo, number)))
    descending = query.get("direction", "desc") == "desc"
    return sorted(found, key=lambda each: each["number"], reverse=descending)


def simple(repo: LiveRepository, pull: dict[str, Any]) -> dict[str, Any]:
    """Return what lists show of a pull request."""
    fields = repo.example(f"GET {_PULLS}")
    return {name: value for name, value in pull.items() if name in fields}


def _patch(repo: LiveRepository, asked: Asked) -> Json:
    pull, issue, body = pull_in(repo, asked), issue_in(repo, asked), asked.body
    issue |= {name: body[name] for name in ("title", "body") if name in body}
    pull.base = body.get("base", pull.base)
    if "state" in body:
        if body["state"] == "open" and pull.merged_at:
            raise Rejected(422, "Validation Failed", _fault("state", "invalid"))
        pull.head_sha = shas_of(repo, pull)[1] if body["state"] == "closed" else None
        set_state(repo, issue, body["state"])
        issue.pop("state_reason")
    issue["updated_at"] = repo.now()
    return described(repo, issue["number"])


def _files(repo: LiveRepository, asked: Asked) -> Json:
    base, head = shas_of(repo, pull_in(repo, asked))
    common = repo.git.merge_base(base, head) or base
    return [described_change(repo, change, head) for change in repo.git.changes(common, head)]


def _commits(repo: LiveRepository, asked: Asked) -> Json:
    base, head = shas_of(repo, pull_in(repo, asked))
    found = reversed(repo.git.commits(f"{base}..{head}"))
    return [repo.commit_described(commit) for commit in found]


def _of_commit(repo: LiveRepository, asked: Asked) -> Json:
    sha, found = asked.path["commit_sha"], []
    if repo.git.resolve(sha, "commit") is None:
        raise Rejected(422, f"No commit found for SHA: {sha}")
    for number, pull in repo.area(Pulls).items():
        base, head = shas_of(repo, pull)
        shas = {commit.sha for commit in repo.git.commits(f"{base}..{head}")}
        if sha in shas | {pull.merge_commit}:
            found.append(simple(repo, described(repo, number)))
    return found


# Merging


def _is_merged(repo: LiveRepository, asked: Asked) -> Answer:
    if pull_in(repo, asked).merged_at is None:
        raise Rejected(404)
    return Answer(None, 204)


def _merge(repo: LiveRepository, asked: Asked) -> Json:
    pull_in(repo, asked)
    return merge(repo, int(asked.path["pull_number"]), asked.body or {})


def merge_if_wanted(repo: LiveRepository, number: int) -> None:
    """Merge a pull request that has auto-merge, and lacks nothing any more."""
    wanted = repo.area(Pulls)[number].auto_merge
    if wanted is not None and described(repo, number)["mergeable_state"] == "clean":
        merge(repo, number, {name: each for name, each in wanted.items() if each is not None})


def merge(repo: LiveRepository, number: int, body: Mapping[str, Any]) -> Json:
    """Merge a pull request. Raises Rejected."""
    pull, issue = repo.area(Pulls)[number], issues_of(repo).found[number]
    base, head = shas_of(repo, pull)
    if issue["state"] != "open" or pull.draft:
        raise Rejected(405, "Pull Request is still a draft" if pull.draft else _NOT_MERGEABLE)
    if body.get("sha", head) != head:
        raise Rejected(409, "Head branch was modified. Review and try the merge again.")
    if not _approved(repo, pull):
        needs = "At least 1 approving review is required by reviewers with write access."
        raise Rejected(405, needs)
    tree = repo.git.merged_tree(base, head)
    if tree is None:
        raise Rejected(405, _NOT_MERGEABLE)
    method = body.get("merge_method", "merge")
    title = body.get("commit_title") or _title(repo, pull, issue, method)
    text = body.get("commit_message", issue["title"] if method == "merge" else "")
    message = f"{title}\n\n{text}".strip()
    if method == "rebase":
        sha = _rebased(repo, base, head)
    else:
        parents = [base, head] if method == "merge" else [base]
        sha = repo.git.write_commit(tree, parents, message, repo.author())
    repo.git.update_ref(f"refs/heads/{pull.base}", sha, base)
    pull.base_sha, pull.head_sha, pull.merge_commit = base, head, sha
    pull.merged_at = repo.now()
    set_state(repo, issue, "closed")
    issue.pop("state_reason")
    issue["pull_request"]["merged_at"] = pull.merged_at
    return {"sha": sha, "merged": True, "message": "Pull Request successfully merged"}


_NOT_MERGEABLE = "Pull Request is not mergeable"


def _title(repo: LiveRepository, pull: Pull, issue: Mapping[str, Any], method: str) -> str:
    if method == "squash":
        return f"{issue['title']} (#{issue['number']})"
    return f"Merge pull request #{issue['number']} from {repo.owner}/{pull.head}"


def _rebased(repo: LiveRepository, base: str, head: str) -> str:
    for commit in reversed(repo.git.commits(f"{base}..{head}")):
        tree = repo.git.merged_tree(base, commit.sha)
        if tree is None:
            raise Rejected(405, "This branch can't be rebased")
        base = repo.git.write_commit(tree, [base], commit.message, commit.author, repo.author())
    return base


def _update_branch(repo: LiveRepository, asked: Asked) -> Answer:
    pull = pull_in(repo, asked)
    base, head = shas_of(repo, pull)
    if (asked.body or {}).get("expected_head_sha", head) != head:
        raise Rejected(422, "expected_head_sha does not match the head of the pull request")
    if repo.git.merge_base(base, head) == base:
        raise Rejected(422, "There are no new commits on the base branch.")
    tree = repo.git.merged_tree(head, base)
    if tree is None:
        raise Rejected(422, "merge conflict between base and head")
    message = f"Merge branch '{pull.base}' into {pull.head}"
    sha = repo.git.write_commit(tree, [head, base], message, repo.author())
    repo.git.update_ref(f"refs/heads/{pull.head}", sha, head)
    made = {
        "message": "Updating pull request branch.",
        "url": repo.url(f"/pulls/{asked.path['pull_number']}"),
    }
    return Answer(made, 202)


HANDLERS: Mapping[str, Handler] = {
    f"POST {_PULLS}": _create,
    f"GET {_PULLS}": _list,
    f"GET {_PULL}": _get,
    f"PATCH {_PULL}": _patch,
    f"GET {_PULL}/files": _files,
    f"GET {_PULL}/commits": _commits,
    f"GET {_REPO}/commits/{{commit_sha}}/pulls": _of_commit,
    f"GET {_PULL}/merge": _is_merged,
    f"PUT {_PULL}/merge": _merge,
    f"PUT {_PULL}/update-branch": _update_branch,
}
