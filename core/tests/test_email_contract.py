"""E-mail keeps the contract of notifiers, against a mail server with TLS and logins."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from brickwork import Email
from brickwork.testing.loopback import LoopbackAuthority
from brickwork.testing.mail import SILENT, MailServer
from brickwork.testing.notifier import URL_SECRET, Behaviour, Counterpart, NotifierContract

FAULTS = {
    Behaviour.REFUSING: {"end": [f"550 5.7.1 {URL_SECRET} is not welcome"]},
    Behaviour.RATE_LIMITING: {"rcpt": ["450 4.2.1 try again later", ""]},
    Behaviour.BROKEN: {"end": ["451 4.3.0 local error in processing"]},
    Behaviour.SILENT: {"connect": [SILENT]},
}


@pytest.fixture(scope="module")
def authority() -> LoopbackAuthority:
    """An authority whose certificates the notifiers trust."""
    return LoopbackAuthority()


class MailCounterpart(Counterpart):
    """A mail server of its own for each notifier."""

    def __init__(self, authority: LoopbackAuthority, stack: ExitStack) -> None:
        self._authority = authority
        self._tls = authority.server_context("127.0.0.1")
        self._stack = stack
        self._servers: list[MailServer] = []
        self._nobody = stack.enter_context(socket.socket())  # a port on which nothing listens
        self._nobody.bind(("127.0.0.1", 0))

    def notifier(self, behaviour: Behaviour) -> Email:
        port = self._nobody.getsockname()[1]
        if behaviour is not Behaviour.UNREACHABLE:
            server = self._stack.enter_context(
                MailServer(tls=self._tls, users={"ops": URL_SECRET}, faults=FAULTS.get(behaviour))
            )
            self._servers.append(server)
            port = server.port
        return Email(
            host="127.0.0.1",
            port=port,
            username="ops",
            password=URL_SECRET,
            sender="Operations <ops@example.com>",
            to=["on-call@example.com"],
            allow_private=True,
            ca_certificates=self._authority.pem,
            timeout_seconds=0.5 if behaviour is Behaviour.SILENT else 5,
            retry_seconds=1 if behaviour is Behaviour.SILENT else 60,
        )

    def received(self) -> str:
        mails = [mail for server in self._servers for mail in (*server.mails, *server.refused)]
        return "\n".join(f"{mail.text}\n{mail.content.decode()}" for mail in mails)

    def arrivals(self) -> int:
        commands = [line for server in self._servers for line in server.commands]
        return sum(line.startswith("MAIL ") for line in commands)

    def connections(self) -> int:
        return sum(server.connections for server in self._servers)


class TestEmail(NotifierContract):
    @property
    def behaviours(self) -> frozenset[Behaviour]:
        # SMTP has no word for how long to wait.
        return frozenset(Behaviour) - {Behaviour.BUSY}

    @property
    def shows_html(self) -> bool:
        return True

    @pytest.fixture
    def counterpart(self, authority: LoopbackAuthority) -> Iterator[Counterpart]:
        with ExitStack() as stack:
            yield MailCounterpart(authority, stack)
