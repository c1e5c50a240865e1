"""Foreign text in GitHub's Markdown: shown as it is, and without any effect.

GitHub's Markdown is https://github.github.com/gfm/. What GitHub makes of the text after that
(mentions, which send people messages, and references to issues, which show up there) knows no
backslash, so a space of no width stands in the midst of it.
"""

import re

_UNFIT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_NO_WIDTH = "\u200b"
_NBSP = "\u00a0"
_HOST = r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+(?::[0-9]{1,5})?"
_LINK = re.compile(rf"https?://{_HOST}(?:[/?#][A-Za-z0-9/._~%?&=+:,;#!'-]*)?")
_TARGET = re.compile(r"https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:[/?#][!#-;=?-\[\]_a-z~]*)?")
_EFFECTIVE = re.compile(
    rf"(?P<url>{_LINK.pattern})"
    r"|(?P<mention>@)"
    r"|(?P<number>#)(?=[0-9])"
    r"|(?P<gh>\b[Gg][Hh]-)(?=[0-9])"
    r"|(?P<item>^[ \t]*[0-9]+)(?P<dot>[.)])"
    r"|(?P<indent>^[ \t]+)"
    r"|(?P<rule>^[-+=])"
    r"|(?P<entity>[<&])"
    r"|(?P<sign>[\\*_`~|\[\]>#$])",
    re.MULTILINE,
)
_ENTITIES = {"<": "&lt;", "&": "&amp;"}


def sound(text: str) -> str:
    """Return a text with newlines of one kind, and a mark for what is no character of a text."""
    return _UNFIT.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))


def escaped(text: str) -> str:
    """Return Markdown that GitHub shows as the text is; web addresses are still links."""
    return _EFFECTIVE.sub(_escape, sound(text))


def on_one_line(text: str) -> str:
    """Return a text for a place with one line, such as a title; without an effect, but plain."""
    return " ".join(sound(text).split())


def fenced(text: str, limit: int) -> str:
    """Return Markdown that shows a text as code, cut to so many characters.

    Nothing has an effect there.
    """
    text = sound(text)
    text = text if len(text) <= limit else text[: limit - 1] + "\u2026"
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text}\n{fence}"


def is_link(url: str) -> bool:
    """Tell whether a web address can be that of a link, within ``<>``."""
    return _TARGET.fullmatch(url) is not None


def _escape(found: re.Match[str]) -> str:
    text = found[0]
    if found["url"]:
        return text
    if found["mention"] or found["number"] or found["gh"]:
        return text + _NO_WIDTH
    if found["item"]:
        return f"{_shown(found['item'])}\\{found['dot']}"
    if found["indent"]:
        return _shown(text)
    if found["entity"]:
        return _ENTITIES[text]
    return f"\\{text}"


def _shown(text: str) -> str:
    """Return what begins a line with an indent that is shown, and makes no code of it."""
    return text.expandtabs(4).replace(" ", _NBSP)
