"""Real timers due at the moment a call ends, in many rounds: no interrupt leaks out of a call."""

import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from brickwork import TaskTimeout, task
from brickwork.tasks.threads import _watch


@pytest.fixture(autouse=True)
def threads_switch_often() -> Iterator[None]:
    """Threads take turns after a microsecond, so that all orders happen."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def some_bytecode(rounds: int = 20) -> str:
    """Pass several places where CPython delivers an exception."""
    for _ in range(rounds):
        pass
    return "done"


def test_the_alarm_while_a_call_ends() -> None:
    """On the main thread, with the timer due around the end of the call, nothing leaks."""
    outcomes: Counter[str] = Counter()
    chance = random.Random(2)
    rounds = 4_000
    for _ in range(rounds):
        try:
            work = task(timeout_seconds=chance.uniform(20e-6, 300e-6))(busy)
            outcomes[work(chance.uniform(50e-6, 250e-6))] += 1
        except TaskTimeout:
            outcomes["late"] += 1
        some_bytecode()
    assert outcomes.total() == rounds
    assert min(outcomes["done"], outcomes["late"]) > rounds // 50, outcomes
    assert signal.getsignal(signal.SIGALRM) is signal.SIG_DFL
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_nested_alarms_while_calls_end() -> None:
    """Nested time-outs due at the same moments: the inner error stays inside, the outer passes."""
    outcomes: Counter[str] = Counter()
    chance = random.Random(3)
    rounds = 3_000

    def outer() -> str:
        try:
            task(timeout_seconds=chance.uniform(20e-6, 300e-6), name="inner")(busy)(150e-6)
        except TaskTimeout as error:
            if "'outer'" in str(error):
                raise  # its time was up before the inner task began
            outcomes["inner late"] += 1
        return "done"

    for _ in range(rounds):
        try:
            outcomes[task(timeout_seconds=chance.uniform(50e-6, 400e-6))(outer)()] += 1
        except TaskTimeout as error:
            outcomes["outer late"] += "'outer'" in str(error)  # and not 'inner'
        some_bytecode()
    assert outcomes["done"] + outcomes["outer late"] == rounds
    assert min(outcomes.values()) > rounds // 100, outcomes
    assert signal.getsignal(signal.SIGALRM) is signal.SIG_DFL


def test_the_watching_thread_while_calls_end() -> None:
    """With real time-outs in a thread, due around the end of the call, nothing leaks."""
    outcomes: Counter[str] = Counter()
    leaked: list[BaseException] = []
    rounds = 1_000

    def run() -> None:
        chance = random.Random(4)
        try:
            for _ in range(rounds):
                try:
                    work = task(timeout_seconds=chance.uniform(100e-6, 2e-3))(busy)
                    outcomes[work(chance.uniform(100e-6, 2e-3))] += 1
                except TaskTimeout:
                    outcomes["late"] += 1
                some_bytecode()
        except BaseException as error:  # noqa: BLE001 - what leaks is told to the test
            leaked.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert leaked == []
    assert outcomes.total() == rounds
    assert min(outcomes["done"], outcomes["late"]) > rounds // 50, outcomes


def busy(seconds: float) -> str:
    """Be busy in bytecode."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass
    return "done"


def test_ended_calls_are_forgotten() -> None:
    """Ten thousand calls with a time-out of an hour leave a small list behind."""
    quick = task(timeout_seconds=3600)(some_bytecode)
    thread = threading.Thread(target=lambda: [quick(0) for _ in range(10_000)])
    thread.start()
    thread.join()
    assert len(_watch._heap) < 500
