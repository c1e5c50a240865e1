"""What Slack's own types say of calls and answers, and how they are kept."""

from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings, strategies as st

from brickwork.testing.base import lacking
from brickwork_slack.testing import WrongAnswer, types as slack_types
from brickwork_slack.testing.methods import METHODS
from brickwork_slack.testing.npm import TypesMissing
from brickwork_slack.testing.schema import KEYWORDS, Checker
from brickwork_slack.testing.types import Types, types_of_slack

PLACE = {"channel": "C1"}


@pytest.fixture(scope="module")
def types() -> Types:
    """Slack's types."""
    try:
        return types_of_slack()
    except TypesMissing as error:
        lacking(str(error))


def test_slack_has_each_method_of_the_loopback(types: Types) -> None:
    """No method is made up."""
    assert set(METHODS) <= types.methods


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("chat.postMessage", {**PLACE, "text": "x"}),
        ("chat.postMessage", {**PLACE, "blocks": [{"type": "divider"}], "thread_ts": "1.2"}),
        ("conversations.history", {**PLACE, "limit": "5", "inclusive": "1"}),
        ("conversations.list", {"types": "im,mpim", "exclude_archived": "true"}),
        ("files.completeUploadExternal", {"files": '[{"id": "F1"}]', "channels": "C1,C2"}),
    ],
)
def test_right_arguments_are_taken(types: Types, method: str, arguments: dict[str, Any]) -> None:
    """As JSON, and as the texts of a form."""
    assert types.argument_faults(method, arguments) == []


@pytest.mark.parametrize(
    ("method", "arguments", "told"),
    [
        ("chat.postMessage", PLACE, "missing required field: text"),
        ("chat.postMessage", {**PLACE, "text": 5}, "must be a string [json-pointer:/text]"),
        ("chat.postMessage", {**PLACE, "text": "x", "txt": "y"}, "unknown field: txt"),
        ("chat.postMessage", {**PLACE, "text": "x", "reply_broadcast": True}, "/reply_broadcast"),
        ("chat.postMessage", {**PLACE, "blocks": [{"type": "x"}]}, "is of no known type"),
        ("conversations.history", {**PLACE, "limit": "many"}, "must be a number"),
        ("conversations.info", {}, "missing required field: channel"),
        ("reactions.add", {**PLACE, "timestamp": "1.2"}, "missing required field: name"),
    ],
)
def test_wrong_arguments_are_told(
    types: Types, method: str, arguments: dict[str, Any], told: str
) -> None:
    """With what is wrong, and where."""
    assert any(told in fault for fault in types.argument_faults(method, arguments))


def test_a_wrong_answer_is_an_error(types: Types) -> None:
    """An answer of another shape than Slack's names the field, and the page of the method."""
    with pytest.raises(WrongAnswer, match=r"must be a string at /channel.*") as caught:
        types.check_answer("chat.postMessage", {"ok": True, "channel": 5})
    assert "methods/chat.postMessage" in str(caught.value.fix)


def keywords(node: Any) -> set[str]:
    """Return the keywords of a schema."""
    if isinstance(node, list):
        return set().union(*map(keywords, node))
    if not isinstance(node, dict):
        return set()
    found = set(node)
    for name, value in node.items():
        if name in ("properties", "definitions"):
            found |= set().union(*map(keywords, value.values()))
        elif name not in ("const", "enum", "required"):
            found |= keywords(value)
    return found


def test_all_keywords_are_understood(types: Types) -> None:
    """Nothing stands in the schemas that the checker would pass over."""
    assert keywords([list(pair) for pair in types._schemas.values()]) <= KEYWORDS


SCHEMA = {
    "definitions": {
        "Node": {
            "type": "object",
            "properties": {
                "type": {"type": "string", "const": "node"},
                "inner": {"type": "array", "items": {"$ref": "#/definitions/Any"}},
                "size": {"type": ["number", "string"]},
            },
            "required": ["type"],
            "additionalProperties": False,
        },
        "Leaf": {
            "type": "object",
            "properties": {
                "type": {"type": "string", "const": "leaf"},
                "kind": {"type": "string", "enum": ["a", "b"]},
                "gone": {"not": {}},
            },
            "required": ["type", "kind"],
            "additionalProperties": {"type": "boolean"},
        },
        "Any": {"anyOf": [{"$ref": "#/definitions/Node"}, {"$ref": "#/definitions/Leaf"}]},
    },
    "$ref": "#/definitions/Any",
}
TEXTS = st.sampled_from(["node", "leaf", "a", "b", ""])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "inner", "size", "kind", "gone", "more"]), inner, max_size=4
        )
    ),
    max_leaves=8,
)


@given(VALUES)
@settings(max_examples=300, deadline=None)
def test_the_checker_judges_as_jsonschema_does(value: Any) -> None:
    """Both find a value right, or both find it wrong."""
    wanted = jsonschema.Draft7Validator(SCHEMA).is_valid(value)
    assert (not Checker(SCHEMA).faults(value)) is wanted


def test_types_are_generated_once(
    types: Types, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was made is kept by its versions, and read from there."""
    monkeypatch.setattr(slack_types, "_cache", lambda: tmp_path)
    monkeypatch.setattr(slack_types, "_generated", lambda *_: {"chat.postMessage": (None, None)})
    made = slack_types._types.__wrapped__(None)
    monkeypatch.setattr(slack_types, "_generated", lambda *_: pytest.fail("made twice"))
    assert slack_types._types.__wrapped__(None).methods == made.methods == {"chat.postMessage"}
