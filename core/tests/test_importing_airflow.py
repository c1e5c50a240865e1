"""What Airflow's export wrote becomes blocks; every format means the same."""

import json
from pathlib import Path
from typing import Any

import pytest

from brickwork import BasicAuth, CorruptData, DatabaseUrl, InvalidYaml, SecretBlock, Settings, Vault
from brickwork.importing import Entry, Import, Row, apply_import, plan_import
from brickwork.importing.airflow import (
    connection_of,
    entries_of,
    format_of,
    read_connections,
)
from brickwork.importing.airflow_types import ABSENT, DIALECTS
from brickwork.importing.model import CannotMap

DATA = Path(__file__).parent / "importing_data"
FILES = ["airflow.json", "airflow.yaml", "airflow-uri.env", "airflow-json.env"]


def entries(name: str, *, settings: bool = False) -> list[Entry]:
    """Read one of the exports."""
    data = (DATA / name).read_bytes()
    connections = read_connections(data, format_of(name, data), name)
    return entries_of(connections, settings=settings)


def run(vault: Vault, found: list[Entry], **options: Any) -> Import:
    """Plan an import and do it."""
    plan = plan_import(vault, "airflow", found, **options)
    apply_import(vault, plan)
    return plan


def one(vault: Vault, value: Any, conn_id: str = "c", *, settings: bool = False) -> list[Row]:
    """Import one connection."""
    return list(run(vault, entries_of({conn_id: value}, settings=settings)).rows)


@pytest.mark.parametrize("name", FILES)
def test_every_connection_with_a_block_arrives(memory_vault: Vault, name: str) -> None:
    """The same from each format."""
    plan = run(memory_vault, entries(name))
    load = memory_vault.load

    assert load("database-url/sales-eu") == DatabaseUrl(
        scheme="postgresql",
        host="db.example",
        port=5432,
        username="app@corp",
        password="fake/p@ss:1005?#%",
        database="sales",
        options={"sslmode": "require", "keepalives_idle": "30"},
    )
    assert load("database-url/shop", expect=DatabaseUrl).options == {"charset": "utf8"}
    assert json.loads(load("secret/shop-extra", expect=SecretBlock).reveal()) == {
        "ssl": {"ca": "/ca.pem", "key": "fake-key-1007"}
    }
    assert load("database-url/local_file", expect=DatabaseUrl).url().reveal() == (
        "sqlite:////srv/data/app.db"
    )
    assert load("database-url/mongo_srv", expect=DatabaseUrl).scheme == "mongodb+srv"
    assert load("basic-auth/billing_api") == BasicAuth(username="robot", password="fake-http-1008")
    assert load("settings/billing_api") == Settings(value={"url": "https://api.example.com:8443"})
    extra = load("secret/billing_api-extra", expect=SecretBlock).reveal()
    assert json.loads(extra) == {"X-Api-Key": "fake-header-1009"}
    assert load("settings/open_api") == Settings(value={"url": "https://open.example.com"})
    thing = {"conn_type": "generic", "host": "thing.example", "login": "someone"}
    assert load("settings/thing") == Settings(value=thing)
    assert load("secret/thing-password", expect=SecretBlock).reveal() == (
        "fake-generic-1010 {{ var.value.x }}"
    )
    assert load("secret/thing-extra", expect=SecretBlock).reveal() == "fake-not-json-1011"
    assert {row.source.partition(": ")[2] for row in plan.having("cannot map")} == {
        *("slack_ops", "smtp_out", "jump", "gcp"),
    }
    assert "fake" not in repr(plan.rows)


@pytest.mark.parametrize("name", FILES)
def test_credentials_of_aws_arrive(memory_vault: Vault, name: str) -> None:
    """Keys, region, endpoint and options; the default chain is empty credentials."""
    aws = pytest.importorskip("brickwork_aws")
    run(memory_vault, entries(name))
    assert memory_vault.load("aws-credentials/aws_prod") == aws.AwsCredentials(
        access_key_id="AKIAFAKEFAKEFAKE1001",
        secret_access_key="fake/aws+secret=1002",
        region="eu-west-1",
        endpoint_url="https://s3.example.com",
        client_options={"verify": False, "connect_timeout": 5, "max_attempts": 8},
    )
    assert memory_vault.load("aws-credentials/aws_default") == aws.AwsCredentials()
    assert memory_vault.load("aws-credentials/aws_role") == aws.AwsCredentials(
        access_key_id="AKIAFAKEFAKEFAKE1003",
        secret_access_key="fake-aws-secret-1004",
        assume_role={"role_arn": "arn:aws:iam::123456789012:role/fake"},
    )


def test_a_description_of_airflow_is_kept(memory_vault: Vault) -> None:
    """Where there is none, it says where the block comes from."""
    run(memory_vault, entries("airflow.json"))
    about = {d.name: d.notes.description for d in memory_vault.documents()}
    assert about["shop"] == "imported from airflow: mysql: shop"
    if "aws_prod" in about:
        assert about["aws_prod"] == "Reports are kept here"


def test_importing_twice_changes_nothing(memory_vault: Vault) -> None:
    """Also from another format."""
    run(memory_vault, entries("airflow.json", settings=True))
    before = [(str(d.address), d.saved_at) for d in memory_vault.documents()]
    for name in FILES:
        plan = run(memory_vault, entries(name, settings=True), overwrite=True)
        assert {row.action for row in plan.rows} == {"same"}
    assert [(str(d.address), d.saved_at) for d in memory_vault.documents()] == before


def test_as_settings_keeps_what_airflow_encrypts_sealed(memory_vault: Vault) -> None:
    """The password and all of extra are secrets; the rest is public."""
    plan = run(memory_vault, entries("airflow.json", settings=True))
    assert plan.having("cannot map") == []
    assert memory_vault.load("settings/gcp") == Settings(
        value={"conn_type": "google_cloud_platform"}
    )
    extra = memory_vault.load("secret/gcp-extra", expect=SecretBlock).reveal()
    assert json.loads(extra)["keyfile_dict"] == "fake-google-1015"
    public = "".join(json.dumps(document.fields) for document in memory_vault.documents())
    assert [n for n in range(1001, 1017) if str(n) in public] == [1001, 1003]  # ids of keys


# URIs


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("postgresql://u:p%40%2F@h:1/db", ("postgres", "u", "p@/", "h", 1, "db")),
        ("my-own-type://h", ("my_own_type", None, None, "h", None, None)),
        ("http://https://u:pp@h:8/x", ("http", "u", "pp", "https://h", 8, "x")),
        ("https://h%2Fpath/", ("https", None, None, "h/path", None, None)),
        ("sqlite://%2Ftmp%2FA.db", ("sqlite", None, None, "/tmp/A.db", None, None)),
        ("generic://Mixed.Case", ("generic", None, None, "Mixed.Case", None, None)),
        ("aws://@:99", ("aws", None, None, None, 99, None)),
        ("aws://:pp@", ("aws", None, "pp", None, None, None)),
        ("ftp://h/a%2Fb", ("ftp", None, None, "h", None, "a/b")),
        ("fake-type://", ("fake_type", None, None, None, None, None)),
    ],
)
def test_uris_are_read_as_airflow_reads_them(uri: str, expected: tuple[Any, ...]) -> None:
    """Percent-encoding, hyphens, a scheme of the host's own, parts that are missing."""
    found = connection_of("c", uri)
    password = found.password and found.password.reveal()
    assert (
        *(found.conn_type, found.login, password),
        *(found.host, found.port, found.schema),
    ) == expected


@pytest.mark.parametrize(
    ("query", "extra"),
    [
        ("a=1&b=", {"a": "1", "b": ""}),
        ("__extra__=%7B%22a%22%3A+%7B%22b%22%3A+%5B1%5D%7D%7D", {"a": {"b": [1]}}),
        ("url=http%3A%2F%2Fa%2F%3Fb", {"url": "http://a/?b"}),
    ],
)
def test_extra_comes_from_the_query(query: str, extra: dict[str, Any]) -> None:
    """As parameters, or as JSON in one of them."""
    found = connection_of("c", f"generic://h/?{query}").extra
    assert found is not None
    assert json.loads(found.reveal()) == extra


@pytest.mark.parametrize(
    "value",
    ["", "nothing", "://h", "a://b://c://d", "a://h:port", "a://[::1", 7, None, [], ["a", "b"]],
)
def test_what_is_no_connection_is_told(value: Any) -> None:
    """It hinders no other, and no value is in the reason."""
    with pytest.raises(CannotMap):
        connection_of("c", value)


def test_a_bad_connection_hinders_no_other(memory_vault: Vault) -> None:
    """The good ones are imported, the bad ones listed."""
    good = {"conn_type": "http", "host": "a.example"}
    bad = {"conn_type": "http", "passwort": "fake-secret-text"}
    plan = run(memory_vault, entries_of({"bad": bad, "worse": 3, "good": good}))
    assert [(row.source, row.action) for row in plan.rows] == [
        ("bad", "cannot map"),
        ("worse", "cannot map"),
        ("http: good", "create"),
    ]
    assert "fake" not in repr(plan.rows)


# Mapping


ROLE = "arn:aws:iam::123456789012:role/reports"


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        (
            {
                "role_arn": ROLE,
                "assume_role_kwargs": {
                    "ExternalId": "acme-42",
                    "DurationSeconds": 900,
                    "PolicyArns": [{"arn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}],
                    "Tags": [{"Key": "team", "Value": "data"}],
                    "TransitiveTagKeys": ["team"],
                },
            },
            {
                "assume_role": {
                    "role_arn": ROLE,
                    "external_id": "acme-42",
                    "duration_seconds": 900,
                    "policy_arns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"],
                    "tags": {"team": "data"},
                    "transitive_tag_keys": ["team"],
                }
            },
        ),
        (
            {"aws_account_id": "123456789012", "aws_iam_role": "reports", "external_id": "x1"},
            {"assume_role": {"role_arn": ROLE, "external_id": "x1"}},
        ),
        (
            {
                "role_arn": ROLE,
                "assume_role_method": "assume_role_with_web_identity",
                "assume_role_with_web_identity_federation": "file",
                "assume_role_with_web_identity_token_file": "/run/token",
            },
            {"web_identity": {"role_arn": ROLE, "token_file": "/run/token"}},
        ),
        (
            {
                "config_kwargs": {"signature_version": "unsigned"},
                "service_config": {"s3": {"endpoint_url": "https://s3.example.com"}},
            },
            {"anonymous": True, "endpoint_urls": {"s3": "https://s3.example.com"}},
        ),
        (
            {"config_kwargs": {"proxies": {"https": "http://u:fake-pass@p:1", "http": "http://p"}}},
            {"client_options": {"proxy": "http://u:fake-pass@p:1"}},
        ),
    ],
)
def test_what_airflow_says_of_aws_arrives(
    memory_vault: Vault, extra: dict[str, Any], expected: dict[str, Any]
) -> None:
    """Roles in each of its forms, endpoints of services, proxies, and nobody's credentials."""
    aws = pytest.importorskip("brickwork_aws")
    rows = one(memory_vault, {"conn_type": "aws", "extra": json.dumps(extra)})
    assert [row.action for row in rows] == ["create"]
    assert memory_vault.load("aws-credentials/c") == aws.AwsCredentials(**expected)
    assert "fake" not in repr(rows)


def test_a_role_is_not_imported_as_somebody_else(memory_vault: Vault) -> None:
    """Keys that only serve to assume a role in a way that is not here would be another identity."""
    google = {"assume_role_with_web_identity_federation": "google", "role_arn": ROLE}
    for extra in (
        {"assume_role_method": "assume_role_with_saml", "role_arn": ROLE},
        {"assume_role_method": "assume_role_with_web_identity", **google},
        {"role_arn": ROLE, "assume_role_kwargs": {"TokenCode": "123456"}},
    ):
        [row] = one(memory_vault, {"conn_type": "aws", "extra": json.dumps(extra)})
        assert row.action == "cannot map"
        assert next(iter(extra)) in row.reason or "assume_role_kwargs" in row.reason


def test_what_a_url_cannot_seal_goes_into_a_secret(memory_vault: Vault) -> None:
    """An unknown option of a database may be a secret, and options are public."""
    extra = {"sslmode": "require", "sslpassword": "fake-ssl-secret"}
    value = {"conn_type": "postgres", "host": "h", "extra": json.dumps(extra)}
    rows = one(memory_vault, value, "db")
    assert "extra.sslpassword" in rows[0].reason
    assert memory_vault.document("database-url/db").fields["options"] == {"sslmode": "require"}
    sealed = memory_vault.load("secret/db-extra", expect=SecretBlock).reveal()
    assert json.loads(sealed) == {"sslpassword": "fake-ssl-secret"}


def test_a_login_that_http_cannot_carry_is_told(memory_vault: Vault) -> None:
    """All of the connection is left out then, not a half of it."""
    value = {"conn_type": "http", "host": "h", "login": "a:b", "password": "fake-secret"}
    [row] = one(memory_vault, value)
    assert row.action == "cannot map"
    assert memory_vault.documents() == []
    rows = one(memory_vault, value, settings=True)
    assert [row.address for row in rows] == ["settings/c", "secret/c-password"]


def test_two_connections_that_would_be_one_block_are_a_conflict(memory_vault: Vault) -> None:
    """The first has the address, the second is told."""
    found = entries_of(
        {"a": {"conn_type": "generic", "extra": "fake-one"}, "a:": {"conn_type": "generic"}},
    )
    rows = run(memory_vault, found).rows
    assert [(row.address, row.action) for row in rows] == [
        ("settings/a", "create"),
        ("secret/a-extra", "create"),
        ("settings/a-", "create"),
    ]
    clash = entries_of({"b c": {"conn_type": "generic"}, "b/c": {"conn_type": "generic"}})
    assert [row.action for row in run(memory_vault, clash).rows] == ["create", "conflict"]


def test_the_tables_of_types_do_not_overlap() -> None:
    """What is mapped is not also called absent."""
    assert DIALECTS.keys().isdisjoint(ABSENT)


# Files


def test_env_files_of_deployments_are_read() -> None:
    """Comments, export, quotes, and the names of Airflow's variables."""
    text = b"""
# connections
export AIRFLOW_CONN_MY_DB='postgres://u:fake-pass@h/db'
AIRFLOW_CONN_API={"conn_type": "http", "host": "h"}
plain=http://a=b
"""
    found = read_connections(text, "env", "x.env")
    assert list(found) == ["my_db", "api", "plain"]
    assert connection_of("my_db", found["my_db"]).schema == "db"


@pytest.mark.parametrize(
    ("form", "data"),
    [
        ("json", b""),
        ("json", b"{"),
        ("json", b'{"a": {"conn_type": "htt'),
        ("json", b"[]"),
        ("json", b"NaN"),
        ("json", b'{"a": NaN}'),
        ("json", b"\xff\xfe{}"),
        ("json", b'{"a": "\\ud800"}'),
        ("json", b"[" * 100_000),
        ("json", b'{"a":' * 500 + b"1" + b"}" * 500),
        ("json", b'{"a": ' + b"9" * 10_000 + b"}"),
        ("yaml", b"a: &x 1\nb: *x"),
        ("yaml", b"a: !!python/object/apply:os.system [id]"),
        ("yaml", b"a: 1\na: 2"),
        ("yaml", b"- a"),
        ("yaml", b"a: [" * 1000),
        ("yaml", b""),
        ("env", b"no assignment"),
        ("env", b"a=1\na=2"),
        ("env", b"=x"),
        ("env", b"\xff=1"),
    ],
)
def test_a_file_that_is_none_is_an_error_with_a_type(form: Any, data: bytes) -> None:
    """Truncated, nested, of another shape, or with what is not allowed."""
    with pytest.raises((CorruptData, InvalidYaml)):
        read_connections(data, form, "file")


def test_a_million_entries_are_refused() -> None:
    """In each format, before anything is made of them."""
    lines = range(1_000_000)
    with pytest.raises(CorruptData, match="more than 50000 entries"):
        read_connections(b"\n".join(b"a%d=x" % n for n in lines), "env", "file")
    with pytest.raises(CorruptData, match="more than 50000 entries"):
        read_connections(b"{" + b",".join(b'"%d":0' % n for n in lines) + b"}", "json", "file")
