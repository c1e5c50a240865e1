"""What proves that a part of the engine that somebody else writes keeps its promises.

Needs pytest.
"""

from brickwork_flows.testing.history import HistoryContract as HistoryContract
from brickwork_flows.testing.runners import RunnerContract as RunnerContract

__all__ = ["HistoryContract", "RunnerContract"]
