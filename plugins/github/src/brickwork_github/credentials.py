"""Credentials for GitHub: a token, a GitHub App, or what the environment has."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from brickwork import Block, CheckReport, Secret
from brickwork_github.app_tokens import GitHubApp as GitHubApp  # a part of these credentials

if TYPE_CHECKING:
    from github import Github


class ClientOptions(BaseModel):
    """How clients connect, retry and wait."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    timeout: float = Field(
        30.0, ge=1, le=3600, description="Seconds to wait for a connection, and for an answer."
    )
    retries: int = Field(
        3,
        ge=0,
        le=20,
        description="How often a request is sent again after 5xx and broken connections, where that"
        " can do no harm.",
    )
    max_concurrency: int = Field(
        10, ge=1, le=100, description="How many requests may be under way at once."
    )
    rate_limit_wait_seconds: float = Field(
        3600.0,
        ge=0,
        le=86_400,
        description="The longest wait for a rate limit to lift; a task's time-out counts as well.",
    )
    proxy: Secret[str] | None = Field(
        None, description="URL of a proxy; without it, HTTPS_PROXY and the like count."
    )
    verify: bool = Field(True, description="Verify the server's certificate; leave it on.")
    ca_bundle: str | None = Field(
        None, min_length=1, description="File with the certificates to trust, in PEM."
    )

    @model_validator(mode="after")
    def _verify_means_it(self) -> Self:
        if self.ca_bundle is not None and not self.verify:
            raise ValueError("ca_bundle is given, and verify is off: leave out one of them")
        return self


class GitHubCredentials(Block):
    """Who to be on GitHub, and where.

    Give one of:

    - ``token``, a fine-grained or classic personal access token;
    - ``app``, a GitHub App: tokens of its installation are fetched when they are needed, and anew
      before they end, however long a program runs;
    - none of these: the token in ``GH_TOKEN`` or ``GITHUB_TOKEN``, as in a workflow of GitHub
      Actions; for a server of your own, in ``GH_ENTERPRISE_TOKEN`` or ``GITHUB_ENTERPRISE_TOKEN``.

    Rate limits are waited out within the time of the task, which can be cancelled meanwhile.

    Examples:
        >>> GitHubCredentials(token="github_pat_11AAAA...").save("robot").version
        1
        >>> GitHubCredentials.load("robot").token
        Secret('********')
    """

    slug: ClassVar[str] = "github-credentials"

    token: Secret[str] | None = Field(None, description="A personal access token.")
    app: GitHubApp | None = Field(None, description="A GitHub App, and its installation.")
    host: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9.-]+(:[0-9]+)?$",
        description="The server: github.com, a GitHub Enterprise Server, or NAME.ghe.com. By"
        " default github.com; with the token of the environment, the server of GITHUB_API_URL.",
    )
    api_url: str | None = Field(
        None, description="Where the API is, if not where the host has it: https://host/path."
    )
    client_options: ClientOptions = Field(
        default=ClientOptions(), description="How clients connect, retry and wait."
    )

    @field_validator("token")
    @classmethod
    def _pasted_whole(cls, value: Secret[str] | None) -> Secret[str] | None:
        text = None if value is None else value.reveal()
        if text is not None and (text.split() != [text] or not text.isascii()):
            raise ValueError("is empty, or has spaces or other characters that no token has")
        return value

    @field_validator("host", mode="before")
    @classmethod
    def _is_a_host(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        name = value.lower()
        if "/" in name or "@" in name:
            raise ValueError(
                "is not just a name, as in github.com: leave out https:// and the path"
            )
        for wrong in ("www.github.com", "api.github.com"):
            if name == wrong:
                raise ValueError(f"is {wrong}, and the server is github.com")
        return name

    @field_validator("api_url")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        try:
            parts = urlsplit(value)
            valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:  # no such port
            valid = False
        if not valid or "@" in parts.netloc or parts.query or parts.fragment:
            raise ValueError("is not https://host/path or http://host/path, without user and query")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if self.token is not None and self.app is not None:
            raise ValueError("both token and app are given: leave out one of them")
        return self

    def client(self) -> "Github":
        """Return PyGithub's client; it is shared, and may be used by many threads.

        It is kept by the block's value. What `ClientOptions` says holds for it as well: it waits
        for rate limits, retries, and takes no longer than the task may run. Its errors are
        PyGithub's, see https://pygithub.readthedocs.io/.

        Raises:
            BlockError: There is no token.
        """
        from brickwork_github.clients import client_for

        client = client_for(self)
        client.token()
        return client.github

    def access_token(self) -> Secret[str]:
        """Return a token that is good for some minutes, for git and other programs.

        That of an App's installation is good for five minutes at least, and an hour at most; as
        git's password it goes with the user ``x-access-token``.

        Raises:
            BlockError: There is none, or the App's key or installation is none.
            GitHubError: GitHub gives the App none.
        """
        from brickwork_github.clients import client_for

        return client_for(self).token()

    def graphql(
        self,
        query: str,
        variables: Mapping[str, Any] | None = None,
        *,
        all_pages: bool = False,
        limit: int | None = None,
    ) -> dict[str, Any]:
        """Ask GitHub's GraphQL API, and return the answer's ``data``.

        See https://docs.github.com/en/graphql/guides/forming-calls-with-graphql.

        Args:
            query: The query or mutation.
            variables: By name, without the ``$``. Secrets go in clear.
            all_pages: Whether to follow the cursor to the end, and join the lists. The query then
                takes a variable ``$cursor``, and asks for one ``pageInfo { hasNextPage endCursor
                }``.
            limit: Of all pages, at most so many items; None: all.

        Raises:
            GitHubError: It failed; the class says how.
            BlockError: There is no token.
            InvalidArguments: With ``all_pages``: the query has no ``$cursor``, or no ``pageInfo``,
                or ``limit`` is below 1.
        """
        from brickwork_github.graphql import everything, queried

        if all_pages:
            return everything(self, query, variables or {}, limit)
        return queried(self, query, variables or {})

    def check(self) -> CheckReport:
        """Ask GitHub who this is, what it may do, and how much it may ask; never raises.

        See https://docs.github.com/en/rest/rate-limit/rate-limit, which costs nothing.
        """
        from brickwork_github.checking import check_credentials

        return check_credentials(self)
