"""Calling, binding, pickling and refusing tasks."""

import asyncio
import copy
import functools
import inspect
import pickle
import types
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from brickwork import Task, TaskError, exponential_backoff, task


@task
def double(number: int, *, plus: int = 0) -> int:
    """Double a number.

    And add something.
    """
    return 2 * number + plus


@task(retries=2, retry_delay_seconds=exponential_backoff(1))
async def double_soon(number: int) -> int:
    """Double a number, later."""
    await asyncio.sleep(0)
    return 2 * number


class Counter:
    def __init__(self, start: int) -> None:
        self.count = start

    @task(tags=["counting"])
    def add(self, number: int) -> int:
        """Add to the count."""
        self.count += number
        return self.count

    @staticmethod
    @task
    def one() -> int:
        return 1


def triple(number: int) -> int:
    """Triple a number."""
    return 3 * number


triple_task = task(triple)


def test_a_call_runs_the_function() -> None:
    """Arguments, defaults and the result are those of the function."""
    assert double(4) == 8
    assert double(number=4, plus=1) == 9


def test_wrong_arguments_are_the_functions_own_error() -> None:
    """A missing argument raises what the bare function raises."""
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'number'"):
        double()  # type: ignore[call-arg]  # the claim


def test_an_async_task_gives_a_coroutine() -> None:
    """Calling an async task runs nothing until it is awaited."""
    running = double_soon(4)
    assert inspect.iscoroutine(running)
    assert asyncio.run(running) == 8


def test_aio_is_always_a_coroutine() -> None:
    """``aio`` awaits an async function and takes a sync one to a thread."""

    async def both() -> tuple[int, int]:
        return await double.aio(4), await double_soon.aio(4)

    assert asyncio.run(both()) == (8, 8)


def test_it_looks_like_its_function() -> None:
    """Name, docstring, module, signature and annotations are the function's."""
    assert double.__name__ == double.name == "double"
    assert double.__doc__ == double.fn.__doc__
    assert double.__module__ == __name__
    assert double.__wrapped__ is double.fn
    assert inspect.signature(double) == inspect.signature(double.fn)
    assert getattr(double, "__signature__") == inspect.signature(double.fn)  # noqa: B009 - untyped
    assert Task.__annotations__ is not None  # asked for, it stands on the class from then on
    assert double.__annotations__ == double.fn.__annotations__
    assert repr(double) == "<Task double>"
    assert "options" in inspect.signature(Task).parameters
    assert not hasattr(double, "no_such_attribute")


def test_the_first_paragraph_describes_it() -> None:
    """The description is the docstring's first paragraph, or what was given."""
    assert double.description == "Double a number."
    assert double.with_options(description="Twice.").description == "Twice."


def test_with_options_changes_a_copy() -> None:
    """Options that are not given stay; the task itself does not change."""
    other = double_soon.with_options(name="aws.double", tags=["a"], timeout_seconds=3)
    assert (other.name, other.tags, other.timeout_seconds) == ("aws.double", frozenset("a"), 3)
    assert other.retry.retries == 2
    assert (double_soon.name, double_soon.tags) == ("double_soon", frozenset())
    assert other.with_options(timeout_seconds=None).timeout_seconds is None


def test_a_method_is_bound_like_a_function() -> None:
    """A task in a class gets its instance; on the class it is the task itself."""
    counter = Counter(5)
    assert counter.add(2) == 7
    assert Counter.add(counter, 1) == 8
    assert asyncio.run(counter.add.aio(1)) == 9
    assert counter.add.tags == {"counting"}
    assert list(inspect.signature(counter.add).parameters) == ["number"]
    assert [each.name for each in counter.add.parameters] == ["number"]
    assert counter.one() == 1


def test_it_pickles_by_its_name() -> None:
    """A task at its function's name comes back as the very same object."""
    assert pickle.loads(pickle.dumps(double)) is double
    assert pickle.loads(pickle.dumps(Counter.add)) is Counter.add
    assert copy.deepcopy(double) is double


def test_changed_and_bound_tasks_pickle_too() -> None:
    """Other options, another name, and the bound instance survive a pickle."""
    changed = pickle.loads(pickle.dumps(double_soon.with_options(name="x", retries=7)))
    assert (changed.name, changed.retry.retries, changed.fn) == ("x", 7, double_soon.fn)
    assert changed.retry.delay_seconds(3) == 4.0
    elsewhere = pickle.loads(pickle.dumps(triple_task))
    assert elsewhere(2) == 6
    bound = pickle.loads(pickle.dumps(Counter(5).add.with_options(retries=1)))
    assert bound(2) == 7
    assert bound.retry.retries == 1


def test_a_local_task_does_not_pickle() -> None:
    """A task inside a function is refused by pickle, as its function would be."""

    @task
    def local() -> None: ...

    with pytest.raises((pickle.PicklingError, AttributeError), match="local"):
        pickle.dumps(local)


def generator() -> Iterator[int]:
    """Count."""
    yield 1


async def async_generator() -> AsyncIterator[int]:
    """Count, later."""
    yield 1


@pytest.mark.parametrize(
    "wrong",
    [
        generator,
        async_generator,
        functools.partial(generator),
        int,
        Counter,
        3,
        double,
        staticmethod(triple),
        classmethod(Counter),  # type: ignore[arg-type]  # the claim
    ],
    ids=lambda wrong: getattr(wrong, "__name__", type(wrong).__name__),
)
def test_what_cannot_be_a_task_is_refused_at_once(wrong: Any) -> None:
    """Generators, classes, values, tasks and descriptors raise at the decorator, with a fix."""
    with pytest.raises(TaskError) as caught:
        task(wrong)
    assert caught.value.fix


@pytest.mark.parametrize(
    "options",
    [
        {"retries": -1},
        {"retries": 1.5},
        {"retries": True},
        {"timeout_seconds": 0},
        {"timeout_seconds": float("nan")},
        {"timeout_seconds": float("inf")},
        {"timeout_seconds": "5"},
        {"retry_delay_seconds": -1},
        {"retry_delay_seconds": []},
        {"retry_delay_seconds": [1, "2"]},
        {"retry_jitter_factor": -0.1},
        {"retry_on": int},
        {"retry_condition_fn": "ValueError"},
        {"retry_on": (ValueError, int)},
        {"retry_on": "ValueError"},
        {"retry": 3},
        {"permissions": "s3:GetObject"},
        {"permissions": [1]},
    ],
    ids=str,
)
def test_options_that_cannot_be_used_are_refused_at_once(options: dict[str, Any]) -> None:
    """A wrong value or an unknown option raises at the decorator and names the option."""
    with pytest.raises(TaskError, match=next(iter(options))) as caught:
        task(**options)(triple)
    assert caught.value.fix


def test_other_callables_can_be_tasks() -> None:
    """Partials with a name, callable objects, builtins, and generator-based coroutines."""

    class Four:
        async def __call__(self) -> int:
            return 4

    @types.coroutine
    def old_style() -> Iterator[Any]:
        yield from asyncio.sleep(0).__await__()

    assert task(name="six")(functools.partial(triple, 2))() == 6
    assert asyncio.run(task(name="four")(Four()).aio()) == 4
    assert task(len)([1, 2]) == 2
    assert task(old_style).is_async
    with pytest.raises(TaskError, match="has no name"):
        task(functools.partial(triple, 2))
