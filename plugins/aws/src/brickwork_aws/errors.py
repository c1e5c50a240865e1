"""What can go wrong with AWS: one branch of Brickwork's tree.

::

    BrickworkError
    └── AwsError             an operation failed
        ├── AwsNotFound      what it is about is not there
        ├── AwsDenied        these credentials may not do it
        │   └── S3Denied     nor with a bucket or an object (also a StorageError)
        ├── AwsConflict      it is there already, or in a state that does not fit
        ├── AwsJobFailed     a job has ended, and not well
        └── AwsTimeout       what was waited for did not come in time

Errors of storages are else those of the core, `StorageError` and below it.
"""

from typing import TYPE_CHECKING, Any, TypeVar

from brickwork import BrickworkError, StorageError

if TYPE_CHECKING:
    from brickwork_aws.credentials import AwsCredentials
    from brickwork_aws.permissions import Refusal


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
    """These credentials may not do it.

    Attributes:
        action: The permission that lacks: ``sqs:SendMessage``.
        resource: The ARN on which it lacks; empty where that is not said.
        encoded_message: What some services, such as EC2, tell only those who may use
            ``sts:DecodeAuthorizationMessage``; else empty.
    """

    exit_code = 7
    action: str = ""
    resource: str = ""
    encoded_message: str = ""


class S3Denied(StorageError, AwsDenied):
    """These credentials may not do it with a bucket or an object."""

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


_NOT_THEIRS = {"EC2AccessDeniedException", "KMSAccessDeniedException"}
"""By which Lambda says what a function's own role may not do."""

_DENIED = ("AccessDenied", "Unauthorized", "NotAuthorized", "AuthorizationError", "Forbidden")
HEAD_TELLS_NOTHING = " Check that the keys are right, too: an answer to HEAD does not tell."
_MISSING = ("NotFound", "NoSuch", "NonExistent", "DoesNotExist", "NotExist")
_CONFLICTS = ("AlreadyExists", "Conflict", "InUse", "AlreadyOwnedByYou", "ConditionalCheckFailed")


def explained(
    error: Exception, credentials: "AwsCredentials", operation: str, *, about: str = ""
) -> AwsError:
    """Return the error to raise for one of boto3: which operation, why, what to do; no secret.

    Args:
        error: What boto3 raised; what it shows of the request is dropped from it.
        credentials: Whose request it was.
        operation: The service and the operation, ``sqs:SendMessage``.
        about: What the request was about, ``QueueName 'jobs' in eu-west-1``; masked.
    """
    from brickwork import mask
    from brickwork_aws.clients import describe
    from brickwork_aws.faults import (
        NOT_THE_SERVICE,
        about_credentials,
        code_of,
        forget_request,
        is_of_another,
        is_transient,
        message_of,
    )
    from brickwork_aws.permissions import refusal

    whose, code = describe(credentials), code_of(error)
    response: dict[str, Any] = getattr(error, "response", None) or {}
    diagnosis = NOT_THE_SERVICE if is_of_another(error) else about_credentials(error, whose)
    said = mask(message_of(error))
    found: AwsError
    if diagnosis is not None:
        found = AwsError(f"{operation}: {diagnosis.what}", fix=diagnosis.fix)
    elif says_denied(code, said):
        who = f"{operation}: {whose} may not do this"
        hint = HEAD_TELLS_NOTHING if ":Head" in operation else ""
        found = denied(AwsDenied, who, refusal(said, operation), hint=hint)
    elif _about(code, _CONFLICTS):
        found = AwsConflict(
            f"{operation}: {code}: {said}", fix="Look at what is there, and change that."
        )
    elif _about(code, _MISSING):
        found = AwsNotFound(
            f"{operation}: {code}: {said.rstrip('.')}{f' ({about})' if about else ''}.",
            fix="Check the name, the region and the account.",
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


Denied = TypeVar("Denied", bound=AwsDenied)


def denied(
    kind: type[Denied], what: str, said: "Refusal", *, resource: str = "", hint: str = ""
) -> Denied:
    """Return the error of a refusal.

    Args:
        kind: Its class.
        what: Who may not do what.
        said: What the service says.
        resource: The ARN on which the permission is needed, where the service does not say that.
        hint: What else may be the matter.
    """
    found = kind(f"{what}: {said.said}", fix=said.fix(resource) + hint)
    found.action, found.resource = said.action, said.resource or resource
    found.encoded_message = said.encoded
    return found


def says_denied(code: str, message: str) -> bool:
    """Tell whether an answer says that the caller may not do it."""
    from brickwork_aws.permissions import says_refused

    if code == "403" or says_refused(message):  # HEAD gets no code, but the status
        return True
    return _about(code, _DENIED) and code not in _NOT_THEIRS


def _about(code: str, words: tuple[str, ...]) -> bool:
    return any(word in code for word in words)
