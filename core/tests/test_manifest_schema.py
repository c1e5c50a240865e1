"""The JSON Schema of manifests: what it lets through, and what it does not."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

import jsonschema
import pytest
from pydantic import BaseModel, ConfigDict, Field

from brickwork import (
    BasicAuth,
    Block,
    InvalidManifest,
    Registry,
    Secret,
    UnknownBlock,
    Vault,
    _safe_yaml as safe_yaml,
)
from brickwork.vault.manifest import Source
from brickwork.vault.manifest.schema import ManifestSchema, manifest_schema

SECRET = "Zq7!xK-not-to-be-seen"


class Options(BaseModel):
    """A model that is no block."""

    model_config = ConfigDict(extra="forbid")

    retries: int = Field(3, description="How often.", ge=0)
    mode: Literal["fast", "safe"] = Field("safe", description="How.")


class Host(Block):
    """A block that holds others."""

    slug: ClassVar[str] = "schematest-host"

    port: int = Field(description="A port.", ge=1, le=65535)
    name_: str = Field("", description="A name.", alias="name", pattern="^[a-z]*$")
    token: Secret[str] = Field(Secret(SECRET), description="A token, with a secret default.")
    keys: dict[str, Secret[bytes]] = Field(default_factory=dict, description="Keys.")
    options: Options = Field(default_factory=Options, description="Options.")
    login: BasicAuth | None = Field(None, description="Who logs in.")
    either: "BasicAuth | Host | None" = Field(None, description="One of two.")
    any_block: Block | None = Field(None, description="Any block.")
    ratios: list[float] = Field(default_factory=list, description="Numbers.")
    free: Any = Field(None, description="Anything.")


GOOD = f"""
manifest: shop
version: 1
blocks:
  schematest-host/a:
    $description: A host
    $tags: [prod, 2026-01-01]
    $expires_at: 2027-06-30
    port: 80
    name: abc
    token: {SECRET}
    keys: {{a: {{$bytes: AAECAwQF}}}}
    options: {{retries: 5, mode: fast}}
    login: {{username: ann, password: {SECRET}}}
    either: {{$type: basic-auth, username: ann, password: 1234567}}
    any_block: {{$type: settings, value: [1]}}
    ratios: [1, 2.5, "${{env:RATIO}}"]
    free: {{a: [1, null]}}
  schematest-host/b:
    port: ${{env:PORT}}
    name_: ${{env:NAME}}
    token: x-${{env:TOKEN}}
    options: {{retries: "${{env:RETRIES}}", mode: "${{env:MODE}}"}}
    login: {{$block: basic-auth/c}}
    either: {{$block: schematest-host/a}}
    any_block: {{$block: settings/d}}
  basic-auth/c: {{username: 12, password: "${{env:PASSWORD}}"}}
  settings/d: {{value: {{}}}}
  local-storage/e: {{root: /srv/x}}
"""

BAD = {
    "unknown top-level key": "blocksy: {}",
    "newer version": "version: 2",
    "name": "manifest: a b",
    "unknown slug": "blocks: {schematest-hots/a: {port: 1}}",
    "address": "blocks: {schematest-host: {port: 1}}",
    "pinned address": "blocks: {schematest-host/a@3: {port: 1}}",
    "no mapping": "blocks: {schematest-host/a: [1]}",
    "missing field": "blocks: {schematest-host/a: {name: a}}",
    "nothing given": "blocks: {schematest-host/a: }",
    "unknown field": "blocks: {schematest-host/a: {port: 1, prot: 1}}",
    "wrong type": "blocks: {schematest-host/a: {port: many}}",
    "out of range": "blocks: {schematest-host/a: {port: 70000}}",
    "pattern": "blocks: {schematest-host/a: {port: 1, name: A}}",
    "list for a secret": "blocks: {schematest-host/a: {port: 1, token: [x]}}",
    "other mark for a secret": "blocks: {schematest-host/a: {port: 1, token: {$keep: secret}}}",
    "unknown field in a model": "blocks: {schematest-host/a: {port: 1, options: {retry: 1}}}",
    "wrong choice": "blocks: {schematest-host/a: {port: 1, options: {mode: other}}}",
    "no address": "blocks: {schematest-host/a: {port: 1, login: {$block: nobody}}}",
    "mixed address": "blocks: {schematest-host/a: {port: 1, login: {$block: a/b, username: x}}}",
    "unknown field embedded": "blocks: {schematest-host/a: {port: 1, login: {usr: a}}}",
    "kind that does not fit": "blocks: {schematest-host/a: {port: 1, either: {$type: settings}}}",
    "wrong item": "blocks: {schematest-host/a: {port: 1, ratios: [x]}}",
    "tags": "blocks: {schematest-host/a: {port: 1, $tags: x}}",
    "unknown note": "blocks: {schematest-host/a: {port: 1, $note: x}}",
}


@pytest.fixture(scope="module")
def made() -> ManifestSchema:
    """The schema for all that is installed."""
    return manifest_schema(Registry(discover=False))


def errors(schema: Mapping[str, Any], text: str) -> list[str]:
    """Return what a schema finds wrong with a manifest."""
    validator = jsonschema.Draft202012Validator(schema)
    documents = safe_yaml.load_all(text.encode())
    return [error.message for each in documents for error in validator.iter_errors(each)]


def test_it_is_a_json_schema(made: ManifestSchema) -> None:
    """Of the dialect that it names, as JSON, without problems, and it leads nowhere outside."""
    again = json.loads(json.dumps(made.schema))
    assert again["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(again)
    assert made.problems == ()
    targets = re.findall(r'"\$ref": "#/\$defs/([^"]+)"', json.dumps(again))
    assert json.dumps(again).count('"$ref"') == len(targets) > 20
    assert set(targets) <= set(again["$defs"])


def test_a_manifest_that_applies_is_valid(made: ManifestSchema, memory_vault: Vault) -> None:
    """What a plan accepts, an editor does not mark."""
    assert errors(made.schema, GOOD) == []
    assert set(memory_vault.plan(Source("good.yaml", GOOD.encode())).counts) == {"create"}


@pytest.mark.parametrize("name", BAD)
def test_mistakes_are_found(made: ManifestSchema, memory_vault: Vault, name: str) -> None:
    """Each is marked in an editor, and refused by a plan."""
    assert errors(made.schema, BAD[name]) != []
    with pytest.raises(InvalidManifest):
        memory_vault.plan(Source("bad.yaml", BAD[name].encode()))


def test_every_export_is_valid(made: ManifestSchema, memory_vault: Vault) -> None:
    """What is written can be read on in an editor, with secrets or without."""
    memory_vault.plan(Source("good.yaml", GOOD.encode())).apply()
    assert errors(made.schema, memory_vault.export().text) == []
    assert errors(made.schema, memory_vault.export(reveal=True).text) == []


def test_secrets_are_write_only_and_no_default_of_one_is_in_it(made: ManifestSchema) -> None:
    """Editors know what not to show; a secret in a class does not leave it this way."""
    host = next(s for p, s in made.schema["properties"]["blocks"]["patternProperties"].items()
                if p.startswith("^schematest-host/"))  # fmt: skip
    assert host["properties"]["token"]["writeOnly"] is True
    assert host["properties"]["token"]["description"] == "A token, with a secret default."
    assert host["description"] == "A block that holds others."
    assert SECRET not in json.dumps(made.schema)
    assert "x-brickwork" not in json.dumps(made.schema)


def test_an_overlay_need_not_give_all_fields() -> None:
    """What is given is checked; what is required comes from the file below."""
    schema = manifest_schema(Registry(discover=False), overlay=True).schema
    assert errors(schema, BAD["missing field"]) == []
    assert errors(schema, BAD["wrong type"]) != []


def test_a_choice_of_slugs_leaves_others_open() -> None:
    """With --slug, only those are known."""
    schema = manifest_schema(Registry(discover=False), ["schematest-host"]).schema
    assert errors(schema, "blocks: {schematest-host/a: {port: x}}") != []
    assert errors(schema, "blocks: {basic-auth/a: {whatever: 1}}") == []
    assert errors(schema, "blocks: {Basic/a: {}}") != []
    with pytest.raises(UnknownBlock):
        manifest_schema(Registry(discover=False), ["schematest-none"])


def test_a_plugin_that_cannot_be_imported_leaves_its_slugs_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its blocks are not checked, the others are, and the reason is told."""
    package = tmp_path / "schematest_broken"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('no licence')")
    info = tmp_path / "schematest_broken-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: schematest-broken\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[brickwork]\nbrokentest = schematest_broken\n")
    (info / "RECORD").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))

    made = manifest_schema(Registry())

    assert any("brokentest" in problem and "no licence" in problem for problem in made.problems)
    assert errors(made.schema, "blocks: {brokentest-thing/a: {whatever: 1}}") == []
    assert errors(made.schema, "blocks: {schematest-host/a: {port: x}}") != []
    assert errors(made.schema, "blocks: {othertest-thing/a: {}}") != []
