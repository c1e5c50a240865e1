"""Slack's markup, called mrkdwn: what is meant as such, and foreign text that must not become it.

See https://docs.slack.dev/messaging/formatting-message-text. Whoever can bring ``<!channel>`` into
it alerts everybody. So a ``str`` is never markup here: what is, is a `Mrkdwn`.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from string import Formatter
from typing import Any, TypeAlias

from brickwork_slack.errors import SlackInvalid

NO_WIDTH = "\u200b"

_UNFIT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
# A mark is one only where something begins; a quote only where a line does.
_EFFECTIVE = re.compile(r"^(?P<quote>>)|(?P<entity>[&<>])|`|(?<![^\W_])[*_~](?!\s)", re.MULTILINE)
_LINK = re.compile(r"(?:https?://|mailto:)[^\s<>|\x00-\x20]+", re.IGNORECASE)
_IN_LINK = {"<": "%3C", ">": "%3E", "|": "%7C", " ": "%20", "\t": "%20", "\n": "%20"}
_WHOM = re.compile(
    r"(?P<at>[UW][A-Z0-9]{1,30})|(?P<room>[CGD][A-Z0-9]{1,30})|(?P<group>S[A-Z0-9]{1,30})"
)
_ALL = frozenset({"here", "channel", "everyone"})
_DATE = "{date_short_pretty} {time}"


@dataclass(frozen=True, slots=True)
class Mrkdwn:
    """A text in Slack's markup, which is sent as it is.

    Attributes:
        text: The markup.
    """

    text: str

    def __str__(self) -> str:
        return self.text


Text: TypeAlias = str | Mrkdwn
"""A text that is shown as it is, or markup."""


def sound(text: str) -> str:
    """Return a text with newlines of one kind, and a mark for what is no character of a text."""
    return _UNFIT.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))


def escape(text: str) -> str:
    """Return markup that shows a text as it is: nothing in it has an effect, or alerts anybody.

    Slack has no escape for ``*``, ``_``, ``~`` and backticks. After those that could begin
    something stands a space of no width. Codes of emoji stay what they are.
    """
    return _EFFECTIVE.sub(_escape, sound(text))


def entities(text: str) -> str:
    """Return a text with ``&``, ``<`` and ``>`` escaped, as within code and links."""
    return sound(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def mrkdwn(template: str, *values: object, **named: object) -> Mrkdwn:
    """Return markup with values put in as by ``str.format``, escaped, but for `Mrkdwn`.

    Args:
        template: The markup. Foreign text does not belong here but into a value.
        values: For ``{}`` and ``{0}``.
        named: For ``{name}``.

    Examples:
        >>> mrkdwn("*{}* failed, says {who}", "a<b>", who=mention("U024BE7LH")).text
        '*a&lt;b&gt;* failed, says <@U024BE7LH>'
    """
    return Mrkdwn(_Escaping().vformat(template, values, named))


def markup_of(text: Text) -> str:
    """Return the markup that shows a text."""
    return sound(text.text) if isinstance(text, Mrkdwn) else escape(text)


def link(url: str, text: str = "") -> Mrkdwn:
    """Return a link.

    Args:
        url: A web address, or one of mail; what is neither is shown as text.
        text: What is shown instead of it.
    """
    url, text = sound(url), " ".join(entities(text).split())
    target = "".join(_IN_LINK.get(letter, letter) for letter in url.strip()).replace("&", "&amp;")
    if _LINK.fullmatch(target) is None:
        return Mrkdwn(f"{text} ({escape(url)})" if text and url.strip() else text or escape(url))
    return Mrkdwn(f"<{target}|{text}>" if text and text != entities(url) else f"<{target}>")


def is_link(url: str) -> bool:
    """Tell whether `link` and a button can have it: http, https or mailto, in one piece."""
    return len(url) <= 3000 and _LINK.fullmatch(url) is not None


def mention(whom: str) -> Mrkdwn:
    """Return a mention, which alerts.

    Args:
        whom: The id of a user, a user group or a channel; ``here``, ``channel`` or ``everyone``.

    Raises:
        SlackInvalid: It is none of these.
    """
    if whom in _ALL:
        return Mrkdwn(f"<!{whom}>")
    found = _WHOM.fullmatch(whom)
    if found is None:
        raise SlackInvalid(
            "This is no id that can be mentioned.",
            fix="Give the id of a user, a user group or a channel, as U024BE7LH; or here, channel"
            " or everyone.",
        )
    sign = "@" if found["at"] else "#" if found["room"] else "!subteam^"
    return Mrkdwn(f"<{sign}{whom}>")


def date(moment: datetime, shown: str = _DATE) -> Mrkdwn:
    """Return a time that each reader sees in their own time zone.

    Args:
        moment: With a time zone.
        shown: Slack's tokens: https://docs.slack.dev/messaging/formatting-message-text#date-formatting.

    Raises:
        SlackInvalid: The time has no time zone.
    """
    if moment.tzinfo is None:
        raise SlackInvalid("The time has no time zone.", fix="Give one: datetime.now(UTC).")
    shown = entities(shown).replace("^", " ").replace("|", " ")
    return Mrkdwn(f"<!date^{int(moment.timestamp())}^{shown}|{moment:%Y-%m-%d %H:%M %Z}>")


class _Escaping(Formatter):
    """``str.format`` whose values cannot become markup."""

    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, Mrkdwn):
            return value.text
        return escape(format(value, format_spec))


def _escape(found: re.Match[str]) -> str:
    if found["quote"]:
        return NO_WIDTH + _ENTITIES[">"]
    if found["entity"]:
        return _ENTITIES[found["entity"]]
    return found[0] + NO_WIDTH
