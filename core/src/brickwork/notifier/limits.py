"""What a service takes, and how a notification that is larger is made to fit.

Texts are masked before they come here: who cuts first may cut a secret in two, and not find it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from brickwork.errors import NotifierError
from brickwork.notifier.notification import Attachment, Notification

MAX_MESSAGES = 10
"""Into how many messages a notification is split, at the most; the rest is cut."""

WHOLE_TEXT = "message.txt"
"""The attachment that holds a body that was too long."""

_CUT = "…"

_LEAST_PIECE = 64  # with less room for each piece than this, a text is cut and not split
_NUMBER = f" ({MAX_MESSAGES}/{MAX_MESSAGES})"


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
        overflow: What to do with a body that is too long. It is cut where no file can be attached,
            and where there is too little room for numbers in titles, or for pieces.

    Raises:
        NotifierError: A limit is below 0, or leaves no room for a title.
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

    def __post_init__(self) -> None:
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if value is not None and value < least:
                raise NotifierError(
                    f"The limit {name} of a notifier is {value}.",
                    fix=f"Give {least} or more, or None where there is no limit.",
                )

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
        """Return a text, with a mark at its end where it had to be cut and a mark fits."""
        if self.size(text) <= limit:
            return text
        mark = self.size(_CUT)
        return self.head(text, limit - mark) + _CUT if mark <= limit else self.head(text, limit)


_LEAST = {
    "title": 1,
    "body": 0,
    "fields": 0,
    "field_name": 0,
    "field_value": 0,
    "total": 1,
    "links": 0,
    "attachments": 0,
    "attachment_bytes": 0,
}


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

    What no encoding can carry, halves of characters of UTF-16, is replaced, and a title is put on
    one line.

    Args:
        notification: Masked already.
        limits: Those of the service.
    """
    placed, before, after = _placed(_sound(notification), limits)
    room = _room(placed, limits)
    whole = _with_body(placed, [*before, placed.body, *after])
    if room is None or limits.size(whole.body) <= room:
        return [whole]
    if limits.overflow is Overflow.SPLIT:
        return _split(whole, limits) or [_with_cut_body(whole, limits, room)]
    # The end of a long body is what is left out: short facts go before it.
    if limits.size("\n".join(after)) <= room // 2:
        whole = _with_body(placed, [*before, *after, placed.body])
    return [_with_cut_body(whole, limits, room)]


def _sound(notification: Notification) -> Notification:
    one = notification
    return replace(
        one,
        title=" ".join(_encodable(one.title).split()),
        body=_encodable(one.body),
        fields={_encodable(name): _encodable(value) for name, value in one.fields.items()},
        url=one.url and _encodable(one.url),
        thread_key=one.thread_key and _encodable(one.thread_key),
        dedupe_key=one.dedupe_key and _encodable(one.dedupe_key),
        tags=frozenset(map(_encodable, one.tags)),
        links={_encodable(words): _encodable(url) for words, url in one.links.items()},
        html=one.html and _encodable(one.html),
    )


def _encodable(text: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def _with_body(notification: Notification, parts: list[str]) -> Notification:
    body = "\n".join(filter(None, parts))
    if body == notification.body:
        return notification
    return replace(notification, body=body, html=None)


def _title_limit(limits: Limits) -> int | None:
    """Return how long a title may be: of a total, a quarter."""
    if limits.total is None:
        return limits.title
    return min(limits.title or limits.total, max(1, limits.total // 4))


def _cut_title(title: str, limits: Limits, limit: int) -> str:
    return limits.cut(title, limit).rstrip() or "?"


def _placed(
    notification: Notification, limits: Limits
) -> tuple[Notification, list[str], list[str]]:
    """Put everything but the body in its place; return what goes before and after the body."""
    before: list[str] = []
    title = notification.title
    limit = _title_limit(limits)
    if limit is not None and limits.size(title) > limit:
        before.append(title)
        title = _cut_title(title, limits, limit)
    url, links, used, after = _linked(notification, limits)
    fields: dict[str, str] = {}
    for name, value in notification.fields.items():
        size = limits.size(name) + limits.size(value)
        if _takes_field(limits, len(fields), name, value, used + size):
            fields[name] = value
            used += size
        else:
            after.append(f"{name}: {value}")
    attachments, left_out = _attached(notification.attachments, limits)
    placed = replace(
        notification, title=title, fields=fields, url=url, links=links, attachments=attachments
    )
    return placed, before, [*after, *left_out]


def _linked(
    notification: Notification, limits: Limits
) -> tuple[str | None, dict[str, str], int, list[str]]:
    """Return the URL and the links that the service shows, their size, and lines on the others."""
    shown: dict[str, str] = {}
    lines: list[str] = []
    used = 0
    wanted = [("", notification.url)] if notification.url else []
    wanted += [(words or url, url) for words, url in notification.links.items()]
    for words, url in wanted:
        size = limits.size(words) + limits.size(url)
        # Half of what is left for fields stays for the title and the body.
        small = limits.total is None or used + size <= limits.total // 4
        count = sum(map(bool, shown))
        free = not words or limits.links is None or count < limits.links
        if small and free and words not in shown and (not limits.link or limits.link(words, url)):
            shown[words] = url
            used += size
        else:
            lines.append(f"{words}: {url}" if words else url)
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
    if limits.overflow is Overflow.ATTACH:
        file = Attachment(WHOLE_TEXT, text.encode("utf-8"), "text/plain; charset=utf-8")
        attached, left_out = _attached((*whole.attachments, file), limits)
        if not left_out:
            note = f"{_CUT} the whole text is in {WHOLE_TEXT}"
            head = _head_of_lines(text, limits, room, note)
            body = _noted(head, note, text, limits, room)
            return replace(whole, body=body, html=None, attachments=attached)
    # Reserve the room of the longest number, and say then what it is.
    head = _head_of_lines(text, limits, room, _left_out(len(text)))
    body = _noted(head, _left_out(len(text) - len(head)), text, limits, room)
    return replace(whole, body=body, html=None)


def _left_out(characters: int) -> str:
    return f"{_CUT} {characters:,} more characters"


def _head_of_lines(text: str, limits: Limits, room: int, note: str) -> str:
    """Return the start of a text that leaves room for a note on a line of its own."""
    head = limits.head(text, room - limits.size(f"\n{note}"))
    line_end = head.rfind("\n")
    return head[:line_end] if line_end > len(head) // 2 else head


def _noted(head: str, note: str, text: str, limits: Limits, room: int) -> str:
    if head:
        return f"{head}\n{note}"
    return note if limits.size(note) <= room else limits.cut(text, room)


def _split(whole: Notification, limits: Limits) -> list[Notification]:
    """Return numbered messages; the first has the fields, the links and the attachments.

    No message, where there is no room for numbers, or hardly any for pieces.
    """
    number = limits.size(_NUMBER)
    limit = _title_limit(limits)
    if limit is not None:
        if limit < 2 * number:
            return []
        if limits.size(whole.title) > limit - number:
            whole = replace(whole, title=_cut_title(whole.title, limits, limit - number))
    first = replace(whole, body="", html=None)
    other = replace(first, fields={}, url=None, links={}, attachments=(), dedupe_key=None)
    rooms = [
        _room(replace(each, title=each.title + _NUMBER), limits) or 0 for each in (first, other)
    ]
    if rooms[1] < _LEAST_PIECE:
        return []
    messages: list[Notification] = []
    rest = whole.body
    while rest:
        shell, room = (other, rooms[1]) if messages else (first, rooms[0])
        if len(messages) == MAX_MESSAGES - 1 and limits.size(rest) > room:
            messages.append(_with_cut_body(replace(shell, body=rest), limits, room))
            break
        piece, rest = _piece(rest, limits, room)
        messages.append(replace(shell, body=piece))
    return [
        replace(message, title=f"{message.title} ({number}/{len(messages)})")
        for number, message in enumerate(messages, 1)
    ]


def _piece(text: str, limits: Limits, room: int) -> tuple[str, str]:
    """Take a piece from the start of a text: up to the end of a line, or a word, where one is."""
    if limits.size(text) <= room:
        return text, ""
    head = limits.head(text, room)
    for mark in ("\n", " "):
        end = head.rfind(mark)
        if end > len(head) // 2:
            return head[:end], text[end + 1 :]
    return head, text[len(head) :]
