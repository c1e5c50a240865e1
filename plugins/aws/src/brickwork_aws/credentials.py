"""Credentials for AWS and for services that speak its protocols."""

from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from brickwork import Block, CheckReport, Secret
from brickwork_aws.roles import AssumeRole, WebIdentity, check_chain

if TYPE_CHECKING:
    from boto3.session import Session


class ClientOptions(BaseModel):
    """How clients connect, retry and sign.

    The names and meanings are botocore's, see
    https://botocore.amazonaws.com/v1/documentation/api/latest/reference/config.html.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    connect_timeout: float = Field(
        10.0, gt=0, le=3600, description="Seconds to wait for a connection."
    )
    read_timeout: float = Field(
        60.0, gt=0, le=3600, description="Seconds to wait for the next bytes of an answer."
    )
    max_attempts: int = Field(
        5, ge=1, le=100, description="How often a request is sent at most, the first time included."
    )
    retry_mode: Literal["standard", "adaptive", "legacy"] = Field(
        "adaptive",
        description="How botocore retries; adaptive also slows the client down when throttled.",
    )
    max_pool_connections: int = Field(
        32, ge=1, le=1000, description="How many connections a client keeps open to one host."
    )
    tcp_keepalive: bool = Field(True, description="Keep idle connections alive through firewalls.")
    addressing_style: Literal["auto", "path", "virtual"] = Field(
        "auto", description="S3: the bucket's name in the path or in the host's name."
    )
    use_accelerate_endpoint: bool = Field(False, description="S3: use Transfer Acceleration.")
    use_arn_region: bool | None = Field(
        None, description="S3: let the region in the ARN of an access point count."
    )
    s3_signature_version: Literal["s3v4", "s3"] = Field(
        "s3v4", description="S3: how to sign; s3 is the old version 2, for old servers."
    )
    payload_signing: bool | None = Field(
        None, description="S3: sign contents too; by default only where there is no TLS."
    )
    use_dualstack_endpoint: bool = Field(False, description="Use endpoints with IPv6.")
    use_fips_endpoint: bool = Field(False, description="Use endpoints validated for FIPS 140.")
    checksums: Literal["when_supported", "when_required"] = Field(
        "when_supported",
        description="When to send and verify checksums; when_required suits older S3 servers.",
    )
    proxy: Secret[str] | None = Field(
        None,
        description="URL of a proxy for all requests; without it, HTTPS_PROXY and the like count.",
    )
    proxy_ca_bundle: str | None = Field(
        None, min_length=1, description="File with the certificates to trust of a proxy with TLS."
    )
    proxy_client_cert: str | None = Field(
        None, min_length=1, description="File with certificate and key to show to a proxy."
    )
    verify: bool = Field(True, description="Verify the server's certificate; leave it on.")
    ca_bundle: str | None = Field(
        None, min_length=1, description="File with the certificates to trust, in PEM."
    )
    client_cert: str | None = Field(
        None, min_length=1, description="File with the certificate to show to servers, in PEM."
    )
    client_key: str | None = Field(
        None, min_length=1, description="File with its key, if client_cert has it not, too."
    )
    inject_host_prefix: bool = Field(
        True, description="Put sync- and the like before host names; off for servers of your own."
    )
    ignore_configured_endpoint_urls: bool = Field(
        False, description="Ignore endpoints in the shared configuration files and environment."
    )
    app_id: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,50}$",
        description="The application's name in the User-Agent header, for the bill and the logs.",
    )
    user_agent_extra: str | None = Field(
        None, max_length=200, pattern=r"^[ -~]+$", description="Added to the User-Agent header."
    )

    @model_validator(mode="after")
    def _verify_means_it(self) -> Self:
        if self.ca_bundle is not None and not self.verify:
            raise ValueError("ca_bundle is given, and verify is off: leave out one of them")
        if self.client_key is not None and self.client_cert is None:
            raise ValueError("client_key is given without client_cert: give both")
        return self

    def __hash__(self) -> int:
        # Asked for each time that somebody wants a client, so of a few fields only.
        return hash((type(self), self.read_timeout, self.max_attempts, self.ca_bundle))


class AwsCredentials(Block):
    """Who to be on AWS, where, and how to connect.

    Give one of:

    - ``access_key_id`` and ``secret_access_key``, with ``session_token`` if they are temporary;
    - ``profile``, a name from the shared configuration files, also for SSO and assumed roles;
    - ``web_identity``, a role that a token of an identity provider may assume;
    - ``anonymous``, to read what is public, without any keys;
    - none of these: boto3 looks in its usual places (environment, shared files, the container's or
      the machine's role), see
      https://boto3.amazonaws.com/v1/documentation/api/latest/guide/credentials.html.

    ``assume_role`` names roles that are then assumed, one after the other. Credentials of a role
    are fetched when they are first needed, and anew before they end, however long a program runs.

    With ``endpoint_url`` it serves whatever speaks the protocol: MinIO, SeaweedFS, R2, LocalStack.

    Examples:
        >>> from brickwork_aws import AwsCredentials
        >>> AwsCredentials(
        ...     access_key_id="AKIAI44QH8DHBEXAMPLE",
        ...     secret_access_key="je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY",
        ...     region="eu-central-1",
        ... ).save("prod")
        Document('aws-credentials/prod@1')
        >>> prod = AwsCredentials.load("prod")
        >>> prod.secret_access_key
        Secret('********')
        >>> prod.client("s3").meta.region_name
        'eu-central-1'
    """

    slug: ClassVar[str] = "aws-credentials"

    access_key_id: str | None = Field(
        None, pattern=r"^[!-~]+$", description="The access key's id; begins with AKIA or ASIA."
    )
    secret_access_key: Secret[str] | None = Field(None, description="The access key's secret.")
    session_token: Secret[str] | None = Field(
        None, description="The token that comes with temporary keys."
    )
    profile: str | None = Field(
        None, min_length=1, description="A profile of the shared configuration files."
    )
    web_identity: WebIdentity | None = Field(
        None, description="A role that a token of an identity provider may assume."
    )
    assume_role: tuple[AssumeRole, ...] = Field(
        (), max_length=10, description="Roles to assume, one after the other; one needs no list."
    )
    anonymous: bool = Field(False, description="Sign nothing, as for buckets that are public.")
    region: str | None = Field(
        None,
        pattern=r"^[a-z0-9-]+$",
        description="The region, such as eu-west-1; by default that of the profile or environment.",
    )
    endpoint_url: str | None = Field(
        None, description="Where to send requests instead of to AWS: http:// or https://host:port."
    )
    endpoint_urls: dict[str, str] = Field(
        default_factory=dict,
        description="Where to send those of single services, by boto3's name: {sts: https://...}.",
    )
    api_versions: dict[str, str] = Field(
        default_factory=dict,
        description="Older versions of services' APIs, by boto3's name: {cloudfront: 2020-05-31}.",
    )
    client_options: ClientOptions = Field(
        default=ClientOptions(), description="How clients connect, retry and sign."
    )

    @field_validator("secret_access_key", "session_token")
    @classmethod
    def _pasted_whole(cls, value: Secret[str] | None) -> Secret[str] | None:
        text = None if value is None else value.reveal()
        if text is not None and (text.split() != [text] or not text.isascii()):
            raise ValueError("is empty, or has spaces or other characters that no key has")
        return value

    @field_validator("assume_role", mode="before")
    @classmethod
    def _one_or_more(cls, value: Any) -> Any:
        return (value,) if isinstance(value, dict | AssumeRole) else value

    @field_validator("endpoint_url")
    @classmethod
    def _is_an_endpoint(cls, value: str | None) -> str | None:
        return None if value is None else _endpoint(value)

    @field_validator("endpoint_urls")
    @classmethod
    def _are_endpoints(cls, value: dict[str, str]) -> dict[str, str]:
        return {service: _endpoint(url) for service, url in value.items()}

    @model_validator(mode="after")
    def _whole_keys(self) -> Self:
        key, secret = self.access_key_id is not None, self.secret_access_key is not None
        if key != secret:
            here, lacks = ("access_key_id", "secret_access_key")[:: 1 if key else -1]
            raise ValueError(f"{here} is given, and {lacks} lacks: give both, or neither")
        if self.session_token is not None and not key:
            raise ValueError(
                "session_token is given without access_key_id and secret_access_key: give all three"
            )
        if self.profile is not None and key:
            raise ValueError("both keys and a profile are given: leave out one of them")
        if self.web_identity is not None and (key or self.profile is not None):
            raise ValueError("web_identity is given with keys or a profile: leave out one of them")
        if self.anonymous and (key or self.profile or self.web_identity or self.assume_role):
            raise ValueError("anonymous is given with keys, a profile or roles: leave out either")
        check_chain(self.assume_role, from_role=self.web_identity is not None)
        return self

    def client(self, service: str) -> Any:
        """Return a boto3 client; it is shared, and may be used from many threads.

        Clients are kept by the block's value and the AWS settings of the environment, so asking
        again costs little. In a task with a time-out, a client is returned whose own time-outs are
        not much longer than what is left.

        Args:
            service: boto3's name of the service, for example ``s3``, ``sqs``, ``secretsmanager``.

        Raises:
            BlockError: No such profile or service, no region, or settings that do not fit.
        """
        from brickwork import remaining
        from brickwork_aws.clients import client_for

        return client_for(self, service, seconds=remaining())

    def endpoint(self, service: str) -> str | None:
        """Return where requests to a service are sent instead of to AWS, as far as is said here.

        Args:
            service: boto3's name of the service.
        """
        return self.endpoint_urls.get(service, self.endpoint_url)

    def session(self) -> "Session":
        """Return a new boto3 session with these credentials; for one thread.

        A session knows the credentials and the region. The endpoint and the client options are a
        client's matter: take them from `client`, or pass them on.

        Raises:
            BlockError: No such profile.
        """
        from brickwork_aws.clients import new_session

        return new_session(self)

    def resource(self, service: str) -> Any:
        """Return a new boto3 resource with these credentials and options; for one thread.

        Args:
            service: boto3's name of the service, for example ``s3`` or ``dynamodb``.

        Raises:
            BlockError: As `client`.
        """
        from brickwork_aws.clients import new_resource

        return new_resource(self, service)

    def check(self) -> CheckReport:
        """Ask STS who these credentials are; takes some seconds at most, and never raises.

        See https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html, which
        needs no permission.
        """
        from brickwork_aws.identity import check_credentials

        return check_credentials(self)


def _endpoint(value: str) -> str:
    try:
        parts = urlsplit(value)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # no such port
        valid = False
    if not valid or "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("is not http://host:port or https://host:port, without user and query")
    return value.rstrip("/")
