"""Forms and ``--set``: any class of block can be filled, by a person or by arguments."""

import enum
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Literal, cast

import pytest
from hypothesis import given, settings, strategies as st
from pydantic import BaseModel, Field, JsonValue, create_model

from brickwork import BasicAuth, Block, InvalidBlock, Secret
from brickwork.block import Address
from brickwork.builtin.blocks import DatabaseUrl, SecretBlock, Settings
from brickwork.builtin.local_storage import LocalStorage
from brickwork.builtin.notifiers.apprise.block import AppriseTarget
from brickwork.builtin.notifiers.console import Console
from brickwork.builtin.notifiers.discord import DiscordWebhook
from brickwork.builtin.notifiers.email.block import Email
from brickwork.builtin.notifiers.pagerduty import PagerDuty
from brickwork.builtin.notifiers.route.block import NotifyRoute
from brickwork.builtin.notifiers.teams import TeamsWebhook
from brickwork.builtin.notifiers.webhook import Webhook
from brickwork.cli.assign import Assigner, parse
from brickwork.cli.forms import Form
from brickwork.errors import BlockError, BlockNotFound
from brickwork.registry import get_registry
from brickwork.vault.shapes import Shape


def no_block(address: Address) -> Block:
    """Stand in for a vault that is empty."""
    raise BlockNotFound(f"No block {address}.")


def saved_block(address: Address) -> Block:
    """Stand in for a vault that has one block."""
    return Console() if address == Address("console", "saved") else no_block(address)


class Robot:
    """Answers a form from the values that the block is to have."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.values = values
        self.asked: dict[str, int] = {}
        self.told: list[str] = []

    def _value(self, path: str) -> Any:
        value: Any = self.values
        for step in path.split("."):
            if isinstance(value, list | frozenset):
                value = sorted(value, key=str)[int(step)] if step.isdigit() else value
            elif isinstance(value, dict):
                value = value.get(step)
            else:
                value = getattr(value, step)
        return value

    def _turn(self, question: str) -> int:
        self.asked[question] = self.asked.get(question, 0) + 1
        assert self.asked[question] < 20, f"asked again and again: {question}; {self.told[-3:]}"
        return self.asked[question] - 1

    def ask(self, question: str, *, default: str = "") -> str:
        if question.endswith(": key (Enter ends)"):
            keys = list(self._value(question.removesuffix(": key (Enter ends)")) or {})
            turn = self._turn(question)
            return keys[turn] if turn < len(keys) else ""
        path = question.partition(": which kind")[0].partition(" (")[0]
        self._turn(question)
        value = self._value(path)
        if ": which kind" in question:
            names = [cls.__name__ for cls in type(value).__mro__ if cls.__name__ in question]
            return names[0] if value is not None else ""
        if isinstance(value, Block):
            return "new" if "or new" in question else f"{value.slug}/saved"
        if value is None:
            return "" if not default else "null"
        value = getattr(value, "value", value)
        return str(value) if isinstance(value, str | Path) else json.dumps(value)

    def ask_hidden(self, question: str) -> str:
        self._turn(question)
        value = self._value(question.partition(" (")[0])
        return value.reveal() if value is not None else ""

    def confirm(self, question: str, *, default: bool) -> bool:
        for start in ("Set the fields of ", "Add entries to "):
            if question.startswith(start):
                return bool(self._value(question.removeprefix(start)))
        if question.startswith("Replace the "):
            return True
        if question.startswith("Another one in "):
            path = question.removeprefix("Another one in ")
            return self._turn(question) + 1 < len(self._value(path))
        return cast("bool", self._value(question))

    def tell(self, text: str) -> None:
        self.told.append(text)


EXAMPLES: list[Block] = [
    SecretBlock(value="a-secret-value"),
    BasicAuth(username="bob", password="a-password"),
    Settings(value={"limits": [1, 2.5, None, True], "name": "x"}),
    DatabaseUrl(scheme="pg", port=5432, password="pw-pw-pw", options={"sslmode": "require"}),
    LocalStorage(root="/var/data", durable=True),
    Webhook(url="https://hooks.example.com/x"),
    Console(stream="stdout"),
    Email(host="mail.example.com", sender="ops@example.com", to=["a@example.com", "b@example.com"]),
    DiscordWebhook(url="https://discord.com/api/webhooks/1/a-discord-token"),
    TeamsWebhook(url="https://prod.example.com/workflows/a-teams-token"),
    PagerDuty(routing_key="0123456789abcdef0123456789abcdef", source="db-1", component="disk"),
    AppriseTarget(url="gotify://gotify.example.com/a-gotify-token"),
    NotifyRoute(targets=[{"to": Console(), "tags": ["db"]}], max_notifications=5),
]  # fmt: skip


def filled(cls: type[Block], values: dict[str, Any]) -> Block:
    """Return what a form gives when a person answers with these values."""
    return Form(Robot(values), no_block, {}).fill(cls, {})


class JsonRobot(Robot):
    """Answers in JSON, as for fields that take anything."""

    def ask(self, question: str, *, default: str = "") -> str:
        return json.dumps(self._value(question.partition(" (")[0]))


@pytest.mark.parametrize("block", EXAMPLES, ids=lambda block: block.slug)
def test_a_form_makes_every_block_of_the_core(block: Block) -> None:
    """Answering the questions with a block's values gives that block."""
    robot = (JsonRobot if isinstance(block, Settings) else Robot)(dict(block.__dict__))

    assert Form(robot, saved_block, {}).fill(type(block), {}) == block


def test_the_examples_are_all_the_blocks_of_the_core() -> None:
    """A new block of the core needs an example above."""
    core = {
        slug for slug, origin in get_registry().names("blocks").items() if origin == "brickwork"
    }

    assert {block.slug for block in EXAMPLES} == core


@pytest.mark.parametrize("block", EXAMPLES, ids=lambda block: block.slug)
def test_a_form_that_is_answered_with_nothing_keeps_a_block(block: Block) -> None:
    """Enter on every question of an edit leaves the block as it is."""

    class Silent(Robot):
        def ask(self, question: str, *, default: str = "") -> str:
            self._turn(question)
            return default

        def ask_hidden(self, question: str) -> str:
            self._turn(question)
            return ""

        def confirm(self, question: str, *, default: bool) -> bool:
            return default

    assert Form(Silent({}), no_block, {}).change(block, {}) == block


class Colour(enum.Enum):
    """For generated classes."""

    RED = "red"
    BLUE = "blue"


_numbers = itertools.count()
_texts = st.text("abcxyz 0{[\"'=,:", min_size=1, max_size=8).filter(
    lambda t: t.strip() == t != "null"
)
_leaves: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (str, _texts),
    (int, st.integers(-1000, 1000)),
    (float, st.floats(-1e6, 1e6)),
    (bool, st.booleans()),
    (Literal["one", "two"], st.sampled_from(["one", "two"])),
    (Colour, st.sampled_from(Colour)),
    (Secret[str], st.text("abc", min_size=6, max_size=9).map(Secret)),
]


@st.composite
def typed(draw: st.DrawFn, depth: int = 2) -> tuple[Any, Any]:
    """Draw a type and a value of it."""
    kind = draw(
        st.sampled_from(["leaf", "leaf", *(["list", "dict", "model", "optional"] * (depth > 0))])
    )
    if kind == "leaf":
        annotation, values = draw(st.sampled_from(_leaves))
        return annotation, draw(values)
    inner: Any
    inner, value = draw(typed(depth - 1))
    if kind == "list":
        return list[inner], [value] * draw(st.integers(0, 2))
    if kind == "dict":
        keys = draw(st.lists(st.sampled_from(["k", "key", "x"]), unique=True, max_size=2))
        return dict[str, inner], dict.fromkeys(keys, value)
    if kind == "optional":
        return inner | None, value
    model = create_model(f"Model{next(_numbers)}", field=(inner, ...))
    return model, model(field=value)


@st.composite
def generated(draw: st.DrawFn) -> tuple[type[Block], dict[str, Any]]:
    """Draw a class of block, and values for its fields."""
    drawn = draw(st.lists(typed(), min_size=1, max_size=3))
    fields: dict[str, Any] = {f"f{number}": (kind, ...) for number, (kind, _) in enumerate(drawn)}
    cls = create_model(f"Generated{next(_numbers)}", __base__=Block, **fields)
    return cls, {f"f{number}": value for number, (_, value) in enumerate(drawn)}


@settings(max_examples=100, deadline=None)
@given(generated())
def test_a_form_makes_any_generated_block(drawn: tuple[type[Block], dict[str, Any]]) -> None:
    """Whatever the fields are, nested at any depth, answering with values gives that block."""
    cls, values = drawn

    assert filled(cls, values) == cls(**values)


def settled(path: str, value: Any) -> Iterator[tuple[str, str]]:
    """Yield paths with what to write after ``--set``; secrets as ``-``."""
    if isinstance(value, Secret):
        yield path, "-"
    elif isinstance(value, BaseModel):
        for name, each in value.__dict__.items():
            yield from settled(f"{path}.{name}", each)
    elif isinstance(value, list) and value:
        for index, each in enumerate(value):
            yield from settled(f"{path}.{index}", each)
    elif isinstance(value, dict) and value:
        for key, each in value.items():
            yield from settled(f"{path}.{key}", each)
    else:
        value = getattr(value, "value", value)
        yield path, value if isinstance(value, str) else json.dumps(value)


@settings(max_examples=100, deadline=None)
@given(generated())
def test_arguments_make_any_generated_block(drawn: tuple[type[Block], dict[str, Any]]) -> None:
    """`--set` with a path to each leaf gives the block; secrets come by asking, in their order."""
    cls, values = drawn
    pairs = [pair for name, value in values.items() for pair in settled(name, value)]
    secrets = iter(list(_secrets(values)))
    assigner = Assigner(cls, no_block, lambda name: next(secrets))

    fields = assigner.apply({}, parse([f"{path}={text}" for path, text in pairs], "--set"))

    assert pairs
    assert cls(**fields) == cls(**values)


def _secrets(value: Any) -> Iterator[str]:
    if isinstance(value, Secret):
        yield value.reveal()
    elif isinstance(value, BaseModel):
        yield from _secrets(dict(value.__dict__))
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _secrets(each)


@settings(max_examples=100, deadline=None)
@given(generated())
def test_a_literal_secret_is_refused_at_any_depth(
    drawn: tuple[type[Block], dict[str, Any]],
) -> None:
    """A value in JSON is refused if, and only if, a secret stands anywhere in it."""
    cls, values = drawn
    checked = 0
    for name, value in values.items():
        plain = _as_json(value)
        text = plain if isinstance(plain, str) else json.dumps(plain)
        assigner = Assigner(cls, no_block)
        if list(_secrets(value)):
            with pytest.raises(BlockError, match="is a secret"):
                assigner.apply({}, parse([f"{name}={text}"], "--set"))
        else:
            assigner.apply({}, parse([f"{name}={text}"], "--set"))
        checked += 1
    assert checked


def _as_json(value: Any) -> Any:
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, BaseModel):
        return {name: _as_json(each) for name, each in value.__dict__.items()}
    if isinstance(value, dict):
        return {key: _as_json(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_as_json(each) for each in value]
    return getattr(value, "value", value)


class Child(Block):
    """A child."""

    slug: ClassVar[str] = "formtest-child"

    token: Secret[str] = Field(description="A token.")
    size: int = Field(1, description="A size.")


class Parent(Block):
    """A parent."""

    slug: ClassVar[str] = "formtest-parent"

    child: Child | None = Field(None, description="One child.")
    either: Child | BasicAuth | None = Field(None, description="One of two kinds.")
    children: list[Child] = Field(default_factory=list, description="Several.")
    text_or: str | Secret[str] | None = Field(None, description="Might be a secret.")
    anything: JsonValue = Field(None, description="Anything.")
    named: str = Field("x", alias="called", description="Has an alias.")


CHILD = Child(token="a-token-a-token")


def load(address: Address) -> Block:
    """Stand in for a vault with one block."""
    if address == ("formtest-child", "c", None):
        return CHILD
    return no_block(address)


def applied(
    *texts: str, current: dict[str, Any] | None = None, refs: tuple[str, ...] = ()
) -> Parent:
    """Return the parent that arguments make."""
    given = [*parse(texts, "--set"), *parse(refs, "--ref")]
    return Parent(**Assigner(Parent, load).apply(current or {}, given))


def test_a_block_is_given_by_its_address() -> None:
    """Where only blocks fit, --set takes an address: alone, in a union, in JSON, in a list."""
    address = "formtest-child/c"

    assert applied(f"child={address}").child is CHILD
    assert applied(f"either={address}").either is CHILD
    assert applied(refs=(f"either={address}",)).either is CHILD
    assert applied(f'children=["{address}", {{"$block": "{address}"}}]').children == [CHILD, CHILD]
    assert applied(f"children.0={address}").children == [CHILD]


def test_an_address_stays_text_where_text_fits() -> None:
    """A field for anything keeps what looks like an address as it is."""
    assert applied("anything=formtest-child/c").anything == "formtest-child/c"
    assert applied('anything={"a": [1]}').anything == {"a": [1]}


def test_an_alias_names_the_field() -> None:
    """Field and alias lead to the same place."""
    assert applied("called=y").named == applied("named=y").named == "y"


@pytest.mark.parametrize(
    "text",
    [
        "child.token=literal",
        'child={"token": "literal"}',
        'children=[{"token": "literal"}]',
        "children.0.token=literal",
        "text_or=literal",
        'either={"token": "literal"}',
        'either={"password": "literal"}',
    ],
)
def test_a_nested_literal_secret_is_refused(text: str) -> None:
    """Wherever a secret may stand, an argument cannot give it; the error does not quote it."""
    with pytest.raises(BlockError) as caught:
        applied(text)

    assert caught.value.exit_code == 2
    assert "literal" not in str(caught.value)


@pytest.mark.parametrize("text", ["nope=1", "child.nope=1", "named.below=1", "children.x=1", "=1"])
def test_what_does_not_exist_is_refused(text: str) -> None:
    """A path that leads nowhere is an error that says what there is."""
    with pytest.raises(BlockError) as caught:
        applied(text)

    assert caught.value.fix


def test_a_text_without_an_equals_sign_is_not_quoted() -> None:
    """Who forgets the field's name has typed only the value: it is not repeated."""
    with pytest.raises(BlockError) as caught:
        applied("my-secret-value")

    assert "my-secret-value" not in str(caught.value)


def test_a_list_grows_by_one_at_its_end_only() -> None:
    """An index beyond the end is an error; the first one after the end adds an item."""
    grown = Assigner(Parent, load).apply(
        {"children": [CHILD]}, parse(["children.1=formtest-child/c"], "--set")
    )
    assert grown["children"] == [CHILD, CHILD]
    with pytest.raises(BlockError, match="the list has 1 items"):
        Assigner(Parent, load).apply({"children": [CHILD]}, parse(["children.2.size=1"], "--set"))


def test_a_child_that_is_only_referred_to_is_not_changed_through_its_parent() -> None:
    """Its own address is named instead."""
    child = Child(token="a-token-a-token")
    child.save("own")
    with pytest.raises(BlockError, match="formtest-child/own"):
        applied("child.size=2", current={"child": child})


def test_an_embedded_child_is_changed_in_place() -> None:
    """A block inside keeps its other fields, secrets too."""
    changed = applied("child.size=2", current={"child": CHILD})

    assert changed.child == Child(token="a-token-a-token", size=2)


@pytest.mark.parametrize("text", ["not json", "[]", '{"child.token": 1}', '{"named": "x"}'])
def test_secrets_from_standard_input_must_fit(text: str) -> None:
    """The JSON object has texts for secret fields, and nothing else; it is not quoted."""
    with pytest.raises(BlockError) as caught:
        Assigner(Parent, load).apply_json({}, text)

    assert "not json" not in str(caught.value)


def test_secrets_from_standard_input_reach_nested_fields() -> None:
    """One JSON object gives several secrets, by path."""
    fields = Assigner(Parent, load).apply_json(
        {}, '{"child.token": "one-secret", "text_or": "two"}'
    )
    parent = Parent(**fields)

    assert parent.child is not None
    assert parent.child.token.reveal() == "one-secret"


def test_a_recursive_class_has_a_shape() -> None:
    """A class that holds itself ends neither the form nor the search for secrets in a loop."""

    class Node(BaseModel):
        value: Secret[str]
        below: "list[Node]" = []

    shape = Shape(Node)

    assert shape.at(["below", "0", "below", "1", "value"]) is not None
    assert shape.secret_in({"below": [{"below": [{"value": "x"}]}]})
    assert not shape.secret_in({"below": [{"below": []}]})


def test_the_person_is_told_what_is_wrong() -> None:
    """A form that cannot be satisfied says why, without the value."""
    robot = Robot({"username": "a:b", "password": Secret("a-password")})
    with pytest.raises(AssertionError, match="again and again"):
        Form(robot, no_block, {}).fill(BasicAuth, {})

    assert any("colon" in line for line in robot.told)
    with pytest.raises(InvalidBlock):
        BasicAuth(username="a:b", password="a-password")
