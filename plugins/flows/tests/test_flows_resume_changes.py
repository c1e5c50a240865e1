"""Code, parameters and blocks that changed since a run began: told, or taken as they are now."""

import subprocess
import sys
import threading
import time
from collections import Counter
from contextvars import copy_context
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from brickwork import BasicAuth, Secret, TaskCancelled, Vault
from brickwork_flows import StateType, flow, resume, task
from brickwork_flows.definition import Flow
from brickwork_flows.errors import InvalidFlow, InvalidParameters, NotResumable, ReplayDiverged
from brickwork_flows.history.interface import RunRecord
from brickwork_flows.history.requests import ask
from brickwork_flows.runtime import Runtime, current_runtime

FLOWS = """
from pathlib import Path
from brickwork_flows import flow, task


@task
def step(number: int) -> int:
    with Path(__file__).with_name("effects").open("a") as file:
        file.write(f"{number}\\n")
    return number


@flow
def daily(day: int, texts: list[str] = ["a"]) -> int:
    value = step(day) + len(texts)
    if not Path(__file__).with_name("mended").exists():
        raise OSError("no disk")
    return value
"""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with a flow, whose runs are in a history of this test's own."""
    monkeypatch.setenv("BRICKWORK_HISTORY", str(tmp_path / "runs"))
    path = tmp_path / "flows_changed.py"
    path.write_text(FLOWS)
    return path


def brickwork(*args: str) -> "subprocess.CompletedProcess[str]":
    """Run a command without a terminal."""
    return subprocess.run(
        [sys.executable, "-m", "brickwork", *args],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def failed_program(program: Path) -> str:
    """Run the flow of the file, which breaks, and return the id of its run."""
    ended = brickwork("flow", "run", f"{program}:daily", "-p", "day=1")
    assert "no disk" in ended.stderr
    program.with_name("mended").touch()
    (run,) = current_runtime().history.runs()
    return run.id


def refused(run_id: str, *args: str) -> str:
    """Resume a run, which is refused with exit code 2 and changes nothing; return what is told."""
    before = current_runtime().history.run(run_id)
    ended = brickwork("run", "resume", run_id, *args)
    assert ended.returncode == 2, ended.stderr
    assert current_runtime().history.run(run_id) == before
    return ended.stderr


def completed(run_id: str, program: Path, *args: str) -> None:
    """Resume a run, which completes and does nothing twice."""
    ended = brickwork("run", "resume", run_id, *args)
    assert (ended.returncode, ended.stdout) == (0, "2\n"), ended.stderr
    assert program.with_name("effects").read_text() == "1\n"


# The flow


def test_a_flow_whose_file_was_moved_is_found_where_one_says(program: Path) -> None:
    """The error names flow, run and file, and says how to go on."""
    run_id = failed_program(program)
    moved = program.rename(program.with_name("flows_moved.py"))
    told = refused(run_id)
    assert f"The flow 'daily' of the run {run_id} cannot be found again" in told
    assert f"There is no file {program}" in told
    assert f"brickwork run resume {run_id} --flow path/to/file.py:name" in told
    assert "has no 'nightly'" in refused(run_id, "--flow", f"{moved}:nightly")
    completed(run_id, moved, "--flow", f"{moved}:daily")


def test_a_flow_that_was_renamed_is_found_where_one_says(program: Path) -> None:
    """The error says which flows the file has now."""
    run_id = failed_program(program)
    program.write_text(FLOWS.replace("def daily", "def nightly"))
    told = refused(run_id)
    assert "'daily'" in told
    assert "There is: nightly." in told
    completed(run_id, program, "--flow", f"{program}:nightly")


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("@flow\ndef", "def", "is a function, and no flow"),
        ("@flow\ndef", "@task\ndef", "is a Task, and no flow"),
        ("def daily(", "def daily(:", "cannot be loaded: SyntaxError"),
    ],
)
def test_what_is_no_flow_any_more_is_told(
    before: str, after: str, told: str, program: Path
) -> None:
    """When it is put back, the run is resumed."""
    run_id = failed_program(program)
    program.write_text(FLOWS.replace(before, after))
    error = refused(run_id)
    assert told in error
    assert "The flow 'daily' of the run" in error
    program.write_text(FLOWS)
    completed(run_id, program)


def test_a_program_that_calls_its_flow_when_it_is_loaded_is_told(program: Path) -> None:
    """So that a run is not begun anew by who only looks for its flow; no effect is made twice."""
    run_id = failed_program(program)
    program.write_text(f"{FLOWS}\n\ndaily(5)\n")
    told = refused(run_id)
    assert "'daily' is called while this process loads the program" in told
    assert 'Call it under: if __name__ == "__main__":' in told
    again = brickwork("flow", "run", f"{program}:daily", "-p", "day=1")
    assert again.returncode == 2
    assert "is called while this process loads" in again.stderr
    program.write_text(f'{FLOWS}\n\nif __name__ == "__main__":\n    daily(5)\n')
    completed(run_id, program)


# Its parameters


@pytest.mark.parametrize(
    ("signature", "told"),
    [
        ("day: int", ["texts: it is gone"]),
        ("when: int, texts: list[str]", ["when: it is new, and has no default", "day: it is gone"]),
        ("day: list[str], texts: list[str]", ["day: Input should be a valid list"]),
    ],
)
def test_other_parameters_are_named(signature: str, told: list[str], program: Path) -> None:
    """The error names flow, run and each parameter; when they are back, the run is resumed."""
    run_id = failed_program(program)
    old = 'day: int, texts: list[str] = ["a"]'
    assert old in FLOWS
    program.write_text(FLOWS.replace(old, signature))
    error = refused(run_id)
    assert f"The flow 'daily' takes other parameters than in the run {run_id}" in error
    for line in told:
        assert f"- {line}" in error
    program.write_text(FLOWS)
    completed(run_id, program)


def test_a_new_parameter_may_have_a_default_or_be_given(program: Path) -> None:
    """Both resume the run; one that was recorded is not given again, nor one that is not there."""
    run_id = failed_program(program)
    program.write_text(FLOWS.replace("(day: int,", "(day: int, more: int,"))
    assert "more: it is new" in refused(run_id)
    assert "keeps its parameters: day" in refused(run_id, "-p", "more=1", "-p", "day=2")
    assert "more: Input should be a valid integer" in refused(run_id, "-p", "more=some")
    assert refused(run_id, "-p", "mor=1")
    completed(run_id, program, "-p", "more=1")


def test_a_new_parameter_with_a_default_is_no_matter(program: Path) -> None:
    """The run has the default."""
    run_id = failed_program(program)
    program.write_text(FLOWS.replace('= ["a"])', '= ["a"], more: int = 3)'))
    completed(run_id, program)


# What the body calls

done: list[Any] = []
way = SimpleNamespace(now="", broken=True)


@pytest.fixture(autouse=True)
def fresh() -> None:
    """Nothing was done yet, and what can break is broken."""
    done.clear()
    way.now, way.broken = "before", True


@task
def step(number: int) -> int:
    """Do something that can be counted."""
    done.append(number)
    return number


@task
def other(number: int) -> int:
    """Do something else."""
    done.append(f"other {number}")
    return number


@task
def fragile(url: str = "right") -> str:
    """Fail until it is mended."""
    if way.broken:
        way.broken = False
        raise OSError("no disk")
    return url


@flow(name="step")
def step_as_flow(number: int) -> int:
    """Be a flow of the name that a task had."""
    return number


@task(name="step")
def another_step(number: int) -> int:
    """Be another task of the same name."""
    done.append("another")
    return -number


def only(runtime: Runtime) -> RunRecord:
    """Return the one run of a flow that nobody called."""
    runtime.flush()
    (run,) = runtime.history.runs()
    return run


def failed(runtime: Runtime, of: "Flow[..., Any]", *args: Any) -> str:
    """Run a flow that breaks, and return the id of its run."""
    with pytest.raises(OSError, match="no disk"):
        of(*args)
    done.clear()
    way.now = "after"
    return only(runtime).id


@flow
def body() -> list[int]:
    """Call tasks in another way each time."""
    ways: dict[str, Any] = {
        "before": lambda: [step(1), other(2), step(3)],
        "another order": lambda: [other(2), step(1), step(3)],
        "fewer": lambda: [step(1), other(2)],
        "more at the end": lambda: [step(1), other(2), step(3), other(4)],
        "another of the name": lambda: [another_step(1), other(2), step(3)],
        "others in their places": lambda: [step(3), other(2), step(1)],
        "more between": lambda: [step(1), other(2), other(9), step(3)],
        "one more of the name": lambda: [step(1), step(9), other(2), step(3)],
        "a flow": lambda: [step_as_flow(number=1)],
        "submitted": lambda: [step.submit(9).result(), 1],
        "submitted and not asked": lambda: [1 if step.submit(9) is not None else 0],
    }
    value: list[int] = ways[way.now]()
    fragile()
    return value


@pytest.mark.parametrize(
    ("now", "value", "does"),
    [
        ("before", [1, 2, 3], []),
        ("another order", [2, 1, 3], []),
        ("fewer", [1, 2], []),
        ("another of the name", [1, 2, 3], []),
    ],
)
def test_what_is_called_otherwise_and_is_the_same(
    now: str, value: list[int], does: list[Any], runtime: Runtime
) -> None:
    """Calls are told apart by name and number: others in their order give back what they did."""
    run_id = failed(runtime, body)
    way.now = now
    assert resume(run_id) == value
    assert done == does


def test_calls_that_are_added_after_all_others_are_made(runtime: Runtime) -> None:
    """What was called before the run broke is the same, and what comes after it is new."""

    @flow
    def longer() -> list[int]:
        value = [step(1)]
        fragile()
        return [*value, other(2), step(3)] if way.now == "after" else value

    run_id = failed(runtime, longer)
    assert resume(run_id, longer) == [1, 2, 3]
    assert done == ["other 2", 3]


@pytest.mark.parametrize(
    ("now", "told"),
    [
        ("others in their places", r"the call step-0 \('step'\) has other arguments"),
        ("more between", r"calls other-1 \('other'\) where it called step-1"),
        ("one more of the name", r"the call step-1 \('step'\) has other arguments"),
        ("a flow", r"call step-0 \('step'\) is that of a flow, and was that of a task"),
        ("submitted", r"the call step-0 \('step'\) has other arguments"),
        ("submitted and not asked", r"the call step-0 \('step'\) has other arguments"),
    ],
)
def test_what_is_another_call_is_told(now: str, told: str, runtime: Runtime) -> None:
    """The error names flow and call; nothing was done, and the mended body is resumed."""
    run_id = failed(runtime, body)
    way.now = now
    with pytest.raises(ReplayDiverged, match=told) as error:
        resume(run_id)
    assert "flow 'body'" in error.value.what
    assert "resume the run again" in error.value.fix
    assert done == []
    assert only(runtime).state.type is StateType.FAILED
    way.now = "before"
    assert resume(run_id) == [1, 2, 3]
    assert done == []


def test_a_body_that_swallows_the_error_does_not_complete(runtime: Runtime) -> None:
    """Nothing is called any more once the replay has diverged, and the run fails."""

    @flow(retries=3)
    def greedy() -> int:
        try:
            step(1 if way.now == "before" else 2)
        except ReplayDiverged:
            done.append("swallowed")
        try:
            other(3)
        except ReplayDiverged:
            done.append("swallowed too")
        fragile()
        return 7

    run_id = failed(runtime, greedy.with_options(retries=0))
    with pytest.raises(ReplayDiverged, match="step-0"):
        resume(run_id, greedy)
    assert done == ["swallowed", "swallowed too"]
    run = only(runtime)
    assert run.state.type is StateType.FAILED
    assert [state.name for state in run.states].count("Retrying") == 0, "it was tried in vain"


def test_what_failed_may_be_called_with_other_arguments(runtime: Runtime) -> None:
    """A mended argument is no divergence; and the next resume knows it."""

    @flow
    def mended() -> list[Any]:
        found = [step(1), fragile("wrong" if way.now == "before" else "right")]
        if way.now == "after":
            raise ValueError("once more")
        return [*found, other(2)]

    run_id = failed(runtime, mended)
    with pytest.raises(ValueError, match="once more"):
        resume(run_id, mended)
    way.now = "again"
    assert resume(run_id, mended) == [1, "right", 2]
    assert done == ["other 2"]
    runtime.flush()
    assert runtime.history.run(f"{run_id}.fragile-0").attempts == 2


def test_what_a_call_with_other_arguments_calls_is_new(runtime: Runtime) -> None:
    """Within a flow that failed and has other arguments now, nothing is given back by mistake."""

    @flow
    def inner(number: int) -> int:
        value = step(number) + other(0)
        fragile()
        return value

    @flow
    def outer() -> int:
        return inner(1 if way.now == "before" else 2)

    run_id = failed(runtime, outer)
    assert resume(run_id, outer) == 2
    assert done == [2], "what is called as before is given back"


def test_another_attempt_may_go_another_way(runtime: Runtime) -> None:
    """A flow that was tried again, and killed or cancelled then, is no divergence of the first."""
    attempts: list[int] = []

    @flow(retries=1)
    def tries() -> int:
        attempts.append(1)
        if len(attempts) == 1:
            step(1)
            step(2)
            raise OSError("busy")
        step(1)
        if len(attempts) == 2:
            raise KeyboardInterrupt
        return other(5) + step(7)

    with pytest.raises(KeyboardInterrupt):
        tries()
    assert resume(only(runtime).id, tries) == 12
    assert Counter(done) == {1: 1, 2: 1, "other 5": 1, 7: 1}


def test_who_waited_for_another_attempt_may_go_another_way(runtime: Runtime) -> None:
    """The attempt that a flow waited for when it was stopped is not the first one again."""

    @flow(retries=1, retry_delay_seconds=600)
    def tries() -> int:
        if way.now == "before":
            step(1)
            raise OSError("busy")
        return other(5)

    def stop() -> None:
        while not [run for run in runtime.history.runs() if run.state.name == "AwaitingRetry"]:
            time.sleep(0.01)
        ask(runtime.history, runtime.history.runs()[0].id, "cancel")

    stopping = threading.Thread(target=copy_context().run, args=(stop,))
    stopping.start()
    with pytest.raises((TaskCancelled, OSError)):
        tries()
    stopping.join()
    way.now = "after"
    assert resume(only(runtime).id, tries) == 5


# Blocks


@flow
def with_block(auth: BasicAuth) -> tuple[str, str]:
    """Use a block, that was given, and one that is loaded."""
    used = uses(auth), uses(BasicAuth.load("own"))
    fragile()
    return used


@task
def uses(auth: BasicAuth) -> str:
    """Use a block."""
    done.append(str(auth.address))
    return auth.username


def saved(name: str, username: str) -> BasicAuth:
    """Save a block, or a new version of it."""
    BasicAuth(username=username, password=Secret(f"pw-{username}")).save(name, overwrite=True)
    return BasicAuth.load(name)


def test_a_block_is_the_version_that_was_given(runtime: Runtime) -> None:
    """A new version since is no other argument: what completed is given back."""
    saved("own", "own-1")
    run_id = failed(runtime, with_block, saved("prod", "ada"))
    saved("prod", "bob")
    saved("own", "own-2")
    assert resume(run_id) == ("ada", "own-1")
    assert done == []


def test_a_new_version_of_a_block_may_be_given(runtime: Runtime) -> None:
    """What had not completed uses it; what had is given back."""

    @flow
    def later(auth: BasicAuth) -> str:
        uses(auth)
        fragile()
        return uses(auth)

    run_id = failed(runtime, later, saved("prod", "ada"))
    new = saved("prod", "bob")
    assert resume(run_id, later, auth=new) == "bob"
    assert done == ["basic-auth/prod@2"]


def test_a_block_that_was_deleted_is_named_and_may_be_given(runtime: Runtime) -> None:
    """The error names the parameter and the block; the run is resumed with another one."""
    saved("own", "own-1")
    run_id = failed(runtime, with_block, saved("prod", "ada"))
    before = only(runtime)
    Vault.open().delete("basic-auth/prod")
    with pytest.raises(InvalidParameters, match=r"auth: it cannot be read.*basic-auth/prod") as err:
        resume(run_id)
    assert "resume(run_id, name=value)" in err.value.fix
    assert only(runtime) == before
    with pytest.raises(ReplayDiverged, match=r"uses-0 \('uses'\) has other arguments"):
        resume(run_id, auth=saved("test", "eve"))
    assert resume(run_id, auth=saved("prod", "ada")) == ("ada", "own-1")
    with pytest.raises(NotResumable, match="has completed"):
        resume(run_id)


def test_a_flow_made_in_a_function_is_resumed_by_itself(runtime: Runtime) -> None:
    """It cannot be found by its name; who has it gives it."""

    @flow
    def hidden() -> int:
        fragile()
        return 3

    run_id = failed(runtime, hidden)
    with pytest.raises(InvalidFlow, match=r"'hidden' of the run .* made inside a function"):
        resume(run_id)
    assert resume(run_id, hidden) == 3
