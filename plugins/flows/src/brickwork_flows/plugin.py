"""What this package brings to Brickwork: names and dotted paths, nothing imported."""

from collections.abc import Mapping

from brickwork import hookimpl

brickwork_api = 1


@hookimpl
def brickwork_commands() -> Mapping[str, str]:
    """The commands about flows and their runs."""
    return {
        "artifact": "brickwork_flows.cli.artifact:group",
        "event": "brickwork_flows.cli.event:group",
        "flow": "brickwork_flows.cli.flow:group",
        "limit": "brickwork_flows.cli.limit:group",
        "run": "brickwork_flows.cli.run:group",
        "variable": "brickwork_flows.cli.variable:group",
    }
