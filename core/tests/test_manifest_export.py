"""Exports: what stands in them, and that applying them gives the same blocks."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import patch

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings, strategies as st
from pydantic import Field, JsonValue

from brickwork import (
    BasicAuth,
    Block,
    KeyUnavailable,
    Notes,
    Secret,
    SecretBlock,
    Settings,
    Vault,
    _safe_yaml as safe_yaml,
)
from brickwork.block import defined_blocks
from brickwork.vault.manifest import Source
from brickwork.vault.manifest.emitting import yaml_lines

SECRET = "Zq7!xK-not-to-be-seen"


class Leaf(Block):
    """A block with a secret and without others."""

    slug: ClassVar[str] = "exporttest-leaf"

    user: str = Field("nobody", description="A text.")
    password: Secret[str] | None = Field(None, description="A secret.")


class Twig(Block):
    """Another block, for fields that take several."""

    slug: ClassVar[str] = "exporttest-twig"

    size: int = Field(1, description="A number.")


class Tree(Block):
    """A block with fields of many types."""

    slug: ClassVar[str] = "exporttest-tree"

    name: str = Field("", description="A text.")
    age: int = Field(0, description="A number.")
    height: float = Field(0.0, description="A number.")
    price: Decimal = Field(Decimal(0), description="A decimal number.")
    tall: bool = Field(False, description="Yes or no.")
    planted: date | None = Field(None, description="A date.")
    either: str | int = Field("", description="A text or a number.")
    mark: Secret[str] | None = Field(None, description="A secret.")
    seal: Secret[bytes] | None = Field(None, description="A secret of bytes.")
    marks: dict[str, Secret[str]] = Field(default_factory=dict, description="Secrets by name.")
    words: list[str] = Field(default_factory=list, description="Texts.")
    numbers: set[int] = Field(default_factory=set, description="Numbers.")
    more: JsonValue = Field(None, description="Anything.")
    root_: str = Field("", description="A text with an alias.", alias="root")
    leaf: Leaf | None = Field(None, description="A block.")
    parts: list[Leaf | Twig] = Field(default_factory=list, description="Blocks of two kinds.")
    others: dict[str, Block] = Field(default_factory=dict, description="Blocks of any kind.")


def applied(vault: Vault, text: str) -> None:
    """Apply a manifest given as text."""
    vault.plan(Source("export.yaml", text.encode())).apply()


@contextmanager
def vaults(folder: Path, count: int) -> Iterator[list[Vault]]:
    """Open fresh vaults with one key."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(Vault.open(str(folder / f"{n}.db"), "env:BRICKWORK_KEY"))
            for n in range(count)
        ]


# What may stand in a text: all but lone surrogates, which JSON cannot carry.
TEXTS = st.text(max_size=12) | st.sampled_from(
    [
        *["${env:HOME}", "$${", "no", "null", "~", "1.0", "010", "2026-01-01", "y", "=", "..."],
        *["- a", "a: b", "# c", " x", "x ", "{}", "[]", "'", '"', "|", ">", "---", "?", "<<"],
        *["&a", "*a", "!a", "%a", "@a", "`a", "\n", "\ta", "\x00", "\x1b", "\u2028", "\ufeff"],
        *["a\nb\n", "a\n\nb", "a\n b\n", " a\nb", "a\r\nb", "\U0001f600", "x" * 1500],
        "-----BEGIN KEY-----\nabc\n-----END KEY-----\n",
    ]
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(TEXTS | st.sampled_from(["$block", "$$x", "$type"]), inner, max_size=3)
    ),
    max_leaves=8,
)
SECRETS = TEXTS.map(Secret)
LEAVES = st.builds(Leaf, user=TEXTS, password=st.none() | SECRETS)
TWIGS = st.builds(Twig, size=st.integers())
TREES = st.builds(
    Tree,
    name=TEXTS,
    age=st.integers(),
    height=st.floats(allow_nan=False, allow_infinity=False),
    price=st.decimals(allow_nan=False, allow_infinity=False),
    tall=st.booleans(),
    planted=st.none() | st.dates(),
    either=TEXTS | st.integers(),
    mark=st.none() | SECRETS,
    seal=st.none() | st.binary(max_size=8).map(Secret),
    marks=st.dictionaries(TEXTS, SECRETS, max_size=2),
    words=st.lists(TEXTS, max_size=3),
    numbers=st.sets(st.integers(), max_size=3),
    more=JSON,
    root_=TEXTS,
    leaf=st.none() | LEAVES,
    parts=st.lists(LEAVES | TWIGS, max_size=3),
    others=st.dictionaries(TEXTS, LEAVES | TWIGS, max_size=2),
)
NOTES = st.builds(
    Notes,
    description=st.text(st.characters(categories=["L", "N", "P", "S"]), max_size=10),
    tags=st.sets(st.sampled_from(["prod", "eu", "1", "no", "2026-01-01"])).map(tuple),
    expires_at=st.none() | st.datetimes(timezones=st.timezones()),
    manifest=st.none(),
    applied=st.none(),
)


@pytest.mark.filterwarnings("ignore::brickwork.MaskingWarning", "ignore::brickwork.ExpiryWarning")
@settings(
    max_examples=40,
    deadline=None,
    phases=[phase for phase in Phase if phase is not Phase.explain],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(trees=st.lists(TREES, min_size=1, max_size=2), child=LEAVES, notes=NOTES)
def test_exporting_and_applying_gives_the_same_blocks(
    tmp_path_factory: pytest.TempPathFactory,
    memory_vault: Vault,
    trees: list[Tree],
    child: Leaf,
    notes: Notes,
) -> None:
    """With secrets into a fresh vault: equal blocks. Without, into the same: nothing changes."""
    with vaults(tmp_path_factory.mktemp("vaults"), 2) as (one, two):
        one.save(child, "child", notes=notes)
        names = [f"tree-{number}" for number in range(len(trees))]
        for name, tree in zip(names, trees, strict=True):
            one.save(tree.model_copy(update={"leaf": child}), name)
        one.save(trees[0], "alone")

        revealed, kept = one.export(reveal=True), one.export()
        assert [reason for _, reason in revealed.unreadable + kept.unreadable] == []
        applied(two, revealed.text)
        for name in [*names, "alone"]:
            assert two.load(f"exporttest-tree/{name}") == one.load(f"exporttest-tree/{name}")
        assert two.load("exporttest-leaf/child") == one.load("exporttest-leaf/child")
        saved = two.document("exporttest-leaf/child").notes
        assert saved == one.document("exporttest-leaf/child").notes
        assert (
            two.document("exporttest-tree/tree-0").uses
            == one.document("exporttest-tree/tree-0").uses
        )

        for vault, text in ((one, kept.text), (two, kept.text), (two, revealed.text)):
            assert set(vault.plan(Source("kept.yaml", text.encode())).counts) == {"same"}
        assert two.export(reveal=True).text == revealed.text


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(TEXTS, JSON, max_size=4))
def test_what_is_written_reads_the_same_everywhere(value: dict[str, Any]) -> None:
    """Our reader, and one of YAML 1.1, see the same values in it."""
    text = "".join(f"{line}\n" for line in yaml_lines(value))
    [read] = safe_yaml.load_all(text.encode()) if value else [{}]
    assert json.dumps(read) == json.dumps(value)
    whole = _without_floats(value)
    text = "".join(f"{line}\n" for line in yaml_lines(whole))
    assert (yaml.safe_load(text) or {}) == whole


def _without_floats(value: Any) -> Any:
    # YAML 1.1 takes 1e+16 for a text.
    if isinstance(value, dict):
        return {key: _without_floats(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_floats(item) for item in value]
    return 0 if isinstance(value, float) else value


def test_an_export_reads_well(memory_vault: Vault) -> None:
    """Stable order, references and public fields as they are, secrets kept, texts escaped."""
    memory_vault.define("database-url/main", {"scheme": "postgresql", "port": "${env:PORT}",
                                              "password": f"x-${{env:B}}-{SECRET}"})  # fmt: skip
    BasicAuth(username="a ${x}", password=Secret(SECRET)).save(
        "b", notes=Notes("Who", ("eu", "dev"), manifest="shop")
    )
    found = memory_vault.export()
    assert (
        found.text
        == """\
# Written by `brickwork export`; `brickwork apply -f` takes it.
# {$kept: secret} stands for a secret that stays as it is saved.
version: 1
blocks:
  basic-auth/b:
    $description: Who
    $tags:
      - dev
      - eu
    username: a $${x}
    password: {$kept: secret}
  database-url/main:
    scheme: postgresql
    host: null
    port: ${env:PORT}
    database: ""
    username: null
    password: {$kept: secret}
    options: {}
"""
    )
    assert [str(each) for each in found.blocks] == ["basic-auth/b", "database-url/main"]
    assert (found.revealed, found.unreadable) == ((), ())


def test_revealing_is_audited_once(memory_vault: Vault) -> None:
    """One entry says whose secrets were written out; an export without secrets leaves none."""
    SecretBlock(value=Secret(SECRET)).save("a")
    SecretBlock(value=Secret(SECRET)).save("b")
    Settings(value=1).save("c")
    memory_vault.export()
    memory_vault.export("settings/*", reveal=True)
    found = memory_vault.export("secret/*", "settings/*", reveal=True)
    assert found.text.count(SECRET) == 2
    assert [str(each) for each in found.revealed] == ["secret/a", "secret/b"]
    assert SECRET not in repr(found)
    entries = [each for each in memory_vault.audit.entries() if each.action == "export"]
    assert [entry.detail for entry in entries] == [{"revealed": ["secret/a", "secret/b"]}]


def test_a_selection_is_exported(memory_vault: Vault) -> None:
    """By address, by tags, by owner; the owner's name then stands in it."""
    Settings(value=1).save("a", notes=Notes(tags=("x", "y"), manifest="shop"))
    Settings(value=1).save("b", notes=Notes(tags=("x",)))
    SecretBlock(value=Secret(SECRET)).save("a")

    def names(*patterns: str, **options: Any) -> list[str]:
        return [str(each) for each in memory_vault.export(*patterns, **options).blocks]

    assert names("settings/*") == ["settings/a", "settings/b"]
    assert names("*/a") == ["secret/a", "settings/a"]
    assert names(tags=["x"]) == ["settings/a", "settings/b"]
    assert names(tags=["x", "y"]) == names(manifest="shop") == ["settings/a"]
    assert names("none/*") == []
    text = memory_vault.export(manifest="shop").text
    assert "\nmanifest: shop\n" in text
    assert set(memory_vault.plan(Source("x", text.encode()), prune=True).counts) == {"same"}
    assert memory_vault.export("none/*").text.endswith("\nblocks: {}\n")


def test_unreadable_blocks_are_left_out_with_their_reason(memory_vault: Vault) -> None:
    """Changed in the database, class gone, fields that fit no more: comments, and the rest."""

    class Gone(Block):
        """A block whose class goes."""

        slug: ClassVar[str] = "exporttest-gone"
        size: int = Field(1, description="A number.")

    Gone().save("g")
    del defined_blocks["exporttest-gone"]
    for name in ("damaged", "whole"):
        BasicAuth(username="ann", password=Secret(SECRET)).save(name)
    Twig(size=5).save("misfit")
    sql = (
        "UPDATE documents SET public = CAST(replace(CAST(public AS TEXT), 'ann', 'eve') AS BLOB)"
        " WHERE id = (SELECT id FROM blocks WHERE name = 'damaged')"
    )
    with closing(sqlite3.connect(memory_vault.store.location)) as database, database:
        assert database.execute(sql).rowcount == 1

    class Narrow(Block):
        """The twig, as it is in another release."""

        __qualname__ = "Twig"
        slug: ClassVar[str] = "exporttest-twig"
        length: int = Field(1, description="A number.")

    with patch.dict(defined_blocks, {"exporttest-twig": Narrow}):
        found = memory_vault.export(reveal=True)
    assert [str(each) for each in found.blocks] == ["basic-auth/whole"]
    reasons = {str(address): reason for address, reason in found.unreadable}
    assert set(reasons) == {"basic-auth/damaged", "exporttest-gone/g", "exporttest-twig/misfit"}
    assert "\n  # basic-auth/damaged is left out: " in found.text
    [document] = safe_yaml.load_all(found.text.encode())
    assert list(document["blocks"]) == ["basic-auth/whole"]


def test_without_a_key_nothing_is_exported(
    memory_vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was not authenticated is not written out."""
    Settings(value=1).save("a")
    monkeypatch.setenv("BRICKWORK_KEY", "")
    with Vault.open(memory_vault.store.location) as locked, pytest.raises(KeyUnavailable):
        locked.export()


def test_no_vault_is_an_empty_export(tmp_path: Path) -> None:
    """Exporting makes no vault."""
    with Vault.open(str(tmp_path / "none.db")) as vault:
        assert vault.export().blocks == ()
    assert not (tmp_path / "none.db").exists()


def test_what_yaml_cannot_hold_is_left_out(memory_vault: Vault) -> None:
    """A value that is nested too deep for the reader is named, not written."""
    value: JsonValue = 1
    for _ in range(120):
        value = [value]
    Settings(value=value).save("deep")
    [(address, reason)] = memory_vault.export().unreadable
    assert str(address) == "settings/deep"
    assert "nested too deep" in reason
