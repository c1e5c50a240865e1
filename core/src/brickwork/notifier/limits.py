"""What a service takes, and how a notification that is larger is made to fit.

Texts are masked before they come here: who cuts first may cut a secret in two, and not find it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from brickwork.notifier.notification import Attachment, Notification

MAX_MESSAGES = 10
"""Into how many messages a notification is split, at the most; the rest is cut."""

WHOLE_TEXT = "message.txt"
"""The attachment that holds a body that was too long."""

_CUT = "…"


class Overflow(StrEnum):
    """What to do with a body that is too long for the service."""

    CUT = "cut"
    """Leave out its end, and say how much."""
    SPLIT = "split"
    """Send several messages, numbered in their titles."""
    ATTACH = "attach"
    """Cut it, and attach the whole of it as a file."""


class Unit(StrEnum):
    """What a service counts."""

    CHARACTERS = "characters"
    """Code points of Unicode."""
    UTF16 = "utf-16"
    """Code units of UTF-16, as services in JavaScript do: an emoji is two."""
    BYTES = "bytes"
    """Bytes of UTF-8."""


_SIZES: dict[Unit, Callable[[str], int]] = {
    Unit.CHARACTERS: len,
    Unit.UTF16: lambda text: len(text.encode("utf-16-le", "surrogatepass")) // 2,
    Unit.BYTES: lambda text: len(text.encode("utf-8", "surrogatepass")),
}


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a message may be; None where there is no limit.

    What does not fit in its place (a field too many, a field's value that is too long, the end of
    the title, a link, an attachment) goes to the body, and ``overflow`` says what becomes of a long
    body.

    Attributes:
        title: The title's length.
        body: The body's length.
        fields: How many fields there may be.
        field_name: The length of a field's name.
        field_value: The length of a field's value.
        total: The length of title, body, fields and links together.
        unit: What is counted.
        measure: Counts instead of ``unit``, for a service that counts what a text becomes on the
            way, such as escaped Markdown or JSON: at least one for each character, never less for
            a text than for its start, never more for two lines than for each and the newline.
        links: How many links it shows as such, besides ``url``.
        link: Tells of words and a URL (of ``url`` without words) whether that can be a link.
        attachments: How many files it takes; 0 if it takes none.
        attachment_bytes: The size of all attachments together.
        overflow: What to do with a body that is too long; `Overflow.ATTACH` becomes a cut where no
            file can be attached.
    """

    title: int | None = None
    body: int | None = None
    fields: int | None = None
    field_name: int | None = None
    field_value: int | None = None
    total: int | None = None
    unit: Unit = Unit.CHARACTERS
    measure: Callable[[str], int] | None = None
    links: int | None = None
    link: Callable[[str, str], bool] | None = None
    attachments: int = 0
    attachment_bytes: int | None = None
    overflow: Overflow = Overflow.CUT

    def size(self, text: str) -> int:
        """Return how long a text is, as the service counts."""
        return (self.measure or _SIZES[self.unit])(text)

    def head(self, text: str, limit: int) -> str:
        """Return the longest start of a text that is not above a limit; whole characters only."""
        if limit <= 0:
            return ""
        if self.measure is not None:
            return _measured_head(text, self.measure, limit)
        if self.unit is Unit.CHARACTERS:
            return text[:limit]
        encoding, width = ("utf-8", 1) if self.unit is Unit.BYTES else ("utf-16-le", 2)
        return text.encode(encoding, "replace")[: limit * width].decode(encoding, "ignore")

    def cut(self, text: str, limit: int) -> str:
        """Return a text of one line, with a mark at its end where it had to be cut."""
        if self.size(text) <= limit:
            return text
        return (self.head(text, limit - self.size(_CUT)) + _CUT) if limit > 0 else ""


def _measured_head(text: str, measure: Callable[[str], int], limit: int) -> str:
    """Return the longest start that does not measure more than a limit."""
    low, high = 0, min(len(text), limit)
    while low < high:
        middle = (low + high + 1) // 2
        if measure(text[:middle]) <= limit:
            low = middle
        else:
            high = middle - 1
    return text[:low]


def fitted(notification: Notification, limits: Limits) -> list[Notification]:
    """Return the messages, mostly one, that say it all and that the service takes.

    Args:
        notification: Masked already.
        limits: Those of the service.
    """
    whole = _placed(notification, limits)
    room = _room(whole, limits)
    if room is None or limits.size(whole.body) <= room:
        return [whole]
    if limits.overflow is Overflow.SPLIT:
        return _split(whole, limits)
    return [_with_cut_body(whole, limits, room)]


def _placed(notification: Notification, limits: Limits) -> Notification:
    """Put everything but the body in its place, and what does not fit there in the body."""
    before: list[str] = []
    after: list[str] = []
    title = " ".join(notification.title.split())
    if limits.title is not None and limits.size(title) > limits.title:
        before.append(title)
        title = limits.cut(title, limits.title)
    url, links, used, unlinked = _linked(notification, limits)
    after += unlinked
    fields: dict[str, str] = {}
    for name, value in notification.fields.items():
        size = limits.size(name) + limits.size(value)
        if _takes_field(limits, len(fields), name, value, used + size):
            fields[name] = value
            used += size
        else:
            after.append(f"{name}: {value}")
    attachments, left_out = _attached(notification.attachments, limits)
    after += left_out
    if title == notification.title and not before and not after and not left_out:
        return notification
    body = "\n".join([*before, *filter(None, [notification.body]), *after])
    html = None if before or after else notification.html
    return replace(
        notification,
        title=title,
        body=body,
        fields=fields,
        url=url,
        links=links,
        html=html,
        attachments=attachments,
    )


def _linked(
    notification: Notification, limits: Limits
) -> tuple[str | None, dict[str, str], int, list[str]]:
    """Return the URL and the links that the service shows, their size, and lines on the others."""
    kept: list[tuple[str, str]] = []
    lines: list[str] = []
    used = 0
    wanted = [("", notification.url)] if notification.url else []
    wanted += [(words or url, url) for words, url in notification.links.items()]
    for words, url in wanted:
        size = limits.size(words) + limits.size(url)
        # Half of what is left for fields stays for the title and the body.
        small = limits.total is None or used + size <= limits.total // 4
        full = words and limits.links is not None and sum(bool(w) for w, _ in kept) >= limits.links
        if small and not full and (limits.link is None or limits.link(words, url)):
            kept.append((words, url))
            used += size
        else:
            lines.append(f"{words}: {url}" if words else url)
    shown = dict(kept)
    return shown.pop("", None), shown, used, lines


def _takes_field(limits: Limits, count: int, name: str, value: str, used: int) -> bool:
    return (
        (limits.fields is None or count < limits.fields)
        and (limits.field_name is None or limits.size(name) <= limits.field_name)
        and (limits.field_value is None or limits.size(value) <= limits.field_value)
        # Half of it stays for the title and the body.
        and (limits.total is None or used <= limits.total // 2)
    )


def _attached(
    attachments: tuple[Attachment, ...], limits: Limits
) -> tuple[tuple[Attachment, ...], list[str]]:
    """Return the attachments that the service takes, and a line on each of the others."""
    taken: list[Attachment] = []
    left_out: list[str] = []
    size = 0
    for each in attachments:
        size += len(each.content)
        fits = limits.attachment_bytes is None or size <= limits.attachment_bytes
        if len(taken) < limits.attachments and fits:
            taken.append(each)
        else:
            size -= len(each.content)
            left_out.append(f"Not attached: {each.name} ({len(each.content):,} bytes)")
    return tuple(taken), left_out


def _room(notification: Notification, limits: Limits) -> int | None:
    """Return how long the body may be."""
    if limits.total is None:
        return limits.body
    used = limits.size(notification.title)
    pairs = [*notification.fields.items(), *notification.links.items()]
    used += sum(limits.size(name) + limits.size(value) for name, value in pairs)
    used += limits.size(notification.url or "")
    left = max(0, limits.total - used)
    return left if limits.body is None else min(limits.body, left)


def _with_cut_body(whole: Notification, limits: Limits, room: int) -> Notification:
    text = whole.body
    size = len(text.encode("utf-8", "replace"))
    may_attach = len(whole.attachments) < limits.attachments and (
        limits.attachment_bytes is None
        or size + sum(len(each.content) for each in whole.attachments) <= limits.attachment_bytes
    )
    if limits.overflow is Overflow.ATTACH and may_attach:
        file = Attachment(WHOLE_TEXT, text.encode("utf-8", "replace"), "text/plain; charset=utf-8")
        note = f"{_CUT} the whole text is in {WHOLE_TEXT}"
        body = _head_of_lines(text, limits, room, note)
        return replace(whole, body=body, html=None, attachments=(*whole.attachments, file))
    # Reserve the room of the longest number, and say then what it is.
    head = _head_of_lines(text, limits, room, _left_out(len(text)), with_note=False)
    note = _left_out(len(text) - len(head))
    body = f"{head}\n{note}" if head else limits.cut(note, room)
    return replace(whole, body=body, html=None)


def _left_out(characters: int) -> str:
    return f"{_CUT} {characters:,} more characters"


def _head_of_lines(
    text: str, limits: Limits, room: int, note: str, *, with_note: bool = True
) -> str:
    """Return the start of a text that leaves room for a note on a line of its own."""
    head = limits.head(text, room - limits.size(note) - 1)
    line_end = head.rfind("\n")
    if line_end > len(head) // 2:
        head = head[:line_end]
    if not with_note:
        return head
    return f"{head}\n{note}" if head else limits.cut(note, room)


def _split(whole: Notification, limits: Limits) -> list[Notification]:
    """Return numbered messages; the first has the fields, the links and the attachments."""
    suffix = f" ({MAX_MESSAGES}/{MAX_MESSAGES})"
    if limits.title is not None:
        whole = replace(
            whole, title=limits.cut(whole.title, limits.title - limits.size(suffix)), html=None
        )
    plain = replace(
        whole, body="", fields={}, url=None, links={}, html=None, attachments=(), dedupe_key=None
    )
    messages: list[Notification] = []
    rest = whole.body
    while rest:
        shell = plain if messages else whole
        room = _room(replace(shell, title=shell.title + suffix), limits)
        assert room is not None  # noqa: S101  # without a limit nothing is split
        if len(messages) == MAX_MESSAGES - 1 and limits.size(rest) > room:
            messages.append(_with_cut_body(replace(shell, body=rest), limits, room))
            break
        piece, rest = _piece(rest, limits, max(room, 1))
        messages.append(replace(shell, body=piece))
    return [
        replace(message, title=f"{message.title} ({number}/{len(messages)})")
        for number, message in enumerate(messages, 1)
    ]


def _piece(text: str, limits: Limits, room: int) -> tuple[str, str]:
    """Take a piece from the start of a text: up to the end of a line, or a word, where one is."""
    if limits.size(text) <= room:
        return text, ""
    head = limits.head(text, room) or text[0]
    for mark in ("\n", " "):
        end = head.rfind(mark)
        if end > len(head) // 2:
            return head[:end], text[end + 1 :]
    return head, text[len(head) :]
