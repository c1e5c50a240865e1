"""A notification as an e-mail: headers, text and HTML, attachments."""

import base64
import hashlib
import re
from dataclasses import replace
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, localtime
from uuid import uuid4

from brickwork.builtin.notifiers.email.addresses import Parties
from brickwork.builtin.notifiers.email.headers import attached, header, mailboxes, words
from brickwork.builtin.notifiers.email.html import page
from brickwork.notifier import Attachment, Notification, Severity

# Importance is what Outlook reads, X-Priority (1 to 5) the others.
_IMPORTANCE = {
    Severity.CRITICAL: ("high", "1 (Highest)"),
    Severity.ERROR: ("high", "2 (High)"),
    Severity.WARNING: ("normal", "3 (Normal)"),
    Severity.SUCCESS: ("normal", "3 (Normal)"),
    Severity.INFO: ("normal", "3 (Normal)"),
}

_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_MEDIA_TYPE = re.compile(r"([a-z0-9][a-z0-9!#$&^_.+-]{0,63})/[a-z0-9][a-z0-9!#$&^_.+-]{0,63}")
_CHARSET = re.compile(r';[ \t]*charset="?([A-Za-z0-9_.:-]{1,40})"?', re.IGNORECASE)
_BREAKS = re.compile(rb"\r\n|\r|\n")


def compose(
    parties: Parties, notification: Notification, *, message_id: str, subject_prefix: str = ""
) -> bytes:
    """Return the message as it is sent, lines ended by CR LF.

    Args:
        parties: Who writes to whom; who gets a blind copy is not in the message.
        notification: Masked already.
        message_id: With its angle brackets.
        subject_prefix: Put before the subject as it is.
    """
    shown = _cleaned(notification)
    head = [*_addresses(parties), ("Subject", words(_line(subject_prefix + _subject(shown))))]
    head += [("Date", format_datetime(localtime())), ("Message-ID", message_id)]
    if shown.thread_key:
        root = thread_id(notification.thread_key or "", parties.sender.domain)
        head += [("In-Reply-To", root), ("References", root)]
    importance, priority = _IMPORTANCE[shown.severity]
    head += [
        # Nobody's holiday notice answers a machine (RFC 3834; Exchange has a header of its own).
        ("Auto-Submitted", "auto-generated"),
        ("X-Auto-Response-Suppress", "All"),
        ("Importance", importance),
        ("X-Priority", priority),
        ("X-Brickwork-Severity", shown.severity.value),
    ]
    if shown.tags:
        head.append(("Keywords", words(", ".join(sorted(shown.tags)))))
    message = "".join(header(name, value) for name, value in head).encode() + _content(shown)
    # A lone CR or LF ends a line for some servers only: that is how mails are smuggled.
    return _BREAKS.sub(b"\r\n", message)


def _content(shown: Notification) -> bytes:
    """Return texts and files, with the headers that say what they are."""
    # 7bit: every server takes it, and nothing in it is changed on the way.
    message = EmailMessage(SMTP.clone(cte_type="7bit"))
    message.set_content(plain(shown))
    message.add_alternative(page(shown), subtype="html")
    if not shown.attachments:
        return message.as_bytes()
    del message["MIME-Version"]
    boundary = f"=_{uuid4().hex}"  # which can be neither in Base64 nor in quoted-printable
    head = header("MIME-Version", "1.0")
    head += header("Content-Type", f'multipart/mixed;\r\n boundary="{boundary}"')
    between = f"\r\n--{boundary}\r\n".encode()
    parts = [message.as_bytes(), *map(_file, shown.attachments)]
    return between.join([head.encode(), *parts]) + f"\r\n--{boundary}--\r\n".encode()


def plain(notification: Notification) -> str:
    """Return the text that stands beside the HTML."""
    paragraphs = [f"[{notification.severity.upper()}] {notification.title}"]
    paragraphs.append(notification.body.strip("\n"))
    paragraphs.append("\n".join(f"{name}: {value}" for name, value in notification.fields.items()))
    links = [notification.url or ""]
    links += [f"{words}: {url}" for words, url in notification.links.items()]
    paragraphs.append("\n".join(filter(None, links)))
    if notification.tags:
        paragraphs.append(f"Tags: {', '.join(sorted(notification.tags))}")
    return "\n\n".join(filter(None, paragraphs)) + "\n"


def thread_id(thread_key: str, domain: str) -> str:
    """Return the id of the message that all of a thread answer.

    Nobody sends that message: programs that read mail put together what names the same one, so no
    state has to be kept.
    """
    digest = hashlib.sha256(thread_key.encode("utf-8", "surrogatepass")).hexdigest()
    return f"<thread-{digest[:32]}@{domain}>"


def _addresses(parties: Parties) -> list[tuple[str, str]]:
    head = [("From", mailboxes([parties.sender]))]
    if parties.to:
        head.append(("To", mailboxes(parties.to)))
    elif not parties.cc:
        head.append(("To", "undisclosed-recipients:;"))
    if parties.cc:
        head.append(("Cc", mailboxes(parties.cc)))
    if parties.reply_to:
        head.append(("Reply-To", mailboxes(parties.reply_to)))
    return head


def _subject(shown: Notification) -> str:
    """Return the same for all of a thread: mail programs take another subject for another one."""
    return shown.thread_key or shown.title


def _file(attachment: Attachment) -> bytes:
    match = _MEDIA_TYPE.match(attachment.media_type.strip().lower())
    # A message cannot be in Base64 (RFC 2046, 5.2.1), and a multipart would be read as parts.
    if match is None or match[1] in ("message", "multipart"):
        kind = "application/octet-stream"
    else:
        charset = _CHARSET.search(attachment.media_type) if match[1] == "text" else None
        kind = f'{match[0]}; charset="{charset[1]}"' if charset else match[0]
    head = header("Content-Type", kind) + header("Content-Transfer-Encoding", "base64")
    head += header("Content-Disposition", attached(attachment.name))
    return f"{head}\r\n".encode() + base64.encodebytes(attachment.content)


def _cleaned(notification: Notification) -> Notification:
    """Replace what a mail cannot carry: control characters, halves of characters."""
    clean = _clean
    return replace(
        notification,
        title=_line(notification.title),
        body=clean(notification.body),
        fields={_line(name): clean(value) for name, value in notification.fields.items()},
        url=notification.url and _line(notification.url),
        thread_key=notification.thread_key and _line(notification.thread_key),
        tags=frozenset(map(_line, notification.tags)),
        links={_line(words): _line(url) for words, url in notification.links.items()},
        html=notification.html and clean(notification.html),
    )


def _clean(text: str) -> str:
    return _UNPRINTABLE.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))


def _line(text: str) -> str:
    return _UNPRINTABLE.sub("\ufffd", " ".join(text.split())) or "\ufffd"
