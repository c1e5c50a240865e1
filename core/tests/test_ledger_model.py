"""Ledgers against a plain dict, by random sequences of transactions, while time goes on."""

import os
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from brickwork import Ledger, Secret, StoreError, UnsupportedType, Vault
from brickwork.ledger import MAX_KEEP_SECONDS, ProcessLedger
from brickwork.vault.ledger import VaultLedger

KEYS = st.sampled_from(["", "a", "ab", "a/1", "a/2", "b", "B", "\u00e9", "\ud800", "x" * 300])
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.dictionaries(
    st.text(max_size=5),
    st.recursive(
        st.none() | st.booleans() | st.integers() | FLOATS | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=5,
    ),
    max_size=3,
)
KEEPS = st.sampled_from([-1.0, 0.0, 0.5, 10.0, 10.5, 3600.0, MAX_KEEP_SECONDS * 2, float("nan")])
CHANGES = st.one_of(
    st.tuples(st.just("put"), KEYS, VALUES, KEEPS),
    st.tuples(st.just("remove"), KEYS),
    st.tuples(st.just("look"), KEYS),
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.lists(CHANGES, max_size=6), st.booleans()),
        st.sampled_from([0.0, 0.25, 9.75, 3600.0, 1e8]),
    ),
    max_size=12,
)


class Clock:
    """A clock that goes on when it is told to; takes the place of the module `time`."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def time(self) -> float:
        """Return the time."""
        return self.now


class Kept(NamedTuple):
    """What the model has of one entry."""

    value: dict[str, Any]
    ends: float


class Model:
    """A dict of what must be there."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.entries: dict[str, Kept] = {}

    def alive(self, prefix: str = "") -> dict[str, dict[str, Any]]:
        """Return what has not ended."""
        return {
            key: kept.value
            for key, kept in sorted(self.entries.items())
            if kept.ends > self.clock.now and key.startswith(prefix)
        }

    def do(self, change: tuple[Any, ...]) -> None:
        """Make one change."""
        if change[0] == "put":
            _, key, value, keep = change
            keep = min(keep, MAX_KEEP_SECONDS) if keep > 0 else 0.0
            self.entries[key] = Kept(value, self.clock.now + keep)
        elif change[0] == "remove":
            self.entries.pop(change[1], None)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of all ledgers."""
    clock = Clock()
    monkeypatch.setattr("brickwork.ledger.time", clock)
    monkeypatch.setattr("brickwork.vault.ledger.time", clock)
    return clock


@pytest.fixture(params=["process", "vault", "rotated vault"])
def make(request: pytest.FixtureRequest, memory_vault: Vault) -> Callable[[], Ledger]:
    """Makes an empty ledger."""
    if request.param == "process":
        return ProcessLedger
    with memory_vault.store.transaction():
        memory_vault.keys.for_sealing()
    if request.param == "rotated vault":
        memory_vault.keys.rotate()
    return lambda: VaultLedger(memory_vault.keys, os.urandom(16))


class Undo(Exception):
    """Leaves a transaction."""


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=STEPS)
def test_a_ledger_is_a_dict_whose_entries_end(
    make: Callable[[], Ledger], clock: Clock, steps: list[Any]
) -> None:
    """Inside transactions, after them, and after those that an exception left."""
    ledger, model = make(), Model(clock)
    for step in steps:
        if isinstance(step, float):
            clock.now += step
        else:
            transact(ledger, model, *step)
        assert ledger.entries() == model.alive()
        assert list(ledger.entries("a")) == list(model.alive("a")), "they are sorted"
        for key in ("", "a", "\ud800", "none"):
            assert ledger.get(key) == model.alive().get(key)


def transact(ledger: Ledger, model: Model, changes: list[tuple[Any, ...]], undo: bool) -> None:
    """Do the same to a ledger and its model, and compare in between."""
    before = dict(model.entries)
    try:
        with ledger.transaction() as page:
            for change in changes:
                if change[0] == "put":
                    page.put(change[1], change[2], keep_seconds=change[3])
                elif change[0] == "remove":
                    page.remove(change[1])
                model.do(change)
                assert page.get(change[1]) == model.alive().get(change[1])
                assert page.entries("a") == model.alive("a")
            assert ledger.entries() == Model.alive(_of(before, model.clock)), "not kept yet"
            if undo:
                raise Undo
    except Undo:
        model.entries = before


def _of(entries: dict[str, Kept], clock: Clock) -> Model:
    model = Model(clock)
    model.entries = entries
    return model


def test_a_process_ledger_drops_what_ends_first(clock: Clock) -> None:
    """Of more entries than it may have, those that end last are there; also when they change."""
    ledger = ProcessLedger(max_entries=3)
    for key, keep in [("a", 50), ("b", 10), ("c", 40), ("b", 60), ("d", 30), ("e", 20), ("f", 70)]:
        with ledger.transaction() as page:
            page.put(key, {"keep": keep}, keep_seconds=keep)
    assert ledger.entries() == {"a": {"keep": 50}, "b": {"keep": 60}, "f": {"keep": 70}}


def test_a_process_ledger_does_not_grow(clock: Clock) -> None:
    """Neither by entries that are written again and again, nor by those that have ended."""
    ledger = ProcessLedger()
    for number in range(5000):
        clock.now += 1
        with ledger.transaction() as page:
            page.put("same", {"n": number}, keep_seconds=3600)
            page.put(f"new-{number}", {"n": number}, keep_seconds=10)
    assert len(ledger._entries) <= 11
    assert len(ledger._ends) <= 2 * 11 + 64


def test_ended_rows_are_removed_from_the_vault(memory_vault: Vault, clock: Clock) -> None:
    """A transaction that writes removes some, of any block; one that only reads removes none."""
    with memory_vault.store.transaction():
        memory_vault.keys.for_sealing()
    first, second = (VaultLedger(memory_vault.keys, os.urandom(16)) for _ in range(2))
    with first.transaction() as page:
        for number in range(40):
            page.put(f"k{number}", {}, keep_seconds=number)

    def rows() -> int:
        return len(memory_vault.store.ledger(first._scope))

    assert rows() == 39, "what ends at once is not left there"
    clock.now += 100
    with second.transaction() as page:
        assert page.entries() == {}
    assert rows() == 39
    left = []
    for number in range(3):
        with second.transaction() as page:
            page.put("k", {"n": number}, keep_seconds=1000)
        left.append(rows())
    assert left[0] < 39, "a transaction that writes must remove some"
    assert left[0] > 0, "and not all at once: it would take long"
    assert left[-1] == 0
    assert second.get("k") == {"n": 2}


def test_what_is_no_json_object_is_refused(make: Callable[[], Ledger]) -> None:
    """With an error that does not show it; the transaction keeps what was put before it."""
    ledger, loop = make(), list[Any]()
    loop.append(loop)
    wrong: list[Any] = [
        None,
        "text-4711",
        ["x", "text-4711"],
        {"x": Secret("text-4711")},
        {"x": b"text-4711"},
        {"text-4711": float("nan")},
        {"x": float("inf")},
        {"x": {4711}},
        {1: "text-4711", "x": 1},
        {"x": loop},
    ]
    with ledger.transaction() as page:
        page.put("sound", {"n": 1}, keep_seconds=60)
        for value in wrong:
            with pytest.raises(UnsupportedType) as caught:
                page.put("wrong", value, keep_seconds=60)
            assert "4711" not in str(caught.value)
            assert caught.value.__cause__ is None
            assert caught.value.__suppress_context__
    assert ledger.entries() == {"sound": {"n": 1}}


def test_a_transaction_holds_no_other(make: Callable[[], Ledger]) -> None:
    """A second one in the same thread is an error; the first goes on."""
    ledger = make()
    with ledger.transaction() as page:
        page.put("a", {}, keep_seconds=60)
        with pytest.raises(StoreError, match="open in this thread already"):
            ledger.transaction().__enter__()
    assert ledger.get("a") == {}


def test_values_are_copies(make: Callable[[], Ledger]) -> None:
    """Changing what was put, or what was got, changes nothing that is kept."""
    ledger, value = make(), {"list": [1]}
    with ledger.transaction() as page:
        page.put("a", value, keep_seconds=60)
        value["list"].append(2)
        (page.get("a") or {})["more"] = 1
    got = ledger.get("a")
    assert got == {"list": [1]}
    got["list"].append(3)
    assert ledger.get("a") == {"list": [1]}
