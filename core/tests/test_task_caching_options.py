"""Options about caching are for engines; a task refuses those that no engine could follow."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from brickwork import Block, SecretBlock, Task, TaskError, task


class Policy:
    """A policy, as an engine would bring it."""

    def compute_key(self, context: object, parameters: Mapping[str, Any]) -> str | None:
        """Return a key."""
        return f"{context} {parameters}"


def by_day(context: object, parameters: dict[str, Any]) -> str | None:
    """Return a key."""
    return f"{context} {parameters}"


def test_a_plain_call_does_not_cache() -> None:
    """Without an engine, each call runs the function."""
    calls = []

    @task(cache_policy=Policy(), cache_expiration=timedelta(hours=1))
    def count() -> int:
        calls.append(1)
        return len(calls)

    assert [count(), count()] == [1, 2]
    assert count.caches


def test_a_task_without_a_policy_does_not_cache() -> None:
    """An engine sees at one glance that there is nothing to do."""

    @task
    def nothing() -> None: ...

    assert not nothing.caches
    assert nothing.with_options(cache_key_fn=by_day).caches


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"cache_policy": "inputs"}, "cache_policy is a str"),
        ({"cache_policy": by_day}, "for a function, cache_key_fn="),
        ({"cache_key_fn": "day"}, "cache_key_fn is a str"),
        ({"cache_policy": Policy(), "cache_key_fn": by_day}, "both"),
        ({"cache_expiration": timedelta()}, "above zero"),
        ({"cache_expiration": timedelta(days=-1)}, "above zero"),
        ({"cache_expiration": 60}, "must be a timedelta"),
    ],
)
def test_wrong_options_are_refused_at_once(options: dict[str, Any], named: str) -> None:
    """The error comes where the task is made, and not where it runs."""
    with pytest.raises(TaskError, match=named) as caught:
        Task(lambda: None, **{"name": "load", **options})
    assert "'load'" in str(caught.value)
    assert caught.value.fix


def test_a_saved_block_has_a_key_of_its_version(memory_vault: object) -> None:
    """It differs with each version, and a block that is not saved has none."""
    block = SecretBlock(value="sentinel-7391")
    assert block.__cache_key__() is None
    block.save("token")
    first = block.__cache_key__()
    again = Block.load("secret/token")
    assert first is not None
    assert first == again.__cache_key__()
    assert "secret/token@1" in first
    assert "sentinel" not in first

    changed = again.model_copy(update={"value": "sentinel-7392"})
    assert changed.__cache_key__() is None
    changed.save("token", overwrite=True)
    assert changed.__cache_key__() not in (None, first)
