"""What two versions of a block differ in is told without a secret."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import Field

from brickwork import (
    BasicAuth,
    Block,
    BlockNotFound,
    KeyUnavailable,
    Notes,
    Secret,
    Settings,
    TamperedCiphertext,
    Vault,
)
from brickwork.testing.leaks import leaks

FIRST, SECOND = "first-password-4711", "second-password-0815-longer"


class Team(Block):
    """Has everything that a diff can meet."""

    slug: ClassVar[str] = "difftest-team"

    label: str = Field("", description="Label.")
    lead: Block | None = Field(None, description="Another block.")
    tokens: dict[str, Secret[str]] = Field(default_factory=dict, description="Secrets.")
    limits: dict[str, Any] = Field(default_factory=dict, description="Settings.")


@pytest.fixture
def vault(memory_vault: Vault) -> Vault:
    """A vault with a login of three versions."""
    BasicAuth(username="a", password=Secret(FIRST)).save("x")
    BasicAuth(username="b", password=Secret(FIRST)).save("x", overwrite=True)
    BasicAuth(username="b", password=Secret(SECOND)).save("x", overwrite=True)
    return memory_vault


def told(vault: Vault, *args: Any) -> dict[str, tuple[str, Any, Any]]:
    """Return pointer to kind, before and after."""
    return {c.pointer: (c.kind, c.before, c.after) for c in vault.diff(*args).changes}


def test_the_newest_two_versions_are_compared(vault: Vault) -> None:
    """Without versions it is the newest and the one before; a secret is changed or unchanged."""
    found = vault.diff("basic-auth/x")
    assert (found.before, found.after, found.different) == (2, 3, True)
    assert told(vault, "basic-auth/x") == {"/password": ("changed", "********", "********")}
    assert told(vault, "basic-auth/x", 1, 2) == {
        "/username": ("changed", "a", "b"),
        "/password": ("unchanged", "********", "********"),
    }


def test_versions_are_chosen(vault: Vault) -> None:
    """An address with a version is the older one; B alone is compared with the one before it."""
    for found in (vault.diff("basic-auth/x@1"), vault.diff("basic-auth/x", 1)):
        assert (found.before, found.after) == (1, 3)
    assert vault.diff("basic-auth/x", b=2)[1:3] == (1, 2)
    backwards = vault.diff("basic-auth/x", 3, 1)
    assert {c.pointer: (c.before, c.after) for c in backwards.changes}["/username"] == ("b", "a")
    assert not vault.diff("basic-auth/x", 2, 2).different


def test_a_first_version_is_compared_with_nothing(vault: Vault) -> None:
    """Everything in it was added."""
    found = vault.diff("basic-auth/x", b=1)
    assert found.before is None
    assert {change.kind for change in found.changes} == {"added"}
    assert found.schema_versions == (None, 1)


def test_a_version_that_is_not_there_is_named(vault: Vault) -> None:
    """Neither an unknown version nor an unknown block is compared."""
    with pytest.raises(BlockNotFound, match=r"no version 9.*newest is 3"):
        vault.diff("basic-auth/x", 1, 9)
    with pytest.raises(BlockNotFound, match="No block"):
        vault.diff("basic-auth/nobody")


def test_no_secret_nor_its_length_shows(vault: Vault) -> None:
    """Whatever two secrets are, the diff of them is the same."""
    one = repr(vault.diff("basic-auth/x"))
    assert not leaks(FIRST, one)
    assert not leaks(SECOND, one)
    BasicAuth(username="b", password=Secret("x" * 3000)).save("x", overwrite=True)
    assert repr(vault.diff("basic-auth/x").changes) in one


def test_blocks_lists_and_nested_fields_are_compared(vault: Vault) -> None:
    """Blocks by address, embedded ones by class and fields, entries by JSON pointer."""
    login = BasicAuth.load("x")
    Team(lead=login, tokens={"a/b": Secret(FIRST), "gone": Secret(FIRST)}).save("t")
    Settings(value=1).save("s")
    Team(
        lead=Settings.load("s"),
        tokens={"a/b": Secret(FIRST), "new": Secret(FIRST)},
        limits={"list": [1, {"x": True}], "none": {}},
    ).save("t", overwrite=True)
    assert told(vault, "difftest-team/t") == {
        "/lead": ("changed", {"$block": "basic-auth/x"}, {"$block": "settings/s"}),
        "/limits": ("removed", {}, None),
        "/limits/list/0": ("added", None, 1),
        "/limits/list/1/x": ("added", None, True),
        "/limits/none": ("added", None, {}),
        "/tokens/a~1b": ("unchanged", "********", "********"),
        "/tokens/gone": ("removed", "********", None),
        "/tokens/new": ("added", None, "********"),
    }
    Team(lead=BasicAuth(username="in", password=Secret(FIRST))).save("t", overwrite=True)
    changes = told(vault, "difftest-team/t")
    assert changes["/lead/username"] == ("added", None, "in")
    assert changes["/lead"][2] == {"slug": "basic-auth", "schema_version": 1}


def test_a_public_value_that_looks_like_a_secret_is_none(vault: Vault) -> None:
    """Eight asterisks in a public field are compared like any text; one is not true."""
    Settings(value={"a": "********", "b": 1}).save("s")
    Settings(value={"a": "other", "b": True}).save("s", overwrite=True)
    assert told(vault, "settings/s") == {
        "/value/a": ("changed", "********", "other"),
        "/value/b": ("changed", 1, True),
    }


def test_notes_are_compared(vault: Vault) -> None:
    """What was said about a block is told apart from what is in it."""
    when = datetime(2027, 1, 31, tzinfo=UTC)
    vault.annotate("basic-auth/x", Notes("the login", ("a", "b")))
    vault.annotate("basic-auth/x", Notes("", ("b",), when))
    notes = {c.pointer: (c.kind, c.before, c.after) for c in vault.diff("basic-auth/x").notes}
    assert notes == {
        "description": ("removed", "the login", None),
        "tags": ("changed", ["a", "b"], ["b"]),
        "expires_at": ("added", None, "2027-01-31T00:00:00+00:00"),
    }
    assert vault.diff("basic-auth/x").different


def test_references_are_compared_as_they_are_written(vault: Vault) -> None:
    """What a reference leads to is not fetched, and not shown."""
    vault.define("basic-auth/r", {"username": "u", "password": "${env:NOT_SET_1}"})
    vault.define("basic-auth/r", {"username": "u", "password": "${env:NOT_SET_2}"}, overwrite=True)
    assert told(vault, "basic-auth/r") == {
        "/password": ("changed", "${env:NOT_SET_1}", "${env:NOT_SET_2}")
    }
    vault.define(
        "basic-auth/r", {"username": "u", "password": f"{FIRST}${{env:N}}"}, overwrite=True
    )
    found = vault.diff("basic-auth/r")
    assert [(c.what, c.after) for c in found.changes] == [("secret", "********")]
    assert not leaks(FIRST, repr(found))


def test_a_changed_version_is_unverified(vault: Vault) -> None:
    """Public changes still show; secrets are unknown, and the reason stands beside them."""
    record = vault.store.get("basic-auth", "x", 2)
    assert record is not None
    with vault.store.transaction():
        vault.store.replace(record._replace(public=record.public.replace(b'"b"', b'"evil"')))
    found = vault.diff("basic-auth/x", 1, 2)
    assert {c.pointer: (c.kind, c.after) for c in found.changes} == {
        "/username": ("changed", "evil"),
        "/password": ("unknown", "********"),
    }
    assert {v: type(e) for v, e in found.unverified.items()} == {2: TamperedCiphertext}


def test_without_the_key_public_changes_show(vault: Vault, monkeypatch: Any) -> None:
    """A diff needs no key; it says then that nothing was verified."""
    monkeypatch.setenv("NO_KEY", "")
    with Vault.open(vault.store.location, keys="env:NO_KEY") as keyless:
        found = keyless.diff("basic-auth/x", 1)
    assert {c.pointer: c.kind for c in found.changes} == {
        "/username": "changed",
        "/password": "unknown",
    }
    assert {v: type(e) for v, e in found.unverified.items()} == {
        1: KeyUnavailable,
        3: KeyUnavailable,
    }


def test_a_public_part_that_is_no_document_is_a_typed_error(vault: Vault) -> None:
    """There is nothing to compare then."""
    record = vault.store.get("basic-auth", "x", 3)
    assert record is not None
    for public in (b"\xff", b"[]", b'{"fields":1}', json.dumps({"fields": {}}).encode()):
        with vault.store.transaction():
            vault.store.replace(record._replace(public=public))
        with pytest.raises(TamperedCiphertext, match="basic-auth/x@3"):
            vault.diff("basic-auth/x")


def test_looking_makes_no_vault(tmp_path: Path) -> None:
    """A diff where there is no vault finds nothing, and makes none."""
    with Vault.open(str(tmp_path / "none.db")) as vault, pytest.raises(BlockNotFound):
        vault.diff("basic-auth/x")
    assert not (tmp_path / "none.db").exists()
