"""Which permission lacks: what AWS says of it, and else what IAM calls the right to an operation.

The messages are those of
https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html.
"""

import re
from typing import NamedTuple

TASKS_NEED = "`brickwork aws policy TASK` prints what a task needs"
"""Part of advice on permissions."""

_PREFIXES = {"email": "ses", "monitoring": "cloudwatch"}
"""What IAM calls services that sign by another name."""

_NAMES = {
    "lambda:Invoke": "InvokeFunction",
    "lambda:InvokeAsync": "InvokeFunction",
    "lambda:InvokeWithResponseStream": "InvokeFunction",
    "sns:PublishBatch": "Publish",
    "sqs:ChangeMessageVisibilityBatch": "ChangeMessageVisibility",
    "sqs:DeleteMessageBatch": "DeleteMessage",
    "sqs:SendMessageBatch": "SendMessage",
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
    "s3:CompleteMultipartUpload": "PutObject",
    "s3:CopyObject": "PutObject",
    "s3:CreateMultipartUpload": "PutObject",
    "s3:DeleteBucketCors": "PutBucketCORS",
    "s3:DeleteBucketEncryption": "PutEncryptionConfiguration",
    "s3:DeleteBucketLifecycle": "PutLifecycleConfiguration",
    "s3:DeleteBucketReplication": "PutReplicationConfiguration",
    "s3:DeleteBucketTagging": "PutBucketTagging",
    "s3:DeleteObjects": "DeleteObject",
    "s3:DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
    "s3:GetBucketAccelerateConfiguration": "GetAccelerateConfiguration",
    "s3:GetBucketCors": "GetBucketCORS",
    "s3:GetBucketEncryption": "GetEncryptionConfiguration",
    "s3:GetBucketLifecycle": "GetLifecycleConfiguration",
    "s3:GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "s3:GetBucketNotificationConfiguration": "GetBucketNotification",
    "s3:GetBucketReplication": "GetReplicationConfiguration",
    "s3:GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
    "s3:GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "s3:HeadBucket": "ListBucket",
    "s3:HeadObject": "GetObject",
    "s3:ListBuckets": "ListAllMyBuckets",
    "s3:ListMultipartUploads": "ListBucketMultipartUploads",
    "s3:ListObjects": "ListBucket",
    "s3:ListObjectsV2": "ListBucket",
    "s3:ListObjectVersions": "ListBucketVersions",
    "s3:ListParts": "ListMultipartUploadParts",
    "s3:PutBucketAccelerateConfiguration": "PutAccelerateConfiguration",
    "s3:PutBucketCors": "PutBucketCORS",
    "s3:PutBucketEncryption": "PutEncryptionConfiguration",
    "s3:PutBucketLifecycle": "PutLifecycleConfiguration",
    "s3:PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
    "s3:PutBucketNotificationConfiguration": "PutBucketNotification",
    "s3:PutBucketReplication": "PutReplicationConfiguration",
    "s3:PutObjectLockConfiguration": "PutBucketObjectLockConfiguration",
    "s3:PutPublicAccessBlock": "PutBucketPublicAccessBlock",
    "s3:SelectObjectContent": "GetObject",
    "s3:UploadPart": "PutObject",
    "s3:UploadPartCopy": "PutObject",
}
"""What IAM calls the right to operations of another name."""

_REFUSED = re.compile(
    r"not authorized to perform:? +([A-Za-z0-9-]+:[A-Za-z0-9*]+)"
    r'(?: +on +resources?:? +("[^"]*"|[^\s"]+))?'
)
_KIND = "([A-Za-z -]{1,40}?(?:policy|boundary))"
_MISSING = re.compile(f"because no {_KIND} allows")
_DENYING = re.compile(rf"with an explicit deny in (?:an?|the) {_KIND}(?:: *(arn:[^\s,]+))?")
_ENCODED = re.compile(r"\s*Encoded authorization failure message: *([A-Za-z0-9_+/=-]+)\.?")
_NOT_IAMS = "Lake Formation permission"


class Refusal(NamedTuple):
    """What a refusal says.

    Attributes:
        action: The permission that lacks, ``s3:GetObject``.
        resource: On what, where it is said: an ARN, or ``*``; else empty.
        said: The message, without what is encoded.
        encoded: What only ``sts:DecodeAuthorizationMessage`` reads, as of EC2; else empty.
    """

    action: str
    resource: str
    said: str
    encoded: str

    def fix(self, resource: str = "") -> str:
        """Return what to do.

        Args:
            resource: On what it is needed, where the refusal does not say that.
        """
        if _NOT_IAMS in self.said:
            return "Grant that in Lake Formation; a policy of IAM does not."
        where = self.resource or resource
        what = f"{self.action} on {where}" if where and where != "*" else self.action
        denying, missing = _DENYING.search(self.said), _MISSING.search(self.said)
        if denying is not None:
            kind, arn = denying.groups()
            named = _a(kind) + (f" ({arn.rstrip('.')})" if arn else "")
            advice = f"{what} is denied by {named}: have that changed, no other one can allow it"
        elif missing is not None:
            advice = f"Allow {what} in {_a(missing[1])}; {TASKS_NEED}"
        else:
            own = "a policy of theirs, and in that of the resource if it has one"
            advice = f"Allow {what} in {own}; {TASKS_NEED}"
        if self.encoded:
            reads = "sts:DecodeAuthorizationMessage"
            advice += f"; {reads} reads the rest, the error's encoded_message"
        return f"{advice}."


def says_refused(message: str) -> bool:
    """Tell whether a message is that of a refusal, whatever the code beside it."""
    return _REFUSED.search(message) is not None


def refusal(message: str, operation: str) -> Refusal:
    """Read a refusal.

    Args:
        message: What the service says.
        operation: What was asked, ``sqs:SendMessageBatch``; its permission is the one that lacks
            where the message names none.
    """
    action, resource = action_of(operation), ""
    found = _REFUSED.search(message)
    if found is not None:
        resource = (found[2] or "").strip('"').rstrip(".,;")
        service, _, name = found[1].partition(":")
        named = action_of(f"{service.lower()}:{name}")  # SNS:Publish
        if named.lower() != action.lower():  # sqs:sendmessage
            action = named
    encoded = _ENCODED.search(message)
    said = message if encoded is None else _ENCODED.sub("", message)
    return Refusal(action, resource, said, "" if encoded is None else encoded[1])


def action_of(operation: str) -> str:
    """Return the permission that an operation needs, ``s3:ListBucket`` for ``s3:HeadBucket``.

    Args:
        operation: The service, by the name that it signs with, and the operation.
    """
    service, _, name = operation.partition(":")
    return f"{_PREFIXES.get(service, service)}:{_NAMES.get(operation, name)}"


def _a(kind: str) -> str:
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"
