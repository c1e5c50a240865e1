"""Saving, versions, conflicts, names, deletion."""

import threading
from typing import Any, ClassVar

import pytest

from brickwork import (
    Address,
    Block,
    BlockError,
    BlockExists,
    BlockInUse,
    BlockNotFound,
    InvalidName,
    MaskingWarning,
    MigrationError,
    Secret,
    TamperedCiphertext,
    Vault,
    VersionConflict,
)
from brickwork.builtin.blocks import BasicAuth, SecretBlock, Settings
from brickwork.store import Record

# Secrets here are short on purpose.
pytestmark = pytest.mark.filterwarnings("ignore::brickwork.MaskingWarning")


class Team(Block):
    """Refers to others."""

    slug: ClassVar[str] = "versiontest-team"
    members: list[Block] = []
    label: str = ""


@pytest.fixture
def vault(memory_vault: Vault) -> Vault:
    """The vault in use."""
    return memory_vault


def versions(vault: Vault, address: str) -> list[Any]:
    """Return the values of every version of settings."""
    return [
        vault.load(document.address, expect=Settings).value for document in vault.history(address)
    ]


def test_saving_stamps_the_address(vault: Vault) -> None:
    """The block knows where it was saved, and the document says what is public."""
    block = BasicAuth(username="me", password=Secret("hunter2hunter2"))
    document = block.save("prod")
    assert block.address == document.address == Address("basic-auth", "prod", 1)
    assert block.model_copy(update={"username": "you"}).address is None
    assert document.fields == {"username": "me", "password": "********"}
    assert (document.slug, document.name, document.version) == ("basic-auth", "prod", 1)
    assert document.secrets == ("/password",)
    assert document.saved_at.tzinfo is not None
    assert "@" in document.saved_by
    assert "hunter2" not in repr(document) + str(vars(document))


def test_saving_twice_is_no_new_version(vault: Vault) -> None:
    """The same values, from the same object, another one or a loaded one, are one version."""
    block = SecretBlock(value=Secret("hunter2hunter2"))
    for again in (block, SecretBlock(value=Secret("hunter2hunter2")), block.model_copy()):
        assert again.save("a").version == 1
        assert again.save("a", overwrite=True).version == 1
    assert SecretBlock.load("a").save("a").version == 1
    assert len(vault.history("secret/a")) == 1


def test_something_else_needs_overwrite(vault: Vault) -> None:
    """Another value under a taken name is refused, and with overwrite it is the next version."""
    Settings(value=1).save("a")
    with pytest.raises(BlockExists) as caught:
        Settings(value=2).save("a")
    assert "overwrite=True" in caught.value.fix
    assert versions(vault, "settings/a") == [1]
    assert Settings(value=2).save("a", overwrite=True).version == 2
    assert versions(vault, "settings/a") == [1, 2]


@pytest.mark.parametrize(("old", "new"), [(1, True), (1, 1.0), (0, False), ("1", 1), (None, 0)])
def test_values_of_another_type_are_something_else(old: Any, new: Any, vault: Vault) -> None:
    """One and true are equal in Python, and not the same setting."""
    Settings(value=old).save("a")
    with pytest.raises(BlockExists):
        Settings(value=new).save("a")
    Settings(value=new).save("a", overwrite=True)
    assert type(Settings.load("a").value) is type(new)


def test_a_set_is_the_same_in_any_order(vault: Vault) -> None:
    """Python's order of a set changes from process to process; that is no new version."""

    class Tags(Block):
        """Tags."""

        slug: ClassVar[str] = "versiontest-tags"
        tags: dict[str, frozenset[str]]

    names = [f"tag-{number}" for number in range(20)]
    Tags(tags={"a": frozenset(names)}).save("a")
    record = vault.store.get("versiontest-tags", "a")
    assert record is not None
    assert Tags(tags={"a": frozenset(reversed(names))}).save("a").version == 1
    import json

    assert json.loads(record.public)["fields"]["tags"]["a"] == sorted(names)


def test_versions_are_loaded_by_number(vault: Vault) -> None:
    """Every version stays; the newest is the default; one that is not there is named."""
    for value in (1, 2, 3):
        Settings(value=value).save("a", overwrite=True)
    assert Settings.load("a").value == 3
    assert Settings.load("a", version=2).value == 2
    assert Settings.load("a@1").value == 1
    assert vault.load("settings/a@2", expect=Settings).address == Address("settings", "a", 2)
    with pytest.raises(BlockNotFound, match=r"no version 4.*newest is 3"):
        Settings.load("a", version=4)


def test_a_loaded_block_does_not_overwrite_what_is_newer(vault: Vault) -> None:
    """A changed copy of an old version, and the old version itself, conflict; a fresh one wins."""
    Settings(value=1).save("a")
    mine = Settings.load("a")
    Settings(value=2).save("a", overwrite=True)
    for stale in (mine.model_copy(update={"value": 3}), mine):
        with pytest.raises(VersionConflict, match=r"at version 2.*based on version 1"):
            stale.save("a", overwrite=True)
    assert versions(vault, "settings/a") == [1, 2]
    changed = Settings.load("a").model_copy(update={"value": 3})
    assert changed.save("a", overwrite=True).version == 3
    assert changed.save("a", overwrite=True).version == 3
    assert changed.model_copy(update={"value": 4}).save("a", overwrite=True).version == 4
    assert Settings(value=5).save("a", overwrite=True).version == 5
    assert mine.save("b").version == 1, "under another name it is a fresh block"


def test_fresh_blocks_of_many_threads_all_land(vault: Vault) -> None:
    """Nothing is lost when threads overwrite one name at once with fresh blocks."""

    def work(number: int) -> None:
        for step in range(10):
            vault.save(Settings(value=[number, step]), "a", overwrite=True)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = versions(vault, "settings/a")
    assert len(found) == 40
    assert sorted(found) == [[number, step] for number in range(4) for step in range(10)]


def test_loaded_blocks_of_many_threads_count(vault: Vault) -> None:
    """Compare-and-set counts right: who conflicts loads again."""
    Settings(value=0).save("n")
    conflicts: list[int] = []

    def work() -> None:
        for _ in range(10):
            while True:
                block = vault.load("settings/n", expect=Settings)
                assert isinstance(block.value, int)
                try:
                    vault.save(
                        block.model_copy(update={"value": block.value + 1}), "n", overwrite=True
                    )
                except VersionConflict:
                    conflicts.append(1)
                else:
                    break

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Settings.load("n").value == 40


def test_a_damaged_version_can_be_saved_over(vault: Vault) -> None:
    """Saving again is how a damaged document is mended; without overwrite nothing is done."""
    Settings(value=1).save("a")
    record = vault.store.get("settings", "a")
    assert record is not None
    with vault.store.transaction():
        vault.store.replace(record._replace(sealed=record.sealed[:-1] + b"?"))
    with pytest.raises(TamperedCiphertext):
        Settings.load("a")
    assert [document.name for document in vault.documents()] == ["a"]
    with pytest.raises(BlockExists):
        Settings(value=1).save("a")
    Settings(value=1).save("a", overwrite=True)
    assert Settings.load("a").value == 1


def test_loading_says_what_is_wrong(vault: Vault) -> None:
    """Nothing there, another class, no slug, no name: each is a typed error with a fix."""
    Settings(value=1).save("limits")
    with pytest.raises(BlockNotFound, match="Did you mean settings/limits"):
        Settings.load("limts")
    with pytest.raises(BlockError, match="is not a secret block"):
        SecretBlock.load("settings/limits")
    with pytest.raises(BlockError, match="is a Settings, not a Team"):
        vault.load("settings/limits", expect=Team)
    with pytest.raises(InvalidName, match="without the slug"):
        Block.load("limits")
    with pytest.raises(InvalidName):
        Settings(value=1).save("no/name")


def test_an_empty_vault_is_not_made_by_looking(tmp_path: Any) -> None:
    """Reading, deleting and renaming where there is no vault makes none."""
    path = tmp_path / "none.db"
    with Vault.open(str(path)) as vault:
        assert vault.documents() == []
        for look in (
            lambda: vault.load("settings/a"),
            lambda: vault.document("settings/a"),
            lambda: vault.history("settings/a"),
            lambda: vault.used_by("settings/a"),
            lambda: vault.delete("settings/a"),
            lambda: vault.rename("settings/a", "b"),
        ):
            with pytest.raises(BlockNotFound):
                look()
    assert not path.exists()


# Names


@pytest.fixture
def family(vault: Vault) -> Vault:
    """A vault where two teams, one inside the other, refer to a login of two versions."""
    login = BasicAuth(username="me", password=Secret("old-old-old"))
    login.save("login")
    Team(members=[login], label="first").save("inner")
    Team(members=[login, Team.load("inner")]).save("outer")
    BasicAuth(username="me", password=Secret("new-new-new")).save("login", overwrite=True)
    Team(members=[BasicAuth.load("login", version=1)], label="second").save("inner", overwrite=True)
    return vault


def snapshot(vault: Vault) -> dict[str, Block]:
    """Load every version of everything."""
    return {
        str(version.address): vault.load(version.address)
        for document in vault.documents()
        for version in vault.history(document.address)
    }


def test_renaming_keeps_versions_and_references(family: Vault) -> None:
    """Every version of the block and of what refers to it still loads; old addresses are gone."""
    before = snapshot(family)
    document = family.rename("basic-auth/login", "robot")
    assert document.address == Address("basic-auth", "robot", 2)
    after = snapshot(family)
    assert {key.replace("/login@", "/robot@"): value for key, value in before.items()} == after
    with pytest.raises(BlockNotFound):
        BasicAuth.load("login")
    assert family.used_by("basic-auth/robot") == [
        Address("versiontest-team", "inner", 2),
        Address("versiontest-team", "outer", 1),
    ]
    family.rename("versiontest-team/inner", "core")
    assert family.document("versiontest-team/outer").uses == (
        Address("basic-auth", "robot"),
        Address("versiontest-team", "core"),
    )
    assert len(snapshot(family)) == len(before)


def test_renaming_keeps_who_and_when(family: Vault) -> None:
    """A rename is no save: time and author of each version stay."""
    before = [(each.version, each.saved_at) for each in family.history("basic-auth/login")]
    family.rename("basic-auth/login", "robot")
    after = [(each.version, each.saved_at) for each in family.history("basic-auth/robot")]
    assert after == before


def test_renaming_is_refused_where_it_cannot_be(family: Vault) -> None:
    """A taken name, a name that is none, a version: nothing is changed."""
    before = snapshot(family)
    BasicAuth(username="you", password=Secret("x")).save("taken")
    with pytest.raises(BlockExists, match="basic-auth/taken exists"):
        family.rename("basic-auth/login", "taken")
    with pytest.raises(InvalidName):
        family.rename("basic-auth/login", "no/name")
    with pytest.raises(BlockError, match="names one version"):
        family.rename("basic-auth/login@1", "robot")
    with pytest.raises(BlockNotFound):
        family.rename("basic-auth/nobody", "robot")
    assert family.rename("basic-auth/login", "login").version == 2
    family.delete("basic-auth/taken")
    assert snapshot(family) == before


def test_a_failed_rename_changes_nothing(family: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    """If one document cannot be written, none is renamed."""
    before = snapshot(family)
    replace, written = family.store.replace, []

    def fail_later(record: Record) -> None:
        written.append(record)
        if len(written) == 4:
            raise OSError("no space left on device")
        replace(record)

    monkeypatch.setattr(family.store, "replace", fail_later)
    with pytest.raises(Exception, match="no space left"):
        family.rename("basic-auth/login", "robot")
    monkeypatch.undo()
    assert len(written) == 4
    assert snapshot(family) == before


def test_a_reader_is_not_disturbed_by_a_rename(family: Vault) -> None:
    """A parent that is loaded while its child is renamed loads, with the old name or the new."""
    stop = threading.Event()
    errors: list[Exception] = []
    loads: list[Block] = []

    def read() -> None:
        while not stop.is_set():
            try:
                loads.append(family.load("versiontest-team/outer"))
            except Exception as error:  # noqa: BLE001  # told below
                errors.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    names = ["robot", "login"] * 10
    old = "login"
    for new in names:
        family.rename(f"basic-auth/{old}", new)
        old = new
    stop.set()
    reader.join()
    assert loads
    assert errors == []


# Deletion, and references


def test_deleting_takes_every_version(vault: Vault) -> None:
    """All versions are gone; the name is free, and begins at version 1 again."""
    for value in (1, 2):
        Settings(value=value).save("a", overwrite=True)
    with pytest.raises(BlockError, match="names one version"):
        vault.delete("settings/a@1")
    vault.delete("settings/a")
    with pytest.raises(BlockNotFound):
        vault.history("settings/a")
    assert Settings(value=3).save("a").version == 1


def test_what_is_used_is_not_deleted(family: Vault) -> None:
    """A block that the newest version of another refers to is kept, and its users are named."""
    with pytest.raises(BlockInUse, match=r"versiontest-team/inner@2, versiontest-team/outer@1"):
        family.delete("basic-auth/login")
    family.delete("versiontest-team/outer")
    Team(label="alone").save("inner", overwrite=True)
    assert family.used_by("basic-auth/login") == []
    family.delete("basic-auth/login")
    assert Team.load("inner").label == "alone"
    with pytest.raises(BlockNotFound, match="versiontest-team/inner@1 refers to"):
        Team.load("inner", version=1)


def test_a_reference_to_what_is_gone_is_refused(vault: Vault) -> None:
    """A parent cannot be saved with a child that was deleted meanwhile."""
    child = Settings(value=1)
    child.save("child")
    vault.delete("settings/child")
    with pytest.raises(BlockNotFound, match="settings/child, which is not saved here"):
        Team(members=[child]).save("team")


def test_circles_are_refused(vault: Vault) -> None:
    """No block can refer to itself, straight or through others."""
    Team(label="a").save("a")
    Team(members=[Team.load("a")]).save("b")
    Team(members=[Team.load("b")]).save("c")
    for inside in ("a", "b", "c"):
        with pytest.raises(BlockError, match="would refer to itself"):
            Team(members=[Team.load(inside)]).save("a", overwrite=True)
    assert vault.document("versiontest-team/a").version == 1


def test_versions_that_refer_to_each_others_past(vault: Vault) -> None:
    """An old version that leads to a block which now leads back is loaded; a true circle is not."""
    Team(label="b").save("b")
    Team(members=[Team.load("b")], label="a1").save("a")
    Team(label="a2").save("a", overwrite=True)
    Team(members=[Team.load("a")], label="b2").save("b", overwrite=True)
    loaded = Team.load("a", version=1)
    assert [member.label for member in loaded.members if isinstance(member, Team)] == ["b2"]
    Team(members=[Team.load("a", version=1)], label="b3").save("b", overwrite=True)
    with pytest.raises(BlockError, match="refers to itself"):
        Team.load("b")


def test_what_would_not_come_back_is_refused(vault: Vault) -> None:
    """A field that changes on its way through JSON is found when saving; nothing is saved."""
    from datetime import date

    from pydantic import Field, SecretStr

    class Lossy(Block):
        """Lossy."""

        slug: ClassVar[str] = "versiontest-lossy"
        value: Any = None
        plain: SecretStr | None = None
        exact: date | None = Field(default=None, strict=True)

    wrong: list[dict[str, Any]] = [
        {"value": (1, 2)},
        {"value": {1: 2}},
        {"value": date(2026, 1, 1)},
        {"plain": "hunter2hunter2"},
        {"exact": date(2026, 1, 1)},
        {"value": object()},
    ]
    for fields in wrong:
        with pytest.raises(BlockError) as caught:
            Lossy(**fields).save("a")
        assert not isinstance(caught.value, MigrationError)
        assert "hunter2" not in f"{caught.value} {caught.value.__context__}"
    assert vault.documents() == []


# Listing


def test_a_listing_shows_the_newest_by_slug_and_name(family: Vault) -> None:
    """One document a block, sorted, without decryption; a slug narrows it."""
    family.keys.close()
    assert [str(document.address) for document in family.documents()] == [
        "basic-auth/login@2",
        "versiontest-team/inner@2",
        "versiontest-team/outer@1",
    ]
    assert [document.name for document in family.documents("versiontest-team")] == [
        "inner",
        "outer",
    ]
    assert family.documents("settings") == []
    assert not family.keys._roots, "nothing was unlocked"
    inner = family.document("versiontest-team/inner")
    assert inner.fields == {"members": [{"$block": "basic-auth/login@1"}], "label": "second"}
    assert family.documents()[1] == inner
    assert [each.version for each in family.history("versiontest-team/inner")] == [1, 2]


def test_a_listing_needs_no_class_and_no_key(
    family: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is saved can be listed where neither its package nor the key is there."""
    monkeypatch.delenv("BRICKWORK_KEY")
    monkeypatch.setattr("brickwork.registry.registry.Registry.block_class", None)
    with Vault.open(family.store.location) as vault:
        assert len(vault.documents()) == 3
        assert vault.document("basic-auth/login").fields["password"] == "********"


@pytest.mark.filterwarnings("error")
def test_a_secret_too_short_to_mask_is_warned_of(memory_vault: Vault) -> None:
    """Saving says which secret logs may show; it is saved all the same, and not shown."""
    with pytest.warns(MaskingWarning, match="secret/pin@1: /value") as caught:
        SecretBlock(value="9137").save("pin")

    assert "9137" not in str(caught[0].message)
    assert SecretBlock.load("pin").reveal() == "9137"
    assert caught[0].filename == __file__
