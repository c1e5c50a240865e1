"""Prebuilt tasks on AWS Secrets Manager."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from brickwork import Secret, register_type
from brickwork_aws.credentials import AwsCredentials
from brickwork_aws.errors import AwsError, AwsNotFound
from brickwork_aws.tasks import retried_task

_READ = ("secretsmanager:GetSecretValue", "kms:Decrypt")
_WRITE = (
    "secretsmanager:PutSecretValue",
    "secretsmanager:CreateSecret",
    "secretsmanager:TagResource",
    "kms:GenerateDataKey",
    "kms:Decrypt",
)


@register_type("aws.secret-info")
@dataclass(frozen=True)
class SecretInfo:
    """What Secrets Manager tells of a secret without its value.

    Attributes:
        name: Its name.
        arn: Its ARN.
        description: What it is for.
        changed_at: When its value was last written.
        tags: Its tags.
    """

    name: str
    arn: str
    description: str = ""
    changed_at: datetime | None = None
    tags: Mapping[str, str] | None = None


@retried_task(*_READ)
def secretsmanager_read_secret(
    credentials: AwsCredentials, name: str, *, field: str | None = None, version: str | None = None
) -> Secret[str]:
    """Read a secret.

    What it returns is a `Secret`: flows do not keep it, and read it again when they are resumed.
    Blocks do so by themselves, with ``${aws-sm:name#field}``. See
    https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html.

    Args:
        credentials: Whose.
        name: The secret's name or ARN.
        field: The field, of a secret that is a JSON object; by default the whole.
        version: A stage such as ``AWSPREVIOUS``, or the id of a version; by default the newest.

    Returns:
        The secret, or its field as text.

    Raises:
        AwsNotFound: There is no such secret or version.
        AwsError: It has no such field, or is no text.

    Examples:
        >>> secretsmanager_read_secret(credentials, "billing/db", field="password")
        Secret('********')
    """
    from brickwork_aws.secrets.resolvers import pick, text_of

    found = text_of(_value(credentials, name, version))
    picked = pick(found, field) if isinstance(found, str) else found
    if isinstance(picked, Secret):
        return picked
    raise AwsError(f"The secret {name}: {picked.what}", fix=picked.fix)


@retried_task(*_READ)
def secretsmanager_read_binary(
    credentials: AwsCredentials, name: str, *, version: str | None = None
) -> Secret[bytes]:
    """Read a secret that is bytes; one that is text is given in UTF-8.

    See https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html.

    Args:
        credentials: Whose.
        name: The secret's name or ARN.
        version: A stage such as ``AWSPREVIOUS``, or the id of a version; by default the newest.

    Returns:
        The secret.

    Raises:
        AwsNotFound: There is no such secret or version.

    Examples:
        >>> keystore = secretsmanager_read_binary(credentials, "billing/keystore")
        >>> keystore, len(keystore.reveal())
        (Secret('********'), 16)
    """
    answer = _value(credentials, name, version)
    if "SecretBinary" in answer:
        return Secret(bytes(answer["SecretBinary"]))
    return Secret(str(answer["SecretString"]).encode())


@retried_task(*_WRITE)
def secretsmanager_write_secret(
    credentials: AwsCredentials,
    name: str,
    value: Secret[str] | Secret[bytes],
    *,
    description: str | None = None,
    kms_key_id: str | None = None,
    tags: dict[str, str] | None = None,
) -> str:
    """Write a secret: a new version of it, or a new secret where there is none.

    Tried again, it may make a second version of the same value. See
    https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html.

    Args:
        credentials: Whose.
        name: The secret's name, or the ARN of one that exists.
        value: The value.
        description: What it is for; for a new secret.
        kms_key_id: The KMS key that encrypts it; for a new secret, by default the account's.
        tags: Its tags; for a new secret.

    Returns:
        The id of the version.

    Examples:
        >>> from brickwork import Secret
        >>> token = Secret("crm-4f1c9a7e20b8")
        >>> secretsmanager_write_secret(credentials, "crm/token", token, tags={"team": "sales"})
        '...'
    """
    plain = value.reveal()
    given = {"SecretString" if isinstance(plain, str) else "SecretBinary": plain}
    try:
        answer = _call(credentials, "put_secret_value", SecretId=name, **given)
    except AwsNotFound:
        answer = _call(
            credentials,
            "create_secret",
            Name=name,
            Description=description,
            KmsKeyId=kms_key_id,
            Tags=[{"Key": key, "Value": text} for key, text in (tags or {}).items()] or None,
            **given,
        )
    return str(answer["VersionId"])


@retried_task("secretsmanager:DeleteSecret", "secretsmanager:DescribeSecret")
def secretsmanager_delete_secret(
    credentials: AwsCredentials, name: str, *, recovery_days: int = 30
) -> None:
    """Delete a secret; one that is not there, or is being deleted, is fine.

    See https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DeleteSecret.html.

    Args:
        credentials: Whose.
        name: The secret's name or ARN.
        recovery_days: For how long it can be restored, 7 to 30; 0: not at all, it is gone at once.

    Examples:
        >>> from brickwork_aws import secretsmanager_list_secrets
        >>> secretsmanager_delete_secret(credentials, name, recovery_days=7)
        >>> secretsmanager_list_secrets(credentials, prefix=name)
        []
    """
    how: dict[str, Any] = {"RecoveryWindowInDays": recovery_days}
    if not recovery_days:
        how = {"ForceDeleteWithoutRecovery": True}
    try:
        _call(credentials, "delete_secret", SecretId=name, **how)
    except AwsNotFound:
        return
    except AwsError as error:
        if error.code != "InvalidRequestException":
            raise
        if "DeletedDate" not in _call(credentials, "describe_secret", SecretId=name):
            raise


@retried_task("secretsmanager:ListSecrets")
def secretsmanager_list_secrets(
    credentials: AwsCredentials, *, prefix: str = "", tags: dict[str, str] | None = None
) -> list[SecretInfo]:
    """List secrets, to the last page, without their values.

    See https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ListSecrets.html.

    Args:
        credentials: Whose.
        prefix: Only names that begin with it.
        tags: Only those that have all of these tags.

    Returns:
        The secrets, by name.

    Examples:
        >>> tags = {"team": "sales"}
        >>> found = secretsmanager_list_secrets(credentials, prefix="billing/", tags=tags)
        >>> [each.name for each in found]
        ['billing/db', 'billing/keystore']
    """
    filters = [{"Key": "name", "Values": [prefix]}] if prefix else []
    filters += [{"Key": "tag-key", "Values": [key]} for key in tags or {}]
    from brickwork_aws.operations import Operation

    operation = Operation(credentials, "secretsmanager", "list_secrets")
    found = operation.everything({"Filters": filters or None})["SecretList"]
    listed = [
        SecretInfo(
            each["Name"],
            each["ARN"],
            each.get("Description", ""),
            each.get("LastChangedDate"),
            {tag["Key"]: tag["Value"] for tag in each.get("Tags", ())},
        )
        for each in found
    ]
    # The service's own filters ignore case, and do not tie a tag's value to its key.
    wanted = (tags or {}).items()
    return sorted(
        (
            each
            for each in listed
            if each.name.startswith(prefix) and wanted <= (each.tags or {}).items()
        ),
        key=lambda each: each.name,
    )


def _value(credentials: AwsCredentials, name: str, version: str | None) -> dict[str, Any]:
    from brickwork_aws.secrets.resolvers import version_parameter

    return _call(
        credentials, "get_secret_value", SecretId=name, **{version_parameter(version): version}
    )


def _call(credentials: AwsCredentials, operation: str, **parameters: Any) -> dict[str, Any]:
    from brickwork_aws.operations import Operation

    return Operation(credentials, "secretsmanager", operation).call(parameters)
