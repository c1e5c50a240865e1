"""Logos: plain drawings, which can be shown on a page of somebody else's."""

import re
from xml.etree import ElementTree

MOST_BYTES = 16_384
ELEMENTS = frozenset(
    {
        *("svg", "g", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon"),
        *("title", "desc", "text", "tspan"),
    }
)
"""What a drawing may be made of: nothing that runs, links or is fetched."""

_SVG = "{http://www.w3.org/2000/svg}"
_ATTRIBUTES = frozenset(
    {
        *("viewBox", "width", "height", "role", "aria-label", "id", "fill", "stroke", "opacity"),
        *("fill-rule", "clip-rule", "fill-opacity", "stroke-opacity", "stroke-width"),
        *("stroke-linecap", "stroke-linejoin", "stroke-dasharray", "transform"),
        *(
            "font-family",
            "font-size",
            "font-weight",
            "text-anchor",
            "dominant-baseline",
            "dx",
            "dy",
        ),
        *("d", "x", "y", "x1", "y1", "x2", "y2", "cx", "cy", "r", "rx", "ry", "points"),
    }
)
_ELSEWHERE = re.compile(r"url\(|[a-z]+:", re.IGNORECASE)


def problem_of(text: str) -> str:
    """Say why a text is no logo that can be shown; nothing if it is one."""
    if len(text.encode("utf-8", "replace")) > MOST_BYTES:
        return f"it is larger than {MOST_BYTES} bytes"
    if "<!" in text or "<?" in text:
        return "it holds a declaration, a comment or an instruction; only elements are allowed"
    try:
        root = ElementTree.fromstring(text)  # noqa: S314  # without declarations nothing expands
    except (ElementTree.ParseError, ValueError):
        return "it is no XML"
    if root.tag != f"{_SVG}svg" or "viewBox" not in root.attrib:
        return 'it is no <svg xmlns="http://www.w3.org/2000/svg" viewBox="...">'
    for element in root.iter():
        tag = str(element.tag).removeprefix(_SVG)
        if tag not in ELEMENTS:
            return f"it holds <{tag[:40]}>; allowed are {', '.join(sorted(ELEMENTS))}"
        for name, value in element.attrib.items():
            if name not in _ATTRIBUTES or _ELSEWHERE.search(value):
                return f"<{tag}> has the attribute {name[:40]!r}, or what it says, not allowed"
    return ""
