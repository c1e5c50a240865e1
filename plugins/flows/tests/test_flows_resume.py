"""Resuming runs: what is recorded to do so, what is done again and what is not, who may."""

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from brickwork import BasicAuth, Secret
from brickwork_flows import StateType, flow, resume, task
from brickwork_flows.definition import Flow
from brickwork_flows.errors import (
    InvalidFlow,
    InvalidParameters,
    NotResumable,
    ReplayDiverged,
    RunNotFound,
)
from brickwork_flows.history.interface import RunRecord
from brickwork_flows.parameters import recorded, restored
from brickwork_flows.resuming import resume_flow
from brickwork_flows.runtime import Runtime

SCALE = int(os.environ.get("BRICKWORK_ATTACK_SCALE", "1"))

done: list[Any] = []
broken = SimpleNamespace(now=True)


@pytest.fixture(autouse=True)
def fresh() -> None:
    """Nothing was done yet, and what can break is broken."""
    done.clear()
    broken.now = True


@task
def step(number: int) -> int:
    """Do something that can be counted."""
    done.append(number)
    return number


@task
def fragile() -> str:
    """Fail until it is mended."""
    done.append("fragile")
    if broken.now:
        raise OSError("no disk")
    return "mended"


@flow
def three_steps(numbers: list[int]) -> tuple[list[int], str]:
    """Make steps, and then what breaks."""
    return [step(number) for number in numbers], fragile()


@flow
def with_secret(token: Secret[str], number: int = 3) -> int:
    """Take a secret, and break."""
    fragile()
    return len(token.reveal()) + number


@flow
def inner(number: int) -> int:
    """Make two steps and break at the second flow."""
    value = step(number) + step(number + 1)
    if number > 10:
        fragile()
    return value


@flow
def outer() -> list[int]:
    """Run flows in a flow."""
    return [inner(1), inner(11), step(100)]


@task
def tree(depth: int) -> int:
    """Call itself; the leaves break in the end."""
    step(depth)
    return depth or tree_of_fragile()


@task
def tree_of_fragile() -> int:
    """Break below another task."""
    step(50)
    fragile()
    return 7


@flow
def nested_tasks() -> int:
    """Call tasks that call tasks."""
    return tree(1) + tree(0)


@flow
async def waits() -> int:
    """Run at once what an event loop runs."""
    numbers = await asyncio.gather(*(step.aio(number) for number in range(3)))
    fragile()
    return sum(numbers)


def only(runtime: Runtime) -> RunRecord:
    """Return the one run of a flow that nobody called."""
    runtime.flush()
    (run,) = runtime.history.runs()
    return run


def failed(runtime: Runtime, of: "Flow[..., Any]", *args: Any, **kwargs: Any) -> RunRecord:
    """Run a flow that breaks, and return its run."""
    with pytest.raises(OSError, match="no disk"):
        of(*args, **kwargs)
    broken.now = False
    return only(runtime)


def test_a_failed_run_goes_on_where_it_broke(runtime: Runtime) -> None:
    """Completed tasks give back what they returned; the run has one id and all its states."""
    run = failed(runtime, three_steps, [1, 2])
    assert resume(run.id) == ([1, 2], "mended")

    assert done == [1, 2, "fragile", "fragile"]
    after = only(runtime)
    assert (after.id, after.attempts) == (run.id, 2)
    assert [state.name for state in after.states] == [
        *("Pending", "Running", "Failed", "Pending", "Running", "Completed")
    ]


def test_flows_in_flows_are_part_of_the_replay(runtime: Runtime) -> None:
    """A flow within that completed is given back; one that broke goes on inside."""
    run = failed(runtime, outer)
    assert resume(run.id) == [3, 23, 100]

    assert done == [1, 2, 11, 12, "fragile", "fragile", 100]
    inside = {each.key: each for each in runtime.history.children(run.id)}
    assert inside["inner-1"].parent == run.id
    assert inside["inner-1/step-0"].parent == inside["inner-1"].id
    assert only(runtime).state.type is StateType.COMPLETED


def test_tasks_in_tasks_are_part_of_the_replay(runtime: Runtime) -> None:
    """A task that broke runs again; what it called and completed is given back."""
    run = failed(runtime, nested_tasks)
    assert resume(run.id) == 8
    assert Counter(done) == {1: 1, 0: 1, 50: 1, "fragile": 2}


def test_async_flows_are_resumed(runtime: Runtime) -> None:
    """Resuming an async flow gives the coroutine that does so."""
    with pytest.raises(OSError, match="no disk"):
        asyncio.run(waits())
    broken.now = False
    assert asyncio.run(resume(only(runtime).id)) == 3
    assert Counter(done) == {0: 1, 1: 1, 2: 1, "fragile": 2}


def test_a_result_that_was_not_kept_is_made_again_and_that_is_said(runtime: Runtime) -> None:
    """A completed task without a kept result runs again, with the reason in its state."""

    @task
    def strange() -> object:
        done.append("strange")
        return object()

    @flow
    def main() -> str:
        strange()
        return fragile()

    run = failed(runtime, main)
    assert resume_flow(main, run, {}) == "mended"
    assert done == ["strange", "fragile", "strange", "fragile"]
    runtime.flush()
    again = runtime.history.run(f"{run.id}.strange-0")
    assert "its result was not kept" in again.states[3].message


def test_a_task_that_is_tried_again_finds_what_it_called(runtime: Runtime) -> None:
    """What a task called and completed is given back at its next attempt, or runs for others."""
    left = [2]

    @task(retries=2)
    def caller() -> list[int]:
        values = [step(1), step(10 * left[0])]
        if left[0]:
            left[0] -= 1
            raise OSError("busy")
        return values

    @flow
    def main() -> list[int]:
        return caller()

    assert main() == [1, 0]
    assert done == [1, 20, 10, 0]
    run = only(runtime)
    inside = {each.key: each for each in runtime.history.children(run.id)}
    assert [state.name for state in inside["caller-0/step-0"].states][-1] == "Completed"
    assert inside["caller-0/step-1"].attempts == 3


# What does not replay alike


def test_other_arguments_are_told(runtime: Runtime) -> None:
    """A call with other arguments than before is named; the run fails and loses nothing."""
    number = [1]

    @flow
    def main() -> None:
        step(number[0])
        fragile()

    run = failed(runtime, main)
    number[0] = 2
    with pytest.raises(ReplayDiverged, match=r"step-0 \('step'\) has other arguments"):
        resume_flow(main, run, {})
    assert done == [1, "fragile"]
    number[0] = 1
    resume_flow(main, only(runtime), {})


def test_another_task_in_the_place_of_one_is_told(runtime: Runtime) -> None:
    """A call that was not made before, where another one was, is named with that one."""
    first = [True]

    @task
    def other() -> None:
        done.append("other")

    @flow
    def main() -> None:
        step(1) if first[0] else other()
        fragile()

    run = failed(runtime, main)
    first[0] = False
    with pytest.raises(ReplayDiverged, match=r"calls other-0 \('other'\) where it called step-0"):
        resume_flow(main, run, {})
    assert "other" not in done


def test_calls_that_are_left_out_are_no_matter(runtime: Runtime) -> None:
    """A body that ends sooner than before completes."""
    short = [False]

    @flow
    def main() -> str:
        step(1)
        if not short[0]:
            step(2)
            fragile()
        return "short" if short[0] else "long"

    run = failed(runtime, main)
    short[0] = True
    assert resume_flow(main, run, {}) == "short"


def test_what_follows_a_task_that_ends_otherwise_may_differ(runtime: Runtime) -> None:
    """A task that failed, and was dealt with, may complete now: the body goes another way."""

    @flow
    def main() -> str:
        try:
            fragile()
        except OSError:
            step(1)
            raise
        return str(step(2))

    run = failed(runtime, main)
    broken.now = False
    assert runtime.history.run(f"{run.id}.step-0")
    with pytest.raises(ReplayDiverged, match="step-0"):  # the same call, for something else
        resume_flow(main, run, {})


# Who may be resumed


def test_only_what_ended_badly_is_resumed(runtime: Runtime) -> None:
    """Completed runs, parts of runs and unknown ones are refused."""
    broken.now = False
    outer()
    run = only(runtime)
    with pytest.raises(NotResumable, match="has completed") as refused:
        resume(run.id)
    assert refused.value.exit_code == 5
    with pytest.raises(NotResumable, match="part of another one"):
        resume(f"{run.id}.inner-0")
    with pytest.raises(RunNotFound):
        resume("nobody")


def test_a_run_that_runs_is_refused(runtime: Runtime) -> None:
    """Nobody resumes a run while it runs, be it begun or resumed."""
    caught: list[str] = []

    @flow
    def main() -> None:
        runtime.flush()
        run = runtime.history.runs()[0]
        try:
            resume_flow(main, run, {})
        except NotResumable as error:
            caught.append(error.what)
        fragile()

    run = failed(runtime, main)
    resume_flow(main, run, {})
    assert "has not ended: it is running" in caught[0]
    assert "being resumed already" in caught[1]


def test_a_flow_that_cannot_be_found_is_told(runtime: Runtime) -> None:
    """A flow made in a function is not found by another process; the error says so."""

    @flow
    def hidden() -> None:
        fragile()

    with pytest.raises(InvalidFlow, match="inside a function"):
        resume(failed(runtime, hidden).id)


# Parameters


def test_parameters_are_recorded_and_come_back() -> None:
    """Plain values, dates and collections come back as they were."""
    given = {"n": 3, "day": date(2026, 1, 1), "many": [1, (2, "x")], "none": None, "ratio": 0.5}
    assert restored(recorded(given), {}) == given


def test_blocks_are_recorded_by_address_and_version() -> None:
    """A saved block stands there by its address; one with secrets that is not saved is lacking."""
    auth = BasicAuth(username="u", password=Secret("pw-never-recorded"))
    assert "again" in recorded({"auth": auth})["auth"]
    auth.save("prod")
    kept = recorded({"auth": BasicAuth.load("prod")})
    assert "pw-never-recorded" not in str(kept)
    back = restored(kept, {})["auth"]
    assert (str(back.address), back.password.reveal()) == ("basic-auth/prod@1", "pw-never-recorded")


def test_secrets_are_given_again(runtime: Runtime) -> None:
    """A secret is not in the history, also where it hides in a text; it is asked for by name."""
    secret = Secret("tok-4711-never-recorded")
    run = failed(runtime, with_secret, secret)
    assert "4711" not in str(run.details)
    assert "again" in recorded({"text": f"Bearer {secret.reveal()}"})["text"]
    assert "again" in recorded({"texts": ["x" * 300, secret.reveal()]})["texts"]

    with pytest.raises(InvalidParameters, match="token: it is a secret"):
        resume(run.id)
    with pytest.raises(InvalidParameters, match="keeps its parameters: number"):
        resume(run.id, token=secret, number=4)
    assert resume(run.id, token=secret) == 26


# Kills

ATTACKED = """
import os, sys, time
from pathlib import Path
from brickwork_flows import flow, task

effects = Path(__file__).with_name("effects")


@task
def effect(number: int) -> int:
    with effects.open("a") as file:
        os.write(file.fileno(), f"{number}\\n".encode())
    time.sleep(0.002)
    return number * 2


@flow
def part(first: int) -> int:
    return sum(effect(first + each) for each in range(5))


@flow
def fifty(share: int) -> int:
    plain = sum(effect(number) for number in range(20))
    mapped = sum(future.result() for future in effect.map(list(range(20, 40))))
    return plain + mapped + part(40) + part(45) + share


if __name__ == "__main__":
    print(fifty(share=1), flush=True)
"""


@pytest.mark.parametrize("group", range(4))
def test_kills_at_random_moments_lose_nothing(group: int, tmp_path: Path) -> None:
    """After kills and resumes every effect was made, what completed once, and the result is right.

    Only tasks that had made their effect and not completed at the kill make it twice.
    """
    for attack in range(group, 20 * SCALE, 4):
        _attack(tmp_path / str(attack), random.Random(attack))


def _attack(folder: Path, chance: random.Random) -> None:
    folder.mkdir()
    program = folder / "attacked.py"
    program.write_text(ATTACKED)
    effects = folder / "effects"
    env = {**os.environ, "BRICKWORK_HISTORY": str(folder / "runs")}
    begin = [sys.executable, str(program)]
    # Killed after so many effects: some moment within, before or after that of the task.
    _kill_after(begin, env, effects, chance.randrange(1, 50), chance.uniform(0, 0.004))
    after_kill = Counter(effects.read_text().split())

    code = (
        "import sys; from brickwork_flows.runtime import current_runtime as c; c().flush();"
        "h = c().history; r = h.runs()[0]; print(r.id, r.state.type.value);"
        "print(*[each.key for each in h.children(r.id) if each.state.type.value == 'completed'])"
    )
    looked = _output([sys.executable, "-c", code], env).split("\n")
    run_id, state = looked[0].split()
    if state == "crashed":
        # The result of the whole, of which nobody knows how much ran before.
        resumed = _output([sys.executable, "-m", "brickwork", "run", "resume", run_id], env)
        assert resumed.strip() == str(2 * sum(range(50)) + 1)
    made = Counter(effects.read_text().split())
    assert set(made) == {str(number) for number in range(50)}
    twice = sum(made.values()) - 50
    completed = sum(1 for key in looked[1].split() if "effect-" in key)
    assert twice == sum(after_kill.values()) - completed, "what completed was made again"


def _kill_after(
    args: list[str], env: dict[str, str], effects: Path, count: int, more: float
) -> None:
    import time

    process = subprocess.Popen(args, env=env, stdout=subprocess.DEVNULL)
    while process.poll() is None:
        if effects.exists() and effects.read_bytes().count(b"\n") >= count:
            time.sleep(more)  # a moment between two effects
            process.send_signal(signal.SIGKILL)
            break
    process.wait(60)


def _output(args: list[str], env: dict[str, str]) -> str:
    done = subprocess.run(args, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
