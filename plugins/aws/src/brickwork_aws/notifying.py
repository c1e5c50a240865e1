"""What the notifiers of this package share: asking once, and again where that is safe."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from brickwork import Attempt, Attempts, DeliveryStatus, Receipt
from brickwork_aws.errors import AwsError
from brickwork_aws.faults import code_of, is_transient, status_of

if TYPE_CHECKING:
    from brickwork_aws.credentials import AwsCredentials

CHECK_SECONDS = 5.0
"""How long a check waits for an answer, at most."""

RETRY_SECONDS = 5.0
"""No attempt to send is begun later than this after the first."""

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


def handed_over(
    target: str, seconds: float, send: Callable[[float], str], *, knows_doubles: bool = False
) -> Receipt:
    """Send a message, again if it surely was not taken, and say what became of it.

    Args:
        target: Named in the receipt.
        seconds: How long to wait for an answer.
        send: Sends it once, waits so long for the answer, and returns the service's id of it.
        knows_doubles: Whether the service drops a second one, so that it may be sent again also
            when nobody knows whether it was taken.
    """

    def attempt(seconds: float) -> Attempt:
        try:
            return Attempt(DeliveryStatus.DELIVERED, message_id=send(seconds))
        except AwsError as error:
            return _failed(
                error, again=_not_taken(error) or (knows_doubles and is_transient(error))
            )

    return Attempts(target, target, seconds, RETRY_SECONDS).run(attempt)


def _not_taken(error: AwsError) -> bool:
    """Tell whether it surely was not taken, and may be later."""
    from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError

    cause = error.__cause__
    if cause is None or not is_transient(cause):
        return False
    throttled = status_of(cause) == _TOO_MANY or code_of(cause).startswith("Throttl")
    return throttled or isinstance(cause, ConnectTimeoutError | EndpointConnectionError)


def _failed(error: AwsError, *, again: bool) -> Attempt:
    cause = error.__cause__
    status = 0 if cause is None else status_of(cause)
    said_no = cause is not None and status != 0 and not is_transient(cause)
    return Attempt(
        DeliveryStatus.REFUSED if said_no else DeliveryStatus.FAILED,
        f"{error.what} {error.fix}",
        http_status=status or None,
        again=again,
    )
