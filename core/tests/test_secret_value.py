"""A secret is a value that only `reveal` shows."""

import copy
import pickle
import subprocess
import sys
from typing import Any

import pydantic
import pytest
from hypothesis import given, settings, strategies as st

from brickwork.errors import SecretExposed
from brickwork.masking import masker
from brickwork.secret import HIDDEN, Secret

VALUES: st.SearchStrategy[Any] = st.one_of(st.text(), st.binary())


@settings(deadline=None)  # the machine may be busy
@given(VALUES)
def test_reveal_returns_the_value(value: Any) -> None:
    """What went in comes out, of the same type."""
    revealed = Secret(value).reveal()
    assert revealed == value
    assert type(revealed) is type(value)


@settings(deadline=None)  # the machine may be busy
@given(VALUES, VALUES)
def test_equality_is_that_of_the_values(one: Any, other: Any) -> None:
    """Two secrets are equal if their values are, and then hash alike; a plain value never is."""
    assert (Secret(one) == Secret(other)) is (type(one) is type(other) and one == other)
    assert Secret(one) == Secret(copy.copy(one))
    assert hash(Secret(one)) == hash(Secret(one))
    assert Secret(one) != one
    assert bool(Secret(one)) is bool(one)


@settings(deadline=None)  # the machine may be busy
@given(VALUES)
def test_no_text_of_a_secret_depends_on_its_value(value: Any) -> None:
    """All that can be shown of a secret is the same for every secret."""
    secret = Secret(value)
    assert repr(secret) == f"Secret({HIDDEN!r})"
    assert str(secret) == f"{secret}" == HIDDEN
    assert f"{secret:>12}" == HIDDEN.rjust(12)
    assert copy.copy(secret) is copy.deepcopy(secret) is secret


@pytest.mark.parametrize("value", [None, 1, ["x"], bytearray(b"x"), Secret("x")])
def test_only_text_and_bytes_can_be_secret(value: object) -> None:
    """Anything else is a TypeError that names the type and not the value."""
    with pytest.raises(TypeError, match=type(value).__name__):
        Secret(value)  # type: ignore[type-var]  # wrong on purpose


def test_a_secret_cannot_be_changed_or_pickled() -> None:
    """A secret is fixed; pickling it raises an error that says what to do instead."""
    secret = Secret("x")
    with pytest.raises(AttributeError):
        secret._value = "y"
    with pytest.raises(AttributeError):
        del secret._value
    with pytest.raises(AttributeError):
        secret.other = "y"
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(SecretExposed, match="fix: Save the block"):
            pickle.dumps(secret, protocol)
    assert secret.reveal() == "x"


def test_making_a_secret_registers_it() -> None:
    """From the moment that a secret exists, its value is masked."""
    value = "registered-at-once"
    assert masker.mask(value) == value
    Secret(value)
    assert masker.mask(value) == "***"


def test_a_secret_needs_no_pydantic() -> None:
    """Importing the type imports neither pydantic nor logging nor asyncio."""
    code = (
        "import sys, brickwork.secret; "
        "print([m for m in ('pydantic', 'pydantic_core', 'logging', 'asyncio', 'urllib.parse') "
        "if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


class Model(pydantic.BaseModel):
    """A model that is not ours."""

    text: Secret[str]
    raw: Secret[bytes] | None = None
    bare: Secret = Secret("bare")  # type: ignore[type-arg]  # users write it so


def test_a_field_takes_plain_values_and_secrets() -> None:
    """A field of a model takes the plain value or a secret, and bytes also as text."""
    secret = Secret("x")
    model = Model(text=secret, raw=Secret(b"y"))
    assert model.text is secret
    model = Model.model_validate({"text": "x", "raw": "é", "bare": "z"})
    assert model.text == secret
    assert model.raw == Secret("é".encode())
    assert model.bare == Secret("z")
    assert Model.model_validate_json('{"text": "x"}').text == secret


@pytest.mark.parametrize("value", [1, None, ["x"], b"x", Secret(b"x"), True])
def test_a_field_refuses_other_types(value: object) -> None:
    """A wrong type is an error at the field, without the input."""
    with pytest.raises(pydantic.ValidationError) as caught:
        Model.model_validate({"text": value})
    (error,) = caught.value.errors()
    assert error["loc"] == ("text",)
    assert error["type"] == "secret_type"
    assert repr(error["input"]) == "<hidden>" or isinstance(error["input"], Secret)


def test_a_dump_keeps_secrets_and_json_refuses_them() -> None:
    """A Python dump holds the secrets as they are; a JSON dump raises."""
    model = Model(text=Secret("x"))
    assert model.model_dump()["text"] is model.text
    for dump in (model.model_dump_json, lambda: model.model_dump(mode="json")):
        with pytest.raises((SecretExposed, pydantic.ValidationError, ValueError), match="JSON"):
            dump()


def test_a_collector_swaps_secrets() -> None:
    """A vault takes the secrets out while it dumps a model, by the context's `swap`."""

    class Collector:
        def __init__(self) -> None:
            self.found: list[object] = []

        def swap(self, secret: Secret[str] | Secret[bytes]) -> str:
            self.found.append(secret.reveal())
            return f"<{len(self.found)}>"

    collector = Collector()
    model = Model(text=Secret("x"), raw=Secret(b"y"))
    dumped = model.model_dump(mode="json", context=collector)
    assert dumped == {"text": "<1>", "raw": "<2>", "bare": "<3>"}
    assert collector.found == ["x", b"y", "bare"]


def test_the_schema_says_that_it_is_write_only() -> None:
    """The JSON schema of a secret is a password that is never shown."""
    schema = pydantic.TypeAdapter(Secret[str]).json_schema()
    assert schema == {"type": "string", "format": "password", "writeOnly": True}
    with pytest.warns(pydantic.json_schema.PydanticJsonSchemaWarning, match="excluding default"):
        model = Model.model_json_schema()
    assert model["properties"]["bare"].keys() == {"type", "format", "writeOnly", "title"}
