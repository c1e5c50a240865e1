"""Starts what must not be started twice, where the service knows no request again."""

from itertools import count
from typing import Any

from brickwork import check_cancelled, sleep
from brickwork_aws.credentials import AwsCredentials
from brickwork_aws.errors import AwsError
from brickwork_aws.faults import has_not_run, is_transient

SECONDS = 60.0
"""How long the answer is waited for."""

_ATTEMPTS = 5
_NOT_DONE = {
    "RequestLimitExceeded",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
}
"""Errors of requests that were not served, since too many came."""


def started_once(
    credentials: AwsCredentials, service: str, operation: str, **parameters: Any
) -> dict[str, Any]:
    """Send a request once, and again only where it surely did nothing: after longer and longer.

    Args:
        credentials: Whose.
        service: boto3's name of the service.
        operation: boto3's name of the operation.
        parameters: As the operation takes them; None is left out.

    Raises:
        InvalidArguments: It does not take that; nothing was sent.
        AwsError: It failed; a note says so where it may have been started all the same.
        TaskCancelled: The task was cancelled meanwhile.
    """
    from brickwork_aws.operations import Operation

    called = Operation(credentials, service, operation, once_seconds=SECONDS)
    for attempt in count(1):
        try:
            return called.call(parameters)
        except AwsError as error:
            check_cancelled()  # the task's time may have been up, and with it that of the request
            not_run = has_not_run(error, _NOT_DONE)
            if not_run and attempt < _ATTEMPTS:
                sleep(2.0 ** (attempt - 1))
                continue
            if not not_run and is_transient(error):
                error.add_note("It may have been started: look, before you start it again.")
            raise
    raise AssertionError  # the last attempt returns or raises
