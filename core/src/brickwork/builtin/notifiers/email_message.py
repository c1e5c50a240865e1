"""A notification as an e-mail: headers, text and HTML, attachments."""

import hashlib
import re
from dataclasses import replace
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, localtime

from brickwork.builtin.notifiers.email_addresses import Mailbox, Parties
from brickwork.builtin.notifiers.email_html import page
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
_MEDIA_TYPE = re.compile(r"([a-z0-9][a-z0-9!#$&^_.+-]*)/([a-z0-9][a-z0-9!#$&^_.+-]*)")
_CHARSET = re.compile(r';\s*charset="?([A-Za-z0-9_.:-]+)"?', re.IGNORECASE)
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
    # 7bit: every server takes it, and nothing in it can be changed on the way.
    policy = SMTP.clone(cte_type="7bit", utf8=parties.international is not None)
    message = EmailMessage(policy)
    _address(message, parties)
    message["Subject"] = _line(subject_prefix + (shown.thread_key or shown.title))
    message["Date"] = format_datetime(localtime())
    message["Message-ID"] = message_id
    if shown.thread_key:
        root = thread_id(notification.thread_key or "", parties.sender.domain)
        message["In-Reply-To"] = root
        message["References"] = root
    # Nobody's holiday notice answers a machine (RFC 3834; Exchange has a header of its own).
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    importance, priority = _IMPORTANCE[shown.severity]
    message["Importance"] = importance
    message["X-Priority"] = priority
    message["X-Brickwork-Severity"] = shown.severity.value
    if shown.tags:
        message["Keywords"] = _line(", ".join(sorted(shown.tags)))
    message.set_content(plain(shown))
    message.add_alternative(page(shown), subtype="html")
    for attachment in shown.attachments:
        _attach(message, attachment)
    # A lone CR or LF ends a line for some servers only: that is how mails are smuggled.
    return _BREAKS.sub(b"\r\n", message.as_bytes())


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


def _address(message: EmailMessage, parties: Parties) -> None:
    message["From"] = _shown(parties.sender)
    if parties.to:
        message["To"] = [_shown(each) for each in parties.to]
    elif not parties.cc:
        message["To"] = "undisclosed-recipients:;"
    if parties.cc:
        message["Cc"] = [_shown(each) for each in parties.cc]
    if parties.reply_to:
        message["Reply-To"] = [_shown(each) for each in parties.reply_to]


def _shown(mailbox: Mailbox) -> Address:
    return Address(mailbox.name, mailbox.local, mailbox.domain)


def _attach(message: EmailMessage, attachment: Attachment) -> None:
    match = _MEDIA_TYPE.match(attachment.media_type.strip().lower())
    main, sub = match.groups() if match else ("application", "octet-stream")
    # These two cannot be in base64 (RFC 2046, 5.2.1), and are messages in the message.
    if main in ("message", "multipart"):
        main, sub = "application", "octet-stream"
    charset = _CHARSET.search(attachment.media_type)
    params = {"charset": charset[1]} if charset and main == "text" else {}
    message.add_attachment(
        attachment.content, maintype=main, subtype=sub, filename=attachment.name, params=params
    )


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
