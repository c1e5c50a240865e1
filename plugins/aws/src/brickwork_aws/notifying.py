"""What the notifiers of this package share: asking once, and again where that is safe."""

import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from brickwork import DeliveryStatus, Receipt, TaskError, remaining, sleep
from brickwork_aws.errors import AwsError
from brickwork_aws.faults import code_of, is_transient, status_of

if TYPE_CHECKING:
    from brickwork_aws.credentials import AwsCredentials

CHECK_SECONDS = 5.0
"""How long a check waits for an answer, at most."""

_PAUSES_SECONDS = (0.5, 1.0, 2.0)
_TOO_MANY = 429


def ask_once(
    credentials: "AwsCredentials",
    seconds: float,
    service: str,
    operation: str,
    parameters: dict[str, Any],
) -> dict[str, Any]:
    """Send one request, without botocore's own retries, and wait so long for its answer.

    Raises:
        AwsError: It failed.
        BlockError: No such profile, no region.
    """
    from brickwork_aws.operations import Operation

    once = {"max_attempts": 1, "connect_timeout": seconds, "read_timeout": seconds}
    options = credentials.client_options.model_copy(update=once)
    whose = credentials.model_copy(update={"client_options": options})
    return Operation(whose, service, operation).call(parameters)


def handed_over(target: str, send: Callable[[], str], *, knows_doubles: bool = False) -> Receipt:
    """Send a message, again if it surely was not taken, and say what became of it.

    Args:
        target: Named in the receipt.
        send: Sends it once, and returns the service's id of it.
        knows_doubles: Whether the service drops a second one, so that it may be sent again also
            when nobody knows whether it was taken.
    """
    for attempts, pause in enumerate((*_PAUSES_SECONDS, None), 1):
        try:
            message_id = send()
        except AwsError as error:
            may = knows_doubles and is_transient(error)
            if pause is None or not (may or _not_taken(error)) or not _waited(pause):
                return _receipt(target, error, attempts)
        else:
            return Receipt(target, DeliveryStatus.DELIVERED, attempts, message_id)
    raise AssertionError  # the last attempt returns


def _not_taken(error: AwsError) -> bool:
    """Tell whether it surely was not taken, and may be later."""
    from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError

    cause = error.__cause__
    if cause is None or not is_transient(cause):
        return False
    throttled = status_of(cause) == _TOO_MANY or code_of(cause).startswith("Throttl")
    return throttled or isinstance(cause, ConnectTimeoutError | EndpointConnectionError)


def _receipt(target: str, error: AwsError, attempts: int) -> Receipt:
    cause = error.__cause__
    status = 0 if cause is None else status_of(cause)
    said_no = cause is not None and status != 0 and not is_transient(cause)
    return Receipt(
        target,
        DeliveryStatus.REFUSED if said_no else DeliveryStatus.FAILED,
        attempts,
        http_status=status or None,
        detail=f"{error.what} {error.fix}",
    )


def _waited(seconds: float) -> bool:
    """Wait; return False, at once, where the task around ends before."""
    left = remaining()
    if left is not None and left <= seconds:
        return False
    try:
        sleep(random.uniform(seconds / 2, seconds))  # noqa: S311  # spreads senders, no secret
    except TaskError:
        return False
    return True
