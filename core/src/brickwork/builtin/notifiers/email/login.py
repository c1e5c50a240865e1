"""Logging in to a mail server: with a password, or with an access token of OAuth 2.

``smtplib`` can only passwords in ASCII, and shows them in its errors.
"""

import base64
from typing import TYPE_CHECKING

from brickwork.builtin.notifiers.email.session import Session, told

if TYPE_CHECKING:
    from brickwork.builtin.notifiers.email.block import Email


def login(session: Session, email: "Email") -> bool:
    """Log in, if the block has a user name; tell whether it did. Raises SmtpFailure."""
    session.stage = "login"
    if email.username is None or email.password is None:
        return False
    username, password = email.username, email.password.reveal()
    code, text = _authenticate(session, _mechanism(session, email), username, password)
    if code in (235, 503):  # 503: logged in already
        return True
    answer = told(code, text)
    # What is longer the masker finds, in more forms than these.
    if len(password) < 6 or password in answer or _base64(password).rstrip("=") in answer:
        answer = str(code)
    again = 400 <= code < 500
    wanted = "an access token" if email.auth == "oauth2" else "a password made for programs"
    raise session.failure(
        f"{session.origin} refused the login: {answer}.",
        fix="" if again else f"Check username and password; many providers want {wanted} here.",
        refused=code >= 500,
        again=again,
    )


def _mechanism(session: Session, email: "Email") -> str:
    offered = (session.extension("auth") or "").upper().split()
    wanted = ("XOAUTH2",) if email.auth == "oauth2" else ("PLAIN", "LOGIN")
    for each in wanted:
        if each in offered:
            return each
    listed = ", ".join(filter(str.isprintable, offered))[:100] or "none"
    raise session.failure(
        f"{session.origin} offers no login by {' or '.join(wanted)}; what it offers: {listed}.",
        fix="Look at auth, security and port; leave out username and password if the server "
        "wants none.",
        refused=True,
    )


def _authenticate(
    session: Session, mechanism: str, username: str, password: str
) -> tuple[int, bytes]:
    if mechanism == "LOGIN":
        code, text = session.ask("AUTH", "LOGIN")
        for part in (username, password):
            if code != 334:
                break
            code, text = session.ask(_base64(part))
        return code, text
    if mechanism == "PLAIN":  # RFC 4616
        return session.ask("AUTH", "PLAIN " + _base64(f"\0{username}\0{password}"))
    # https://developers.google.com/workspace/gmail/imap/xoauth2-protocol
    token = _base64(f"user={username}\x01auth=Bearer {password}\x01\x01")
    code, text = session.ask("AUTH", f"XOAUTH2 {token}")
    # The reason comes first, and the refusal after an empty answer.
    return session.ask("") if code == 334 else (code, text)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode("ascii")
