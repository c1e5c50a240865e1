"""Reading manifests: files, overlays, values by the type of their field, all mistakes at once."""

import contextlib
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from pydantic import Field, JsonValue

from brickwork import Block, ConfigError, InvalidManifest, Notes, Secret, Vault
from brickwork.vault.manifest import Plan, Source
from brickwork.vault.manifest.emitting import yaml_lines

SECRET = "Zq7!xK-not-to-be-seen"


class Leaf(Block):
    """A block with a secret and without others."""

    slug: ClassVar[str] = "manifesttest-leaf"

    user: str = Field("nobody", description="A text.")
    password: Secret[str] | None = Field(None, description="A secret.")


class Twig(Block):
    """Another block, for fields that take several."""

    slug: ClassVar[str] = "manifesttest-twig"

    size: int = Field(1, description="A number.")


class Tree(Block):
    """A block with fields of many types."""

    slug: ClassVar[str] = "manifesttest-tree"

    name: str = Field("", description="A text.")
    kind: Literal["1.0", "oak"] = Field("oak", description="A choice.")
    age: int = Field(0, description="A number.", ge=0)
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
    options: dict[str, str] = Field(default_factory=dict, description="Texts by name.")
    more: JsonValue = Field(None, description="Anything.")
    root_: str = Field("", description="A text with an alias.", alias="root")
    leaf: Leaf | None = Field(None, description="A block.")
    parts: list[Leaf | Twig] = Field(default_factory=list, description="Blocks of two kinds.")
    others: dict[str, Block] = Field(default_factory=dict, description="Blocks of any kind.")


def planned(vault: Vault, text: str, *overlays: str, **options: Any) -> Plan:
    """Plan a manifest given as text."""
    given = [Source("blocks.yaml", text.encode())]
    given += [Source(f"over{n}.yaml", each.encode(), True) for n, each in enumerate(overlays)]
    return vault.plan(*given, **options)


def mistakes(vault: Vault, text: str, *overlays: str, **options: Any) -> list[str]:
    """Return the mistakes in a manifest."""
    with pytest.raises(InvalidManifest) as caught:
        planned(vault, text, *overlays, **options)
    assert vault.documents() == []
    assert SECRET not in str(caught.value)
    return [str(problem) for problem in caught.value.problems]


def tree(vault: Vault, fields: str) -> Tree:
    """Apply a manifest with one tree whose fields are given, and load it."""
    planned(vault, f"blocks: {{manifesttest-tree/t: {{{fields}}}}}").apply()
    return vault.load("manifesttest-tree/t", expect=Tree)


@pytest.mark.parametrize(
    ("given", "name", "value"),
    [
        ("name: no", "name", "no"),
        ("name: 2026-01-01", "name", "2026-01-01"),
        ("name: 1.10", "name", "1.10"),
        ("name: 010", "name", "010"),
        ("name: true", "name", "true"),
        ("name: 'null'", "name", "null"),
        ("kind: 1.0", "kind", "1.0"),
        ("either: 5", "either", 5),
        ("either: '5'", "either", "5"),
        ("either: yes", "either", "yes"),
        ("either: 1.5", "either", "1.5"),
        ("age: 0x10", "age", 16),
        ("height: 1e3", "height", 1000.0),
        ("words: [1, no, x]", "words", ["1", "no", "x"]),
        ("options: {1: 2, on: off}", "options", {"1": "2", "on": "off"}),
        ("more: [1, 2.5, true, null, no, 010]", "more", [1, 2.5, True, None, "no", "010"]),
        ("more: {$$block: x, '$${a': '$${b}'}", "more", {"$block": "x", "${a": "${b}"}),
        ("root: r", "root_", "r"),
        ("root_: r", "root_", "r"),
    ],
)  # fmt: skip
def test_a_value_is_what_its_field_takes(
    memory_vault: Vault, given: str, name: str, value: object
) -> None:
    """A field for texts gets the text as written; any other what YAML 1.2 says."""
    found = getattr(tree(memory_vault, given), name)
    assert found == value
    assert type(found) is type(value)


def test_decimals_and_dates_keep_what_was_written(memory_vault: Vault) -> None:
    """A decimal number keeps its digits, a date is a date."""
    found = tree(memory_vault, "price: 1.100000000000000000001, planted: 2026-01-01")
    assert str(found.price) == "1.100000000000000000001"
    assert str(found.planted) == "2026-01-01"


def test_secrets_are_texts_whatever_they_look_like(memory_vault: Vault) -> None:
    """Digits, dates and words that YAML has plans for are secrets as they are written."""
    found = tree(
        memory_vault,
        "mark: 0123456, marks: {a: 1234567.0, b: 2026-01-01}, seal: {$bytes: AAECAwQF}",
    )
    assert found.mark is not None
    assert found.seal is not None
    assert found.mark.reveal() == "0123456"
    assert [each.reveal() for each in found.marks.values()] == ["1234567.0", "2026-01-01"]
    assert found.seal.reveal() == b"\0\1\2\3\4\5"


def test_all_mistakes_are_reported_at_once_with_their_places(memory_vault: Vault) -> None:
    """File, line, column, address, field and what is wrong, of all blocks; nothing is changed."""
    text = f"""\
version: 2
blokcs: {{}}
blocks:
  nope/x: {{a: 1}}
  manifesttest-leaf: {{}}
  manifesttest-leaf/a@3: {{}}
  manifesttest-leaf/b:
    usr: ann
    password: [{SECRET}]
  manifesttest-tree/c:
    age: -1
    words:
      - fine
      - [not fine]
    leaf: {{$block: manifesttest-twig/d}}
    parts: [{{size: 1}}]
    mark: {{$kept: secret}}
    more: "${{broken"
  manifesttest-twig/d: {{size: many, $tgas: [], $other: 1}}
  manifesttest-tree/e:
    leaf: {{$block: manifesttest-leaf/gone}}
    others: {{a: {{$block: manifesttest-leaf/gone@7}}, b: {{$block: x}}}}
    name: {SECRET}
    $tags: [a b]
    $expires_at: soon
  manifesttest-leaf/f: text
"""
    found = mistakes(memory_vault, text)
    expected = [
        "blocks.yaml:1:10: this Brickwork reads manifests of version 1",
        "blocks.yaml:2:1: 'blokcs' means nothing here; did you mean blocks?",
        "blocks.yaml:4:3: nope/x: No block has the name 'nope'",
        "blocks.yaml:5:3: 'manifesttest-leaf' is not an address",
        "blocks.yaml:6:3: manifesttest-leaf/a@3: a block is given without a version",
        "blocks.yaml:8:5: manifesttest-leaf/b: usr: no such field; did you mean user?",
        "blocks.yaml:9:5: manifesttest-leaf/b: password: Input should be a text",
        "blocks.yaml:11:5: manifesttest-tree/c: age: Input should be greater than or equal to 0",
        "blocks.yaml:14:9: manifesttest-tree/c: words.1: Input should be a valid string",
        "blocks.yaml:15:5: manifesttest-tree/c: leaf: manifesttest-twig/d is no manifesttest-leaf",
        "blocks.yaml:16:13: manifesttest-tree/c: parts.0: it could be several kinds of block",
        "blocks.yaml:17:5: manifesttest-tree/c: mark: there is no saved secret",
        "blocks.yaml:18:5: manifesttest-tree/c: more: There is a `${` that begins no reference.",
        "blocks.yaml:19:25: manifesttest-twig/d: size: Input should be a valid integer",
        "blocks.yaml:19:37: manifesttest-twig/d: $tgas: $tgas means nothing here; did you",
        "blocks.yaml:19:48: manifesttest-twig/d: $other",
        "blocks.yaml:21:5: manifesttest-tree/e: leaf: manifesttest-leaf/gone is neither in the",
        "blocks.yaml:22:14: manifesttest-tree/e: others.a: manifesttest-leaf/gone@7 is not saved",
        "blocks.yaml:22:53: manifesttest-tree/e: others.b: ",
        "blocks.yaml:24:5: manifesttest-tree/e: $tags: Not a tag: 'a b'",
        "blocks.yaml:25:5: manifesttest-tree/e: $expires_at: write a time such as",
        "blocks.yaml:26:24: manifesttest-leaf/f: a block is a mapping from fields to values",
    ]  # fmt: skip
    missing = [each for each in expected if not any(f.startswith(each) for f in found)]
    assert missing == []
    assert len(found) == len(expected)


def test_a_broken_file_does_not_hide_mistakes_in_another(memory_vault: Vault) -> None:
    """What is no YAML at all is one mistake among the others."""
    with pytest.raises(InvalidManifest) as caught:
        memory_vault.plan(
            Source("a.yaml", b"blocks: {manifesttest-leaf/a: !x {}}"),
            Source("b.yaml", b"blocks: {manifesttest-leaf/b: {usr: 1}}"),
        )
    places = [(each.file, each.line, each.column) for each in caught.value.problems]
    assert places == [("a.yaml", 1, 31), ("b.yaml", 1, 32)]


def test_files_folders_and_documents_make_one_manifest(memory_vault: Vault, tmp_path: Path) -> None:
    """Several documents of a file, and the .yaml and .yml files of a folder, add up."""
    folder = tmp_path / "blocks"
    folder.mkdir()
    (folder / "a.yaml").write_text("manifest: m\n---\nblocks: {manifesttest-leaf/a: {}}\n---\n")
    (folder / "b.yml").write_text("blocks:\n  manifesttest-leaf/b:\n")
    (folder / "c.txt").write_text("not YAML: [")
    (folder / ".d.yaml").write_text("not YAML: [")
    single = tmp_path / "single.yaml"
    single.write_text("manifest: m\nblocks: {manifesttest-leaf/c: {user: c}}\n")

    plan = memory_vault.plan(folder, str(single))

    assert plan.manifest == "m"
    assert [step.address.name for step in plan.steps] == ["a", "b", "c"]


def test_files_that_cannot_be_read_are_named(memory_vault: Vault, tmp_path: Path) -> None:
    """A file that is not there, and a folder without manifests, are errors of usage."""
    with pytest.raises(ConfigError, match=r"none\.yaml cannot be read: No such file"):
        memory_vault.plan(tmp_path / "none.yaml")
    with pytest.raises(ConfigError, match=r"no file that ends with \.yaml"):
        memory_vault.plan(tmp_path)


def test_an_address_in_two_files_is_a_mistake_that_names_both(memory_vault: Vault) -> None:
    """Only an overlay changes what another file gives."""
    one, two = b"\nblocks: {manifesttest-leaf/a: {}}", b"blocks: {manifesttest-leaf/a: {}}"
    with pytest.raises(InvalidManifest, match=r"two.yaml:1:10: .*already in one.yaml, line 2"):
        memory_vault.plan(Source("one.yaml", one), Source("two.yaml", two))


def test_two_names_are_a_mistake(memory_vault: Vault) -> None:
    """All files of a manifest have one name; what is no name is refused."""
    assert (
        "named a in a file before, and b"
        in mistakes(memory_vault, "manifest: a\n---\nmanifest: b\n")[0]
    )
    assert "not a name for a manifest" in mistakes(memory_vault, "manifest: a b\n")[0]


def test_an_overlay_replaces_fields_and_adds_blocks(memory_vault: Vault) -> None:
    """Fields that an overlay gives replace those before, the others stay; later ones win."""
    base = """
manifest: shop
blocks:
  manifesttest-leaf/a: {user: base, password: base-password, $tags: [base]}
"""
    one = "blocks: {manifesttest-leaf/a: {user: one}, manifesttest-leaf/b: {user: new}}"
    two = "blocks: {manifesttest-leaf/a: {user: two, $tags: [prod, eu]}}"
    planned(memory_vault, base, one, two).apply()

    loaded: Any = memory_vault.load("manifesttest-leaf/a")
    assert (loaded.user, loaded.password.reveal()) == ("two", "base-password")
    assert memory_vault.document("manifesttest-leaf/a").notes == Notes(
        tags=("eu", "prod"), manifest="shop", applied=1
    )
    assert memory_vault.document("manifesttest-leaf/b").fields["user"] == "new"


def test_a_mistake_in_an_overlay_is_named_there(memory_vault: Vault) -> None:
    """The place of a field is that of the file that gives it."""
    base = "blocks: {manifesttest-twig/a: {size: 1}}"
    [found] = mistakes(memory_vault, base, "\nblocks: {manifesttest-twig/a: {size: x}}")
    assert found.startswith("over0.yaml:2:32: manifesttest-twig/a: size: ")


def test_notes_are_saved(memory_vault: Vault) -> None:
    """Description, tags, expiry and owner go to the notes; a time without a zone is UTC."""
    text = """
manifest: shop
blocks:
  manifesttest-leaf/a: {$description: Who we are, $tags: [b, a, a], $expires_at: 2027-06-30}
"""
    planned(memory_vault, text).apply()
    notes = memory_vault.document("manifesttest-leaf/a").notes
    assert notes.description == "Who we are"
    assert notes.tags == ("a", "b")
    assert str(notes.expires_at) == "2027-06-30 00:00:00+00:00"
    assert (notes.manifest, notes.applied) == ("shop", 1)


_KEYS = st.sampled_from(
    [
        *Tree.model_fields,
        "root",
        "$block",
        "$type",
        "$kept",
        "$bytes",
        "$$x",
        "$tags",
        "$x",
        "",
        "a",
    ]
)
_TEXTS = st.text(max_size=5) | st.sampled_from(
    ["${env:X}", "${block:manifesttest-tree/t#name}", "${", "$${", "secret", "manifesttest-leaf",
     "manifesttest-leaf/a", "manifesttest-tree/t", "x/y@3", "manifesttest-twig"]
)  # fmt: skip
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.filterwarnings("ignore::brickwork.MaskingWarning")
@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(fields=st.dictionaries(_KEYS, _VALUES, max_size=4), applies=st.booleans())
def test_any_fields_are_planned_or_mistakes(
    memory_vault: Vault, fields: dict[str, Any], applies: bool
) -> None:
    """Whatever stands in a block, the answer is a plan, or mistakes with their places."""
    manifest = {"blocks": {"manifesttest-tree/t": fields, "manifesttest-leaf/a": {"user": "b"}}}
    text = "".join(f"{line}\n" for line in yaml_lines(manifest))
    plan = None
    with contextlib.suppress(InvalidManifest):
        plan = planned(memory_vault, text)
    if plan is not None and applies:
        plan.apply()
        assert planned(memory_vault, text).counts == {"same": 2}
