"""What credentials say of connections: endpoints, versions, certificates, and nobody's keys."""

import json
import re
import sys
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from botocore import UNSIGNED
from botocore.config import Config

from brickwork import BlockError, InvalidBlock, Secret, StorageError
from brickwork.testing.listening import Exchange, Reply, listening
from brickwork_aws import (
    AssumeRole,
    AwsCredentials,
    ClientOptions,
    S3Bucket,
    S3Denied,
    WebIdentity,
    clients,
    sts_assume_role,
    sts_get_identity,
)
from brickwork_aws.testing.sts import Sts

KEYS: dict[str, Any] = {"access_key_id": "AKIAEXAMPLE", "secret_access_key": "sentinel-secret-1"}
ROLE = "arn:aws:iam::123456789012:role/reports"


def _config(service: str = "s3", **options: Any) -> Any:
    return AwsCredentials(
        **KEYS, region="eu-west-1", client_options=ClientOptions(**options)
    ).client(service).meta.config  # fmt: skip


# Options


def test_options_of_certificates_and_proxies_arrive() -> None:
    """Those to trust, those to show, and those for the proxy."""
    config = _config(
        proxy=Secret("https://proxy.invalid:3128"),
        proxy_ca_bundle="/proxy.pem",
        proxy_client_cert="/own.pem",
        client_cert="/client.pem",
    )
    expected = {"proxy_ca_bundle": "/proxy.pem", "proxy_client_cert": "/own.pem"}
    assert config.proxies_config == expected
    assert config.client_cert == "/client.pem"
    both = _config(client_cert="/client.pem", client_key="/client.key")
    assert both.client_cert == ("/client.pem", "/client.key")


def test_options_of_s3_arrive() -> None:
    """How it signs, what it signs, and which region counts; of S3 alone."""
    given: dict[str, Any] = {"s3_signature_version": "s3", "payload_signing": True}
    given["use_arn_region"] = False
    config = _config(**given)
    assert config.signature_version == "s3"
    assert config.s3["use_arn_region"] is False
    assert config.s3["payload_signing_enabled"] is True
    assert _config("sqs", **given).signature_version == "v4"


def test_options_of_names_arrive(monkeypatch: pytest.MonkeyPatch) -> None:
    """The application's, and those that botocore would put before hosts."""
    config = _config(app_id="nightly", inject_host_prefix=False)
    assert config.user_agent_appid == "nightly"
    assert config.inject_host_prefix is False
    assert _config().inject_host_prefix is True
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    options = ClientOptions(ignore_configured_endpoint_urls=True)
    block = AwsCredentials(**KEYS, region="eu-west-1", client_options=options)
    assert block.client("sqs").meta.endpoint_url == "https://sqs.eu-west-1.amazonaws.com"


@pytest.mark.parametrize(
    ("given", "environment", "app"),
    [
        ({"app_id": "nightly"}, "theirs", " app/nightly"),
        ({}, "theirs", " app/theirs"),
        ({}, "", ""),
    ],
)
def test_requests_say_who_sends_them(
    given: dict[str, str], environment: str, app: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The SDK, Python, the application and what the user adds; the same in every request."""
    monkeypatch.setattr(clients, "_clients", {})
    monkeypatch.setattr(clients, "_sessions", OrderedDict())
    monkeypatch.setenv("AWS_SDK_UA_APP_ID", environment)
    asked: list[str] = []

    def serve(exchange: Exchange) -> Reply:
        exchange.body()
        asked.append(str(exchange.headers["User-Agent"]))
        return Reply(200)

    with listening(serve, Event()) as url:
        options = ClientOptions(user_agent_extra="reports/1.0", **given)
        block = AwsCredentials(**KEYS, region="eu-west-1", endpoint_url=url, client_options=options)
        for _ in range(2):
            block.client("s3").head_bucket(Bucket="bench")
    assert len(set(asked)) == 1
    sdk = rf"Boto3/\S+ Python/3\.\S+ \S+/\S+{app} Botocore/\S+"
    assert re.fullmatch(rf"{sdk} md/brickwork-aws reports/1\.0", asked[0])


def test_what_is_not_said_is_left_to_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """An option that has no value of its own does not hide the user's."""
    monkeypatch.setattr(clients, "_clients", {})  # a process reads these once
    monkeypatch.setenv("AWS_SDK_UA_APP_ID", "theirs")
    monkeypatch.setenv("AWS_DISABLE_HOST_PREFIX_INJECTION", "true")
    config = _config()
    assert config.user_agent_appid == "theirs"
    assert config.inject_host_prefix is False


def test_older_versions_of_apis_can_be_asked_for() -> None:
    """By service; of others the newest counts."""
    block = AwsCredentials(**KEYS, api_versions={"cloudfront": "2019-03-26"})
    assert block.client("cloudfront").meta.service_model.api_version == "2019-03-26"
    newest = AwsCredentials(**KEYS).client("cloudfront").meta.service_model.api_version
    assert newest != "2019-03-26"
    with pytest.raises(BlockError, match="1999-01-01"):
        block.model_copy(update={"api_versions": {"sqs": "1999-01-01"}}).client("sqs")


def test_each_option_of_botocore_is_answered_for() -> None:
    """The page says for each what it is called here, or where else it is set."""
    page = Path(__file__).parents[3] / "docs" / "aws" / "credentials.md"
    if not page.exists():
        pytest.skip("there is no documentation beside this package")
    text = page.read_text()
    for name in Config.OPTION_DEFAULTS:
        assert f"`{name}`" in text, f"{name}: say in {page.name} what becomes of it"


# Endpoints


def test_services_can_have_endpoints_of_their_own() -> None:
    """The one of the service counts before the one of all, and that before AWS's."""
    endpoints = {"s3": "http://127.0.0.1:1/", "sts": "http://127.0.0.1:2"}
    block = AwsCredentials(**KEYS, region="eu-west-1", endpoint_urls=endpoints)
    assert block.client("s3").meta.endpoint_url == "http://127.0.0.1:1"
    assert block.client("sqs").meta.endpoint_url == "https://sqs.eu-west-1.amazonaws.com"
    most = block.model_copy(update={"endpoint_url": "http://127.0.0.1:3"})
    assert most.endpoint("sts") == "http://127.0.0.1:2"
    assert most.client("sqs").meta.endpoint_url == "http://127.0.0.1:3"
    assert most.client("s3") is not block.client("sqs")


def test_roles_are_assumed_at_the_endpoint_of_sts(sts: Sts) -> None:
    """Where all else goes elsewhere; what is handed on keeps the endpoints."""
    block = sts.credentials(
        AssumeRole(role_arn=ROLE), endpoint_url=None, endpoint_urls={"sts": sts.url}
    )
    assert sts_get_identity(block).arn.endswith("/ASIA0001")
    handed = sts_assume_role(block, ROLE)
    assert handed.endpoint_urls == {"sts": sts.url}
    assert sts_get_identity(handed).arn.endswith("/ASIA0002")


def test_the_region_of_sts_can_be_another(sts: Sts) -> None:
    """A role's own, then that of the credentials."""
    near = AssumeRole(role_arn=ROLE, sts_region="ap-east-1")
    sts_get_identity(sts.credentials(near))
    assert sts.regions == ["ap-east-1", "eu-west-1"]


def test_the_token_file_may_be_that_of_the_platform(
    sts: Sts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A role of one's own by the token that EKS gives; without one, the error says what lacks."""
    block = sts.credentials(web_identity=WebIdentity(role_arn=ROLE))
    with pytest.raises(BlockError, match="no token") as caught:
        sts_get_identity(block)
    assert "AWS_WEB_IDENTITY_TOKEN_FILE" in caught.value.fix
    (tmp_path / "token").write_text("sentinel.jwt")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "token"))
    sts_get_identity(block)
    assert sts.fetched()[0]["WebIdentityToken"] == "sentinel.jwt"


def test_a_program_may_bring_the_keys(
    sts: Sts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A profile names it: what logs in by SAML and the like."""
    said = {"Version": 1, "AccessKeyId": "ASIASAML", "SecretAccessKey": "s", "SessionToken": "t"}
    program = tmp_path / "login.py"
    program.write_text(f"print({json.dumps(said)!r})")
    (tmp_path / "config").write_text(
        f"[profile sso]\ncredential_process = {sys.executable} {program}\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    block = sts.credentials(profile="sso")
    assert sts_get_identity(block).arn.endswith("/ASIASAML")


# Nobody's


def test_what_is_public_is_read_without_keys(
    s3_bucket: S3Bucket, monkeypatch: pytest.MonkeyPatch, lacks: Callable[[bool, str], None]
) -> None:
    """Also where there are keys in the environment; what is private is refused."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAOTHER")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "sentinel-other")
    own = s3_bucket.client()
    for key, acl in (("open", "public-read"), ("closed", "private")):
        own.put_object(Bucket=s3_bucket.bucket, Key=key, Body=b"data", ACL=acl)
    nobody = AwsCredentials(
        anonymous=True,
        endpoint_url=s3_bucket.credentials.endpoint_url,
        region=s3_bucket.credentials.region,
    )
    assert nobody.client("s3").meta.config.signature_version is UNSIGNED
    assert nobody.client("s3")._request_signer._credentials is None
    public = S3Bucket(bucket=s3_bucket.bucket, credentials=nobody)
    try:
        assert public.read("open") == b"data"
    except S3Denied as error:
        lacks(True, f"the ACL public-read: {error.what}")
        raise
    with pytest.raises(S3Denied, match="anonymous"):
        public.read("closed")
    with pytest.raises(StorageError, match="sign nothing"):
        public.presign("open")
    report = nobody.check()
    assert report.ok
    assert [each.status for each in report.findings] == ["ok", "ok", "skipped"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({**KEYS, "anonymous": True}, "anonymous is given with"),
        ({"profile": "prod", "anonymous": True}, "anonymous is given with"),
        ({"assume_role": {"role_arn": ROLE}, "anonymous": True}, "anonymous is given with"),
        ({"endpoint_urls": {"s3": "localhost"}}, "http://host:port"),
        ({"endpoint_urls": {"s3": "http://u:sentinel-pass@h"}}, "without user"),
        ({"client_options": {"client_key": "/k.pem"}}, "client_key is given without"),
        ({"client_options": {"s3_signature_version": "s3v5"}}, "s3_signature_version"),
        ({"client_options": {"app_id": "a b"}}, "app_id"),
        ({"assume_role": {"role_arn": ROLE, "sts_region": "EU West"}}, "sts_region"),
    ],
)
def test_what_does_not_fit_is_refused(fields: dict[str, Any], said: str) -> None:
    """Each refusal says what is wrong, and quotes no secret."""
    with pytest.raises(InvalidBlock) as caught:
        AwsCredentials(**fields)
    assert said in str(caught.value)
    assert "sentinel" not in str(caught.value)
