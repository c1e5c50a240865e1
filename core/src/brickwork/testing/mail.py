"""A mail server on 127.0.0.1 that behaves, or misbehaves, as a test says; needs ``aiosmtpd``.

::

    with MailServer() as server:
        Email(host="127.0.0.1", port=server.port, ..., allow_private=True).send(notification)
        (mail,) = server.mails
        assert mail.message["Subject"] == "Load failed"
"""

# ruff: noqa: ARG002, N802  # the names and the arguments are aiosmtpd's

import asyncio
import email
import email.policy
import logging
import ssl
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage
from threading import Lock, Thread
from types import TracebackType
from typing import Any, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

DROP = "drop"
"""Close the connection instead of answering."""
SILENT = "silent"
"""Never answer."""
DRIP = "drip"
"""Answer line by line, and never come to the last."""

STAGES = ("connect", "ehlo", "starttls", "auth", "mail", "rcpt", "data", "content", "end", "quit")
"""Where faults can be: at the greeting, at a command, after the ``354``, at the final dot."""


_quiet = logging.NullHandler()


@dataclass(frozen=True)
class Mail:
    """A message as it came.

    Attributes:
        sender: What ``MAIL FROM`` named.
        recipients: What ``RCPT TO`` named, and was taken.
        content: The message, without the dots of SMTP.
        login: Who had logged in.
        tls: Whether the connection was encrypted.
    """

    sender: str
    recipients: tuple[str, ...]
    content: bytes
    login: str | None
    tls: bool

    @property
    def message(self) -> EmailMessage:
        """The message, read by the standard library."""
        message = email.message_from_bytes(self.content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        return message

    @property
    def text(self) -> str:
        """Everything in it as text: decoded headers, texts, and attachments."""
        parts = [f"{name}: {value}" for name, value in self.message.items()]
        for part in self.message.walk():
            content = part.get_payload(decode=True)
            if isinstance(content, bytes):
                parts += [part.get_filename() or "", content.decode("utf-8", "replace")]
        return "\n".join(parts)


class MailServer:
    """Takes mails, or does what it was told at a stage.

    Args:
        tls: Server-side TLS settings, for example of `LoopbackAuthority.server_context`.
        implicit: TLS from the start, instead of STARTTLS.
        users: Passwords (or access tokens) by user name.
        mechanisms: The ways to log in that it offers.
        faults: By stage (see `STAGES`), or by ``rcpt <address>``, what to do instead of the usual,
            in turn: an answer such as ``450 later``, `DROP`, `SILENT`, `DRIP`, or an empty text
            for the usual. The last one stays.
        max_size: The largest message, which it also tells; None for no limit.
        smtputf8: Whether it takes addresses in UTF-8.

    Attributes:
        port: The port that it listens on.
        mails: What it took.
        refused: What came whole, and was not taken.
        commands: All lines of commands that came, logins left out.
    """

    def __init__(
        self,
        *,
        tls: ssl.SSLContext | None = None,
        implicit: bool = False,
        users: Mapping[str, str] | None = None,
        mechanisms: tuple[str, ...] = ("PLAIN", "LOGIN"),
        faults: Mapping[str, list[str]] | None = None,
        max_size: int | None = None,
        smtputf8: bool = False,
    ) -> None:
        # It logs what happens to each connection, and warns of its own deprecations.
        logging.getLogger("mail.log").addHandler(_quiet)
        self._tls = tls
        self._implicit = implicit
        self._users = dict(users or {})
        self._mechanisms = mechanisms
        self._faults = {stage: list(what) for stage, what in (faults or {}).items()}
        self._max_size = max_size
        self._smtputf8 = smtputf8
        self._lock = Lock()
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        self._thread = Thread(target=self._run, daemon=True)
        self.port = 0
        self.mails: list[Mail] = []
        self.refused: list[Mail] = []
        self._connections: list[_Connection] = []
        self.commands: list[str] = []

    def __enter__(self) -> Self:
        starting = self._loop.create_server(
            self._make, "127.0.0.1", 0, ssl=self._tls if self._implicit else None, backlog=128
        )
        self._server = self._loop.run_until_complete(starting)
        self.port = self._server.sockets[0].getsockname()[1]
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        assert self._server is not None
        self._server.close()
        for connection in self._connections:
            connection.drop()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)  # lets transports call back that they are closed

    def fault(self, stage: str) -> str:
        """Return what to do at a stage; empty for the usual."""
        with self._lock:
            planned = self._faults.get(stage, [])
            return planned.pop(0) if len(planned) > 1 else (planned[0] if planned else "")

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def _make(self) -> SMTP:
        connection = _Connection(
            self,
            hostname="mail.test",
            ident="ready",
            data_size_limit=self._max_size,
            enable_SMTPUTF8=self._smtputf8,
            tls_context=None if self._implicit else self._tls,
            auth_require_tls=self._tls is not None and not self._implicit,
            auth_exclude_mechanism={"PLAIN", "LOGIN", "XOAUTH2"} - set(self._mechanisms),
            authenticator=self._authenticate,
            loop=self._loop,
        )
        self._connections.append(connection)
        return connection

    @property
    def connections(self) -> int:
        """How many connections were made."""
        return len(self._connections)

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        user = data.login.decode()
        genuine = user in self._users and self._users[user] == data.password.decode()
        return AuthResult(success=genuine, handled=False, auth_data=data)

    # What aiosmtpd calls, see https://aiosmtpd.aio-libs.org/en/latest/handlers.html

    async def auth_XOAUTH2(self, server: SMTP, args: list[str]) -> AuthResult:
        """Log in by an access token."""
        import base64

        user, token, *_ = base64.b64decode(args[1]).decode().split("\x01")
        user, token = user.removeprefix("user="), token.removeprefix("auth=Bearer ")
        if self._users.get(user) == token:
            data = LoginPassword(user.encode(), b"")
            return AuthResult(success=True, auth_data=data)
        reason = base64.b64encode(b'{"status":"400","schemes":"Bearer"}').decode()
        await server.push(f"334 {reason}")
        # The answer is empty, which aiosmtpd's own reading of challenges refuses.
        await server._reader.readline()  # noqa: SLF001  # there is no public way
        return AuthResult(success=False, handled=False)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Take a message, or refuse it."""
        login = getattr(session.auth_data, "login", None)
        mail = Mail(
            envelope.mail_from or "",
            tuple(envelope.rcpt_tos),
            envelope.original_content or b"",
            None if login is None else login.decode(),
            self._implicit or session.ssl is not None,
        )
        planned = self.fault("end")
        (self.refused if planned else self.mails).append(mail)
        if not planned:
            return f"250 2.0.0 Ok: queued as {len(self.mails)}"
        if planned == SILENT:
            await asyncio.Event().wait()
        if planned == DROP:
            assert isinstance(server, _Connection)
            server.drop()
        return planned


class _Connection(SMTP):
    """One connection, with faults."""

    def __init__(self, server: MailServer, **options: Any) -> None:
        super().__init__(server, **options)
        self._mail_server = server
        self._greeted = False

    def drop(self) -> None:
        """Close the connection at once."""
        if self.transport is not None:
            self.transport.abort()  # type: ignore[attr-defined]  # every transport of asyncio has it

    async def push(self, status: Any) -> None:
        if not self._greeted:
            self._greeted = True
            planned = self._mail_server.fault("connect")
            if planned:
                await self._misbehave(planned)
                return
        with suppress(ConnectionError):  # a client that gave up
            await super().push(status)

    async def smtp_EHLO(self, hostname: str) -> None:
        await self._usual_or("ehlo", super().smtp_EHLO, hostname)

    async def smtp_STARTTLS(self, arg: str) -> None:
        await self._usual_or("starttls", super().smtp_STARTTLS, arg)

    async def smtp_AUTH(self, arg: str) -> None:
        await self._usual_or("auth", super().smtp_AUTH, arg)

    async def smtp_MAIL(self, arg: str | None) -> None:
        await self._usual_or("mail", super().smtp_MAIL, arg)

    async def smtp_RCPT(self, arg: str | None) -> None:
        address = (arg or "").partition("<")[2].partition(">")[0]
        planned = self._mail_server.fault(f"rcpt {address}")
        if planned:
            self._mail_server.commands.append(f"RCPT {arg}")
            await self._misbehave(planned)
        else:
            await self._usual_or("rcpt", super().smtp_RCPT, arg)

    async def smtp_QUIT(self, arg: str) -> None:
        await self._usual_or("quit", super().smtp_QUIT, arg)

    async def smtp_DATA(self, arg: str) -> None:
        if self._mail_server.fault("content") == DROP:
            await self.push("354 go on")
            await self._reader.readline()
            self.drop()
        else:
            await self._usual_or("data", super().smtp_DATA, arg)

    async def _usual_or(
        self, stage: str, usual: Callable[[Any], Awaitable[None]], arg: str | None
    ) -> None:
        if stage != "auth":
            self._mail_server.commands.append(f"{stage.upper()} {arg or ''}".strip())
        planned = self._mail_server.fault(stage)
        if planned:
            await self._misbehave(planned)
        else:
            await usual(arg)

    async def _misbehave(self, planned: str) -> None:
        if planned == DROP:
            self.drop()
        elif planned == SILENT:
            await asyncio.Event().wait()
        elif planned == DRIP:
            while True:
                await super().push(b"220-one moment")
                await asyncio.sleep(0.02)
        else:
            for line in planned.split("\n"):
                await super().push(line.encode())
