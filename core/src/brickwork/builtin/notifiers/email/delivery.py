"""Handing one message over to a mail server, recipient by recipient, again where that is safe."""

from typing import TYPE_CHECKING

from brickwork.builtin.notifiers.attempts import Attempt
from brickwork.builtin.notifiers.email.addresses import Parties
from brickwork.builtin.notifiers.email.login import login
from brickwork.builtin.notifiers.email.session import DONE, Session, SmtpFailure, told
from brickwork.notifier import DeliveryStatus, explained

if TYPE_CHECKING:
    from brickwork.builtin.notifiers.email.block import Email


class Delivery:
    """One message on its way.

    Recipients that were taken are not sent to again, so an attempt may follow another one.

    Args:
        email: The block.
        parties: Who writes to whom.
        payload: The message.
    """

    def __init__(self, email: "Email", parties: Parties, payload: bytes) -> None:
        self._email = email
        self._parties = parties
        self._payload = payload
        self._waiting: dict[str, str] = dict.fromkeys(parties.recipients, "")
        self._refused: dict[str, str] = {}
        self._taken = 0

    def attempt(self, seconds: float) -> Attempt:
        """Connect, and hand over to all who have not got it."""
        try:
            with Session(self._email, seconds) as session:
                login(session, self._email)
                return self._hand_over(session)
        except SmtpFailure as error:
            return Attempt(
                DeliveryStatus.REFUSED if error.refused else DeliveryStatus.FAILED,
                self._summary(explained(error)),
                again=error.again,
                left=error.connected,
            )

    def _hand_over(self, session: Session) -> Attempt:
        self._begin(session)
        accepted = self._ask_recipients(session)
        if accepted:
            answer = session.hand_over(self._payload)
            self._taken += len(accepted)
            for each in accepted:
                del self._waiting[each]
        else:
            session.ask("RSET")
            answer = ""
        return self._outcome(answer)

    def _begin(self, session: Session) -> None:
        """Name the sender, once it is sure that the server takes such a message."""
        session.stage = "sender"
        size, most = len(self._payload), session.max_size
        if most is not None and size > most:
            raise session.failure(
                f"The message has {size:,} bytes, and {session.origin} takes {most:,}.",
                fix="Attach less, or give a link instead.",
                refused=True,
            )
        options = f" SIZE={size}" if session.extension("size") is not None else ""
        international = self._parties.international
        if international is not None:
            if session.extension("smtputf8") is None:
                raise session.failure(
                    f"{session.origin} does not take the address {international}: it has no "
                    "SMTPUTF8.",
                    fix="Use an address of Latin letters before the @, or another server.",
                    refused=True,
                )
            session.use_utf8()
            options += " BODY=8BITMIME SMTPUTF8"
        sender = self._parties.sender.address
        session.command("MAIL", f"FROM:<{sender}>{options}")

    def _ask_recipients(self, session: Session) -> list[str]:
        """Name all recipients that wait; return those that the server takes."""
        session.stage = "recipients"
        accepted: list[str] = []
        for each in list(self._waiting):
            code, text = session.ask("RCPT", f"TO:<{each}>")
            if code in DONE:
                accepted.append(each)
            elif code == 421 or not 200 <= code < 600:
                # It is about the connection, and what was accepted before counts no more.
                session.checked(code, text)
            elif 400 <= code < 500:
                self._waiting[each] = told(code, text)
            else:
                del self._waiting[each]
                self._refused[each] = told(code, text)
        return accepted

    def _outcome(self, answer: str) -> Attempt:
        if self._waiting:
            return Attempt(DeliveryStatus.FAILED, self._summary(), again=True)
        if self._refused:
            return Attempt(DeliveryStatus.REFUSED, self._summary())
        return Attempt(DeliveryStatus.DELIVERED, answer)

    def _summary(self, reason: str = "") -> str:
        """Say who got it, where some did, and why others did not."""
        parts = [reason] if reason else []
        missing = {**self._refused, **({} if reason else self._waiting)}
        if self._taken:
            everybody = len(self._parties.recipients)
            parts.insert(0, f"{self._taken} of {everybody} recipients got it.")
        if missing:
            listed = "; ".join(f"{address} ({why})" for address, why in missing.items())
            parts.append(f"Not taken for {listed}.")
        return " ".join(parts)
