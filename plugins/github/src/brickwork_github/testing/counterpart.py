"""A GitHub that behaves as it is told to, for the contract of notifiers."""

from collections.abc import Callable

from brickwork import Notifier
from brickwork.testing.notifier import Answer, Asked, Behaviour, HttpCounterpart, readable
from brickwork_github.credentials import GitHubCredentials
from brickwork_github.testing.live.issues import new_issue
from brickwork_github.testing.live.repository import LiveRepository
from brickwork_github.testing.messages import read_json
from brickwork_github.testing.server import GitHubServer
from brickwork_github.testing.serving import Serving

Make = Callable[[GitHubCredentials, LiveRepository], Notifier]
"""Makes the notifier of some credentials, for a repository."""


class GitHubCounterpart(HttpCounterpart):
    """A server on 127.0.0.1 that hands what it takes to a `GitHubServer`.

    What is only asked for it answers always; what is told, as the behaviour says.

    Args:
        server: It keeps what comes, and refuses what GitHub's description refuses.
        make: Makes the notifier.
    """

    def __init__(self, server: GitHubServer, make: Make) -> None:
        self._github = server
        self.repository = server.repository("octocat/counterpart", {"README.md": "# Bricks\n"})
        new_issue(self.repository, "Where comments go", None)
        self.secrets = (server.token.reveal(),)
        super().__init__(lambda url: make(self._credentials(url), self.repository))

    def message_of(self, asked: Asked) -> str | None:
        """Return what a request tells people; None if it tells nothing."""
        body = read_json(asked.body)
        told = isinstance(body, dict) and not {"body", "description", "output"}.isdisjoint(body)
        return readable(asked.body, asked.headers) if told else None

    def answer_to(self, asked: Asked, behaviour: Behaviour, *, limited: bool) -> Answer:
        """Return GitHub's answer, or the one that the behaviour wants."""
        if asked.method != "GET" and (limited or behaviour not in _TAKING):
            return super().answer_to(asked, behaviour, limited=limited)
        reply = Serving(self._github).reply_to(
            asked.method, f"/{asked.path}", asked.headers, asked.body
        )
        return Answer(reply.status, reply.content, reply.headers)

    def _credentials(self, url: str) -> GitHubCredentials:
        return GitHubCredentials(token=self._github.token, api_url=url)


_TAKING = frozenset({Behaviour.OK, Behaviour.RATE_LIMITING})
