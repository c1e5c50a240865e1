"""Prebuilt tasks that protect branches.

See https://docs.github.com/en/rest/branches/branch-protection.
"""

from typing import Any

from brickwork_github.credentials import GitHubCredentials
from brickwork_github.repositories.models import SWITCHES, BranchProtection
from brickwork_github.requests import NULL, Request
from brickwork_github.tasks import retried_task

_PROTECTION = "/repos/{owner}/{repo}/branches/{branch}/protection"


@retried_task("administration:write")
def protect_branch(
    credentials: GitHubCredentials, repository: str, branch: str, protection: BranchProtection
) -> BranchProtection:
    """Protect a branch; what it was protected by before is replaced.

    To change a part of it, `dataclasses.replace` what `get_branch_protection` returns. See
    https://docs.github.com/en/rest/branches/branch-protection#update-branch-protection.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        branch: The branch, which must be there.
        protection: From what.

    Returns:
        The protection, as GitHub has it now.

    Raises:
        GitHubNotFound: There is no such branch.
        GitHubDenied: The plan has no protection of private repositories, or these credentials may
            not do it.
        GitHubInvalid: Somebody who is named is not there, or a person owns the repository, which
            can have no `push`.
        GitHubError: It was not protected.

    Examples:
        >>> from brickwork_github import BranchProtection, RequiredCheck, RequiredReviews
        >>> wanted = BranchProtection(
        ...     checks=(RequiredCheck("test"),), reviews=RequiredReviews(2, code_owners=True)
        ... )
        >>> protect_branch(credentials, repository, "main", wanted).reviews.approvals
        2
    """
    return Request(credentials, f"PUT {_PROTECTION}", repository, branch=branch).one(
        BranchProtection.of, body=_asked(protection)
    )


@retried_task("administration:read")
def get_branch_protection(
    credentials: GitHubCredentials, repository: str, branch: str
) -> BranchProtection:
    """Return what a branch is protected from.

    See https://docs.github.com/en/rest/branches/branch-protection#get-branch-protection.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        branch: The branch.

    Returns:
        The protection.

    Raises:
        GitHubNotFound: The branch is not protected, or there is none.
        GitHubError: It cannot be read.

    Examples:
        >>> found = get_branch_protection(credentials, repository, "main")
        >>> found.enforce_admins, [check.context for check in found.checks]
        (True, ['continuous-integration/travis-ci'])
    """
    return Request(credentials, f"GET {_PROTECTION}", repository, branch=branch).one(
        BranchProtection.of
    )


@retried_task("administration:write")
def unprotect_branch(credentials: GitHubCredentials, repository: str, branch: str) -> None:
    """Protect a branch no longer.

    See https://docs.github.com/en/rest/branches/branch-protection#delete-branch-protection.

    Args:
        credentials: Whose.
        repository: ``owner/name``.
        branch: The branch.

    Raises:
        GitHubNotFound: It is not protected, or there is none.
        GitHubError: It is protected still.

    Examples:
        >>> unprotect_branch(credentials, repository, "main")
    """
    Request(credentials, f"DELETE {_PROTECTION}", repository, branch=branch).send()


def _asked(wanted: BranchProtection) -> dict[str, Any]:
    """Return a protection as GitHub wants it: what is null is taken away."""
    checks, reviews = wanted.checks, wanted.reviews
    told: dict[str, Any] | object = NULL
    if checks is not None:
        told = {"strict": wanted.up_to_date, "contexts": [each.context for each in checks]}
        if any(each.app_id is not None for each in checks):
            listed = [{"context": each.context, "app_id": each.app_id} for each in checks]
            told = {"strict": wanted.up_to_date, "contexts": [], "checks": listed}
    return {
        "required_status_checks": told,
        "required_pull_request_reviews": NULL if reviews is None else reviews.asked(),
        "restrictions": NULL if wanted.push is None else wanted.push.asked(),
        **{name: getattr(wanted, field) for field, name in SWITCHES.items()},
    }
