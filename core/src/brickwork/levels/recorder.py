"""The pytest plugin that writes down what contracts tried, and how each assertion ended.

It runs in the process that `brickwork.levels.running` starts. Every record is one line of JSON, so
that those of before count also when the process is killed by what it tries.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from brickwork.block import Block
from brickwork.keyprovider import KeyProvider
from brickwork.levels.facts import path_of
from brickwork.masking import masker
from brickwork.notifier import Notifier
from brickwork.resolver import Resolver
from brickwork.serializer import Codec, Serializer
from brickwork.storage import Storage
from brickwork.store import Store
from brickwork.tasks import Task
from brickwork.testing.base import LACKING, Contract
from brickwork.testing.plugin import claim_of

_TRIED = (Block, Storage, Serializer, Codec, Notifier, Resolver, KeyProvider, Store)
_ABOUT = "brickwork: what was tried"
_LONGEST = 2000
_OURS = "brickwork."

_about: list[object] = []
"""What the test that runs has tried so far, beside its fixtures."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Say where to write."""
    group = parser.getgroup("brickwork")
    group.addoption("--brickwork-record", type=Path, help="the file for the records")


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Write in the process that hears of all tests, also where others run them."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Writer(config.getoption("--brickwork-record")))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Note which contracts a test belongs to, and what it tries."""
    _about.clear()
    with _noting_notifiers():
        try:
            return (yield)
        finally:
            given = getattr(item, "funcargs", {}).values()
            item.user_properties.append((_ABOUT, _tried([*given, *_about])))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    """Note which contracts a test belongs to, also where its fixtures fail or a mark skips it."""
    contracts = _contracts(getattr(item, "cls", None))
    item.user_properties.append((_ABOUT, {"contracts": contracts, "claim": claim_of(item)}))
    if contracts:
        _refuse_replaced(item)
    try:
        return (yield)
    except pytest.skip.Exception as skipped:
        if not contracts or str(skipped.msg).startswith(LACKING) or _skipped_by_contract(skipped):
            raise
        # Else a fixture that skips would pass over all that is wrong.
        raise pytest.skip.Exception(f"{LACKING}{skipped.msg}") from None


def _refuse_replaced(item: pytest.Item) -> None:
    """Fail for an assertion that somebody has put another one in the place of."""
    name = getattr(item, "originalname", "")
    cls_of_item: type = getattr(item, "cls", object)
    for cls in cls_of_item.__mro__:
        function = vars(cls).get(name)
        if cls.__module__.startswith(_OURS) and function is not None:
            module = str(getattr(function, "__module__", ""))
            if not module.startswith(_OURS):
                pytest.fail(
                    f"{module} puts something else in the place of {cls.__name__}.{name}: take that"
                    " out, and make the assertion hold, or mark it in the subclass"
                    ' @pytest.mark.xfail(reason="why it cannot hold here").'
                )


def _skipped_by_contract(skipped: BaseException) -> bool:
    """Tell whether a contract has skipped, as for what is not declared: no fixture, and no mark."""
    modules = []
    step = skipped.__traceback__
    while step is not None:
        modules.append(str(step.tb_frame.f_globals.get("__name__", "")))
        step = step.tb_next
    others = [each for each in modules if not each.startswith(("_pytest", "pluggy", __name__))]
    return bool(others) and others[-1].startswith(_OURS)


@contextmanager
def _noting_notifiers() -> Iterator[None]:
    # A contract of notifiers gets them from its counterpart, so they are no fixtures.
    before = Notifier.send

    def send(self: Notifier, *args: Any, **kwargs: Any) -> Any:
        _about.append(self)
        return before(self, *args, **kwargs)

    with patch.object(Notifier, "send", send):
        yield


def _contracts(cls: type | None) -> list[str]:
    mro = () if cls is None else cls.__mro__
    ours = (each for each in mro if issubclass(each, Contract) and each is not cls)
    return [each.__name__ for each in ours if each.__module__.partition(".")[0] == "brickwork"]


def _tried(values: list[object]) -> dict[str, list[str]]:
    paths: set[str] = set()
    names: set[str] = set()
    for value in values:
        if isinstance(value, Task):
            paths.add(path_of(value))
        elif isinstance(value, _TRIED):
            paths |= set(map(path_of, type(value).__mro__))
            if isinstance(value, Serializer | Codec):
                names |= set(str(value.name).split("|"))
    return {"paths": sorted(paths), "names": sorted(names)}


class _Writer:
    """Writes the records.

    Args:
        path: To this file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._worst: dict[str, dict[str, Any]] = {}

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Say how many there are."""
        if session.items:
            self._write({"count": len(session.items)})

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A module of contracts that cannot be imported."""
        if report.failed:
            self._write({"trouble": _text(report), "module": report.nodeid})

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Say what runs, for those who wait for it."""
        self._write({"begun": nodeid.partition("::")[2].replace("::", ".")})

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep what counts of the three phases of a test; write it after the last one."""
        record = self._worst.setdefault(report.nodeid, {"outcome": "passed", "said": ""})
        outcome = _outcome(report)
        if outcome != "passed" and record["outcome"] != "failed":
            said = _reason(report) if report.skipped else _text(report)
            record |= {"outcome": outcome, "said": said.removeprefix(LACKING)}
            record["lacking"] = report.skipped and said.startswith(LACKING)
        if report.when == "teardown":
            about: dict[str, Any] = {"contracts": [], "paths": [], "names": []}
            for name, value in report.user_properties:
                about |= value if name == _ABOUT and isinstance(value, dict) else {}
            module, *names = report.nodeid.split("::")
            claim = about.pop("claim", "")
            done = {"lacking": False, **self._worst.pop(report.nodeid), **about}
            if done["outcome"] == "failed" and not _explains(done["said"]):
                instead = "" if done["said"] == "AssertionError" else f" Instead: {done['said']}"
                done["said"] = f"{claim}{instead}".strip()
            self._write({"assertion": {"test": ".".join(names), **done}, "module": module})

    def _write(self, record: dict[str, Any]) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(f"{json.dumps(record)}\n")


_NO_WORDS = re.compile(r"assert |AssertionError\Z|DID NOT RAISE|[\w.]+(Error|Exception|Exit)?: ")
"""What pytest says of an assertion without a message, and of an error."""


def _explains(said: str) -> bool:
    """Tell whether a failure has words of the contract."""
    return _NO_WORDS.match(said) is None


def _outcome(report: pytest.TestReport) -> str:
    if hasattr(report, "wasxfail"):
        return "excused" if report.skipped else "passed"
    return str(report.outcome)


def _reason(report: pytest.TestReport) -> str:
    if hasattr(report, "wasxfail"):
        return str(report.wasxfail).removeprefix("reason: ")
    if isinstance(report.longrepr, tuple):
        return masker.mask(str(report.longrepr[2]).removeprefix("Skipped: "))
    return ""


def _text(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Return what the assertion says, rather than where it stands."""
    crash = getattr(report.longrepr, "reprcrash", None)
    text = str(crash.message if crash is not None else report.longrepr)
    for prefix in ("AssertionError: ", "Failed: "):
        text = text.removeprefix(prefix)
    return masker.mask(text.partition("\nassert ")[0].strip())[:_LONGEST]
