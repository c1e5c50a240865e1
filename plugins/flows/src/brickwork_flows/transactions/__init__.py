"""Transactions: tasks and writes that stand together, or leave nothing."""

from brickwork_flows.transactions.modes import CommitMode, IsolationLevel, TransactionState
from brickwork_flows.transactions.opening import atransaction, get_transaction, transaction
from brickwork_flows.transactions.public import Transaction

__all__ = [
    "CommitMode",
    "IsolationLevel",
    "Transaction",
    "TransactionState",
    "atransaction",
    "get_transaction",
    "transaction",
]
