"""Conformance of what this package brings, for ``brickwork plugin check`` and its own tests."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from brickwork.testing import PackageContract
from brickwork_flows.extensions import find
from brickwork_flows.history.interface import History
from brickwork_flows.runners import TaskRunner
from brickwork_flows.testing.history import HistoryContract
from brickwork_flows.testing.runners import RunnerContract


class TestPackage(PackageContract):
    """The package."""

    @pytest.fixture
    def distribution(self) -> str:
        """Return its name."""
        return "brickwork-flows"

    @pytest.fixture
    def forbidden_at_discovery(self) -> Sequence[str]:
        """Return what is slow to import."""
        return ["asyncio", "multiprocessing", "pydantic", "sqlite3", "cloudpickle"]


class TestSqliteHistory(HistoryContract):
    """The history in SQLite."""

    name = "sqlite"

    @pytest.fixture
    def history(self, tmp_path: Path) -> History:
        """Return an empty history in a folder that is not there yet."""
        made: History = find("histories", self.name)(tmp_path / "new" / "runs.db")
        return made

    @pytest.fixture
    def reopened(self, tmp_path: Path) -> Callable[[], History]:
        """Return what opens its file once more."""
        return lambda: find("histories", self.name)(tmp_path / "new" / "runs.db")


class TestThreadRunner(RunnerContract):
    """Threads."""

    name = "threads"
    shares_memory = True

    @pytest.fixture
    def runner(self) -> Callable[[], TaskRunner]:
        """Return what makes two threads."""
        return lambda: find("runners", self.name)(2)


class TestProcessRunner(RunnerContract):
    """Processes."""

    name = "processes"
    owns_processes = True

    @pytest.fixture
    def runner(self) -> Callable[[], TaskRunner]:
        """Return what makes two processes."""
        return lambda: find("runners", self.name)(2)
