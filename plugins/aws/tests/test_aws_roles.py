"""Roles: what is asked of STS, chains, MFA, tokens, and credentials that are renewed in time."""

import base64
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from brickwork import BlockError, InvalidBlock, Secret
from brickwork_aws import AssumeRole, AwsCredentials, WebIdentity, roles
from brickwork_aws.testing import moto_server

ROLE = "arn:aws:iam::123456789012:role/reports"
OTHER = "arn:aws:iam::210987654321:role/team/other"
SEED = base64.b32encode(b"12345678901234567890").decode()  # of the examples in RFC 6238


class Sts(ThreadingHTTPServer):
    """Answers as STS does, by a clock that a test moves; refuses what a trust policy would.

    Attributes:
        asked: The parameters of each call.
        late: How far the clock was moved.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.asked: list[dict[str, str]] = []
        self.late = timedelta()
        self.ends: dict[str, datetime] = {}
        self.used_late: list[str] = []
        self.number = 0
        self.lock = threading.Lock()

    def now(self) -> datetime:
        """Return the time, here and at the caller's."""
        return datetime.now(UTC) + self.late

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.server_port}"

    def fresh(self, seconds: int) -> tuple[str, datetime]:
        """Return the access key and the end of new credentials."""
        with self.lock:
            self.number += 1
            key, ends = f"ASIA{self.number:04}", self.now() + timedelta(seconds=seconds)
            self.ends[key] = ends
            return key, ends


class _Answers(BaseHTTPRequestHandler):
    server: Sts

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        asked = {name: values[0] for name, values in parse_qs(body).items()}
        signed = self.headers.get("Authorization", "")
        key = signed.partition("Credential=")[2].partition("/")[0]
        asked["by"] = key
        action = asked["Action"]
        self.server.asked.append(asked)
        if key in self.server.ends and self.server.ends[key] <= self.server.now():
            self.server.used_late.append(key)
            self._say(403, _ERROR.format(code="ExpiredToken"))
        elif action == "GetCallerIdentity":
            self._say(200, _WHO.format(action=action, arn=f"arn:aws:sts::1:assumed-role/x/{key}"))
        elif asked.get("RoleArn", "").endswith("/forbidden"):
            self._say(403, _ERROR.format(code="AccessDenied"))
        else:
            new, ends = self.server.fresh(int(asked["DurationSeconds"]))
            end = ends.strftime("%Y-%m-%dT%H:%M:%SZ")
            self._say(200, _GIVEN.format(action=action, key=new, ends=end))

    def _say(self, status: int, text: str) -> None:
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


_GIVEN = """<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{action}Result>
<Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>sentinel-role-{key}</SecretAccessKey>
<SessionToken>sentinel-token-{key}</SessionToken><Expiration>{ends}</Expiration></Credentials>
</{action}Result></{action}Response>"""
_WHO = """<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{action}Result>
<Arn>{arn}</Arn><UserId>u</UserId><Account>123456789012</Account></{action}Result></{action}Response>"""
_ERROR = """<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error>
<Type>Sender</Type><Code>{code}</Code><Message>no</Message></Error></ErrorResponse>"""


@contextmanager
def _listening() -> Iterator[Sts]:
    with Sts() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()


@pytest.fixture
def sts(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sts]:
    """Return a loopback STS, whose clock is this package's."""
    with _listening() as server:
        monkeypatch.setattr(roles, "now", server.now)
        yield server


def _block(sts: Sts, *assumed: AssumeRole | dict[str, Any], **fields: Any) -> AwsCredentials:
    keys = {"access_key_id": "AKIAOWN", "secret_access_key": "sentinel-own"}
    if "web_identity" in fields:
        keys = {}
    return AwsCredentials(
        **keys, region="eu-west-1", endpoint_url=sts.url, assume_role=assumed, **fields
    )


def _who(block: AwsCredentials) -> str:
    return str(block.client("sts").get_caller_identity()["Arn"])


# What is asked


def test_everything_that_a_role_can_say_is_said(sts: Sts) -> None:
    """External id, duration, session policy, tags, identity: STS gets what the block has."""
    role = AssumeRole(
        role_arn=ROLE,
        session_name="nightly",
        external_id="ext-42",
        duration_seconds=7200,
        policy='{"Version":"2012-10-17","Statement":[]}',
        policy_arns=("arn:aws:iam::aws:policy/ReadOnlyAccess",),
        tags={"team": "data"},
        transitive_tag_keys=("team",),
        source_identity="alice",
    )
    assert _who(_block(sts, role)).endswith("/ASIA0001")
    asked = sts.asked[0]
    assert asked.pop("by") == "AKIAOWN"
    assert asked == {
        "Action": "AssumeRole",
        "Version": "2011-06-15",
        "RoleArn": ROLE,
        "RoleSessionName": "nightly",
        "DurationSeconds": "7200",
        "ExternalId": "ext-42",
        "Policy": '{"Version":"2012-10-17","Statement":[]}',
        "PolicyArns.member.1.arn": "arn:aws:iam::aws:policy/ReadOnlyAccess",
        "Tags.member.1.Key": "team",
        "Tags.member.1.Value": "data",
        "TransitiveTagKeys.member.1": "team",
        "SourceIdentity": "alice",
    }


def test_nothing_is_asked_before_it_is_needed(sts: Sts) -> None:
    """Making a client costs no call; the first request does, and the next ones do not."""
    block = _block(sts, AssumeRole(role_arn=ROLE))
    client = block.client("sts")
    assert sts.asked == []
    for _ in range(3):
        client.get_caller_identity()
    assert [each["Action"] for each in sts.asked] == ["AssumeRole", *["GetCallerIdentity"] * 3]


def test_a_chain_assumes_each_role_by_the_one_before(sts: Sts) -> None:
    """The second role is assumed with the credentials of the first."""
    block = _block(sts, AssumeRole(role_arn=ROLE), AssumeRole(role_arn=OTHER))
    assert _who(block).endswith("/ASIA0002")
    assert [(each["by"], each.get("RoleArn")) for each in sts.asked] == [
        ("AKIAOWN", ROLE),
        ("ASIA0001", OTHER),
        ("ASIA0002", None),
    ]


def test_one_role_needs_no_list(sts: Sts) -> None:
    """A mapping, as from YAML, does as well as a list of them."""
    block = AwsCredentials(assume_role={"role_arn": ROLE})
    assert block.assume_role == (AssumeRole(role_arn=ROLE),)


def test_a_token_is_read_each_time(sts: Sts, tmp_path: Path) -> None:
    """The platform renews the file; who assumes by it needs no keys and signs nothing."""
    file = tmp_path / "token"
    file.write_text("sentinel.jwt.one\n")
    identity = WebIdentity(role_arn=ROLE, token_file=str(file))
    block = _block(sts, AssumeRole(role_arn=OTHER), web_identity=identity)
    assert _who(block).endswith("/ASIA0002")
    assert sts.asked[0]["Action"] == "AssumeRoleWithWebIdentity"
    assert sts.asked[0]["WebIdentityToken"] == "sentinel.jwt.one"
    assert sts.asked[0]["by"] == ""
    file.write_text("sentinel.jwt.two\n")
    sts.late += timedelta(minutes=59)
    _who(block)
    tokens = [each["WebIdentityToken"] for each in sts.asked if "WebIdentityToken" in each]
    assert tokens == ["sentinel.jwt.one", "sentinel.jwt.two"]


@pytest.mark.parametrize(
    ("at", "code"),
    [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")],
)
def test_codes_are_those_of_the_standard(at: int, code: str) -> None:
    """The examples of RFC 6238, cut to the six digits that AWS takes."""
    assert roles.totp(base64.b32decode(SEED), at) == code


def test_a_device_is_asked_by_its_secret(sts: Sts) -> None:
    """The code of the moment goes with the device's name; the secret never leaves."""
    device = "arn:aws:iam::123456789012:mfa/alice"
    role = AssumeRole(role_arn=ROLE, mfa_serial=device, mfa_secret=Secret(SEED.lower()))
    block = _block(sts, role)
    _who(block)
    seed = base64.b32decode(SEED)
    near = {roles.totp(seed, sts.now().timestamp() - age) for age in (0, 30)}
    assert sts.asked[0]["SerialNumber"] == device
    assert sts.asked[0]["TokenCode"] in near
    assert SEED not in str(sts.asked)


def test_a_device_without_secret_needs_a_terminal(
    sts: Sts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nobody can be asked, the error names the device and says what to do."""
    monkeypatch.setattr("sys.stdin", None)
    block = _block(sts, AssumeRole(role_arn=ROLE, mfa_serial="GAHT12345678"))
    with pytest.raises(BlockError, match="GAHT12345678") as caught:
        _who(block)
    assert "mfa_secret" in (caught.value.fix or "")


# Time


def test_a_loop_of_two_hours_outlives_credentials_of_one(sts: Sts) -> None:
    """Each request is made with credentials that are valid still, and few are fetched."""
    block = _block(sts, AssumeRole(role_arn=ROLE))
    client = block.client("sts")
    for _ in range(24):
        client.get_caller_identity()
        assert block.client("sts") is client
        sts.late += timedelta(minutes=5)
    assert sts.used_late == []
    fetched = [each for each in sts.asked if each["Action"] == "AssumeRole"]
    assert 3 <= len(fetched) <= 4


def test_short_credentials_are_not_fetched_for_each_request(sts: Sts) -> None:
    """Credentials of a quarter of an hour serve for most of it."""
    client = _block(sts, AssumeRole(role_arn=ROLE, duration_seconds=900)).client("sts")
    for _ in range(30):
        client.get_caller_identity()
        sts.late += timedelta(minutes=1)
    assert sts.used_late == []
    assert len([each for each in sts.asked if each["Action"] == "AssumeRole"]) <= 4


def test_threads_fetch_once(sts: Sts) -> None:
    """Many threads that come when credentials have ended have them fetched once."""
    client = _block(sts, AssumeRole(role_arn=ROLE)).client("sts")
    for _ in range(2):
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: client.get_caller_identity(), range(32)))
        sts.late += timedelta(hours=2)
    assert sts.used_late == []
    assert len([each for each in sts.asked if each["Action"] == "AssumeRole"]) == 2


# What goes wrong


def test_a_role_that_refuses_is_named(sts: Sts) -> None:
    """The error says which role of which block, and what to do; no secret stands in it."""
    role = AssumeRole(role_arn="arn:aws:iam::123456789012:role/forbidden", external_id="ext-42")
    block = _block(sts, role)
    with pytest.raises(
        BlockError, match="role/forbidden cannot be assumed: AccessDenied"
    ) as caught:
        _who(block)
    assert "trust policy" in (caught.value.fix or "")
    assert "sentinel" not in f"{caught.value!r}{caught.value.__context__!r}"
    report = block.check()
    assert not report.ok
    assert "role/forbidden" in str(report)


def test_a_token_file_that_is_not_there_is_named(sts: Sts, tmp_path: Path) -> None:
    """The error names the file."""
    identity = WebIdentity(role_arn=ROLE, token_file=str(tmp_path / "gone"))
    with pytest.raises(BlockError, match="gone cannot be read"):
        _who(_block(sts, web_identity=identity))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"assume_role": {"role_arn": "reports"}}, "role_arn"),
        ({"assume_role": {"role_arn": ROLE, "session_name": "a b"}}, "session_name"),
        ({"assume_role": {"role_arn": ROLE, "duration_seconds": 60}}, "duration_seconds"),
        ({"assume_role": {"role_arn": ROLE, "policy": "allow"}}, "no JSON object"),
        ({"assume_role": {"role_arn": ROLE, "external_id": "ö"}}, "external_id"),
        ({"assume_role": {"role_arn": ROLE, "transitive_tag_keys": ["a"]}}, "no tag: a"),
        ({"assume_role": {"role_arn": ROLE, "mfa_secret": "SENTINEL"}}, "without mfa_serial"),
        (
            {"assume_role": {"role_arn": ROLE, "mfa_serial": "123456789", "mfa_secret": "1!"}},
            "no base32",
        ),
        (
            {"assume_role": [{"role_arn": ROLE}, {"role_arn": OTHER, "duration_seconds": 7200}]},
            "at most 3600",
        ),
        (
            {"web_identity": {"role_arn": ROLE, "token_file": "t"}, "profile": "p"},
            "leave out one",
        ),
    ],
)
def test_what_sts_would_refuse_is_refused_at_once(fields: dict[str, Any], said: str) -> None:
    """Before anything is saved or sent, with the field that is wrong, and no secret."""
    with pytest.raises(InvalidBlock) as caught:
        AwsCredentials(**fields)
    assert said in str(caught.value)
    assert "SENTINEL" not in str(caught.value)


# As a block, and against moto


def test_roles_are_saved_and_loaded(sts: Sts) -> None:
    """A block with roles comes back as it was, its device's secret with it."""
    role = AssumeRole(
        role_arn=ROLE, tags={"a": "b"}, mfa_serial="123456789", mfa_secret=Secret(SEED)
    )
    block = _block(sts, role)
    block.save("chained")
    loaded = AwsCredentials.load("chained")
    assert loaded == block
    assert _who(loaded).endswith("/ASIA0001")
    assert SEED not in repr(loaded)


def test_moto_lets_a_role_be_assumed() -> None:
    """Over the wire to moto, which knows users, keys and roles: we are the assumed role."""
    with moto_server(authenticate=True) as server:
        own = server.credentials()
        trust = (
            '{"Version":"2012-10-17","Statement":{"Effect":"Allow",'
            '"Principal":{"AWS":"arn:aws:iam::123456789012:user/admin"},"Action":"sts:AssumeRole"}}'
        )
        iam = own.client("iam")
        iam.create_role(RoleName="reports", AssumeRolePolicyDocument=trust)
        iam.put_role_policy(
            RoleName="reports",
            PolicyName="all",
            PolicyDocument='{"Version":"2012-10-17","Statement":'
            '{"Effect":"Allow","Action":"*","Resource":"*"}}',
        )
        block = own.model_copy(update={"assume_role": (AssumeRole(role_arn=ROLE),)})
        assert block.check().ok, block.check()
        assert "assumed-role/reports/brickwork" in _who(block)
        bucket = f"bucket-{server.pid}"
        block.client("s3").create_bucket(
            Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
        )
        names = [each["Name"] for each in block.client("s3").list_buckets()["Buckets"]]
        assert bucket in names
