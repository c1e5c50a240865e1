"""The catalog in the repository: what is written there is good, complete, and what is shipped."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from brickwork import Registry
from brickwork.catalog.files import content_of, read
from brickwork.catalog.model import format_schema
from brickwork.vault.manifest.schema import manifest_schema

ROOT = Path(__file__).resolve().parents[1]
CATALOG = ROOT / "blocks-catalog"
SHIPPED = ROOT / "core" / "src" / "brickwork" / "catalog" / "data"
FILES = [*sorted(CATALOG.glob("brickwork*.json")), *sorted(CATALOG.glob("third-party/*.json"))]


def content(path: Path) -> Any:
    """Return the JSON of a file."""
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_file_is_good_and_shipped(path: Path) -> None:
    """It passes the check, fits the JSON Schema, and the core has its compact form."""
    file = read(path)

    assert content_of(file) == content(path)
    jsonschema.Draft202012Validator(content(CATALOG / "catalog.schema.json")).validate(
        content(path)
    )
    assert content(SHIPPED / path.name) == content_of(file, compact=True)


def test_the_schema_of_the_format_is_that_of_the_models() -> None:
    """Who validates by the schema validates by what Brickwork reads."""
    assert content(CATALOG / "catalog.schema.json") == format_schema()


def test_every_package_is_in_the_catalog_and_the_index_names_all() -> None:
    """Each package of the repository has a file; each thing of each file is found by its name."""
    packages = {path.parent.name for path in ROOT.glob("plugins/*/pyproject.toml")}
    assert {f"brickwork-{each}" for each in packages} | {"brickwork"} <= {f.stem for f in FILES}
    index = content(CATALOG / "index.json")
    assert index == content(SHIPPED / "index.json")
    assert {*index["distributions"]} == {path.stem for path in FILES}
    things = {
        (thing["kind"], thing["name"], path.stem)
        for path in FILES
        for thing in content(path)["things"]
    }
    assert things == {
        (each["kind"], name, each["distribution"])
        for name, entries in index["names"].items()
        for each in entries
    }


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_everything_is_described_and_has_a_logo(path: Path) -> None:
    """Whoever chooses from the catalog sees what each thing is, and how to begin."""
    file = read(path)
    assert file.distribution.logo
    for thing in file.things:
        assert thing.summary, thing.name
        if thing.kind == "block":
            assert "" not in (thing.example, thing.manifest, thing.usage), thing.name
            assert all(field.description for field in thing.fields), thing.name
        if thing.kind == "task":
            assert thing.example, thing.name
            assert all(each.description for each in thing.parameters), thing.name


WITH_BLOCKS = [
    path
    for path in sorted(CATALOG.glob("brickwork*.json"))
    if any(thing["kind"] == "block" for thing in content(path)["things"])
]


@pytest.mark.parametrize("path", WITH_BLOCKS, ids=lambda path: path.stem)
def test_every_manifest_to_begin_with_fits_its_block(path: Path) -> None:
    """An editor with the schema of manifests finds no fault in what --yaml prints."""
    blocks = [thing for thing in read(path).things if thing.kind == "block"]
    schema = manifest_schema(Registry(), [block.name for block in blocks]).schema
    for block in blocks:
        errors = jsonschema.Draft202012Validator(schema).iter_errors(yaml.safe_load(block.manifest))
        assert [each.message for each in errors] == [], block.manifest
        compile(block.usage, block.name, "exec")
