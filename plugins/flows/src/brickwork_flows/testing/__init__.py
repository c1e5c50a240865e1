"""What proves that a part of the engine that somebody else writes keeps its promises.

Needs pytest.
"""

from brickwork_flows.testing.history import HistoryContract as HistoryContract

__all__ = ["HistoryContract"]
