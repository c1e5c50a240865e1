"""What this package ships passes the contracts of Brickwork."""

from brickwork_aws.testing.contracts import *  # noqa: F403  # pytest collects the classes
