"""Transactions: tasks and writes that stand together, or leave nothing.

The names are imported when they are asked for.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from brickwork_flows.transactions.modes import (
        CommitMode as CommitMode,
        IsolationLevel as IsolationLevel,
        TransactionState as TransactionState,
    )
    from brickwork_flows.transactions.opening import (
        atransaction as atransaction,
        get_transaction as get_transaction,
        transaction as transaction,
    )
    from brickwork_flows.transactions.public import Transaction as Transaction

_HOMES = {
    "modes": "CommitMode IsolationLevel TransactionState",
    "opening": "atransaction get_transaction transaction",
    "public": "Transaction",
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names.split()}

__all__ = sorted(_HOME_OF)  # pyright: ignore[reportUnsupportedDunderAll]  # lazy


def __getattr__(name: str) -> object:
    module = _HOME_OF.get(name)
    if module is None:
        raise AttributeError(f"module 'brickwork_flows.transactions' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"brickwork_flows.transactions.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
