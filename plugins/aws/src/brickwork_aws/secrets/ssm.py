"""Prebuilt tasks on the Parameter Store of AWS Systems Manager."""

from dataclasses import dataclass
from typing import Any, Literal

from brickwork import Secret, register_type
from brickwork_aws.credentials import AwsCredentials
from brickwork_aws.tasks import retried_task

_DELETED_AT_ONCE = 10


@register_type("aws.ssm-parameter")
@dataclass(frozen=True)
class SsmParameter:
    """A parameter.

    Attributes:
        name: Its name, ``/prod/url``.
        value: A text; a list of texts for a ``StringList``; a `Secret` for a ``SecureString``,
            which flows do not keep.
        version: The number of the version.
    """

    name: str
    value: str | list[str] | Secret[str]
    version: int


@retried_task("ssm:GetParameter", "kms:Decrypt")
def ssm_read_parameter(
    credentials: AwsCredentials, name: str, *, version: str | None = None
) -> SsmParameter:
    """Read a parameter, decrypted.

    Blocks do so by themselves, with ``${aws-ssm:/name}``. See
    https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html.

    Args:
        credentials: Whose.
        name: The parameter's name or ARN.
        version: The number or the label of a version; by default the newest.

    Returns:
        The parameter.

    Raises:
        AwsNotFound: There is no such parameter or version.

    Examples:
        >>> ssm_read_parameter(credentials, "/billing/password")
        SsmParameter(name='/billing/password', value=Secret('********'), version=...)
    """
    selected = name if version is None else f"{name}:{version}"
    answer = _call(credentials, "get_parameter", Name=selected, WithDecryption=True)
    return _parameter(answer["Parameter"])


@retried_task("ssm:GetParametersByPath", "kms:Decrypt")
def ssm_read_parameters(
    credentials: AwsCredentials, path: str, *, recursive: bool = True
) -> dict[str, SsmParameter]:
    """Read all parameters below a path, decrypted, to the last page.

    See https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParametersByPath.html.

    Args:
        credentials: Whose.
        path: The path, ``/prod``.
        recursive: Whether those below further slashes count.

    Returns:
        The parameters, by what follows the path in their names.

    Examples:
        >>> found = ssm_read_parameters(credentials, "/billing")
        >>> found["url"].value, found["password"].value
        ('https://billing.example.com', Secret('********'))
    """
    from brickwork_aws.operations import Operation

    operation = Operation(credentials, "ssm", "get_parameters_by_path")
    given = {"Path": path, "Recursive": recursive, "WithDecryption": True}
    start = f"{path.rstrip('/')}/"
    return {
        each["Name"].removeprefix(start): _parameter(each)
        for page in operation.pages(given)
        for each in page["Parameters"]
    }


@retried_task("ssm:PutParameter", "kms:Encrypt")
def ssm_write_parameter(
    credentials: AwsCredentials,
    name: str,
    value: str | list[str] | Secret[str],
    *,
    overwrite: bool = True,
    description: str | None = None,
    tier: Literal["Standard", "Advanced", "Intelligent-Tiering"] | None = None,
    kms_key_id: str | None = None,
) -> int:
    """Write a parameter.

    Tried again, it may make a second version of the same value. See
    https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html.

    Args:
        credentials: Whose.
        name: The parameter's name, ``/prod/url``.
        value: A text; a list becomes a ``StringList``, a `Secret` a ``SecureString``.
        overwrite: Whether one that exists gets a new version.
        description: What it is for.
        tier: The tier, which limits its size and has its price.
        kms_key_id: The KMS key that encrypts a secret; by default the account's.

    Returns:
        The number of the version.

    Raises:
        AwsConflict: It exists, and is not to be overwritten.

    Examples:
        >>> hosts = ["crm-1.example.com", "crm-2.example.com"]
        >>> ssm_write_parameter(credentials, "/crm/hosts", hosts, description="Where the CRM is")
        1
    """
    kind = {Secret: "SecureString", list: "StringList"}.get(type(value), "String")
    answer = _call(
        credentials,
        "put_parameter",
        Name=name,
        Value=",".join(value) if isinstance(value, list) else value,
        Type=kind,
        Overwrite=overwrite,
        Description=description,
        Tier=tier,
        KeyId=kms_key_id if isinstance(value, Secret) else None,
    )
    return int(answer["Version"])


@retried_task("ssm:DeleteParameters")
def ssm_delete_parameters(credentials: AwsCredentials, names: list[str]) -> list[str]:
    """Delete parameters, ten by each request; those that are not there are fine.

    See https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DeleteParameters.html.

    Args:
        credentials: Whose.
        names: Their names.

    Returns:
        The names of those that were there.

    Examples:
        >>> ssm_delete_parameters(credentials, ["/billing/url", "/billing/old-url"])
        ['/billing/url']
    """
    deleted: list[str] = []
    for start in range(0, len(names), _DELETED_AT_ONCE):
        some = names[start : start + _DELETED_AT_ONCE]
        deleted += _call(credentials, "delete_parameters", Names=some)["DeletedParameters"]
    return deleted


def _parameter(found: dict[str, Any]) -> SsmParameter:
    text = found["Value"]
    value: str | list[str] | Secret[str] = text
    if found["Type"] == "SecureString":
        value = Secret(text)
    elif found["Type"] == "StringList":
        value = text.split(",")
    return SsmParameter(found["Name"], value, found["Version"])


def _call(credentials: AwsCredentials, operation: str, **parameters: Any) -> dict[str, Any]:
    from brickwork_aws.operations import Operation

    return Operation(credentials, "ssm", operation).call(parameters)
