"""Variables: values that come back as they were, what is refused, and who may change them."""

import asyncio
import json
import math
import multiprocessing
import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from brickwork import Secret
from brickwork_flows import ProcessRunner, Variable, flow, list_variables, task, use_history
from brickwork_flows.errors import EntryConflict, InvalidVariable, VariableNotFound
from brickwork_flows.runtime import Runtime
from brickwork_flows.variables import MAX_BYTES, existing

SENTINEL = "Kq9-sentinel-of-variables-7f"

SLOW = settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

text = st.text(st.characters(exclude_categories=[]), max_size=50)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=20,
)
allowed = set(string.ascii_lowercase + string.digits + "_-")


def same(one: Any, other: Any) -> bool:
    """Return whether two values are equal and of equal types, all the way down."""
    if type(one) is not type(other):
        return False
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    return bool(one == other) and (not isinstance(one, float) or str(one) == str(other))


@SLOW
@given(value=values)
def test_values_come_back_with_their_types(runtime: Runtime, value: Any) -> None:
    """1, 1.0 and true stay three values; any text, and the order of a dict, survive."""
    made = Variable.set("any", value, overwrite=True)
    assert same(Variable.get("any"), value)
    assert same(made.value, value)
    assert Variable.find("any") == made


@SLOW
@given(name=st.text(sorted(allowed), min_size=1, max_size=255))
def test_names_that_are_allowed(runtime: Runtime, name: str) -> None:
    """Lower-case letters, digits, underscores and dashes, up to 255 of them."""
    Variable.set(name, name, overwrite=True)
    assert Variable.get(name) == name


@SLOW
@given(name=st.text(max_size=300).filter(lambda name: not name or set(name) - allowed))
def test_names_that_are_refused(runtime: Runtime, name: str) -> None:
    """Any other name is refused, also where it is only asked for."""
    for call in (
        lambda: Variable.set(name, 1),
        lambda: Variable.get(name),
        lambda: Variable.unset(name),
        lambda: Variable.change(name, lambda value: value),
    ):
        with pytest.raises(InvalidVariable, match="lower-case letters"):
            call()


@pytest.mark.parametrize(
    ("value", "what"),
    [
        (math.nan, "not finite"),
        ({"a": [math.inf]}, "not finite"),
        ((1, 2), "a tuple"),
        ({1: 2}, "keys that are no texts"),
        (b"x", "a bytes"),
        ([{1}], "a set"),
        (Path("x"), "Path"),
    ],
)
def test_what_json_has_not_is_refused(runtime: Runtime, value: Any, what: str) -> None:
    """What would come back as something else is refused; the error says what it is."""
    with pytest.raises(InvalidVariable, match=f"'limit' is, or holds, .*{what}"):
        Variable.set("limit", value)
    assert Variable.get("limit") is None


def test_limits(runtime: Runtime) -> None:
    """64 KiB as JSON fit, one byte more does not; nor do more than 100 lists in each other."""
    Variable.set("large", "x" * (MAX_BYTES - 2))
    with pytest.raises(InvalidVariable, match="65,537 bytes as JSON, and may have 65,536"):
        Variable.set("larger", "x" * (MAX_BYTES - 1))
    deep: Any = []
    for _ in range(99):
        deep = [deep]
    Variable.set("deep", deep)
    endless: list[Any] = []
    endless.append(endless)
    for deeper in ([deep], endless):
        with pytest.raises(InvalidVariable, match="more than 100 lists"):
            Variable.set("deeper", deeper)
    with pytest.raises(InvalidVariable, match="1 to 255"):
        Variable.set("a" * 256, 1)


def test_a_default_is_for_what_is_not_there(runtime: Runtime) -> None:
    """None that was set is None, and not the default."""
    assert Variable.get("x") is None
    assert Variable.get("x", 3) == 3
    Variable.set("x", None)
    assert Variable.get("x", 3) is None
    assert Variable.find("y") is None
    with pytest.raises(VariableNotFound, match="no variable 'y'"):
        existing("y")


def test_set_refuses_to_overwrite(runtime: Runtime) -> None:
    """What is set already stays, unless ``overwrite`` says otherwise."""
    assert Variable.set("limit", 5).version == 1
    with pytest.raises(EntryConflict, match="already") as caught:
        Variable.set("limit", 6)
    assert "overwrite=True" in caught.value.fix
    assert Variable.get("limit") == 5
    assert Variable.set("limit", 6, overwrite=True).version == 2


def test_tags_stay_until_others_are_given(runtime: Runtime) -> None:
    """Tags are sorted, each once; a change of the value alone keeps them."""
    assert Variable.set("a", 1, tags=["x", "b", "x"]).tags == ("b", "x")
    assert Variable.set("a", 2, overwrite=True).tags == ("b", "x")
    assert Variable.change("a", lambda value: value + 1).tags == ("b", "x")
    assert Variable.set("a", 2, tags=[], overwrite=True).tags == ()
    Variable.set("b", 1, tags=("x",))
    assert [each.name for each in list_variables()] == ["a", "b"]
    assert [each.name for each in list_variables("x")] == ["b"]
    for wrong in ("text", [""], ["x" * 256], [str(number) for number in range(101)]):
        with pytest.raises(InvalidVariable, match=r"[Tt]ag"):
            Variable.set("c", 1, tags=wrong)


def test_compare_and_set(runtime: Runtime) -> None:
    """With ``expected``, a change by somebody else is an error, and nothing is lost."""
    first = Variable.set("limit", 1, expected=0)
    Variable.set("limit", 2, overwrite=True)
    for stale in (0, first.version, 3):
        with pytest.raises(EntryConflict, match="has version 2"):
            Variable.set("limit", 9, overwrite=True, expected=stale)
    assert Variable.set("limit", 3, expected=2).version == 3
    assert Variable.get("limit") == 3


def test_unset(runtime: Runtime) -> None:
    """Whether there was one is returned; it begins anew after that."""
    Variable.set("x", 1)
    assert (Variable.unset("x"), Variable.unset("x")) == (True, False)
    assert Variable.set("x", 2).version == 1


def _count(folder: Path) -> None:
    with use_history(folder) as runtime:
        for _ in range(25):
            Variable.change("count", lambda value: value + 1, 0)
        runtime.history.close()


def test_processes_change_one_variable_safely(tmp_path: Path) -> None:
    """Four processes count in one variable, and every step counts."""
    context: Any = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_count, args=(tmp_path,)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert [worker.exitcode for worker in workers] == [0] * 4
    with use_history(tmp_path) as runtime:
        found = existing("count")
        assert (found.value, found.version) == (100, 100)
        runtime.history.close()


# Secrets


@pytest.mark.parametrize(
    "wrap",
    [
        lambda text: text,
        lambda text: f"<{text}>",
        lambda text: [1, {"a": text}],
        lambda text: {text: 1},
    ],
)
def test_a_known_secret_is_refused(runtime: Runtime, wrap: Any) -> None:
    """A value that holds one is not kept; the error says to save a block, and not what it was."""
    Secret(SENTINEL)
    with pytest.raises(InvalidVariable, match="holds a secret") as caught:
        Variable.set("token", wrap(SENTINEL))
    assert "Save a block instead" in caught.value.fix
    assert SENTINEL not in str(caught.value)
    with pytest.raises(InvalidVariable, match="holds a secret"):
        Variable.change("token", lambda _: wrap(SENTINEL))
    assert list_variables() == []


def test_secrets_with_quotes_and_secret_objects_are_refused(runtime: Runtime) -> None:
    """Also what JSON writes otherwise, a number, a tag, and a `Secret` itself."""
    quoted, digits = 'a "quoted"\n secret \xfc', Secret("7205759403")
    Secret(quoted)
    for value in (quoted, [quoted], int(digits.reveal()), {"n": int(digits.reveal())}):
        with pytest.raises(InvalidVariable, match="holds a secret"):
            Variable.set("token", value)
    with pytest.raises(InvalidVariable, match="a Secret") as caught:
        Variable.set("token", Secret("another one"))
    assert "Save a block instead" in caught.value.fix
    with pytest.raises(InvalidVariable, match="A tag holds a secret"):
        Variable.set("token", 1, tags=[quoted])
    assert json.dumps(list_variables()) == "[]"


# Runs


@task
def doubled() -> int:
    """Read a variable and set another."""
    value = int(Variable.get("number")) * 2
    Variable.set("twice", value)
    return value


@pytest.mark.parametrize("runner", [None, ProcessRunner(1)], ids=["threads", "processes"])
def test_tasks_share_variables(runtime: Runtime, runner: Any) -> None:
    """In threads and processes, tasks read and set those of the flow's history."""

    @flow(task_runner=runner)
    def main() -> int:
        Variable.set("number", 21)
        return doubled.submit().result()

    assert main() == 42
    assert Variable.get("twice") == 42


def test_async_twins(runtime: Runtime) -> None:
    """The twins with an ``a`` do the same, in an async flow."""

    @flow
    async def main() -> list[Any]:
        made = await Variable.aset("x", [1], tags=["t"])
        with pytest.raises(EntryConflict):
            await Variable.aset("x", 2)
        again = await Variable.aset("x", 2, overwrite=True, expected=made.version)
        return [
            again.version,
            again.tags,
            await Variable.aget("x"),
            await Variable.aget("y", 5),
            await Variable.aunset("x"),
            await Variable.aget("x"),
        ]

    assert asyncio.run(main()) == [2, ("t",), 2, 5, True, None]


def test_variables_outlive_runs(runtime: Runtime) -> None:
    """Removing the run that set a variable does not remove it."""

    @flow
    def main() -> None:
        Variable.set("kept", "here")

    main()
    runtime.flush()
    runtime.history.remove(runtime.history.runs()[0].id)
    assert Variable.get("kept") == "here"
