"""One connection to a mail server: connected under the outbound policy, encrypted, logged in.

``smtplib`` is given the socket, and used for lines and answers. Logging in and handing over are
done here: its own do not tell what the server answered to which recipient, whether a message had
left when a connection broke, and take only passwords in ASCII.
"""

import re
import smtplib
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPException
from threading import Event
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from brickwork.builtin.outbound.target import server_target
from brickwork.builtin.outbound.transport import (
    Deadline,
    TimedSocket,
    connect,
    judged_addresses,
    reason_of,
    secured,
    system_resolve,
    tls_context,
)
from brickwork.errors import NotifierError, OutboundFailed, OutboundRefused
from brickwork.tasks import Scope

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from brickwork.builtin.notifiers.email.block import Email

T = TypeVar("T")

DONE = range(200, 300)
"""Codes that mean yes: only the first digit counts (RFC 5321, 4.3.2)."""
_GO_ON = range(300, 400)

_GOODBYE_SECONDS = 1.0
_MAX_TEXT = 200
_MAX_ANSWERS_BYTES = 1024 * 1024  # in one session: one answer for each recipient, and some more

_FAULTS = (smtplib.SMTPException, HTTPException, OSError, ValueError)
_SIZE = re.compile(r"[0-9]{1,15}")
_LEADING_DOT = re.compile(rb"^\.", re.MULTILINE)


class SmtpFailure(NotifierError):
    """The server said no, or nothing; becomes a receipt or a finding.

    Attributes:
        stage: What was being done, for findings.
        refused: Whether doing the same again would change nothing.
        again: Whether the message was surely not taken, and may be sent again.
        connected: Whether anything was connected.
    """

    def __init__(
        self,
        what: str,
        *,
        stage: str,
        fix: str = "",
        refused: bool = False,
        again: bool = False,
        connected: bool = True,
    ) -> None:
        super().__init__(what, fix=fix)
        self.stage = stage
        self.refused = refused
        self.again = again
        self.connected = connected


class Session:
    """A connection, as a context: greeted, and encrypted where that is asked for.

    Entering it raises SmtpFailure, as do all methods.

    Args:
        email: Where to connect, and how.
        seconds: The time for everything.

    Attributes:
        origin: Scheme, host and port, for messages.
        stage: What is being done.
        connected: Whether the server could be reached.
        tls: The version of TLS; None without.
        certificate_end: When the server's certificate ends, in seconds since 1970.
    """

    def __init__(self, email: "Email", seconds: float) -> None:
        self._email = email
        self._deadline = Deadline(seconds)
        self._target = server_target("smtp", email.host, email.server_port)
        self._sock: socket.socket | None = None
        self._door: socket.socket | None = None
        self._waking: AbstractContextManager[None] | None = None
        self._interrupted = Event()
        self._sound = False
        self.origin = self._target.origin
        self.stage = "connection"
        self.connected = False
        self.tls: str | None = None
        self.certificate_end: float | None = None

    # Opening and closing

    def __enter__(self) -> Self:
        try:
            self._connect()
            self._begin()
        except BaseException as error:
            self._leave(error)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._leave(error)

    def _leave(self, error: BaseException | None) -> None:
        try:
            if self._sound and (error is None or isinstance(error, SmtpFailure)):
                self._say_goodbye()
        finally:
            self._close()

    def _connect(self) -> None:
        email = self._email
        failure: SmtpFailure
        try:
            addresses = judged_addresses(
                self._target,
                self._deadline,
                allow_private=email.allow_private,
                resolve=system_resolve,
            )
            self._sock = connect(self._target, addresses, self._deadline, None)
        except (OutboundRefused, OutboundFailed) as error:
            refused = isinstance(error, OutboundRefused)
            failure = self.failure(
                error.what, fix=error.fix, refused=refused, again=not refused, connected=not refused
            )
        else:
            # The same connection once more: it can be shut whatever the first is doing.
            self._door = self._sock.dup()
            self._waking = Scope().waking(self._interrupt)
            self._waking.__enter__()
            self.connected = True
            return
        raise failure

    def _begin(self) -> None:
        given = self._email.ehlo_name
        name = server_target("smtp", given, 25).host if given else _own_address(self._sock)
        # Without a host it connects to nothing; with a name it asks no DNS for one.
        self._smtp = smtplib.SMTP(local_hostname=_literal(name))
        # A program that debugs its own mails must not print our password.
        self._smtp.set_debuglevel(0)
        if self._email.security == "tls":
            self._encrypt()
        self._use_socket()
        self.stage = "greeting"
        greeting = self._guarded(self._smtp.getreply)
        self._sound = True
        self.checked(*greeting)
        self._greet()
        if self._email.security == "starttls":
            self._start_tls()

    def _use_socket(self) -> None:
        assert self._sock is not None  # noqa: S101  # connected before
        timed = TimedSocket(self._sock, self._deadline)
        timed.allowance = _MAX_ANSWERS_BYTES
        # All that smtplib uses of a socket is in TimedSocket.
        self._smtp.sock = timed  # type: ignore[assignment]  # as said
        # What came before TLS does not count after it: it may be anybody's (RFC 3207, 4.2).
        self._smtp.file = None

    def _greet(self) -> None:
        self.checked(*self._guarded(self._smtp.ehlo))

    def _start_tls(self) -> None:
        self.stage = "TLS"
        if self.extension("starttls") is None:
            raise self.failure(
                f"{self.origin} does not offer STARTTLS, and nothing is sent without TLS.",
                fix='Set security to "tls" if this port speaks TLS at once (465 as a rule); '
                "or ask who runs the server.",
                refused=True,
            )
        self.command("STARTTLS")
        self._encrypt()
        self._use_socket()
        self._greet()

    def _encrypt(self) -> None:
        self.stage = "TLS"
        assert self._sock is not None  # noqa: S101  # connected before
        self._sound = False
        failure: SmtpFailure
        try:
            context = tls_context(self._email.ca_certificates, None)
            self._sock = tls = secured(self._sock, self._target, self._deadline, context)
            # A connection that ended in between has no certificate, but an OSError.
            certificate = self._guarded(tls.getpeercert)
        except OutboundRefused as error:
            failure = self.failure(error.what, fix=error.fix, refused=True)
        except OutboundFailed as error:
            failure = self.failure(error.what, fix=error.fix or self._port_hint(), again=True)
            if self._interrupted.is_set():
                failure = self._cancelled()
        else:
            self.tls = tls.version()
            if certificate:
                self.certificate_end = float(ssl.cert_time_to_seconds(str(certificate["notAfter"])))
            self._sound = True
            return
        raise failure

    def _say_goodbye(self) -> None:
        assert self._sock is not None  # noqa: S101  # connected before
        with suppress(*_FAULTS):
            # The message is handed over already: nobody should wait long for a farewell.
            self._smtp.sock = TimedSocket(self._sock, Deadline(_GOODBYE_SECONDS))  # type: ignore[assignment]  # as above
            self._smtp.file = None
            self._smtp.docmd("QUIT")

    def _close(self) -> None:
        if self._waking is not None:
            self._waking.__exit__(None, None, None)
        for each in (self._door, self._sock):
            if each is not None:
                each.close()

    def _interrupt(self) -> None:
        """Break off, from whichever thread a scope is cancelled in."""
        self._interrupted.set()
        if self._door is not None:
            with suppress(OSError):
                self._door.shutdown(socket.SHUT_RDWR)

    # Talking

    def extension(self, name: str) -> str | None:
        """Return the parameters of an extension of the server; None where it has it not."""
        return self._smtp.esmtp_features.get(name)

    @property
    def max_size(self) -> int | None:
        """How many bytes a message may have (RFC 1870); None where the server does not say."""
        size = (self.extension("size") or "").strip()
        return (int(size) or None) if _SIZE.fullmatch(size) else None

    def command(self, command: str, argument: str = "", *, expect: range = DONE) -> str:
        """Send a command; return the server's answer, for people."""
        return self.checked(*self.ask(command, argument), expect=expect)

    def ask(self, command: str, argument: str = "") -> tuple[int, bytes]:
        """Send a command; return the code and the text of whatever is answered."""
        return self._guarded(lambda: self._smtp.docmd(command, argument))

    def use_utf8(self) -> None:
        """Send commands in UTF-8 from now on."""
        self._smtp.command_encoding = "utf-8"

    def hand_over(self, payload: bytes) -> str:
        """Send the message; return the server's answer, for people."""
        self.stage = "message"
        self.command("DATA", expect=_GO_ON)
        content = _LEADING_DOT.sub(b"..", payload)
        end = b".\r\n" if content.endswith(b"\r\n") else b"\r\n.\r\n"
        self._guarded(lambda: self._smtp.send(content))
        self._guarded(lambda: self._smtp.send(end))
        failure: SmtpFailure
        try:
            code, text = self._guarded(self._smtp.getreply)
            if code // 100 not in (2, 4, 5):
                raise self._unreadable()
        except SmtpFailure as error:
            failure = self.failure(
                f"{error.what.removesuffix('.')}, after the whole message was sent: it may have "
                "arrived, and is not sent again, since it might arrive twice."
            )
        else:
            return self.checked(code, text)
        raise failure

    def checked(self, code: int, text: bytes, *, expect: range = DONE) -> str:
        """Return an answer, for people, if its code is one of those expected."""
        if code in expect:
            return told(code, text)
        if not 200 <= code < 600:
            raise self._unreadable()
        raise self.failure(
            f"{self.origin} refused ({self.stage}): {told(code, text)}.",
            refused=code >= 500,
            again=400 <= code < 500,
        )

    def failure(
        self,
        what: str,
        *,
        fix: str = "",
        refused: bool = False,
        again: bool = False,
        connected: bool = True,
    ) -> SmtpFailure:
        """Return an error about what is being done."""
        return SmtpFailure(
            what, stage=self.stage, fix=fix, refused=refused, again=again, connected=connected
        )

    # What becomes of an answer, or of none

    def _guarded(self, call: Callable[[], T]) -> T:
        failure: SmtpFailure
        try:
            return call()
        except _FAULTS as error:
            self._sound = False
            failure = self._broken(error)
        # Out here it has no other error in its chain: those may quote what was sent.
        raise failure

    def _broken(self, error: Exception) -> SmtpFailure:
        if self._interrupted.is_set():
            return self._cancelled()
        cause = error.__context__ if isinstance(error, smtplib.SMTPException) else error
        if isinstance(cause, OSError):
            reason = reason_of(cause)
        elif isinstance(error, smtplib.SMTPServerDisconnected):
            reason = "the server closed the connection"
        else:
            return self._unreadable()
        hint = self._port_hint() if self.stage == "greeting" else ""
        return self.failure(
            f"{self.origin} did not answer ({self.stage}): {reason}.", fix=hint, again=True
        )

    def _cancelled(self) -> SmtpFailure:
        return self.failure(f"{self.origin}: cancelled.")

    def _unreadable(self) -> SmtpFailure:
        self._sound = False
        return self.failure(
            f"{self.origin} did not answer with SMTP that can be read.",
            fix="Check host and port.",
        )

    def _port_hint(self) -> str:
        port, security = self._target.port, self._email.security
        if security == "tls" and port in (25, 587):
            return f'Port {port} speaks TLS only after STARTTLS as a rule: security "starttls".'
        if security != "tls" and port == 465:
            return 'Port 465 speaks TLS at once as a rule: security "tls".'
        return ""


def told(code: int, text: bytes) -> str:
    """Return a server's answer on one line, for people."""
    words = " ".join(text.decode("utf-8", "replace").split())
    shown = "".join(letter for letter in words if letter.isprintable())
    return f"{code} {shown[:_MAX_TEXT]}".rstrip(" .")


def _own_address(sock: socket.socket | None) -> str:
    assert sock is not None  # noqa: S101  # connected before
    return str(sock.getsockname()[0]).partition("%")[0]


def _literal(name: str) -> str:
    """Write an address as those do who have no name (RFC 5321, 4.1.3); a name as it is."""
    if ":" in name:
        return f"[IPv6:{name}]"
    return f"[{name}]" if name.rpartition(".")[2].isdigit() else name
