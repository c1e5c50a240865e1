"""A prebuilt task on rate limits: https://docs.github.com/en/rest/rate-limit/rate-limit."""

from collections.abc import Mapping
from typing import Any

from brickwork_github.checks.models import RateLimit
from brickwork_github.credentials import GitHubCredentials
from brickwork_github.requests import Request
from brickwork_github.tasks import retried_task


@retried_task()
def get_rate_limit(credentials: GitHubCredentials) -> dict[str, RateLimit]:
    """Return how much may still be asked; to ask this costs nothing.

    Tasks wait for limits by themselves; this is for who plans ahead. See
    https://docs.github.com/en/rest/rate-limit/rate-limit#get-rate-limit-status-for-the-authenticated-user.

    Args:
        credentials: Whose.

    Returns:
        The limits by resource: ``core`` is that of REST, ``graphql`` that of GraphQL.

    Raises:
        GitHubNotFound: The server has no limits, as an Enterprise Server may be set.
        GitHubError: They cannot be read.

    Examples:
        >>> core = get_rate_limit(credentials)["core"]
        >>> core.remaining <= core.limit
        True
    """

    def limits(found: Mapping[str, Any]) -> dict[str, RateLimit]:
        return {name: RateLimit.of(name, each) for name, each in found["resources"].items()}

    return Request(credentials, "GET /rate_limit").one(limits)
