"""The tests that come with a new plugin can fail: each fault that an author may make is found."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from brickwork.scaffold import Plan, write
from brickwork.testing.distributions import write_distribution

pytestmark = pytest.mark.slow


class Mutant(NamedTuple):
    """A fault in what was written.

    Attributes:
        file: In which module.
        right: What stands there.
        wrong: What stands there instead.
        tests: Which tests are to find it, as for ``pytest -k``.
    """

    file: str
    right: str
    wrong: str
    tests: str


MUTANTS = {
    "a page is lost": Mutant("tasks", 'not page.get("next")', "True", "pages_are_listed"),
    "no retries": Mutant("tasks", "retries=3", "retries=0", "tried_again or says_why_not"),
    "a refusal counts as success": Mutant(
        "notifier", "DeliveryStatus.REFUSED)", "DeliveryStatus.DELIVERED)", "TestNotifier"
    ),
    "sent twice": Mutant("notifier", "again=error.never_sent", "again=True", "sent_again"),
    "texts are cut": Mutant(
        "notifier", "notification.body,", "notification.body[:9],", "TestNotifier"
    ),
    "a lock that is none": Mutant(
        "storage", 'headers["If-None-Match"] = "*"', "pass", "if_absent or exclusive"
    ),
    "half a file": Mutant("storage", "and self._left:", "and None:", "half_a_file"),
    "keys of one page": Mutant("storage", 'not page.get("next")', "True", "beyond_one_page"),
    "keys that lead out": Mutant("storage", "check_key(key)", "key", "bad_keys"),
    "the name for the secret": Mutant("resolver", "Secret(value)", "Secret(path)", "TestResolver"),
    "the token in an error": Mutant(
        "client",
        "        connected = False\n",
        '        connected, what = False, f"{sent}"\n',
        "its_error",
    ),
    "the token without TLS": Mutant("credentials", "if not safe or", "if", "show_the_token"),
    "a token that shows itself": Mutant("credentials", '"[!-~]+"', '"(?s).*"', "cannot_be_sent"),
    "content with anything": Mutant(
        "checking", 'Finding("failed", "token"', 'Finding("ok", "token"', "TestCheck"
    ),
    "nobody listens, and all is well": Mutant(
        "checking", 'Finding("failed", "service"', 'Finding("ok", "service"', "TestCheck"
    ),
    "a hook misspelt": Mutant("plugin", "def brickwork_tasks", "def brickwork_task", "TestPackage"),
    "a field not described": Mutant(
        "notifier", 'Field(description="Who posts.")', "Field()", "described"
    ),
    "slow to find": Mutant(
        "__init__", "_HOME_OF = {", "import http.client\n\n_HOME_OF = {", "TestPackage"
    ),
}


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a new plugin with everything, as if installed."""
    folder = write(Plan.of("acme"), tmp_path_factory.mktemp("mutants"))
    points = {
        "brickwork": {"acme": "brickwork_acme.plugin"},
        "brickwork.schemes": {"acme": "acme"},
        "brickwork.contracts": {"acme": "brickwork_acme.testing.contracts"},
    }
    write_distribution(folder / "src", "brickwork-acme", version="0.1.0", entry_points=points)
    return folder


@pytest.fixture
def tests(package: Path) -> Callable[[str], "subprocess.CompletedProcess[str]"]:
    """Run those of its tests that have these words in their names."""

    def run(words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-k", words],
            cwd=package,
            env={**os.environ, "PYTHONPATH": str(package / "src"), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    return run


@pytest.mark.parametrize("fault", MUTANTS)
def test_the_fault_is_found(
    package: Path, tests: Callable[[str], "subprocess.CompletedProcess[str]"], fault: str
) -> None:
    """One of its own tests fails, or the contract that it inherits does."""
    mutant = MUTANTS[fault]
    path = package / "src" / "brickwork_acme" / f"{mutant.file}.py"
    right = path.read_text()
    assert mutant.right in right, f"{mutant.file}.py has changed: mend this test"
    path.write_text(right.replace(mutant.right, mutant.wrong))
    try:
        done = tests(mutant.tests)
    finally:
        path.write_text(right)
    assert done.returncode == 1, f"nobody noticed: {fault}\n{done.stdout}{done.stderr}"
    assert " failed" in done.stdout


def test_without_a_fault_they_pass(
    tests: Callable[[str], "subprocess.CompletedProcess[str]"],
) -> None:
    """The tests above fail for the fault, and for nothing else."""
    words = {word for mutant in MUTANTS.values() for word in mutant.tests.split(" or ")}
    done = tests(" or ".join(sorted(words - {"TestNotifier"})))
    assert done.returncode == 0, done.stdout
