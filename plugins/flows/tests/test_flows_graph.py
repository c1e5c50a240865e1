"""``brickwork run graph`` and ``run watch``: what waited for what; another process's tree."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from brickwork import Secret
from brickwork.cli.app import run as run_brickwork
from brickwork.testing.commandline import Command, Conversation, command_here, command_line
from brickwork_flows import allow_failure, flow, task, unmapped
from brickwork_flows.dependencies import expanded, waited_for
from brickwork_flows.futures import RunFuture
from brickwork_flows.runtime import Runtime, current_runtime

SECRET = "Zq7!xK-not-to-be-seen"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runtime]:
    """The history is one of this test's own, for other processes too."""
    monkeypatch.setenv("BRICKWORK_HISTORY", str(tmp_path / "runs"))
    runtime = current_runtime()
    yield runtime
    runtime.close()
    runtime.history.close()


@pytest.fixture
def brickwork(capfd: pytest.CaptureFixture[str]) -> Command:
    """Runs the command line in this process."""
    return command_here(run_brickwork, capfd)


@task
def load(count: int) -> list[int]:
    """Return some numbers."""
    return list(range(count))


@task
def double(number: int, _all: object = None) -> int:
    """Double."""
    return number * 2


@task
def add(numbers: Any) -> int:
    """Add up, deep or not."""
    return sum(numbers["all"] if isinstance(numbers, dict) else numbers)


@task
def fails(_before: object = None) -> None:
    """Fail."""
    raise OSError('no "disk" #1')


@flow
def inner(total: int) -> None:
    """Wait for nothing but its parameter."""
    double(total)


@flow(flow_run_name="shape-1")
def shape(count: int) -> None:
    """Wait in every way there is."""
    numbers = load.submit(count)
    doubled = double.map(numbers)
    total = add.submit({"all": doubled})
    inner(total)  # type: ignore[arg-type]  # a future becomes its result
    broken = fails.submit(wait_for=[total])  # type: ignore[call-arg]  # the engine's
    add.submit([1, 2]).wait()
    double.map([1], unmapped(total))[0].wait()
    double.submit(7, allow_failure(broken)).wait()


def edges(brickwork: Command, *options: str) -> set[tuple[str, str]]:
    """Return what waited for what, by labels."""
    nodes = brickwork("run", "graph", "shape-1", "--format", "json", *options).json["nodes"]
    names = {each["id"]: each["id"].partition(".")[2] for each in nodes}
    return {(names[a], names[each["id"]]) for each in nodes for a in each["waits_for"]}


def test_futures_are_edges(brickwork: Command) -> None:
    """Of arguments at any depth, map, wait_for, allow_failure, unmapped, and of inner flows."""
    shape(3)
    assert edges(brickwork) == {
        *(("load-0", f"double-{n}") for n in range(3)),
        *((f"double-{n}", "add-0") for n in range(3)),
        ("add-0", "inner-0"),
        ("add-0", "fails-0"),
        ("add-0", "double-3"),
        ("fails-0", "double-4"),
    }


@flow
async def in_a_loop() -> None:
    """Wait without blocking."""
    first = double_async.submit(1)
    await double_async.submit(first).aresult()  # type: ignore[call-overload]  # as above


@task
async def double_async(number: int) -> int:
    """Double."""
    return number * 2


def test_async_tasks_have_edges_too(brickwork: Command) -> None:
    """In an event loop the same is recorded."""
    import asyncio

    asyncio.run(in_a_loop())
    current_runtime().flush()
    run = current_runtime().history.runs()[0].id
    nodes = brickwork("run", "graph", run, "--format", "json").json["nodes"]
    assert nodes[2]["waits_for"] == [f"{run}.double_async-0"]


def test_a_tree_says_what_waited_for_what(brickwork: Command) -> None:
    """Many calls of one name are one line; --all gives each its own."""
    shape(30)
    done = brickwork("run", "graph", "shape-1")
    lines = [re.sub(r"  [0-9.]+s", "", line) for line in done.out.splitlines()]
    assert lines == [
        "shape-1  Completed",
        "├─ load-0  Completed",
        "├─ double x32  32 completed  after load-0, add-0, fails-0",
        "├─ add-0  Completed  after double x32",
        "├─ inner-0  Completed  after add-0",
        "│  └─ double-0  Completed",
        "├─ fails-0  Failed  after add-0",
        "└─ add-1  Completed",
    ]
    assert len(brickwork("run", "graph", "shape-1", "--all").out.splitlines()) == 39
    within = brickwork("run", "graph", "shape-1.inner-0").out.splitlines()
    assert [line.split("  ")[0] for line in within] == ["inner-0", "└─ double-0"]


def test_mermaid_has_nodes_edges_and_classes(brickwork: Command) -> None:
    """Each node has a state as its class, flows are round, and no text ends a label."""
    shape(1)
    lines = brickwork("run", "graph", "shape-1", "--format", "mermaid").out.splitlines()
    assert lines[0] == "flowchart TD"
    nodes = [line for line in lines if ":::" in line]
    assert len(nodes) == 10
    assert all(re.fullmatch(r'  n\d+(\(\["[^"]*"\]\)|\["[^"]*"\]):::\w+', line) for line in nodes)
    assert "  n1 --> n2" in lines
    assert "  n0 -.-> n1" in lines
    assert any(line.startswith("  classDef failed fill:") for line in lines)


def test_dot_is_a_digraph(brickwork: Command) -> None:
    """Quotes and backslashes in names are written so that Graphviz reads them."""
    named = double.with_options(task_run_name='a"b\\c')

    @flow(flow_run_name="quoted-1")
    def quoted() -> None:
        named(1)

    quoted()
    lines = brickwork("run", "graph", "quoted-1", "--format", "dot").out.splitlines()
    assert (lines[0], lines[-1]) == ("digraph run {", "}")
    assert any(r'label="a\"b\\c\nCompleted' in line for line in lines)


@pytest.mark.parametrize("form", ["tree", "mermaid", "dot", "json"])
def test_graphs_hide_secrets_and_control_characters(brickwork: Command, form: str) -> None:
    """Whatever a run is called, the terminal obeys none of it."""
    Secret(SECRET)

    @flow(flow_run_name="secret-1")
    def secret() -> None:
        double.with_options(task_run_name=lambda: f"x{SECRET}\u202e")(1)

    secret()
    out = brickwork("run", "graph", "secret-1", "--format", form).out
    assert SECRET not in out
    assert "\u202e" not in out


@settings(deadline=None)  # the machine may be busy
@given(st.lists(st.tuples(st.sampled_from(["a", "b-1", "s-0/a"]), st.integers(0, 30))))
def test_ranges_give_back_the_keys(calls: list[tuple[str, int]]) -> None:
    """Whatever the futures are, what is recorded stands for just these, in their order."""
    futures: list[RunFuture[Any]] = [RunFuture(stem, f"{stem}-{n}") for stem, n in calls]
    assert list(expanded(waited_for(futures))) == [each.key for each in futures]


def test_a_thousand_futures_are_one_range() -> None:
    """What is recorded of a task that waits for a whole map stays small."""
    futures: list[RunFuture[Any]] = [RunFuture("t", f"t-{n}") for n in range(1000)]
    assert waited_for({"all": futures}) == [("t", 0, 999)]


# Watching

WAITING = """
import sys, time
from pathlib import Path
from brickwork_flows import flow, task

@task
def steps(n: int) -> None:
    pass

@flow(flow_run_name="long-1")
def long(end: str) -> None:
    for future in steps.map(range(20)):
        future.wait()
    for n in range(600):
        steps(n)
        if Path(__file__).with_name("go").exists():
            break
        time.sleep(0.1)
    if end != "well":
        raise ValueError(end)

long(sys.argv[1])
"""


@pytest.mark.parametrize(("end", "code"), [("well", 0), ("badly", 1)])
def test_watch_shows_a_run_of_another_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str, code: int
) -> None:
    """The tree is there, goes on, and ends with the run; the exit code says how."""
    monkeypatch.setenv("TERM", "xterm")
    (tmp_path / "program.py").write_text(WAITING)
    command = [sys.executable, str(tmp_path / "program.py"), end]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as running:
        while not any(each.run_name == "long-1" for each in current_runtime().history.runs()):
            assert running.poll() is None
        with Conversation("run", "watch", "long-1") as talk:
            talk.wait_for("steps")
            talk.wait_for("steps")
            (tmp_path / "go").touch()
            assert talk.end() == code
        running.wait(30)
    last = talk.shown.split("\x1b[J")[-2]
    assert "long-1" in last
    assert ("✓" if end == "well" else "ValueError: badly") in last


def test_watch_without_a_terminal_prints_states(brickwork: Command) -> None:
    """Each state of a run that has ended is a line."""
    shape(1)
    done = brickwork("run", "watch", "shape-1")
    assert done.code == 0
    assert done.out.splitlines()[-1].endswith("  shape-1  Completed")
    assert len(done.out.splitlines()) == 30


def test_watch_of_nothing_is_an_error() -> None:
    """A run that is not there ends with 4."""
    assert command_line("run", "watch", "nobody").code == 4
