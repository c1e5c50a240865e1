"""A message to people, as data."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from brickwork.errors import NotifierError
from brickwork.masking import masker


class Severity(StrEnum):
    """How much a notification matters, in rising order."""

    INFO = "info"
    SUCCESS = "success"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"

    @classmethod
    def parse(cls, text: str) -> "Severity":
        """Return the severity of that name. Raises NotifierError."""
        try:
            return cls(text)
        except ValueError:
            raise NotifierError(
                "The severity of a notification is unknown.",
                fix=f"Use one of: {', '.join(cls)}.",
            ) from None

    @property
    def rank(self) -> int:
        """The place in the order: 0 for info, 4 for critical."""
        return _RANKS[self]

    def reaches(self, floor: "Severity") -> bool:
        """Tell whether it matters at least as much as another one."""
        return self.rank >= floor.rank


_RANKS = {severity: rank for rank, severity in enumerate(Severity)}


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a notification, where the service takes files.

    Attributes:
        name: The file's name, without folders.
        content: What is in it. Known secrets are hidden in what is text in UTF-8; in anything else
            they cannot be found.
        media_type: For example ``text/plain; charset=utf-8``.

    Raises:
        NotifierError: The name is empty, or more than a name.
    """

    name: str
    content: bytes = field(repr=False)
    media_type: str = "application/octet-stream"

    def __post_init__(self) -> None:
        if not self.name.strip() or not self.name.isprintable() or "/" in self.name:
            raise NotifierError(
                "The name of an attachment is empty, or has a slash or control characters.",
                fix="Give the name of a file alone, such as report.csv.",
            )

    def masked(self) -> "Attachment":
        """Return the same with known secrets hidden in its name and, where it is text, in it."""
        content = self.content
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError:
            pass
        else:
            content = masker.mask(text).encode("utf-8")
        return replace(self, name=masker.mask(self.name), content=content)


@dataclass(frozen=True, slots=True)
class Notification:
    """A message, as data; each notifier gives it the form of its service.

    Attributes:
        title: One line; must not be empty.
        body: More text; plain, lines separated by newlines.
        severity: How much it matters; its name as a text is taken, too.
        fields: Short facts by name, shown as a table where the service has one. Values are turned
            into text.
        url: Where to read more.
        thread_key: Notifications with the same key belong together: one thread, one e-mail
            conversation, where the service has such a thing.
        dedupe_key: Notifications with the same key are about the same incident; a service that
            knows incidents joins them, and a route counts what it has said already.
        tags: What it is about, for routes: one word each.
        links: More places to go to, by the words to show; buttons where the service has such.
        html: The body once more as HTML, for notifiers that show it; the others ignore it.
        attachments: Files that go with it.

    Raises:
        NotifierError: There is no title, or an unknown severity.
    """

    title: str
    body: str = ""
    severity: Severity = Severity.INFO
    fields: Mapping[str, str] = field(default_factory=dict)
    url: str | None = None
    thread_key: str | None = None
    dedupe_key: str | None = None
    tags: frozenset[str] = frozenset()
    links: Mapping[str, str] = field(default_factory=dict)
    html: str | None = None
    attachments: tuple[Attachment, ...] = ()

    def __post_init__(self) -> None:
        title: object = self.title
        if not isinstance(title, str) or not title.strip():
            raise NotifierError(
                "A notification needs a title.", fix="Give title= a text of one line."
            )
        object.__setattr__(self, "severity", Severity.parse(self.severity))
        object.__setattr__(self, "fields", _texts(self.fields))
        object.__setattr__(self, "links", _texts(self.links))
        object.__setattr__(self, "tags", _tags(self.tags))
        object.__setattr__(self, "attachments", tuple(self.attachments))

    def masked(self) -> "Notification":
        """Return the same with every known secret hidden."""
        mask = masker.mask
        return Notification(
            title=mask(self.title),
            body=mask(self.body),
            severity=self.severity,
            fields={mask(name): mask(value) for name, value in self.fields.items()},
            url=self.url and mask(self.url),
            thread_key=self.thread_key and mask(self.thread_key),
            dedupe_key=self.dedupe_key and mask(self.dedupe_key),
            tags=frozenset(map(mask, self.tags)),
            links={mask(words): mask(url) for words, url in self.links.items()},
            html=self.html and _masked_html(self.html),
            attachments=tuple(each.masked() for each in self.attachments),
        )


def _texts(mapping: Mapping[str, str]) -> dict[str, str]:
    return {str(name): str(value) for name, value in mapping.items()}


def _tags(tags: Iterable[str]) -> frozenset[str]:
    # A text alone would become the set of its letters.
    return frozenset({tags} if isinstance(tags, str) else map(str, tags))


def _masked_html(text: str) -> str | None:
    """Hide secrets in HTML; None, which leaves the plain body, where they are written as entities.

    What stands for a secret with ``&amp;`` in it cannot be cut out of a text without reading HTML.
    """
    from html import unescape

    masked = masker.mask(text)
    read = unescape(masked)
    return masked if masker.mask(read) == read else None
