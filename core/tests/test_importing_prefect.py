"""What a Prefect server answered becomes blocks; what has none here is listed."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from brickwork import (
    CorruptData,
    DatabaseUrl,
    LocalStorage,
    OutboundFailed,
    OutboundRefused,
    SecretBlock,
    Settings,
    Vault,
    Webhook,
)
from brickwork.importing import Import, apply_import, plan_import
from brickwork.importing.prefect import entries_of, fetch_documents, read_documents
from brickwork.importing.prefect_types import ABSENT, TYPES
from brickwork.testing.loopback import LoopbackServer, Peer, Request, reply

ANSWER = Path(__file__).parent / "importing_data" / "prefect.json"
WITHOUT_BLOCK = {
    "slack-webhook/alerts",
    "github-credentials/github",
    "email-server-credentials/mail",
    "remote-file-system/remote",
    "acme-warehouse/wh",
    "webhook/ping",
    "local-file-system/relative",
}


@pytest.fixture
def documents() -> list[Any]:
    """The recorded answer."""
    return read_documents(ANSWER.read_bytes(), "prefect.json")


def run(vault: Vault, documents: list[Any], *, settings: bool = False, **options: Any) -> Import:
    """Plan an import and do it."""
    plan = plan_import(vault, "prefect", entries_of(documents, settings=settings), **options)
    apply_import(vault, plan)
    return plan


def outcomes(plan: Import) -> dict[str, str]:
    """Return source to action."""
    return {row.source: row.action for row in plan.rows}


def test_every_block_with_a_class_here_arrives(memory_vault: Vault, documents: list[Any]) -> None:
    """What the recorded server held is there, with the values that it had."""
    plan = run(memory_vault, documents)
    load = memory_vault.load

    assert {source for source, did in outcomes(plan).items() if did == "create"} == {
        row.source for row in plan.rows
    } - WITHOUT_BLOCK
    assert load("secret/api-token") == SecretBlock(value="fake-api-token-0001")
    assert json.loads(load("secret/as-json", expect=SecretBlock).reveal()) == {
        "user": "app",
        "password": "fake-json-pass-0002",
    }
    limits = {"limit": 5, "hosts": ["a", "b"], "text": "${env:HOME}"}
    assert load("settings/limits") == Settings(value=limits)
    assert load("settings/label") == Settings(value="nightly")
    assert load("settings/since") == Settings(value="2026-01-02T03:04:05Z")
    assert load("local-storage/flows") == LocalStorage(root=Path("/srv/flows"))
    assert load("webhook/deploys") == Webhook(
        url="https://hooks.example.com/services/fake-hook-0005",
        headers={"Authorization": "Bearer fake-header-0006"},
        allow_private=True,
    )
    assert load("database-url/sales") == DatabaseUrl(
        scheme="postgresql+psycopg2",
        host="db.example",
        port=5432,
        database="sales",
        username="app",
        password="fake-db-pass-0016/@:",
        options={"sslmode": "require"},
    )
    assert load("database-url/shop") == DatabaseUrl.from_url(
        "mysql+pymysql://app:fake-url-pass-0017@db.example/shop"
    )


def test_credentials_of_aws_arrive_with_their_client_options(
    memory_vault: Vault, documents: list[Any]
) -> None:
    """AwsCredentials, MinIOCredentials and buckets, with what is saved on its own as references."""
    aws = pytest.importorskip("brickwork_aws")
    run(memory_vault, documents)
    load = memory_vault.load

    prod: Any = load("aws-credentials/prod")
    assert prod == aws.AwsCredentials(
        access_key_id="AKIAFAKEFAKEFAKE0009",
        secret_access_key="fake-aws-secret-0010",
        region="eu-west-1",
        endpoint_url="https://s3.example.com",
        client_options={
            "verify": False,
            "connect_timeout": 5,
            "max_attempts": 8,  # here the first attempt counts too
            "retry_mode": "adaptive",
            "max_pool_connections": 20,
        },
    )
    assert load("aws-credentials/by-profile") == aws.AwsCredentials(profile="analytics")
    role = {"role_arn": "arn:aws:iam::123456789012:role/fake"}
    assert load("aws-credentials/by-role") == aws.AwsCredentials(profile="base", assume_role=role)
    minio: Any = load("aws-credentials/minio")
    assert minio == aws.AwsCredentials(
        access_key_id="fake-minio-user",
        secret_access_key="fake-minio-pass-0011",
        endpoint_url="http://127.0.0.1:9000",
    )
    reports: Any = load("aws-s3-bucket/reports")
    assert reports == aws.S3Bucket(bucket="reports", prefix="daily/eu", credentials=prod)
    assert [str(a) for a in memory_vault.document("aws-s3-bucket/reports").uses] == [
        "aws-credentials/prod"
    ]
    assert load("aws-s3-bucket/scratch") == aws.S3Bucket(bucket="scratch", credentials=minio)
    inline: Any = load("aws-s3-bucket/inline")
    assert inline.credentials.secret_access_key.reveal() == "fake-inline-secret-0013"
    assert memory_vault.document("aws-s3-bucket/inline").uses == ()


def test_what_has_no_block_is_listed_with_its_reason(
    memory_vault: Vault, documents: list[Any]
) -> None:
    """Source, reason and names of fields; no value."""
    plan = run(memory_vault, documents)
    rows = {row.source: row for row in plan.having("cannot map")}

    assert set(rows) == WITHOUT_BLOCK
    assert "Slack" in rows["slack-webhook/alerts"].reason
    assert rows["slack-webhook/alerts"].fields == ("notify_type", "url", "allow_private_urls")
    assert "posts" in rows["webhook/ping"].reason
    assert "absolute" in rows["local-file-system/relative"].reason
    assert "fake" not in repr(plan.rows)


def test_importing_twice_changes_nothing(memory_vault: Vault, documents: list[Any]) -> None:
    """The second time everything is there already, with and without settings."""
    run(memory_vault, documents, settings=True)
    before = [(str(d.address), d.saved_at) for d in memory_vault.documents()]
    plan = run(memory_vault, documents, settings=True)
    assert set(outcomes(plan).values()) == {"same"}
    assert plan.savings == ()
    plan = run(memory_vault, documents, settings=True, overwrite=True)
    assert set(outcomes(plan).values()) == {"same"}
    assert [(str(d.address), d.saved_at) for d in memory_vault.documents()] == before


def test_imported_blocks_say_where_they_come_from(
    memory_vault: Vault, documents: list[Any]
) -> None:
    """In their description, and in the audit trail."""
    run(memory_vault, documents)
    document = memory_vault.document("settings/limits")
    assert document.notes.description == "imported from prefect: json/limits"
    entries = [entry for entry in memory_vault.audit.entries() if entry.action == "import"]
    assert len(entries) == 17
    assert {"source": "prefect: json/limits"} in [entry.detail for entry in entries]


def test_text_that_looks_like_more_stays_text(memory_vault: Vault, documents: list[Any]) -> None:
    """Templates and references are kept literally, and the report says so."""
    plan = run(memory_vault, documents)
    reasons = {row.source: row.reason for row in plan.rows}

    assert memory_vault.load("secret/template") == SecretBlock(
        value="Dear {{ name }}, ${env:HOME} fake-0003"
    )
    assert memory_vault.load("settings/limits", expect=Settings)["text"] == "${env:HOME}"
    assert "value looks like a Jinja template" in reasons["secret/template"]
    assert "value.text has ${" in reasons["json/limits"]


def test_as_settings_keeps_the_rest_with_its_secrets_sealed(
    memory_vault: Vault, documents: list[Any]
) -> None:
    """What is secret by the schema or by its name is a secret; other blocks are named only."""
    plan = run(memory_vault, documents, settings=True)

    assert plan.having("cannot map") == []
    wh = memory_vault.load("settings/acme-warehouse-wh", expect=Settings).value
    assert wh == {"login": "aws-credentials/prod", "host": "wh.example", "options": {"pool": 5}}
    password = memory_vault.load("secret/acme-warehouse-wh-password", expect=SecretBlock)
    assert password.reveal() == "fake-wh-pass-0018"
    keys = memory_vault.load("secret/acme-warehouse-wh-keys", expect=SecretBlock)
    assert json.loads(keys.reveal()) == {"a": "fake-wh-key-0019"}
    public = "".join(json.dumps(document.fields) for document in memory_vault.documents())
    for number in range(1, 20):
        if number not in (9, 12):  # ids of keys, which are public
            assert f"{number:04}" not in public, number


def test_what_fits_no_field_falls_back_to_settings(
    memory_vault: Vault, documents: list[Any]
) -> None:
    """A known type whose values do not fit is kept too, with the reason."""
    plan = run(memory_vault, documents, settings=True, only=["relative"])
    [row] = plan.rows
    assert row.address == "settings/local-file-system-relative"
    assert "absolute" in row.reason
    assert memory_vault.load(row.address) == Settings(value={"basepath": "relative/folder"})


def test_a_document_without_a_schema_is_one_secret(memory_vault: Vault) -> None:
    """Nobody knows what is public in it, so nothing is."""
    document = {"id": "1", "name": "x", "block_type": {"slug": "odd"}, "data": {"a": "b-secret"}}
    run(memory_vault, [document], settings=True)
    assert memory_vault.load("secret/odd-x") == SecretBlock(value='{"a": "b-secret"}')


def test_only_takes_what_is_named_and_what_that_uses(
    memory_vault: Vault, documents: list[Any]
) -> None:
    """A bucket comes with its credentials."""
    pytest.importorskip("brickwork_aws")
    plan = run(memory_vault, documents, only=["s3-bucket/rep*"])
    assert [row.address for row in plan.rows] == ["aws-credentials/prod", "aws-s3-bucket/reports"]


def test_a_prefix_goes_before_every_name(memory_vault: Vault, documents: list[Any]) -> None:
    """Also of those that are referred to."""
    pytest.importorskip("brickwork_aws")
    run(memory_vault, documents, prefix="p3-")
    assert all(document.name.startswith("p3-") for document in memory_vault.documents())
    assert [str(a) for a in memory_vault.document("aws-s3-bucket/p3-reports").uses] == [
        "aws-credentials/p3-prod"
    ]


def test_a_conflict_leaves_what_is_there(memory_vault: Vault, documents: list[Any]) -> None:
    """Something else under a name stays, and what would use it is not imported."""
    aws = pytest.importorskip("brickwork_aws")
    memory_vault.save(aws.AwsCredentials(profile="mine"), "prod")
    plan = run(memory_vault, documents)

    assert outcomes(plan)["aws-credentials/prod"] == "conflict"
    assert outcomes(plan)["s3-bucket/reports"] == "cannot map"
    assert memory_vault.load("aws-credentials/prod") == aws.AwsCredentials(profile="mine")
    assert outcomes(plan)["s3-bucket/scratch"] == "create"


def test_overwrite_adds_a_version(memory_vault: Vault, documents: list[Any]) -> None:
    """The old version and the description stay; parents get the new child."""
    aws = pytest.importorskip("brickwork_aws")
    run(memory_vault, documents)
    memory_vault.save(aws.AwsCredentials(profile="mine"), "prod", overwrite=True)
    plan = run(memory_vault, documents, overwrite=True)

    assert {row.source for row in plan.having("update")} == {"aws-credentials/prod"}
    assert outcomes(plan)["s3-bucket/reports"] == "same"
    assert [d.version for d in memory_vault.history("aws-credentials/prod")] == [1, 2, 3]
    reports = memory_vault.load("aws-s3-bucket/reports", expect=aws.S3Bucket)
    assert reports.credentials.access_key_id == "AKIAFAKEFAKEFAKE0009"


def test_an_import_is_one_transaction(
    memory_vault: Vault, documents: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the last block cannot be written, none is."""
    memory_vault.save(SecretBlock(value="already here"), "own")
    store = type(memory_vault.store)
    put, calls = store.put, [0]

    def failing(self: Any, record: Any) -> None:
        calls[0] += 1
        if calls[0] == 17:
            raise RuntimeError("the disk is gone")
        put(self, record)

    monkeypatch.setattr(store, "put", failing)
    plan = plan_import(memory_vault, "prefect", entries_of(documents))
    with pytest.raises(RuntimeError, match="gone"):
        apply_import(memory_vault, plan)
    assert [str(d.address) for d in memory_vault.documents()] == ["secret/own@1"]
    assert all(saving.block.address is None for saving in plan.savings)
    monkeypatch.undo()
    apply_import(memory_vault, plan)
    assert len(memory_vault.documents()) == 18


def test_masked_values_are_not_taken_for_secrets(memory_vault: Vault, documents: list[Any]) -> None:
    """An export without include_secrets has asterisks, which must never be saved."""
    for document in documents:
        if document["name"] == "api-token":
            document["data"]["value"] = "********"
        if document["name"] == "deploys":
            document["data"]["headers"] = {"Authorization": "********"}
        if document["name"] == "wh":
            document["data"]["keys"] = {"a": "********"}
    plan = run(memory_vault, documents, settings=True)
    problems = {row.source: row.reason for row in plan.having("cannot map")}
    assert set(problems) == {"secret/api-token", "webhook/deploys", "acme-warehouse/wh"}
    assert all("without its secret" in reason for reason in problems.values())


def test_names_that_are_not_valid_here_are_translated(memory_vault: Vault) -> None:
    """With a note; two that become one are a conflict, and one without letters cannot be."""
    documents = [
        {"id": str(i), "name": name, "block_type": {"slug": "json"}, "data": {"value": i}}
        for i, name in enumerate(["a b", "a/b", "\u00e9t\u00e9", "???", "x" * 300])
    ]
    plan = run(memory_vault, documents)
    assert [(row.address, row.action) for row in plan.rows] == [
        ("settings/a-b", "create"),
        ("settings/a-b", "conflict"),
        ("settings/t-", "create"),
        ("", "cannot map"),
        (f"settings/{'x' * 100}", "create"),
    ]
    assert "called a-b here" in plan.rows[0].reason


def test_a_reference_to_what_is_not_in_the_file_is_told(
    memory_vault: Vault, documents: list[Any]
) -> None:
    """The parent is not imported with a copy of a child that is somewhere else."""
    part = [document for document in documents if document["name"] == "reports"]
    [row] = run(memory_vault, part).rows
    assert row.action == "cannot map"
    assert "aws-credentials/prod, which is not in the file" in row.reason


def test_blocks_that_refer_to_each_other_end(memory_vault: Vault, documents: list[Any]) -> None:
    """A circle in the file is a reason, not an endless loop."""
    [bucket] = [document for document in documents if document["name"] == "reports"]
    bucket["block_document_references"]["credentials"]["block_document"]["id"] = bucket["id"]
    [row] = run(memory_vault, [bucket]).rows
    assert row.action == "cannot map"


def test_the_tables_of_types_do_not_overlap() -> None:
    """What is mapped is not also called absent."""
    assert TYPES.keys().isdisjoint(ABSENT)


# From a server


def _pages(documents: list[Any], status: int = 200) -> Callable[[Peer, Request], None]:
    def serve(peer: Peer, asked: Request) -> None:
        wanted = json.loads(asked.body)
        assert wanted["include_secrets"] is True
        page = documents[wanted["offset"] : wanted["offset"] + wanted["limit"]]
        reply(status, json.dumps(page).encode())(peer, asked)

    return serve


def test_a_server_is_asked_page_by_page(documents: list[Any]) -> None:
    """All pages arrive, each request with the header that logs in."""
    many = [{**documents[0], "id": str(number)} for number in range(450)]
    with LoopbackServer(_pages(many)) as server:
        url = f"http://127.0.0.1:{server.port}/api/"
        found = fetch_documents(url, headers={"Authorization": "Bearer fake-key"})
    assert [document["id"] for document in found] == [str(number) for number in range(450)]
    assert {each.line for each in server.requests} == {"POST /api/block_documents/filter HTTP/1.1"}
    assert [each.headers["authorization"] for each in server.requests] == ["Bearer fake-key"] * 3


@pytest.mark.parametrize("status", [401, 403, 404, 500])
def test_a_server_that_refuses_is_an_error_with_the_way_out(status: int) -> None:
    """The status is named, and which variables log in."""
    with (
        LoopbackServer(_pages([], status)) as server,
        pytest.raises(OutboundFailed, match=str(status)) as caught,
    ):
        fetch_documents(f"http://127.0.0.1:{server.port}/api", headers={})
    assert "PREFECT_API_KEY" in caught.value.fix


@pytest.mark.parametrize("body", [b"<html>", b"{}", b"[", b'{"detail": "no"}', b""])
def test_something_else_than_prefect_is_an_error(body: bytes) -> None:
    """Whatever answers with 200, only an array of documents is taken."""
    with LoopbackServer(reply(200, body)) as server, pytest.raises(CorruptData):
        fetch_documents(f"http://127.0.0.1:{server.port}/api", headers={})


@pytest.mark.parametrize(
    "url", ["http://10.1.2.3/api", "https://10.1.2.3/api", "http://169.254.169.254/api", "ftp://a"]
)
def test_other_networks_need_to_be_allowed(url: str) -> None:
    """Only this machine is reached without a flag, and metadata services never are."""
    with pytest.raises(OutboundRefused):
        fetch_documents(url, headers={}, allow_http=url.startswith("http://169"))
