"""A task's parameters, and arguments from texts."""

import functools
import inspect
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Optional, Union

import pytest
from hypothesis import given, strategies as st
from pydantic import BaseModel, Field, ValidationInfo, field_validator

from brickwork import BlockNotFound, InvalidArguments, Secret, Task, TaskError, task
from brickwork.block import Block
from brickwork.builtin.memory_storage import MemoryStorage
from brickwork.storage import Storage
from brickwork.tasks.docstrings import argument_descriptions, summary


class Level(Enum):
    LOW = "low"
    HIGH = "high"


class Window(BaseModel):
    start: date
    days: int = 1


class Bucket(Block):
    """A bucket."""

    slug: ClassVar[str] = "parameterstest-bucket"
    bucket: str = Field(description="Its name.")


def parameter_of(annotation: Any) -> Task[..., Any]:
    """Return a task with one parameter ``value`` of that type."""

    def work(value: Any) -> Any:
        return value

    work.__annotations__ = {"value": annotation}
    return task(work)


@task
def upload(bucket: Bucket, path: Path, *, key: str = "", parallel: int = 4) -> int:  # noqa: D417 - one is not described, on purpose
    """Upload a file.

    More words: not a section.

    Args:
        bucket: Where it
            goes to.
        path (Path): The file.
        key: Its key: a relative path.

    Returns:
        bytes: How many.
    """
    return len(str(path)) * parallel


def test_parameters_say_all_about_themselves() -> None:
    """Name, type, default, kind and description, in their order."""
    bucket, path, key, parallel = upload.parameters
    assert (bucket.name, bucket.annotation, bucket.required) == ("bucket", Bucket, True)
    assert bucket.description == "Where it goes to."
    assert (path.annotation, path.description) == (Path, "The file.")
    assert (key.default, key.required) == ("", False)
    assert key.description == "Its key: a relative path."
    assert key.kind is inspect.Parameter.KEYWORD_ONLY
    assert (parallel.default, parallel.description) == (4, "")
    assert upload.parameters is upload.parameters


def test_partials_and_callable_objects_have_parameters() -> None:
    """What stands behind a partial or an object's ``__call__`` is read."""

    class Add:
        def __call__(self, number: "int") -> int:
            return number + 1

    def both(left: "int", right: "int") -> int:
        return left + right

    (number,) = task(name="add")(Add()).parameters
    assert number.annotation is int
    (right,) = task(name="add_2")(functools.partial(both, 2)).parameters
    assert (right.name, right.annotation) == ("right", int)


def test_an_annotation_that_cannot_be_resolved_is_a_clear_error() -> None:
    """A type imported only for type checkers is named, with the fix."""

    def work(value: "OnlyForTypeCheckers") -> None: ...  # type: ignore[name-defined]  # noqa: F821 - the claim

    with pytest.raises(TaskError, match="OnlyForTypeCheckers") as caught:
        _ = task(work).parameters
    assert "TYPE_CHECKING" in caught.value.fix


@pytest.mark.parametrize(
    ("annotation", "text", "value"),
    [
        (str, "5", "5"),
        (int, "5", 5),
        (float, "1e3", 1000.0),
        (bool, "true", True),
        (Path, "a/b", Path("a/b")),
        (date, "2026-11-22", date(2026, 11, 22)),
        (timedelta, "PT5M", timedelta(minutes=5)),
        (Decimal, "0.10", Decimal("0.10")),
        (bytes, "abc", b"abc"),
        (Level, "low", Level.LOW),
        (Literal["a", "b"], "a", "a"),
        (Optional[int], "7", 7),  # noqa: UP045 - both ways of writing it
        (int | None, "null", None),
        (str | None, "null", "null"),
        (Union[int, str], "7", "7"),  # noqa: UP007 - both ways of writing it
        (list[int], "[1, 2]", [1, 2]),
        (set[str], '["a"]', {"a"}),
        (tuple[int, str], '[1, "a"]', (1, "a")),
        (Sequence[Path], '["a"]', [Path("a")]),
        (dict[str, int], '{"a": 1}', {"a": 1}),
        (Window, '{"start": "2026-11-22"}', Window(start=date(2026, 11, 22))),
        (Annotated[int, Field(gt=1)], "2", 2),
        (Any, "x", "x"),
        (int, 5, 5),
        (list[int], ["1"], [1]),
    ],
    ids=str,
)
def test_texts_become_what_the_annotation_wants(annotation: Any, text: Any, value: Any) -> None:
    """Scalars from their text, containers and models from JSON, and ready values as they are."""
    coerced = parameter_of(annotation).coerce({"value": text})["value"]
    assert coerced == value
    assert type(coerced) is type(value)


@given(st.text())
def test_a_text_for_a_text_is_never_touched(text: str) -> None:
    """Whatever a text looks like, a ``str`` parameter gets exactly it."""
    assert parameter_of(str).coerce({"value": text}) == {"value": text}


@given(st.lists(st.integers()))
def test_lists_survive_json(numbers: list[int]) -> None:
    """A list given as JSON arrives as it was."""
    assert parameter_of(list[int]).coerce({"value": str(numbers)}) == {"value": numbers}


def test_defaults_stay_out() -> None:
    """What is not given is left to the function."""
    bucket = Bucket(bucket="b")
    assert upload.coerce({"bucket": bucket, "path": "a"}) == {"bucket": bucket, "path": Path("a")}


def test_every_wrong_argument_is_named_at_once() -> None:
    """Wrong, missing and unknown ones stand in one error, with what the task takes."""
    with pytest.raises(InvalidArguments) as caught:
        upload.coerce({"bucket": Bucket(bucket="b"), "parallel": "many", "pth": "x"})
    text = str(caught.value)
    assert "Task 'upload': 3 argument(s) do not fit" in text
    assert "  - parallel: Input should be a valid integer" in text
    assert "  - pth: there is no such parameter" in text
    assert "  - path: is missing" in text
    assert "fix: It takes: bucket, path, [key], [parallel]." in text
    assert isinstance(caught.value, TypeError)


def test_an_error_inside_a_value_has_its_path() -> None:
    """A wrong element or field is named by its place."""
    with pytest.raises(InvalidArguments, match=r"value\[1\]: Input should be a valid integer"):
        parameter_of(list[int]).coerce({"value": '[1, "x"]'})
    with pytest.raises(InvalidArguments, match=r"value\.days: Input should be a valid integer"):
        parameter_of(Window).coerce({"value": '{"start": "2026-11-22", "days": "x"}'})


class Careless(BaseModel):
    token: Secret[str]
    also: str = ""

    @field_validator("also")
    @classmethod
    def _quote(cls, value: str, info: ValidationInfo) -> str:
        raise ValueError(f"cannot use {value!r}")


SENTINEL = "s3nt1nel-value"


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (int, SENTINEL),
        (Secret[str], [SENTINEL]),
        (Secret[bytes], {"a": SENTINEL}),
        (list[Secret[str]], SENTINEL),
        (Secret[str] | None, 5),
        (Window, {"start": SENTINEL}),
        (Window, f'{{"start": "{SENTINEL}"}}'),
        (Literal["a"], SENTINEL),
        (Level, SENTINEL),
        (Annotated[str, Field(pattern="^a$")], SENTINEL),
        (Bucket, {"bucket": [SENTINEL]}),
    ],
    ids=str,
)
def test_no_error_shows_a_value(annotation: Any, value: Any) -> None:
    """The error says what is wanted, never what was given, and has no cause that does."""
    with pytest.raises(InvalidArguments) as caught:
        parameter_of(annotation).coerce({"value": value})
    shown = f"{caught.value} {caught.value!r} {caught.value.__cause__!r}"
    assert SENTINEL not in shown
    assert caught.value.__suppress_context__


def test_a_validator_that_quotes_is_silenced_beside_a_secret() -> None:
    """A model that holds a secret gets no word of its own validators into the error."""
    holds_secret = Annotated[Careless, Field(description=SENTINEL)] | Secret[str]
    with pytest.raises(InvalidArguments) as caught:
        parameter_of(holds_secret).coerce({"value": {"token": "t" * 9, "also": SENTINEL}})
    assert SENTINEL not in str(caught.value)
    with pytest.raises(InvalidArguments) as caught:
        parameter_of(Careless).coerce({"value": {"token": "t" * 9, "also": SENTINEL}})
    assert SENTINEL not in str(caught.value)


def test_a_secret_is_made_of_its_text() -> None:
    """A text for a ``Secret`` becomes one; JSON-looking secrets are not parsed."""
    coerced = parameter_of(Secret[str]).coerce({"value": '{"key": 1}'})["value"]
    assert coerced.reveal() == '{"key": 1}'


def by_address(address: str) -> object:
    """Resolve a few addresses, as a vault and a registry would."""
    if address == "parameterstest-bucket/b":
        return Bucket(bucket="b")
    if address.startswith("memory:"):
        return MemoryStorage(name=address.removeprefix("memory:"))
    raise BlockNotFound(f"{address} is not saved.", fix="Save it.")


@pytest.mark.parametrize(
    "annotation",
    [
        Bucket,
        Block,
        Bucket | None,
        Optional[Block],  # noqa: UP045 - both ways
        Annotated[Bucket, "note"],
        Bucket | str,
    ],
    ids=str,
)
def test_a_block_is_given_by_its_address(annotation: Any) -> None:
    """An address in place of a block is resolved, wherever a block is wanted."""
    coerced = parameter_of(annotation).coerce(
        {"value": "parameterstest-bucket/b"}, resolve_block=by_address
    )
    assert coerced["value"].bucket == "b"
    assert isinstance(coerced["value"], Bucket)


def test_blocks_in_lists_are_resolved_too() -> None:
    """A JSON list of addresses becomes a list of blocks."""
    for annotation in (list[Bucket], Sequence[Block], tuple[Bucket, ...]):
        (found,) = parameter_of(annotation).coerce(
            {"value": '["parameterstest-bucket/b"]'}, resolve_block=by_address
        )["value"]
        assert isinstance(found, Bucket)


def test_a_storage_is_given_by_its_url() -> None:
    """A URL in place of a storage is handed to the same hook."""
    coerced = parameter_of(Storage).coerce({"value": "memory:x"}, resolve_block=by_address)
    assert isinstance(coerced["value"], Storage)


def test_what_was_resolved_must_fit() -> None:
    """An address of another kind of block is refused, and says what is wanted."""
    with pytest.raises(InvalidArguments, match="Bucket"):
        parameter_of(Bucket).coerce({"value": "memory:x"}, resolve_block=by_address)


def test_the_resolvers_error_passes() -> None:
    """A block that is not there is that error, with its own fix and exit code."""
    with pytest.raises(BlockNotFound) as caught:
        parameter_of(Bucket).coerce(
            {"value": "parameterstest-bucket/gone"}, resolve_block=by_address
        )
    assert caught.value.exit_code == 4


def test_texts_for_texts_are_not_resolved() -> None:
    """A parameter that wants no block never reaches the hook."""

    def never(address: str) -> object:
        raise AssertionError(address)

    for annotation in (str, Path, list[str], Literal["a/b"], Callable[[str], int] | str):
        parameter_of(annotation).coerce(
            {"value": '["a/b"]' if annotation == list[str] else "a/b"}, resolve_block=never
        )


def test_further_names_go_to_the_rest() -> None:
    """With ``**tags: int``, unknown names are taken and coerced as that type says."""

    @task
    def work(name: str, **tags: int) -> dict[str, int]:
        return tags

    assert work.coerce({"name": "a", "x": "1"}) == {"name": "a", "x": 1}
    with pytest.raises(InvalidArguments, match="x: Input should be a valid integer"):
        work.coerce({"name": "a", "x": "one"})


def test_positional_arguments_cannot_be_named() -> None:
    """A task that takes them is refused with a fix, not called wrongly."""

    def by_place(value: int, /) -> int:
        return value

    def many(*values: int) -> int:
        return len(values)

    for fn in (by_place, many):
        with pytest.raises(TaskError, match="by position only"):
            task(fn).coerce({"value": "1"})


def test_docstrings_are_read() -> None:
    """The Args section alone is read, to its end; broken ones give nothing wrong."""
    assert summary(None) == ""
    assert summary("One\ntwo.\n\nThree.") == "One two."
    assert argument_descriptions(None) == {}
    assert argument_descriptions("Text.\n\nArgs:\n") == {}
    text = """First.

    Args:
        one: The first
            goes on: here.

            And on.
        *rest: The rest.
        two (int, optional): The second.
    Raises:
        three: Not a parameter.
    """
    assert argument_descriptions(text) == {
        "one": "The first goes on: here. And on.",
        "rest": "The rest.",
        "two": "The second.",
    }
