"""What an error of boto3 means, and what to do about it.

The codes are those of https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html and
https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html.
"""

from collections.abc import Set as AbstractSet
from typing import Any, NamedTuple

from brickwork import BrickworkError

_NO_SUCH_KEY = "The access key does not exist, or is disabled"
_OTHER_SECRET = "The secret access key is not that of the access key"  # noqa: S105  # a message

_WRONG_KEYS = {
    "InvalidClientTokenId": _NO_SUCH_KEY,
    "InvalidAccessKeyId": _NO_SUCH_KEY,
    "UnrecognizedClientException": _NO_SUCH_KEY,
    "AuthFailure": _NO_SUCH_KEY,
    "InvalidToken": "The session token does not belong to the access key",
    "SignatureDoesNotMatch": _OTHER_SECRET,
    "IncompleteSignature": _OTHER_SECRET,
    "InvalidSignatureException": _OTHER_SECRET,
}
_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"}
_CLOCK = {"RequestTimeTooSkewed", "RequestInTheFuture", "RequestExpired"}
_THROTTLED = {
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "ProvisionedThroughputExceededException",
    "BandwidthLimitExceeded",
    "RequestTimeout",
    "RequestTimeoutException",
    "ServiceUnavailable",
    "InternalError",
}

_DASHES_OF_A_REGION = 2


class Diagnosis(NamedTuple):
    """What is wrong, and how to mend it; never a secret."""

    what: str
    fix: str


def code_of(error: BaseException) -> str:
    """Return the error code of an answer, such as ``NoSuchKey``; empty for other errors."""
    response: dict[str, Any] = getattr(error, "response", None) or {}
    # Where a server answers in another format than the service's, the code is at the top.
    return str(response.get("Error", {}).get("Code") or response.get("Code") or "")


def message_of(error: BaseException) -> str:
    """Return what the service says, or else the error itself."""
    response: dict[str, Any] = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Message") or response.get("Message") or error)


def status_of(error: BaseException) -> int:
    """Return the HTTP status of an answer; 0 for other errors."""
    response: dict[str, Any] = getattr(error, "response", None) or {}
    return int(response.get("ResponseMetadata", {}).get("HTTPStatusCode") or 0)


def header_of(error: BaseException, name: str) -> str:
    """Return a header of an answer, by its lower-case name; empty if it has none."""
    response: dict[str, Any] = getattr(error, "response", None) or {}
    return str(response.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get(name, ""))


def is_unreachable(error: BaseException) -> bool:
    """Tell whether nobody answered, or the connection broke."""
    from botocore import exceptions as boto

    return isinstance(error, boto.ConnectionError | boto.HTTPClientError | boto.IncompleteReadError)


def is_of_boto(error: BaseException) -> bool:
    """Tell whether boto3 raised it for a request that failed."""
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    return isinstance(error, BotoCoreError | ClientError | ResponseParserError)


def is_of_another(error: BaseException) -> bool:
    """Tell whether what answered was no service of AWS: boto3 cannot read it."""
    from botocore.parsers import ResponseParserError

    response: dict[str, Any] = getattr(error, "response", None) or {}
    return isinstance(error, ResponseParserError) or STRANGER in response.get(
        "ResponseMetadata", ()
    )


STRANGER = "NotTheService"
"""Marks what is known of the transport of an answer that is not the service's."""

NOT_THE_SERVICE = Diagnosis(
    "What answered is not the service: it gave no answer of AWS.",
    "Check endpoint_url, and whether a proxy or the login page of a network answers instead.",
)


def is_transient(error: BaseException) -> bool:
    """Tell whether the same call may succeed a little later; for ``retry_on``.

    True for broken connections, time-outs, throttling and errors of the service itself, also
    behind an error of Brickwork's that was raised from one of them.
    """
    if isinstance(error, BrickworkError):
        return error.__cause__ is not None and is_transient(error.__cause__)
    if is_unreachable(error):
        from botocore.exceptions import ProxyConnectionError, SSLError

        return not isinstance(error, SSLError | ProxyConnectionError)
    return code_of(error) in _THROTTLED or status_of(error) in {429, 500, 502, 503, 504}


def has_not_run(error: BaseException, codes: AbstractSet[str]) -> bool:
    """Tell whether what was asked for was surely not done, and may be a little later.

    Args:
        error: An error of Brickwork's.
        codes: The codes by which the service says so; nobody reached says it, too.
    """
    from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError

    cause = error.__cause__ if isinstance(error, BrickworkError) else None
    return isinstance(cause, ConnectTimeoutError | EndpointConnectionError) or (
        cause is not None and code_of(cause) in codes
    )


def about_credentials(error: BaseException, whose: str) -> Diagnosis | None:
    """Tell what is wrong with the credentials or the way to the service; None if neither is.

    Args:
        error: What boto3 raised.
        whose: The credentials' name in the message.
    """
    from botocore import exceptions as boto

    code = code_of(error)
    if code in _WRONG_KEYS:
        return Diagnosis(
            f"{_WRONG_KEYS[code]} ({whose}: {code}).",
            "Correct the keys; if they were rotated, save the new ones.",
        )
    if code in _EXPIRED:
        return Diagnosis(
            f"The temporary credentials have expired ({whose}: {code}).",
            "Fetch new ones and save them, or use a profile or a role, which renew themselves.",
        )
    if code in _CLOCK:
        return Diagnosis(
            f"The clocks of this machine and of the service differ ({code}).",
            "Set this machine's clock, for example by NTP.",
        )
    if isinstance(error, boto.NoCredentialsError | boto.PartialCredentialsError):
        return Diagnosis(
            f"There are no credentials ({whose}): {error}.",
            "Give access_key_id and secret_access_key, or a profile; or set AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY.",
        )
    if isinstance(
        error,
        boto.CredentialRetrievalError
        | boto.TokenRetrievalError
        | boto.SSOTokenLoadError
        | boto.UnauthorizedSSOTokenError,
    ):
        return Diagnosis(
            f"The credentials could not be fetched, or have expired ({whose}): {error}",
            "Log in again, for example by: aws sso login",
        )
    if isinstance(error, boto.SSLError):
        return Diagnosis(
            f"No trusted TLS connection: {error}",
            "Give ca_bundle the file with the server's certificate authority.",
        )
    if is_unreachable(error):
        return Diagnosis(
            f"The service cannot be reached: {error}",
            _about_region(error) or "Check endpoint_url, region, the network and its proxy.",
        )
    return None


def _about_region(error: BaseException) -> str:
    """Return what to do about a region that AWS does not have; empty if that is not it."""
    from difflib import get_close_matches
    from urllib.parse import urlsplit

    from botocore.session import get_session

    url = getattr(error, "kwargs", {}).get("endpoint_url") or ""
    host, _, of_aws = (urlsplit(url).hostname or "").partition(".amazonaws.com")
    region = host.rpartition(".")[2]
    if not host or of_aws not in {"", ".cn"} or region.count("-") < _DASHES_OF_A_REGION:
        return ""  # another server, or a service that is the same everywhere
    session = get_session()
    known = [
        name
        for partition in session.get_available_partitions()
        for name in session.get_available_regions("ec2", partition)
    ]
    if region in known:
        return ""
    like = get_close_matches(region, known, 3)
    perhaps = f", perhaps to {' or '.join(like)}" if like else ""
    return f"Correct the region{perhaps}: botocore knows no region {region}."


def forget_request(error: BaseException) -> None:
    """Drop what shows the request, session token included.

    That is what an answer about a wrong signature quotes of it, and the frames of botocore, which
    tracebacks with local variables would show.
    """
    error.__traceback__ = error.__cause__ = error.__context__ = None
    details = (getattr(error, "response", None) or {}).get("Error")
    if isinstance(details, dict):
        for name in set(details) - {"Code", "Message", "Region", "BucketName", "Key"}:
            del details[name]
