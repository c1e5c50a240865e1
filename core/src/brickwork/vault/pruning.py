"""Old versions of blocks are removed, but for those that something still needs."""

import re
from collections.abc import Iterable

from brickwork.block import Address
from brickwork.errors import BlockError
from brickwork.store import Record, Store
from brickwork.vault.audit import AuditTrail

Name = tuple[str, str]
"""Slug and name."""


def prune(store: Store, trail: AuditTrail, heads: Iterable[Record], keep: int) -> list[Address]:
    """Remove old versions of blocks; inside a transaction of the store.

    Args:
        store: Where they are.
        trail: The audit trail.
        heads: The newest version of each block to prune.
        keep: How many versions of each stay at least.

    Returns:
        What was removed.

    Raises:
        BlockError: ``keep`` is less than 1.
    """
    if keep < 1:
        raise BlockError(
            f"{keep} versions cannot be kept: the newest one always stays.",
            fix="Keep 1 or more; `brickwork block delete` removes a block with all its versions.",
        )
    doomed: dict[Name, set[int]] = {}
    newest: dict[Name, Record] = {}
    for head in heads:
        versions = [record.version for record in store.versions(head.slug, head.name)]
        if versions[:-keep]:
            doomed[head.slug, head.name] = set(versions[:-keep])
            newest[head.slug, head.name] = head
    _spare_pinned(store, doomed)
    removed: list[Address] = []
    for name, unneeded in doomed.items():
        if unneeded:
            gone = sorted(unneeded)
            store.remove_versions(newest[name].block_id, gone)
            trail.append("prune", newest[name], versions=gone)
            removed += [Address(*name, version) for version in gone]
    return removed


def _spare_pinned(store: Store, doomed: dict[Name, set[int]]) -> None:
    """Take out of what is to be removed what a version that stays refers to by its number."""
    # A version that is spared may pin others: until nothing changes any more.
    users = {name: store.users_of(*name, history=True) for name, gone in doomed.items() if gone}
    changed = True
    while changed:
        changed = False
        for name, records in users.items():
            for user in records:
                if user.version in doomed.get((user.slug, user.name), ()):
                    continue
                pinned = doomed[name] & _pins(user.public, name)
                if pinned:
                    doomed[name] -= pinned
                    changed = True


def _pins(public: bytes, name: Name) -> set[int]:
    """Return the versions of a block that a public part names.

    Looks at the text, since a reference can stand in a mark or in a template. A description that
    only mentions a version keeps it, too; that is the safe side.
    """
    address = re.escape("/".join(name).encode())
    found = re.finditer(rb"(?<![a-z0-9-])%b@(\d{1,19})" % address, public)
    return {int(each[1]) for each in found}
