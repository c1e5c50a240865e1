"""Puts the catalog into its page of the site: as a list, and as data for the page's scripts."""

import html
import json
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files
from mkdocs.utils import get_relative_url

from brickwork.catalog.files import content_of, read
from brickwork.catalog.model import CatalogFile

CATALOG = Path(__file__).parents[1] / "blocks-catalog"
PAGE = "catalog-page.md"
DATA = "scripts/catalog-data.js"
_MARKER = "<!-- the catalog -->"
_SCRIPTS = tuple(f"scripts/catalog-{part}.js" for part in ("parts", "written", "form", "page"))
_STYLE = "stylesheets/catalog.css"
_NOT_SHOWN = ("manifest", "usage")  # the form writes them


def on_files(files: Files, *, config: Any) -> Files:
    """Add the data to the files of the site."""
    files.append(File.generated(config, DATA, content=script_of(catalog(), levels())))
    return files


def on_page_content(content: str, *, page: Any, files: Files, **_: Any) -> str:
    """Put the list where the page has its marker, and load the scripts."""
    if page.file.src_uri != PAGE:
        return content
    here = {uri: get_relative_url(_file(files, uri).url, page.url) for uri in (*_SCRIPTS, DATA)}
    style = get_relative_url(_file(files, _STYLE).url, page.url)
    parts = [f'<link rel="stylesheet" href="{style}">', list_of(catalog())]
    parts += [f'<script defer src="{here[uri]}"></script>' for uri in (DATA, *_SCRIPTS)]
    before, marker, after = content.partition(_MARKER)
    if not marker:
        raise ValueError(f"{PAGE} has no {_MARKER}")
    return before + "\n".join(parts) + after


def catalog() -> list[CatalogFile]:
    """Return the files of the catalog, those of third parties too, each checked."""
    others = ("index.json", "catalog.schema.json", "levels.json")
    paths = [path for path in sorted(CATALOG.glob("*.json")) if path.name not in others]
    return [read(path) for path in [*paths, *sorted(CATALOG.glob("third-party/*.json"))]]


def levels() -> dict[str, str]:
    """Return the levels that were measured."""
    found: dict[str, str] = json.loads((CATALOG / "levels.json").read_text(encoding="utf-8"))
    return found


def script_of(files: list[CatalogFile], levels: dict[str, str]) -> str:
    """Return a script that holds the catalog; as a script it loads from a disk, too.

    The data are a text that is parsed, so that nothing in them is code.
    """
    found = []
    for file in files:
        content = content_of(file)
        content["distribution"]["level"] = levels.get(file.distribution.name)
        for thing in content["things"]:
            for key in _NOT_SHOWN:
                thing.pop(key, None)
        found.append(content)
    text = json.dumps(found, ensure_ascii=False, separators=(",", ":"))
    return f"window.brickworkCatalog = JSON.parse({json.dumps(text, ensure_ascii=False)});\n"


def list_of(files: list[CatalogFile]) -> str:
    """Return the catalog as a plain list, for whoever runs no scripts."""
    parts = ['<div id="catalog-list">']
    for file in files:
        own = file.distribution
        parts.append(f"<h2>{html.escape(own.name)}</h2>\n<p>{html.escape(own.summary)}</p>\n<ul>")
        for thing in file.things:
            name, text = html.escape(thing.name), html.escape(thing.summary)
            parts.append(f"<li><code>{name}</code> ({thing.kind}): {text}</li>")
        parts.append("</ul>")
    return "\n".join([*parts, "</div>"])


def _file(files: Files, uri: str) -> File:
    found = files.get_file_from_path(uri)
    if found is None:
        raise ValueError(f"the site has no {uri}")
    return found
