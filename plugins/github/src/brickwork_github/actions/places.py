"""Where secrets and variables of Actions are: in a repository, an environment, an organization."""

from typing import Any, Literal

from brickwork_github.credentials import GitHubCredentials
from brickwork_github.requests import Request

Visibility = Literal["all", "private"]


class Place:
    """Where a secret or a variable is.

    Args:
        credentials: Whose.
        kind: ``secrets`` or ``variables``.
        repository: ``owner/name``.
        environment: An environment of the repository.
        organization: An organization, instead of a repository.
    """

    def __init__(
        self,
        credentials: GitHubCredentials,
        kind: Literal["secrets", "variables"],
        repository: str | None = None,
        environment: str | None = None,
        *,
        organization: str = "",
    ) -> None:
        self._credentials, self._repository = credentials, repository
        self._path: dict[str, str] = {}
        if repository is None:
            self._root, self._path = f"/orgs/{{org}}/actions/{kind}", {"org": organization}
        elif environment is None:
            self._root = f"/repos/{{owner}}/{{repo}}/actions/{kind}"
        else:
            self._root = f"/repos/{{owner}}/{{repo}}/environments/{{environment_name}}/{kind}"
            self._path = {"environment_name": environment}

    def request(self, method: str, rest: str = "", **path: str) -> Request:
        """Return a request for it, or for what is below; one that may come twice."""
        return Request(
            self._credentials,
            f"{method} {self._root}{rest}",
            self._repository,
            safe=True,
            **self._path,
            **path,
        )

    def shared(self, visibility: Visibility, repositories: list[str] | None) -> dict[str, Any]:
        """Return what says for which repositories something of an organization is.

        Args:
            visibility: ``all``, or ``private``: those that are private or internal.
            repositories: ``owner/name``, only these.
        """
        if repositories is None:
            return {"visibility": visibility}
        route = "GET /repos/{owner}/{repo}"
        ids = [
            Request(self._credentials, route, each).one(lambda found: int(found["id"]))
            for each in repositories
        ]
        return {"visibility": "selected", "selected_repository_ids": ids}
