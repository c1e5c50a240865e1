"""The same with Prefect: the seconds are those inside the body, which is kind to it."""

import json
import sys
from time import perf_counter
from typing import Any

from prefect import flow, task  # type: ignore[import-not-found]  # only in its own environment
from prefect.cache_policies import (  # type: ignore[import-not-found]  # as above
    INPUTS,
    TASK_SOURCE,
)


@task  # type: ignore[untyped-decorator]  # as above
def nothing(number: int) -> int:
    """Give the argument back."""
    return number


@flow  # type: ignore[untyped-decorator]  # as above
def in_sequence(count: int) -> float:
    """Call the task one after the other."""
    began = perf_counter()
    for number in range(count):
        nothing(number)
    return perf_counter() - began


@task(cache_policy=INPUTS + TASK_SOURCE)  # type: ignore[untyped-decorator]  # as above
def cached(number: int) -> int:
    """Give the argument back, once."""
    return number


@flow  # type: ignore[untyped-decorator]  # as above
def from_cache(count: int) -> float:
    """Call a task whose result is in the cache."""
    cached(0)
    began = perf_counter()
    for _ in range(count):
        cached(0)
    return perf_counter() - began


@flow  # type: ignore[untyped-decorator]  # as above
def mapped(count: int) -> float:
    """Map the task over numbers, and wait for all."""
    began = perf_counter()
    total = sum(future.result() for future in nothing.map(range(count)))
    assert total == count * (count - 1) // 2
    return perf_counter() - began


def main(sequence: int, many: int) -> dict[str, Any]:
    """Run everything once; it takes long enough."""
    in_sequence(20)
    return {
        "sequence": in_sequence(sequence),
        "mapped": mapped(many),
        "cached": from_cache(sequence),
    }


if __name__ == "__main__":
    print(json.dumps(main(*map(int, sys.argv[1:]))))
