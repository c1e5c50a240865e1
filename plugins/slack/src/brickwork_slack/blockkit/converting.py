"""Markdown as Slack's markup, and as blocks.

Read by markdown-it-py (CommonMark with tables, ``~~strike~~`` and web addresses as of GitHub), not
by patterns. HTML is shown as it is. Nothing in the text alerts anybody: a link whose target is no
web address is text.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from brickwork_slack.blockkit import limits
from brickwork_slack.blockkit.building import code, divider, header, sections
from brickwork_slack.blockkit.cutting import cut, split
from brickwork_slack.blockkit.markup import NO_WIDTH, Mrkdwn, entities, escape, link, sound
from brickwork_slack.blockkit.shapes import Align, Block, RichText, Table
from brickwork_slack.blockkit.tables import aligned, table

if TYPE_CHECKING:
    from markdown_it.token import Token
    from markdown_it.tree import SyntaxTreeNode

MOST_MARKDOWN = 100_000
"""What is longer is cut before it is read."""

_MOST_NESTED = 40
_BULLETS = "\u2022\u25e6\u25aa"
_RULE = "\u2500" * 20
_INDENT = "    "
_MARKS = {"strong": "*", "em": "_", "s": "~"}
_TASK = re.compile(r"\[([ xX])\][ \u00a0]")
_ADDRESS = re.compile(r"https?://[^\s<>]+", re.IGNORECASE)
_AFTER = "?!.,:;*_~'\")"
_HEADERS = ("h1", "h2")


class _Code(str):
    """Lines of code, which stay together and take no indent."""

    __slots__ = ()


def from_markdown(text: str) -> Mrkdwn:
    """Return Markdown as Slack's markup.

    Headings become bold lines, tables and code text of one width, images links. Slack knows no
    marks within words; there a space of no width stands before them.

    Args:
        text: The Markdown; foreign text may be in it.

    Examples:
        >>> from_markdown("**Done**: [the report](https://example.com/r) <!channel>").text
        '*Done*: <https://example.com/r|the report> &lt;!channel&gt;'
    """
    return Mrkdwn("\n".join(_joined(_blocks(_tree(text).children, 0))))


def markdown(text: str) -> list[Block]:
    """Return Markdown as blocks: headers, sections, code, tables and lines.

    Args:
        text: As for `from_markdown`.
    """
    made: list[Block] = []
    running: list[SyntaxTreeNode] = []

    def flush() -> None:
        made.extend(sections(Mrkdwn("\n".join(_joined(_blocks(running, 0))))))
        running.clear()

    for node in _tree(text).children:
        alone = list(_alone(node))
        if alone:
            flush()
            made.extend(alone)
        else:
            running.append(node)
    flush()
    return made


def _alone(node: "SyntaxTreeNode") -> Iterator[Block]:
    """Return the blocks of a node that is none in running text."""
    if node.type == "heading" and node.tag in _HEADERS:
        title = _plain(node.children)
        if title:
            yield header(title)
    elif node.type in ("fence", "code_block"):
        yield from _code_blocks(node.content)
    elif node.type == "table":
        yield _table(node)
    elif node.type == "hr":
        yield divider()


def _code_blocks(text: str) -> Iterator[RichText]:
    for part in split(sound(text).strip("\n"), limits.MOST_SECTION * 2):
        yield code(part)


def _tree(text: str) -> "SyntaxTreeNode":
    from markdown_it import MarkdownIt
    from markdown_it.tree import SyntaxTreeNode

    text = cut(sound(text), MOST_MARKDOWN)
    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": _MOST_NESTED})
    tokens = parser.enable(["table", "strikethrough"]).parse(text)
    if any(_depth(token) > _MOST_NESTED for token in tokens):
        # 500 stars before and after a word: nobody means it, and the tree is built recursively.
        tokens = MarkdownIt("zero").parse(text)
    return SyntaxTreeNode(tokens)


def _depth(token: "Token") -> int:
    return max([token.level, *(each.level for each in token.children or ())])


def _joined(blocks: Iterable[list[str]]) -> Iterator[str]:
    """Return the lines of blocks, with an empty one between two."""
    first = True
    for lines in blocks:
        if not first:
            yield ""
        first = False
        yield from lines


def _blocks(nodes: Sequence["SyntaxTreeNode"], depth: int) -> Iterator[list[str]]:
    """Return the lines of each node that has any."""
    for node in nodes:
        lines = list(_lines(node, depth))
        if lines:
            yield lines


def _lines(node: "SyntaxTreeNode", depth: int) -> Iterator[str]:
    if node.type == "paragraph":
        yield from _inline(node.children).split("\n")
    elif node.type == "heading":
        title = escape(_plain(node.children))
        if title:
            yield f"*{title}*"
    elif node.type in ("bullet_list", "ordered_list"):
        yield from _items(node, depth)
    elif node.type == "blockquote":
        for line in _joined(_blocks(node.children, depth)):
            # Slack knows no quote within a quote.
            yield line if isinstance(line, _Code) or line.startswith("> ") else f"> {line}"
    elif node.type in ("fence", "code_block"):
        yield _fenced(node.content)
    elif node.type == "table":
        yield _fenced(aligned(_table(node)))
    elif node.type == "hr":
        yield _RULE


def _items(node: "SyntaxTreeNode", depth: int) -> Iterator[str]:
    number = int(node.attrs.get("start", 1))
    for at, item in enumerate(node.children):
        sign = f"{number + at}." if node.type == "ordered_list" else _BULLETS[min(depth, 2)]
        first = True
        for lines in _blocks(item.children, depth + 1):
            for line in lines:
                if isinstance(line, _Code):
                    if first:
                        yield sign
                    yield line
                else:
                    yield f"{sign} {_task(line)}" if first else f"{_INDENT}{line}"
                first = False
        if first:
            yield sign


def _task(line: str) -> str:
    found = _TASK.match(line)
    if found is None:
        return line
    return ("\u2610 " if found[1] == " " else "\u2611 ") + line[found.end() :]


def _fenced(text: str) -> _Code:
    text = entities(text.strip("\n")).replace("```", f"``{NO_WIDTH}`")
    return _Code(f"```\n{text}\n```" if text.strip() else "``` ```")


def _table(node: "SyntaxTreeNode") -> Table:
    rows = [each for part in node.children for each in part.children]
    texts = [[_plain(cell.children) for cell in row.children] for row in rows]
    align: list[Align] = []
    for cell in rows[0].children:
        style = str(cell.attrs.get("style", ""))
        align.append("right" if "right" in style else "center" if "center" in style else "left")
    return table(texts[1:], head=texts[0], align=align)


def _plain(nodes: Sequence["SyntaxTreeNode"]) -> str:
    """Return what a reader sees, on one line."""
    return " ".join(_seen(nodes).split())


def _seen(nodes: Sequence["SyntaxTreeNode"]) -> str:
    return "".join(
        " "
        if node.type in ("softbreak", "hardbreak")
        else _seen(node.children)
        if node.children
        else node.content
        for node in nodes
    )


def _inline(nodes: Sequence["SyntaxTreeNode"]) -> str:
    writer = _Writer()
    writer.write(nodes)
    return "".join(writer.parts).strip(" ")


class _Writer:
    """Writes running text, with marks where Slack sees them.

    Attributes:
        parts: What is written.
    """

    def __init__(self) -> None:
        self.parts: list[str] = []
        self._marks: list[str] = []
        self._after_mark = False

    def write(self, nodes: Sequence["SyntaxTreeNode"]) -> None:
        for node in nodes:
            kind = node.type
            if kind in _MARKS:
                self._marked(_MARKS[kind], node.children)
            elif kind == "code_inline":
                self._code(node.content)
            elif kind in ("softbreak", "hardbreak"):
                self._break()
            elif kind in ("link", "image"):
                key = "href" if kind == "link" else "src"
                self._link(str(node.attrs.get(key, "")), _plain(node.children) or node.content)
            elif kind == "inline":
                self.write(node.children)
            else:
                self._text(node.content)

    def _text(self, text: str) -> None:
        at = 0
        for found in _ADDRESS.finditer(text):
            address = found[0].rstrip(_AFTER)
            self._put(escape(text[at : found.start()]))
            self._put(link(address).text)
            at = found.start() + len(address)
        self._put(escape(text[at:]))

    def _link(self, url: str, text: str) -> None:
        self._put(link(url, text).text if url else escape(text))

    def _marked(self, sign: str, nodes: Sequence["SyntaxTreeNode"]) -> None:
        if sign in self._marks:
            self.write(nodes)
            return
        self._open(sign)
        self._marks.append(sign)
        self.write(nodes)
        self._marks.pop()
        self._close(sign)

    def _code(self, text: str) -> None:
        text = entities(text).replace("\n", " ").replace("`", "\u02cb")
        if text.strip():
            self._open("`")
            self.parts.append(text)
            self._close("`")

    def _break(self) -> None:
        """End the line; marks do not go beyond it."""
        for sign in reversed(self._marks):
            self._close(sign)
        self.parts.append("\n")
        self._after_mark = False
        for sign in self._marks:
            self._open(sign)

    def _open(self, sign: str) -> None:
        last = self.parts[-1][-1:] if self.parts else ""
        if last.isalnum():
            self.parts.append(NO_WIDTH)
        self._after_mark = False
        self.parts.append(sign)

    def _close(self, sign: str) -> None:
        self.parts.append(sign)
        self._after_mark = True

    def _put(self, text: str) -> None:
        if not text:
            return
        if self._after_mark and text[0].isalnum():
            self.parts.append(NO_WIDTH)
        self._after_mark = False
        self.parts.append(text)
