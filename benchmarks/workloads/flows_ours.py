"""No-op tasks in a recorded flow of Brickwork; prints what they took as JSON."""

import json
import sys
import tracemalloc
from time import perf_counter
from typing import Any

from brickwork_flows import INPUTS, TASK_SOURCE, flow, task


@task
def nothing(number: int) -> int:
    """Give the argument back."""
    return number


@task(cache_policy=INPUTS + TASK_SOURCE)
def cached(number: int) -> int:
    """Give the argument back, once."""
    return number


@flow
def from_cache(count: int) -> float:
    """Call a task whose result is in the cache; return the seconds that took in the body."""
    began = perf_counter()
    for _ in range(count):
        cached(0)
    return perf_counter() - began


@flow
def in_sequence(count: int) -> float:
    """Call the task one after the other; return the seconds that took in the body."""
    began = perf_counter()
    for number in range(count):
        nothing(number)
    return perf_counter() - began


@flow
def mapped(count: int) -> float:
    """Map the task over numbers, and wait for all; return the seconds that took in the body."""
    began = perf_counter()
    total = sum(future.result() for future in nothing.map(range(count)))
    assert total == count * (count - 1) // 2
    return perf_counter() - began


def memory(count: int) -> float:
    """Return how many bytes are kept for each finished task while its flow runs."""
    held: list[float] = []

    @flow
    def grows() -> None:
        nothing(0)
        before = tracemalloc.get_traced_memory()[0]
        for number in range(count):
            nothing(number)
        held.append((tracemalloc.get_traced_memory()[0] - before) / count)

    tracemalloc.start()
    grows()
    tracemalloc.stop()
    return held[0]


def main(sequence: int, many: int, repeats: int) -> dict[str, Any]:
    """Run everything."""
    in_sequence(100)
    from_cache(100)
    return {
        "sequence": [in_sequence(sequence) for _ in range(repeats)],
        "cached": [from_cache(sequence) for _ in range(repeats)],
        "mapped": [mapped(many) for _ in range(max(1, repeats // 3))],
        "memory": memory(sequence * 5),
    }


if __name__ == "__main__":
    print(json.dumps(main(*map(int, sys.argv[1:]))))
