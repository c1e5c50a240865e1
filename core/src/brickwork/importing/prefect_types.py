"""Which of Prefect's block types becomes which block here, and how its fields are called.

Each function takes the fields of a document, and what gives the blocks in it; it returns the slug,
the values and what to say about them, or raises CannotMap. The names are those of Prefect 3.8,
prefect-aws 0.7 and prefect-sqlalchemy 0.6.
"""

import json
from collections.abc import Callable
from typing import Any

from brickwork.builtin.blocks import DatabaseUrl
from brickwork.errors import InvalidBlock
from brickwork.importing.aws_options import client_options, is_anonymous, role_of
from brickwork.importing.model import CannotMap, Child, Fields, Proposal, left_out, refuse_masked
from brickwork.secret import Secret

Nested = Callable[[str], Child | Proposal | None]
Mapped = tuple[str, dict[str, Any], tuple[str, ...]]
_AWS = "aws-credentials"


def _secret(fields: Fields, _: Nested) -> Mapped:
    value = fields.take("value")
    refuse_masked(value, "value")
    if value is None:
        raise CannotMap("value is missing")
    if isinstance(value, str):
        return "secret", {"value": Secret(value)}, ()
    text = json.dumps(value, ensure_ascii=False)
    return "secret", {"value": Secret(text)}, ("value was JSON; it is kept as the text of that",)


def _settings(fields: Fields, _: Nested) -> Mapped:
    return "settings", {"value": fields.take("value")}, ()


def _local_storage(fields: Fields, _: Nested) -> Mapped:
    root = fields.text("basepath")
    if root is None:
        raise CannotMap("basepath is missing: it means the working directory, and that is no place")
    return "local-storage", {"root": root}, ()


def _webhook(fields: Fields, _: Nested) -> Mapped:
    method = fields.text("method")
    if method not in (None, "POST"):
        raise CannotMap("method: a webhook here posts; this one does something else")
    url = fields.secret("url")
    headers = fields.inside("headers")
    names = list(headers.left())
    private, verify = fields.flag("allow_private_urls"), fields.flag("verify")
    plain = url is not None and url.reveal().startswith("http://")
    values = {
        "url": url,
        "headers": {name: headers.secret(name) for name in names},
        "allow_private": True if private is None else private,  # Prefect's default
        "allow_http": plain,
    }
    notes = ["it posts notifications in Brickwork's form, not any payload"]
    if plain:
        notes.append("url is http, which is not encrypted")
    if verify is False:
        notes.append("verify was off; certificates are always verified here")
    return "webhook", values, tuple(notes)


def _database(fields: Fields, _: Nested) -> Mapped:
    info = fields.take("connection_info")
    fields.take("fetch_size")  # of the client, not of the database
    if isinstance(info, str):
        return "database-url", _parts(info), ()
    parts = Fields(info, "connection_info.") if isinstance(info, dict) else fields
    if url := parts.secret("url"):
        return "database-url", _parts(url.reveal()), ()
    query = parts.inside("query")
    values = {
        "scheme": parts.text("driver"),
        "host": parts.text("host"),
        "port": parts.number("port"),
        "database": parts.text("database") or "",
        "username": parts.text("username"),
        "password": parts.secret("password"),
        "options": {name: query.text(name) for name in query.left()},
    }
    return "database-url", values, () if parts is fields else left_out(parts)


def _parts(url: str) -> dict[str, Any]:
    try:
        return dict(DatabaseUrl.from_url(url))
    except InvalidBlock:
        raise CannotMap("its URL is no database URL") from None


def _aws(fields: Fields, _: Nested) -> Mapped:
    more = fields.inside("assume_role_kwargs")
    role = role_of(fields.text("assume_role_arn"), more)
    if role is not None and (lost := more.lost()):
        raise CannotMap(f"{', '.join(lost)}: aws-credentials has nothing like that")
    values: dict[str, Any] = {
        "access_key_id": fields.text("aws_access_key_id"),
        "secret_access_key": fields.secret("aws_secret_access_key"),
        "session_token": fields.secret("aws_session_token"),
        "profile": fields.text("profile_name"),
        "assume_role": None if role is None else [role],
    }
    return _with_client(fields, values)


def _minio(fields: Fields, _: Nested) -> Mapped:
    values: dict[str, Any] = {
        "access_key_id": fields.text("minio_root_user"),
        "secret_access_key": fields.secret("minio_root_password"),
    }
    return _with_client(fields, values)


def _with_client(fields: Fields, values: dict[str, Any]) -> Mapped:
    client = fields.inside("aws_client_parameters")
    verify, bundle = client.take("verify"), client.text("verify_cert_path")
    if client.flag("use_ssl") is False:
        client.take("use_ssl")
    config = client.inside("config")
    if is_anonymous(config):
        values["anonymous"] = True
    options, lost = client_options(verify, bundle, config)
    values |= {
        "region": fields.text("region_name"),
        "endpoint_url": client.text("endpoint_url"),
    }
    if options:
        values["client_options"] = options
    values = {name: value for name, value in values.items() if value is not None}
    notes = left_out(client)
    return _AWS, values, (*notes, *((f"left out: {', '.join(lost)}",) if lost else ()))


def _s3_bucket(fields: Fields, nested: Nested) -> Mapped:
    credentials = nested("credentials")
    fields.take("credentials")
    values: dict[str, Any] = {
        "bucket": fields.text("bucket_name"),
        "prefix": (fields.text("bucket_folder") or "").strip("/"),
    }
    if credentials is not None:
        values["credentials"] = credentials
    return "aws-s3-bucket", values, ()


TYPES: dict[str, Callable[[Fields, Nested], Mapped]] = {
    "secret": _secret,
    "json": _settings,
    "string": _settings,
    "date-time": _settings,
    "local-file-system": _local_storage,
    "webhook": _webhook,
    "database-credentials": _database,
    "sqlalchemy-connector": _database,
    "aws-credentials": _aws,
    "minio-credentials": _minio,
    "s3-bucket": _s3_bucket,
}
"""By the slug of Prefect's type."""

ABSENT = {
    slug: f"there is no block for {what} here yet"
    for what, slugs in {
        "e-mail": ("email-server-credentials",),
        "GitHub": ("github-credentials", "github-repository", "github"),
        "GitLab": ("gitlab-credentials", "gitlab-repository"),
        "Slack": ("slack-webhook", "slack-credentials", "slack-incoming-webhook"),
        "such notifications": (
            *("microsoft-teams-webhook", "pager-duty-webhook", "opsgenie-webhook"),
            *("mattermost-webhook", "discord-webhook", "twilio-sms", "sendgrid-email"),
            *("custom-webhook", "sendgrid-credentials"),
        ),
        "other file systems": ("remote-file-system", "smb", "gcs", "azure", "s3"),
        "Google Cloud": ("gcp-credentials", "gcs-bucket", "bigquery-warehouse", "gcpsecret"),
        "Azure": (
            *("azure-blob-storage-credentials", "azure-blob-storage-container"),
            *("azure-cosmos-db-credentials", "azure-container-instance-credentials"),
        ),
        "Snowflake": ("snowflake-credentials", "snowflake-connector"),
        "Kubernetes and Docker": (
            *("kubernetes-credentials", "kubernetes-cluster-config", "docker-host"),
            *("docker-registry-credentials", "docker-container", "kubernetes-job"),
        ),
        "secrets of a cloud": ("aws-secret", "azure-key-vault-secret"),
        "dbt": ("dbt-cloud-credentials", "dbt-core-operation", "dbt-cli-profile"),
        "Databricks": ("databricks-credentials",),
    }.items()
    for slug in slugs
}
"""Known types of Prefect and its packages that become nothing here, and why."""
