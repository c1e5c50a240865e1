"""AwsCredentials: what it takes, what it refuses, the clients it makes."""

import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from brickwork import BlockError, InvalidBlock, Secret, SecretExposed
from brickwork_aws import AwsCredentials, ClientOptions, S3Bucket, clients

KEYS: dict[str, Any] = {"access_key_id": "AKIAEXAMPLE", "secret_access_key": "sentinel-secret-1"}


def test_half_given_keys_are_refused_by_name() -> None:
    """One half of the keys is an error that names the half that lacks."""
    for name, value in KEYS.items():
        other = next(key for key in KEYS if key != name)
        with pytest.raises(InvalidBlock) as caught:
            AwsCredentials(**{name: value})
        assert f"{other} lacks" in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"session_token": "sentinel-token"}, "session_token is given without"),
        ({**KEYS, "profile": "prod"}, "leave out one"),
        ({**KEYS, "secret_access_key": "sentinel-secret-1\n"}, "spaces"),
        ({**KEYS, "secret_access_key": ""}, "empty"),
        ({**KEYS, "access_key_id": "AKIA EXAMPLE"}, "access_key_id"),
        ({"endpoint_url": "localhost:9000"}, "http://host:port"),
        ({"endpoint_url": "http://user:sentinel-pass@host"}, "without user"),
        ({"endpoint_url": "http://host:99999"}, "http://host:port"),
        ({"endpoint_url": "ftp://host"}, "http://host:port"),
        ({"region": "EU West"}, "region"),
        ({"profile": ""}, "profile"),
        ({"regoin": "eu-west-1"}, "regoin"),
        ({"client_options": {"read_timeout": 0}}, "read_timeout"),
        ({"client_options": {"retries": 3}}, "retries"),
        ({"client_options": {"verify": False, "ca_bundle": "/ca.pem"}}, "ca_bundle"),
        ({"client_options": {"proxy": ["http://u:sentinel-pass@proxy"]}}, "proxy"),
    ],
)
def test_what_does_not_fit_is_refused(fields: dict[str, Any], said: str) -> None:
    """Each refusal says what is wrong, and quotes no secret."""
    with pytest.raises(InvalidBlock) as caught:
        AwsCredentials(**fields)
    assert said in str(caught.value)
    assert "sentinel" not in str(caught.value)


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_text_is_taken_or_refused_without_quoting_it(key: str, endpoint: str) -> None:
    """Odd text in any field gives a block or an InvalidBlock, never another error."""
    for fields in ({**KEYS, "access_key_id": key}, {"endpoint_url": endpoint}, {"region": key}):
        said = ""
        try:
            AwsCredentials(**fields)
        except InvalidBlock as error:
            said = str(error)
        assert "sentinel-secret-1" not in said


def test_secrets_do_not_show() -> None:
    """Neither repr nor JSON nor a pickle has the keys or the proxy's password."""
    block = AwsCredentials(
        **KEYS,
        session_token="sentinel-token",
        client_options=ClientOptions(proxy=Secret("http://u:sentinel-pass@proxy")),
    )
    assert "sentinel" not in repr(block)
    with pytest.raises(SecretExposed):
        block.model_dump_json()
    with pytest.raises(SecretExposed):
        pickle.dumps(block)


def test_equal_blocks_share_a_client() -> None:
    """The same value and service give the same client; another value another one."""
    one, two = (
        AwsCredentials(**KEYS, region="eu-west-1"),
        AwsCredentials(**KEYS, region="eu-west-1"),
    )
    assert one.client("s3") is two.client("s3")
    assert one.client("s3") is not one.client("sqs")
    rotated = one.model_copy(update={"secret_access_key": "sentinel-secret-2"})
    assert rotated.client("s3") is not one.client("s3")


def test_threads_get_one_client() -> None:
    """Many threads that ask at once for a new client get the same one."""
    block = AwsCredentials(**KEYS, region="eu-west-3")
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda _: block.client("s3"), range(64)))
    assert len(found) == 64
    assert len(set(map(id, found))) == 1


def test_the_cache_of_clients_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many different blocks are used, only so many clients are kept: those used last."""
    monkeypatch.setattr(clients, "MAX_CLIENTS", 3)
    always = AwsCredentials(**KEYS, region="eu-west-9")
    first = always.client("sts")
    for number in range(5):
        AwsCredentials(**KEYS, region=f"eu-west-{number}").client("sts")
        assert always.client("sts") is first
    assert len(clients._clients) == 3
    assert len(clients._sessions) <= 3


def test_a_changed_environment_makes_a_new_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """boto3's default chain is read anew when AWS variables change."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAONE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "sentinel-secret-1")
    block = AwsCredentials(region="eu-west-1")
    assert _key_of(block.client("s3")) == "AKIAONE"
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATWO")
    assert _key_of(block.client("s3")) == "AKIATWO"


def test_options_reach_the_client(tmp_path: Path) -> None:
    """Every client option arrives in botocore's configuration."""
    options = ClientOptions(
        connect_timeout=1.5,
        read_timeout=2.5,
        max_attempts=7,
        retry_mode="adaptive",
        max_pool_connections=44,
        addressing_style="path",
        use_accelerate_endpoint=True,
        checksums="when_required",
        proxy=Secret("http://proxy.invalid:3128"),
        user_agent_extra="reports/1.0",
    )
    config = AwsCredentials(**KEYS, client_options=options).client("s3").meta.config
    assert (config.connect_timeout, config.read_timeout) == (1.5, 2.5)
    assert (config.retries["total_max_attempts"], config.retries["mode"]) == (7, "adaptive")
    assert config.max_pool_connections == 44
    assert config.s3["addressing_style"] == "path"
    assert config.s3["use_accelerate_endpoint"] is True
    assert config.request_checksum_calculation == "when_required"
    assert config.proxies == dict.fromkeys(["http", "https"], "http://proxy.invalid:3128")
    assert "reports/1.0" in config.user_agent_extra


def test_requests_are_retried_in_the_adaptive_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless it is said otherwise; the environment does not say it."""
    monkeypatch.setenv("AWS_RETRY_MODE", "legacy")
    for service in ("s3", "sqs"):
        retries = AwsCredentials(**KEYS, region="eu-west-1").client(service).meta.config.retries
        assert retries == {"total_max_attempts": 5, "mode": "adaptive"}


def test_profiles_are_read_from_the_shared_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A profile gives keys and region; one that does not exist is an error that says so."""
    config = tmp_path / "config"
    config.write_text(
        "[profile prod]\nregion = eu-north-1\n"
        "aws_access_key_id = AKIAPROD\naws_secret_access_key = sentinel-secret-1\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    client = AwsCredentials(profile="prod").client("sqs")
    assert (client.meta.region_name, _key_of(client)) == ("eu-north-1", "AKIAPROD")
    with pytest.raises(BlockError) as caught:
        AwsCredentials(profile="prdo").client("sqs")
    assert "prdo" in str(caught.value)
    assert caught.value.fix


def test_what_lacks_for_a_client_is_named() -> None:
    """No region, no such service: each is a BlockError with a fix."""
    for block, service in (
        (AwsCredentials(**KEYS), "sqs"),
        (AwsCredentials(**KEYS, region="eu-west-1"), "sqq"),
    ):
        with pytest.raises(BlockError) as caught:
            block.client(service)
        assert caught.value.fix
        assert "AKIAEXAMPLE" in str(caught.value)


def test_sessions_and_resources_are_new_each_time() -> None:
    """They are for one thread, so they are never shared."""
    block = AwsCredentials(**KEYS, region="eu-west-1", endpoint_url="http://127.0.0.1:9")
    assert block.session() is not block.session()
    assert block.session().region_name == "eu-west-1"
    one, two = block.resource("s3"), block.resource("s3")
    assert one is not two
    assert one.meta.client.meta.endpoint_url == "http://127.0.0.1:9"


def test_a_task_in_a_hurry_gets_shorter_timeouts() -> None:
    """What is left of a task's time bounds the client's time-outs, in a few steps."""
    block = AwsCredentials(**KEYS, region="eu-west-1")
    timeouts = [
        clients.client_for(block, "s3", seconds=left).meta.config.read_timeout
        for left in (0.0, 0.7, 1.5, 4.0, 33.0, 1000.0)
    ]
    assert timeouts == [1.0, 1.0, 2.0, 5.0, 60.0, 60.0]
    assert clients.client_for(block, "s3", seconds=None).meta.config.read_timeout == 60.0


def test_a_forked_child_makes_its_own_clients() -> None:
    """Connections of the parent are not used by a child of a pre-fork server."""
    client = AwsCredentials(**KEYS, region="eu-west-1").client("s3")
    child = os.fork()
    if child == 0:
        same = AwsCredentials(**KEYS, region="eu-west-1").client("s3") is client
        os._exit(1 if same else 0)
    assert os.waitpid(child, 0)[1] == 0


def test_discovery_and_blocks_import_no_boto3() -> None:
    """The plugin imports no model; making a block imports no boto3."""
    program = (
        "import sys\n"
        "import brickwork_aws.plugin as plugin\n"
        "names = {**plugin.brickwork_blocks(), **plugin.brickwork_tasks(),"
        " **plugin.brickwork_storages()}\n"
        "assert len(names) > 14, names\n"
        "assert not {'pydantic', 'boto3', 'botocore'} & set(sys.modules)\n"
        "from brickwork_aws import AwsCredentials, S3Bucket, s3_list\n"
        "AwsCredentials(access_key_id='a', secret_access_key='sentinel')\n"
        "assert S3Bucket(bucket='reports').url == 's3://reports'\n"
        "assert not {'boto3', 'botocore', 'urllib3'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("block", "ls"),
        ("block", "types"),
        ("block", "types", "aws-s3-bucket"),
        ("plugin", "ls"),
        ("task", "ls"),
        ("task", "show", "aws.athena_run_query"),
        ("aws", "policy", "aws.s3_read"),
    ],
)
def test_the_command_line_imports_no_boto3(arguments: tuple[str, ...]) -> None:
    """While it lists what there is; also blocks that are saved."""
    credentials = AwsCredentials(**KEYS, region="eu-west-1")
    credentials.save("prod")
    S3Bucket(bucket="reports", credentials=credentials).save("reports")
    program = (
        "import sys\n"
        "from brickwork.cli.app import run\n"
        f"code = run({list(arguments)!r})\n"
        "found = {'boto3', 'botocore', 'urllib3'} & set(sys.modules)\n"
        "sys.exit(f'{code} {found}' if code or found else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def _key_of(client: Any) -> str:
    return str(client._request_signer._credentials.access_key)


def test_no_public_name_is_a_module_s() -> None:
    """Importing a submodule sets an attribute of the package, which would hide the public name."""
    import brickwork_aws

    folder = Path(str(brickwork_aws.__file__)).parent
    modules = {path.stem for path in folder.iterdir()}
    assert "credentials" in modules
    assert not modules & set(brickwork_aws.__all__)
