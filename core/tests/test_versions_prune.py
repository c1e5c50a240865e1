"""Old versions are removed, but for those that something needs, and so are their bytes."""

import json
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import Field

from brickwork import (
    Address,
    BasicAuth,
    Block,
    BlockError,
    BlockNotFound,
    ConfigError,
    Notes,
    Secret,
    Settings,
    Vault,
)
from brickwork.config import Config


class Team(Block):
    """Refers to others."""

    slug: ClassVar[str] = "prunetest-team"

    label: str = Field("", description="Label.")
    members: list[Block] = Field(default_factory=list, description="Others.")


@pytest.fixture
def vault(memory_vault: Vault) -> Vault:
    """A vault with settings and a login of five versions each."""
    for number in range(1, 6):
        Settings(value=number).save("s", overwrite=True)
        BasicAuth(username="u", password=Secret(f"password-{number}")).save("x", overwrite=True)
    return memory_vault


def left(vault: Vault, address: str) -> list[int]:
    """Return the versions that there are."""
    return [document.version for document in vault.history(address)]


def entries(vault: Vault) -> list[dict[str, Any]]:
    """What the audit trail says of pruning."""
    found = [json.loads(row.content) for row in vault.store.audit_rows()]
    return [entry for entry in found if entry["action"] == "prune"]


def test_the_newest_stay(vault: Vault) -> None:
    """Of one block or of all; the answer names what is gone, the trail too."""
    assert vault.prune("settings/s", keep=2) == [
        Address("settings", "s", 1),
        Address("settings", "s", 2),
        Address("settings", "s", 3),
    ]
    assert (left(vault, "settings/s"), len(left(vault, "basic-auth/x"))) == ([4, 5], 5)
    assert [str(each) for each in vault.prune(keep=1)] == [
        *(f"basic-auth/x@{number}" for number in (1, 2, 3, 4)),
        "settings/s@4",
    ]
    assert (left(vault, "settings/s"), left(vault, "basic-auth/x")) == ([5], [5])
    assert [(e["address"], e["detail"]["versions"]) for e in entries(vault)] == [
        ("settings/s@5", [1, 2, 3]),
        ("basic-auth/x@5", [1, 2, 3, 4]),
        ("settings/s@5", [4]),
    ]
    assert vault.prune(keep=1) == []
    assert len(entries(vault)) == 3


def test_numbers_go_on_after_pruning(vault: Vault) -> None:
    """A version that is gone is not found, and its number is never given again."""
    vault.prune("settings/s", keep=1)
    with pytest.raises(BlockNotFound, match=r"no version 2.*newest is 5"):
        Settings.load("s", version=2)
    assert Settings(value=6).save("s", overwrite=True).version == 6
    vault.rename("settings/s", "t")
    assert left(vault, "settings/t") == [5, 6]


def test_none_cannot_be_kept(vault: Vault) -> None:
    """The newest version never goes; what cannot be named is refused."""
    for keep in (0, -1):
        with pytest.raises(BlockError, match="newest one always stays"):
            vault.prune(keep=keep)
    with pytest.raises(BlockError, match="names one version"):
        vault.prune("settings/s@1", keep=1)
    with pytest.raises(BlockNotFound):
        vault.prune("settings/nobody", keep=1)
    assert len(left(vault, "settings/s")) == 5


def test_a_pinned_version_stays(vault: Vault) -> None:
    """What a version that is kept refers to by its number is kept, whatever its age."""
    Team(members=[Settings.load("s", version=2), Settings.load("s")]).save("t")
    assert left(vault, "settings/s") == [1, 2, 3, 4, 5]
    vault.prune("settings/s", keep=1)
    assert left(vault, "settings/s") == [2, 5]
    members: list[Any] = Team.load("t").members
    assert [member.value for member in members] == [2, 5]


def test_what_is_only_pinned_by_what_goes_goes_too(vault: Vault) -> None:
    """A pin of a version that is itself removed keeps nothing; one that stays keeps a chain."""
    Team(members=[Settings.load("s", version=1)]).save("t")
    Team(members=[Settings.load("s", version=3)]).save("t", overwrite=True)
    Team(members=[Team.load("t", version=2)]).save("u")
    Team(label="none").save("t", overwrite=True)
    vault.prune(keep=1)
    assert left(vault, "prunetest-team/t") == [2, 3], "u pins t@2"
    assert left(vault, "settings/s") == [3, 5], "t@2 pins s@3; t@1, which pinned s@1, is gone"
    loaded: Any = Team.load("u")
    assert loaded.members[0].members[0].value == 3


def test_an_old_version_that_is_not_pruned_keeps_what_it_pins(vault: Vault) -> None:
    """Pruning one block alone looks at every version of the others."""
    Team(members=[Settings.load("s", version=1)]).save("t")
    Team(label="none").save("t", overwrite=True)
    vault.prune("settings/s", keep=1)
    assert left(vault, "settings/s") == [1, 5]
    vault.prune(keep=1)
    assert left(vault, "settings/s") == [5]


def test_a_reference_to_a_field_pins_too(vault: Vault) -> None:
    """``${block:slug/name@2#field}`` refers to a version, public or within a secret text."""
    public = {"username": "${block:settings/s@2#value}", "password": "a-password"}
    vault.define("basic-auth/public", public)
    sealed = {"username": "u", "password": "sealed-${block:settings/s@3#value}"}
    vault.define("basic-auth/sealed", sealed)
    vault.prune("settings/s", keep=1)
    assert left(vault, "settings/s") == [2, 3, 5]


def test_names_that_end_alike_pin_nothing(vault: Vault) -> None:
    """``prunetest-team/s@1`` is not ``team/s@1``, and version 12 is not version 1."""
    from brickwork.vault.pruning import _pins

    public = b'{"ref":"my-settings/s@1"},{"ref":"settings/s@12"},{"ref":"settings/st@1"}'
    assert _pins(public, ("settings", "s")) == {12}
    assert _pins(b'"settings/a.b@3"', ("settings", "a.b")) == {3}
    assert _pins(b'"settings/axb@3"', ("settings", "a.b")) == set()


def test_a_failure_removes_nothing(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of it is one transaction."""
    remove, calls = vault.store.remove_versions, []

    def fail_later(block_id: bytes, versions: Any) -> int:
        calls.append(block_id)
        if len(calls) == 2:
            raise OSError("no space left on device")
        return remove(block_id, versions)

    monkeypatch.setattr(vault.store, "remove_versions", fail_later)
    with pytest.raises(OSError, match="no space"):
        vault.prune(keep=1)
    assert len(calls) == 2
    assert (len(left(vault, "settings/s")), len(left(vault, "basic-auth/x"))) == (5, 5)
    assert entries(vault) == []


def test_a_damaged_block_is_pruned_like_any_other(vault: Vault) -> None:
    """Nothing is opened, so nothing that is damaged stands in the way."""
    record = vault.store.get("settings", "s", 2)
    assert record is not None
    with vault.store.transaction():
        vault.store.replace(record._replace(public=b"\xff", sealed=b"?"))
    vault.prune("settings/s", keep=1)
    assert left(vault, "settings/s") == [5]


def test_where_there_is_no_vault_nothing_is_pruned(tmp_path: Path) -> None:
    """Pruning makes no vault."""
    with Vault.open(str(tmp_path / "none.db")) as vault:
        assert vault.prune(keep=1) == []
        assert vault.migrate() == []
    assert not (tmp_path / "none.db").exists()


# What is left of them


def test_the_bytes_of_pruned_versions_are_gone_after_compacting(tmp_path: Path) -> None:
    """No file of the database has a byte of the old ciphertexts; before that the log may have."""
    with Vault.open(str(tmp_path / "v.db"), keys=f"file:{tmp_path / 'k' / 'key'}") as vault:
        for number in range(10):
            block = BasicAuth(username="u", password=Secret(f"password-{number}" * 20))
            vault.save(block, "x", overwrite=True)
        old = [record.sealed[-100:] for record in vault.store.versions("basic-auth", "x")]
        newest = old.pop()
        assert all(sealed in everything(tmp_path) for sealed in old), "the control finds them"
        vault.prune(keep=1)
        vault.store.compact()
        assert not [sealed for sealed in old if sealed in everything(tmp_path)]
        assert newest in everything(tmp_path)
        assert vault.load("basic-auth/x")


def everything(folder: Path) -> bytes:
    """Return what is in the files of a vault."""
    return b"".join(path.read_bytes() for path in folder.glob("v.db*"))


# Keeping so many


def test_saving_keeps_so_many(vault: Vault) -> None:
    """``keep`` removes older ones in the transaction of the save."""
    Settings(value=6).save("s", overwrite=True, keep=3)
    assert left(vault, "settings/s") == [4, 5, 6]
    assert Settings(value=6).save("s", keep=1).version == 6, "the same again adds no version"
    assert left(vault, "settings/s") == [4, 5, 6]
    vault.save(Settings(value=7), "s", overwrite=True, keep=1)
    assert left(vault, "settings/s") == [7]
    assert [e["detail"]["versions"] for e in entries(vault)] == [[1, 2, 3], [4, 5, 6]]
    with pytest.raises(BlockError, match="newest one always stays"):
        Settings(value=8).save("s", overwrite=True, keep=0)
    assert left(vault, "settings/s") == [7], "a save that cannot keep so many is none"


async def _saved(block: Block) -> int:
    return (await block.asave("s", overwrite=True, keep=1)).version


def test_the_async_twin_keeps_so_many(vault: Vault) -> None:
    """`asave` takes ``keep``, too."""
    import asyncio

    assert asyncio.run(_saved(Settings(value=6))) == 6
    assert left(vault, "settings/s") == [6]


def test_a_pinned_version_is_kept_by_a_save(vault: Vault) -> None:
    """Retention spares what pruning spares."""
    Team(members=[Settings.load("s", version=1)]).save("t")
    Settings(value=6).save("s", overwrite=True, keep=2)
    assert left(vault, "settings/s") == [1, 5, 6]


def test_a_setting_keeps_so_many_of_all(
    vault: Vault, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """``keep_versions`` counts wherever a version is added: saved, rolled back, annotated."""
    monkeypatch.setenv("BRICKWORK_KEEP_VERSIONS", "2")
    with Vault.open() as limited:
        assert limited.keep_versions == 2
        limited.save(Settings(value=6), "s", overwrite=True)
        assert left(limited, "settings/s") == [5, 6]
        limited.rollback("settings/s", 5)
        limited.annotate("settings/s", Notes("seven"))
        assert left(limited, "settings/s") == [7, 8]
        assert len(left(limited, "basic-auth/x")) == 5, "only where a version is added"
        limited.save(Settings(value=9), "s", overwrite=True, keep=3)
        assert left(limited, "settings/s") == [7, 8, 9]
    monkeypatch.delenv("BRICKWORK_KEEP_VERSIONS")
    (tmp_path / "brickwork.toml").write_text("keep_versions = 7")
    config = Config.load(cwd=tmp_path)
    assert (config.keep_versions, config.describe()["keep_versions"]) == (7, "7")
    assert Config.load(cwd=tmp_path, environ={"BRICKWORK_KEEP_VERSIONS": "3"}).keep_versions == 3


@pytest.mark.parametrize("text", ["0", "-1", "many", "", "1.5", "1" * 20])
def test_a_setting_that_is_no_count_is_refused(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mistake does not lead to all versions being kept, or none."""
    monkeypatch.setenv("BRICKWORK_KEEP_VERSIONS", text)
    with pytest.raises(ConfigError, match="BRICKWORK_KEEP_VERSIONS"):
        Config.load()
    monkeypatch.delenv("BRICKWORK_KEEP_VERSIONS")
    (tmp_path / "brickwork.toml").write_text(f'keep_versions = "{text}"')
    with pytest.raises(ConfigError, match="a whole number"):
        Config.load(cwd=tmp_path)
    (tmp_path / "brickwork.toml").write_text("keep_versions = 0")
    with pytest.raises(ConfigError, match="1 or more"):
        Config.load(cwd=tmp_path)
