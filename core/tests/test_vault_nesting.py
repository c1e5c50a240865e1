"""Secrets and blocks at any depth, and user data that looks like our own marks."""

from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, given, settings as hypothesis_settings, strategies as st
from pydantic import BaseModel, JsonValue

from brickwork import Address, Block, BlockError, Document, DuplicateName, Secret, Vault
from brickwork.builtin.blocks import BasicAuth, SecretBlock, Settings
from brickwork.registry.kinds import RESERVED

# Secrets here are short on purpose.
pytestmark = pytest.mark.filterwarnings("ignore::brickwork.MaskingWarning")

SENTINEL = "nest3d-s3nt1nel"


class Model(BaseModel):
    """A model that is not ours."""

    token: Secret[str]
    more: dict[str, list[Secret[bytes]]] = {}


class Base(Block):
    """A base with a slug of its own."""

    slug: ClassVar[str] = "nesttest-base"
    size: int = 1


class Derived(Base):
    """A block of another class, with the fields of its base."""

    slug: ClassVar[str] = "nesttest-derived"
    token: Secret[str] | None = None


class Twin(Block):
    """A block with the same fields as `Base`."""

    slug: ClassVar[str] = "nesttest-twin"
    size: int = 1


class Slugless(Block):
    """A block that cannot be saved."""


class Holder(Block):
    """Holds everything."""

    slug: ClassVar[str] = "nesttest-holder"

    models: list[Model] = []
    by_name: dict[str, Model] = {}
    either: Model | SecretBlock | int = 1
    pair: tuple[int, Secret[str]] | None = None
    secrets: dict[str, Secret[str]] = {}
    any_block: Block | None = None
    base: Base | None = None
    one_of: Twin | Base | Derived | None = None
    blocks: list[Block] = []
    block_by_name: dict[str, dict[str, Block]] = {}
    holder: "Holder | None" = None
    data: JsonValue = None


def holds(text: str) -> Secret[str]:
    """Return a secret."""
    return Secret(text)


def check(block: Block, vault: Vault) -> Document:
    """Save and load a block; it must come back equal, and no secret stand in clear."""
    document = block.save("it", overwrite=True)
    loaded = type(block).load("it")
    assert loaded == block
    record = vault.store.get(document.slug, "it")
    assert record is not None
    assert SENTINEL.encode() not in record.public + record.sealed
    assert SENTINEL not in repr(document.fields)
    return document


SECRETIVE: list[dict[str, Any]] = [
    {"models": [Model(token=holds(SENTINEL)), Model(token=holds(SENTINEL + "2"))]},
    {"by_name": {"a/b~c": Model(token=holds(SENTINEL), more={"": [Secret(b"\xff\x00")]})}},
    {"either": Model(token=holds(SENTINEL))},
    {"either": SecretBlock(value=holds(SENTINEL))},
    {"pair": (1, holds(SENTINEL))},
    {"secrets": {"/": holds(SENTINEL), "~1": holds("b"), "": holds(""), "\u00e4 \n": holds("c")}},
    {"any_block": SecretBlock(value=holds(SENTINEL))},
    {"blocks": [SecretBlock(value=holds(SENTINEL)), Settings(value=1), Base()]},
    {"block_by_name": {"a": {"b/c": BasicAuth(username="me", password=holds(SENTINEL))}}},
    {"holder": Holder(holder=Holder(models=[Model(token=holds(SENTINEL))]))},
]


@pytest.mark.parametrize("fields", SECRETIVE, ids=lambda fields: "-".join(fields))
def test_secrets_at_any_depth_are_sealed(fields: dict[str, Any], memory_vault: Vault) -> None:
    """Wherever a secret stands, it is sealed, listed by its place, and comes back."""
    document = check(Holder(**fields), memory_vault)
    assert document.secrets
    assert "********" in repr(document.fields)


def test_secrets_of_odd_values_come_back(memory_vault: Vault) -> None:
    """Empty, huge, binary and odd secrets come back exactly."""
    for text in (
        "",
        " ",
        "\0",
        "\ud800",
        "a" * 1_000_000,
        '{"base64": "YQ=="}',
        "\u00e4\U0001f511",
    ):
        SecretBlock(value=holds(text)).save("odd", overwrite=True)
        assert SecretBlock.load("odd").reveal() == text


def test_a_block_inside_comes_back_as_exactly_its_class(memory_vault: Vault) -> None:
    """A subclass in a field of its base, any class in a field of type Block, members of a union."""
    for inside in (Base(size=2), Derived(size=3, token=holds(SENTINEL))):
        check(Holder(base=inside, any_block=inside, blocks=[inside], one_of=inside), memory_vault)
        loaded = Holder.load("it")
        for block in (loaded.base, loaded.any_block, loaded.blocks[0], loaded.one_of):
            assert type(block) is type(inside)
    check(Holder(one_of=Twin(size=5)), memory_vault)
    assert type(Holder.load("it").one_of) is Twin


def test_a_saved_block_is_kept_as_a_reference(memory_vault: Vault) -> None:
    """Rotating a child reaches every parent, in fields, lists, dicts, unions and deeper."""
    child = Derived(token=holds("old-old-old"))
    child.save("child")
    deep = Holder(blocks=[child], block_by_name={"x": {"y/z": child}})
    document = Holder(
        any_block=child, base=child, one_of=child, blocks=[Base(), child], holder=deep
    ).save("parent")
    assert document.uses == (Address("nesttest-derived", "child"),)
    assert document.fields["holder"]["block_by_name"]["x"]["y/z"] == {
        "$block": "nesttest-derived/child"
    }
    Derived(token=holds("new-new-new")).save("child", overwrite=True)
    parent = Holder.load("parent")
    assert parent.holder is not None
    for found in (
        parent.any_block,
        parent.base,
        parent.one_of,
        parent.blocks[1],
        parent.holder.blocks[0],
        parent.holder.block_by_name["x"]["y/z"],
    ):
        assert isinstance(found, Derived)
        assert found.token == Secret("new-new-new")
        assert found.address == Address("nesttest-derived", "child", 2)
    assert parent.blocks[0].address is None


def test_a_parent_may_hold_an_old_child(memory_vault: Vault) -> None:
    """A parent made before its child was rotated is saved, and refers to the child all the same."""
    child = Base(size=1)
    child.save("child")
    parent = Holder(any_block=child)
    Base(size=2).save("child", overwrite=True)
    parent.save("parent")
    assert Holder.load("parent").any_block == Base(size=2)


def test_a_pinned_child_stays(memory_vault: Vault) -> None:
    """A child that was loaded by version stays that version in its parents."""
    Base(size=1).save("child")
    Base(size=2).save("child", overwrite=True)
    Holder(any_block=Base.load("child", version=1)).save("parent")
    Base(size=3).save("child", overwrite=True)
    assert Holder.load("parent").any_block == Base(size=1)
    assert memory_vault.document("nesttest-holder/parent").uses == (
        Address("nesttest-base", "child", 1),
    )


def test_a_changed_copy_of_a_child_is_saved_inside(memory_vault: Vault) -> None:
    """A changed copy is not what is saved at the address, so the parent keeps it whole."""
    Base(size=1).save("child")
    parent = Holder(any_block=Base.load("child").model_copy(update={"size": 9}))
    assert parent.save("parent").uses == ()
    Base(size=2).save("child", overwrite=True)
    assert Holder.load("parent").any_block == Base(size=9)


def test_a_child_of_another_vault_is_refused(
    memory_vault: Vault, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A reference into another vault would lead nowhere."""
    child = Base()
    with Vault.open(str(tmp_path_factory.mktemp("other") / "vault.db")) as other:
        other.save(child, "child")
        with pytest.raises(BlockError, match="another vault"):
            Holder(any_block=child).save("parent")
    assert memory_vault.documents() == []


def test_a_class_without_a_slug_is_refused(memory_vault: Vault) -> None:
    """It could not be loaded again; inside another block neither."""
    for block in (Slugless(), Holder(any_block=Slugless())):
        with pytest.raises(BlockError, match="no slug of its own"):
            block.save("a")


def test_a_slug_of_the_core_is_refused(
    memory_vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user's class cannot take a slug that the core reserves for later, when it is saved."""
    monkeypatch.setitem(RESERVED, "blocks", frozenset({"nesttestlater"}))
    reserved = type("Later", (Block,), {"slug": "nesttestlater", "__module__": __name__})
    with pytest.raises(DuplicateName, match="nesttestlater"):
        reserved().save("a")
    with pytest.raises(DuplicateName, match="nesttestlater"):
        Holder(any_block=reserved()).save("a")
    assert memory_vault.documents() == []


MARKS: list[JsonValue] = [
    {"$block": "nesttest-base/child"},
    {"ref": "nesttest-base/child"},
    {"slug": "nesttest-base", "schema": 1},
    {"fields": {}, "secrets": ["/data"], "blocks": {"/data": {"ref": "a/b"}}},
    "********",
    {"/": {"~": {"~0": {"~1": [{"": {}}, [[]], {}]}}}},
    {"": "", "0": 0, "-": None},
    "${env:HOME}",
    {"base64": "YQ=="},
    {"b": 1, "a": 2},
]


@pytest.mark.parametrize("data", MARKS, ids=str)
def test_data_that_looks_like_a_mark_stays_data(data: JsonValue, memory_vault: Vault) -> None:
    """No dict, text or key of the user's means anything to the vault."""
    check(Holder(data=data, secrets={"fields": holds(SENTINEL)}), memory_vault)
    assert Holder.load("it").data == data


def test_the_order_of_a_dict_is_kept_and_is_no_change(memory_vault: Vault) -> None:
    """A dict comes back in its order; the same entries in another order are no new version."""
    Settings(value={"b": 1, "a": 2}).save("order")
    value = Settings.load("order").value
    assert isinstance(value, dict)
    assert list(value) == ["b", "a"]
    assert Settings(value={"a": 2, "b": 1}).save("order").version == 1
    assert Settings(value={"a": 2, "b": True}).save("order", overwrite=True).version == 2


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(alphabet="ab/~$\ud800\u00e4.", max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)


@hypothesis_settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(JSON)
def test_any_json_comes_back_or_is_refused(memory_vault: Vault, data: Any) -> None:
    """JSON comes back exactly, types and order included, or saving it is a typed error."""
    block = Settings(value=data)
    try:
        block.save("json", overwrite=True)
    except BlockError:
        return
    assert repr(Settings.load("json").value) == repr(data)


@pytest.mark.parametrize("depth", [150, 250, 254])
def test_deep_data_comes_back_or_is_refused(depth: int, memory_vault: Vault) -> None:
    """Data that is nested deep is stored, or refused by name: nothing between."""
    data: Any = 1
    for _ in range(depth):
        data = [data]
    try:
        Settings(value=data).save("deep")
    except BlockError:
        assert depth > 250
        assert memory_vault.documents() == []
    else:
        assert Settings.load("deep").value == data
