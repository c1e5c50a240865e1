"""Makes boto3 sessions and clients from credentials, and keeps the clients.

boto3 clients may be shared by threads, sessions may not: sessions are made and used under a lock.
"""

import os
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import cache
from threading import RLock
from time import monotonic
from typing import TYPE_CHECKING, Any

from brickwork import BlockError

if TYPE_CHECKING:
    from boto3.session import Session

    from brickwork_aws.credentials import AwsCredentials, ClientOptions
    from brickwork_aws.roles import AssumeRole, WebIdentity

MAX_CLIENTS = 64
"""How many clients are kept; the one that was not used for longest goes first."""

_STEPS = (1.0, 2.0, 5.0, 10.0, 20.0, 60.0, 120.0, 300.0, 600.0)
"""Time-outs of clients for tasks in a hurry, so that there are only few clients."""

_OF_EVERY_CLIENT = ("AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION", "AWS_CA_BUNDLE", "AWS_CONFIG_FILE")
"""What boto3 reads from the environment also where keys are given, and does not read again."""

_lock = RLock()
_clients: "dict[tuple[object, ...], _Kept]" = {}
_sessions: "OrderedDict[tuple[object, ...], Session]" = OrderedDict()


class _Kept:
    """A client, and when it was last used."""

    __slots__ = ("client", "used")

    def __init__(self, client: Any) -> None:
        self.client = client
        self.used = monotonic()


def client_for(
    credentials: "AwsCredentials",
    service: str,
    *,
    seconds: float | None = None,
    timeouts: tuple[float, float] | None = None,
    attempts: int | None = None,
) -> Any:
    """Return the client for a service, a new one or one that was made before.

    Args:
        credentials: Whose.
        service: boto3's name of the service.
        seconds: What is left until a deadline: time-outs are at most a little longer.
        timeouts: To connect and to read, instead of those of the options.
        attempts: How often a request is sent at most, instead of what the options say.

    Raises:
        BlockError: No such profile or service, no region, or settings that do not fit.
    """
    connect, read = timeouts or (
        credentials.client_options.connect_timeout,
        credentials.client_options.read_timeout,
    )
    if seconds is not None:
        limit = next((step for step in _STEPS if step >= seconds), read)
        connect, read = min(connect, limit), min(read, limit)
    attempts = attempts or credentials.client_options.max_attempts
    # Two blocks of equal value share a client; the environment may change what a block means.
    key = (
        service,
        connect,
        read,
        attempts,
        *_value(credentials),
        *_environment(credentials, service),
    )
    found = _clients.get(key)
    if found is None:
        with _lock:
            found = _clients.get(key)
            if found is None:
                session = _session(credentials)
                with _Explained(credentials):
                    arguments = _arguments(credentials, service, connect, read, attempts, session)
                    found = _clients[key] = _Kept(session.client(service, **arguments))
                while len(_clients) > MAX_CLIENTS:
                    del _clients[min(_clients, key=lambda each: _clients[each].used)]
    # Without the lock, for which the threads of a transfer would wait at each object.
    found.used = monotonic()
    return found.client


def region_of(credentials: "AwsCredentials") -> str | None:
    """Return the region that clients use, from the block, the profile or the environment."""
    with _lock:
        region: str | None = _session(credentials).region_name
        return region


def new_session(credentials: "AwsCredentials") -> "Session":
    """Return a new session; for one thread. Raises BlockError."""
    session = _own_session(credentials)
    if credentials.anonymous or credentials.web_identity is not None:
        from botocore.credentials import CredentialResolver

        # Nobody is asked for keys, least of all the metadata service of a machine.
        session._session.register_component("credential_provider", CredentialResolver([]))  # noqa: SLF001  # boto3 shows it nowhere else
    if credentials.web_identity is None and not credentials.assume_role:
        return session
    from brickwork_aws import roles

    name = describe(credentials)
    identity = credentials.web_identity
    if identity is not None:
        found = roles.assume_by_token(identity, _sts(credentials, session, identity), name)
        session = _plain_session(credentials)
        roles.use(session, found)
    for role in credentials.assume_role:
        found = roles.assume(role, _sts(credentials, session, role), name)
        session = _plain_session(credentials)
        roles.use(session, found)
    return session


def _own_session(credentials: "AwsCredentials") -> "Session":
    """Return a session with the keys, the profile, or what boto3 finds."""
    key, token = credentials.secret_access_key, credentials.session_token
    return _plain_session(
        credentials,
        aws_access_key_id=credentials.access_key_id,
        aws_secret_access_key=None if key is None else key.reveal(),
        aws_session_token=None if token is None else token.reveal(),
    )


def _plain_session(credentials: "AwsCredentials", **keys: str | None) -> "Session":
    from boto3.session import Session
    from botocore.session import get_session

    from brickwork_aws.expecting import send_small_at_once
    from brickwork_aws.hiding import hide_secrets
    from brickwork_aws.strangers import refuse_strangers

    below = get_session()
    parsers = below.get_component("response_parser_factory")
    parsers.set_parser_defaults(timestamp_parser=parse_timestamp)
    hide_secrets(below)
    refuse_strangers(below)
    send_small_at_once(below)
    with _Explained(credentials):
        return Session(
            botocore_session=below,
            region_name=credentials.region,
            profile_name=credentials.profile,
            **keys,
        )


def _sts(
    credentials: "AwsCredentials", session: "Session", role: "AssumeRole | WebIdentity"
) -> "Callable[[], Any]":
    """Return what makes a client of STS that asks for those who assume a role."""
    options = credentials.client_options
    times = (options.connect_timeout, options.read_timeout, options.max_attempts)

    @cache
    def made() -> Any:
        # STS wants a region, and where nobody says one, any will do.
        region = role.sts_region or session.region_name or "us-east-1"
        with _lock, _Explained(credentials):
            arguments = _arguments(credentials, "sts", *times, session)
            return session.client("sts", region_name=region, **arguments)

    return made


def parse_timestamp(text: Any) -> datetime:
    """Return the time that an answer of AWS gives; botocore takes ten times as long.

    Args:
        text: As in ISO 8601 or RFC 7231, or what else botocore knows to read.
    """
    from email.utils import parsedate_to_datetime

    with suppress(TypeError, ValueError):
        # The other form begins with the day of the week, of which two have a T.
        iso = text[:1].isdigit() and "T" in text[:11]
        read = datetime.fromisoformat if iso else parsedate_to_datetime
        found = read(text)
        if found.tzinfo is not None:
            return found
    from botocore.utils import parse_timestamp as by_botocore

    slow: datetime = by_botocore(text)
    return slow


def new_resource(credentials: "AwsCredentials", service: str) -> Any:
    """Return a new resource; for one thread. Raises BlockError."""
    options = credentials.client_options
    with _lock:
        session = new_session(credentials)
        with _Explained(credentials):
            return session.resource(
                service,
                **_arguments(
                    credentials,
                    service,
                    options.connect_timeout,
                    options.read_timeout,
                    options.max_attempts,
                    session,
                ),
            )


def _session(credentials: "AwsCredentials") -> "Session":
    # Kept, since a session that has read the service descriptions makes the next client quickly.
    key = (*_value(credentials), *_environment(credentials))
    if key not in _sessions:
        _sessions[key] = new_session(credentials)
        while len(_sessions) > MAX_CLIENTS:
            _sessions.popitem(last=False)
    _sessions.move_to_end(key)
    return _sessions[key]


def _value(credentials: "AwsCredentials") -> tuple[object, ...]:
    values = credentials.__dict__.values()
    return tuple(frozenset(each.items()) if type(each) is dict else each for each in values)


def _environment(credentials: "AwsCredentials", service: str = "") -> tuple[int, ...]:
    environ = os.environ
    if credentials.access_key_id is None:  # then any of them may count
        names = [name for name in environ if name.startswith("AWS_")]
    else:  # looking through all of them takes longer than the rest of a client that is there
        names = [*_OF_EVERY_CLIENT, f"AWS_ENDPOINT_URL_{service.upper()}"]
    # Hashed: the variables may be secrets, which would stay here when they are long gone.
    return (hash(tuple((name, environ.get(name)) for name in names)),)


def _arguments(
    credentials: "AwsCredentials",
    service: str,
    connect: float,
    read: float,
    attempts: int,
    session: "Session",
) -> dict[str, Any]:
    from botocore.config import Config

    from brickwork_aws.user_agent import user_agent

    options = credentials.client_options
    agent = "md/brickwork-aws"
    if options.user_agent_extra is not None:
        agent = f"{agent} {options.user_agent_extra}"
    settings: dict[str, Any] = {
        "connect_timeout": connect,
        "read_timeout": read,
        "retries": {"total_max_attempts": attempts, "mode": options.retry_mode},
        "max_pool_connections": options.max_pool_connections,
        "tcp_keepalive": options.tcp_keepalive,
        "use_dualstack_endpoint": options.use_dualstack_endpoint or None,
        "use_fips_endpoint": options.use_fips_endpoint or None,
        "request_checksum_calculation": options.checksums,
        "response_checksum_validation": options.checksums,
        "user_agent": user_agent(session, options.app_id),
        "user_agent_appid": options.app_id,
        "user_agent_extra": agent,
        "ignore_configured_endpoint_urls": options.ignore_configured_endpoint_urls or None,
    }
    settings |= _of_connections(options)
    if service == "s3":
        # Version 4 by name: without it botocore presigns for old regions in version 2, which new
        # buckets refuse.
        settings["signature_version"] = options.s3_signature_version
        of_s3 = {
            "addressing_style": options.addressing_style,
            "use_accelerate_endpoint": options.use_accelerate_endpoint,
            "use_arn_region": options.use_arn_region,
            "payload_signing_enabled": options.payload_signing,
        }
        settings["s3"] = {name: value for name, value in of_s3.items() if value is not None}
    if credentials.anonymous:
        from botocore import UNSIGNED

        settings["signature_version"] = UNSIGNED
    return {
        "config": Config(**settings),
        "api_version": credentials.api_versions.get(service),
        "endpoint_url": credentials.endpoint(service),
        # None leaves AWS_CA_BUNDLE and the profile's ca_bundle their say.
        "verify": False if not options.verify else options.ca_bundle,
    }


def _of_connections(options: "ClientOptions") -> dict[str, Any]:
    """Return the settings of botocore for proxies, certificates and names of hosts."""
    found: dict[str, Any] = {}
    if options.proxy is not None:
        proxy = options.proxy.reveal()
        found["proxies"] = {"http": proxy, "https": proxy}
    to_proxy = {
        "proxy_ca_bundle": options.proxy_ca_bundle,
        "proxy_client_cert": options.proxy_client_cert,
    }
    found["proxies_config"] = {name: path for name, path in to_proxy.items() if path} or None
    shown = (options.client_cert, options.client_key)
    found["client_cert"] = shown if options.client_key else options.client_cert
    if not options.inject_host_prefix:  # else the environment has its say
        found["inject_host_prefix"] = False
    return {name: value for name, value in found.items() if value is not None}


class _Explained:
    """Says how to mend what is wrong with settings, where boto3 only says what."""

    def __init__(self, credentials: "AwsCredentials") -> None:
        self._where = describe(credentials)

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None or not isinstance(error, Exception):
            return
        from botocore import exceptions as boto

        fixes = {
            boto.ProfileNotFound: "Correct the profile, or add it to ~/.aws/config.",
            boto.NoRegionError: "Give the credentials a region, or set AWS_DEFAULT_REGION.",
            boto.ConfigParseError: "Mend the file.",
            boto.PartialCredentialsError: "Complete the profile, or the environment variables.",
        }
        if isinstance(error, boto.UnknownServiceError):
            raise _unknown_service(self._where, error) from None
        for cls, fix in fixes.items():
            if isinstance(error, cls):
                raise BlockError(f"{self._where}: {error}", fix=fix) from None
        if isinstance(error, boto.BotoCoreError | ValueError):
            raise BlockError(
                f"{self._where}: {error}", fix="Correct the credentials' options."
            ) from None
        error.add_note(f"in block {self._where}")


def _unknown_service(where: str, error: Any) -> BlockError:
    """Name a few of the hundreds of services, where botocore names them all."""
    from difflib import get_close_matches

    name, services = error.kwargs["service_name"], error.kwargs["known_service_names"].split(", ")
    like = get_close_matches(name, services, 5, 0.5)
    perhaps = f" Perhaps: {', '.join(like)}." if like else ""
    return BlockError(
        f"{where}: boto3 knows no service {name!r}.",
        fix=f"Use boto3's name of the service, for example s3.{perhaps}",
    )


def describe(credentials: "AwsCredentials") -> str:
    """Name credentials in a message: by address, or by what they are; never by a secret."""
    if credentials.address is not None:
        return str(credentials.address)
    if credentials.profile is not None:
        return f"aws-credentials of the profile {credentials.profile}"
    if credentials.access_key_id is not None:
        return f"aws-credentials of the access key {credentials.access_key_id}"
    if credentials.anonymous:
        return "aws-credentials that are anonymous"
    return "aws-credentials of boto3's default chain"


def _forget() -> None:
    # A forked child must not write into its parent's connections.
    global _lock
    _lock = RLock()
    _clients.clear()
    _sessions.clear()


os.register_at_fork(after_in_child=_forget)
