"""A notification as HTML, for the programs that read mail.

They know little of CSS and no stylesheets: tables, and styles on each element. Every text is
escaped; only http, https and mailto become links.
"""

import re
from html import escape

from brickwork.notifier import Notification, Severity

_COLOURS = {
    Severity.INFO: "#0b62c4",
    Severity.SUCCESS: "#1a7f37",
    Severity.WARNING: "#9a6700",
    Severity.ERROR: "#c62828",
    Severity.CRITICAL: "#7f1010",
}
_FONT = "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
_QUIET = "color:#57606a"

_WHOLE_PAGE = re.compile(r"\s*<(?:!doctype\b|html\b)", re.IGNORECASE)
_LINK = re.compile(r"(?:https?://|mailto:)[^\s\"'<>\\]+", re.IGNORECASE)


def page(notification: Notification) -> str:
    """Return the page; its own ``html``, where that is a whole page already.

    Args:
        notification: Masked, and without control characters other than newlines and tabs.
    """
    if notification.html and _WHOLE_PAGE.match(notification.html):
        return notification.html
    parts = [_heading(notification), _body(notification), _fields(notification)]
    parts += [_links(notification), _tags(notification)]
    inside = "\n".join(part for part in parts if part)
    colour = _COLOURS[notification.severity]
    return f"""<!DOCTYPE html>
<html>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{escape(notification.title)}</title>
</head>
<body style="margin:0;padding:16px;background:#f6f8fa;{_FONT};font-size:15px;color:#1f2328">
<table role="presentation" width="100%" cellspacing="0" cellpadding="0" style="max-width:640px">
<tr><td style="padding:20px 24px;background:#ffffff;border-top:4px solid {colour}">
{inside}
</td></tr>
</table>
</body>
</html>
"""


def _heading(notification: Notification) -> str:
    colour = _COLOURS[notification.severity]
    return (
        f'<div style="font-size:12px;font-weight:bold;color:{colour}">'
        f"{notification.severity.upper()}</div>\n"
        f'<h1 style="margin:4px 0 0;font-size:19px">{escape(notification.title)}</h1>'
    )


def _body(notification: Notification) -> str:
    content = notification.html or _lines(notification.body)
    return f'<div style="margin-top:14px;line-height:1.5">{content}</div>' if content else ""


def _lines(text: str) -> str:
    """Keep lines and blanks as they are; Outlook ignores ``white-space``."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").strip("\n").split("\n")
    return "<br>\n".join(_spaced(escape(line)) for line in lines)


def _spaced(line: str) -> str:
    return re.sub(r"^ | (?= )", "&nbsp;", line.replace("\t", "    "))


def _fields(notification: Notification) -> str:
    rows = [
        f'<tr><th align="left" valign="top" style="padding:3px 16px 3px 0;font-weight:normal;'
        f'{_QUIET}">{escape(name)}</th><td style="padding:3px 0">{_lines(value)}</td></tr>'
        for name, value in notification.fields.items()
    ]
    if not rows:
        return ""
    table = '<table cellspacing="0" cellpadding="0" style="margin-top:14px;font-size:14px">'
    return "\n".join([table, *rows, "</table>"])


def _links(notification: Notification) -> str:
    links = [_link(notification.url, notification.url)] if notification.url else []
    links += [_link(words, url) for words, url in notification.links.items()]
    return "\n".join(f'<div style="margin-top:10px">{link}</div>' for link in links)


def _link(words: str, url: str) -> str:
    if _LINK.fullmatch(url):
        return f'<a href="{escape(url)}" style="color:#0b62c4">{escape(words)}</a>'
    return escape(url if words == url else f"{words}: {url}")


def _tags(notification: Notification) -> str:
    if not notification.tags:
        return ""
    tags = escape(", ".join(sorted(notification.tags)))
    return f'<div style="margin-top:14px;font-size:12px;{_QUIET}">{tags}</div>'
