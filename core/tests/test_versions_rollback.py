"""An old version is made the newest again; notes are changed without the block's class."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest
from pydantic import Field

from brickwork import (
    BasicAuth,
    Block,
    BlockError,
    BlockNotFound,
    InvalidName,
    MigrationError,
    Notes,
    PluginMissing,
    Secret,
    Settings,
    TamperedCiphertext,
    UnknownBlock,
    Vault,
    WrongKey,
    block as block_module,
    migration,
)
from brickwork.block import defined_blocks
from brickwork.store import Record

LATER = datetime(2099, 1, 31, tzinfo=UTC)


class Team(Block):
    """Refers to others."""

    slug: ClassVar[str] = "rollbacktest-team"

    label: str = Field("", description="Label.")
    members: list[Block] = Field(default_factory=list, description="Others.")


@pytest.fixture
def vault(memory_vault: Vault) -> Vault:
    """A vault with a login of three versions."""
    for number in (1, 2, 3):
        block = BasicAuth(username=f"user-{number}", password=Secret(f"password-{number}"))
        block.save("x", overwrite=True)
    return memory_vault


def actions(vault: Vault) -> list[str]:
    """What the audit trail says was done."""
    return [json.loads(row.content)["action"] for row in vault.store.audit_rows()]


def record_of(vault: Vault, slug: str, name: str, version: int | None = None) -> Record:
    """Return a version as it is stored."""
    record = vault.store.get(slug, name, version)
    assert record is not None
    return record


def damage(vault: Vault, slug: str, name: str, version: int | None = None) -> None:
    """Change a byte of what is sealed."""
    record = record_of(vault, slug, name, version)
    with vault.store.transaction():
        vault.store.replace(record._replace(sealed=record.sealed[:-1] + b"?"))


# Rolling back


def test_an_old_version_becomes_the_newest(vault: Vault) -> None:
    """Its content is a new version; nothing is lost, and the trail says what was done."""
    before = BasicAuth.load("x", version=1)
    document = vault.rollback("basic-auth/x", 1)
    assert document.version == 4
    assert BasicAuth.load("x") == before
    assert [each.version for each in vault.history("basic-auth/x")] == [1, 2, 3, 4]
    assert BasicAuth.load("x", version=3).username == "user-3"
    assert actions(vault) == ["save", "save", "save", "rollback"]
    entry = json.loads(list(vault.store.audit_rows())[-1].content)
    assert (entry["address"], entry["detail"]) == ("basic-auth/x@4", {"to": 1})


def test_it_is_sealed_anew(vault: Vault) -> None:
    """The new version has a data key of its own."""
    vault.rollback("basic-auth/x", 1)
    old, new = record_of(vault, "basic-auth", "x", 1), record_of(vault, "basic-auth", "x")
    assert old.public == new.public
    assert old.sealed[-64:] != new.sealed[-64:]


def test_what_is_newest_already_is_no_version(vault: Vault) -> None:
    """The newest itself, and one that is equal to it, change nothing."""
    assert vault.rollback("basic-auth/x", 3).version == 3
    vault.rollback("basic-auth/x", 2)
    assert vault.rollback("basic-auth/x", 2).version == 4
    assert actions(vault).count("rollback") == 1


def test_what_is_not_there_is_refused(vault: Vault) -> None:
    """No version, no block, and an address that names a version itself: typed errors."""
    for address, version, kind in (
        ("basic-auth/x", 9, BlockNotFound),
        ("basic-auth/nobody", 1, BlockNotFound),
        ("basic-auth/x@1", 1, BlockError),
        ("nonsense", 1, InvalidName),
    ):
        with pytest.raises(kind):
            vault.rollback(address, version)
    assert len(vault.history("basic-auth/x")) == 3


def test_children_stay_as_they_were_referred_to(vault: Vault) -> None:
    """A pinned version stays pinned, another reference follows the newest version."""
    pinned, loose = BasicAuth.load("x", version=1), Settings(value=1)
    loose.save("s")
    Team(label="old", members=[pinned, loose]).save("t")
    Team(label="new").save("t", overwrite=True)
    Settings(value=2).save("s", overwrite=True)
    document = vault.rollback("rollbacktest-team/t", 1)
    assert [str(use) for use in document.uses] == ["basic-auth/x@1", "settings/s"]
    members: list[Any] = Team.load("t").members
    assert (members[0].username, members[1].value) == ("user-1", 2)
    assert [str(user) for user in vault.used_by("settings/s")] == ["rollbacktest-team/t@3"]


def test_a_block_that_is_gone_is_not_referred_to_again(vault: Vault) -> None:
    """Neither a deleted block nor a pruned version."""
    Settings(value=1).save("s")
    Team(members=[Settings.load("s")]).save("t")
    Team().save("t", overwrite=True)
    vault.delete("settings/s")
    with pytest.raises(BlockNotFound, match="settings/s"):
        vault.rollback("rollbacktest-team/t", 1)
    Settings(value=1).save("s2")
    Settings(value=2).save("s2", overwrite=True)
    Team(members=[Settings.load("s2", version=1)]).save("t2")
    Team(label="without").save("t2", overwrite=True)
    vault.store.get("settings", "s2")
    with vault.store.transaction():
        vault.store.remove_versions(record_of(vault, "settings", "s2").block_id, [1])
    with pytest.raises(BlockNotFound, match="no version 1"):
        vault.rollback("rollbacktest-team/t2", 1)
    assert vault.document("rollbacktest-team/t2").version == 2


def test_a_circle_is_refused(vault: Vault) -> None:
    """What an old version refers to may refer back by now."""
    Team(label="b").save("b")
    Team(members=[Team.load("b")]).save("a")
    Team().save("a", overwrite=True)
    Team(label="b", members=[Team.load("a")]).save("b", overwrite=True)
    with pytest.raises(BlockError, match="refer to itself"):
        vault.rollback("rollbacktest-team/a", 1)


def test_references_come_back_as_they_are_written(vault: Vault) -> None:
    """Nothing needs to be fetched, and nothing that was fetched is written."""
    vault.define("basic-auth/r", {"username": "u", "password": "${env:NOT_SET_ANYWHERE}"})
    vault.define(
        "basic-auth/r", {"username": "u", "password": "a-literal-password"}, overwrite=True
    )
    assert vault.rollback("basic-auth/r", 1).fields["password"] == "${env:NOT_SET_ANYWHERE}"


def test_notes_come_back_but_not_the_owner(vault: Vault) -> None:
    """Description, tags and expiry are the old version's; which manifest owns it is not."""
    vault.annotate("basic-auth/x", Notes("of four", ("t",), LATER, manifest="old"))
    vault.annotate("basic-auth/x", Notes("of five", manifest="new"))
    document = vault.rollback("basic-auth/x", 4)
    assert document.notes == Notes("of four", ("t",), LATER, manifest="new")
    assert vault.rollback("basic-auth/x", 1).notes == Notes(manifest="new")


def test_a_damaged_version_is_not_brought_back(vault: Vault) -> None:
    """One that was changed is refused; rolling back over one is how it is mended."""
    damage(vault, "basic-auth", "x", 1)
    with pytest.raises(TamperedCiphertext):
        vault.rollback("basic-auth/x", 1)
    damage(vault, "basic-auth", "x")
    vault.rollback("basic-auth/x", 2)
    assert BasicAuth.load("x").username == "user-2"


def test_another_key_changes_nothing(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    """With another key neither a rollback nor a note is written."""
    monkeypatch.setenv("OTHER_KEY", "b3RoZXIga2V5IG9mIG5vdGhpbmcgYnV0IHRlc3RzICE=")
    with Vault.open(vault.store.location, keys="env:OTHER_KEY") as other:
        with pytest.raises(WrongKey):
            other.rollback("basic-auth/x", 1)
        with pytest.raises(WrongKey):
            other.annotate("basic-auth/x", Notes("x"))
    assert len(vault.history("basic-auth/x")) == 3
    assert len(actions(vault)) == 3


# Of another schema

Define = Callable[..., type[Block]]


@pytest.fixture
def define(monkeypatch: pytest.MonkeyPatch) -> Define:
    """Let a test define one class in several releases."""
    monkeypatch.setattr(block_module, "defined_blocks", dict(defined_blocks))

    def define(version: int, *, fields: dict[str, Any], **members: Any) -> type[Block]:
        return type(
            "Account",
            (Block,),
            {
                "__module__": __name__,
                "__doc__": "An account.",
                "__annotations__": {**fields, "slug": ClassVar[str]},
                "slug": "rollbacktest-account",
                "schema_version": version,
                **members,
            },
        )

    return define


@migration(1)
def _user_became_login(old: dict[str, Any]) -> dict[str, Any]:
    return {"login": old["user"], "token": old["token"]}


def test_an_old_schema_comes_back_as_todays(vault: Vault, define: Define) -> None:
    """The version is lifted, and saved with the schema of today."""
    old = define(1, fields={"user": str, "token": Secret[str]})
    for name in ("first", "second"):
        old(user=name, token=f"token-of-{name}").save("a", overwrite=True)
    new = define(2, fields={"login": str, "token": Secret[str]}, _lift=_user_became_login)
    document = vault.rollback("rollbacktest-account/a", 1)
    assert (document.version, document.schema_version) == (3, 2)
    assert document.fields == {"login": "first", "token": "********"}
    loaded: Any = new.load("a")
    assert loaded.token.reveal() == "token-of-first"
    assert vault.rollback("rollbacktest-account/a", 1).version == 3
    assert vault.rollback("rollbacktest-account/a", 2).version == 4


def test_an_old_schema_that_cannot_be_lifted_is_refused(vault: Vault, define: Define) -> None:
    """No migration, one that fails, and a class that changed without one: typed, and no version."""
    old = define(1, fields={"user": str})
    old(user="first").save("a")
    old(user="second").save("a", overwrite=True)
    define(2, fields={"login": str})
    with pytest.raises(MigrationError, match="no migration from 1 to 2"):
        vault.rollback("rollbacktest-account/a", 1)
    define(1, fields={"login": str})
    with pytest.raises(MigrationError, match="does not fit"):
        vault.rollback("rollbacktest-account/a", 1)
    assert vault.document("rollbacktest-account/a").version == 2


# Annotating


def test_other_notes_are_a_new_version_of_the_same_content(vault: Vault) -> None:
    """Fields and secrets stay; the notes of the version before do not."""
    before = BasicAuth.load("x")
    document = vault.annotate("basic-auth/x", Notes("for the intranet", ("prod",), LATER))
    assert (document.version, document.notes) == (4, Notes("for the intranet", ("prod",), LATER))
    assert BasicAuth.load("x") == before
    assert vault.annotate("basic-auth/x", Notes("other")).notes == Notes("other")
    assert vault.annotate("basic-auth/x", Notes()).notes == Notes()
    assert b"notes" not in record_of(vault, "basic-auth", "x").public
    assert actions(vault)[3:] == ["annotate"] * 3


def test_the_same_notes_are_no_version(vault: Vault) -> None:
    """In any order of tags."""
    vault.annotate("basic-auth/x", Notes("d", ("b", "a")))
    assert vault.annotate("basic-auth/x", Notes("d", ("a", "b", "a"))).version == 4
    assert actions(vault).count("annotate") == 1


def test_a_saved_block_keeps_its_notes(vault: Vault) -> None:
    """Saving without notes keeps those there are, saving with some replaces them."""
    vault.annotate("basic-auth/x", Notes("kept"))
    block = BasicAuth(username="new", password=Secret("password-new"))
    assert block.save("x", overwrite=True).notes.description == "kept"
    assert BasicAuth.load("x").save("x", overwrite=True, notes=Notes("said")).notes == Notes("said")


def test_a_block_without_its_class_can_be_annotated(vault: Vault, define: Define) -> None:
    """The plugin need not be there; rolling back needs it, to know that the version loads."""
    define(1, fields={"user": str})(user="first").save("a")
    define(1, fields={"user": str})(user="second").save("a", overwrite=True)
    del block_module.defined_blocks["rollbacktest-account"]
    assert vault.annotate("rollbacktest-account/a", Notes("kept for later")).version == 3
    with pytest.raises((UnknownBlock, PluginMissing)):
        vault.rollback("rollbacktest-account/a", 1)
    assert vault.document("rollbacktest-account/a").fields == {"user": "second"}


def test_a_parent_whose_child_is_gone_can_be_annotated(vault: Vault) -> None:
    """A note is no reason to look at what a block refers to."""
    Settings(value=1).save("s")
    Team(members=[Settings.load("s")]).save("t")
    with vault.store.transaction():
        vault.store.remove(record_of(vault, "settings", "s").block_id)
    assert vault.annotate("rollbacktest-team/t", Notes("broken")).version == 2


def test_notes_that_cannot_be_are_refused(vault: Vault) -> None:
    """Line breaks, words with spaces, times without a zone; nothing is written."""
    for notes in (
        Notes("two\nlines"),
        Notes("x" * 1001),
        Notes(tags=("two words",)),
        Notes(tags=tuple(f"t{n}" for n in range(51))),
        Notes(expires_at=datetime(2027, 1, 1)),  # the mistake
    ):
        with pytest.raises(BlockError):
            vault.annotate("basic-auth/x", notes)
    assert len(vault.history("basic-auth/x")) == 3


def test_notes_are_bound_by_the_seal(vault: Vault) -> None:
    """Whoever changes an expiry in the database makes the block unreadable."""
    vault.annotate("basic-auth/x", Notes(expires_at=datetime.now(UTC) + timedelta(days=90)))
    record = record_of(vault, "basic-auth", "x")
    later = record.public.replace(b'"expires_at":"20', b'"expires_at":"21')
    with vault.store.transaction():
        vault.store.replace(record._replace(public=later))
    with pytest.raises(TamperedCiphertext):
        BasicAuth.load("x")
    with pytest.raises(TamperedCiphertext):
        vault.annotate("basic-auth/x", Notes("innocent"))


def test_a_field_called_notes_is_no_note(vault: Vault) -> None:
    """User data that looks like notes survives."""
    value = {"notes": {"description": "mine"}, "x": '"notes":'}
    Settings(value=value).save("n")
    vault.annotate("settings/n", Notes("theirs"))
    vault.annotate("settings/n", Notes("others"))
    assert Settings.load("n").value == value
    assert vault.annotate("settings/n", Notes()).fields == {"value": value}
