"""S3 and the rest of AWS on this machine, for tests, demos and benchmarks.

`moto_server` and `seaweedfs` start a real server process on 127.0.0.1 and end it again::

    with seaweedfs() as server:
        bucket = S3Bucket(bucket=server.create_bucket(), credentials=server.credentials())

`faulty` puts a proxy before a server, which cuts connections and refuses requests as it is told.
`state_machines_run` and `functions_echo` tell moto what to do with Step Functions and Lambda.

For pytest, name the fixtures' module in the ``conftest.py`` at the root of your tests::

    pytest_plugins = ["brickwork_aws.testing.fixtures"]

It needs ``pip install "brickwork-aws[testing]"``.
"""

from brickwork_aws.testing.faulty import Faults, faulty
from brickwork_aws.testing.moto import functions_echo, state_machines_run
from brickwork_aws.testing.servers import (
    AwsServer,
    ServerNotStarted,
    given_server,
    moto_server,
    seaweedfs,
)

__all__ = [
    "AwsServer",
    "Faults",
    "ServerNotStarted",
    "faulty",
    "functions_echo",
    "given_server",
    "moto_server",
    "seaweedfs",
    "state_machines_run",
]
