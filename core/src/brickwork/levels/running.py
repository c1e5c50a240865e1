"""Gathers the evidence: runs a distribution's contracts in a process of their own."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from brickwork.config import normalise
from brickwork.errors import PluginMissing, UnknownName
from brickwork.levels.evidence import Assertion, Evidence, assertion_from, thing_from
from brickwork.registry.metadata import PLUGINS, Distribution, installed

CONTRACTS = "brickwork.contracts"
"""The group of entry points that names modules with contracts."""

Report = Callable[[int, int], None]

_FACTS = "brickwork facts: "  # as brickwork.levels.facts has it, which is not imported here
_LOOK_SECONDS = 0.2
_SILENT_SECONDS = 300.0  # after which no assertion will end any more
_END_SECONDS = 5.0
_COLLECTED, _SOME_FAILED, _NONE_FOUND = 0, 1, 5  # pytest's exit codes

_OF_THE_PACKAGE = '''
class TestPackageAsSuch(PackageContract):
    """What every package must do; its vendor's modules are not known here."""

    @pytest.fixture
    def distribution(self):
        return {distribution!r}

    @pytest.fixture
    def forbidden_at_discovery(self):
        return []
'''

_MYPY = """
[mypy]
strict = true
plugins = pydantic.mypy
ignore_missing_imports = true
cache_dir = {cache}
"""


def gather(
    distribution: str, *, jobs: int = 1, types: bool = True, report: Report | None = None
) -> Evidence:
    """Look at an installed distribution, and run its contracts.

    It, its contracts and their counterparts are imported and run in processes of their own; here,
    nothing of it is imported. When this is interrupted, they are ended with all that they began.

    Args:
        distribution: Its name, as pip knows it.
        jobs: How many processes run the contracts.
        types: Whether to ask mypy about its types.
        report: Is told how many assertions have ended, and how many there are.

    Raises:
        UnknownName: It is not installed, or is no plugin.
        PluginMissing: pytest is not installed.
    """
    found = _find(distribution)
    if find_spec("pytest") is None:
        raise PluginMissing(
            "The contracts need pytest, which is not installed.", fix="pip install pytest"
        )
    with TemporaryDirectory(prefix="brickwork-check-") as name:
        folder = Path(name)
        facts, troubles = _facts(found, folder)
        modules = tuple(sorted(set(found.groups.get(CONTRACTS, {}).values())))
        assertions, failures = _run_contracts(found, modules, folder, jobs, report)
        packages = tuple(facts.get("packages", ()))
        return Evidence(
            distribution=found.name,
            version=facts.get("version", found.version),
            metadata=facts.get("metadata", {}),
            packages=packages,
            things=tuple(map(thing_from, facts.get("things", ()))),
            contract_modules=modules,
            assertions=assertions,
            troubles=tuple(dict.fromkeys([*troubles, *facts.get("troubles", ()), *failures])),
            types=_types(packages, folder) if types else None,
        )


def _find(distribution: str) -> Distribution:
    name = normalise(distribution)
    plugins = [each for each in installed() if PLUGINS in each.groups]
    for each in plugins:
        if each.name == name:
            return each
    names = ", ".join(sorted(each.name for each in plugins)) or "none"
    if name in {normalise(each.name) for each in metadata.distributions() if each.name}:
        raise UnknownName(
            f"{distribution!r} is installed, and brings no plugin.",
            fix="Name its plugin below [project.entry-points.brickwork] in its pyproject.toml, and"
            f" install it anew (pip install -e .). Plugins are here: {names}.",
        )
    raise UnknownName(
        f"{distribution!r} is not installed.",
        fix=f"pip install {name}, or pip install -e . in its folder. Plugins are here: {names}.",
    )


def _facts(found: Distribution, folder: Path) -> tuple[dict[str, Any], list[str]]:
    # The name as the metadata folder has it: importlib finds no other form of some.
    name = Path(found.metadata).name.partition("-")[0] if found.metadata else found.name
    done = _run([sys.executable, "-m", "brickwork.levels.facts", name], folder)
    if done.returncode:
        return {}, [f"It cannot be imported: {_last_line(done.stderr)}"]
    lines = [line for line in done.stdout.splitlines() if line.startswith(_FACTS)]
    if not lines:
        return {}, ["It ends the process that imports it: let it raise an error instead."]
    facts: dict[str, Any] = json.loads(lines[-1].removeprefix(_FACTS))
    return facts, []


def _run_contracts(
    found: Distribution, modules: Sequence[str], folder: Path, jobs: int, report: Report | None
) -> tuple[list[Assertion], list[str]]:
    record = folder / "record.jsonl"
    record.touch()
    file = folder / "test_contracts.py"
    file.write_text(_test_module(found, modules))
    (folder / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-q", "-c", str(folder / "pytest.ini")]
    command += ["-p", "brickwork.levels.recorder", f"--brickwork-record={record}"]
    command += ["-p", "no:cacheprovider", f"--rootdir={folder}", f"--basetemp={folder / 'tmp'}"]
    if jobs > 1 and find_spec("xdist") is not None:
        command += ["-n", str(jobs), "--dist", "loadscope"]
    out = folder / "output.txt"
    hangs = ""
    with out.open("w") as output, _child([*command, str(file)], folder, output) as process:
        size, since = 0, time.monotonic()
        while process.poll() is None:
            _told(record, report)
            if (now := record.stat().st_size) != size:
                size, since = now, time.monotonic()
            elif time.monotonic() - since > _SILENT_SECONDS:
                hangs = _hanging(record)
                break
            with suppress(subprocess.TimeoutExpired):
                process.wait(_LOOK_SECONDS)
    _told(record, report)
    assertions, troubles, count = _read(record)
    if hangs:
        troubles.append(hangs)
    if process.returncode not in (_COLLECTED, _SOME_FAILED, _NONE_FOUND) and not troubles:
        troubles.append(f"pytest ended with {process.returncode}: {_last_line(out.read_text())}")
    elif len(assertions) < count:
        troubles.append(f"Only {len(assertions)} of {count} assertions ended.")
    return assertions, troubles


def _test_module(found: Distribution, modules: Sequence[str]) -> str:
    lines = ["import pytest", "from brickwork.testing import PackageContract"]
    # By name, as pytest finds the fixtures of a module only where they are.
    lines += [f"from {module} import *" for module in modules]
    lines.append(_OF_THE_PACKAGE.format(distribution=found.name))
    return "\n".join(lines)


def _read(record: Path) -> tuple[list[Assertion], list[str], int]:
    assertions: list[Assertion] = []
    troubles: list[str] = []
    count = 0
    for each in map(json.loads, record.read_text(encoding="utf-8").splitlines()):
        if "assertion" in each:
            assertions.append(assertion_from(each["assertion"]))
        count = max(count, each.get("count", 0))
        if "trouble" in each:
            troubles.append(f"Its contracts cannot be collected: {_last_line(each['trouble'])}")
    return assertions, troubles, count


def _hanging(record: Path) -> str:
    """Say what has begun and does not end."""
    records = [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()]
    ended = {each["assertion"]["test"] for each in records if "assertion" in each}
    begun = [each["begun"] for each in records if "begun" in each]
    names = ", ".join(each for each in begun if each not in ended) or "The run of its contracts"
    return (
        f"{names}: nothing has ended for {_SILENT_SECONDS:g} seconds."
        " Give what it calls a time-out, or let it ask check_cancelled() and remaining()."
    )


def _told(record: Path, report: Report | None) -> None:
    if report is None:
        return
    lines = record.read_bytes().splitlines()
    counts = [json.loads(line)["count"] for line in lines if line.startswith(b'{"count"')]
    if counts:
        report(sum(line.startswith(b'{"assertion"') for line in lines), max(counts))


def _types(packages: Sequence[str], folder: Path) -> tuple[str, ...] | None:
    """Ask mypy, where there is one."""
    if find_spec("mypy") is None:
        return None
    settings = folder / "mypy.ini"
    settings.write_text(_MYPY.format(cache=folder / "mypy"))
    command = [sys.executable, "-m", "mypy", f"--config-file={settings}", "--no-error-summary"]
    for package in packages:
        command += ["-p", package]
    done = _run(command, folder)
    lines = [line for line in done.stdout.splitlines() if ": error: " in line]
    if done.returncode and not lines:
        lines = [_last_line(done.stderr or done.stdout)]
    return tuple(lines)


def _run(command: Sequence[str], folder: Path) -> "subprocess.CompletedProcess[str]":
    out, err = folder / "stdout.txt", folder / "stderr.txt"
    with (
        out.open("w") as output,
        err.open("w") as errors,
        _child(command, folder, output, errors) as process,
    ):
        process.wait()
    return subprocess.CompletedProcess(
        list(command), process.returncode, out.read_text(), err.read_text()
    )


@contextmanager
def _child(
    command: Sequence[str], folder: Path, output: Any, errors: Any = subprocess.STDOUT
) -> "Iterator[subprocess.Popen[bytes]]":
    """Run a process with a home of its own; it and all that it began ends with this block."""
    import signal

    # Not in CI's way: there, what lacks would be a failure, and here it is told apart.
    hidden = (
        "CI",
        "BRICKWORK_KEY",
        "BRICKWORK_KEY_FILE",
        "BRICKWORK_VAULT",
        "BRICKWORK_PASSPHRASE",
    )
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    path = os.pathsep.join(filter(None, sys.path))
    environment |= {"BRICKWORK_HOME": str(folder / "home"), "PYTHONPATH": path}
    process = subprocess.Popen(  # noqa: S603  # this interpreter, our own arguments
        list(command),
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=errors,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            with suppress(ProcessLookupError, subprocess.TimeoutExpired):
                os.killpg(process.pid, signal.SIGTERM)
                process.wait(_END_SECONDS)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)  # also what it left behind
        process.wait()


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip().removeprefix("E   ") if lines else "it said nothing"
