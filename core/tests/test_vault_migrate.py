"""Documents of old schema versions are saved anew; what fails hinders no other."""

import json
import os
import threading
from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from pydantic import Field

from brickwork import (
    BasicAuth,
    Block,
    BlockError,
    BlockNotFound,
    BrickworkError,
    KeyUnavailable,
    MigrationError,
    Notes,
    PluginError,
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
from brickwork.testing.leaks import leaks
from brickwork.vault.migrating import MigrationOutcome, SchemaStep

OLD_TOKEN = "old-token-4711-not-to-be-kept"

Define = Callable[..., type[Block]]


class Holder(Block):
    """Holds any blocks inside."""

    slug: ClassVar[str] = "migratetest-holder"

    blocks: dict[str, Block] = Field(default_factory=dict, description="Blocks.")


@pytest.fixture
def define(monkeypatch: pytest.MonkeyPatch) -> Define:
    """Let a test define one class in several releases."""
    monkeypatch.setattr(block_module, "defined_blocks", dict(defined_blocks))

    def define(
        version: int, *, name: str = "Account", fields: dict[str, Any], **members: Any
    ) -> type[Block]:
        return type(
            name,
            (Block,),
            {
                "__module__": __name__,
                "__doc__": "An account.",
                "__annotations__": {**fields, "slug": ClassVar[str]},
                "slug": f"migratetest-{name.lower()}",
                "schema_version": version,
                **members,
            },
        )

    return define


@migration(1)
def _lift(old: dict[str, Any]) -> dict[str, Any]:
    if old["user"] == "fails":
        raise KeyError(old["token"].reveal())
    return {"login": old["user"], "password": old["password"], "region": "north"}


@pytest.fixture
def old(define: Define, memory_vault: Vault) -> Define:
    """Save documents of schema version 1; returns what defines version 2."""
    cls = define(1, fields={"user": str, "password": Secret[str], "token": Secret[str]})
    for name in ("a", "b"):
        account = cls(user=name, password="kept-password-1", token=OLD_TOKEN)
        account.save(name, notes=Notes(f"account {name}", ("prod",)))
    Holder(blocks={"x": cls(user="in", password="kept-password-2", token=OLD_TOKEN)}).save("h")
    Settings(value=1).save("s")
    return define


def todays(define: Define, **members: Any) -> Any:
    """Define schema version 2."""
    fields = {"login": str, "password": Secret[str], "region": str}
    return define(2, fields=fields, **{"_lift": _lift, **members})


def by_address(outcomes: list[MigrationOutcome]) -> dict[str, MigrationOutcome]:
    """Return outcomes by slug/name."""
    return {str(each.address._replace(version=None)): each for each in outcomes}


def dump(vault: Vault) -> list[tuple[Any, ...]]:
    """Return every version of every block, as it is stored."""
    return [
        tuple(record)
        for head in vault.store.heads()
        for record in vault.store.versions(head.slug, head.name)
    ]


def test_what_is_behind_is_saved_anew(old: Define, memory_vault: Vault) -> None:
    """Each is a new version of today's schema; all others stay; the trail names what was done."""
    cls = todays(old)
    found = by_address(memory_vault.migrate())
    assert set(found) == {
        "migratetest-account/a",
        "migratetest-account/b",
        "migratetest-holder/h",
    }
    a = found["migratetest-account/a"]
    assert (a.status, a.address.version, a.error) == ("migrated", 2, None)
    assert a.steps == (SchemaStep("", "migratetest-account", 1, 2),)
    assert (a.added, a.removed) == (("/login", "/region"), ("/token", "/user"))
    assert a.changed == ()
    document = memory_vault.document("migratetest-account/a")
    assert (document.version, document.schema_version) == (2, 2)
    assert document.notes == Notes("account a", ("prod",))
    assert cls.load("a").password.reveal() == "kept-password-1"
    assert memory_vault.document("settings/s").version == 1
    last = [json.loads(row.content) for row in memory_vault.store.audit_rows()][-3:]
    assert [entry["action"] for entry in last] == ["migrate"] * 3
    assert last[0]["detail"]["schemas"] == [
        {"at": "", "slug": "migratetest-account", "from": 1, "to": 2}
    ]
    assert memory_vault.migrate() == [], "the second time there is nothing to do"


def test_a_block_inside_is_migrated_with_its_holder(old: Define, memory_vault: Vault) -> None:
    """The holder's own schema is today's; what is inside is not, and is named where it stands."""
    todays(old)
    [outcome] = memory_vault.migrate("migratetest-holder/h")
    assert outcome.steps == (SchemaStep("/blocks/x", "migratetest-account", 1, 2),)
    assert outcome.removed == ("/blocks/x/token", "/blocks/x/user")
    record = memory_vault.store.get("migratetest-holder", "h")
    assert record is not None
    assert json.loads(record.public)["blocks"]["/blocks/x"]["schema"] == 2


def test_a_dry_run_tells_the_same_and_changes_nothing(old: Define, memory_vault: Vault) -> None:
    """From, to, and which fields; no value, and not a byte of the database."""
    todays(old)
    before = dump(memory_vault), list(memory_vault.store.audit_rows())
    pending = by_address(memory_vault.migrate(dry_run=True))
    assert (dump(memory_vault), list(memory_vault.store.audit_rows())) == before
    done = by_address(memory_vault.migrate())
    assert {name: each[2:] for name, each in pending.items()} == {
        name: each[2:] for name, each in done.items()
    }
    assert {each.status for each in pending.values()} == {"pending"}
    for secret in (OLD_TOKEN, "kept-password-1"):
        assert not leaks(secret, repr(pending) + repr(done))


def test_a_removed_secret_is_gone_from_the_newest_version(old: Define, memory_vault: Vault) -> None:
    """It is not in the opened plaintext; pruning takes it out of the history."""
    todays(old)

    def opened(version: int | None = None) -> str:
        record = memory_vault.store.get("migratetest-account", "a", version)
        assert record is not None
        secrets = memory_vault._reader.secrets_of(record)
        return json.dumps(dict(secrets)) + record.public.decode()

    assert OLD_TOKEN in opened(), "the control finds it"
    memory_vault.migrate()
    assert OLD_TOKEN not in opened()
    assert "token" not in opened()
    assert OLD_TOKEN in opened(1)
    memory_vault.prune(keep=1)
    assert memory_vault.store.get("migratetest-account", "a", 1) is None


def test_children_and_references_stay(old: Define, memory_vault: Vault) -> None:
    """What is referred to is not copied, pins stay pins, ``${...}`` stays written."""
    v1 = old(1, name="Team", fields={"members": list[Block], "label": str})
    pinned, child = BasicAuth(username="u", password="password-9"), Settings.load("s")
    pinned.save("p")
    v1(members=[BasicAuth.load("p", version=1), child], label="x").save("t")
    memory_vault.define("migratetest-team/r", {"members": [], "label": "${env:MIGRATE_LABEL}"})

    @migration(1)
    def rename(fields: dict[str, Any]) -> dict[str, Any]:
        return {"members": fields["members"], "name": fields["label"]}

    old(2, name="Team", fields={"members": list[Block], "name": str}, _lift=rename)
    todays(old)
    os.environ["MIGRATE_LABEL"] = "fetched"
    try:
        memory_vault.migrate()
    finally:
        del os.environ["MIGRATE_LABEL"]
    team = memory_vault.document("migratetest-team/t")
    assert (team.version, [str(use) for use in team.uses]) == (2, ["basic-auth/p@1", "settings/s"])
    assert memory_vault.document("migratetest-team/r").fields["name"] == "${env:MIGRATE_LABEL}"


def test_a_setting_of_versions_to_keep_counts(old: Define, memory_vault: Vault) -> None:
    """With ``keep_versions`` of one, the old version goes with the migration."""
    todays(old)
    memory_vault.keep_versions = 1
    memory_vault.migrate()
    assert [d.version for d in memory_vault.history("migratetest-account/a")] == [2]


# What fails


def fails(vault: Vault, address: str, kind: type[BrickworkError], **options: Any) -> BrickworkError:
    """Migrate everything; return why one document failed. All others are migrated."""
    found = by_address(vault.migrate(**options))
    outcome = found.pop(address)
    assert outcome.status == "failed"
    assert isinstance(outcome.error, kind), outcome.error
    assert {each.status for each in found.values()} <= {"migrated", "pending"}, found
    assert vault.document(address).version == 1
    return outcome.error


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_migration_that_fails_hinders_no_other(
    old: Define, memory_vault: Vault, dry_run: bool
) -> None:
    """Its document stays as it is, and its reason has no secret in it."""
    cls = old(1, fields={"user": str, "password": Secret[str], "token": Secret[str]})
    cls(user="fails", password="kept-password-3", token=OLD_TOKEN).save("c")
    todays(old)
    error = fails(memory_vault, "migratetest-account/c", MigrationError, dry_run=dry_run)
    assert "failed with KeyError" in error.what
    assert not leaks(OLD_TOKEN, f"{error!r} {error.__context__!r} {error.__cause__!r}")


def test_a_changed_document_hinders_no_other(old: Define, memory_vault: Vault) -> None:
    """What was changed in the database is named, and not saved anew as if it were right."""
    record = memory_vault.store.get("migratetest-account", "a")
    assert record is not None
    with memory_vault.store.transaction():
        memory_vault.store.replace(record._replace(sealed=record.sealed[:-1] + b"?"))
    todays(old)
    fails(memory_vault, "migratetest-account/a", TamperedCiphertext, dry_run=True)
    fails(memory_vault, "migratetest-account/a", TamperedCiphertext)


def test_a_public_part_that_is_no_document_hinders_no_other(
    old: Define, memory_vault: Vault
) -> None:
    """It cannot be told what is in it."""
    record = memory_vault.store.get("migratetest-holder", "h")
    assert record is not None
    with memory_vault.store.transaction():
        memory_vault.store.replace(record._replace(public=b'{"schema":'))
    todays(old)
    fails(memory_vault, "migratetest-holder/h", TamperedCiphertext)


def test_a_missing_plugin_hinders_no_other(old: Define, memory_vault: Vault) -> None:
    """Whether a document is behind cannot be told without its class."""
    old(1, name="Gone", fields={"x": int})(x=1).save("g")
    del block_module.defined_blocks["migratetest-gone"]
    todays(old)
    error = fails(memory_vault, "migratetest-gone/g", BrickworkError)
    assert isinstance(error, PluginError | UnknownBlock)


def test_the_wrong_key_is_named_for_what_is_behind(
    old: Define, memory_vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is written; what is of today's schema is not opened."""
    todays(old)
    before = dump(memory_vault)
    monkeypatch.setenv("OTHER_KEY", "b3RoZXIga2V5IG9mIG5vdGhpbmcgYnV0IHRlc3RzICE=")
    monkeypatch.setenv("EMPTY_KEY", "")
    for variable, kind in (("OTHER_KEY", WrongKey), ("EMPTY_KEY", KeyUnavailable)):
        with Vault.open(memory_vault.store.location, keys=f"env:{variable}") as other:
            outcomes = other.migrate()
        assert [type(each.error) for each in outcomes] == [kind] * 3
    assert dump(memory_vault) == before


def test_a_document_of_a_newer_release_is_named(old: Define, memory_vault: Vault) -> None:
    """An old package does not guess what a newer one saved."""
    old(5, name="New", fields={"x": int})(x=1).save("n")
    old(4, name="New", fields={"x": int})
    todays(old)
    error = fails(memory_vault, "migratetest-new/n", MigrationError)
    assert "knows only up to 4" in error.what


def test_a_step_that_lacks_is_named(old: Define, memory_vault: Vault) -> None:
    """A package that raised its version without a migration says which one."""
    todays(old, schema_version=3)
    outcomes = memory_vault.migrate(dry_run=True)
    assert {each.status for each in outcomes} == {"failed"}
    assert all("no migration from 2 to 3" in str(each.error) for each in outcomes)
    assert outcomes[0].steps == (SchemaStep("", "migratetest-account", 1, 3),)


def test_code_of_a_plugin_that_breaks_hinders_no_other(old: Define, memory_vault: Vault) -> None:
    """A class whose own code raises anything at all is named as such."""
    v1 = old(1, name="Odd", fields={"x": int})
    v1(x=1).save("o")

    def broken(self: Any, context: Any) -> None:
        raise RuntimeError("quite another thing")

    @migration(1)
    def same(fields: dict[str, Any]) -> dict[str, Any]:
        return fields

    old(2, name="Odd", fields={"x": int}, _same=same, model_post_init=broken)
    todays(old)
    error = fails(memory_vault, "migratetest-odd/o", MigrationError)
    assert "quite another thing" in error.what


def test_one_that_would_not_come_back_is_not_saved(old: Define, memory_vault: Vault) -> None:
    """A dry run finds it out, too."""
    from pydantic import field_serializer

    v1 = old(1, name="Lossy", fields={"x": str})
    v1(x="one").save("l")

    @migration(1)
    def same(fields: dict[str, Any]) -> dict[str, Any]:
        return fields

    old(
        2,
        name="Lossy",
        fields={"x": str},
        _same=same,
        _lose=field_serializer("x")(lambda self, value: "lost"),
    )
    todays(old)
    for dry_run in (True, False):
        error = fails(memory_vault, "migratetest-lossy/l", BlockError, dry_run=dry_run)
        assert "would not come back" in error.what


def test_what_is_not_there_is_an_error(old: Define, memory_vault: Vault) -> None:
    """One that is named must be there; a version cannot be migrated alone."""
    with pytest.raises(BlockNotFound):
        memory_vault.migrate("settings/nobody")
    with pytest.raises(BlockError, match="names one version"):
        memory_vault.migrate("settings/s@1")


def test_a_save_in_between_is_not_overwritten(
    old: Define, memory_vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What somebody saved while the migration was loading stays, and is migrated itself."""
    from brickwork.vault import migrating

    v1 = old(1, fields={"user": str, "password": Secret[str], "token": Secret[str]})
    cls = todays(old)
    lifted = migrating.lifted
    saved: list[int] = []

    def slow(reader: Any, record: Any) -> Any:
        result = lifted(reader, record)
        if record.name == "a" and not saved:
            saved.append(1)
            block_module.defined_blocks["migratetest-account"] = v1
            newer = v1(user="newer", password="kept-password-4", token=OLD_TOKEN)
            memory_vault.save(newer, "a", overwrite=True)
            block_module.defined_blocks["migratetest-account"] = cls
        return result

    monkeypatch.setattr(migrating, "lifted", slow)
    outcome = by_address(memory_vault.migrate())["migratetest-account/a"]
    assert (outcome.status, outcome.address.version) == ("migrated", 3)
    assert cls.load("a").login == "newer"
    assert [d.schema_version for d in memory_vault.history("migratetest-account/a")] == [1, 1, 2]


def test_two_who_migrate_at_once_migrate_each_document_once(
    old: Define, memory_vault: Vault
) -> None:
    """Each document has one new version, whoever was faster."""
    todays(old)
    found: list[MigrationOutcome] = []

    def work() -> None:
        found.extend(memory_vault.migrate())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {each.status for each in found} == {"migrated"}
    assert len(found) == 3
    assert memory_vault.document("migratetest-account/b").version == 2
