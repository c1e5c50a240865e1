"""The words of transactions: when one is committed, beside whom it runs, what became of it."""

from enum import StrEnum


class CommitMode(StrEnum):
    """When a transaction is committed."""

    EAGER = "eager"
    """At the end of its own block, also within another transaction."""
    LAZY = "lazy"
    """With the transaction around it; where there is none, at the end of its block."""
    OFF = "off"
    """By `Transaction.commit`, or with the transaction around it; otherwise it is rolled back."""


class IsolationLevel(StrEnum):
    """What a transaction with a key sees of others with the same key."""

    READ_COMMITTED = "read_committed"
    """What was committed before it began. Of several at once, one can commit."""
    SERIALIZABLE = "serializable"
    """They run one after the other on this machine: it begins when the one before has ended."""


class TransactionState(StrEnum):
    """What has become of a transaction."""

    PENDING = "pending"
    """Its block has not begun."""
    ACTIVE = "active"
    """Its block, or its task, is at work."""
    STAGED = "staged"
    """That has ended; the transaction around it will commit it."""
    COMMITTED = "committed"
    """What it wrote stands."""
    ROLLED_BACK = "rolled_back"
    """Nothing of what it wrote stands, and what its tasks did was undone by their hooks."""
