"""Contracts of an installed distribution are run in processes of their own, and told truthfully."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from brickwork import UnknownName
from brickwork.levels import running
from brickwork.levels.evidence import Evidence, Outcome
from brickwork.levels.rules import Level, lacks, level_of
from brickwork.levels.running import gather
from brickwork.testing.distributions import write_distribution

PLUGIN = """
from collections.abc import Mapping

from brickwork import hookimpl


@hookimpl
def brickwork_blocks() -> Mapping[str, str]:
    return {"levelled-account": "levelled.account:Account"}


@hookimpl
def brickwork_tasks() -> Mapping[str, str]:
    return {"levelled.balance": "levelled.account:balance"}
"""
ACCOUNT = '''
from typing import ClassVar

from pydantic import Field

from brickwork import Block, CheckReport, Finding, Secret, sleep, task

GOOD = "a-long-example-token"


class Account(Block):
    """An account.

    Examples:
        >>> Account(login="ann", token="a-long-example-token")
        Account(login='ann', token=Secret('********'))
    """

    slug: ClassVar[str] = "levelled-account"

    login: str = Field(description="Who logs in.")
    token: Secret[str] = Field(description="The token.")

    def check(self) -> CheckReport:
        """Say whether it works."""
        if self.login == "nobody":
            return CheckReport((Finding("failed", "reach", "nobody listens", "Mend the login."),))
        if self.token.reveal() != GOOD:
            return CheckReport((Finding("failed", "token", "refused", "Make a new token."),))
        return CheckReport((Finding("ok", "login", self.login),))


@task(retries=1)
def balance(account: Account, seconds: float = 0.0) -> int:
    """Ask for the balance.

    Args:
        account: Whose.
        seconds: How long to take.

    Returns:
        Cents.

    Examples:
        >>> balance(account)
        300
    """
    sleep(seconds)
    return len(account.login) * 100
'''
CONTRACTS = """
from pathlib import Path
from typing import Any

import pytest

from brickwork.testing import BlockContract, CheckContract, PackageContract, TaskContract
from levelled.account import Account


class TestPackage(PackageContract):
    @pytest.fixture
    def distribution(self) -> str:
        return "levelled"

    @pytest.fixture
    def forbidden_at_discovery(self) -> list[str]:
        return ["http.client"]


class TestAccount(BlockContract):
    golden_folder = Path(__file__).parent / "golden"

    @pytest.fixture
    def block(self) -> Account:
        return Account.model_validate({"login": "ann", "token": "a-long-example-token"})


class TestCheckOfAccount(CheckContract):
    @pytest.fixture
    def working(self) -> Account:
        return Account.model_validate({"login": "ann", "token": "a-long-example-token"})

    @pytest.fixture
    def wrong(self) -> Account:
        return Account.model_validate({"login": "ann", "token": "another-example-token"})

    @pytest.fixture
    def unreachable(self) -> Account:
        return Account.model_validate({"login": "nobody", "token": "a-long-example-token"})

    @pytest.fixture
    def silent(self, unreachable: Account) -> Account:
        return unreachable


class TestBalance(TaskContract):
    name = "levelled.balance"

    @pytest.fixture
    def call(self) -> dict[str, Any]:
        return {"account": Account.model_validate({"login": "ann", "token": "t-91c2e7f0aa"})}

    @pytest.fixture
    def slow_call(self, call: dict[str, Any]) -> dict[str, Any]:
        return {**call, "seconds": 60.0}
"""
METADATA = """Metadata-Version: 2.4
Name: levelled
Version: 1.0
Summary: A package for tests of levels.
License-Expression: MIT
Requires-Python: >=3.11
Requires-Dist: brickwork<9,>=0.1
Description-Content-Type: text/markdown

# levelled

It has a level.
"""

GOLDEN = {
    "format": "brickwork.golden/1",
    "slug": "levelled-account",
    "schema_version": 1,
    "fields": {"login": "ann", "token": None},
    "secrets": {"/token": "a-long-example-token"},
    "blocks": {},
}

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Install a package for platinum, but for what is given."""

    def install(
        *,
        plugin: str = PLUGIN,
        account: str = ACCOUNT,
        contracts: str = CONTRACTS,
        metadata: str = METADATA,
    ) -> None:
        groups = {
            "brickwork": {"levelled": "levelled.plugin"},
            "brickwork.contracts": {"levelled": "levelled.contracts"} if contracts else {},
        }
        info = write_distribution(
            tmp_path,
            "levelled",
            entry_points=groups,
            modules={
                "levelled.plugin": plugin,
                "levelled.account": account,
                "levelled.contracts": contracts,
            },
        )
        (info / "METADATA").write_text(metadata)
        (tmp_path / "levelled" / "py.typed").touch()
        golden = tmp_path / "levelled" / "golden" / "levelled-account@1.json"
        golden.parent.mkdir()
        golden.write_text(json.dumps(GOLDEN))
        monkeypatch.syspath_prepend(tmp_path)

    return install


def seen(**options: bool) -> tuple[Level, Evidence, str]:
    """Gather the evidence, and return the level, it, and all that lacks."""
    evidence = gather("levelled", types=options.get("types", False))
    found = [lack for lack in lacks(evidence) if options.get("types") or lack.rule != "typed"]
    return level_of(found), evidence, "\n".join(f"{lack.rule}: {lack.what}" for lack in found)


def test_a_whole_package_is_platinum(install: Install) -> None:
    """Everything is offered, tried and typed; nothing of it is imported here."""
    install()
    level, evidence, said = seen(types=True)
    assert (level, said) == (Level.PLATINUM, "")
    assert [(each.kind, each.name) for each in evidence.things] == [
        ("blocks", "levelled-account"),
        ("tasks", "levelled.balance"),
    ]
    assert {"BlockContract", "TaskContract", "PackageContract"} <= {
        name for each in evidence.assertions for name in each.contracts
    }
    assert not any(name.partition(".")[0] == "levelled" for name in sys.modules)


def test_progress_is_told(install: Install) -> None:
    """How many assertions have ended, and of how many."""
    install()
    told: list[tuple[int, int]] = []
    evidence = gather("levelled", types=False, report=lambda *each: told.append(each))
    assert told[-1] == (len(evidence.assertions), len(evidence.assertions))
    assert told == sorted(told)


def test_a_broken_promise_is_told_in_the_words_of_the_contract(install: Install) -> None:
    """An undescribed field: the message names it, and what to do."""
    install(account=ACCOUNT.replace('Field(description="Who logs in.")', "Field()"))
    level, _, said = seen()
    assert level is Level.NONE
    assert "Account.login" in said


def test_what_has_no_contract_is_told(install: Install) -> None:
    """A contract that tries nothing else than what is offered."""
    without = CONTRACTS.partition("class TestBalance")[0]
    install(contracts=without)
    assert "covered: No TaskContract tries" in seen()[2]


def test_a_package_without_contracts_is_looked_at_all_the_same(install: Install) -> None:
    """As a package; the rest lacks."""
    install(contracts="")
    level, evidence, said = seen()
    assert level is Level.NONE
    assert "contracts: It brings no contracts." in said
    passed = [each for each in evidence.of("PackageContract") if each.outcome is Outcome.PASSED]
    assert len(passed) > 5


@pytest.mark.parametrize(
    ("contracts", "told"),
    [
        ("import nothing_of_that_name", "No module named 'nothing_of_that_name'"),
        (f"{CONTRACTS}\nraise ValueError('not today')", "not today"),
        (f"{CONTRACTS}\nclass TestSlug(TestAccount):\n def test_slug(self): pass", "replaces an"),
    ],
)
def test_contracts_that_cannot_be_collected_are_told(
    install: Install, contracts: str, told: str
) -> None:
    """With their last word; the level is none."""
    install(contracts=contracts)
    level, _, said = seen()
    assert level is Level.NONE
    assert told in said


def test_a_package_that_ends_the_process_is_no_success(install: Install) -> None:
    """What ended before still counts, and that not all has ended is told."""
    dies = "    def test_dies(self) -> None:\n        import os\n        os._exit(0)\n"
    install(contracts=f"class TestZ:\n    def test_a(self): pass\n{dies}")
    level, evidence, said = seen()
    assert level is Level.NONE
    assert "assertions ended" in said
    assert [each.test for each in evidence.assertions if "TestZ" in each.test] == ["TestZ.test_a"]


def test_a_package_that_cannot_be_imported_is_told(install: Install) -> None:
    """With the reason."""
    install(plugin="raise RuntimeError('the disk is on fire')", contracts="")
    level, _, said = seen()
    assert level is Level.NONE
    assert "the disk is on fire" in said


def test_skips_for_want_of_something_are_no_passes(install: Install) -> None:
    """A counterpart that is not installed costs the level silver, in CI too."""
    lacks_it = (
        "from brickwork.testing.base import lacking\n        lacking('Acme is not installed')"
    )
    install(contracts=f"{CONTRACTS}\n\nclass TestZ:\n    def test_z(self):\n        {lacks_it}\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CI", "true")
        level, _, said = seen()
    assert (level, said) == (
        Level.BRONZE,
        "reachable: 1 assertion(s) could not be tried: Acme is not installed",
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            "    def block(self) -> Account:\n",
            "    def block(self) -> Account:\n        pytest.skip('another day')\n",
        ),
        (
            "class TestAccount(",
            "@pytest.mark.skip(reason='another day')\nclass TestAccount(",
        ),
    ],
    ids=["fixture", "mark"],
)
def test_a_contract_that_is_skipped_passes_nothing_over(
    install: Install, old: str, new: str
) -> None:
    """Its author's skips are told, as those for want of something; those of contracts are not."""
    assert CONTRACTS.count(old) == 1
    install(contracts=CONTRACTS.replace(old, new))
    level, evidence, said = seen()
    assert level < Level.SILVER
    assert "could not be tried: another day" in said
    others = [each for each in evidence.assertions if each.outcome is Outcome.SKIPPED]
    assert any(each.lacking for each in others)
    assert any(not each.lacking for each in others), "what a contract skips is declared"


def test_an_assertion_that_was_replaced_from_outside_fails(install: Install) -> None:
    """A package that puts a function of its own into a contract is caught lying."""
    lie = "\nBlockContract.test_secrets_never_show = lambda self, block: None\n"
    install(contracts=f"{CONTRACTS}{lie}")
    level, _, said = seen()
    assert level is Level.NONE
    assert "levelled.contracts puts something else in the place of BlockContract" in said
    assert "xfail" in said


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("import atexit\natexit.register(print, 'bye')\n", ""),
        ("print('{}')\n", ""),
        ("import os\nos._exit(0)\n", "It ends the process that imports it"),
    ],
)
def test_what_a_package_prints_is_no_answer_of_ours(install: Install, what: str, told: str) -> None:
    """Not even at the very end; and one that ends the process is told."""
    install(plugin=what + PLUGIN, contracts="")
    _, evidence, said = seen()
    assert told in said
    assert bool(evidence.things) is not bool(told)


def test_an_assertion_that_never_ends_is_named(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others count; the run ends, and says what to give a time-out."""
    monkeypatch.setattr(running, "_SILENT_SECONDS", 4.0)
    hangs = "    def test_b(self):\n        import threading\n        threading.Event().wait()\n"
    install(contracts=f"class TestZ:\n    def test_a(self): pass\n{hangs}")
    level, evidence, said = seen()
    assert level is Level.NONE
    assert "TestZ.test_b: nothing has ended for 4 seconds" in said
    assert "time-out" in said
    assert [each.test for each in evidence.assertions if "TestZ" in each.test] == ["TestZ.test_a"]


@pytest.mark.parametrize(
    ("name", "told"), [("pytest", "is installed, and brings no plugin"), ("none", "not installed")]
)
def test_what_is_no_plugin_is_told_apart(name: str, told: str) -> None:
    """What is installed is not to be installed."""
    with pytest.raises(UnknownName, match=told) as caught:
        gather(name)
    assert ("entry-points.brickwork" in caught.value.fix) is (name == "pytest")


def test_no_secret_is_in_what_is_told(install: Install) -> None:
    """An assertion that quotes a secret is masked."""
    shows = "assert False, 'it is s3ntinel-secret-value'"
    made = "from brickwork import Secret\n        Secret('s3ntinel-secret-value')"
    test = f"class TestZ:\n    def test_z(self):\n        {made}\n        {shows}\n"
    install(contracts=test)
    said = seen()[2]
    assert "TestZ.test_z: it is ***" in said
    assert "s3ntinel" not in said


def test_secrets_of_an_assertion_are_forgotten_with_it(install: Install) -> None:
    """They may be words of the next one, which would be masked; all run in one process."""
    makes = "    def test_a(self):\n        from brickwork import Secret\n"
    makes += "        Secret('word-of-both')\n"
    sees = "    def test_b(self):\n        from brickwork import mask\n"
    sees += "        assert mask('word-of-both') == 'word-of-both', 'masked'\n"
    install(contracts=f"{CONTRACTS}\n\nclass TestZ(TestAccount):\n{makes}\n{sees}")
    assert "masked" not in seen()[2]


def test_what_is_not_installed_is_named(install: Install) -> None:
    """With those that are."""
    install()
    with pytest.raises(
        UnknownName, match=r"(?s)'nothing' is not installed.*Plugins are here:.*levelled"
    ):
        gather("nothing")


def run(*args: str, cwd: Path | None = None) -> "subprocess.CompletedProcess[str]":
    """Run the command line."""
    path = os.pathsep.join(sys.path)
    command = [sys.executable, "-m", "brickwork", "plugin", "check", *args]
    environment = {**os.environ, "PYTHONPATH": path}
    return subprocess.run(
        command, env=environment, cwd=cwd, capture_output=True, text=True, check=False
    )


def test_the_command_line_tells_the_level_and_what_lacks(install: Install, tmp_path: Path) -> None:
    """As text, as JSON and as a badge; it ends with 1 below what is required."""
    install(contracts=CONTRACTS.replace("def slow_call", "def no_call"))
    badge = tmp_path / "badge.json"
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "levelled"\n')
    here = run("--no-types", "--require", "gold", "--badge", str(badge), cwd=tmp_path)
    assert here.returncode == 1
    assert here.stdout.splitlines()[0] == "levelled 1.0: silver"
    assert "lacks for gold:\n  No task was stopped while it ran.: levelled.balance" in here.stderr
    assert json.loads(badge.read_text())["message"] == "silver"
    told = run("levelled", "--no-types", "--json", "--require", "silver")
    assert told.returncode == 0
    whole = json.loads(told.stdout)
    assert (whole["schema"], whole["level"]) == ("brickwork.plugin.check/1", "silver")
    assert [each["rule"] for each in whole["lacks"]] == ["stopped", "typed"]
    assert whole["assertions"]["failed"] == 0


def test_without_a_name_and_a_project_it_says_what_to_do(tmp_path: Path) -> None:
    """Wrong usage: 2."""
    done = run(cwd=tmp_path)
    assert done.returncode == 2
    assert "Name a distribution" in done.stderr


def test_an_interruption_ends_what_it_began(install: Install, tmp_path: Path) -> None:
    """Ctrl-C: the process that runs the contracts is gone, with what that began."""
    begun = tmp_path / "begun"
    hangs = (
        "        import pathlib, subprocess, sys, time\n"
        "        child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"        pathlib.Path({str(begun)!r}).write_text(str(child.pid))\n"
        "        time.sleep(600)\n"
    )
    install(contracts=f"class TestA:\n    def test_a(self):\n{hangs}")
    path = os.pathsep.join(sys.path)
    command = [sys.executable, "-m", "brickwork", "plugin", "check", "levelled", "--no-types"]
    process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": path})
    until = time.monotonic() + 60
    while not (begun.exists() and begun.read_text()) and time.monotonic() < until:
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130
    child = Path(f"/proc/{begun.read_text()}/stat")
    while child.exists() and child.read_text().split()[2] != "Z" and time.monotonic() < until:
        pass
    assert not child.exists() or child.read_text().split()[2] == "Z"


def test_a_failure_without_words_is_told_in_those_of_its_claim(install: Install) -> None:
    """What the assertion asks for, and what was found instead; its own words stay as they are."""
    bare = '''
from brickwork.testing.base import Contract

class TestZ(Contract):
    def test_bare(self):
        """Two and two are four."""
        assert 2 + 2 == 5
    def test_raises(self):
        """Nothing is divided by zero."""
        1 / 0
    def test_told(self):
        """What is told stays."""
        assert False, "Add one: it lacks."
'''
    install(contracts=bare)
    said = seen()[2]
    assert "TestZ.test_bare: Two and two are four.\n" in said
    assert "TestZ.test_raises: Nothing is divided by zero. Instead: ZeroDivisionError" in said
    assert "TestZ.test_told: Add one: it lacks." in said
