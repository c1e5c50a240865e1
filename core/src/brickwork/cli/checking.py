"""Loads and checks many blocks at once."""

import queue
import threading
from collections.abc import Sequence
from contextvars import copy_context
from dataclasses import asdict
from typing import TYPE_CHECKING

from brickwork.block import Block, Finding
from brickwork.errors import BrickworkError

if TYPE_CHECKING:
    from brickwork.vault import Vault

_AT_ONCE = 16

Findings = list[dict[str, str]]


def check_all(vault: "Vault", addresses: Sequence[str]) -> list[tuple[str, Findings]]:
    """Check blocks, each in a thread, and return the findings in the order of the addresses.

    Never raises for a block: what cannot be loaded, or whose check raises, has failed.
    """
    waiting: queue.SimpleQueue[tuple[int, str]] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[int, Findings]] = queue.SimpleQueue()
    for numbered in enumerate(addresses):
        waiting.put(numbered)

    def work() -> None:
        while True:
            try:
                number, address = waiting.get_nowait()
            except queue.Empty:
                return
            done.put((number, _check_saved(vault, address)))

    for _ in range(min(_AT_ONCE, len(addresses))):
        # Daemons: Ctrl-C ends the command at once, whatever a server makes a check wait for.
        threading.Thread(target=copy_context().run, args=(work,), daemon=True).start()
    results = dict(done.get() for _ in addresses)
    return [(address, results[number]) for number, address in enumerate(addresses)]


def check_block(block: Block) -> Findings:
    """Check one block; never raises."""
    try:
        return [asdict(finding) for finding in block.check().findings]
    except Exception as error:  # noqa: BLE001  # the code of a plugin
        return [_failure("check", error)]


def _check_saved(vault: "Vault", address: str) -> Findings:
    try:
        block: Block = vault.load(address)
    except Exception as error:  # noqa: BLE001  # as above
        return [_failure("load", error)]
    return check_block(block)


def _failure(what: str, error: Exception) -> dict[str, str]:
    if isinstance(error, BrickworkError):
        return asdict(Finding("failed", what, error.what, error.fix))
    from brickwork.registry.plugins import told

    return asdict(Finding("failed", what, told(error), "Tell the author of the block's package."))
