"""Roles to assume, and the credentials that come with them, fetched anew before they end.

See https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html.
"""

import json
from datetime import UTC, datetime
from threading import Lock
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from brickwork import BlockError, Secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from boto3.session import Session

_ARN = r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/[!-~]+$"
_SESSION = r"^[A-Za-z0-9_+=,.@-]{2,64}$"
_MAX_POLICY = 2048
_MAX_CHAINED_SECONDS = 3600
_CODE_SECONDS = 30
_MAX_CODES_AHEAD = 10

_lock = Lock()
_spent: dict[str, int] = {}
"""Of each MFA device the last code that was used, by its time in steps of a code."""


class _Assumed(BaseModel):
    """What both ways to a role have in common."""

    operation: ClassVar[str]

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    role_arn: str = Field(pattern=_ARN, description="The role: arn:aws:iam::123456789012:role/x.")
    session_name: str = Field(
        "brickwork", pattern=_SESSION, description="The session's name, for CloudTrail."
    )
    duration_seconds: int = Field(
        3600, ge=900, le=43_200, description="How long one set of credentials lasts."
    )
    policy: str | None = Field(
        None,
        max_length=_MAX_POLICY,
        description="A session policy, as JSON, which narrows the role.",
    )
    policy_arns: tuple[str, ...] = Field(
        (), max_length=10, description="Managed policies that narrow the role."
    )
    sts_region: str | None = Field(
        None,
        pattern=r"^[a-z0-9-]+$",
        description="The region whose STS is asked; by default that of the credentials.",
    )

    @field_validator("policy", mode="before")
    @classmethod
    def _as_json(cls, value: Any) -> Any:
        return json.dumps(value, separators=(",", ":")) if isinstance(value, dict) else value

    @field_validator("policy")
    @classmethod
    def _is_json(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                found = json.loads(value)
            except ValueError:
                found = None
            if not isinstance(found, dict):
                raise ValueError("is no JSON object")
        return value

    def __hash__(self) -> int:
        return hash((type(self), self.role_arn, self.session_name))  # tags have none

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of the call that fetches credentials."""
        found: dict[str, Any] = {
            "RoleArn": self.role_arn,
            "RoleSessionName": self.session_name,
            "DurationSeconds": self.duration_seconds,
        }
        if self.policy is not None:
            found["Policy"] = self.policy
        if self.policy_arns:
            found["PolicyArns"] = [{"arn": arn} for arn in self.policy_arns]
        return found


class AssumeRole(_Assumed):
    """A role that the credentials assume."""

    operation: ClassVar[str] = "AssumeRole"

    external_id: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9_+=,.@:/-]{2,1224}$",
        description="The external id that the role's trust policy asks for.",
    )
    tags: dict[str, str] = Field(
        default_factory=dict, max_length=50, description="Session tags, for policies."
    )
    transitive_tag_keys: tuple[str, ...] = Field(
        (), max_length=50, description="Tags that the next role of a chain gets, too."
    )
    source_identity: str | None = Field(
        None, pattern=_SESSION, description="Who is behind the session, kept through a chain."
    )
    mfa_serial: str | None = Field(
        None,
        pattern=r"^[!-~]{9,256}$",
        description="The MFA device that the trust policy asks for: its serial number or ARN.",
    )
    mfa_secret: Secret[str] | None = Field(
        None,
        description="The device's secret, in base32, from which codes are made; without it, a "
        "terminal is asked for one.",
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.mfa_secret is not None and self.mfa_serial is None:
            raise ValueError("mfa_secret is given without mfa_serial: give both")
        unknown = set(self.transitive_tag_keys) - self.tags.keys()
        if unknown:
            raise ValueError(
                f"transitive_tag_keys names what is no tag: {', '.join(sorted(unknown))}"
            )
        if self.mfa_secret is not None:
            _seed(self.mfa_secret.reveal())
        return self

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of the call that fetches credentials, but for the MFA code."""
        found = super().arguments()
        if self.external_id is not None:
            found["ExternalId"] = self.external_id
        if self.tags:
            found["Tags"] = [{"Key": key, "Value": value} for key, value in self.tags.items()]
        if self.transitive_tag_keys:
            found["TransitiveTagKeys"] = list(self.transitive_tag_keys)
        if self.source_identity is not None:
            found["SourceIdentity"] = self.source_identity
        return found


class WebIdentity(_Assumed):
    """A role that is assumed with a token of an identity provider, as on EKS or in GitHub Actions.

    See https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html.
    """

    operation: ClassVar[str] = "AssumeRoleWithWebIdentity"

    token_file: str | None = Field(
        None,
        min_length=1,
        description="The file with the token, which is read each time one is needed; by default "
        "that in AWS_WEB_IDENTITY_TOKEN_FILE.",
    )
    provider_id: str | None = Field(
        None, description="The provider's host, for OAuth 2.0 providers without OpenID Connect."
    )


def check_chain(roles: tuple[AssumeRole, ...], *, from_role: bool) -> None:
    """Refuse what AWS would refuse of a chain. Raises ValueError."""
    for role in roles[0 if from_role else 1 :]:
        if role.duration_seconds > _MAX_CHAINED_SECONDS:
            raise ValueError(
                "a role that is assumed from another one lasts at most 3600 seconds: lower its "
                "duration_seconds"
            )


def now() -> datetime:
    """Return the time by which credentials end."""
    return datetime.now(UTC)


def assume(role: AssumeRole, sts: "Callable[[], Any]", name: str) -> Any:
    """Return credentials for botocore, which are fetched when first used, and before they end.

    Args:
        role: The role.
        sts: Returns a client of STS, of those who assume it.
        name: The name of the block, for errors.
    """

    def fetch() -> dict[str, str]:
        arguments = role.arguments()
        if role.mfa_serial is not None:
            arguments["SerialNumber"] = role.mfa_serial
            arguments["TokenCode"] = _code(role)
        return _fetched(lambda: sts().assume_role(**arguments), role, name)

    return _refreshed(fetch, "assume-role", role)


def assume_by_token(identity: WebIdentity, sts: "Callable[[], Any]", name: str) -> Any:
    """`assume` with the token of an identity provider."""

    def fetch() -> dict[str, str]:
        token = _token(identity, name)
        arguments = identity.arguments() | {"WebIdentityToken": token.reveal()}
        if identity.provider_id is not None:
            arguments["ProviderId"] = identity.provider_id
        return _fetched(lambda: sts().assume_role_with_web_identity(**arguments), identity, name)

    return _refreshed(fetch, "assume-role-with-web-identity", identity)


def _token(identity: WebIdentity, name: str) -> Secret[str]:
    import os

    path = identity.token_file or os.environ.get("AWS_WEB_IDENTITY_TOKEN_FILE")
    if not path:
        raise BlockError(
            f"{name}: there is no token for the role {identity.role_arn}.",
            fix="Give token_file, or set AWS_WEB_IDENTITY_TOKEN_FILE.",
        )
    try:
        with open(path, encoding="ascii") as file:  # noqa: PTH123  # as given
            return Secret(file.read().strip())
    except (OSError, ValueError):
        raise BlockError(
            f"{name}: the token file {path} cannot be read.",
            fix="Correct token_file, or have the platform write it.",
        ) from None


def use(session: "Session", credentials: Any) -> None:
    """Let a new session have credentials, whatever else it would find."""
    from botocore.credentials import CredentialProvider

    class Given(CredentialProvider):  # type: ignore[misc]  # botocore has no types
        METHOD = "brickwork"
        CANONICAL_NAME = None

        def load(self) -> Any:
            return credentials

    resolver = session._session.get_component("credential_provider")  # noqa: SLF001  # boto3 shows it nowhere else
    resolver.insert_before(resolver.providers[0].METHOD, Given())


def _refreshed(fetch: "Callable[[], dict[str, str]]", method: str, role: _Assumed) -> Any:
    from botocore.credentials import DeferredRefreshableCredentials

    class Refreshed(DeferredRefreshableCredentials):  # type: ignore[misc]  # botocore has no types
        # botocore's own 15 and 10 minutes would fetch credentials of 15 minutes at every request.
        _advisory_refresh_timeout = min(900, role.duration_seconds // 3)
        _mandatory_refresh_timeout = min(600, role.duration_seconds // 6)

    return Refreshed(fetch, method, time_fetcher=lambda: now())


def _fetched(call: "Callable[[], Any]", role: _Assumed, name: str) -> dict[str, str]:
    from botocore.exceptions import ClientError

    from brickwork_aws.faults import forget_request, is_transient

    try:
        answer = call()["Credentials"]
    except ClientError as error:
        if is_transient(error):
            raise
        refused = _not_assumed(error, role, name)
        forget_request(error)
        raise refused from None
    # Known to the masker from now on.
    return {
        "access_key": answer["AccessKeyId"],
        "secret_key": Secret(answer["SecretAccessKey"]).reveal(),
        "token": Secret(answer["SessionToken"]).reveal(),
        "expiry_time": answer["Expiration"].isoformat(),
    }


def _not_assumed(error: Exception, role: _Assumed, name: str) -> BlockError:
    """Return the error for a role that STS does not give: which permission lacks, or what else."""
    from brickwork import mask
    from brickwork_aws.errors import says_denied
    from brickwork_aws.faults import about_credentials, code_of, message_of
    from brickwork_aws.permissions import refusal

    code, known = code_of(error), about_credentials(error, name)
    said = mask(message_of(error))
    what = f"{name}: the role {role.role_arn} cannot be assumed: {code}: {said}"
    by_token = isinstance(role, WebIdentity)
    if by_token and code.startswith("ExpiredToken"):
        return BlockError(what, fix="Have the platform renew the token in token_file.")
    if known is not None:
        return BlockError(known.what, fix=known.fix)
    if not says_denied(code, said):
        return BlockError(what, fix="See what STS says, and correct the fields of the role.")
    found = refusal(said, f"sts:{role.operation}")
    trust = "the identity provider, with the audience and the subject of the token"
    if not by_token:
        trust = "who assumes it, with the external_id, the MFA device and the tags that it asks for"
    return BlockError(
        what, fix=f"{found.fix(role.role_arn)} The role's trust policy must name {trust}."
    )


def _code(role: AssumeRole) -> str:
    if role.mfa_secret is not None:
        return totp(_seed(role.mfa_secret.reveal()), _unspent(str(role.mfa_serial)))
    import sys
    from getpass import getpass

    if sys.stdin is None or not sys.stdin.isatty():
        raise BlockError(
            f"The role {role.role_arn} wants a code of the MFA device {role.mfa_serial}.",
            fix="Save the device's secret as mfa_secret, or run this in a terminal.",
        )
    return getpass(f"Code of the MFA device {role.mfa_serial}: ").strip()


def _unspent(device: str) -> float:
    """Return a time whose code was not used yet: AWS takes each of a device's codes just once."""
    from brickwork import sleep

    at = now().timestamp()
    step = int(at // _CODE_SECONDS)
    with _lock:
        last = _spent.get(device, 0)
        if step <= last < step + _MAX_CODES_AHEAD:  # beyond, the clock was set back
            step = last + 1
        _spent[device] = step
    if step * _CODE_SECONDS > at:
        sleep(step * _CODE_SECONDS - at)
    return float(step * _CODE_SECONDS)


def totp(seed: bytes, at: float) -> str:
    """Return the code of six digits that a device shows at a time (RFC 6238, as AWS uses it).

    Args:
        seed: The device's secret.
        at: The time, in seconds since 1970.
    """
    import hmac

    digest = hmac.digest(seed, int(at // _CODE_SECONDS).to_bytes(8, "big"), "sha1")
    offset = digest[-1] & 15
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return f"{number % 1_000_000:06}"


def _seed(text: str) -> bytes:
    from base64 import b32decode

    compact = "".join(text.split()).rstrip("=").upper()
    try:
        return b32decode(compact + "=" * (-len(compact) % 8))
    except ValueError:
        raise ValueError("mfa_secret is no base32, as the console shows it") from None
