"""The site as it is built: links lead somewhere, nobody else is asked, a phone can show it."""

import fcntl
import functools
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from scripts.packages import git

from brickwork.testing.base import lacking

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
LOOKING = ROOT / "tests" / "looking.html"
ORIGIN = "http://site.invalid/"
# Attributes by which a browser fetches something without being asked.
_FETCHED = {
    "script": ("src",),
    "img": ("src", "srcset"),
    "iframe": ("src",),
    "source": ("src", "srcset"),
    "video": ("src", "poster"),
    "audio": ("src",),
    "embed": ("src",),
    "object": ("data",),
    "link": ("href",),
}
_CSS_URL = re.compile(r"""(?:url\(\s*["']?|@import\s+["'])([^"')\s]+)""")
_FENCED = re.compile(r"^```.*?^```$|<!--.*?-->|`[^`\n]*`", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_SETUP = re.compile(r"<!-- setup\n.*?-->\n", re.DOTALL)


class Page(HTMLParser):
    """What a page of HTML links to, fetches, and offers as targets."""

    def __init__(self, path: str, text: str) -> None:
        super().__init__()
        self.path = path
        self.links: list[str] = []
        self.fetches: list[str] = []
        self.ids: Counter[str] = Counter()
        self.tags: Counter[str] = Counter()
        self.description = ""
        self._style = False
        self.feed(text)

    @property
    def url(self) -> str:
        """Where the page is; that of errors is shown at any address."""
        return urljoin(ORIGIN, self.path.removesuffix("index.html"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a tag refers to."""
        given = {name: value or "" for name, value in attrs}
        self.tags[tag] += 1
        self._style = tag == "style"
        if "id" in given:
            self.ids[given["id"]] += 1
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag == "meta" and given.get("name") == "description":
            self.description = given["content"]
        for name in _FETCHED.get(tag, ()):
            if name in given:
                self.fetches += [part.split()[0] for part in given[name].split(",") if part.strip()]
        self.fetches += _CSS_URL.findall(given.get("style", ""))

    def handle_data(self, data: str) -> None:
        """Look into styles."""
        if self._style:
            self.fetches += _CSS_URL.findall(data)


class Site(NamedTuple):
    """The folder of the site, and its pages by their path."""

    folder: Path
    pages: dict[str, Page]

    def missing(self, page: Page, link: str) -> str | None:
        """Return what lacks, if a link of a page leads nowhere within the site."""
        url = urlsplit(urljoin(page.url, link))
        if f"{url.scheme}://{url.netloc}/" != ORIGIN:
            return None
        path = unquote(url.path).lstrip("/")
        path = f"{path}index.html" if not path or path.endswith("/") else path
        if not (self.folder / path).is_file():
            return f"{page.path} links to {link}: there is no {path}"
        if url.fragment and path in self.pages:
            ids = self.pages[path].ids
            if unquote(url.fragment) not in ids and url.fragment != "__tabbed":
                return f"{page.path} links to {link}: {path} has no such anchor"
        return None


def once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """Make a file or folder once for all processes of the tests; return where it is."""
    base = factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    made = shared / name
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            unfinished = shared / f"{name}-unfinished"
            make(unfinished)
            unfinished.rename(made)
    return made


def build(folder: Path) -> None:
    """Build the site; a warning is an error."""
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The built site."""
    folder = once(tmp_path_factory, "docs-site", build)
    paths = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.html"))
    return Site(folder, {path: Page(path, (folder / path).read_text()) for path in paths})


def of_docs(site: Site) -> list[Page]:
    """Return the pages that are made of a file in docs."""
    return [page for page in site.pages.values() if page.path != "404.html"]


def test_the_site_has_a_page_for_each_file(site: Site) -> None:
    """What is in docs is built, the docstrings with it, and nothing else is published."""
    expected = {
        str(path.relative_to(DOCS).with_suffix("")).removesuffix("index").rstrip("/")
        for path in DOCS.rglob("*.md")
    }
    assert {page.path.removesuffix("index.html").rstrip("/") for page in of_docs(site)} == expected
    assert "brickwork.block.Block" in site.pages["reference/blocks/index.html"].ids
    assert [path for path in site.folder.rglob("*") if path.name in {"__pycache__", ".git"}] == []
    assert list(site.folder.rglob("*.py")) == []


def test_every_link_within_the_site_leads_somewhere(site: Site) -> None:
    """Each link, image, script and style of each page leads to a file, and to an anchor in it."""
    broken = [
        missing
        for page in site.pages.values()
        for link in [*page.links, *page.fetches]
        if (missing := site.missing(page, link))
    ]
    assert broken == []
    assert sum(len(page.links) for page in site.pages.values()) > 1000


def test_a_broken_link_is_found(site: Site) -> None:
    """The test above can fail: for a file, for an anchor, and not for what is elsewhere."""
    page = site.pages["vault/index.html"]
    assert site.missing(page, "../nowhere/") is not None
    assert site.missing(page, "../keys/#no-such-heading") is not None
    assert site.missing(page, "../keys/#rotate") is None
    assert site.missing(page, "https://example.com/nowhere") is None


def test_nothing_is_fetched_from_another_host(site: Site) -> None:
    """Fonts, scripts, styles and images come with the site: nobody learns who reads it."""
    fetched = [(page.path, link) for page in site.pages.values() for link in page.fetches]
    for path in site.folder.rglob("*.css"):
        fetched += [(path.name, link) for link in _CSS_URL.findall(path.read_text())]
    elsewhere = [(path, link) for path, link in fetched if re.match(r"(?:\w+:)?//", link)]
    assert elsewhere == []


def test_every_page_says_what_it_is(site: Site) -> None:
    """Each page has one heading of the first level, and a description that no other page has."""
    assert {page.path: page.tags["h1"] for page in of_docs(site) if page.tags["h1"] != 1} == {}
    described = Counter(page.description for page in of_docs(site))
    assert [text for text, times in described.items() if times > 1 or len(text) < 20] == []


def test_no_page_has_an_anchor_twice(site: Site) -> None:
    """A link to a heading leads to one place."""
    twice = {
        page.path: [name for name, times in page.ids.items() if times > 1]
        for page in site.pages.values()
    }
    assert {path: names for path, names in twice.items() if names} == {}


def test_pages_without_examples_are_made_of_docstrings() -> None:
    """What test_docs_examples asks no example of has its text, and its examples, from the code."""
    for path in (DOCS / "reference").glob("*.md"):
        assert re.search(r"^::: [\w.]+$", path.read_text(), re.MULTILINE), path.name


def test_a_how_to_is_one_page_with_a_way_out() -> None:
    """Each of the ten has at most 80 lines to read, and says what to do when it goes wrong."""
    found = sorted((DOCS / "howto").glob("*.md"))
    assert len(found) >= 10
    for path in found:
        text = _SETUP.sub("", path.read_text())
        assert len(text.splitlines()) <= 80, path.name
        assert "\n## When it goes wrong\n" in text, path.name


def headings(text: str) -> set[str]:
    """Return the anchors that GitHub gives to the headings of a file."""
    found: set[str] = set()
    for line in re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE).splitlines():
        if heading := re.match(r"#+ (.+)", line):
            plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading[1]).lower().strip()
            anchor = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
            number = 0
            while (name := f"{anchor}-{number}" if number else anchor) in found:
                number += 1
            found.add(name)
    return found


def test_links_between_files_of_the_repository_lead_to_headings() -> None:
    """READMEs and changelogs are read without the site: their links have files and anchors, too."""
    files = [ROOT / line for line in git("ls-files", "*.md").splitlines()]
    files = [path for path in files if DOCS not in path.parents and path.is_file()]
    assert len(files) >= 20
    broken = []
    for path in files:
        for link in _LINK.findall(_FENCED.sub("", path.read_text())):
            url = urlsplit(link)
            if url.scheme:
                continue
            target = (path.parent / unquote(url.path)) if url.path else path
            there = target.suffix == ".md" and target.is_file()
            anchors = headings(target.read_text()) if there else {url.fragment}
            if not target.exists() or (url.fragment and url.fragment not in anchors):
                broken.append(f"{path.relative_to(ROOT)}: {link}")
    assert broken == []


# In a browser


class Looked(http.server.ThreadingHTTPServer):
    """Serves the site and the page that looks at it, and takes what that one saw."""

    daemon_threads = True

    def __init__(self, site: Site) -> None:
        handler = functools.partial(LookedHandler, directory=str(site.folder))
        super().__init__(("127.0.0.1", 0), handler)
        self.site = site
        self.seen: list[dict[str, Any]] = []
        self.done = threading.Event()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}/"


class LookedHandler(http.server.SimpleHTTPRequestHandler):
    """Answers one request."""

    server: Looked

    def do_GET(self) -> None:
        """Send a file of the site, or the page that looks at it."""
        if self.path == "/looking":
            paths = [urlsplit(page.url).path for page in of_docs(self.server.site)]
            text = LOOKING.read_text().replace("PATHS", json.dumps(paths))
            self._send("text/html; charset=utf-8", text.encode())
        elif self.path == "/search/search_index.json":
            # Each page reads it, and is busy for a second; nobody searches here.
            self._send("application/json", b'{"config": {"lang": ["en"]}, "docs": []}')
        else:
            super().do_GET()

    def _send(self, kind: str, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        """Take what was seen of a page; nothing at the end."""
        seen = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if seen is None:
            self.server.done.set()
        else:
            self.server.seen.append(seen)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep the output for the tests."""


def look(site: Site, profile: Path) -> list[dict[str, Any]]:
    """Look at each page in Chromium, in a frame of 390 px; return what was seen of each."""
    names = ("chromium", "chromium-browser", "google-chrome")
    chromium = next(filter(None, map(shutil.which, names)), None)
    if chromium is None:
        lacking("there is no Chromium here")
    with Looked(site) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
        browser = subprocess.Popen(
            [chromium, *options, f"--user-data-dir={profile}", f"{server.url}looking"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            assert server.done.wait(240), f"Chromium saw {len(server.seen)} pages in 240 s"
        finally:
            browser.terminate()
            browser.wait(30)
            server.shutdown()
        return server.seen


@pytest.fixture(scope="module")
def seen(site: Site, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What was seen of each page."""
    profile = tmp_path_factory.mktemp("chromium")

    def write(path: Path) -> None:
        path.write_text(json.dumps(look(site, profile)))

    path = once(tmp_path_factory, "docs-seen", write)
    found: list[dict[str, Any]] = json.loads(path.read_text())
    return found


def test_every_page_was_looked_at(site: Site, seen: list[dict[str, Any]]) -> None:
    """The tests below have something to say about every page."""
    assert [page for page in seen if "error" in page] == []
    assert len(seen) == len(of_docs(site))


def test_nothing_is_wider_than_a_phone(seen: list[dict[str, Any]]) -> None:
    """On 390 px no page scrolls sideways; what is wide, such as code, scrolls in its own frame."""
    wide = {page["path"]: page["wide"] or page["width"] for page in seen}
    assert {path: what for path, what in wide.items() if what != 390} == {}


def test_everything_can_be_read_in_light_and_in_dark(seen: list[dict[str, Any]]) -> None:
    """Text has the contrast that WCAG asks for: 4.5 to 1, 3 to 1 where it is large."""
    faint = {page["path"]: page["faint"] for page in seen if page["faint"]}
    assert faint == {}, json.dumps(faint, indent=1)


def test_the_browser_asked_nobody_else(seen: list[dict[str, Any]]) -> None:
    """Also scripts of the pages fetch from where the site is, and from nowhere else."""
    fetched = {urlsplit(url)[:2] for page in seen for url in page["fetched"]}
    assert len({url for page in seen for url in page["fetched"]}) > 5
    assert {host.partition(":")[0] for scheme, host in fetched if scheme != "data"} == {"127.0.0.1"}
