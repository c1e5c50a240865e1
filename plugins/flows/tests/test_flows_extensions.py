"""Histories and runners that other packages bring: found by name, set aside when broken."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from brickwork.testing.distributions import write_distribution
from brickwork_flows import ProcessRunner, ThreadRunner, extensions, flow, task, use_history
from brickwork_flows.errors import HistoryError, InvalidExtension
from brickwork_flows.runtime import Runtime, current_runtime

_ACME = """
from brickwork_flows import hookimpl

@hookimpl
def brickwork_flows_histories():
    return {"acme": "acme_history.things:AcmeHistory", "gone": "acme_history.things:Gone"}

@hookimpl
def brickwork_flows_runners():
    return {"acme": "acme_history.things:runner"}
"""

_THINGS = """
from pathlib import Path
from brickwork_flows import ThreadRunner
from brickwork_flows.history.sqlite import SqliteHistory

class AcmeHistory(SqliteHistory):
    scheme = "acme"
    opened = []

    @classmethod
    def open(cls, url, *, power=False):
        cls.opened.append((url, power))
        return cls(Path(url.partition("://")[2]), power=power)

class AcmeRunner(ThreadRunner):
    made = 0

def runner():
    AcmeRunner.made += 1
    return AcmeRunner(2)
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a folder for distributions, which are found in this test alone."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    extensions._installed.cache_clear()
    yield folder
    extensions._installed.cache_clear()
    for name in [each for each in sys.modules if each.startswith(("acme_", "other_"))]:
        del sys.modules[name]


def _install(folder: Path, name: str, module: str, things: str = "") -> None:
    package = name.replace("-", "_")
    write_distribution(
        folder,
        name,
        entry_points={"brickwork_flows": {name: f"{package}.flows"}},
        modules={f"{package}.flows": module, f"{package}.things": things},
    )


@task
def one() -> int:
    """Return one."""
    return 1


def test_a_runner_is_used_by_its_name(runtime: Runtime) -> None:
    """`threads` and `processes` are there; what they are is what their classes are."""

    @flow(task_runner="threads")
    def counts() -> int:
        return one.submit().result()

    assert counts() == 1
    assert counts.with_options(task_runner="processes")() == 1
    assert extensions.find("runners", "threads") is ThreadRunner
    assert extensions.find("runners", "processes") is ProcessRunner


def test_a_package_brings_a_history_and_a_runner(installed: Path, tmp_path: Path) -> None:
    """Runs are recorded in the history of the URL; tasks run by the runner of that name."""
    _install(installed, "acme-history", _ACME, _THINGS)
    url = f"acme://{tmp_path}/acme.db"
    with use_history(url, durability="power") as runtime:

        @flow(task_runner="acme")
        def counts() -> int:
            return one.submit().result()

        assert counts() == 1
        runtime.flush()
        (record,) = runtime.history.runs()
        assert record.name == "counts"
        assert (tmp_path / "acme.db").exists()
        things = sys.modules["acme_history.things"]
        assert runtime.history.opened == [(url, True)]  # type: ignore[attr-defined]  # AcmeHistory
        assert things.AcmeRunner.made == 1
        assert runtime.place.folder.parent.name == "elsewhere"
        runtime.close()


def test_two_histories_elsewhere_have_journals_of_their_own(installed: Path) -> None:
    """What was recorded for one history is never folded into another."""
    _install(installed, "acme-history", _ACME, _THINGS)
    with use_history("acme:///a.db") as one_of_them:
        pass
    with use_history("acme:///b.db") as other:
        assert other.place.journals != one_of_them.place.journals


def test_the_environment_names_a_history(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """BRICKWORK_HISTORY takes a URL as well as a folder."""
    _install(installed, "acme-history", _ACME, _THINGS)
    monkeypatch.setenv("BRICKWORK_HISTORY", f"sqlite://{tmp_path}/x.db")
    assert current_runtime().history.path == tmp_path / "x.db"  # type: ignore[attr-defined]  # SQLite's
    monkeypatch.setenv("BRICKWORK_HISTORY", str(tmp_path / "folder"))
    assert current_runtime().place.folder == tmp_path / "folder"


def test_what_is_not_there_is_told_with_what_is(installed: Path) -> None:
    """An unknown name lists the known ones, and what was set aside with its reason."""
    _install(installed, "acme-history", "import a_module_that_is_not_there\n")
    with pytest.raises(InvalidExtension) as caught:
        extensions.find("runners", "dask")
    text = str(caught.value)
    assert "there are: processes, threads" in text
    assert "acme-history" in text
    assert "a_module_that_is_not_there" in text
    with pytest.raises(InvalidExtension, match="no history 'redis'"), use_history("redis://x"):
        pass


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (_ACME.replace("flows_runners", "flows_runner"), "brickwork_flows_runner"),
        (_ACME.replace('{"acme": "acme_history.things:runner"}', "['a']"), "no names with dotted"),
        ("raise ValueError('unlucky')", "ValueError: unlucky"),
    ],
    ids=["misspelt", "no mapping", "raises"],
)
def test_a_broken_package_breaks_nothing_else(
    installed: Path, source: str, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It is set aside and told; this package's own runners, and another's, work on."""
    _install(installed, "acme-history", source, _THINGS)
    other = _ACME.replace("acme", "other").replace("other_history", "other_package")
    _install(installed, "other-package", other, _THINGS)
    assert extensions.find("runners", "threads") is ThreadRunner
    assert extensions.find("runners", "other")
    aside = [each for each in extensions.extensions() if each.problem]
    assert [each.name for each in aside] == ["acme-history"]
    assert reason in aside[0].problem
    assert reason in caplog.text


def test_two_packages_with_one_name_are_both_named(installed: Path) -> None:
    """Neither wins: the error says which packages claim the name."""
    _install(installed, "acme-history", _ACME, _THINGS)
    _install(installed, "other-package", _ACME, _THINGS)
    with pytest.raises(InvalidExtension, match=r"acme-history 1\.0 and by other-package 1\.0"):
        extensions.find("runners", "acme")


def test_what_cannot_be_imported_is_told(installed: Path) -> None:
    """A dotted path that leads nowhere names the package that gave it."""
    _install(installed, "acme-history", _ACME, _THINGS)
    with pytest.raises(InvalidExtension, match=r"'gone' of acme-history 1\.0 cannot be imported"):
        extensions.find("histories", "gone")


def test_a_blocked_distribution_brings_nothing(
    installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """BRICKWORK_PLUGINS_BLOCK and _ALLOW count here, too."""
    _install(installed, "acme-history", _ACME, _THINGS)
    assert extensions.find("runners", "acme")
    for name, value in (("BLOCK", "Acme_History"), ("ALLOW", "brickwork-aws")):
        with monkeypatch.context() as changed:
            changed.setenv(f"BRICKWORK_PLUGINS_{name}", value)
            with pytest.raises(InvalidExtension, match="no runner 'acme'"):
                extensions.find("runners", "acme")


def test_a_history_without_an_absolute_path_is_refused() -> None:
    """A relative path would lead elsewhere from each folder."""
    with pytest.raises(HistoryError, match="absolute path"), use_history("sqlite://runs.db"):
        pass


_EMPTY = """
import sys
from brickwork_flows import flow

@flow
def empty():
    pass

empty()
heavy = {
    "asyncio", "click", "concurrent.futures", "hashlib", "importlib.metadata", "logging", "pluggy",
    "pydantic", "rich", "shutil", "subprocess", "tempfile", "uuid",
    "brickwork.block", "brickwork.registry", "brickwork.serializer", "brickwork.storage",
    "brickwork.vault", "brickwork_flows.artifacts", "brickwork_flows.caching",
    "brickwork_flows.limits", "brickwork_flows.logs", "brickwork_flows.transactions",
}
print(sorted(heavy & sys.modules.keys()))
"""


def test_an_empty_flow_imports_little(isolated: Path, tmp_path: Path) -> None:
    """Neither models nor an event loop nor plugins are loaded for a flow that needs none."""
    environment = {"BRICKWORK_HOME": str(isolated), "BRICKWORK_HISTORY": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", _EMPTY], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
