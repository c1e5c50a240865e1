"""Whatever changes a vault leaves an entry in the audit trail, and nothing else does."""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import Field

from brickwork import (
    Block,
    Notes,
    Secret,
    SecretBlock,
    UnknownName,
    Vault,
    block as block_module,
    migration,
)
from brickwork.block import defined_blocks
from brickwork.builtin.key_env import EnvKey
from brickwork.vault.audit import ACTIONS
from brickwork.vault.copying import copy_vault
from brickwork.vault.keys import KeyRing

OLD = "first-secret-value"
NEW = "second-secret-value"


class Holder(Block):
    """A block with another one in it."""

    slug: ClassVar[str] = "actiontest-holder"
    child: Block = Field(description="Another block.")


def define(version: int, **members: Any) -> type[Block]:
    """Define the class of the slug ``actiontest-lifted`` as a release had it."""
    members["__annotations__"] = {"slug": ClassVar[str], "token": Secret[str]}
    members |= {"__module__": __name__, "__doc__": "A block.", "slug": "actiontest-lifted"}
    return type("Lifted", (Block,), {**members, "schema_version": version})


@pytest.fixture
def vault(memory_vault: Vault, monkeypatch: pytest.MonkeyPatch) -> Vault:
    """A vault in which each of the changes below can be made; verified after each test."""
    monkeypatch.setattr(block_module, "defined_blocks", dict(defined_blocks))
    child = SecretBlock(value=OLD)
    memory_vault.save(child, "a")
    memory_vault.save(Holder(child=child), "user")
    memory_vault.save(SecretBlock(value=NEW), "a", overwrite=True)
    define(1)(token=OLD).save("old")
    define(2, _lift=migration(1)(lambda fields: fields))
    return memory_vault


def _apply(vault: Vault, tmp_path: Path) -> None:
    manifest = tmp_path / "blocks.yaml"
    manifest.write_text("blocks:\n  secret/new:\n    value: ${env:HOME}\n")
    vault.apply(manifest)


def _save_all(vault: Vault) -> None:
    from brickwork.vault.batch import Saving

    blocks = [Saving(SecretBlock(value=NEW), name) for name in ("x", "y")]
    vault.save_all(blocks, action="import")


def _remember(vault: Vault) -> None:
    with vault.ledger(vault.load("secret/a")).transaction() as page:
        page.put("key", {"sent": True}, keep_seconds=60)


def _rewrap(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTHER_KEY", base64.urlsafe_b64encode(bytes(range(32))).decode())
    vault.keys.rewrap(EnvKey("OTHER_KEY"))


def _copy(vault: Vault, tmp_path: Path) -> None:
    with Vault.open(str(tmp_path / "other.db")) as source:
        source.save(SecretBlock(value=OLD), "copied")
        copy_vault(source, vault)


Change = Callable[[Vault, Path, pytest.MonkeyPatch], object]

CHANGES: dict[str, tuple[Change, list[str]]] = {
    "save": (lambda v, *_: v.save(SecretBlock(value=NEW), "b"), ["save secret/b@1"]),
    "save_all": (
        lambda v, *_: _save_all(v),
        ["import secret/x@1", "import secret/y@1"],
    ),
    "define": (lambda v, *_: v.define("secret/b", {"value": NEW}), ["save secret/b@1"]),
    "rename": (lambda v, *_: v.rename("secret/a", "c"), ["rename secret/c@2"]),
    "delete": (
        lambda v, *_: v.delete("actiontest-holder/user"),
        ["delete actiontest-holder/user@1"],
    ),
    "rollback": (lambda v, *_: v.rollback("secret/a", 1), ["rollback secret/a@3"]),
    "prune": (lambda v, *_: v.prune(keep=1), ["prune secret/a@2"]),
    "annotate": (lambda v, *_: v.annotate("secret/a", Notes("for us")), ["annotate secret/a@3"]),
    "migrate": (lambda v, *_: v.migrate(), ["migrate actiontest-lifted/old@2"]),
    "apply": (lambda v, tmp, _: _apply(v, tmp), ["save secret/new@1"]),
    "export": (lambda v, *_: v.export("secret/*", reveal=True), ["export"]),
    "keys.rotate": (lambda v, *_: v.keys.rotate(), ["keys.rotate", "keys.finished"]),
    "keys.reencrypt": (lambda v, *_: v.keys.reencrypt(), ["keys.reencrypt", "keys.finished"]),
    "keys.rewrap": (lambda v, _, patch: _rewrap(v, patch), ["keys.rewrap"]),
    "copy_vault": (lambda v, tmp, _: _copy(v, tmp), ["copy secret/copied@1"]),
}
"""By what changes a vault: how to do it, and the entries that it leaves."""

# Named by no entry: they change nothing, or only what is not there yet.
READS = {
    *(
        "audit",
        "check",
        "close",
        "diff",
        "document",
        "documents",
        "explain",
        "history",
        "ledger",  # what blocks remember: no change of them
        "load",
        "open",
    ),
    *("plan", "problems", "resolve", "used_by"),
    "write_reference",  # in another service, which has a trail of its own
}
KEY_READS = {
    *("active", "by_id", "close", "current", "prepare", "provider", "root", "status"),
    *("wrapped_by", "wrapping_key"),
    "for_sealing",  # inside the transaction of a save, which has its entry
    "make_root",  # for its caller to store
    "destroy",  # below: the trail itself needs every key that made a code
}


def public(cls: type) -> set[str]:
    """Return the public names of a class."""
    return {name for name in dir(cls) if not name.startswith("_")}


def test_every_method_is_classified() -> None:
    """A new method of the vault, or of its keys, must say here what it leaves in the trail."""
    assert public(Vault) == READS | {name for name in CHANGES if name in public(Vault)}
    of_keys = {name.removeprefix("keys.") for name in CHANGES if name.startswith("keys.")}
    assert public(KeyRing) == KEY_READS | of_keys


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.filterwarnings("ignore::brickwork.MaskingWarning")
def test_a_change_leaves_its_entry(
    vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    """Each leaves the entries that are told above, and the trail and the documents agree after."""
    before = vault.audit.head().position
    make, expected = CHANGES[change]

    make(vault, tmp_path, monkeypatch)

    entries = vault.audit.entries(oldest_first=True)
    new = [f"{e.action} {e.address or ''}".strip() for e in entries if e.position > before]
    assert new == expected
    assert vault.audit.verify().position == before + len(expected)


@pytest.mark.parametrize(
    "look",
    [
        lambda v: v.load("secret/a"),
        lambda v: v.documents(),
        lambda v: v.diff("secret/a"),
        lambda v: v.explain("secret/a"),
        lambda v: v.resolve("${block:secret/a#value}"),
        lambda v: v.export(),
        lambda v: v.migrate(dry_run=True),
        lambda v: v.save(SecretBlock(value=NEW), "a"),
        lambda v: v.rename("secret/a", "a"),
        lambda v: v.rollback("secret/a", 2),
        lambda v: v.prune(keep=5),
        lambda v: v.audit.verify(),
        lambda v: _remember(v),
    ],
)
def test_what_changes_nothing_leaves_no_entry(
    vault: Vault, look: Callable[[Vault], object]
) -> None:
    """Looking, and saving what is saved already."""
    before = vault.audit.head()
    look(vault)
    assert vault.audit.head() == before


def test_what_fails_leaves_no_entry(vault: Vault) -> None:
    """The entry belongs to the transaction, and goes with it."""
    before = vault.audit.head()

    def fail() -> None:
        with vault.store.transaction():
            vault.audit.append("save", vault.store.get("secret", "a"))
            raise ValueError("undo")

    with pytest.raises(ValueError, match="undo"):
        fail()
    assert vault.audit.head() == before


def test_an_action_must_be_in_the_table(vault: Vault) -> None:
    """A misspelt action is refused, with the place to add a new one."""
    with pytest.raises(UnknownName, match="no action 'svae'") as caught, vault.store.transaction():
        vault.audit.append("svae")
    assert "vault/audit.py" in caught.value.fix


def test_every_action_is_documented() -> None:
    """The page lists every action with its meaning."""
    page = (Path(__file__).parents[2] / "docs" / "audit.md").read_text()
    for name, action in ACTIONS.items():
        assert f"| `{name}` | {action.meaning} |" in page


def test_renaming_names_what_was_resealed(vault: Vault) -> None:
    """The block that refers to the renamed one is written anew, and the trail knows it."""
    user = vault.store.get("actiontest-holder", "user")
    vault.rename("secret/a", "c")
    assert vault.store.get("actiontest-holder", "user") != user
    vault.audit.verify()


def test_documents_before_the_trail_are_taken_in(vault: Vault) -> None:
    """In a vault that had no trail, the first entry is preceded by what was there."""
    database = vault.store._pool.handle().database  # type: ignore[attr-defined]  # an SqliteStore
    database.execute("DROP TRIGGER audit_is_not_removed")
    database.execute("DELETE FROM audit")

    vault.save(SecretBlock(value=NEW), "b")

    first, second = vault.audit.entries(oldest_first=True)
    assert (first.action, first.detail) == ("begin", {"documents": 3})
    assert (second.action, str(second.address)) == ("save", "secret/b@1")
    vault.audit.verify()
    database.execute("UPDATE blocks SET version = 1 WHERE name = 'a'")
    with pytest.raises(Exception, match="secret/a@1 is there; secret/a@2 was saved last"):
        vault.audit.verify()
