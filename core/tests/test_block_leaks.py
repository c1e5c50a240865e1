"""Errors never carry what was given to a block: not in texts, chains, or tracebacks with locals."""

import itertools
import json
import traceback
from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal

import pytest
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    TypeAdapter,
    ValidationError,
    WrapValidator,
    field_validator,
    model_validator,
)

from brickwork import Block, InvalidBlock, Secret
from brickwork.testing.leaks import leaks

_numbers = itertools.count()


def fresh() -> str:
    """Return a text that was never a secret before, so that no masker knows it."""
    return f"s3nt1nel-{next(_numbers):04}-Zq7xK"


class Model(BaseModel):
    """A model that is not ours, with a secret."""

    token: Secret[str]
    size: int = 1


class Child(Block):
    """A block without a slug."""

    token: Secret[str]
    size: int = 1


class Parent(Block):
    """Everything that can hold a secret."""

    slug: ClassVar[str] = "leaktest-parent"

    text: Secret[str] | None = None
    data: Secret[bytes] | None = None
    either: int | Secret[str] = 1
    models: list[Model] = []
    by_name: dict[str, Model] = {}
    children: list[Child] = []
    child_by_name: dict[str, Child] = {}
    one_of: Child | Model | None = None
    pair: tuple[int, Secret[str]] | None = None
    secrets: dict[str, Secret[str]] = {}
    mode: Literal["a", "b"] = "a"


class Foreign(BaseModel):
    """A model that is not ours around a block of ours."""

    block: Parent
    blocks: list[Parent] = []


def refuse(value: object) -> Any:
    """Raise an error that quotes what it was given, as validators like to do."""
    raise ValueError(f"{value!r} ({value}) is not what I want")


def refuse_wrapped(value: object, handler: Callable[[object], object]) -> Any:
    """Validate, and raise an error that quotes both."""
    refuse((value, handler(value)))


def refuse_revealed(value: Secret[str]) -> Any:
    """Raise an error with the secret in clear."""
    refuse(value.reveal())


class Before(Block):
    """Quotes before validation."""

    token: Annotated[Secret[str], BeforeValidator(refuse)]


class After(Block):
    """Quotes after validation."""

    token: Annotated[Secret[str], AfterValidator(refuse_revealed)]


class Around(Block):
    """Quotes around validation."""

    token: Annotated[Secret[str], WrapValidator(refuse_wrapped)]


class Deep(Block):
    """Quotes a list with secrets, before it is validated."""

    tokens: list[Secret[str]] = []
    models: dict[str, list[Model]] = {}

    @field_validator("tokens", "models", mode="before")
    @classmethod
    def _quote(cls, value: object) -> object:
        return refuse(value)


class Whole(Block):
    """Quotes the whole input."""

    token: Secret[str]
    more: dict[str, Any] = {}

    @model_validator(mode="before")
    @classmethod
    def _quote(cls, value: object) -> object:
        return refuse(value)


class Made(Block):
    """Quotes itself and its secret, when it is made."""

    token: Secret[str]

    @model_validator(mode="after")
    def _quote(self) -> "Made":
        return refuse((self, self.token.reveal()))  # type: ignore[no-any-return]  # never returns


class Failing(Block):
    """Has a validator with a bug."""

    token: Secret[str]

    @field_validator("token", mode="before")
    @classmethod
    def _fail(cls, value: object) -> object:
        raise RuntimeError(f"a bug, seen with {value!r}")


ATTEMPTS: dict[str, Callable[[str], object]] = {
    "wrong kind": lambda s: Parent(text=[s]),
    "bytes": lambda s: Parent(data=[s]),
    "literal": lambda s: Parent(mode=s),
    "secret in a public field": lambda s: Parent(mode=Secret(s)),
    "unknown field": lambda s: Parent(other=s),  # type: ignore[call-arg]  # wrong on purpose
    "union": lambda s: Parent(either=[s]),
    "model in a list": lambda s: Parent(models=[{"token": s, "size": s}]),
    "model in a dict": lambda s: Parent(by_name={"a": {"token": [s]}}),
    "block in a list": lambda s: Parent(children=[{"token": s, "size": s}]),
    "block in a dict": lambda s: Parent(child_by_name={"a": {"token": s, "x": s}}),
    "block or model": lambda s: Parent(one_of={"token": s, "size": s}),
    "text for a block": lambda s: Parent(one_of=s),
    "tuple": lambda s: Parent(pair=(s, s)),
    "dict of secrets": lambda s: Parent(secrets={"a": [s]}),
    "text for a dict": lambda s: Parent(secrets=s),
    "instance inside": lambda s: Parent(children=[Child(token=Secret(s), size=s)]),
    "model_validate": lambda s: Parent.model_validate({"text": s, "mode": s}),
    "model_validate of a text": lambda s: Parent.model_validate(s),
    "model_validate_json": lambda s: Parent.model_validate_json(json.dumps({"text": s, "mode": s})),
    "broken JSON": lambda s: Parent.model_validate_json(f'{{"text": "{s}", "mode": "{s}"'),
    "model_validate_strings": lambda s: Parent.model_validate_strings({"text": s, "mode": s}),
    "model_construct": lambda s: Parent.model_construct(text=s, mode=s),  # type: ignore[arg-type]  # wrong on purpose
    "model_copy": lambda s: Parent().model_copy(update={"text": s, "mode": s}),
    "copy": lambda s: Parent().copy(update={"text": s, "mode": s}),
    "setattr": lambda s: setattr(Parent(), "text", s),
    "positional": lambda s: Parent(s),  # type: ignore[call-arg]  # wrong on purpose
    "validator before": lambda s: Before(token=s),
    "validator after": lambda s: After(token=s),
    "validator around": lambda s: Around(token=s),
    "validator of a list": lambda s: Deep(tokens=[s, s + "b"]),
    "validator of models": lambda s: Deep(models={"a": [{"token": s}]}),
    "validator of the whole": lambda s: Whole(token=s, more={"deep": [s]}, other=s),  # type: ignore[call-arg]  # wrong on purpose
    "validator of a text": lambda s: Whole.model_validate(s),
    "validator of the block": lambda s: Made(token=s),
    "bug in a validator": lambda s: Failing(token=s),
}
for _name in ("validator before", "validator after", "validator around", "validator of the block"):
    _cls = {"before": Before, "after": After, "around": Around, "block": Made}[_name.split()[-1]]
    ATTEMPTS[f"{_name}, from JSON"] = lambda s, cls=_cls: cls.model_validate_json(  # type: ignore[misc]  # wrong on purpose
        json.dumps({"token": s})
    )

THROUGH_PYDANTIC: dict[str, Callable[[str], object]] = {
    "TypeAdapter": lambda s: TypeAdapter(Parent).validate_python({"text": s, "mode": s}),
    "TypeAdapter of a list": lambda s: TypeAdapter(list[Parent]).validate_python([{"mode": s}]),
    "TypeAdapter, from JSON": lambda s: TypeAdapter(Parent).validate_json(json.dumps({"mode": s})),
    "TypeAdapter, validator": lambda s: TypeAdapter(Deep).validate_python({"tokens": [s]}),
    "foreign model": lambda s: Foreign(block={"text": s, "mode": s}),
    "foreign model, text": lambda s: Foreign(block=s),
    "foreign model, list": lambda s: Foreign.model_validate({"block": {}, "blocks": [{"x": s}]}),
    "foreign model, JSON": lambda s: Foreign.model_validate_json(
        json.dumps({"block": {"one_of": {"token": s, "size": s}}})
    ),
}


def everything_about(error: BaseException) -> str:
    """Return all that can be seen of an error, but not of this module's own frames."""
    parts = [str(error), repr(error), repr(error.args), repr(vars(error))]
    parts += [repr(error.__cause__), repr(error.__context__)]
    if isinstance(error, InvalidBlock):
        parts += [str(problem) for problem in error.problems]
    if isinstance(error, ValidationError):
        parts += [repr(error.errors()), error.json()]
    told = traceback.TracebackException.from_exception(error, capture_locals=True)
    for frame in told.stack:
        # Frames of pydantic's own entrances hold what the caller gave them; see THROUGH_PYDANTIC.
        if frame.filename != __file__ and "/pydantic/" not in frame.filename:
            parts.append(f"{frame.filename}:{frame.lineno} {frame.locals}")
    return "\n".join(parts)


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_an_error_of_a_block_carries_no_input(attempt: str) -> None:
    """The input shows nowhere in the error, nor in a local variable of any frame below."""
    secret = fresh()
    with pytest.raises((InvalidBlock, TypeError, RuntimeError)) as caught:
        ATTEMPTS[attempt](secret)
    frames = [frame.filename for frame in traceback.extract_tb(caught.value.__traceback__)]
    if attempt != "bug in a validator":
        assert not any("/pydantic/" in name for name in frames), "pydantic's frames hold the input"
    assert not leaks(secret, everything_about(caught.value))


@pytest.mark.parametrize("attempt", THROUGH_PYDANTIC)
def test_an_error_of_pydantic_around_a_block_carries_no_input(attempt: str) -> None:
    """Where a block is part of something that pydantic validates, its error quotes nothing."""
    secret = fresh()
    with pytest.raises(ValidationError) as caught:
        THROUGH_PYDANTIC[attempt](secret)
    assert not leaks(secret, everything_about(caught.value))


def test_the_detector_finds_what_pydantic_shows() -> None:
    """The same attempts on a model that is not ours do show the input: the tests can fail."""

    class Open(BaseModel):
        mode: Literal["a", "b"]

    secret = fresh()
    with pytest.raises(ValidationError) as caught:
        Open(mode=secret)
    assert leaks(secret, everything_about(caught.value))


def test_a_message_keeps_what_is_public() -> None:
    """A validator's message about a public field still says what was wrong."""

    class Regional(Block):
        """Regional."""

        region: str
        token: Secret[str]

        @field_validator("region")
        @classmethod
        def _known(cls, region: str) -> str:
            raise ValueError(f"no region is called {region}")

    with pytest.raises(InvalidBlock, match="no region is called northward"):
        Regional(region="northward", token=Secret(fresh()))


def test_what_is_vague_counts_as_secret() -> None:
    """A field of type Any may hold a secret: a message that quotes it is masked."""

    class Vague(Block):
        """Vague."""

        anything: Any

        @field_validator("anything")
        @classmethod
        def _no(cls, value: Any) -> Any:
            return refuse(value)

    secret = fresh()
    with pytest.raises(InvalidBlock) as caught:
        Vague(anything={"deep": [secret]})
    assert not leaks(secret, everything_about(caught.value))
