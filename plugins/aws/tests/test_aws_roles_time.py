"""Credentials that end while a program runs: they are fetched anew, in time and not too often."""

import base64
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from botocore import credentials as botocore_credentials

from brickwork import BlockError, Scope, Secret
from brickwork.testing.task import no_waiting
from brickwork_aws import AssumeRole, AwsCredentials, AwsError, WebIdentity, sts_get_identity
from brickwork_aws.testing.sts import Sts

ROLE = "arn:aws:iam::123456789012:role/reports"
OTHER = "arn:aws:iam::210987654321:role/team/other"
THIRD = "arn:aws:iam::210987654321:role/third"
DEVICE = "arn:aws:iam::123456789012:mfa/{}"
SEED = Secret(base64.b32encode(b"12345678901234567890").decode())
STEP = timedelta(minutes=5)
TWO_HOURS = 24


class Platform:
    """What renews the token of an identity provider, by the clock of the test."""

    def __init__(self, sts: Sts, file: Path) -> None:
        self.sts, self.file = sts, file
        self.started = sts.now()
        self.renew()

    def renew(self) -> None:
        """Write the token of the half hour."""
        age = int((self.sts.now() - self.started) / timedelta(minutes=30))
        self.file.write_text(f"sentinel.jwt.{age}\n")


@pytest.fixture
def platform(sts: Sts, tmp_path: Path) -> Platform:
    """A platform such as EKS."""
    return Platform(sts, tmp_path / "token")


def _identity(platform: Platform) -> WebIdentity:
    return WebIdentity(role_arn=ROLE, token_file=str(platform.file))


def _device(name: str, arn: str = ROLE) -> AssumeRole:
    return AssumeRole(role_arn=arn, mfa_serial=DEVICE.format(name), mfa_secret=SEED)


Made = Callable[[Sts, Platform], AwsCredentials]
WAYS: dict[str, tuple[Made, int]] = {
    "a role": (lambda sts, _: sts.credentials(AssumeRole(role_arn=ROLE)), 1),
    "a chain": (
        lambda sts, _: sts.credentials(*(AssumeRole(role_arn=arn) for arn in (ROLE, OTHER, THIRD))),
        3,
    ),
    "a token": (lambda sts, p: sts.credentials(web_identity=_identity(p)), 1),
    "a token and a role": (
        lambda sts, p: sts.credentials(AssumeRole(role_arn=OTHER), web_identity=_identity(p)),
        2,
    ),
    "a device": (lambda sts, _: sts.credentials(_device("alice")), 1),
}


@pytest.mark.parametrize(("made", "roles"), WAYS.values(), ids=WAYS)
def test_a_loop_of_two_hours_outlives_credentials_of_one(
    sts: Sts, platform: Platform, made: Made, roles: int
) -> None:
    """Each call succeeds by keys that are valid still; each role is fetched three times, no more.

    Keys of 60 minutes are fetched anew when 15 are left: at 0, 45 and 90 minutes.
    """
    block = made(sts, platform)
    client = block.client("sts")
    keys = []
    for _ in range(TWO_HOURS):
        keys.append(sts_get_identity(block).arn.rpartition("/")[2])
        assert block.client("sts") is client
        sts.late += STEP
        platform.renew()
    assert sts.used_late == []
    assert len(sts.fetched()) == 3 * roles
    assert len(set(keys)) == 3


@pytest.mark.parametrize(("made", "roles"), WAYS.values(), ids=WAYS)
def test_threads_fetch_once_in_each_turn(
    sts: Sts, platform: Platform, made: Made, roles: int
) -> None:
    """Eight threads that all find the keys ended have each role fetched once, not eight times."""
    block = made(sts, platform)
    with ThreadPoolExecutor(8) as pool:
        for turn in range(1, 4):
            together = threading.Barrier(8)

            def ask(_: int, together: threading.Barrier = together) -> str:
                together.wait(30)
                return str(block.client("sts").get_caller_identity()["Arn"])

            assert len(set(pool.map(ask, range(8)))) == 1
            assert len(sts.fetched()) == turn * roles
            sts.late += timedelta(hours=2)
    assert sts.used_late == []


def test_the_token_of_the_moment_is_what_is_sent(sts: Sts, platform: Platform) -> None:
    """The file is read for each fetch: the platform has renewed it meanwhile."""
    block = sts.credentials(web_identity=_identity(platform))
    for _ in range(TWO_HOURS):
        sts_get_identity(block)
        sts.late += STEP
        platform.renew()
    sent = [each["WebIdentityToken"] for each in sts.fetched()]
    assert sent == ["sentinel.jwt.0", "sentinel.jwt.1", "sentinel.jwt.3"]


def test_all_clients_of_a_block_share_what_was_fetched(sts: Sts) -> None:
    """Of other time-outs and other services; and those of an equal block."""
    block, equal = (sts.credentials(AssumeRole(role_arn=ROLE)) for _ in range(2))
    sts_get_identity(block)
    with Scope("hurry", seconds=4):
        hurried = block.client("sts")
    assert hurried is not block.client("sts")
    hurried.get_caller_identity()
    sts_get_identity(equal)
    block.client("sqs")._request_signer._credentials.get_frozen_credentials()
    assert len(sts.fetched()) == 1


def test_short_credentials_are_not_fetched_for_each_request(sts: Sts) -> None:
    """Credentials of a quarter of an hour serve for most of it."""
    client = sts.credentials(AssumeRole(role_arn=ROLE, duration_seconds=900)).client("sts")
    for _ in range(30):
        client.get_caller_identity()
        sts.late += timedelta(minutes=1)
    assert sts.used_late == []
    assert len(sts.fetched()) == 3


def test_an_outage_of_sts_is_outlived(sts: Sts, caplog: pytest.LogCaptureFixture) -> None:
    """With 15 minutes left it is tried, and what is there goes on; below 10 it is an error."""
    once = {"max_attempts": 1}
    block = sts.credentials(AssumeRole(role_arn=ROLE), client_options=once)
    sts_get_identity(block)
    sts.down = True
    sts.late += timedelta(minutes=47)
    sts_get_identity(block)
    sts.late += timedelta(minutes=5)
    with no_waiting(), pytest.raises(AwsError, match="ServiceUnavailable"):
        sts_get_identity(block)
    sts.down = False
    sts_get_identity(block)
    assert len({each["by"] for each in sts.asked}) == 3
    assert "sentinel" not in caplog.text


# MFA


def test_a_code_is_used_once(sts: Sts) -> None:
    """AWS takes no code twice, so who needs a second one within 30 seconds waits for the next."""
    with no_waiting() as waits:
        sts_get_identity(sts.credentials(_device("bob"), _device("bob", OTHER)))
        sts_get_identity(sts.credentials(_device("bob"), session_token=None, region="eu-west-3"))
    codes = [each["TokenCode"] for each in sts.fetched()]
    assert len(set(codes)) == len(codes) == 3
    assert len(waits) == 2
    assert 0 < waits[0] <= 30 < waits[1] <= 60


def test_a_clock_that_was_set_back_is_not_waited_for(sts: Sts) -> None:
    """Of codes that are far ahead nothing is known to AWS."""
    sts.late += timedelta(days=1)
    sts_get_identity(sts.credentials(_device("carol")))
    sts.late -= timedelta(days=1)
    with no_waiting() as waits:
        sts_get_identity(sts.credentials(_device("carol", OTHER)))
    assert waits == []


def test_a_device_that_nobody_reads_ends_the_loop_by_an_error(
    sts: Sts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its code was typed in at the begin; when the terminal is gone, the error says what to do."""
    asked = []

    def typed(prompt: str) -> str:
        asked.append(prompt)
        return f"{len(asked):06}"

    monkeypatch.setattr("getpass.getpass", typed)
    monkeypatch.setattr("sys.stdin", _Terminal())
    block = sts.credentials(AssumeRole(role_arn=ROLE, mfa_serial=DEVICE.format("dora")))
    for _ in range(TWO_HOURS):
        sts_get_identity(block)
        sts.late += STEP
    assert len(asked) == 3
    monkeypatch.setattr("sys.stdin", None)
    sts.late += timedelta(hours=1)
    with pytest.raises(BlockError, match="wants a code of the MFA device") as caught:
        sts_get_identity(block)
    assert "mfa/dora" in caught.value.what
    assert "mfa_secret" in caught.value.fix
    assert sts.used_late == []


class _Terminal:
    def isatty(self) -> bool:
        """Somebody sits there."""
        return True


# What boto3 finds and renews by itself


@pytest.fixture
def botos_clock(sts: Sts, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let botocore's own credentials end by the clock of the test."""

    def remaining(self: Any) -> float:
        ends: datetime = self._expiry_time
        return (ends - sts.now()).total_seconds()

    known = botocore_credentials.RefreshableCredentials
    monkeypatch.setattr(known, "_seconds_remaining", remaining)
    monkeypatch.setattr(botocore_credentials, "_local_now", sts.now)


@pytest.mark.usefixtures("botos_clock")
def test_a_profile_with_a_role_is_renewed(
    sts: Sts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By botocore, from ~/.aws/config; the client that is kept has the new keys."""
    file = tmp_path / "config"
    file.write_text(
        "[profile own]\naws_access_key_id = AKIAOWN\naws_secret_access_key = sentinel-own\n"
        f"[profile reports]\nrole_arn = {ROLE}\nsource_profile = own\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(file))
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts.url)
    _two_hours(sts, AwsCredentials(profile="reports", region="eu-west-1"))


@pytest.mark.usefixtures("botos_clock")
def test_the_role_of_a_pod_is_renewed(
    sts: Sts, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On EKS nothing is given but the variables that the platform sets."""
    monkeypatch.setenv("AWS_ROLE_ARN", ROLE)
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(platform.file))
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts.url)
    _two_hours(sts, AwsCredentials(region="eu-west-1"))


class Machine(ThreadingHTTPServer):
    """What gives the role of a machine its keys: the agent of ECS, the metadata of EC2.

    Attributes:
        given: How often keys were given.
        refused: The paths that were asked for without the token that has to be shown.
    """

    daemon_threads = True

    def __init__(self, sts: Sts) -> None:
        super().__init__(("127.0.0.1", 0), _Metadata)
        self.sts = sts
        self.given = 0
        self.refused: list[str] = []

    def keys(self) -> str:
        """Return new ones, for an hour."""
        self.given += 1
        key, ends = self.sts.fresh(3600)
        fields = {"Code": "Success", "AccessKeyId": key, "SecretAccessKey": f"sentinel-{key}"}
        end = ends.strftime("%Y-%m-%dT%H:%M:%SZ")
        return json.dumps({**fields, "Token": f"sentinel-token-{key}", "Expiration": end})


class _Metadata(BaseHTTPRequestHandler):
    server: Machine

    def do_PUT(self) -> None:
        known = self.path == "/latest/api/token"
        self._say(200 if known else 404, "sentinel-imds" if known else "")

    def do_GET(self) -> None:
        if self.path == "/keys":
            shown = self.headers.get("Authorization") == "sentinel-ecs"
        else:
            shown = self.headers.get("X-aws-ec2-metadata-token") == "sentinel-imds"
        if not shown:
            self.server.refused.append(self.path)
            self._say(401, "")
        elif self.path.endswith("/security-credentials/"):
            self._say(200, "reports")
        else:
            self._say(200, self.server.keys())

    def _say(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def machine(sts: Sts) -> Iterator[Machine]:
    """Such a machine, by the clock of the test."""
    with Machine(sts) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.mark.usefixtures("botos_clock")
@pytest.mark.parametrize("where", ["ecs", "ec2"])
def test_the_role_of_a_machine_is_renewed(
    sts: Sts, machine: Machine, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """By the end of boto3's chain, where nothing at all is given; each shows the token it has."""
    url = f"http://127.0.0.1:{machine.server_port}"
    if where == "ecs":
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{url}/keys")
        monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "sentinel-ecs")
    else:
        monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", url)
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts.url)
    _two_hours(sts, AwsCredentials(region="eu-west-1"), lambda: machine.given)
    assert machine.refused == []
    assert {each["by"][:4] for each in sts.asked} == {"ASIA"}


def _two_hours(sts: Sts, block: AwsCredentials, fetched: Callable[[], int] | None = None) -> None:
    client = block.client("sts")
    for _ in range(TWO_HOURS):
        sts_get_identity(block)
        assert block.client("sts") is client
        sts.late += STEP
    assert sts.used_late == []
    assert (len(sts.fetched()) if fetched is None else fetched()) == 3
