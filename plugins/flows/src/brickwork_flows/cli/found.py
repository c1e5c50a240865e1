"""Finding the run that a text on the command line stands for."""

from brickwork_flows.runs import found as found
