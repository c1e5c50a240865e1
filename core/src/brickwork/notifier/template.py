"""Templates: a notification in the words of who receives it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from brickwork.notifier.notification import Notification

MAX_SOURCE = 64 * 1024

_PARTS = ("title", "body", "html")
_MISSING = "Jinja2 is not installed: pip install 'brickwork[templates]'"


class Rendered(NamedTuple):
    """What a template made of a notification.

    Attributes:
        notification: With the parts that the template gives, masked; the one that it was given, if
            there is a problem.
        problem: What went wrong, in which part and on which line; never a value. Empty if nothing.
    """

    notification: Notification
    problem: str


class MessageTemplate(BaseModel):
    """Texts of a notification as Jinja2 templates; what is left out stays as it is.

    A template uses the parts of the notification by name: ``title``, ``body``, ``severity``,
    ``fields``, ``url``, ``links``, ``tags`` (sorted), ``thread_key`` and ``dedupe_key``; known
    secrets are hidden in them before, and in the result again. It runs in a sandbox that lets it
    show, choose, repeat and filter, and needs the extra ``brickwork[templates]``. Whatever goes
    wrong, the notification is sent with its own title and body.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    title: str | None = Field(
        default=None, max_length=MAX_SOURCE, description="Template of the title, made one line."
    )
    body: str | None = Field(
        default=None, max_length=MAX_SOURCE, description="Template of the body, plain text."
    )
    html: str | None = Field(
        default=None,
        max_length=MAX_SOURCE,
        description="Template of the body as HTML; values are escaped.",
    )

    @model_validator(mode="after")
    def _check_parts(self) -> Self:
        if not self._sources():
            raise ValueError("give a template of the title, the body or the HTML")
        return self

    def render(self, notification: Notification) -> Rendered:
        """Fill the templates in; if one fails, return the notification as it was, and say why."""
        try:
            from brickwork.notifier import template_sandbox
        except ImportError:
            return Rendered(notification, _MISSING)
        values = _values(notification.masked())
        made: dict[str, str | None] = {}
        for part, source in self._sources().items():
            try:
                made[part] = template_sandbox.rendered(source, values, html=part == "html")
            except Exception as error:  # noqa: BLE001  # templates and filters may raise anything
                return Rendered(notification, _told(part, error))
        if "title" in made:
            made["title"] = " ".join((made["title"] or "").split())
            if not made["title"]:
                return Rendered(notification, "title: it is empty")
        if "body" in made and "html" not in made:
            made["html"] = None  # it would say something else
        return Rendered(replace(notification, **made).masked(), "")  # type: ignore[arg-type]  # its parts

    def problems(self) -> tuple[str, ...]:
        """Return what is wrong with the templates that can be told without a notification.

        A syntax error, something that templates must not do, or that Jinja2 is not installed.
        """
        try:
            from brickwork.notifier import template_sandbox
        except ImportError:
            return (_MISSING,)
        found = []
        for part, source in self._sources().items():
            try:
                template_sandbox.compiled(source, part == "html")
            except Exception as error:  # noqa: BLE001  # as above
                found.append(_told(part, error))
        return tuple(found)

    def _sources(self) -> dict[str, str]:
        given = {part: getattr(self, part) for part in _PARTS}
        return {part: source for part, source in given.items() if source is not None}


def _values(notification: Notification) -> Mapping[str, object]:
    return {
        "title": notification.title,
        "body": notification.body,
        "severity": notification.severity.value,
        "fields": dict(notification.fields),
        "url": notification.url,
        "links": dict(notification.links),
        "tags": sorted(notification.tags),
        "thread_key": notification.thread_key,
        "dedupe_key": notification.dedupe_key,
    }


def _told(part: str, error: Exception) -> str:
    """Name the part, the line and the kind of an error; its text may quote values."""
    from jinja2.exceptions import SecurityError, TemplateSyntaxError, UndefinedError

    from brickwork.notifier.template_sandbox import TooMuch, line_of

    kinds: dict[type[Exception], str] = {
        UndefinedError: "uses what is not defined",
        SecurityError: "does what templates must not do",
        TooMuch: "is too large or takes too long",
        RecursionError: "is nested too deep",
        TemplateSyntaxError: "is no template",
        SyntaxError: "is no template",  # of the Python that Jinja2 makes of it
    }
    kind = next((text for kind, text in kinds.items() if isinstance(error, kind)), None)
    line = line_of(error)
    where = f"{part}, line {line}" if line else part
    return f"{where}: it {kind or 'ended with ' + type(error).__name__}"
