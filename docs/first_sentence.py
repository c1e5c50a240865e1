"""Gives each page of the site a description of its own: its title, and how it begins."""

import html
import re
from typing import Any

_PARAGRAPH = re.compile(r"<p>(.*?)</p>", re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
_MOST = 160


def on_page_content(content: str, *, page: Any, **_: Any) -> str:
    """Take the description from what was rendered, unless the page gives one."""
    found = _PARAGRAPH.search(content)
    if found and "description" not in page.meta:
        text = " ".join(html.unescape(_TAG.sub("", found[1])).split())
        page.meta["description"] = html.escape(_cut(f"{page.title}: {text.rstrip(':')}"))
    return content


def _cut(text: str) -> str:
    """Cut at the end of a sentence, or else of a word."""
    if len(text) <= _MOST:
        return text
    sentences, _, _ = text[:_MOST].rpartition(". ")
    return f"{sentences}." if sentences else f"{text[:_MOST].rpartition(' ')[0]} ..."
