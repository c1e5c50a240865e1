"""Levels follow from the evidence, rule by rule."""

from dataclasses import replace

import pytest

from brickwork.levels.evidence import Assertion, Evidence, Outcome, Thing
from brickwork.levels.rules import RULES, Level, lacks, level_of

ACCOUNT = Thing(
    "blocks", "acme-account", "acme.account:Account", ("blocks",), secrets=True, checks=True
)
BALANCE = Thing("tasks", "acme.balance", "acme.account:balance", ("tasks",))
ROOM = Thing("blocks", "acme-room", "acme.room:Room", ("blocks", "storages", "notifiers"))


def assertion(
    contract: str,
    function: str,
    thing: Thing,
    outcome: Outcome = Outcome.PASSED,
    said: str = "",
    lacking: bool = False,
) -> Assertion:
    """Return one about a thing."""
    test = f"Test{contract}.{function}"
    return Assertion(test, (contract, "Contract"), outcome, said, lacking, (thing.path,))


GOOD = Evidence(
    distribution="acme",
    version="1.0",
    metadata={
        "Summary": ["Acme for Brickwork"],
        "Description": ["", "# Acme"],
        "License-Expression": ["MIT"],
        "Requires-Python": [">=3.11"],
        "Requires-Dist": ["brickwork<0.2,>=0.1", "httpx"],
    },
    packages=("acme",),
    things=(ACCOUNT, BALANCE),
    contract_modules=("acme.contracts",),
    assertions=(
        assertion("BlockContract", "test_slug", ACCOUNT),
        assertion("BlockContract", "test_golden_documents_still_load", ACCOUNT),
        assertion("CheckContract", "test_a_refused_secret_is_told", ACCOUNT),
        assertion("TaskContract", "test_aio_gives_the_same", BALANCE),
        assertion("TaskContract", "test_stops_when_cancelled", BALANCE),
    ),
    types=(),
)


def without(function: str, *instead: Assertion) -> Evidence:
    """Return the good one without an assertion, or with others in its place."""
    kept = [each for each in GOOD.assertions if each.function != function]
    return replace(GOOD, assertions=(*kept, *instead))


def test_nothing_lacks_for_platinum() -> None:
    """What has everything has the highest level."""
    assert lacks(GOOD) == []
    assert level_of([]) is Level.PLATINUM


SKIPPED, FAILED, EXCUSED = Outcome.SKIPPED, Outcome.FAILED, Outcome.EXCUSED
CASES: dict[str, tuple[Evidence, str, Level, str]] = {
    "trouble": (replace(GOOD, troubles=("It broke.",)), "runs", Level.NONE, "It broke."),
    "no summary": (
        replace(GOOD, metadata={**GOOD.metadata, "Summary": []}),
        *("described", Level.NONE, "lack a summary"),
    ),
    "an empty description": (
        replace(GOOD, metadata={**GOOD.metadata, "Description": ["", "\n"]}),
        *("described", Level.NONE, "lack a description"),
    ),
    "no licence": (
        replace(GOOD, metadata={**GOOD.metadata, "License-Expression": []}),
        *("described", Level.NONE, "lack a licence"),
    ),
    "any core": (
        replace(GOOD, metadata={**GOOD.metadata, "Requires-Dist": ["brickwork>=0.1"]}),
        *("core", Level.NONE, "with which releases"),
    ),
    "another package's bounds": (
        replace(
            GOOD, metadata={**GOOD.metadata, "Requires-Dist": ["brickwork-aws<1", "brickwork"]}
        ),
        *("core", Level.NONE, "with which releases"),
    ),
    "no contracts": (
        replace(GOOD, contract_modules=()),
        *("contracts", Level.NONE, "brings no contracts"),
    ),
    "a thing without a contract": (
        replace(GOOD, things=(*GOOD.things, ROOM)),
        *("covered", Level.NONE, "No BlockContract tries"),
    ),
    "a failure": (
        without("test_slug", assertion("BlockContract", "test_slug", ACCOUNT, FAILED, "No slug.")),
        *("kept", Level.NONE, "TestBlockContract.test_slug: No slug."),
    ),
    "no counterpart": (
        without("test_x", assertion("X", "test_x", ACCOUNT, SKIPPED, "no server", lacking=True)),
        *("reachable", Level.BRONZE, "1 assertion(s) could not be tried: no server"),
    ),
    "a task that nobody calls": (
        without(
            "test_aio_gives_the_same",
            assertion("TaskContract", "test_aio_gives_the_same", BALANCE, SKIPPED, "no `call`"),
        ),
        *("called", Level.BRONZE, "No contract calls"),
    ),
    "a secret without a check": (
        replace(GOOD, things=(ACCOUNT._replace(checks=False), BALANCE)),
        *("checked", Level.BRONZE, "no check"),
    ),
    "no golden document": (
        without(
            "test_golden_documents_still_load",
            assertion("BlockContract", "test_golden_documents_still_load", ACCOUNT, SKIPPED),
        ),
        *("golden", Level.SILVER, "No golden document"),
    ),
    "a check that nobody tried": (
        without("test_a_refused_secret_is_told"),
        *("diagnosed", Level.SILVER, "No CheckContract tries"),
    ),
    "nothing was stopped": (
        without("test_stops_when_cancelled"),
        *("stopped", Level.SILVER, "No task was stopped"),
    ),
    "types that do not hold": (
        replace(GOOD, types=("acme/a.py:1: error: x",)),
        *("typed", Level.GOLD, "finds fault"),
    ),
    "types that nobody saw": (
        replace(GOOD, types=None),
        *("typed", Level.GOLD, "Nobody has looked"),
    ),
    "an excuse": (
        without("test_x", assertion("X", "test_x", ACCOUNT, EXCUSED, "the service cannot")),
        *("unexcused", Level.GOLD, "1 assertion(s) excused: the service cannot"),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_one_thing_that_lacks_costs_its_level(name: str) -> None:
    """Only its rule finds it, says what it is about, and what to do."""
    evidence, rule, level, said = CASES[name]
    found = lacks(evidence)
    assert {lack.rule for lack in found} == {rule}
    assert level_of(found) is level
    assert said in found[0].what
    assert found[0].fix


def test_every_rule_has_a_case() -> None:
    """No rule is here that nothing breaks."""
    rules = {rule for each in RULES.values() for rule in each}
    assert {rule for _, rule, _, _ in CASES.values()} == rules


def test_a_block_needs_a_contract_for_each_of_its_interfaces() -> None:
    """One that is a storage and a notifier as well is told of three times."""
    found = lacks(replace(GOOD, things=(*GOOD.things, ROOM)))
    assert [(each.what, each.about) for each in found] == [
        (f"No {contract} tries", ("acme-room",))
        for contract in ("BlockContract", "StorageContract", "NotifierContract")
    ]


@pytest.mark.parametrize(
    "wants",
    ["brickwork<0.2,>=0.1", "brickwork (<0.2)", "brickwork[arrow]~=0.1 ; x", "brickwork==1"],
)
def test_any_upper_bound_of_the_core_counts(wants: str) -> None:
    """However a requirement is written."""
    assert not lacks(replace(GOOD, metadata={**GOOD.metadata, "Requires-Dist": [wants]}))
