"""The entry of a distribution, as it is made from what is installed."""

import ast
import enum
import subprocess
import sys
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any, ClassVar, Literal

import jsonschema
import pytest
import yaml
from pydantic import BaseModel, Field

from brickwork import (
    BasicAuth,
    Block,
    InvalidCatalog,
    PluginBroken,
    PluginMissing,
    Registry,
    Secret,
    task,
)
from brickwork.catalog import docstrings, words
from brickwork.catalog.describing import _task
from brickwork.catalog.fields import field_entries
from brickwork.catalog.files import content_of, text_of
from brickwork.catalog.generate import entry_of
from brickwork.catalog.model import BlockEntry, CatalogFile, ClassEntry, CommandGroup
from brickwork.catalog.snippets import manifest, usage
from brickwork.registry.kinds import KINDS
from brickwork.testing.distributions import write_plugin
from brickwork.vault.manifest.schema import manifest_schema
from brickwork.vault.shapes import Shape


@pytest.fixture(scope="module")
def core() -> CatalogFile:
    """The core's entry."""
    return entry_of(Registry(discover=False), "brickwork")


def test_the_core_brings_all_that_its_hooks_offer(core: CatalogFile) -> None:
    """Every name of every kind has an entry, and no other."""
    registry = Registry(discover=False)
    offered = {
        (KINDS[kind].word.replace(" ", "-"), name)
        for kind in KINDS
        for name, origin in registry.names(kind).items()
        if origin == "brickwork"
    }
    assert {(each.kind, each.name) for each in core.things} == offered


def test_a_block_is_told_with_all_that_one_needs(core: CatalogFile) -> None:
    """Fields, what it is beside, an example, something to begin with, and where it comes from."""
    (email,) = [each for each in core.things if (each.kind, each.name) == ("block", "email")]
    assert isinstance(email, BlockEntry)
    fields = {each.name: each for each in email.fields}

    assert (email.title, email.python, email.interfaces) == (
        "Email",
        "brickwork:Email",
        ["notifier"],
    )
    assert email.summary
    assert email.checks
    assert fields["host"].required
    assert fields["host"].type == "text"
    assert fields["password"].secret
    assert fields["password"].type == "secret"
    assert fields["security"].default == '"starttls"'
    assert email.json_schema is not None
    assert "host" in email.json_schema["properties"]
    assert ">>>" in email.example
    assert "password: ${env:EMAIL_PASSWORD}" in email.manifest
    assert 'password=os.environ["EMAIL_PASSWORD"]' in email.usage


def test_classes_and_commands_are_told(core: CatalogFile) -> None:
    """A serializer says the extra it needs, a notifier its block, a group its commands."""
    by_name = {(each.kind, each.name): each for each in core.things}
    parquet, webhook = by_name["serializer", "parquet"], by_name["notifier", "webhook"]
    group = by_name["command", "catalog"]

    assert parquet.extra == "arrow"
    assert isinstance(webhook, ClassEntry)
    assert webhook.block == "webhook"
    assert isinstance(group, CommandGroup)
    assert {each.name for each in group.commands} == {"check", "export", "ls", "search", "show"}
    assert all(each.summary for each in group.commands)


def test_every_manifest_to_begin_with_fits_its_block(core: CatalogFile) -> None:
    """What --yaml prints is what an editor with the schema of manifests finds no fault in."""
    schema = jsonschema.Draft202012Validator(manifest_schema(Registry(discover=False))[0])
    blocks = [each for each in core.things if isinstance(each, BlockEntry)]

    assert blocks
    for each in blocks:
        content = yaml.safe_load(each.manifest)
        assert list(schema.iter_errors(content)) == [], each.manifest
        (address,) = content["blocks"]
        assert address.startswith(f"{each.name}/")


def test_every_program_to_begin_with_compiles_and_names_fields(core: CatalogFile) -> None:
    """What --python prints is Python, and gives the block only fields that it has."""
    for each in core.things:
        if isinstance(each, BlockEntry):
            calls = [n for n in ast.walk(ast.parse(each.usage)) if isinstance(n, ast.Call)]
            given = {k.arg for call in calls for k in call.keywords}
            assert given <= {field.name for field in each.fields}
            assert {field.name for field in each.fields if field.required} <= given


def test_it_is_the_same_in_every_process(core: CatalogFile) -> None:
    """Neither the order of sets nor anything of a machine or a day is in it."""
    program = (
        "from brickwork.catalog.files import *\nfrom brickwork.catalog.generate import *\n"
        "print(text_of(content_of(entry_of(Registry(), 'brickwork'))), end='')"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed},
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed, folder in (("1", "/"), ("2", "/tmp"))
    }
    assert texts == {text_of(content_of(core))}
    assert str(Path(__file__).parents[2]) not in text_of(content_of(core))


class Mode(enum.Enum):
    """How."""

    SLOW = "slow"
    FAST = "fast"


class Door(BaseModel):
    """A door."""

    name: str = Field(description="Its name.")
    code: Secret[str] | None = Field(None, description="Its code.")


class House(Block):
    """A house, which has doors.

    Built of bricks.

    Examples:
        >>> House(name="no 9", auth=BasicAuth(username="a", password="b")).save("home")
    """

    slug: ClassVar[str] = "catalogtest-house"

    name: str = Field(description="Its name.")
    floors: int = Field(2, description="How many.")
    mode: Mode = Field(Mode.SLOW, description="How it was built.")
    doors: list[Door] = Field([], description="Its doors.")
    auth: BasicAuth | None = Field(None, description="Who may enter.")
    tags: frozenset[str] = Field(frozenset({"b", "a"}), description="Tags.")
    key: Secret[str] = Field(description="The key.")
    inner: "House | None" = Field(None, description="A house inside.")


@pytest.mark.parametrize(
    ("annotation", "said"),
    [
        (str, "text"),
        (int | None, "whole number"),
        (bool, "yes or no"),
        (float, "number"),
        (Path, "path"),
        (date, "date"),
        (timedelta, "duration"),
        (Secret[str], "secret"),
        (list[int], "list of whole number"),
        (dict[str, list[str]], "mapping to list of text"),
        (Literal["a", "b"], "one of a, b"),
        (Mode, "one of slow, fast"),
        (int | str, "whole number or text"),
        (BasicAuth, "block basic-auth"),
        (Block, "block"),
        (Door, "Door"),
        (Any, "anything"),
    ],
)
def test_types_are_told_in_words(annotation: Any, said: str) -> None:
    """Whoever fills in a form need not read Python."""
    assert words.words(Shape(annotation)) == said


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("S3Bucket", "S3 bucket"),
        ("AwsCredentials", "AWS credentials"),
        ("GitHubCheckNotifier", "GitHub check notifier"),
        ("DatabaseUrl", "Database URL"),
        ("SesEmail", "SES email"),
        ("House", "House"),
    ],
)
def test_titles_are_the_words_of_the_class(name: str, said: str) -> None:
    """Names that are written in capitals stay so."""
    assert words.title(name) == said


def test_fields_have_those_inside_them_and_end_where_a_class_holds_itself() -> None:
    """A field of models has their fields; a secret in them is told; sets are sorted."""
    fields = {each.name: each for each in field_entries(House)}

    assert [each.name for each in fields["doors"].fields] == ["name", "code"]
    assert fields["doors"].fields[1].secret
    assert fields["mode"].default == '"slow"'
    assert fields["tags"].default == '["a", "b"]'
    assert fields["inner"].fields == []


def test_what_to_begin_with_comes_from_the_example_and_has_no_secret() -> None:
    """Values of the example are used, secrets are references, blocks inside are too."""
    text, program = manifest(House), usage(House, "acme:House")
    block = yaml.safe_load(text)["blocks"]["catalogtest-house/home"]

    assert block == {
        "name": "no 9",
        "auth": {"$block": "basic-auth/main"},
        "key": "${env:CATALOGTEST_KEY}",
    }
    assert "# floors: 2" in text
    assert "# Its doors." in text
    assert 'auth=Block.load("basic-auth/main")' in program
    assert program.startswith("import os\n\nfrom brickwork import Block\nfrom acme import House\n")
    ast.parse(program)


def test_an_example_that_is_none_does_no_harm() -> None:
    """Without an example, or with one that cannot be parsed, there are placeholders."""

    class Broken(Block):
        """Broken.

        Examples:
            >>> Broken(name=
        """

        slug: ClassVar[str] = "catalogtest-broken"
        name: str = Field(description="Its name.")
        door: Door = Field(description="A door.")

    block = yaml.safe_load(manifest(Broken))["blocks"]["catalogtest-broken/main"]
    assert block == {"name": "...", "door": {"name": "..."}}


def test_a_block_without_needed_fields_has_a_manifest_that_is_one() -> None:
    """All fields are comments, and the YAML still has a mapping there."""

    class Easy(Block):
        """Easy."""

        slug: ClassVar[str] = "catalogtest-easy"
        name: str = Field("x", description="Its name.")

    assert yaml.safe_load(manifest(Easy)) == {"blocks": {"catalogtest-easy/main": {}}}
    assert usage(Easy, "acme:Easy") == 'from acme import Easy\n\nEasy().save("main")\n'


def test_a_task_is_told_with_signature_result_and_policy() -> None:
    """As `task show` has it; names of modules and addresses of objects are no part of it."""
    marker = object()

    @task(retries=2, timeout_seconds=30, permissions=["acme:Read"], tags=["b", "a"])
    def fetch(house: House, when: date, *, limit: int = 3, by: Any = marker) -> Mapping[str, Path]:
        """Fetch what is there.

        Args:
            house: Where.
            when: Of which day.
            limit: How many.
            by: Whatever.

        Returns:
            Name to file, of those
            that are there.
        """
        return {}

    told = _task("acme.fetch", fetch)

    assert told.signature == (
        "fetch(house: House, when: date, *, limit: int = 3, by: Any = ...) -> Mapping[str, Path]"
    )
    assert told.result.description == "Name to file, of those that are there."
    assert (told.retries, told.timeout_seconds, told.permissions) == (2, 30.0, ["acme:Read"])
    assert told.tags == ["a", "b"]
    assert [each.required for each in told.parameters] == [True, True, False, False]
    assert told.parameters[0].description == "Where."


def test_docstrings_are_cut_where_their_sections_begin() -> None:
    """What stands under a heading is no description, a colon in a text is no heading."""
    text = """First line
    of two.

    More:

    - one

    Args:
        x: It.
    """
    assert docstrings.summary(text) == "First line of two."
    assert docstrings.description(text) == "More:\n\n- one"
    assert docstrings.needed_extra("Needs ``acme[fast]``.", "acme") == "fast"
    assert docstrings.needed_extra("Unlike other[fast], or acme[fast] alone.", "acme") is None


def registry_with(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Registry:
    """Return a registry that sees the distributions of a folder too."""
    monkeypatch.syspath_prepend(folder)
    return Registry()


def test_a_third_party_is_told_with_its_logo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Name, version, plugins, schemes and the logo beside the package's __init__."""
    write_plugin(tmp_path, "catalogone")
    svg = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"/>'
    (tmp_path / "brickwork_catalogone" / "logo.svg").write_text(svg + "\n")

    file = entry_of(registry_with(monkeypatch, tmp_path), "Brickwork_CatalogOne")

    assert file.distribution.name == "brickwork-catalogone"
    assert file.distribution.version == "1.0"
    assert (file.distribution.plugins, file.distribution.schemes) == (["catalogone"],) * 2
    assert file.distribution.logo == svg
    assert [(each.kind, each.name) for each in file.things] == [
        ("block", "catalogone-thing"),
        ("storage", "catalogone"),
    ]


def test_what_cannot_be_told_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing package, a broken plugin, a logo that runs: each is an error that says which."""
    write_plugin(tmp_path, "catalogtwo", "raise RuntimeError('broken')")
    write_plugin(tmp_path, "catalogthree")
    (tmp_path / "brickwork_catalogthree" / "logo.svg").write_text("<svg onload='alert(1)'/>")
    registry = registry_with(monkeypatch, tmp_path)

    with pytest.raises(PluginMissing, match="pip install no-such-thing"):
        entry_of(registry, "no-such-thing")
    with pytest.raises(PluginBroken, match=r"catalogtwo .* is broken"):
        entry_of(registry, "brickwork-catalogtwo")
    with pytest.raises(InvalidCatalog, match=r"brickwork-catalogthree.*its logo"):
        entry_of(registry, "brickwork-catalogthree")


ODD = """
from brickwork import hookimpl

@hookimpl
def brickwork_blocks():
    return {"catalogfour-thing": "brickwork_catalogfour.things:Thing",
            "catalogfour-none": "brickwork_catalogfour.things:Missing"}
"""


def test_one_thing_that_is_broken_leaves_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For listings it is noted and left out; for an export it is an error."""
    write_plugin(tmp_path, "catalogfour", ODD)
    registry = registry_with(monkeypatch, tmp_path)
    troubles: list[str] = []

    file = entry_of(registry, "brickwork-catalogfour", troubles)

    assert [each.name for each in file.things] == ["catalogfour-thing"]
    assert len(troubles) == 1
    assert "catalogfour-none" in troubles[0]
    with pytest.raises(PluginBroken, match="catalogfour-none"):
        entry_of(registry, "brickwork-catalogfour")
