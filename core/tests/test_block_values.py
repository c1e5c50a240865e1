"""Blocks as values: coerced, validated, frozen, equal by their fields."""

import copy
import json
from functools import cached_property
from typing import Any, ClassVar, Literal

import pytest
from hypothesis import given, strategies as st
from pydantic import BaseModel, Field

from brickwork import Address, Block, BlockError, InvalidBlock, InvalidName, Secret, SecretExposed
from brickwork.block import Place, check_name, check_slug, place_of, stamp


class Account(Block):
    """An account."""

    slug: ClassVar[str] = "valuetest-account"

    login: str = Field(description="Who.")
    password: Secret[str] = Field(description="The password.")
    port: int = Field(default=22, description="The port.")
    tags: list[str] = Field(default_factory=list, description="Tags.")

    @cached_property
    def client(self) -> object:
        """Something expensive."""
        return object()


def account(**changes: Any) -> Account:
    """Return one."""
    return Account.model_validate({"login": "me", "password": "hunter2hunter2", **changes})


def test_values_are_coerced_and_validated() -> None:
    """A text that is a number becomes one; what is none is refused, with the field's name."""
    assert account(port="443").port == 443
    with pytest.raises(InvalidBlock) as caught:
        account(port="many")
    assert [problem.path for problem in caught.value.problems] == ["port"]


def test_an_unknown_field_is_refused_with_a_suggestion() -> None:
    """A misspelt field is named, with the one that was likely meant."""
    with pytest.raises(InvalidBlock, match="Write password instead of pasword"):
        Account.model_validate({"login": "me", "pasword": "hunter2hunter2"})
    with pytest.raises(InvalidBlock, match="Fields: login, password, port, tags"):
        account(zzz=1)


def test_a_block_is_frozen() -> None:
    """Setting or deleting a field is refused, and the error does not quote the new value."""
    block = account()
    for name in ("login", "password", "no_such_field"):
        with pytest.raises(InvalidBlock) as caught:
            setattr(block, name, "hunter3hunter3")
        assert "hunter3" not in f"{caught.value!r} {caught.value}"
        assert "model_copy" in caught.value.fix
    with pytest.raises(ValueError, match="frozen"):
        del block.login
    assert block == account()


def test_a_changed_copy_is_validated() -> None:
    """`model_copy(update=)` coerces, validates and refuses unknown fields."""
    assert account().model_copy(update={"port": "80"}).port == 80
    for wrong in ({"port": "many"}, {"prt": 80}, {"login": Secret("s3cret-s3cret")}):
        with pytest.raises(InvalidBlock):
            account().model_copy(update=wrong)
    with pytest.raises(InvalidBlock):
        account().copy(update={"port": "many"})
    with pytest.raises(InvalidBlock):
        Account.model_construct(login=5)  # type: ignore[arg-type, call-arg]  # the mistake


def test_a_changed_copy_keeps_no_address_and_leaves_cached_values_behind() -> None:
    """A copy that was changed is saved nowhere, and makes its own client."""
    block = account()
    client = block.client
    stamp(block, Place(Address(Account.slug, "a", 1), b"store"))
    assert block.model_copy().address == block.address
    changed = block.model_copy(update={"port": 80})
    assert changed.address is None
    assert changed.client is not client
    assert place_of(changed) == Place(Address(Account.slug, "a", 1), b"store", changed=True)


def test_equality_looks_at_class_and_fields_only() -> None:
    """Address and cached values do not matter; another class with the same fields does."""

    class Other(Account):
        """Another."""

        slug: ClassVar[str] = "valuetest-other"

    one, two = account(), account()
    stamp(one, Place(Address(Account.slug, "a", 1), b"store"))
    assert one.client
    assert one == two
    assert hash(one) == hash(two)
    assert one != account(port=1)
    assert one != account(password="hunter2hunter3")
    assert one != Other(**dict(two))
    assert (one == "me") is False
    assert len({one, two, copy.copy(one), copy.deepcopy(one)}) == 1


def test_repr_and_schema_show_no_secret() -> None:
    """Public fields are shown, secrets are not; JSON is refused with a reason."""
    block = account()
    assert repr(block) == "Account(login='me', password=Secret('********'), port=22, tags=[])"
    schema = Account.model_json_schema()
    assert (
        schema["properties"]["password"]
        == {
            "description": "The password.",
            "format": "password",
            "title": "Password",
            "type": "string",
            "writeOnly": True,
        }
        or schema["properties"]["password"]["writeOnly"]
    )
    assert schema["description"] == "An account."
    for dump in (block.model_dump_json, lambda: block.model_dump(mode="json")):
        with pytest.raises(SecretExposed, match="cannot be written as JSON"):
            dump()
    assert block.model_dump()["password"] == block.password


def test_a_block_without_secrets_is_plain_json() -> None:
    """Only secrets forbid JSON."""

    class Plain(Block):
        """Plain."""

        slug: ClassVar[str] = "valuetest-plain"
        size: int = 1

    assert json.loads(Plain().model_dump_json()) == {"size": 1}


@pytest.mark.parametrize("name", ["save", "load", "address", "check", "copy", "json"])
def test_a_field_may_not_hide_a_method(name: str) -> None:
    """A field that is named like a method is refused when the class is defined."""
    with pytest.raises(BlockError, match="hides"):
        _define(name)


@pytest.mark.parametrize("name", ["slug", "schema_version"])
def test_what_belongs_to_the_class_may_not_be_a_field(name: str) -> None:
    """A slug without ClassVar is an error that says how to write it."""
    with pytest.raises(BlockError, match=r"ClassVar\["):
        _define(name)


def _define(field: str) -> None:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydantic warns as well
        type("Odd", (Block,), {"__annotations__": {field: str}, "__module__": __name__})


def test_a_slug_is_checked_and_belongs_to_one_class() -> None:
    """A slug that is none, or that another class has, is refused when the class is defined."""
    with pytest.raises(InvalidName, match="is not a slug"):
        type("Odd", (Block,), {"slug": "Not A Slug", "__module__": __name__})
    with pytest.raises(BlockError, match="Two block classes have the slug 'valuetest-account'"):
        type("Second", (Block,), {"slug": Account.slug, "__module__": __name__})


def test_a_class_may_be_defined_again() -> None:
    """Running a notebook's cell twice defines the class anew."""
    for number in (1, 2):
        cls = type(
            "Again",
            (Block,),
            {"slug": "valuetest-again", "__module__": __name__, "__doc__": str(number)},
        )
    assert cls.__doc__ == "2"


def test_a_field_that_holds_itself() -> None:
    """A class may hold blocks of its own class, and wrong ones deep inside are found."""
    tree = Tree.model_validate({"label": "a", "leaves": [{"label": "b", "leaves": []}]})
    assert tree.leaves[0].label == "b"
    with pytest.raises(InvalidBlock) as caught:
        Tree.model_validate({"label": "a", "leaves": [{"label": "b", "leaves": [{"labl": 1}]}]})
    assert {problem.path for problem in caught.value.problems} == {
        "leaves[0].leaves[0].label",
        "leaves[0].leaves[0].labl",
        "leaves[0].leaves[0].leaves",
    }
    assert "$ref" in json.dumps(Tree.model_json_schema())


class Tree(Block):
    """A tree."""

    slug: ClassVar[str] = "valuetest-tree"
    label: str
    leaves: list["Tree"]


def test_paths_of_problems_lead_to_the_field() -> None:
    """Problems name the field through models, lists, dicts and unions."""

    class Inner(BaseModel):
        size: int

    class Holder(Block):
        """Holder."""

        slug: ClassVar[str] = "valuetest-holder"
        inners: dict[str, list[Inner]] = {}
        mode: Literal["a", "b"] = "a"
        one: Account | None = None

    with pytest.raises(InvalidBlock) as caught:
        Holder.model_validate(
            {
                "inners": {"function-x": [{"size": 1}, {"size": "x"}]},
                "mode": "c",
                "one": {"port": 1},
            }
        )
    assert [problem.path for problem in caught.value.problems] == [
        "inners.function-x[1].size",
        "mode",
        "one.login",
        "one.password",
    ]


def test_an_alias_is_taken_beside_the_name() -> None:
    """A field with an alias can be given by either, and a secret one is hidden by either."""

    class Aliased(Block):
        """Aliased."""

        slug: ClassVar[str] = "valuetest-aliased"
        schema_: str = Field(default="", alias="schema")
        key: Secret[str] = Field(alias="api-key")

    assert Aliased.model_validate(
        {"schema": "a", "api-key": "hunter2hunter2"}
    ) == Aliased.model_validate({"schema_": "a", "key": "hunter2hunter2"})
    with pytest.raises(InvalidBlock) as caught:
        Aliased.model_validate({"api-key": ["hunter2hunter2"]})
    assert "hunter2" not in str(caught.value)


NAMES = st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")
SLUGS = st.from_regex(r"\A[a-z][a-z0-9]*(-[a-z0-9]+)*\Z").filter(lambda slug: len(slug) < 80)
VERSIONS = st.none() | st.integers(1, 2**63 - 1)


@given(SLUGS, NAMES, VERSIONS)
def test_addresses_survive_text(slug: str, name: str, version: int | None) -> None:
    """An address is read back from its text, whatever the slug, the name and the version."""
    address = Address(slug, name, version)
    assert Address.parse(str(address)) == address


@given(st.text())
def test_any_text_is_an_address_or_a_typed_error(text: str) -> None:
    """No text breaks the parser, and what it takes is written back the same."""
    try:
        address = Address.parse(text)
    except InvalidName:
        return
    assert str(address._replace(version=None)) == text.partition("@")[0]


@pytest.mark.parametrize(
    "name",
    ["", "a/b", "-a", ".a", "_a", "a b", "ä", "a\n", "a" * 101, "a@1", "\u0661", "../a", "a\0"],
)
def test_odd_names_are_refused(name: str) -> None:
    """A name of other characters, or too long, is refused."""
    with pytest.raises(InvalidName, match="A name has 1 to 100"):
        check_name(name)


@pytest.mark.parametrize("slug", ["", "A", "1a", "a_b", "a--b", "-a", "a-", "a b", "ä", "a\n"])
def test_odd_slugs_are_refused(slug: str) -> None:
    """A slug of other characters is refused."""
    with pytest.raises(InvalidName, match="not a slug"):
        check_slug(slug)


@pytest.mark.parametrize(
    "text", ["a", "a/b@", "a/b@0", "a/b@-1", "a/b@x", "a/b@1@2", "a/b@\u0661", "a/b@" + "9" * 30]
)
def test_odd_addresses_are_refused(text: str) -> None:
    """An address without a slash, or with a version that is none, is refused."""
    with pytest.raises(InvalidName):
        Address.parse(text)
