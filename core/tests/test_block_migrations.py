"""Documents of old schema versions are lifted to the class of today."""

from typing import Any, ClassVar

import pytest
from pydantic import BaseModel, Field

from brickwork import Block, MigrationError, Secret, Vault, block as block_module, migration
from brickwork.block import defined_blocks

# Secrets here are short on purpose.
pytestmark = pytest.mark.filterwarnings("ignore::brickwork.MaskingWarning")


@pytest.fixture(autouse=True)
def redefine(monkeypatch: pytest.MonkeyPatch, memory_vault: Vault) -> None:
    """Let each test define the class of its slug in several versions."""
    monkeypatch.setattr(block_module, "defined_blocks", dict(defined_blocks))


def define(version: int = 1, **members: Any) -> type[Block]:
    """Define the class of the slug ``migrationtest-account`` as a release had it."""
    annotations = {name: kind for name, (kind, _) in members.pop("fields", {}).items()}
    return type(
        "Account",
        (Block,),
        {
            "__module__": __name__,
            "__doc__": "An account.",
            "__annotations__": {**annotations, "slug": ClassVar[str]},
            "slug": "migrationtest-account",
            "schema_version": version,
            **members,
        },
    )


def fields(**kinds: Any) -> dict[str, Any]:
    """Return fields without defaults."""
    return {name: (kind, ...) for name, kind in kinds.items()}


def save_v1() -> None:
    """Save a document of schema version 1."""
    cls = define(fields=fields(user=str, token=Secret[str]))
    cls(user="me", token="t0ken-t0ken-1").save("a")


def test_a_chain_lifts_a_document(memory_vault: Vault) -> None:
    """A document of version 1 goes through every step to version 3; saving keeps the lift."""
    save_v1()

    @migration(1)
    def rename_user(old: dict[str, Any]) -> dict[str, Any]:
        old["login"] = old.pop("user")
        return old

    @migration(2)
    def split_token(old: dict[str, Any]) -> dict[str, Any]:
        token = old.pop("token").reveal()
        return {**old, "key": Secret(token[:5]), "rest": Secret(token[5:])}

    cls = define(
        3,
        fields=fields(login=str, key=Secret[str], rest=Secret[str]),
        _rename=rename_user,
        _split=split_token,
    )
    block: Any = cls.load("a")
    assert (block.login, block.key.reveal(), block.rest.reveal()) == ("me", "t0ken", "-t0ken-1")
    assert block.save("a", overwrite=True).schema_version == 3
    assert cls.load("a") == block


def test_a_removed_field_and_its_secret_disappear(memory_vault: Vault) -> None:
    """What a migration drops is not in the block, and gone from the next version."""
    save_v1()

    @migration(1)
    def drop(old: dict[str, Any]) -> dict[str, Any]:
        del old["token"]
        return old

    cls = define(2, fields=fields(user=str), _drop=drop)
    block = cls.load("a")
    assert set(type(block).model_fields) == {"user"}
    assert block.save("a", overwrite=True).secrets == ()
    record = memory_vault.store.get("migrationtest-account", "a")
    assert record is not None
    assert b"token" not in record.public


def test_a_missing_migration_is_named() -> None:
    """An unknown stored field, and a version without a step, name the migration that lacks."""
    save_v1()
    with pytest.raises(MigrationError, match=r"@migration\(1\)"):
        define(fields=fields(token=Secret[str])).load("a")
    with pytest.raises(MigrationError, match="no migration from 1 to 2"):
        define(2, fields=fields(user=str, token=Secret[str])).load("a")


def test_a_failing_migration_is_named_without_what_it_saw() -> None:
    """A migration that raises, or returns no fields, is named; its error's text is not shown."""
    save_v1()

    @migration(1)
    def fail(old: dict[str, Any]) -> dict[str, Any]:
        raise KeyError(old["token"].reveal())

    @migration(1)
    def forget(old: dict[str, Any]) -> dict[str, Any]:
        old["login"] = old.pop("user")
        return None  # type: ignore[return-value]  # the mistake

    with pytest.raises(MigrationError, match="failed with KeyError") as caught:
        define(2, fields=fields(user=str), _fail=fail).load("a")
    assert "t0ken" not in f"{caught.value!r} {caught.value.__context__!r}"
    with pytest.raises(MigrationError, match="returned NoneType"):
        define(2, fields=fields(login=str), _forget=forget).load("a")


def test_a_document_of_a_newer_class_is_named() -> None:
    """An old class does not guess what a newer one saved."""
    define(4, fields=fields(user=str))(user="me").save("a")
    with pytest.raises(MigrationError, match=r"version 4.*knows only up to 3") as caught:
        define(3, fields=fields(user=str)).load("a")
    assert "Upgrade" in caught.value.fix


def test_docstring_and_order_of_fields_make_no_difference(memory_vault: Vault) -> None:
    """Another docstring, description or order of fields needs no migration, and no new version."""
    save_v1()
    cls = define(
        fields=fields(token=Secret[str], user=str),
        __doc__="Told otherwise.",
        user=Field(description="Who."),
    )
    block = cls.load("a")
    assert block.save("a", overwrite=True).version == 1
    assert cls(user="me", token="t0ken-t0ken-1").save("a").version == 1


def test_a_new_field_with_a_default_needs_no_migration() -> None:
    """Old documents get the default."""
    save_v1()
    cls = define(fields={**fields(user=str, token=Secret[str]), "port": (int, 22)}, port=22)
    assert cls.load("a").port == 22  # type: ignore[attr-defined]  # defined above


def test_blocks_inside_are_lifted_by_their_own_class() -> None:
    """A block that is saved inside another one carries its own schema version."""
    old = define(fields=fields(user=str, token=Secret[str]))(user="me", token="t0ken-t0ken-1")
    Holder(blocks={"a": [old]}).save("holder")

    @migration(1)
    def rename(old: dict[str, Any]) -> dict[str, Any]:
        old["login"] = old.pop("user")
        return old

    cls = define(2, fields=fields(login=str, token=Secret[str]), _rename=rename)
    loaded = Holder.load("holder").blocks["a"][0]
    assert type(loaded) is cls
    block: Any = loaded
    assert (block.login, block.token.reveal()) == ("me", "t0ken-t0ken-1")


class Holder(Block):
    """Holds any blocks."""

    slug: ClassVar[str] = "migrationtest-holder"
    blocks: dict[str, list[Block]] = {}


def test_a_migration_sees_blocks_and_secrets() -> None:
    """What stood in the fields as a block or a secret is one in the migration too."""
    from brickwork.builtin.blocks import Settings

    class Options(BaseModel):
        key: Secret[str]

    child = Settings(value=7)
    child.save("seven")
    cls = define(fields=fields(child=Settings, options=list[Options]))
    cls(child=child, options=[{"key": "k3y-k3y-k3y"}]).save("a")
    seen: list[Any] = []

    @migration(1)
    def look(old: dict[str, Any]) -> dict[str, Any]:
        seen.extend([old["child"], old["options"][0]["key"]])
        return {"value": old["child"].value}

    assert define(2, fields=fields(value=int), _look=look).load("a").value == 7  # type: ignore[attr-defined]  # made at run time
    assert seen == [child, Secret("k3y-k3y-k3y")]


def test_a_subclass_may_replace_a_migration() -> None:
    """A step is found in bases too, and the nearest class's counts."""

    class Base(Block):
        """Base."""

        @migration(1)
        def _step(old: dict[str, Any]) -> dict[str, Any]:  # noqa: N805  # called without the class
            return {**old, "by": "base"}

    class Derived(Base):
        """Derived."""

        slug: ClassVar[str] = "migrationtest-derived"
        schema_version: ClassVar[int] = 2
        by: str

    from brickwork.block import lift

    assert lift(Derived, {}, 1) == {"by": "base"}
