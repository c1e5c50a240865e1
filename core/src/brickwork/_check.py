"""``CheckReport``: what a block's check found out."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check looked at.

    Attributes:
        status: ``ok``, ``warning``, ``failed``, or ``skipped`` where it could not be looked at.
        what: What was looked at, in some words.
        detail: What was found; never a secret.
        fix: What to do next, where something is to be done.
    """

    status: Literal["ok", "warning", "failed", "skipped"]
    what: str
    detail: str = ""
    fix: str = ""


@dataclass(frozen=True)
class CheckReport:
    """The answer of `Block.check`: is it real, reachable, permitted?"""

    findings: tuple[Finding, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing failed."""
        return all(finding.status != "failed" for finding in self.findings)
