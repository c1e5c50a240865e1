"""What this package ships passes the contracts of Brickwork."""

from brickwork_github.testing.contracts import *  # noqa: F403  # pytest collects the classes
