"""A file of the catalog: what is accepted, and how what is odd is refused."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, strategies as st

from brickwork import InvalidCatalog
from brickwork.catalog.files import MOST_BYTES, checked, content_of, parse, read, text_of
from brickwork.catalog.generate import index_of
from brickwork.catalog.model import format_schema
from brickwork.catalog.svg import MOST_BYTES as LOGO_BYTES, problem_of

SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><path d="M0 0h8"/></svg>'
SCHEMA = format_schema()


def entry(**changes: Any) -> dict[str, Any]:
    """Return a good file of a third party, with changes to its distribution or its things."""
    things = changes.pop("things", None)
    distribution = {
        "name": "brickwork-acme",
        "version": "1.0",
        "summary": "Acme for Brickwork",
        "plugins": ["acme"],
        "schemes": ["acme"],
        "extras": ["fast"],
        "homepage": "https://acme.example/brickwork",
        "logo": SVG,
        **changes,
    }
    return {
        "format": "brickwork.catalog/1",
        "distribution": distribution,
        "things": [block(), storage(), task()] if things is None else things,
    }


def block(**changes: Any) -> dict[str, Any]:
    """Return the entry of a block."""
    field = {"name": "token", "type": "secret", "required": True, "secret": True}
    return {
        "kind": "block",
        "name": "acme-account",
        "summary": "An account at Acme.",
        "title": "Account",
        "fields": [{**field, "description": "The API token."}],
        **changes,
    }


def storage(**changes: Any) -> dict[str, Any]:
    """Return the entry of a storage."""
    return {"kind": "storage", "name": "acme", "extra": "fast", **changes}


def task(**changes: Any) -> dict[str, Any]:
    """Return the entry of a task."""
    signature = "balance(account: Account) -> int"
    return {"kind": "task", "name": "acme.balance", "signature": signature, **changes}


def test_a_good_file_is_taken_and_written_again_as_it_was() -> None:
    """What is read is what is written, and it fits the JSON Schema of the format."""
    file = parse(json.dumps(entry()).encode(), "acme.json")

    assert content_of(file) == entry()
    assert parse(text_of(content_of(file)).encode(), "again") == file
    assert parse(text_of(content_of(file), compact=True).encode(), "again") == file
    jsonschema.Draft202012Validator(SCHEMA).validate(content_of(file))


def test_the_schema_of_the_format_is_a_schema_of_2020_12() -> None:
    """Editors and others' tools can use it, and it describes every property."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    for part in SCHEMA["$defs"].values():
        for name, about in part["properties"].items():
            assert about.get("description") or name == "kind", name


def test_the_compact_form_leaves_out_only_schema_and_logo() -> None:
    """What is shipped has all that the command line shows."""
    full = entry(things=[block(schema={"type": "object"})])
    content = content_of(checked(full, "x"), compact=True)

    assert content == {
        **entry(things=[block()]),
        "distribution": {k: v for k, v in full["distribution"].items() if k != "logo"},
    }


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (entry(things=[block(name="aws-account")]), "does not begin with a plugin of its own"),
        (entry(things=[block(name="webhook")]), "belongs to Brickwork itself"),
        (entry(things=[task(name="aws.balance")]), "does not begin with a plugin of its own"),
        (entry(things=[task(name="acme-balance")]), "no name of that kind"),
        (entry(things=[storage(name="s3")]), "a scheme that is none of the distribution's"),
        (entry(things=[storage(extra="slow")]), "needs the extra 'slow'"),
        (entry(things=[block(), block()]), "not sorted by kind and name, each once"),
        (entry(things=[task(), block()]), "not sorted by kind and name, each once"),
        (entry(things=[block(kind="brick")]), "things[0]"),
        (entry(things=[block(colour="red")]), "colour: Extra inputs are not permitted"),
        (entry(things=[block(title=3)]), "title: Input should be a valid string"),
        (entry(things=[block(title="a\nb")]), "more than one line"),
        (entry(things=[block(description="a\u202eb")]), "U+202E"),
        (entry(things=[block(summary="\x1b[2J")]), "U+001B"),
        (entry(things=[block(python="os.system('x')")]), "python: String should match"),
        (entry(name="Brickwork Acme"), "distribution.name"),
        (entry(version="; rm -rf /"), "distribution.version"),
        (entry(homepage="javascript:alert(1)"), "distribution.homepage"),
        (entry(logo="<svg/>"), "distribution.logo"),
        ({**entry(), "format": "brickwork.catalog/9"}, "format"),
        ({"format": "brickwork.catalog/1"}, "distribution: Field required"),
        ([], "the file"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(changed: Any, said: str) -> None:
    """A name of somebody else, an odd character, a field that is none: each is said where it is."""
    with pytest.raises(InvalidCatalog) as caught:
        parse(json.dumps(changed).encode(), "acme.json")

    assert said in caught.value.what
    assert "acme.json" in caught.value.what
    assert caught.value.fix


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is no JSON"),
        (b"{'a': 1}", "is no JSON"),
        (b"\xff\xfe", "is no JSON"),
        (b'{"format": 1, "format": 2}', "'format' stands twice"),
        (b'{"a": NaN}', "NaN is no number of JSON"),
        (b"[" * 200_000, "nested too deeply"),
        (b" " * (MOST_BYTES + 1), "is larger than"),
    ],
)
def test_what_is_no_json_is_refused(data: bytes, said: str) -> None:
    """Damage, doubled keys, depth and size are typed errors too."""
    with pytest.raises(InvalidCatalog, match=said):
        parse(data, "acme.json")


def test_a_file_that_is_not_there_is_a_typed_error(tmp_path: Path) -> None:
    """So is a folder."""
    for path in (tmp_path / "none.json", tmp_path):
        with pytest.raises(InvalidCatalog, match="cannot be read"):
            read(path)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
        lambda inside: (
            st.lists(inside, max_size=4)
            | st.dictionaries(
                st.sampled_from([*entry(), *block(), *task(), *entry()["distribution"]])
                | st.text(max_size=5),
                inside,
                max_size=6,
            )
        ),
        max_leaves=30,
    )
)
def test_whatever_json_holds_is_taken_or_refused(content: Any) -> None:
    """No content of a file leads to anything but a file of the catalog or InvalidCatalog."""
    for whole in (content, {**entry(), "things": [content]}, {**entry(), "distribution": content}):
        try:
            file = checked(whole, "any.json")
        except InvalidCatalog:
            continue
        assert parse(text_of(content_of(file)).encode(), "any.json") == file


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no drawing",
        "<svg/>",
        '<svg xmlns="http://www.w3.org/2000/svg"></svg>',
        f'<!DOCTYPE x [<!ENTITY a "b">]>{SVG}',
        f"<?xml-stylesheet href='x'?>{SVG}",
        SVG.replace("<path", "<script>alert(1)</script><path"),
        SVG.replace("<path", "<foreignObject/><path"),
        SVG.replace("<path", '<a href="https://evil.example"/><path'),
        SVG.replace("<path", '<image href="https://evil.example/x.png"/><path'),
        SVG.replace("<path", '<path onclick="alert(1)"'),
        SVG.replace("<path", '<path style="background:url(https://evil.example)"'),
        SVG.replace("<path", '<path fill="url(https://evil.example/#a)"'),
        SVG.replace("<path", '<path fill="javascript:alert(1)"'),
        SVG.replace('d="M0 0h8"', f'd="{"M0 0h8" * LOGO_BYTES}"'),
    ],
)
def test_a_logo_that_runs_links_or_fetches_is_refused(text: str) -> None:
    """A logo is shown on a page of others: it is a plain, small drawing or nothing."""
    assert problem_of(text)


def test_a_plain_drawing_is_a_logo() -> None:
    """What draws only is taken, letters too: so is the logo that `plugin new` writes."""
    assert problem_of(SVG) == ""
    assert problem_of(SVG.replace("<path", '<text x="1" font-size="7">A</text><path')) == ""
    template = files("brickwork.scaffold") / "files/src/brickwork_acme/logo.svg.template"
    assert problem_of(template.read_text()) == ""


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (entry(), "distribution 'brickwork-acme'"),
        (entry(name="brickwork-other"), "plugin 'acme'"),
        (
            entry(name="other", plugins=[], things=[storage()]),
            "storage 'acme'",
        ),
    ],
)
def test_two_that_bring_the_same_are_refused(other: dict[str, Any], said: str) -> None:
    """Nobody can take a name in the catalog that somebody else has."""
    both = [checked(entry(), "a"), checked(other, "b")]
    with pytest.raises(InvalidCatalog, match=said):
        index_of(both)


def test_the_index_leads_from_names_to_distributions() -> None:
    """It has every name with its kinds, and levels only where they were measured."""
    own = index_of([checked(entry(), "a")], {"brickwork-acme": "gold", "else": "bronze"})

    assert own["distributions"]["brickwork-acme"]["level"] == "gold"
    assert own["distributions"]["brickwork-acme"]["things"] == 3
    assert own["names"]["acme-account"] == [
        {"kind": "block", "distribution": "brickwork-acme", "summary": "An account at Acme."}
    ]
    assert "level" not in index_of([checked(entry(), "a")])["distributions"]["brickwork-acme"]
