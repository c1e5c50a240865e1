"""What Apprise logs: kept for each message, and without what is private in a URL.

The logger of a service is replaced for each message, so that what Apprise says of it can be told
from what it says of others.
"""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from brickwork.masking import masker

_MAX_LINES = 50
_MAX_LINE = 1000

_hushed: ContextVar[bool] = ContextVar("brickwork_apprise_hushed", default=False)


@contextmanager
def hushed() -> Iterator[None]:
    """Keep what Apprise says in the ``with`` block out of the log, in this context only."""
    token = _hushed.set(True)
    try:
        yield
    finally:
        _hushed.reset(token)


def listen() -> None:
    """Have Apprise's logger obey `hushed`."""
    logger = logging.getLogger("apprise")
    if _passes not in logger.filters:
        logger.addFilter(_passes)


def _passes(_record: logging.LogRecord) -> bool:
    return not _hushed.get()


class Heard(logging.Logger):
    """Keeps what a service of Apprise logs, masked, and passes it on to who listens to Apprise."""

    def __init__(self, url: str) -> None:
        super().__init__("apprise", level=1)
        self._outer = logging.getLogger("apprise")
        self._url = url
        self._lines: list[tuple[int, str]] = []
        self.sent = False

    def handle(self, record: logging.LogRecord) -> None:
        """Keep a record, and pass it on."""
        text = " ".join(masker.mask(record.getMessage()).split())
        self.sent = self.sent or (record.levelno == logging.INFO and text.startswith("Sent "))
        if len(self._lines) < _MAX_LINES:
            self._lines.append((record.levelno, without_parts(text, self._url)[:_MAX_LINE]))
        if self._outer.isEnabledFor(record.levelno):
            record.msg, record.args = without_parts(text, self._url), None
            self._outer.handle(record)

    def text(self, level: int) -> str:
        """Return what was said at a level or above."""
        return " ".join(dict.fromkeys(text for each, text in self._lines if each >= level))


def without_parts(text: str, url: str) -> str:
    """Hide what a text quotes of a URL, which may be a secret as a whole and in parts."""
    from urllib.parse import unquote

    host = url.partition("://")[2].partition("/")[0].rpartition("@")[2].partition(":")[0]
    parts = re.split(r"[/?&=@:#,]+", url.partition("://")[2])
    # Shorter ones are no secrets, as for the masker. A host is needed to understand what is said.
    forms = {form for part in parts for form in (part, unquote(part)) if len(form) >= 6}
    for form in sorted(forms - {host}, key=len, reverse=True):
        text = text.replace(form, "***")
    return text


def mask_private(kind: Any, parsed: dict[str, Any]) -> None:
    """Have the masker know what a service declares as private, before anything is said of it."""
    declared = {**kind.template_tokens, **kind.template_args}
    names = {"password"}
    for name, about in declared.items():
        if about.get("private"):
            names |= {name, about.get("map_to") or name}
    masker.add(str(parsed.get("fullpath") or "").rstrip("/"))  # URLs are logged by what sends them
    for name in names:
        value = parsed.get(name)
        for each in value if isinstance(value, list | tuple | set) else [value]:
            if isinstance(each, str) and each:
                masker.add(each)


def mask_shown_as_private(plugin: Any) -> None:
    """Have the masker know what a service hides when it shows its URL."""

    def pprint(content: object, *_args: object, **_kwargs: object) -> str:
        if isinstance(content, str) and content:
            masker.add(content)
        return "****"

    plugin.pprint = pprint
    try:
        plugin.url(privacy=True)
    except Exception:  # noqa: BLE001, S110  # foreign code; what is declared private is known already
        pass
    finally:
        del plugin.pprint
