"""What this package ships passes the contracts of Brickwork and its own, and lacks none."""

from importlib.metadata import entry_points

from brickwork.testing import Contract
from brickwork_flows import builtin
from brickwork_flows.testing import HistoryContract, RunnerContract, contracts
from brickwork_flows.testing.contracts import *  # noqa: F403  # pytest collects the classes


def test_the_contracts_are_found_by_their_entry_point() -> None:
    """Who checks installed packages finds them by the metadata alone."""
    (found,) = entry_points(group="brickwork.contracts", name="flows")
    assert found.load() is contracts


def test_everything_that_is_brought_has_a_contract() -> None:
    """No history and no runner can be added to the hooks without one."""
    classes = [each for each in vars(contracts).values() if isinstance(each, type)]
    for base, brought in (
        (HistoryContract, builtin.brickwork_flows_histories()),
        (RunnerContract, builtin.brickwork_flows_runners()),
    ):
        names = {getattr(each, "name", None) for each in classes if issubclass(each, base)}
        assert names - {None} == set(brought)
    assert all(issubclass(each, Contract) for each in classes if each.__name__.startswith("Test"))
