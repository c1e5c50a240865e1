"""What GraphQL's mutations do to live repositories: drafts and auto-merge of pull requests."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from brickwork_github.testing.live.labels import issues_of
from brickwork_github.testing.live.pulls import Pull, Pulls, described
from brickwork_github.testing.live.repository import LOGIN, LiveRepository, Rejected

Given = Mapping[str, Any]


def mutated(repos: Iterable[LiveRepository], name: str, given: Given) -> dict[str, Any] | None:
    """Do what a mutation says, and return its answer; None where nothing of it is kept here.

    Args:
        repos: The repositories that there are.
        name: The mutation's.
        given: Its input.

    Raises:
        Rejected: The pull request is in a state that does not fit.
    """
    handler = _HANDLERS.get(name)
    if handler is None:
        return None
    for repo in repos:
        with repo.lock:
            for number, pull in repo.area(Pulls).items():
                made = described(repo, number)
                if made["node_id"] == given["pullRequestId"]:
                    if made["state"] != "open":
                        raise Rejected(422, "Pull request is closed")
                    handler(repo, pull, {**made, **given})
                    return {"pullRequest": _shown(repo, number)}
    return None


def _shown(repo: LiveRepository, number: int) -> dict[str, Any]:
    issue, pull = issues_of(repo).found[number], repo.area(Pulls)[number]
    automatic = None
    if pull.auto_merge is not None:
        automatic = {"mergeMethod": pull.auto_merge["merge_method"].upper()}
    return {
        "id": described(repo, number)["node_id"],
        "number": number,
        "title": issue["title"],
        "url": issue["html_url"],
        "isDraft": pull.draft,
        "autoMergeRequest": automatic,
    }


def _ready(_repo: LiveRepository, pull: Pull, _given: Given) -> None:
    pull.draft = False


def _draft(_repo: LiveRepository, pull: Pull, _given: Given) -> None:
    pull.draft = True


def _enable(repo: LiveRepository, pull: Pull, given: Given) -> None:
    if given["mergeable_state"] == "clean":
        raise Rejected(422, '["Pull request Pull request is in clean status"]')
    if given.get("expectedHeadOid", given["head"]["sha"]) != given["head"]["sha"]:
        raise Rejected(422, "Expected head oid does not match the head")
    pull.auto_merge = {
        "enabled_by": repo.person(LOGIN),
        "merge_method": given.get("mergeMethod", "MERGE").lower(),
        "commit_title": given.get("commitHeadline") or given["title"],
        "commit_message": given.get("commitBody") or "",
    }


def _disable(_repo: LiveRepository, pull: Pull, _given: Given) -> None:
    if pull.auto_merge is None:
        raise Rejected(422, "Can't disable auto-merge for this pull request.")
    pull.auto_merge = None


_HANDLERS: Mapping[str, Callable[[LiveRepository, Pull, Given], None]] = {
    "markPullRequestReadyForReview": _ready,
    "convertPullRequestToDraft": _draft,
    "enablePullRequestAutoMerge": _enable,
    "disablePullRequestAutoMerge": _disable,
}
