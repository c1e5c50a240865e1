"""Make the connections of the fixtures in Airflow's own database; see README.md."""

import json
from typing import Any

# Only in Airflow's own environment, so type checkers do not see it.
from airflow.models import Connection  # type: ignore[import-not-found]  # another environment
from airflow.utils.session import (  # type: ignore[import-not-found]  # another environment
    create_session,
)

CONNECTIONS: list[dict[str, Any]] = [
    {
        "conn_id": "aws_prod",
        "conn_type": "aws",
        "description": "Reports are kept here",
        "login": "AKIAFAKEFAKEFAKE1001",
        "password": "fake/aws+secret=1002",
        "extra": json.dumps(
            {
                "region_name": "eu-west-1",
                "endpoint_url": "https://s3.example.com",
                "verify": False,
                "config_kwargs": {"connect_timeout": 5, "retries": {"max_attempts": 7}},
            }
        ),
    },
    {
        "conn_id": "aws_role",
        "conn_type": "aws",
        "login": "AKIAFAKEFAKEFAKE1003",
        "password": "fake-aws-secret-1004",
        "extra": json.dumps({"role_arn": "arn:aws:iam::123456789012:role/fake"}),
    },
    {"conn_id": "aws_default", "conn_type": "aws"},
    {
        "conn_id": "sales:eu",
        "conn_type": "postgres",
        "host": "db.example",
        "port": 5432,
        "login": "app@corp",
        "password": "fake/p@ss:1005?#%",
        "schema": "sales",
        "extra": json.dumps({"sslmode": "require", "keepalives_idle": 30}),
    },
    {
        "conn_id": "shop",
        "conn_type": "mysql",
        "host": "mysql.example",
        "login": "app",
        "password": "fake-mysql-1006",
        "schema": "shop",
        "extra": json.dumps({"charset": "utf8", "ssl": {"ca": "/ca.pem", "key": "fake-key-1007"}}),
    },
    {"conn_id": "local_file", "conn_type": "sqlite", "host": "/srv/data/app.db"},
    {
        "conn_id": "billing_api",
        "conn_type": "http",
        "host": "https://api.example.com",
        "port": 8443,
        "login": "robot",
        "password": "fake-http-1008",
        "extra": json.dumps({"X-Api-Key": "fake-header-1009"}),
    },
    {"conn_id": "open_api", "conn_type": "http", "host": "open.example.com", "schema": "https"},
    {
        "conn_id": "thing",
        "conn_type": "generic",
        "host": "thing.example",
        "login": "someone",
        "password": "fake-generic-1010 {{ var.value.x }}",
        "extra": "fake-not-json-1011",
    },
    {"conn_id": "slack_ops", "conn_type": "slack", "password": "xoxb-fake-1012"},
    {
        "conn_id": "smtp_out",
        "conn_type": "smtp",
        "host": "smtp.example.com",
        "port": 587,
        "login": "ops@example.com",
        "password": "fake-smtp-1013",
        "extra": json.dumps({"from_email": "ops@example.com", "disable_ssl": True}),
    },
    {
        "conn_id": "jump",
        "conn_type": "ssh",
        "host": "jump.example",
        "login": "deploy",
        "extra": json.dumps({"private_key": "fake-private-key-1014", "no_host_key_check": False}),
    },
    {
        "conn_id": "gcp",
        "conn_type": "google_cloud_platform",
        "extra": json.dumps({"project": "p", "keyfile_dict": "fake-google-1015"}),
    },
    {"conn_id": "mongo_srv", "conn_type": "mongo", "host": "cluster.example", "login": "m",
     "password": "fake-mongo-1016", "schema": "admin", "extra": json.dumps({"srv": True})},
]  # fmt: skip

with create_session() as session:
    session.query(Connection).delete()
    for connection in CONNECTIONS:
        session.add(Connection(**connection))
