"""What stands for Slack in the contract of notifiers that post as a bot."""

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

from brickwork import Notifier
from brickwork.testing.notifier import Behaviour, Counterpart
from brickwork_slack.credentials import SlackCredentials
from brickwork_slack.testing.faults import Fault, rate_limited, server_error, slow
from brickwork_slack.testing.server import SlackServer, slack_server

_ALWAYS = 1000
_FAULTS: dict[Behaviour, tuple[Fault, int]] = {
    Behaviour.RATE_LIMITING: (rate_limited(1), 1),
    Behaviour.BUSY: (rate_limited(3600), _ALWAYS),
    Behaviour.BROKEN: (server_error(500), _ALWAYS),
    Behaviour.SILENT: (slow(3600), _ALWAYS),
}

Make = Callable[[SlackCredentials, str], Notifier]
"""Makes the notifier of credentials and the id of a channel."""


class SlackCounterpart(Counterpart):
    """A loopback Slack for each notifier, which behaves as it is told.

    Args:
        make: Makes the notifier.
        patient: Makes one that has time, for all behaviours but the silent one.
    """

    wait_seconds = 1.0

    def __init__(self, make: Make, patient: Make) -> None:
        self._make = make
        self._patient = patient
        self._servers: list[SlackServer] = []
        self._running = ExitStack()
        self._nobody = socket.socket()  # keeps a port on which nothing listens
        self.secrets: tuple[str, ...] = ()

    def __enter__(self) -> Self:
        self._nobody.bind(("127.0.0.1", 0))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._nobody.close()
        self._running.close()

    def notifier(self, behaviour: Behaviour) -> Notifier:
        """Return a notifier for a workspace of its own."""
        server = self._running.enter_context(slack_server(typed=False))
        self._servers.append(server)
        credentials = server.credentials()
        self.secrets = (*self.secrets, credentials.token.reveal())
        if behaviour in _FAULTS:
            fault, times = _FAULTS[behaviour]
            server.fail(None, fault, times=times)
        if behaviour is Behaviour.REFUSING:
            server.general.archived = True
        if behaviour is Behaviour.UNREACHABLE:
            port = self._nobody.getsockname()[1]
            url = f"http://127.0.0.1:{port}/api/"
            credentials = credentials.model_copy(update={"base_url": url})
        make = self._make if behaviour is Behaviour.SILENT else self._patient
        return make(credentials, server.general.id)

    def received(self) -> str:
        """Return all messages and files, as they came and decoded."""
        return "\n".join(text for server in self._servers for text in _messages(server))

    def arrivals(self) -> int:
        """Return how many messages came."""
        return sum(len(server.asked("chat.postMessage")) for server in self._servers)


def _messages(server: SlackServer) -> Iterator[str]:
    for asked in server.asked("chat.postMessage"):
        yield json.dumps(dict(asked.arguments))
        yield from _texts(dict(asked.arguments))
    for file in server.workspace.files.values():
        yield file.name
        yield file.read().decode("utf-8", "replace")


def _texts(value: Any) -> Iterator[str]:
    """Return all texts of JSON, also of JSON within a text."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield name
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, str):
        if value[:1] in ("[", "{"):
            try:
                yield from _texts(json.loads(value))
            except ValueError:
                yield value
        else:
            yield value
    elif isinstance(value, int | float):
        yield str(value)
