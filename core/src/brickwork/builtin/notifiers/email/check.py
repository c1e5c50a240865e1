"""What can be found out about a mail server without sending anything."""

import time
from typing import TYPE_CHECKING

from brickwork.block import CheckReport, Finding
from brickwork.builtin.notifiers.email.login import login
from brickwork.builtin.notifiers.email.session import Session, SmtpFailure

if TYPE_CHECKING:
    from brickwork.builtin.notifiers.email.block import Email

MAX_SECONDS = 10.0
_SOON_DAYS = 14


def checked(email: "Email") -> CheckReport:
    """Connect, begin TLS and log in; the findings say how far that went."""
    session = Session(email, min(email.timeout_seconds, MAX_SECONDS))
    findings: list[Finding] = []
    logged_in = False
    size: int | None = None
    failure: SmtpFailure | None = None
    try:
        with session:
            logged_in = login(session, email)
            size = session.max_size
    except SmtpFailure as error:
        failure = error
    if session.connected:
        findings.append(Finding("ok", "connection", session.origin))
        if session.tls is not None or failure is None:
            findings.append(_encryption(session))
    if failure is not None:
        fix = failure.fix or "Check host and port, and whether the server runs and can be reached."
        return CheckReport((*findings, Finding("failed", failure.stage, failure.what, fix)))
    if logged_in:
        findings.append(Finding("ok", "login", f"as {email.username}"))
    else:
        findings.append(Finding("skipped", "login", "there is no username"))
    most = "the server names no limit" if size is None else f"up to {size:,} bytes"
    findings.append(Finding("ok", "message size", most))
    rest = "only a notification shows whether the server takes them"
    findings.append(Finding("skipped", "sender and recipients", rest))
    return CheckReport(tuple(findings))


def _encryption(session: Session) -> Finding:
    if session.tls is None:
        return Finding(
            "warning",
            "TLS",
            "none: anybody on the way can read what is sent",
            'Set security to "starttls" or "tls" if the server can.',
        )
    if session.certificate_end is None:
        return Finding("ok", "TLS", session.tls)
    day = time.strftime("%Y-%m-%d", time.gmtime(session.certificate_end))
    detail = f"{session.tls}, certificate until {day}"
    if session.certificate_end - time.time() > _SOON_DAYS * 24 * 3600:
        return Finding("ok", "TLS", detail)
    return Finding("warning", "TLS", detail, "Have the server's certificate renewed soon.")
