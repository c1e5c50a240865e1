"""Looks at a repository from outside: is it there, and what is permitted in it?"""

from typing import TYPE_CHECKING, Any

from brickwork import BrickworkError, CheckReport, Finding, Scope
from brickwork_github.contents.trees import is_sha
from brickwork_github.repository.commits import head_of, request

if TYPE_CHECKING:
    from brickwork_github.repository.block import GitHubRepository

CHECK_SECONDS = 15.0
"""How long a check may take in all."""

_REST = ("ref", "may read", "may write")


def check_repository(repository: "GitHubRepository") -> CheckReport:
    """See `GitHubRepository.check`."""
    what = "repository"
    findings: list[Finding] = []
    try:
        with Scope("check", seconds=CHECK_SECONDS):
            found = request(repository, "GET ").send().data
            findings.append(_identity(repository, found))
            what = "ref"
            findings.append(_ref(repository, found))
    except BrickworkError as error:
        findings.append(Finding("failed", what, error.what, error.fix or "Try again."))
    except Exception as error:  # noqa: BLE001  # a check never raises
        told = f"it failed with {type(error).__name__}"
        findings.append(Finding("failed", what, told, "Check host and api_url."))
    if what == "repository":
        rest = [Finding("skipped", each, "the repository comes first") for each in _REST]
        return CheckReport((*findings, *rest))
    may = found.get("permissions")
    return CheckReport((*findings, _read(may), _write(repository, found, may)))


def _identity(repository: "GitHubRepository", found: dict[str, Any]) -> Finding:
    name = found["full_name"]
    kind = found.get("visibility") or ("private" if found.get("private") else "public")
    told = f"{name}, {kind}, default branch {found['default_branch']}"
    if name.lower() != repository.repository.lower():
        return Finding(
            "warning",
            "repository",
            f"{told}; it was renamed from {repository.repository}",
            "Save the block with the new name: the old one may become another's.",
        )
    return Finding("ok", "repository", told)


def _ref(repository: "GitHubRepository", found: dict[str, Any]) -> Finding:
    named = repository.ref or found["default_branch"]
    if repository.ref is not None and is_sha(repository.ref):
        request(repository, "GET /git/commits/{commit_sha}", commit_sha=named).send()
        return Finding("ok", "ref", f"{named} is there")
    head = head_of(repository)
    if head is None:
        return Finding(
            "warning", "ref", "there are no commits yet", "The first write makes the first one."
        )
    return Finding("ok", "ref", f"{named} is at {head[:12]}")


def _read(may: Any) -> Finding:
    what = "may read"
    if not isinstance(may, dict):
        return Finding("skipped", what, "GitHub does not tell it of this kind of token")
    if may.get("pull"):
        return Finding("ok", what, "the permission pull")
    return Finding("failed", what, "pull lacks", "Give the token contents:read.")


def _write(repository: "GitHubRepository", found: dict[str, Any], may: Any) -> Finding:
    what = "may write"
    if found.get("archived"):
        return Finding(
            "warning", what, "the repository is archived", "Unarchive it, if it is to be written."
        )
    if repository.ref is not None and is_sha(repository.ref):
        return Finding("warning", what, "ref is a commit", "Name a branch, if it is to be written.")
    if not isinstance(may, dict):
        return Finding("skipped", what, "GitHub does not tell it of this kind of token")
    if may.get("push"):
        return Finding("ok", what, "the permission push")
    return Finding(
        "warning", what, "push lacks", "Give the token contents:write, if it is to be written."
    )
