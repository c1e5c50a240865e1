"""The one door for all requests to GitHub's REST API: https://docs.github.com/en/rest.

A task says the route as GitHub's documentation does, and what the answer becomes::

    Request(credentials, "GET /repos/{owner}/{repo}/issues/{issue_number}", repository,
            issue_number=7).one(Issue.of)
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

from brickwork import InvalidArguments, check_cancelled
from brickwork_github.clients import PER_PAGE, client_for
from brickwork_github.errors import GitHubError
from brickwork_github.faults import about
from brickwork_github.paths import filled, split_repository
from brickwork_github.sending import JSON, NULL as NULL, Answer as Answer
from brickwork_github.transport import Reply

if TYPE_CHECKING:
    from brickwork_github.credentials import GitHubCredentials

T = TypeVar("T")

_NEXT = re.compile(r'<([^<>]+)>;[^<]*\brel="next"')


class Request:
    """A route of the REST API, and who asks.

    Args:
        credentials: Whose.
        route: The method and the path, as GitHub's documentation has them:
            ``POST /repos/{owner}/{repo}/issues``.
        repository: The repository, ``owner/name``, where the path has one.
        safe: Whether it may be sent again where nobody knows if it was received. By default GET,
            PUT and DELETE may; POST and PATCH only with a guard against a double.
        accept: The media type to answer with.
        path: What else the path has.

    Raises:
        InvalidArguments: A value lacks, or cannot be part of a path.
    """

    def __init__(
        self,
        credentials: "GitHubCredentials",
        route: str,
        repository: str | None = None,
        *,
        safe: bool | None = None,
        accept: str = JSON,
        **path: str | int,
    ) -> None:
        values = path if repository is None else {**split_repository(repository), **path}
        method, _, template = route.partition(" ")
        self.name = f"{method} {filled(template, values)}"
        self._sender = client_for(credentials).sender
        self._options: dict[str, Any] = {"safe": safe, "accept": accept}

    def send(
        self, *, query: Mapping[str, Any] | None = None, body: Mapping[str, Any] | None = None
    ) -> Answer:
        """Send it, and return the answer as it is.

        Args:
            query: Parameters behind the path. None is left out, lists go with commas.
            body: What goes as JSON. None is left out, `NULL` is sent as null, secrets in clear.

        Raises:
            GitHubError: It failed; the class says how.
            BlockError: The credentials have no token, or no good key.
            TaskCancelled, TaskTimeout: The task was stopped meanwhile.
        """
        return self._sender.send(self.name, query=query, body=body, **self._options)

    def one(
        self,
        make: Callable[[Any], T],
        *,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> T:
        """Send it, and return what the answer becomes; else as `send`."""
        return self._made(make, self.send(query=query, body=body).data)

    def many(
        self,
        make: Callable[[Any], T | None],
        limit: int | None,
        *,
        query: Mapping[str, Any] | None = None,
        beside: Callable[[Any], None] | None = None,
    ) -> list[T]:
        """Ask for a list, page by page, and return what its items become; else as `send`.

        Args:
            make: Makes one, or None of what does not count.
            limit: At most so many; None: all.
            query: As of `send`.
            beside: As of `pages`.

        Raises:
            InvalidArguments: The limit is below 0.
        """
        check_limit(limit)
        found: list[T] = []
        if limit == 0:
            return found
        for page in self.pages(limit, query=query, beside=beside):
            made = (self._made(make, each) for each in page)
            found += [each for each in made if each is not None]
            if limit is not None and len(found) >= limit:
                break
        return found[:limit]

    def pages(
        self,
        limit: int | None = None,
        *,
        query: Mapping[str, Any] | None = None,
        beside: Callable[[Any], None] | None = None,
    ) -> Iterator[Sequence[Any]]:
        """Give the items of a list, page by page, to the end; the task is cancelled between them.

        Args:
            limit: How many will be looked at, for pages no larger than that.
            query: As of `send`.
            beside: Is given each page whole, for what stands beside its items.
        """
        size = PER_PAGE if limit is None else min(limit, PER_PAGE)
        answer = self.send(query={"per_page": size, **(query or {})})
        while True:
            if beside is not None:
                self._made(beside, answer.data)
            yield self._made(items_of, answer.data)
            following = next_page(answer.headers)
            if following is None:
                return
            check_cancelled()
            answer = self._sender.send(f"GET {self._sender.path_of(following)}", **self._options)

    @contextmanager
    def stream(self, *, query: Mapping[str, Any] | None = None) -> Iterator[Reply]:
        """Send it, and give the answer with its body still to be read; else as `send`.

        GitHub's storage, to which it may lead us, gets no token.
        """
        reply = self._sender.stream(self.name, query=query, accept=self._options["accept"])
        try:
            yield reply
        finally:
            reply.close()

    def upload(
        self,
        make: Callable[[Any], T],
        file: BinaryIO,
        content_type: str,
        *,
        to: str,
        query: Mapping[str, Any] | None = None,
    ) -> T:
        """Send a file as the body, and return what the answer becomes; else as `send`.

        Args:
            make: Makes the result.
            file: Open for reading bytes; it is sent from its begin, and stays open.
            content_type: The media type of the file.
            to: Where GitHub said that it goes: a release's ``upload_url``. The host gets the token,
                so it must be the API's, or its ``uploads.`` sibling.
            query: As of `send`.
        """
        sent = self._sender.upload(self.name, file, content_type, to=to, query=query)
        return self._made(make, sent.data)

    def _made(self, make: Callable[[Any], T], data: Any) -> T:
        try:
            return make(data)
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise about(
                GitHubError(
                    f"{self.name}: the answer is of an unknown form ({type(error).__name__}).",
                    fix="Check that `host` is a GitHub server, and not too old a one.",
                ),
                self.name,
                200,
            ) from None


def check_limit(limit: int | None) -> None:
    """Raise InvalidArguments for a limit below 0."""
    if limit is not None and limit < 0:
        raise InvalidArguments(
            f"limit cannot be {limit}.", fix="Give a number, or leave it out for all."
        )


def items_of(data: Any) -> list[Any]:
    """Return the items of one page: GitHub gives them bare, or beside their count."""
    if isinstance(data, dict):
        found = [value for value in data.values() if isinstance(value, list)]
        data = found[0] if len(found) == 1 else None
    if not isinstance(data, list):
        raise ValueError("a list was expected")
    return data


def next_page(headers: Mapping[str, str]) -> str | None:
    """Return the URL of the next page, as the header ``Link`` says."""
    found = _NEXT.search(headers.get("link", ""))
    return None if found is None else found[1]
