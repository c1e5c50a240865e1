"""Which of Airflow's connection types becomes which block here.

What Airflow encrypts stays sealed: a password, and what of ``extra`` has no field of its own, which
becomes a ``secret`` beside the block.
"""

import json
from collections.abc import Callable
from typing import Any

from brickwork.importing.airflow import Connection
from brickwork.importing.aws_options import client_options, is_anonymous, role_of
from brickwork.importing.model import CannotMap, Fields, Proposal
from brickwork.secret import Secret

Mapped = tuple[tuple[Proposal, ...], tuple[str, ...]]

DIALECTS = {
    "postgres": "postgresql",
    "mysql": "mysql",
    "mssql": "mssql",
    "odbc": "mssql+pyodbc",
    "oracle": "oracle",
    "redshift": "redshift",
    "vertica": "vertica",
    "trino": "trino",
    "presto": "presto",
    "mongo": "mongodb",
    "clickhouse": "clickhouse",
}
"""Connection type to the scheme of a database URL."""

_PUBLIC_OPTIONS = frozenset(
    (
        *("sslmode", "sslrootcert", "sslcert", "sslkey", "sslcrl", "connect_timeout"),
        *("application_name", "target_session_attrs", "client_encoding", "keepalives"),
        *("keepalives_idle", "keepalives_interval", "keepalives_count", "charset", "driver"),
        *("authSource", "replicaSet", "tls", "service_name", "sid"),
    )
)
"""Of extra, what is no secret and belongs into a database URL."""

ABSENT = {
    kind: f"there is no block for {what} here yet"
    for what, kinds in {
        "e-mail": ("smtp", "imap", "email"),
        "SSH": ("ssh", "sftp", "ftp", "ftps"),
        "Slack": ("slack", "slackwebhook"),
        "Google Cloud": ("google_cloud_platform", "gcpcloudsql", "gcpbigquery", "gcpssh"),
        "Azure": ("azure", "wasb", "adls", "azure_data_explorer", "azure_service_bus"),
        "Snowflake": ("snowflake",),
        "Databricks": ("databricks",),
        "Kubernetes and Docker": ("kubernetes", "docker"),
        "GitHub": ("github",),
        "dbt": ("dbt_cloud",),
        "Redis": ("redis",),
        "Spark and Hadoop": ("spark", "hdfs", "hive_cli", "hiveserver2", "hive_metastore", "livy"),
    }.items()
    for kind in kinds
}
"""Known types that become nothing here, and why."""


def mapped(connection: Connection) -> Mapped:
    """Return the blocks that a connection becomes, and what to say about it. Raises CannotMap."""
    kind = connection.conn_type
    make = _TYPES.get(kind) or (_database if kind in DIALECTS else None)
    if make is None:
        raise CannotMap(ABSENT.get(kind, "no block here is of that type"))
    return make(connection)


def _aws(connection: Connection) -> Mapped:
    extra = _extra_of(connection)
    session = extra.inside("session_kwargs")
    roles = _roles(extra)
    config = extra.inside("config_kwargs")
    anonymous = is_anonymous(config)
    options, lost = client_options(extra.take("verify"), None, config)
    services, endpoints = extra.inside("service_config"), {}
    for service in services.left():
        of_service = services.inside(service)
        if (endpoint := of_service.text("endpoint_url")) is not None:
            endpoints[service] = endpoint
        lost += of_service.lost()
    url = connection.host if connection.host and "://" in connection.host else None
    profile = extra.text("profile_name") or session.text("profile_name")
    given: dict[str, Any] = {
        "access_key_id": connection.login
        or extra.text("aws_access_key_id")
        or session.text("aws_access_key_id"),
        "secret_access_key": connection.password
        or extra.secret("aws_secret_access_key")
        or session.secret("aws_secret_access_key"),
        "session_token": extra.secret("aws_session_token") or session.secret("aws_session_token"),
        "profile": profile,
        "region": extra.text("region_name") or session.text("region_name"),
        "endpoint_url": extra.text("endpoint_url") or extra.text("host") or url,
        "endpoint_urls": endpoints or None,
        "anonymous": anonymous or None,
        "client_options": options or None,
        **roles,
    }
    values = {name: value for name, value in given.items() if value is not None}
    names = [*lost, *session.lost(), *(["schema"] if connection.schema else [])]
    if connection.host and not url:
        names.append("host")
    notes = (f"left out: {', '.join(sorted(names))}",) if names else ()
    return _with_extra(connection, [Proposal("aws-credentials", connection.conn_id, values)],
                       extra, notes)  # fmt: skip


def _roles(extra: Fields) -> dict[str, Any]:
    """Return what role the credentials assume, and how."""
    more = extra.inside("assume_role_kwargs")
    method = extra.text("assume_role_method") or "assume_role"
    arn, account, name = map(extra.text, ("role_arn", "aws_account_id", "aws_iam_role"))
    if arn is None and account and name:  # as older versions say it
        arn = f"arn:aws:iam::{account}:role/{name}"
    if (external := extra.text("external_id")) is not None:
        more.put("ExternalId", external)
    role = role_of(arn, more)
    file = extra.text("assume_role_with_web_identity_token_file")
    federation = extra.text("assume_role_with_web_identity_federation")
    provider = more.text("ProviderId")
    if role is not None and (lost := more.lost()):
        raise CannotMap(f"{', '.join(lost)}: aws-credentials has nothing like that")
    if method == "assume_role":
        return {"assume_role": None if role is None else [role]}
    if method == "assume_role_with_web_identity" and federation in (None, "file") and role:
        return {"web_identity": {**role, "token_file": file, "provider_id": provider}}
    raise CannotMap(
        f"extra.assume_role_method: {method} with {federation or 'no federation'} is not there; "
        "let a program bring the keys, by credential_process in a profile, and import that"
    )


def _database(connection: Connection) -> Mapped:
    extra = _extra_of(connection)
    if extra.take("iam"):
        raise CannotMap("extra.iam: it logs in with tokens of AWS, which database-url cannot")
    scheme = DIALECTS[connection.conn_type]
    if scheme == "mongodb" and extra.take("srv"):
        scheme = "mongodb+srv"
    options = {
        name: value.lower() if isinstance(given, bool) else value
        for name, given in extra.left().items()
        if name in _PUBLIC_OPTIONS and isinstance(given, str | int | float)
        for value in (str(extra.take(name)),)
    }
    values = {
        "scheme": scheme,
        "host": connection.host,
        "port": connection.port,
        "database": connection.schema or "",
        "username": connection.login,
        "password": connection.password,
        "options": options,
    }
    return _with_extra(
        connection, [Proposal("database-url", connection.conn_id, values)], extra, ()
    )


def _sqlite(connection: Connection) -> Mapped:
    extra = _extra_of(connection)
    path = connection.host or (f"/{connection.schema}" if connection.schema else "")
    if not path:
        raise CannotMap("host is missing: it names no file")
    values = {"scheme": "sqlite", "database": path}
    return _with_extra(
        connection, [Proposal("database-url", connection.conn_id, values)], extra, ()
    )


def _http(connection: Connection) -> Mapped:
    """The address as settings, as ``HttpHook`` puts it together; who logs in as basic-auth."""
    host, port = connection.host or "", f":{connection.port}" if connection.port else ""
    if not host:
        return as_settings(connection), ()
    base = host if "://" in host else f"{connection.schema or 'http'}://{host}"
    name = connection.conn_id
    proposals = [Proposal("settings", name, {"value": {"url": f"{base}{port}"}})]
    if connection.login is not None:
        password = connection.password or Secret("")
        values = {"username": connection.login, "password": password}
        proposals.insert(0, Proposal("basic-auth", name, values))
    elif connection.password is not None:
        proposals.append(Proposal("secret", name, {"value": connection.password}, "-password"))
    return _with_extra(connection, proposals, connection.more(), ())


def as_settings(connection: Connection) -> tuple[Proposal, ...]:
    """Keep it as it is: what is public as settings, the password and extra as secrets."""
    public = {
        name: value
        for name in ("conn_type", "host", "port", "schema", "login")
        if (value := getattr(connection, name)) is not None
    }
    name = connection.conn_id
    proposals = [Proposal("settings", name, {"value": public})]
    if connection.password is not None:
        proposals.append(Proposal("secret", name, {"value": connection.password}, "-password"))
    if connection.extra is not None:
        proposals.append(Proposal("secret", name, {"value": connection.extra}, "-extra"))
    return tuple(proposals)


_TYPES: dict[str, Callable[[Connection], Mapped]] = {
    "aws": _aws,
    "s3": _aws,
    "sqlite": _sqlite,
    "http": _http,
    "generic": lambda connection: (as_settings(connection), ()),
}


def _extra_of(connection: Connection) -> Fields:
    extra = connection.more()
    if extra is None:
        raise CannotMap("extra is no JSON object")
    return extra


def _with_extra(
    connection: Connection, proposals: list[Proposal], extra: Fields | None, notes: tuple[str, ...]
) -> Mapped:
    """Keep what is left of extra as a secret beside the block."""
    if extra is None:
        value = connection.extra
    elif left := extra.left():
        value = Secret(json.dumps(left, ensure_ascii=False))
        names = ", ".join(sorted(extra.lost()))
        notes = (*notes, f"kept in a secret of its own: {names}")
    else:
        return tuple(proposals), notes
    if value is not None:
        proposals.append(Proposal("secret", connection.conn_id, {"value": value}, "-extra"))
    return tuple(proposals), notes
