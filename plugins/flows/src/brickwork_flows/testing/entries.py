"""The part of the contract of histories that is about entries: what changes beside the runs."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from brickwork.testing import Contract
from brickwork_flows.errors import EntryConflict
from brickwork_flows.history.interface import History


class EntriesContract(Contract):
    """What the entries of every history must keep; `HistoryContract` has it with the rest."""

    @pytest.fixture
    def history(self) -> History:
        """Override: an empty history."""
        raise NotImplementedError

    @pytest.fixture
    def reopened(self, history: History) -> Callable[[], History]:
        """Override: opens the same history once more, as another process would."""
        raise NotImplementedError

    @pytest.mark.parametrize("value", [0, False, "", "é\n", [1, None, {"a": 1.5}], {}, 2**60])
    def test_an_entry_comes_back(
        self, history: History, reopened: Callable[[], History], value: Any
    ) -> None:
        """What was put is read as it was, also by another process, with its version and time."""
        put = history.put("notes", "a/b", value)
        assert (put.key, put.value, put.version) == ("a/b", value, 1), "`put` returns the entry."
        assert history.entry("notes", "a/b") == put, "What is read is not what `put` returned."
        assert reopened().entry("notes", "a/b") == put, "Another process reads something else."
        assert history.entry("other", "a/b") is None, "Collections have keys of their own."
        assert history.entry("notes", "a") is None, "A key that begins another one is not that."

    def test_each_change_is_a_version(self, history: History) -> None:
        """The version grows by one; the last value counts."""
        versions = [history.put("notes", "k", value).version for value in ("a", "b", "b")]
        assert versions == [1, 2, 3], "Each `put` is one version more, also of an equal value."
        found = history.entry("notes", "k")
        assert found is not None, "The entry is lost."
        assert (found.value, found.version) == ("b", 3), "The last change counts."

    def test_a_change_by_somebody_else_is_a_conflict(self, history: History) -> None:
        """With ``expected``, nothing is changed that has another version; 0 means there is none."""
        history.put("notes", "k", "mine", expected=0)
        for wrong in (0, 2):
            with pytest.raises(EntryConflict):
                history.put("notes", "k", "lost", expected=wrong)
        with pytest.raises(EntryConflict):
            history.put("notes", "k", None, expected=2)
        found = history.entry("notes", "k")
        assert found is not None, "It was removed though another version was expected."
        assert (found.value, found.version) == ("mine", 1), "A refused change changed something."
        assert history.put("notes", "k", "next", expected=1).version == 2, "That was expected."

    def test_none_removes(self, history: History) -> None:
        """None removes an entry; what is not there may be removed, too."""
        history.put("notes", "k", "x")
        assert history.put("notes", "k", None).version == 0, "What is removed has the version 0."
        assert history.entry("notes", "k") is None, "It is there still."
        history.put("notes", "k", None)
        assert history.put("notes", "k", "x", expected=0).version == 1, "It begins anew."

    def test_entries_come_in_order_and_in_parts(self, history: History) -> None:
        """Keys sort by code point; ``prefix``, ``after`` and ``limit`` cut out a part."""
        keys = ["b/1", "a", "b/10", "b/2", "B", "b", "é", "b%", "b_", "\U0001f9f1", "\uffee"]
        for key in keys:
            history.put("notes", key, key)
        history.put("others", "b/3", 1)

        def found(**options: Any) -> list[str]:
            return [entry.key for entry in history.entries("notes", **options)]

        assert found() == sorted(keys), "Keys sort by code point."
        assert found(prefix="b/") == ["b/1", "b/10", "b/2"], "Only keys that begin so, as written."
        assert found(prefix="b%") == ["b%"], "A prefix is no pattern."
        assert found(prefix="b_") == ["b_"], "A prefix is no pattern."
        assert found(after="b/1", limit=2) == ["b/10", "b/2"], "Keys after it, so many at most."
        assert found(prefix="b/", after="b/10") == ["b/2"], "Both together."

    def test_threads_change_one_entry_safely(
        self, history: History, reopened: Callable[[], History]
    ) -> None:
        """Eight threads count in one entry, by two connections, and every step counts."""
        histories = [history, reopened()]

        def count(number: int) -> None:
            mine = histories[number % 2]
            for _ in range(10):
                mine.change("notes", "count", lambda value: (value or 0) + 1)
            mine.close()

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(count, range(8)))
        found = history.entry("notes", "count")
        assert found is not None, "The entry is lost."
        assert (found.value, found.version) == (80, 80), (
            "Steps are lost: compare the version and write in one transaction."
        )
