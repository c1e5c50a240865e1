"""What each level asks for."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from brickwork.levels.evidence import Assertion, Evidence, Outcome


class Level(IntEnum):
    """How good a distribution is; each level has all of the ones below."""

    NONE = 0
    BRONZE = 1
    """It is described, harms nobody, and keeps the contract of everything that it offers."""
    SILVER = 2
    """It works with its service, or what stands for that, and says what is wrong with settings."""
    GOLD = 3
    """What an older release has saved is still read, and its tasks stop when they are told to."""
    PLATINUM = 4
    """Its types hold, and no assertion is excused."""

    def __str__(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Lack:
    """Something that lacks for a level.

    Attributes:
        level: The level that asks for it.
        rule: Which of its rules.
        what: What lacks.
        fix: What to do.
        about: The things or assertions that it is about.
    """

    level: Level
    rule: str
    what: str
    fix: str
    about: tuple[str, ...] = ()


class Gap(NamedTuple):
    """What a rule finds; the fields are those of a `Lack`."""

    what: str
    fix: str
    about: tuple[str, ...] = ()


Found = Iterator[Gap]

CONTRACT_OF = {
    "blocks": "BlockContract",
    "tasks": "TaskContract",
    "storages": "StorageContract",
    "serializers": "SerializerContract",
    "notifiers": "NotifierContract",
    "resolvers": "ResolverContract",
    "key_providers": "KeyProviderContract",
    "stores": "StoreContract",
}
_CORE = re.compile(r"brickwork(?![\w.-])\s*(?:\[[^]]*\])?\s*([^;]*)")
"""The core among the requirements: https://packaging.python.org/specifications/dependency-specifiers/."""


def lacks(evidence: Evidence) -> list[Lack]:
    """Return all that lacks, of the lowest level first."""
    return [
        Lack(level, rule, *gap)
        for level, rules in RULES.items()
        for rule, look in rules.items()
        for gap in look(evidence)
    ]


def level_of(found: list[Lack]) -> Level:
    """Return the highest level below which nothing lacks."""
    lowest = min((lack.level for lack in found), default=None)
    return Level.PLATINUM if lowest is None else Level(lowest - 1)


# Bronze


def _can_be_looked_at(evidence: Evidence) -> Found:
    for trouble in evidence.troubles:
        yield Gap(trouble, "Mend that first; what could not be run counts for nothing.")


def _is_described(evidence: Evidence) -> Found:
    said = evidence.metadata
    for name, field, example in (
        ("a summary", "Summary", 'description = "..."'),
        ("a description", "Description", 'readme = "README.md"'),
        ("a version of Python", "Requires-Python", 'requires-python = ">=3.11"'),
    ):
        if not "".join(said.get(field, ())).strip():
            yield Gap(f"Its metadata lack {name}.", f"Add to pyproject.toml: {example}")
    if not said.get("License-Expression") and not said.get("License"):
        yield Gap("Its metadata lack a licence.", 'Add to pyproject.toml: license = "Apache-2.0"')


def _says_which_core(evidence: Evidence) -> Found:
    wanted = (_CORE.match(each) for each in evidence.metadata.get("Requires-Dist", ()))
    if evidence.distribution != "brickwork" and not any(
        found is not None and re.search("<|==|~=", found[1]) for found in wanted
    ):
        yield Gap(
            "It does not say with which releases of brickwork it works.",
            'Add to the dependencies in pyproject.toml: "brickwork>=0.1,<0.2"',
        )


def _brings_contracts(evidence: Evidence) -> Found:
    if not evidence.contract_modules:
        fix = (
            "Put subclasses of brickwork.testing's contracts into a module of the package; name "
            'that in pyproject.toml: [project.entry-points."brickwork.contracts"]'
        )
        yield Gap("It brings no contracts.", fix)


def _everything_has_a_contract(evidence: Evidence) -> Found:
    for kind, contract in CONTRACT_OF.items():
        fitting = (contract, "CodecContract") if kind == "serializers" else (contract,)
        yield from _about(
            [
                thing.name
                for thing in evidence.things
                if kind in thing.interfaces
                and not any(evidence.about(thing, each) for each in fitting)
            ],
            f"No {contract} tries",
            f"Subclass brickwork.testing.{contract} for each in the package's contracts.",
        )


def _keeps_its_contracts(evidence: Evidence) -> Found:
    for each in evidence.assertions:
        if each.outcome is Outcome.FAILED:
            yield Gap(f"{each.test}: {each.said}", "Mend what it says.", (each.test,))


# Silver


def _nothing_was_lacking(evidence: Evidence) -> Found:
    for reason, tests in _by_reason(each for each in evidence.assertions if each.lacking):
        yield Gap(
            f"{len(tests)} assertion(s) could not be tried: {reason}",
            "Install or start what they need, or take the skip off, and run this again.",
            tests,
        )


def _tasks_are_called(evidence: Evidence) -> Found:
    yield from _about(
        _untried(evidence, "tasks", "test_aio_gives_the_same"),
        "No contract calls",
        "Give each TaskContract a fixture `call`: arguments with which the task can run.",
    )


def _secrets_can_be_checked(evidence: Evidence) -> Found:
    yield from _about(
        [each.name for each in evidence.things if each.secrets and not each.checks],
        "Secrets, and no check that says whether they work, have",
        "Give each a method check(self) -> CheckReport that asks the service.",
    )


# Gold


def _old_documents_are_read(evidence: Evidence) -> Found:
    yield from _about(
        _untried(evidence, "blocks", "test_golden_documents_still_load"),
        "No golden document, by which later releases know that they still read it, have",
        "Give each BlockContract a golden_folder, and run pytest --write-golden-documents.",
    )


def _faults_are_told_apart(evidence: Evidence) -> Found:
    yield from _about(
        [
            each.name
            for each in evidence.things
            if each.secrets and each.checks and not evidence.about(each, "CheckContract")
        ],
        "No CheckContract tries, with wrong secrets and without its service, the check of",
        "Subclass brickwork.testing.CheckContract for each in the package's contracts.",
    )


def _long_work_can_be_stopped(evidence: Evidence) -> Found:
    tasks = tuple(each.name for each in evidence.things if each.kind == "tasks")
    if tasks and not any(
        each.function == "test_stops_when_cancelled" and each.outcome is Outcome.PASSED
        for each in evidence.of("TaskContract")
    ):
        yield Gap(
            "No task was stopped while it ran.",
            "Give the TaskContract of one that can take long a fixture `slow_call`.",
            tasks,
        )


# Platinum


def _types_hold(evidence: Evidence) -> Found:
    if evidence.types is None:
        yield Gap("Nobody has looked at its types.", "pip install mypy, and run this again.")
    elif evidence.types:
        yield Gap("mypy --strict finds fault", "Mend the types.", evidence.types)


def _nothing_is_excused(evidence: Evidence) -> Found:
    excused = (each for each in evidence.assertions if each.outcome is Outcome.EXCUSED)
    for reason, tests in _by_reason(excused):
        yield Gap(
            f"{len(tests)} assertion(s) excused: {reason}",
            "Make them hold, and take the mark xfail off.",
            tests,
        )


def _untried(evidence: Evidence, kind: str, function: str) -> list[str]:
    """Return the names of a kind for which an assertion was skipped."""
    found = []
    for thing in evidence.things:
        about = evidence.about(thing, CONTRACT_OF[kind])
        if thing.kind == kind and about:  # one without a contract is told of elsewhere
            ended = {each.outcome for each in about if each.function == function}
            if ended <= {Outcome.SKIPPED}:
                found.append(thing.name)
    return found


def _about(names: list[str], what: str, fix: str) -> Found:
    if names:
        yield Gap(what, fix, tuple(names))


def _by_reason(assertions: Iterable[Assertion]) -> Iterator[tuple[str, tuple[str, ...]]]:
    reasons: dict[str, list[str]] = {}
    for each in assertions:
        reasons.setdefault(each.said, []).append(each.test)
    return ((reason, tuple(tests)) for reason, tests in reasons.items())


RULES: dict[Level, dict[str, Callable[[Evidence], Found]]] = {
    Level.BRONZE: {
        "runs": _can_be_looked_at,
        "described": _is_described,
        "core": _says_which_core,
        "contracts": _brings_contracts,
        "covered": _everything_has_a_contract,
        "kept": _keeps_its_contracts,
    },
    Level.SILVER: {
        "reachable": _nothing_was_lacking,
        "called": _tasks_are_called,
        "checked": _secrets_can_be_checked,
    },
    Level.GOLD: {
        "golden": _old_documents_are_read,
        "diagnosed": _faults_are_told_apart,
        "stopped": _long_work_can_be_stopped,
    },
    Level.PLATINUM: {
        "typed": _types_hold,
        "unexcused": _nothing_is_excused,
    },
}
"""What each level asks for beyond the ones below, by short names."""
