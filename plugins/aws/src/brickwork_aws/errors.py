"""What can go wrong with AWS: one branch of Brickwork's tree.

::

    BrickworkError
    └── AwsError             an operation failed
        ├── AwsNotFound      what it is about is not there
        ├── AwsDenied        these credentials may not do it
        ├── AwsConflict      it is there already, or in a state that does not fit
        ├── AwsJobFailed     a job has ended, and not well
        └── AwsTimeout       what was waited for did not come in time

Errors of storages are those of the core, `StorageError` and below it.
"""

from typing import TYPE_CHECKING, Any

from brickwork import BrickworkError

if TYPE_CHECKING:
    from brickwork_aws.credentials import AwsCredentials


class AwsError(BrickworkError):
    """An operation failed.

    Attributes:
        operation: The service and the operation: ``sqs:SendMessage``.
        code: AWS's code of the error; empty where no answer came.
        request_id: The id that AWS' support asks for; empty where no answer came.
    """

    operation: str = ""
    code: str = ""
    request_id: str = ""


class AwsNotFound(AwsError, LookupError):
    """What an operation is about is not there."""

    exit_code = 4


class AwsDenied(AwsError, PermissionError):
    """These credentials may not do it."""

    exit_code = 7


class AwsConflict(AwsError):
    """It is there already, or in a state that does not fit."""

    exit_code = 5


class AwsJobFailed(AwsError):
    """A job has ended, and not well.

    Attributes:
        state: What the service calls how it ended, ``TIMEOUT``.
        reason: Why, in the service's words, masked; the whole, where the message has its begin.
        log: The last lines that it wrote, masked; empty where they cannot be read.
    """

    state: str = ""
    reason: str = ""
    log: tuple[str, ...] = ()


class AwsTimeout(AwsError, TimeoutError):
    """What was waited for did not come in time."""


_DENIED = ("AccessDenied", "Unauthorized", "NotAuthorized", "AuthorizationError", "Forbidden")
_MISSING = ("NotFound", "NoSuch", "NonExistent", "DoesNotExist", "NotExist")
_CONFLICTS = ("AlreadyExists", "Conflict", "InUse", "AlreadyOwnedByYou", "ConditionalCheckFailed")


def explained(error: Exception, credentials: "AwsCredentials", operation: str) -> AwsError:
    """Return the error to raise for one of boto3: which operation, why, what to do; no secret.

    Args:
        error: What boto3 raised; what it shows of the request is dropped from it.
        credentials: Whose request it was.
        operation: The service and the operation, ``sqs:SendMessage``.
    """
    from brickwork import mask
    from brickwork_aws.clients import describe
    from brickwork_aws.faults import about_credentials, code_of, forget_request, is_transient

    whose, code = describe(credentials), code_of(error)
    response: dict[str, Any] = getattr(error, "response", None) or {}
    diagnosis = about_credentials(error, whose)
    said = mask(str(response.get("Error", {}).get("Message") or error))
    found: AwsError
    if diagnosis is not None:
        found = AwsError(f"{operation}: {diagnosis.what}", fix=diagnosis.fix)
    elif _about(code, _DENIED):
        found = AwsDenied(
            f"{operation}: {whose} may not do this: {said}",
            fix=f"Allow {_action(said, operation)} in a policy of theirs, and in that of the "
            "resource if it has one.",
        )
    elif _about(code, _CONFLICTS):
        found = AwsConflict(
            f"{operation}: {code}: {said}", fix="Look at what is there, and change that."
        )
    elif _about(code, _MISSING):
        found = AwsNotFound(
            f"{operation}: {code}: {said}", fix="Check the name, the region and the account."
        )
    elif is_transient(error):
        found = AwsError(
            f"{operation}: {code or type(error).__name__}, also when asked again: {said}",
            fix="Try again later; raise client_options.max_attempts to wait longer.",
        )
    else:
        found = AwsError(
            f"{operation}: {code or type(error).__name__}: {said}",
            fix="See what the service says, and its page of this operation.",
        )
    found.operation, found.code = operation, code
    found.request_id = str(response.get("ResponseMetadata", {}).get("RequestId") or "")
    forget_request(error)
    return found


def never_so(what: str, operation: str, why: str) -> AwsError:
    """Return the error for a waiter that has learnt that it waits in vain."""
    found = AwsError(
        f"{operation}: this will never be: {what}. {why}.", fix="Look at the state of the resource."
    )
    found.operation = operation
    return found


def _about(code: str, words: tuple[str, ...]) -> bool:
    return any(word in code for word in words)


def _action(message: str, operation: str) -> str:
    """Return the permission that lacks: AWS names it in most of its messages."""
    said = message.partition("not authorized to perform: ")[2].split(" ", 1)[0]
    return said.rstrip(".") if ":" in said else operation
