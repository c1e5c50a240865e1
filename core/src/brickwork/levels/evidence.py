"""What was seen of a distribution: its facts, and the outcomes of its contracts' assertions."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple


class Outcome(StrEnum):
    """How an assertion ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    EXCUSED = "excused"
    """It failed, as its mark ``xfail`` says."""


@dataclass(frozen=True, slots=True)
class Assertion:
    """One assertion of a contract, and how it ended.

    Attributes:
        test: The class and the function, for example ``TestAccount.test_slug``.
        contracts: Names of the contracts that it belongs to: ``BlockContract``.
        outcome: How it ended.
        said: Why it was not passed: the assertion's message, or the reason of the skip.
        lacking: Whether it was skipped for want of what it needs, such as a counterpart.
        paths: What was tried, as ``module:name`` of classes, of their bases, and of tasks.
        names: Names of serializers that were tried.
    """

    test: str
    contracts: tuple[str, ...]
    outcome: Outcome
    said: str = ""
    lacking: bool = False
    paths: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    @property
    def function(self) -> str:
        """The name of the test, without its class and its parameters."""
        return self.test.rpartition(".")[2].partition("[")[0]


class Thing(NamedTuple):
    """Something that the distribution offers.

    Attributes:
        kind: As in the registry: ``blocks``, ``tasks``.
        name: Its name.
        path: Its class, or its function, as ``module:name``.
        interfaces: Which interfaces it has, by their kinds: a block can be a storage as well.
        secrets: Whether it has a secret field.
        checks: Whether it has a check of its own.
    """

    kind: str
    name: str
    path: str = ""
    interfaces: tuple[str, ...] = ()
    secrets: bool = False
    checks: bool = False


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that was seen.

    Attributes:
        distribution: Its normalised name.
        version: Its version.
        metadata: What its metadata say: ``Summary``, ``License``, ``Requires-Dist`` and others.
        packages: Its import packages.
        things: What it offers.
        contract_modules: The modules with its contracts, as its entry points name them.
        assertions: How those of its contracts ended.
        troubles: Why something could not be looked at: what failed, and what to do.
        types: What a type checker says, a line each; None if none is installed.
    """

    distribution: str
    version: str = ""
    metadata: dict[str, list[str]] = field(default_factory=dict)
    packages: tuple[str, ...] = ()
    things: tuple[Thing, ...] = ()
    contract_modules: tuple[str, ...] = ()
    assertions: Sequence[Assertion] = ()
    troubles: tuple[str, ...] = ()
    types: tuple[str, ...] | None = None

    def of(self, contract: str) -> Iterator[Assertion]:
        """Yield the assertions of one contract."""
        return (each for each in self.assertions if contract in each.contracts)

    def about(self, thing: Thing, contract: str) -> list[Assertion]:
        """Return the assertions of a contract that tried a thing."""
        return [
            each
            for each in self.of(contract)
            if thing.path in each.paths or thing.name in each.names
        ]


def thing_from(data: dict[str, Any]) -> Thing:
    """Return the thing that a record of JSON holds."""
    return Thing(**{**data, "interfaces": tuple(data["interfaces"])})


def assertion_from(data: dict[str, Any]) -> Assertion:
    """Return the assertion that a record of JSON holds."""
    lists = {name: tuple(data[name]) for name in ("contracts", "paths", "names")}
    return Assertion(**{**data, **lists, "outcome": Outcome(data["outcome"])})
