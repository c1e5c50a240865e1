"""Prebuilt tasks on STS: who am I, and temporary keys of a role."""

from dataclasses import dataclass
from typing import Any

from brickwork import Secret, register_type
from brickwork_aws.credentials import AwsCredentials
from brickwork_aws.tasks import retried_task


@register_type("aws.sts-identity")
@dataclass(frozen=True)
class StsIdentity:
    """Who credentials are.

    Attributes:
        account: The account's number.
        arn: The ARN of the user, or of the session of a role.
        user_id: AWS's id of the user or role; after a colon the session's name.
    """

    account: str
    arn: str
    user_id: str


@retried_task("sts:GetCallerIdentity")
def sts_get_identity(credentials: AwsCredentials) -> StsIdentity:
    """Tell who credentials are; everybody may ask that.

    See https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html.

    Args:
        credentials: Whose.

    Returns:
        Who they are.

    Raises:
        AwsError: They are no one's, or have expired.

    Examples:
        >>> sts_get_identity(credentials)
        StsIdentity(account='...', arn='arn:aws:...', user_id='...')
    """
    answer = _call(credentials, "get_caller_identity")
    return StsIdentity(answer["Account"], answer["Arn"], answer["UserId"])


@retried_task("sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity")
def sts_assume_role(
    credentials: AwsCredentials,
    role_arn: str,
    *,
    session_name: str = "brickwork",
    duration_seconds: int = 3600,
    external_id: str | None = None,
    policy: str | None = None,
    policy_arns: list[str] | None = None,
    tags: dict[str, str] | None = None,
    transitive_tag_keys: list[str] | None = None,
    source_identity: str | None = None,
    mfa_serial: str | None = None,
    mfa_code: str | None = None,
) -> AwsCredentials:
    """Fetch temporary keys of a role, to hand to something else.

    They end, and are not renewed: what works with a role by itself is better given credentials
    with ``assume_role``, which are. See
    https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html.

    Args:
        credentials: Whose.
        role_arn: The role, ``arn:aws:iam::123456789012:role/reporting``.
        session_name: The session's name, for CloudTrail.
        duration_seconds: How long the keys last, 900 to 43,200 and no more than the role allows;
            3,600 at most where the credentials are a role's themselves.
        external_id: What the role's trust policy asks for.
        policy: A session policy, as JSON, which narrows the role.
        policy_arns: Managed policies that narrow the role.
        tags: Session tags, for policies.
        transitive_tag_keys: Tags that the next role of a chain gets, too.
        source_identity: Who is behind the session, kept through a chain.
        mfa_serial: The MFA device that the trust policy asks for: its serial number or ARN.
        mfa_code: The code that it shows, which counts once.

    Returns:
        Credentials with these keys; region, endpoint and client options are those of the given
        ones.

    Raises:
        AwsDenied: The role does not trust these credentials, or they may not assume it.
        AwsError: The role gives no keys for so long, or STS refuses otherwise.
        InvalidArguments: It is no ARN, or the like; nothing was sent.

    Examples:
        >>> role = "arn:aws:iam::123456789012:role/export"
        >>> handed = sts_assume_role(credentials, role, duration_seconds=900, tags={"team": "bi"})
        >>> handed.secret_access_key, handed.session_token
        (Secret('********'), Secret('********'))
    """
    from brickwork_aws.clients import region_of

    answer = _call(
        credentials,
        "assume_role",
        RoleArn=role_arn,
        RoleSessionName=session_name,
        DurationSeconds=duration_seconds,
        ExternalId=external_id,
        Policy=policy,
        PolicyArns=[{"arn": each} for each in policy_arns or ()] or None,
        Tags=[{"Key": key, "Value": value} for key, value in (tags or {}).items()] or None,
        TransitiveTagKeys=transitive_tag_keys or None,
        SourceIdentity=source_identity,
        SerialNumber=mfa_serial,
        TokenCode=mfa_code,
    )
    found = answer["Credentials"]
    return AwsCredentials(
        access_key_id=found["AccessKeyId"],
        secret_access_key=Secret(found["SecretAccessKey"]),
        session_token=Secret(found["SessionToken"]),
        region=region_of(credentials),
        endpoint_url=credentials.endpoint_url,
        endpoint_urls=credentials.endpoint_urls,
        api_versions=credentials.api_versions,
        client_options=credentials.client_options,
    )


def _call(credentials: AwsCredentials, operation: str, **parameters: Any) -> dict[str, Any]:
    from brickwork_aws.operations import Operation

    return Operation(credentials, "sts", operation).call(parameters)
