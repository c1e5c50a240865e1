"""A GitHub on 127.0.0.1, which refuses what GitHub's description refuses, and cannot lie."""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from brickwork import Secret
from brickwork_github.testing.description import Operation, description
from brickwork_github.testing.examples import examples_of
from brickwork_github.testing.faults import Fault
from brickwork_github.testing.files import Files
from brickwork_github.testing.gists import Gists
from brickwork_github.testing.graphql import ROUTE as GRAPHQL
from brickwork_github.testing.identities import SCOPES, App, Identities, Identity
from brickwork_github.testing.messages import Answer, Answering, Asked, Refusal
from brickwork_github.testing.validation import Json, WrongAnswer, answer_faults, schemas_of

if TYPE_CHECKING:
    from brickwork_github.credentials import GitHubCredentials
    from brickwork_github.testing.live import LiveRepository

PER_HOUR = 5000
"""Requests that the server lets pass in an hour, as GitHub does for a person's token."""


@dataclass
class Planned:
    """An answer that a test wants.

    Attributes:
        answer: What it is, or what makes it.
        status: Its status.
        headers: To be added.
        left: To how many requests it is still given; None means all.
    """

    answer: Json | Answering
    status: int | None
    headers: Mapping[str, str]
    left: int | None


@dataclass
class Quota:
    """The primary rate limit.

    Attributes:
        reset: When there are new requests, in seconds since 1970.
        remaining: How many are left until then.
    """

    reset: float
    remaining: int = PER_HOUR
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)


class GitHubServer:
    """A running server; made by `github_server`.

    Attributes:
        url: Where it answers, as ``https://api.github.com`` does; the same is found below
            ``/api/v3``, as on a GitHub Enterprise Server.
        token: A token that it takes.
        app: A GitHub App that it knows.
        requests: What was asked for, in order; also what was refused.
        refusals: The requests that GitHub's description refuses.
        quota: The primary rate limit.
    """

    def __init__(self) -> None:
        self.description = description()
        self.schemas = schemas_of(self.description)
        self.examples = examples_of(self.description)
        self.lock = threading.RLock()
        self._planned: dict[str, list[Planned]] = {}
        self._faults: list[tuple[str | None, Fault]] = []
        self._ahead = 0.0
        self.renamed: dict[str, str] = {}
        self.identities = Identities(self.now)
        self.app = App()
        self.quota = Quota(time.time() + 3600)
        self.url = ""
        self.files = Files()
        self.token = self.new_token()
        self.repositories: dict[str, LiveRepository] = {}
        self.gone: set[str] = set()
        self.gists = Gists()
        self._folder: Path | None = None
        self.requests: list[Asked] = []
        self.refusals: list[Refusal] = []
        self.lies: list[Exception] = []
        self.closing = threading.Event()

    def credentials(self, **options: Any) -> "GitHubCredentials":
        """Return credentials for this server; with options, ones that differ."""
        from brickwork_github.credentials import GitHubCredentials

        given = {"api_url": self.url, **options}
        if "token" not in given and "app" not in given:
            given["token"] = self.token
        return GitHubCredentials(**given)

    def new_token(
        self,
        *,
        scopes: Sequence[str] = SCOPES,
        fine_grained: bool = False,
        expires_in: float | None = None,
    ) -> Secret[str]:
        """Return another token that the server takes.

        Args:
            scopes: What a classic one may do. The server tells, and does not mind.
            fine_grained: Make a fine-grained one, which has no scopes.
            expires_in: In how many seconds it ends; None means never.
        """
        end = None if expires_in is None else self.now() + expires_in
        if fine_grained:
            return self.identities.add(Identity("fine-grained", expires_at=end))
        return self.identities.add(Identity("classic", tuple(scopes), end))

    def revoke(self, token: Secret[str]) -> None:
        """Take a token no longer."""
        self.identities.remove(token.reveal())

    def now(self) -> float:
        """Return what the server takes for the time, in seconds since 1970."""
        return time.time() + self._ahead

    def advance(self, seconds: float) -> None:
        """Move the server's clock on: tokens end, and the rate limit is reset."""
        self._ahead += seconds

    def answer(
        self,
        route: str,
        body: Json | Answering = None,
        *,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
        times: int | None = None,
    ) -> None:
        """Say what is answered from now on, instead of the description's example.

        A list is answered in pages, as the request wants them. The answer that was said last
        counts; when it has been given as often as it should, the one before it does.

        Args:
            route: For example ``GET /repos/{owner}/{repo}/issues``, or ``POST /graphql``.
            body: JSON, as the description says; bytes for anything else, which an operation that
                redirects to a download redirects to; or a function that makes it of the request.
            status: By default the operation's first one that is a success.
            headers: To be added.
            times: To how many requests; None means all.

        Raises:
            WrongAnswer: GitHub would never give this answer.
            BrickworkError: GitHub has no such operation.
        """
        if route != GRAPHQL:
            operation = self.description.operation(route)
            if not callable(body):
                given = body if isinstance(body, Answer) else Answer(body, status, headers or {})
                self.checked(operation, given)
        with self.lock:
            planned = Planned(body, status, headers or {}, times)
            self._planned.setdefault(route, []).append(planned)

    def example(self, route: str, *, http_status: int | None = None, **changes: Json) -> Any:
        """Return the description's example of an answer, with some fields changed.

        Where the description contradicts its own example, that is mended. Of a list, the first
        item is returned, with the changes: answer ``[server.example(route, number=n) for n in
        range(3)]`` for a list of three.

        Args:
            route: For example ``GET /repos/{owner}/{repo}/issues/{issue_number}``.
            http_status: By default the operation's first one that is a success.
            changes: Fields, and what they should be.
        """
        operation = self.description.operation(route)
        found = self.examples.of(operation, http_status or self.success(operation))
        if isinstance(found, list):
            found = found[0]
        return {**found, **changes} if changes else found

    def fail(self, route: str | None, fault: Fault, *, times: int = 1) -> None:
        """Let something go wrong with the next requests.

        Args:
            route: For example ``GET /repos/{owner}/{repo}``; None means any.
            fault: What; see `brickwork_github.testing.faults`.
            times: With how many requests.

        Raises:
            BrickworkError: GitHub has no such operation.
        """
        if route is not None and route != GRAPHQL:
            self.description.operation(route)
        with self.lock:
            self._faults += [(route, fault)] * times

    @property
    def faults_left(self) -> int:
        """How many faults have not happened yet."""
        return len(self._faults)

    def rename(self, old: str, new: str) -> None:
        """Redirect requests for a repository, as after it was renamed or transferred."""
        with self.lock:
            self.renamed[old.lower()] = new

    def repository(
        self,
        full_name: str,
        files: Mapping[str, str | bytes] | None = None,
        *,
        default_branch: str = "main",
        private: bool = True,
        archived: bool = False,
    ) -> "LiveRepository":
        """Make a repository that lives: what is created in it is there afterwards.

        Its files, commits and branches are those of a real git repository, which git may clone
        from this server and push to. Other repositories have only the description's examples.

        Args:
            full_name: ``owner/name``.
            files: Its first commit; without files there is none.
            default_branch: Its branch.
            private: Git, too, wants a token.
            archived: Nothing in it may be changed.
        """
        from tempfile import mkdtemp

        from brickwork_github.testing.live import LiveRepository

        with self.lock:
            self._folder = self._folder or Path(mkdtemp(prefix="github-"))
            self.gone.discard(full_name.lower())
            folder = self._folder / f"{len([*self._folder.iterdir()])}.git"
            made = LiveRepository(
                self, full_name, folder, default_branch=default_branch, private=private
            )
            self.repositories[full_name.lower()] = made
        if files:
            made.commit(files, "Initial commit")
        made.archived = archived
        return made

    def close(self) -> None:
        """Remove the repositories; done at the end of `github_server`."""
        import shutil

        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def asked(self, route: str) -> list[Asked]:
        """Return the requests for one operation, in order."""
        if route != GRAPHQL:
            self.description.operation(route)
        return [asked for asked in self.requests if asked.route == route]

    # What the serving part asks for

    def next_fault(self, route: str) -> Fault | None:
        """Return what goes wrong with a request, and forget it."""
        with self.lock:
            for index, (wanted, fault) in enumerate(self._faults):
                if wanted in (None, route):
                    del self._faults[index]
                    return fault
        return None

    def next_planned(self, route: str) -> Planned | None:
        """Return what a test wants to be answered."""
        with self.lock:
            for planned in reversed(self._planned.get(route, [])):
                if planned.left is None:
                    return planned
                if planned.left > 0:
                    planned.left -= 1
                    return planned
        return None

    def success(self, operation: Operation) -> int:
        """Return the status that an operation answers with when all is well."""
        statuses = [status for status, _ in self.description.responses(operation)]
        return min((status for status in statuses if status < 300), default=min(statuses))

    def checked(self, operation: Operation, answer: Answer, accept: str = "") -> Answer:
        """Return an answer with its status. Raises WrongAnswer."""
        status = answer.status or self.success(operation)
        faults = answer_faults(
            self.schemas, self.description, operation, status, answer.body, accept
        )
        if faults:
            raise WrongAnswer(
                f"{operation.route} never answers {status} with this body: {'; '.join(faults)}",
                fix=f"See {operation.page}, or begin with server.example({operation.route!r}).",
            )
        return Answer(answer.body, status, answer.headers)


@contextmanager
def github_server(*, refusals_allowed: bool = False) -> Iterator[GitHubServer]:
    """Run a GitHub on 127.0.0.1 until the block ends.

    Args:
        refusals_allowed: Do not mind requests that the description refuses.

    Raises:
        DescriptionMissing: GitHub's description is not installed, and could not be fetched.
        AssertionError: At the end: a request was refused, which GitHub would have refused, too.
        WrongAnswer: At the end: a function of the test made an answer that GitHub never gives.
    """
    from brickwork.testing.listening import listening
    from brickwork_github.testing.serving import Serving

    server = GitHubServer()
    with (
        listening(server.files.serve, server.closing) as server.files.url,
        listening(Serving(server).serve, server.closing) as server.url,
    ):
        try:
            yield server
        finally:
            server.close()
    if server.lies:
        raise server.lies[0]
    if server.files.leaks:
        raise AssertionError(f"a token was sent to another host: {server.files.leaks}")
    if server.refusals and not refusals_allowed:
        told = "\n".join(
            f"{refusal.asked.route}: {refusal.status}: {' '.join(refusal.reasons)}"
            for refusal in server.refusals
        )
        raise AssertionError(f"GitHub would refuse:\n{told}")
