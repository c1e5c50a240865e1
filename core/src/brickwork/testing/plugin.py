"""The pytest plugin: fixtures that any project's tests can use once Brickwork is installed."""

import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from brickwork.vault import Vault

_FAST = Path("/dev/shm")  # noqa: S108  # memory, where an fsync costs nothing; Linux has it
_KEY = "dGhyb3ctYXdheSBrZXkgZm9yIHRlc3RzIG9ubHkhISE="  # of nothing but tests


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let contracts of blocks write what is missing."""
    parser.getgroup("brickwork").addoption(
        "--write-golden-documents",
        action="store_true",
        help="write today's document of each block whose contract has a golden_folder",
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show with what fails in a contract what the contract asks for."""
    report = yield
    claim = claim_of(item)
    if report.failed and claim:
        report.sections.append(("What the contract asks for", claim))
    return report


def claim_of(item: pytest.Item) -> str:
    """Return the sentence of a contract's test; empty for any other test."""
    base = sys.modules.get("brickwork.testing.base")  # where no contract is, it is not imported
    cls = getattr(item, "cls", None)
    if base is None or not isinstance(cls, type) or not issubclass(cls, base.Contract):
        return ""
    text = getattr(getattr(item, "function", None), "__doc__", None) or ""
    return " ".join(text.partition("\n\n")[0].split())


@pytest.fixture
def memory_vault(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> "Iterator[Vault]":
    """A fresh, empty vault for one test, in use while the test runs.

    ``Block.save`` and ``Block.load`` go there; so do other threads, and processes that the test
    starts, since the variables of the environment lead there too. It is a real vault, encrypted
    with a key that is made for nothing else, in memory where the system has a folder for that.
    Nothing of the user's is read or written::

        def test_report_is_published(memory_vault):
            S3Bucket(bucket="reports", ...).save("reports")
            publish(date(2026, 11, 22))
            assert memory_vault.documents()
    """
    import os
    import shutil
    import tempfile

    from brickwork.vault import Vault, use_vault

    fast = os.access(_FAST, os.W_OK | os.X_OK)
    home = (
        Path(tempfile.mkdtemp(prefix="brickwork-test-", dir=_FAST))
        if fast
        else tmp_path_factory.mktemp("vault")
    )
    for name in ("BRICKWORK_KEY_FILE", "BRICKWORK_PASSPHRASE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("BRICKWORK_HOME", str(home))
    monkeypatch.setenv("BRICKWORK_VAULT", str(home / "vault.db"))
    monkeypatch.setenv("BRICKWORK_KEY", _KEY)
    try:
        with Vault.open() as vault, use_vault(vault):
            with vault.store.transaction():  # made now, so that no save has to announce it
                vault.keys.for_sealing()
            yield vault
    finally:
        if fast:
            shutil.rmtree(home, ignore_errors=True)
