"""Files of a plugin from files that are nearly those.

They are written for a plugin ``acme`` that has everything. In them stand

- ``acme`` and ``Acme`` for the plugin's name and the beginning of its classes, also in paths;
- words in guillemets, such as those for title and author;
- ``#: if task notifier`` and ``#: end``, alone in their lines, around what only plugins with one of
  these parts have. A file that is nothing but such lines is not written for others.

A path's ``dot-`` stands for a dot, which tools would see in this package, too.
"""

import re
from collections.abc import Iterator, Mapping, Set as AbstractSet
from pathlib import Path

FILES = Path(__file__).parent / "files"
SUFFIX = ".template"

_MARK = re.compile(r"#: (?:if (?P<parts>[a-z]+(?: [a-z]+)*)|end)")
_WORD = re.compile(r"acme|Acme|«(?P<word>[a-z]+)»")


def rendered(
    name: str, prefix: str, parts: AbstractSet[str], words: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Yield the path and the text of each file.

    Args:
        name: The plugin's name.
        prefix: How its classes begin.
        parts: What it has.
        words: What stands for each word in guillemets.
    """
    known = {"acme": name, "Acme": prefix}

    def word(found: re.Match[str]) -> str:
        return words[found["word"]] if found["word"] else known[found[0]]

    for source in sorted(FILES.rglob(f"*{SUFFIX}")):
        template = source.read_text(encoding="utf-8")
        text = _WORD.sub(word, _kept(template, parts))
        if text or not template:
            path = source.relative_to(FILES).as_posix().removesuffix(SUFFIX)
            yield _WORD.sub(word, re.sub(r"(^|/)dot-", r"\1.", path)), text


def _kept(template: str, parts: AbstractSet[str]) -> str:
    """Return the lines that a plugin with these parts has."""
    lines: list[str] = []
    wanted = True
    for line in template.splitlines(keepends=True):
        mark = _MARK.fullmatch(line.rstrip("\n"))
        if mark is None:
            lines += [line] if wanted else []
        else:
            wanted = mark["parts"] is None or not parts.isdisjoint(mark["parts"].split())
    return "".join(lines)
