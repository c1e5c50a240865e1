"""Caching of what tasks return: what counts as the same call, and what is given back when."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, ClassVar, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st
from pydantic import BaseModel, Field

from brickwork import Block, Secret, SecretBlock, TaskError
from brickwork_flows import (
    DEFAULT,
    FLOW_PARAMETERS,
    INPUTS,
    NO_CACHE,
    RUN_ID,
    TASK_SOURCE,
    CacheContext,
    CacheKeyFnPolicy,
    CachePolicy,
    RunFuture,
    StateType,
    flow,
    task,
)
from brickwork_flows.caching import NotCacheable, prune, store
from brickwork_flows.caching.keys import digest
from brickwork_flows.history.interface import RunRecord
from brickwork_flows.runtime import Runtime

SENTINEL = "sentinel-4417-abcdef"

calls: Counter[str] = Counter()


@pytest.fixture(autouse=True)
def no_calls() -> Iterator[None]:
    """Count the calls of this test alone."""
    calls.clear()
    yield
    calls.clear()


@task(cache_policy=INPUTS)
def double(number: int, label: str = "") -> int:
    """Double a number."""
    calls["double"] += 1
    return 2 * number


@flow
def doubled(number: int, label: str = "") -> int:
    """Double a number by a task."""
    return double(number, label)


def last_task(runtime: Runtime) -> RunRecord:
    """Return the last task of the newest run."""
    runtime.flush()
    return runtime.history.children(runtime.history.runs()[0].id)[-1]


def names(record: RunRecord) -> list[str]:
    """Return the names of a run's states."""
    return [state.name for state in record.states]


def entries(runtime: Runtime) -> list[Path]:
    """Return the files of what is cached."""
    return list(store.CacheStore.of(runtime.place).entries())


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.at = 1_700_000_000.0

    def now(self) -> float:
        """Return the time."""
        return self.at


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock that the cache looks at."""
    clock = Clock()
    monkeypatch.setattr(store, "now", clock.now)
    return clock


# Hits and misses


def test_the_same_call_is_not_run_again(runtime: Runtime) -> None:
    """Another run with the same inputs gets the result, and its history says where it is from."""
    assert [doubled(21), doubled(21), doubled(4)] == [42, 42, 8]
    assert calls["double"] == 2

    assert doubled(21) == 42
    record = last_task(runtime)
    kept = runtime.history.result(record.id)
    assert [(state.type, state.name) for state in record.states] == [
        (StateType.PENDING, "Pending"),
        (StateType.COMPLETED, "Cached"),
    ]
    assert "computed by the run" in record.state.message
    assert kept is not None
    assert kept.data == b"42"
    assert calls["double"] == 2


def test_defaults_and_names_do_not_matter(runtime: Runtime) -> None:
    """Arguments count by their parameter, however they are given."""

    @flow
    def main() -> list[int]:
        return [double(3), double(number=3), double(3, ""), double(label="", number=3)]

    assert main() == [6, 6, 6, 6]
    assert calls["double"] == 1


def test_another_task_with_the_same_inputs_is_another_call(runtime: Runtime) -> None:
    """INPUTS alone never gives back what another task returned."""

    @task(cache_policy=INPUTS)
    def triple(number: int, label: str = "") -> int:
        return 3 * number

    @flow
    def main() -> tuple[int, int]:
        return double(5), triple(5)

    assert main() == (10, 15)


def test_an_async_task_is_cached(runtime: Runtime) -> None:
    """Async flows and tasks look into the same cache."""
    import asyncio

    @task(cache_policy=INPUTS)
    async def load(day: date) -> str:
        calls["load"] += 1
        return str(day)

    @flow
    async def main() -> list[str]:
        return [await load(date(2026, 1, 1)) for _ in range(3)]

    assert asyncio.run(main()) == ["2026-01-01"] * 3
    assert calls["load"] == 1
    assert names(last_task(runtime)) == ["Pending", "Cached"]


def test_a_failure_is_not_cached(runtime: Runtime) -> None:
    """What failed runs again the next time."""

    @task(cache_policy=INPUTS)
    def flaky(number: int) -> int:
        calls["flaky"] += 1
        if calls["flaky"] == 1:
            raise ConnectionError("try later")
        return number

    @flow
    def main() -> int:
        return flaky(1)

    with pytest.raises(ConnectionError):
        main()
    assert not entries(runtime)
    assert [main(), main()] == [1, 1]
    assert calls["flaky"] == 2


def test_a_result_that_is_too_large_for_the_history_is_given_back(runtime: Runtime) -> None:
    """A large result stays where the first run kept it."""

    @task(cache_policy=INPUTS)
    def text(size: int) -> str:
        calls["text"] += 1
        return "x" * size

    @flow
    def main() -> str:
        return text(200_000)

    assert main() == main() == "x" * 200_000
    assert calls["text"] == 1
    (entry,) = entries(runtime)
    assert entry.stat().st_size < 2_000


def test_what_cannot_be_kept_is_not_cached_and_says_so(runtime: Runtime) -> None:
    """A result that no serializer takes leaves the task as it is without a cache."""

    @task(cache_policy=INPUTS)
    def make() -> object:
        calls["make"] += 1
        return object()

    @flow
    def main() -> bool:
        return make() is not None

    assert main()
    assert main()
    assert calls["make"] == 2
    assert "not cached, since its result is not kept" in last_task(runtime).state.message


# Expiry and refreshing


def test_a_result_expires(runtime: Runtime, clock: Clock) -> None:
    """It counts until its time is over, and then the task runs once more."""
    hourly = double.with_options(cache_expiration=timedelta(hours=1))

    @flow
    def main() -> int:
        return hourly(1)

    main()
    clock.at += 3599
    main()
    assert calls["double"] == 1
    clock.at += 1
    main()
    assert calls["double"] == 2
    clock.at += 3599
    main()
    assert calls["double"] == 2


def test_a_shorter_lifetime_counts_at_once(runtime: Runtime, clock: Clock) -> None:
    """What was kept for ever is too old for a task that asks for fresh results."""
    doubled(1)
    clock.at += 120

    @flow
    def main() -> int:
        return double.with_options(cache_expiration=timedelta(minutes=1))(1)

    main()
    assert calls["double"] == 2


def test_refresh_computes_anew_for_everybody(runtime: Runtime) -> None:
    """A refreshed result takes the place of the one before."""

    @task(cache_policy=INPUTS)
    def count() -> int:
        calls["count"] += 1
        return calls["count"]

    @flow
    def main(refresh: bool = False) -> int:
        return count.with_options(refresh_cache=refresh)()

    assert [main(), main(), main(refresh=True), main()] == [1, 1, 2, 2]


# Policies


def test_default_caches_within_one_run(runtime: Runtime) -> None:
    """DEFAULT gives a result back in the same run of the flow, and in no other."""
    own = double.with_options(cache_policy=DEFAULT)

    @flow
    def main() -> list[int]:
        return [own(1), own(1), own(2)]

    main()
    assert calls["double"] == 2
    main()
    assert calls["double"] == 4


def test_flow_parameters_count(runtime: Runtime) -> None:
    """FLOW_PARAMETERS looks at what the flow was called with, and not at the task's inputs."""
    by_flow = double.with_options(cache_policy=FLOW_PARAMETERS)

    @flow
    def main(day: date, number: int) -> int:
        return by_flow(calls["double"])

    first = main(date(2026, 1, 1), 1)
    assert main(date(2026, 1, 1), 1) == first
    main(date(2026, 1, 2), 1)
    assert calls["double"] == 2


def test_source_counts_without_comments(runtime: Runtime) -> None:
    """Another body is another call; the same body on other lines is not."""

    def made(text: str) -> Any:
        space: dict[str, Any] = {"__name__": "made"}
        exec(text, space)  # as a module that was edited
        return task(cache_policy=TASK_SOURCE + INPUTS)(space["step"])

    def key(step: Any) -> str | None:
        return step.cache_policy.compute_key(CacheContext(step, "run", {}), {})  # type: ignore[no-any-return]  # made above

    first = key(made("def step():\n    return [x for x in (1, 2)]"))
    assert first == key(made("# why\n\ndef step():\n    # so\n    return [x for x in (1, 2)]"))
    assert first != key(made("def step():\n    return [x for x in (1, 3)]"))
    assert first != key(made("def step():\n    return [-x for x in (1, 2)]"))


def test_excluded_inputs_do_not_count(runtime: Runtime) -> None:
    """INPUTS - "label" takes two calls for the same that differ in the label alone."""
    loose = double.with_options(cache_policy=INPUTS - "label")

    @flow
    def main() -> list[int]:
        return [loose(1, "a"), loose(1, "b"), loose(2, "b")]

    assert main() == [2, 2, 4]
    assert calls["double"] == 2


def test_no_cache_runs_always(runtime: Runtime) -> None:
    """NO_CACHE is how to take a policy away again."""

    @flow
    def main() -> int:
        return double.with_options(cache_policy=NO_CACHE)(1)

    main()
    main()
    assert calls["double"] == 2
    assert not entries(runtime)


def test_a_function_gives_the_key(runtime: Runtime) -> None:
    """cache_key_fn sees the call; calls with one key share a result; None stands for no cache."""
    seen = []

    def by_hand(context: CacheContext, parameters: dict[str, Any]) -> str | None:
        seen.append((context.task.name, context.flow_parameters, parameters))
        return None if parameters["number"] < 0 else "always the same"

    free = double.with_options(cache_policy=None, cache_key_fn=by_hand)

    @flow
    def main(numbers: list[int]) -> list[int]:
        return [free(number) for number in numbers]

    assert main([1, 2, -1, -1]) == [2, 2, -2, -2]
    assert seen[0] == ("double", {"numbers": [1, 2, -1, -1]}, {"number": 1, "label": ""})
    assert calls["double"] == 3


@pytest.mark.parametrize("wrong", [ValueError("no day"), 7])
def test_a_function_that_fails_leaves_the_task_uncached(runtime: Runtime, wrong: object) -> None:
    """The task runs, and its state says what is wrong with the key."""

    def failing(context: CacheContext, parameters: dict[str, Any]) -> str:
        if isinstance(wrong, Exception):
            raise wrong
        return wrong  # type: ignore[return-value]  # what is wrong

    broken = double.with_options(cache_policy=None, cache_key_fn=failing)

    @flow
    def main() -> int:
        return broken(1)

    assert main() == 2
    assert "not cached: cache_key_fn" in last_task(runtime).state.message


def test_a_policy_of_ones_own(runtime: Runtime) -> None:
    """A subclass composes with the policies that are here."""

    class ByParity(CachePolicy):
        def compute_key(
            self, context: CacheContext, parameters: Mapping[str, Any], /
        ) -> str | None:
            return str(parameters["number"] % 2)

    loose = double.with_options(cache_policy=ByParity() + TASK_SOURCE)

    @flow
    def main() -> list[int]:
        return [loose(1), loose(3), loose(2)]

    assert main() == [2, 2, 4]


def test_a_text_is_no_policy() -> None:
    """A policy that is none is refused when the task is made; sums take policies alone."""
    with pytest.raises(TaskError):
        double.with_options(cache_policy="INPUTS")
    with pytest.raises(TypeError):
        INPUTS + "label"  # type: ignore[operator]  # the mistake
    with pytest.raises(TypeError):
        INPUTS - 3  # type: ignore[operator]  # the mistake


def _one(_: CacheContext, parameters: dict[str, Any]) -> str:
    return f"one {parameters.get('a')}"


policies = st.recursive(
    st.sampled_from(
        [INPUTS, TASK_SOURCE, RUN_ID, FLOW_PARAMETERS, NO_CACHE, CacheKeyFnPolicy(_one)]
    ),
    lambda inner: st.one_of(
        st.builds(lambda a, b: a + b, inner, inner),
        st.builds(lambda a, name: a - name, inner, st.sampled_from(["a", "b"])),
    ),
    max_leaves=6,
)
arguments = st.fixed_dictionaries({"a": st.integers(0, 2), "b": st.integers(0, 2)})


def key_of(policy: CachePolicy, parameters: Mapping[str, Any]) -> str | None:
    """Return the key of a call of ``double``."""
    return policy.compute_key(CacheContext(double, "run", {"day": 1}), parameters)


@given(policies, policies, policies)
def test_sums_are_sets(first: CachePolicy, second: CachePolicy, third: CachePolicy) -> None:
    """Order, grouping and repetition do not matter, and NO_CACHE adds nothing."""
    assert first + second == second + first
    assert (first + second) + third == first + (second + third)
    assert first + first == first
    assert first + NO_CACHE == NO_CACHE + first == first


@given(policies, policies)
def test_leaving_out_spreads_over_sums(first: CachePolicy, second: CachePolicy) -> None:
    """A parameter that is left out of a sum is left out of each part."""
    assert (first + second) - "a" == (first - "a") + (second - "a")
    assert first - "a" - "b" == first - "b" - "a"
    assert first - "a" - "a" == first - "a"


@given(policies, policies, arguments, arguments)
def test_a_sum_tells_apart_what_a_part_tells_apart(
    first: CachePolicy, second: CachePolicy, one: dict[str, int], other: dict[str, int]
) -> None:
    """Two calls have the same key for a sum exactly when they have it for both parts."""
    same = all(key_of(each, one) == key_of(each, other) for each in (first, second))
    assert (key_of(first + second, one) == key_of(first + second, other)) == same


# Keys


class Colour(Enum):
    """An enum."""

    RED = 1
    BLUE = 2


@dataclass
class Point:
    """A dataclass."""

    x: int
    tags: frozenset[str]


class Pair(NamedTuple):
    """A named tuple."""

    left: int
    right: int


class Model(BaseModel):
    """A pydantic model."""

    name: str
    points: dict[str, int] = {}


class Named:
    """A class that says itself what tells its objects apart."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lock = object()

    def __cache_key__(self) -> str:
        return self.name


def samples() -> list[Any]:
    """Return values of every kind that has a key."""
    zone = ZoneInfo("Europe/Berlin")
    return [
        *(None, True, 1, 1.0, float("nan"), -0.0, 2j, "1", b"1", bytearray(b"2"), ..., len),
        *([1, 2], (1, 2), {1, 2}, frozenset({3, "a"}), {"a": 1, "b": [2]}, {1: "a", (2, 3): "b"}),
        *(date(2026, 1, 2), datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=zone)),
        *(datetime(2026, 1, 2), timedelta(seconds=1), Decimal("1.0"), UUID(int=5), range(3)),
        *(Path("a/b"), Colour.RED, Colour.BLUE, Point(1, frozenset({"b", "a"})), Pair(1, 2)),
        *(
            Model(name="m"),
            Model(name="m", points={"x": 1}),
            Named("n"),
            Point,
            digest,
            Counter("ab"),
        ),
        {f"key-{n}" for n in range(50)},
    ]


def test_values_of_different_kinds_have_different_keys() -> None:
    """1, True, 1.0 and "1" are four values, and so are a list and a tuple."""
    keys = [digest(value) for value in samples()]
    assert len(set(keys)) == len(keys)


def test_keys_are_the_same_in_every_process() -> None:
    """Another process, with other hashes of texts, computes the same keys."""
    program = (
        "import test_flows_caching as t; from brickwork_flows.caching.policies import source_hash;"
        "print([*map(t.digest, t.samples()), source_hash(t.double)])"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=Path(__file__).parent,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "77")
    }
    assert len(printed) == 1
    assert digest(1) in printed.pop()


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.dates(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
        | st.tuples(inner, inner)
    ),
    max_leaves=6,
)


@given(st.dictionaries(st.text(max_size=3), plain, max_size=4))
def test_the_order_of_a_dict_does_not_matter(value: dict[str, Any]) -> None:
    """Two equal dicts have one key, in whatever order they were filled."""
    assert digest(dict(reversed(value.items()))) == digest(value)


@given(plain, plain)
def test_neighbours_do_not_run_into_each_other(one: Any, other: Any) -> None:
    """The bounds between values count, so that no two lists look alike."""
    assert digest([one, other]) != digest([[one, other]])
    assert digest([one], [other]) != digest([one, other])
    assert (digest(one) == digest(other)) == (repr(one) == repr(other) or one is other)


def cyclic() -> list[Any]:
    """Return a list that holds itself."""
    value: list[Any] = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (object(), "type builtins:object has no stable hash"),
        (open, "function"),
        ([1, {"deep": (lambda: sys, object())}], "has no stable hash"),
        (cyclic(), "nested"),
        (iter([]), "has no stable hash"),
        ([].append, "has no stable hash"),
        (Secret("sentinel-unsaid"), "secret"),
    ],
)
def test_what_has_no_stable_form_is_refused(value: Any, reason: str) -> None:
    """There is no hash of a pickle or of an address in memory instead."""
    if value is open:
        assert digest(value) == digest(open)
        return
    with pytest.raises(NotCacheable, match=reason):
        digest(value)


def test_a_call_that_has_no_key_runs_and_says_why(runtime: Runtime) -> None:
    """The state names the argument and its type."""

    @task(cache_policy=INPUTS)
    def use(client: object, number: int) -> int:
        calls["use"] += 1
        return number

    @flow
    def main() -> int:
        return use(object(), 1)

    assert [main(), main()] == [1, 1]
    assert calls["use"] == 2
    message = last_task(runtime).state.message
    assert message.startswith("not cached: the argument 'client': a value of type builtins:object")


def test_a_method_counts_its_object(runtime: Runtime) -> None:
    """Two objects that differ have results of their own."""

    @dataclass
    class Account:
        name: str

        @task(cache_policy=INPUTS)
        def greet(self) -> str:
            calls["greet"] += 1
            return f"hello {self.name}"

    @flow
    def main() -> list[str]:
        return [Account("a").greet(), Account("b").greet(), Account("a").greet()]

    assert main() == ["hello a", "hello b", "hello a"]
    assert calls["greet"] == 2


# Blocks and secrets


class Account(Block):
    """An account."""

    slug: ClassVar[str] = "cachetest-account"

    login: str = Field(description="Who logs in.")
    password: Secret[str] = Field(description="The password.")


class Team(Block):
    """A team."""

    slug: ClassVar[str] = "cachetest-team"

    account: Account = Field(description="Its account.")


def test_a_saved_block_counts_by_address_and_version(memory_vault: object) -> None:
    """Loading it again changes nothing; a new version is another value."""
    account = Account(login="ann", password=Secret(SENTINEL))
    account.save("a")
    first = digest(account)
    assert digest(Account.load("a")) == first

    Account(login="ann", password=Secret(f"{SENTINEL}-2")).save("a", overwrite=True)
    assert digest(Account.load("a")) != first
    assert digest(Account.load("a", version=1)) == first


def test_a_rotated_child_changes_its_parents_key(memory_vault: object) -> None:
    """A block within a block counts by its own version."""
    account = Account(login="ann", password=Secret(SENTINEL))
    account.save("a")
    Team(account=account).save("t")
    before = digest(Team.load("t"))
    account.model_copy(update={"password": Secret("another-sentinel")}).save("a", overwrite=True)
    assert digest(Team.load("t")) != before


def test_an_unsaved_block_without_secrets_counts_by_its_fields() -> None:
    """There is nothing in it that must not be hashed."""

    class Place(Block):
        """A place."""

        slug: ClassVar[str] = "cachetest-place"
        town: str = Field(description="The town.")

    assert digest(Place(town="Ulm")) == digest(Place(town="Ulm")) != digest(Place(town="Bonn"))


def test_no_secret_reaches_the_cache(
    runtime: Runtime, memory_vault: object, caplog: pytest.LogCaptureFixture
) -> None:
    """Secrets, texts that hold them, and blocks that are not saved: no key, and a reason."""

    @task(cache_policy=INPUTS)
    def use(value: object) -> int:
        calls["use"] += 1
        return 1

    unsaved = Account(login="ann", password=Secret(SENTINEL))
    saved = SecretBlock(value=SENTINEL)
    saved.save("token")

    @flow
    def main() -> int:
        values = [Secret(SENTINEL), f"https://x.example/{SENTINEL}", {SENTINEL: 1}]
        return sum(use(value) for value in [*values, SENTINEL.encode(), unsaved, saved, saved])

    assert main() == 7
    assert calls["use"] == 6
    runtime.flush()
    run = runtime.history.runs()[0]
    messages = [each.state.message for each in runtime.history.children(run.id)]
    assert all("secret" in message for message in messages[:5])
    assert "Account with secrets is not saved" in messages[4]
    assert "computed by" in messages[6]
    assert len(entries(runtime)) == 1
    files = [path for path in runtime.place.folder.rglob("*") if path.is_file()]
    assert files
    for path in files:
        assert SENTINEL not in path.name
        assert SENTINEL.encode() not in path.read_bytes()
    assert SENTINEL not in caplog.text


# Damage and clean-up


@pytest.mark.parametrize("damage", [b"", b"x", b'["not an entry"]', b"\xff" * 100])
def test_a_damaged_entry_is_a_miss_and_is_mended(runtime: Runtime, damage: bytes) -> None:
    """The task runs, its state says so, and the next one finds a whole entry."""
    doubled(21)
    (entry,) = entries(runtime)
    entry.write_bytes(damage)

    assert doubled(21) == 42
    assert "what was in the cache is not used: it is damaged" in last_task(runtime).state.message
    assert doubled(21) == 42
    assert calls["double"] == 2


def test_each_flipped_bit_of_an_entry_is_noticed(runtime: Runtime) -> None:
    """No damaged entry gives another result."""
    doubled(21)
    (entry,) = entries(runtime)
    whole = entry.read_bytes()
    for position in range(len(whole)):
        damaged = bytearray(whole)
        damaged[position] ^= 1
        with pytest.raises(store.UnreadableEntry):
            store.decoded(bytes(damaged))
    assert store.decoded(whole).kept.data == b"42"


def test_an_entry_of_another_key_is_not_used(runtime: Runtime) -> None:
    """A file that was moved to another key is a miss."""
    doubled(1)
    (first,) = entries(runtime)
    doubled(2)
    (second,) = set(entries(runtime)) - {first}
    second.write_bytes(first.read_bytes())
    assert doubled(2) == 4
    assert "it belongs to another key" in last_task(runtime).state.message


def test_a_large_result_that_is_gone_is_a_miss(runtime: Runtime) -> None:
    """When the run that computed it was removed with its results, the task runs again."""

    @task(cache_policy=INPUTS)
    def text() -> str:
        calls["text"] += 1
        return "y" * 100_000

    @flow
    def main() -> int:
        return len(text())

    main()
    for path in runtime.place.results.rglob("*"):
        if path.is_file():
            path.unlink()
    assert main() == 100_000
    assert calls["text"] == 2
    assert "what was in the cache is not used" in last_task(runtime).state.message


def test_a_cache_that_cannot_be_written_costs_nobody_a_result(runtime: Runtime) -> None:
    """The task completes, and says that nothing was cached."""
    runtime.place.folder.mkdir(parents=True, exist_ok=True)
    (runtime.place.folder / "cache").write_text("in the way")
    assert doubled(21) == 42
    assert "not cached" in last_task(runtime).state.message


def test_prune_removes_what_is_of_no_use(runtime: Runtime, clock: Clock) -> None:
    """Expired, damaged and old results go, with what killed processes left; others stay."""

    @flow
    def main() -> None:
        double.with_options(cache_expiration=timedelta(minutes=1))(1)
        double(2)
        double(3)

    main()
    assert prune() == 0
    clock.at += 60
    assert prune() == 1
    entries(runtime)[0].write_bytes(b"damaged")
    left = entries(runtime)[0].parent / f"{'0' * 64}.lock"
    left.touch()
    assert prune() == 1
    assert not left.exists()
    assert len(entries(runtime)) == 1
    assert prune(timedelta(minutes=2)) == 0
    clock.at += 60
    assert prune(timedelta(minutes=2)) == 1
    assert not entries(runtime)


def test_a_resumed_call_does_not_ask_the_cache(runtime: Runtime) -> None:
    """A flow whose body is tried again finds its own results first."""

    @flow(retries=1)
    def main() -> int:
        value = double(1)
        calls["body"] += 1
        if calls["body"] == 1:
            raise ConnectionError("once")
        return value

    assert main() == 2
    assert calls["double"] == 1
    assert names(last_task(runtime)) == ["Pending", "Running", "Completed"]


def test_hooks_and_states_tell_of_a_hit(runtime: Runtime) -> None:
    """A future's state says Cached, and on_completion is called for it, too."""
    heard: list[str] = []

    @task(cache_policy=INPUTS, on_completion=[lambda task, run, state: heard.append(state.name)])
    def once(number: int) -> int:
        return number

    @flow
    def main() -> list[str]:
        states = []
        for _ in range(2):
            future = once.submit(1)
            future.result()
            assert isinstance(future, RunFuture)
            states.append(future.state.name)
        return states

    assert main() == ["Completed", "Cached"]
    assert heard == ["Completed", "Cached"]
