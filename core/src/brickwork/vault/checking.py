"""Many blocks loaded and checked at once, each bounded in time."""

import queue
import threading
import time
from collections.abc import Iterator, Sequence
from contextvars import copy_context
from typing import TYPE_CHECKING, Literal, NamedTuple

from brickwork.block import Block, Finding
from brickwork.errors import BrickworkError
from brickwork.vault.migrating import foreign

if TYPE_CHECKING:
    from brickwork.vault.vault import Vault

AT_ONCE = 16
CHECK_SECONDS = 60.0

Status = Literal["ok", "warning", "failed", "skipped"]


class Checked(NamedTuple):
    """What checking one block gave.

    Attributes:
        address: As it was asked for.
        status: The worst of the findings; ``skipped`` where nothing was looked at.
        findings: What was looked at.
        seconds: How long it took.
        error: Why it could not be loaded.
    """

    address: str
    status: Status
    findings: tuple[Finding, ...]
    seconds: float
    error: BrickworkError | None = None


def check_blocks(
    vault: "Vault",
    addresses: Sequence[str],
    *,
    at_once: int = AT_ONCE,
    seconds: float = CHECK_SECONDS,
) -> Iterator[Checked]:
    """Load and check blocks, many at once; yields each when it is done.

    Never raises for a block: what cannot be loaded, or whose check raises or takes too long, has
    failed. Python cannot stop a check that hangs: its thread is left behind, and does not keep the
    process from ending.

    Args:
        vault: Where they are.
        addresses: Which ones.
        at_once: How many are checked at the same time.
        seconds: How long each may take, loading included.
    """
    waiting = list(reversed(list(enumerate(addresses))))
    running: dict[int, tuple[str, float]] = {}
    done: queue.SimpleQueue[tuple[int, Checked]] = queue.SimpleQueue()
    while waiting or running:
        while waiting and len(running) < at_once:
            number, address = waiting.pop()
            running[number] = address, time.monotonic()
            _start(vault, number, address, done)
        overdue = min(began for _, began in running.values()) + seconds
        try:
            number, checked = done.get(timeout=max(0.0, overdue - time.monotonic()))
        except queue.Empty:
            number = min(running, key=lambda each: running[each][1])
            checked = _late(running[number][0], seconds)
        if running.pop(number, None) is not None:  # else it was given up before
            yield checked


def check_saved(vault: "Vault", address: str) -> Checked:
    """Load and check one block; never raises."""
    began = time.monotonic()
    findings: tuple[Finding, ...]
    failure: BrickworkError | None = None
    try:
        block: Block = vault.load(address)
        expiry = _expiry(vault, address)
    except BrickworkError as error:
        failure = error
        findings = (Finding("failed", "load", error.what, error.fix),)
    except Exception as error:  # noqa: BLE001  # the code of a plugin, or what is in the database
        failure = foreign(address, address.partition("/")[0], error)
        findings = (Finding("failed", "load", failure.what, failure.fix),)
    else:
        findings = (*check_block(block), *expiry)
    return Checked(address, _worst(findings), findings, time.monotonic() - began, failure)


def check_block(block: Block) -> tuple[Finding, ...]:
    """Check one block; never raises."""
    try:
        return tuple(block.check().findings)
    except BrickworkError as error:
        return (Finding("failed", "check", error.what, error.fix),)
    except Exception as error:  # noqa: BLE001  # the code of a plugin
        from brickwork.registry.plugins import told

        fix = "Tell the author of the block's package."
        return (Finding("failed", "check", told(error), fix),)


def _start(
    vault: "Vault", number: int, address: str, done: "queue.SimpleQueue[tuple[int, Checked]]"
) -> None:
    def work() -> None:
        done.put((number, check_saved(vault, address)))

    # A daemon: Ctrl-C ends the command at once, whatever a server makes a check wait for.
    threading.Thread(target=copy_context().run, args=(work,), daemon=True).start()


def _late(address: str, seconds: float) -> Checked:
    finding = Finding(
        "failed",
        "check",
        f"took longer than {seconds:g} s",
        "See whether what it reaches for answers; give it more time with --timeout.",
    )
    return Checked(address, "failed", (finding,), seconds)


def _expiry(vault: "Vault", address: str) -> tuple[Finding, ...]:
    from brickwork.vault.expiry import expiry, told

    notes = vault.document(address).notes
    state = expiry(notes)
    if state is None:
        return ()
    fix = f"Save what replaces it; then brickwork block annotate {address.partition('@')[0]}."
    return (Finding("failed" if state == "expired" else "warning", "expiry", told(notes), fix),)


def _worst(findings: tuple[Finding, ...]) -> Status:
    said = {finding.status for finding in findings}
    order: tuple[Status, ...] = ("failed", "warning", "ok")
    return next((status for status in order if status in said), "skipped")
