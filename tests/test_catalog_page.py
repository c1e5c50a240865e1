"""The catalog's page, as a person uses it in a browser: search, filters, details, forms."""

import ast
import json
import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import yaml
from hypothesis import HealthCheck, given, settings, strategies as st

from brickwork.testing.base import lacking
from brickwork.vault.references import escape

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, Route

ROOT = Path(__file__).resolve().parents[1]
ODD = 'yes: "no" # ${HOME} \\ \u2028 grüß'
HOSTILE = '</script><img src=x onerror="window.ran=1"><script>window.ran=1</script>'

# The page and what it links to: without the reference, which takes long to build.
_BUILD = """
import sys
from mkdocs.commands.build import build
from mkdocs.config import load_config

kept = ("index.md", "catalog-page.md", "catalog.md")
build(load_config(
    "mkdocs.yml",
    site_dir=sys.argv[1],
    strict=False,
    plugins=["search"],
    validation={"links": {"not_found": "ignore"}, "nav": {"omitted_files": "ignore"}},
    nav=list(kept),
    exclude_docs="\\n".join(["*.py", "__pycache__/", "*.md", *("!/" + each for each in kept)]),
))
"""

# Tries what the page wrote, each in a vault of its own, and prints what is in it.
_TRY = """
import json, os, subprocess, sys
from pathlib import Path
from pydantic import BaseModel
from brickwork import Block, Secret, Vault

given = json.load(sys.stdin)

def plain(value):
    if isinstance(value, Secret):
        return {"secret": value.reveal()}
    if isinstance(value, BaseModel):
        if isinstance(value, Block) and value.address and value.address.slug != given["slug"]:
            return str(value.address._replace(version=None))
        return {name: plain(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    return getattr(value, "value", value)

answers = {}
for way in ("yaml", "program", "command"):
    os.environ["BRICKWORK_HOME"] = f"{way}-home"
    from brickwork import use_vault
    vault = Vault.open()
    with use_vault(vault):
        exec(given["before"])
        if way == "yaml":
            Path("blocks.yaml").write_text(given["yaml"], encoding="utf-8")
            vault.plan("blocks.yaml").apply()
        elif way == "program":
            exec(given["program"], {})
        else:
            command = given["command"].rstrip("\\n") + " --no-check"
            done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
            assert done.returncode == 0, done.stdout + done.stderr + command
        address = f"{given['slug']}/{given['name']}"
        fields = vault.document(address).fields
        answers[way] = {"block": plain(Block.load(address)), "fields": fields}
    vault.close()
json.dump(answers, sys.stdout, default=lambda each: "...")
"""


class Quiet(SimpleHTTPRequestHandler):
    """Serves files, and keeps the output for the tests."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Site(NamedTuple):
    """The page: its folder, its address, and a browser."""

    folder: Path
    url: str
    browser: "Browser"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Build the page, serve it on loopback, and start a browser."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        lacking("playwright is not installed: pip install playwright")
    names = ("chromium", "chromium-browser", "google-chrome")
    chromium = next(filter(None, map(shutil.which, names)), None)
    if chromium is None:
        lacking("there is no Chromium here")
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-c", _BUILD, str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/catalog-page/"
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
            )
            yield Site(folder, url, browser)
            browser.close()
        server.shutdown()


class Opened(NamedTuple):
    """A page of its own, and what it complained about and asked for."""

    page: "Page"
    context: "BrowserContext"
    troubles: list[str]
    asked: list[str]


@pytest.fixture
def opened(site: Site) -> Iterator[Opened]:
    """Open the catalog; after the test, there is no error, and nobody else was asked."""
    context = site.browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    troubles: list[str] = []
    asked: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on(
        "console",
        lambda said: troubles.append(said.text) if said.type in ("error", "warning") else None,
    )
    page.on("request", lambda request: asked.append(request.url))
    page.goto(site.url)
    yield Opened(page, context, troubles, asked)
    context.close()
    assert troubles == []
    own = (site.url.removesuffix("catalog-page/"), "data:", "blob:")
    assert [url for url in asked if not url.startswith(own)] == []


@pytest.fixture
def page(opened: Opened) -> "Page":
    """Return the opened page."""
    return opened.page


def names(page: "Page") -> list[str]:
    """Return what is listed."""
    return page.locator("#catalog-results a").all_inner_texts()


def show(page: "Page", key: str) -> None:
    """Open the details of a thing, such as ``block:secret``."""
    page.evaluate("hash => { location.hash = hash }", f"show={key}")
    page.get_by_role("heading", name=key.split(":")[1], exact=True).wait_for()


# Search and filters


def test_search_finds_what_the_command_finds(page: "Page") -> None:
    """The results, and their order, are those of `brickwork catalog search`."""
    from brickwork.catalog.shipped import Catalog
    from brickwork.config import Config
    from brickwork.registry import Registry

    catalog = Catalog(Registry(config=Config("", "", plugins_allow=frozenset({"none"}))))
    for words in ("s3 upload", "password", "slack webhook", "AWS-credentials"):
        expected = [found.thing["name"] for found in catalog.search(words.split())]
        page.fill("#catalog-query", words)
        if page.get_by_role("button", name="Show all").is_visible():
            page.get_by_role("button", name="Show all").click()
        assert names(page) == expected
        assert page.inner_text("#catalog-count").startswith(f"{len(expected)} result")


def test_filters_leave_out_all_else(page: "Page") -> None:
    """Kind, package and level narrow the results, each and together."""
    page.select_option("#catalog-kind", "block")
    page.select_option("#catalog-dist", "brickwork-aws")
    assert "aws-credentials" in names(page)
    assert all(name.startswith("aws-") for name in names(page))
    page.select_option("#catalog-dist", "")
    page.select_option("#catalog-level", "platinum")
    levels = json.loads((ROOT / "blocks-catalog" / "levels.json").read_text())
    shown = page.locator("#catalog-results .catalog-kind").all_inner_texts()
    assert {levels[text.split(" · ")[1]] for text in shown} == {"platinum"}


def test_the_address_keeps_what_is_looked_at(site: Site, page: "Page") -> None:
    """Who is sent the address sees the same; the way back leads to the results."""
    page.fill("#catalog-query", "token")
    page.select_option("#catalog-kind", "block")
    page.get_by_role("link", name="github-credentials").click()
    page.get_by_role("heading", name="github-credentials").wait_for()
    other = page.context.new_page()
    other.goto(page.url)
    assert other.get_by_role("heading", name="github-credentials").is_visible()
    other.close()
    page.go_back()
    assert page.input_value("#catalog-query") == "token"
    assert page.input_value("#catalog-kind") == "block"
    assert "github-credentials" in names(page)


def test_nothing_found_gets_a_hint(page: "Page") -> None:
    """Where nothing is found, the page says what to do; filters are named where they are why."""
    page.fill("#catalog-query", "no-such-thing-anywhere")
    assert "fewer" in page.inner_text("#catalog-count")
    page.fill("#catalog-query", "basic-auth")
    page.select_option("#catalog-kind", "task")
    assert "without them" in page.inner_text("#catalog-count")
    page.goto(f"{page.url.partition('#')[0]}#show=block:nobody")
    assert page.get_by_role("heading", name="Nothing of that name").is_visible()


def test_it_can_be_used_with_the_keyboard_alone(page: "Page") -> None:
    """Tab leads to a result, Enter opens it and moves the focus there; each input has a label."""
    page.fill("#catalog-query", "basic-auth")
    for _ in range(4):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_function("document.activeElement.id === 'catalog-title'")
    unnamed = page.evaluate(
        """() => [...document.querySelectorAll("#catalog :is(input, select, textarea)")]
            .filter((each) => !each.labels.length && !each.ariaLabel).map((each) => each.id)"""
    )
    assert unnamed == []
    page.get_by_role("link", name="Back to the results").click()
    page.wait_for_function("document.activeElement.textContent === 'basic-auth'")
    assert page.get_attribute("#catalog-count", "aria-live") == "polite"


def test_details_say_all_that_one_needs(page: "Page") -> None:
    """What to install, import, allow and give, of things of any kind."""
    for key, expected in {
        "task:aws.s3_upload_file": ["pip install brickwork-aws", "s3:PutObject", "bucket"],
        "resolver:vault": ["pip install brickwork-hashicorp", "VaultResolver"],
        "command:block": ["pip install brickwork", "create"],
        "block:apprise": ["pip install 'brickwork[apprise]'", "AppriseTarget"],
    }.items():
        show(page, key)
        text = page.inner_text("#catalog-details")
        assert [each for each in expected if each not in text] == []
        assert page.locator("#catalog-details img.catalog-logo").count() == 1


# Forms


class Case(NamedTuple):
    """A block, what is put into its form, and what it is to be then.

    Attributes:
        slug: The block's.
        steps: What is done: a field, and a value; ``+`` adds a row, ``open`` opens a field.
        expected: Fields of the block.
        environment: The variables that references name.
        before: A program that saves what the block refers to.
    """

    slug: str
    steps: list[tuple[str, str | bool]]
    expected: dict[str, Any]
    environment: dict[str, str] = {}
    before: str = ""


CASES = [
    Case(
        "aws-credentials",
        [
            ("access_key_id", "AKIAEXAMPLE"),
            ("secret_access_key", "env"),
            ("region", "eu-west-1"),
            ("endpoint_urls", "+"),
            ("endpoint_urls.0", "s3=https://s3.example:9000"),
            ("assume_role", "+"),
            ("assume_role.0.role_arn", "arn:aws:iam::123456789012:role/Deploy"),
            ("assume_role.0.duration_seconds", "900"),
            ("assume_role.0.tags", "+"),
            ("assume_role.0.tags.0", f"$team={ODD}"),
            ("assume_role.0.mfa_serial", "123456789"),
            ("assume_role.0.mfa_secret", "env"),
            ("client_options", "open"),
            ("client_options.connect_timeout", "2.5"),
            ("client_options.retry_mode", "legacy"),
            ("client_options.tcp_keepalive", False),
        ],
        {
            "access_key_id": "AKIAEXAMPLE",
            "secret_access_key": {"secret": "s3same-open"},
            "region": "eu-west-1",
            "endpoint_urls": {"s3": "https://s3.example:9000"},
            "assume_role.0.duration_seconds": 900,
            "assume_role.0.tags": {"$team": ODD},
            "assume_role.0.mfa_serial": "123456789",
            "assume_role.0.mfa_secret": {"secret": "JBSWY3DPEHPK3PXP"},
            "client_options.connect_timeout": 2.5,
            "client_options.retry_mode": "legacy",
            "client_options.tcp_keepalive": False,
            "client_options.verify": True,
        },
        {
            "AWS_SECRET_ACCESS_KEY": "s3same-open",
            "AWS_ASSUME_ROLE_0_MFA_SECRET": "JBSWY3DPEHPK3PXP",
        },
    ),
    Case(
        "hashicorp-vault",
        [
            ("url", "https://vault.example:8200"),
            ("auth", "AppRoleAuth"),
            ("auth.role_id", "123"),
            ("auth.secret_id", "env"),
            ("kv_version", "2"),
            ("retries", "0"),
        ],
        {
            "url": "https://vault.example:8200",
            "auth.role_id": "123",
            "auth.secret_id": {"secret": "s3same-open"},
            "auth.mount": "approle",
            "kv_version": 2,
            "retries": 0,
        },
        {"HASHICORP_AUTH_SECRET_ID": "s3same-open"},
    ),
    Case(
        "notify-route",
        [
            ("targets.0.to", "a saved block"),
            ("targets.0.to", "webhook/ops"),
            ("targets.0.at_least", "warning"),
            ("targets.0.tags", "+"),
            ("targets.0.tags.0", "null"),
            ("dedupe_by", "title"),
            ("template", "open"),
            ("template.body", "Line one\n  - $title: it's\n"),
        ],
        {
            "targets.0.to": "webhook/ops",
            "targets.0.at_least": "warning",
            "targets.0.tags": ["null"],
            "dedupe_by": "title",
            "template.body": "Line one\n  - $title: it's\n",
        },
        before='from brickwork import Webhook; Webhook(url="https://example.com").save("ops")',
    ),
    Case(
        "webhook",
        [
            ("url", "env"),
            ("headers", "+"),
            ("headers.0", "Authorization=env"),
            ("idempotent", True),
        ],
        {
            "url": {"secret": "https://example.com/s3same"},
            "headers": {"Authorization": {"secret": "Bearer s3same"}},
            "idempotent": True,
        },
        {"WEBHOOK_URL": "https://example.com/s3same", "WEBHOOK_HEADERS_0": "Bearer s3same"},
    ),
    Case(
        "aws-s3-bucket",
        [
            ("bucket", "acme-data"),
            ("credentials", "main"),
            ("server_side_encryption", "aws:kms"),
            ("metadata", "+"),
            ("metadata.0", f"note={ODD}"),
            ("expected_owner", "012345678901"),
        ],
        {
            "bucket": "acme-data",
            "credentials": "aws-credentials/main",
            "server_side_encryption": "aws:kms",
            "metadata": {"note": ODD},
            "expected_owner": "012345678901",
        },
        before="from brickwork_aws import AwsCredentials; AwsCredentials().save('main')",
    ),
    Case(
        "settings",
        [("value", '{"$a": [1, 2.5, true, null, "01", {"b": []}], "c": "${x"}')],
        {"value": {"$a": [1, 2.5, True, None, "01", {"b": []}], "c": "${x"}},
    ),
]


def put(page: "Page", field: str, value: str | bool) -> None:
    """Put a value into a field, as a person would."""
    place = page.locator(f'[data-field="{field}"]')
    if value == "+":
        place.get_by_role("button", name=f"to {field}", exact=False).last.click()
    elif value == "open":
        place.locator("summary").first.click()
        place.locator("[data-field]").first.wait_for()
    elif isinstance(value, bool):
        place.locator("input").first.set_checked(value)
    elif place.evaluate(
        "each => each.matches('.catalog-row') && !!each.querySelector('.catalog-entry')"
    ):
        key, _, text = value.partition("=")
        place.locator("input").first.fill(key)
        fill(place.locator(".catalog-entry > :last-child"), text)
    else:
        fill(place, value)


def fill(place: Any, value: str) -> None:
    """Choose a value, or type it."""
    if place.evaluate("each => each.matches('input, textarea')"):
        place.fill(value)
        return
    options = (
        place.locator("select").first.locator("option") if place.locator("select").count() else None
    )
    if options is not None:
        texts = options.all_inner_texts()
        wanted = next(
            (text for text in texts if text == value or text.startswith(f"${{{value}:")), None
        )
        if wanted is not None:
            place.locator("select").first.select_option(label=wanted)
            return
    place.locator("input:visible, textarea:visible").last.fill(value)


def written(page: "Page") -> dict[str, str]:
    """Return what the form wrote."""
    found = {}
    for key, label in (("yaml", "the YAML"), ("program", "the Python"), ("command", "the command")):
        found[key] = (
            page.get_by_role("region", name=label, exact=True).locator("code").text_content()
        )
    return {key: text or "" for key, text in found.items()}


def at(value: Any, path: str) -> Any:
    """Return what stands at a path."""
    for step in path.split("."):
        value = value[int(step)] if isinstance(value, list) else value[step]
    return value


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.slug)
def test_what_a_form_writes_makes_the_block_that_was_typed(
    page: "Page", case: Case, tmp_path: Path
) -> None:
    """The YAML, the Python and the command each save the very values, in vaults of their own."""
    page.goto(f"{page.url}#show=block:{case.slug}")
    page.get_by_label("Name to save it under").fill("typed")
    for field, value in case.steps:
        put(page, field, value)
    assert page.inner_text(".catalog-status") == "Complete."
    texts = written(page)
    assert not any(
        secret in text for secret in case.environment.values() for text in texts.values()
    )
    assert list(yaml.safe_load(texts["yaml"])) == ["blocks"]
    kept = {key: os.environ[key] for key in ("LANG", "TMPDIR", "PYTHONPATH") if key in os.environ}
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        [sys.executable, "-c", _TRY],
        input=json.dumps({**texts, "slug": case.slug, "name": "typed", "before": case.before}),
        cwd=tmp_path,
        env={**kept, "PATH": path, "HOME": str(tmp_path), **case.environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr + json.dumps(texts, indent=1)
    for way, answer in json.loads(done.stdout).items():
        got = {field: at(answer["block"], field) for field in case.expected}
        assert got == case.expected, f"{way}\n{texts[way]}"
        if way != "program":
            assert all(
                f"${{env:{name}}}" in json.dumps(answer["fields"]) for name in case.environment
            )


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False).filter(lambda each: each % 1)
    | st.text()
    | st.sampled_from(["${", "$${a}", "${env:A}", "yes", "1e3", "- a", "a: b", " a", "a\n", "'"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def as_in_a_manifest(value: Any) -> Any:
    """Return values with what is literal in them escaped."""
    if isinstance(value, dict):
        keys = {key: f"${key}" if key.startswith("$") else key for key in value}
        return {keys[key]: as_in_a_manifest(each) for key, each in value.items()}
    if isinstance(value, list):
        return [as_in_a_manifest(each) for each in value]
    return escape(value) if isinstance(value, str) else value


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(value=st.dictionaries(st.text(), _JSON, min_size=1, max_size=4))
def test_any_value_is_written_so_that_it_is_read_back(page: "Page", value: dict[str, Any]) -> None:
    """YAML, Python and shell each read the very values, whatever they hold."""
    manifest, program, command = page.evaluate(
        """value => {
            const { yaml, program, command, fromJson } = window.brickworkWritten;
            const block = { name: "settings", python: "brickwork:Settings" };
            const values = new Map([["value", fromJson(JSON.parse(value))]]);
            return [yaml, program, command].map((write) => write(block, "x", values));
        }""",
        json.dumps(value),
    )
    fields = yaml.safe_load(manifest)["blocks"]["settings/x"]
    assert fields == {"value": as_in_a_manifest(value)}
    (made,) = (node for node in ast.walk(ast.parse(program)) if isinstance(node, ast.keyword))
    assert ast.literal_eval(made.value) == value
    option, _, text = shlex.split(command)[-1].partition("=")
    assert (option, json.loads(text)) == ("value", value)


def test_what_was_written_can_be_copied(page: "Page") -> None:
    """The button beside a text puts it on the clipboard, and says so."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    show(page, "block:basic-auth")
    put(page, "username", "reader")
    page.get_by_role("button", name="Copy the YAML").click()
    page.get_by_text("Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == written(page)["yaml"]


def test_references_that_no_variable_holds_are_kept_by_the_program_too(page: "Page") -> None:
    """Where a secret is in another service, the Python defines the block with its reference."""
    page.goto(f"{page.url}#show=block:basic-auth")
    put(page, "username", "reader-${env:STAGE}")
    put(page, "password", "aws-sm")
    page.get_by_label("The secret and its field of password").fill("prod/wiki#password")
    texts = written(page)
    assert "password: ${aws-sm:prod/wiki#password}\n" in texts["yaml"]
    assert "Vault.open().define(" in texts["program"]
    assert "--from 'username=reader-${env:STAGE}'" in texts["command"]
    assert "--from 'password=aws-sm:prod/wiki#password'" in texts["command"]


def test_json_that_would_not_stay_the_same_is_refused(page: "Page") -> None:
    """What is no JSON, or holds a number that a browser would round, is not written."""
    show(page, "block:settings")
    for text in ("{", "[9007199254740993]"):
        put(page, "value", text)
        assert page.inner_text(".catalog-status") == "To correct: value."
        assert "settings/main: {}" in written(page)["yaml"]


def test_what_lacks_or_is_wrong_is_said(page: "Page") -> None:
    """Needed fields are named until they are given, and what cannot be is said at its field."""
    page.goto(f"{page.url}#show=block:aws-s3-bucket")
    status = page.locator(".catalog-status")
    assert status.inner_text() == "Still needed: bucket."
    put(page, "bucket", "no/bucket")
    assert status.inner_text() == "To correct: bucket."
    assert "It must match" in page.locator('[data-field="bucket"]').inner_text()
    assert page.get_attribute('[data-field="bucket"] input', "aria-invalid") == "true"
    assert "no/bucket" not in written(page)["yaml"]
    put(page, "bucket", "acme-data")
    assert status.inner_text() == "Complete."


def test_every_block_has_a_form(page: "Page") -> None:
    """No schema of a shipped block is more than the form can make; no secret can be typed."""
    files = (ROOT / "blocks-catalog").glob("brickwork*.json")
    things = [thing for file in files for thing in json.loads(file.read_text())["things"]]
    slugs = [thing["name"] for thing in things if thing["kind"] == "block"]
    assert len(slugs) > 20
    for slug in slugs:
        show(page, f"block:{slug}")
        assert page.locator(".catalog-form").count() == 1, slug
        program = written(page)["program"]
        compile(program, slug, "exec")
    assert page.locator("input[type=password]").count() == 0


# Everything else


def test_texts_of_others_run_nothing(site: Site, opened: Opened) -> None:
    """Every text of the catalog could be hostile: it is shown as text, in lists and details."""

    def poisoned(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: poisoned(each, name) for name, each in value.items()}
        if isinstance(value, list):
            return [poisoned(each, key) for each in value]
        if not isinstance(value, str) or key in (
            "kind",
            "name",
            "python",
            "$ref",
            "type",
            "format",
        ):
            return value
        if key == "logo":
            return value.replace("<title>", "<script>window.ran=1</script><title>")
        return f"{HOSTILE}{value}"

    def answer(route: "Route") -> None:
        body = (site.folder / "scripts" / "catalog-data.js").read_text(encoding="utf-8")
        text = json.loads(body[body.index("(") + 1 : body.rindex(")")])
        text = json.dumps(poisoned(json.loads(text)))
        route.fulfill(body=f"window.brickworkCatalog = JSON.parse({json.dumps(text)});")

    page = opened.page
    page.route("**/catalog-data.js", answer)
    page.reload()
    assert HOSTILE in page.inner_text("#catalog-results")
    for key in ("block:aws-credentials", "block:notify-route", "task:aws.s3_copy", "command:block"):
        show(page, key)
        assert HOSTILE in page.inner_text("#catalog-details")
    page.evaluate("hash => { location.hash = hash }", f"q={HOSTILE}&show={HOSTILE}")
    page.get_by_role("heading", name="Nothing of that name").wait_for()
    assert page.evaluate("window.ran") is None
    assert page.locator("#catalog img:not(.catalog-logo), #catalog script").count() == 0


def test_the_list_escapes_what_others_wrote() -> None:
    """The plain list and the script's text hold hostile words as words."""
    catalog_page = runpy.run_path(str(ROOT / "docs" / "catalog_page.py"))
    from brickwork.catalog.files import checked

    things = [{"kind": "block", "name": "acme-x", "summary": HOSTILE, "title": HOSTILE}]
    own = {"name": "acme", "version": "1", "plugins": ["acme"], "summary": HOSTILE}
    content = {"format": "brickwork.catalog/1", "distribution": own, "things": things}
    files = [checked(content, "acme.json")]
    assert "<img" not in catalog_page["list_of"](files)
    assert "&lt;img" in catalog_page["list_of"](files)
    script = catalog_page["script_of"](files, {"acme": "gold"})
    (text,) = re.findall(r'^window\.brickworkCatalog = JSON\.parse\((".*")\);\n\Z', script)
    assert json.loads(json.loads(text))[0]["things"][0]["summary"] == HOSTILE


def test_without_scripts_there_is_a_list(site: Site) -> None:
    """A reader, or a search engine, that runs no scripts finds each name with its line."""
    context = site.browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(site.url)
    text = page.inner_text("#catalog-list")
    context.close()
    names = json.loads((ROOT / "blocks-catalog" / "index.json").read_text())["names"]
    assert [name for name in names if name not in text] == []


def test_it_works_from_a_disk(site: Site) -> None:
    """The page needs no server: opened as a file, it finds and shows."""
    page = site.browser.new_page()
    page.goto(f"{(site.folder / 'catalog-page' / 'index.html').as_uri()}#show=block:basic-auth")
    assert "basic-auth/main" in written(page)["yaml"]
    assert page.locator("#catalog .md-code__nav, #catalog .md-clipboard").count() == 0
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read_on_a_phone(site: Site, scheme: Any) -> None:
    """On 390 px nothing is cut off, and text has a contrast of 4.5 to 1, in light and in dark."""
    context = site.browser.new_context(
        viewport={"width": 390, "height": 844}, color_scheme=scheme, reduced_motion="reduce"
    )
    page = context.new_page()
    page.goto(site.url)
    looking = (ROOT / "tests" / "looking.html").read_text()
    helpers = looking[looking.index("const channels") : looking.index("const look =")]
    look = f"""() => {{ {helpers}
        const root = document.querySelector("#catalog");
        const faint = drawnAnew(root, "").filter((each) => tooFaint(window, each));
        return [document.documentElement.scrollWidth, tooWide(window, root), faint.map(named)];
    }}"""
    assert page.evaluate(look) == [390, [], []]
    for key in ("block:aws-credentials", "block:notify-route", "task:aws.s3_copy"):
        show(page, key)
        for summary in page.locator("#catalog summary").all():
            summary.click()
        assert page.evaluate(look) == [390, [], []], key
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    context.close()
    assert (background == "rgb(255, 255, 255)") == (scheme == "light")
