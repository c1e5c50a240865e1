"""Make the blocks of the fixture on a Prefect server; see README.md."""

import warnings
from typing import Any

# Only in Prefect's own environment, so type checkers do not see it.
from prefect.blocks.core import Block  # type: ignore[import-not-found]  # another environment
from prefect.blocks.notifications import (  # type: ignore[import-not-found]  # another environment
    SlackWebhook,
)
from prefect.blocks.system import Secret  # type: ignore[import-not-found]  # another environment
from prefect.blocks.webhook import Webhook  # type: ignore[import-not-found]  # another environment
from prefect.filesystems import (  # type: ignore[import-not-found]  # another environment
    LocalFileSystem,
    RemoteFileSystem,
)
from prefect_aws import (  # type: ignore[import-not-found]  # another environment
    AwsCredentials,
    MinIOCredentials,
    S3Bucket,
)
from prefect_aws.client_parameters import (  # type: ignore[import-not-found]  # another environment
    AwsClientParameters,
)
from prefect_email import (  # type: ignore[import-not-found]  # another environment
    EmailServerCredentials,
)
from prefect_github import (  # type: ignore[import-not-found]  # another environment
    GitHubCredentials,
)
from prefect_sqlalchemy import (  # type: ignore[import-not-found]  # another environment
    ConnectionComponents,
    SqlAlchemyConnector,
    SyncDriver,
)
from pydantic import SecretStr

warnings.simplefilter("ignore")


# Prefect 3.8 has these three no more; servers that were upgraded still have such blocks.


class Json(Block):  # type: ignore[misc]  # another environment
    """As prefect.blocks.system.JSON was."""

    _block_type_name = "JSON"
    _block_type_slug = "json"
    value: Any


class String(Block):  # type: ignore[misc]  # another environment
    """As prefect.blocks.system.String was."""

    _block_type_name = "String"
    _block_type_slug = "string"
    value: str


class DateTime(Block):  # type: ignore[misc]  # another environment
    """As prefect.blocks.system.DateTime was."""

    _block_type_name = "Date Time"
    _block_type_slug = "date-time"
    value: str


class Warehouse(Block):  # type: ignore[misc]  # another environment
    """A user's own block."""

    _block_type_name = "Acme Warehouse"
    host: str
    options: dict[str, int] = {}
    password: SecretStr
    keys: dict[str, SecretStr] = {}
    login: AwsCredentials | None = None


def save(block: Any, name: str) -> Any:
    """Save a block and load it, so that others refer to it."""
    block.save(name, overwrite=True)
    return type(block).load(name)


save(Secret(value="fake-api-token-0001"), "api-token")
save(Secret(value={"user": "app", "password": "fake-json-pass-0002"}), "as-json")
save(Secret(value="Dear {{ name }}, ${env:HOME} fake-0003"), "template")
save(Json(value={"limit": 5, "hosts": ["a", "b"], "text": "${env:HOME}"}), "limits")
save(String(value="nightly"), "label")
save(DateTime(value="2026-01-02T03:04:05Z"), "since")
save(LocalFileSystem(basepath="/srv/flows"), "flows")
save(LocalFileSystem(basepath="relative/folder"), "relative")
save(RemoteFileSystem(basepath="s3://bucket/x", settings={"key": "fake-remote-0004"}), "remote")
save(
    Webhook(
        url="https://hooks.example.com/services/fake-hook-0005",
        headers={"Authorization": "Bearer fake-header-0006"},
    ),
    "deploys",
)
save(Webhook(method="GET", url="http://intranet.example/fake-0007", verify=False), "ping")
save(SlackWebhook(url="https://hooks.slack.com/services/T000/B000/fakeslack0008"), "alerts")
prod = save(
    AwsCredentials(
        aws_access_key_id="AKIAFAKEFAKEFAKE0009",
        aws_secret_access_key="fake-aws-secret-0010",
        region_name="eu-west-1",
        aws_client_parameters=AwsClientParameters(
            endpoint_url="https://s3.example.com",
            verify=False,
            config={
                "connect_timeout": 5,
                "retries": {"max_attempts": 7, "mode": "adaptive"},
                "max_pool_connections": 20,
            },
        ),
    ),
    "prod",
)
save(AwsCredentials(profile_name="analytics"), "by-profile")
save(
    AwsCredentials(profile_name="base", assume_role_arn="arn:aws:iam::123456789012:role/fake"),
    "by-role",
)
minio = save(
    MinIOCredentials(
        minio_root_user="fake-minio-user",
        minio_root_password="fake-minio-pass-0011",
        aws_client_parameters=AwsClientParameters(endpoint_url="http://127.0.0.1:9000"),
    ),
    "minio",
)
save(S3Bucket(bucket_name="reports", bucket_folder="daily/eu", credentials=prod), "reports")
save(S3Bucket(bucket_name="scratch", credentials=minio), "scratch")
inline = AwsCredentials(
    aws_access_key_id="AKIAFAKEFAKEFAKE0012", aws_secret_access_key="fake-inline-secret-0013"
)
save(S3Bucket(bucket_name="inline", credentials=inline), "inline")
save(EmailServerCredentials(username="ops@example.com", password="fake-mail-pass-0014"), "mail")
save(GitHubCredentials(token="ghp_fakefakefake0015"), "github")
components = ConnectionComponents(
    driver=SyncDriver.POSTGRESQL_PSYCOPG2,
    username="app",
    password="fake-db-pass-0016/@:",
    host="db.example",
    port=5432,
    database="sales",
    query={"sslmode": "require"},
)
save(SqlAlchemyConnector(connection_info=components), "sales")
url = "mysql+pymysql://app:fake-url-pass-0017@db.example/shop"
save(SqlAlchemyConnector(connection_info=url), "shop")
save(
    Warehouse(
        host="wh.example",
        password="fake-wh-pass-0018",
        options={"pool": 5},
        keys={"a": "fake-wh-key-0019"},
        login=prod,
    ),
    "wh",
)
