"""Names and tags of runs, and what code that runs knows of its run."""

import asyncio
from datetime import date
from itertools import count
from typing import Any

import pytest
from hypothesis import given, strategies as st

from brickwork import Secret
from brickwork_flows import CurrentRun, current_flow_run, current_task_run, flow, tags, task
from brickwork_flows.errors import InvalidFlow
from brickwork_flows.history.interface import RunRecord
from brickwork_flows.names import MAX_NAME, check_name, named
from brickwork_flows.runtime import Runtime

SENTINEL = "Hw5-sentinel-of-names-33"


def recorded(runtime: Runtime) -> dict[str, RunRecord]:
    """Return the newest flow's run and what ran in it, by the names of the runs."""
    runtime.flush()
    newest = runtime.history.runs()[0]
    return {each.run_name: each for each in (newest, *runtime.history.children(newest.id))}


def test_templates_name_runs_by_their_parameters(runtime: Runtime) -> None:
    """Defaults and formats count, for flows and tasks, however the arguments are given."""

    @task(task_run_name="load-{table}-{limit:03d}")
    def load(table: str, limit: int = 7) -> None:
        """Do nothing."""

    @flow(flow_run_name="{kind} of {day:%d.%m.}")
    def report(day: date, kind: str = "sales") -> None:
        load("a")
        load(limit=12, table="b")

    report(date(2026, 11, 23))

    assert list(recorded(runtime)) == ["sales of 23.11.", "load-a-007", "load-b-012"]


def test_functions_name_runs(runtime: Runtime) -> None:
    """A function without parameters is called for each run."""
    numbers = count(1)

    @task(task_run_name=lambda: f"step {next(numbers)}")
    def step() -> None:
        """Do nothing."""

    @flow(flow_run_name=lambda: "by hand")
    def main() -> None:
        step()
        step()

    main()

    assert list(recorded(runtime)) == ["by hand", "step 1", "step 2"]


def test_runs_without_a_name_are_called_after_their_call(runtime: Runtime) -> None:
    """A flow within another one, like a task, is named by which call it is; the outer by its id."""

    @flow
    def inner() -> None:
        """Do nothing."""

    @flow
    def outer() -> None:
        inner()
        inner()

    outer()

    name, *within = recorded(runtime)
    assert name == f"outer-{runtime.history.runs()[0].id[-6:]}"
    assert within == ["inner-0", "inner-1"]


def test_secrets_are_never_in_names(runtime: Runtime) -> None:
    """A secret is not shown, nor any object's text, nor a text that is known as a secret."""
    secret = Secret(SENTINEL)

    class Leaky:
        def __str__(self) -> str:
            return "shown"

    @flow(flow_run_name="{token} {text} {thing}", validate_parameters=False)
    def main(token: Any, text: str, thing: Any) -> None:
        """Do nothing."""

    main(secret, f"a {SENTINEL}", Leaky())

    assert list(recorded(runtime)) == ["<Secret> a *** <Leaky>"]


@pytest.mark.parametrize(
    ("template", "match"),
    [
        ("load-{dya}", "'dya'"),
        ("{day.year}", "'day.year'"),
        ("{day", "no template"),
        (3, "neither"),
    ],
)
def test_templates_are_looked_at_when_a_flow_is_defined(template: Any, match: str) -> None:
    """A misspelt parameter, an attribute, and a brace without its other are found at once."""
    with pytest.raises(InvalidFlow, match=match):

        @flow(flow_run_name=template)
        def main(day: date) -> None:
            """Do nothing."""


def test_a_name_that_cannot_be_made_shows_no_value(runtime: Runtime) -> None:
    """A format that does not fit is an error that names its kind alone."""

    @flow(flow_run_name="{day:%d}")
    def main(day: str) -> None:
        """Do nothing."""

    with pytest.raises(InvalidFlow, match="ValueError") as caught:
        main(SENTINEL)

    assert SENTINEL not in str(caught.value)


@given(st.text())
def test_names_are_one_short_line(text: str) -> None:
    """Whatever a parameter is, the name is a line that any terminal and database takes."""
    check_name("main", "x{text}", lambda text: text)

    name = named("main", "x{text}", lambda: {"text": text})

    assert name.startswith("x")
    assert len(name) <= MAX_NAME
    assert len(name.splitlines()) == 1
    assert name.encode("utf-8")


def test_tags_add_up(runtime: Runtime) -> None:
    """A run has its own tags and those around it; inner ones end where they end."""

    @task(task_run_name="tagged", tags={"io"})
    def tagged() -> None:
        """Do nothing."""

    @task(task_run_name="plain")
    def plain() -> None:
        """Do nothing."""

    @flow(flow_run_name="main", tags=["nightly"])
    def main() -> None:
        with tags("a", "b"), tags("c"):
            tagged.submit().result()
        plain()

    with tags("release") as names:
        assert names == {"release"}
        main()

    found = recorded(runtime)
    assert found["main"].tags == ("nightly", "release")
    assert found["tagged"].tags == ("a", "b", "c", "io", "release")
    assert found["plain"].tags == ("release",)


def test_code_knows_its_run(runtime: Runtime) -> None:
    """Inside of a task both runs are known, inside of a flow one, and outside none."""
    seen: list[tuple[CurrentRun | None, CurrentRun | None]] = []

    def look() -> None:
        seen.append((current_flow_run(), current_task_run()))

    left = [1]

    @task(retries=1, tags={"io"}, task_run_name="load it")
    def load(table: str, limit: int = 3) -> None:
        if left[0]:
            left[0] -= 1
            raise OSError("busy")
        look()

    @flow(flow_run_name="nightly")
    def main(day: str) -> None:
        look()
        load("t")

    look()
    main("monday")
    look()

    outside, in_flow, in_task, after = seen
    assert outside == after == (None, None)
    runtime.flush()
    run = runtime.history.runs()[0].id
    of_flow = CurrentRun(run, "main", "nightly", 1, (), ("day",))
    assert in_flow == (of_flow, None)
    of_task = CurrentRun(f"{run}.load-0", "load", "load it", 2, ("io",), ("table", "limit"))
    assert in_task == (of_flow, of_task)
    with pytest.raises(AttributeError):
        of_flow.name = "other"  # type: ignore[misc]  # that is the test


def test_async_tasks_know_their_own_run(runtime: Runtime) -> None:
    """Tasks that take turns in one loop are told apart."""

    @task
    async def who() -> str:
        before = current_task_run()
        await asyncio.sleep(0)
        assert current_task_run() == before
        return "" if before is None else before.run_name

    @flow
    async def main() -> list[str]:
        return list(await asyncio.gather(who(), who(), who()))

    assert asyncio.run(main()) == ["who-0", "who-1", "who-2"]
