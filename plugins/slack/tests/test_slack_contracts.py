"""What this package ships passes the contracts of Brickwork."""

from brickwork_slack.testing.contracts import *  # noqa: F403  # pytest collects the classes
