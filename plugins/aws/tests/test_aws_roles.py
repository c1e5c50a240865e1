"""Roles: what is asked of STS, chains, MFA, tokens, and credentials that are renewed in time."""

import base64
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from brickwork import BlockError, InvalidBlock, Secret
from brickwork_aws import AssumeRole, AwsCredentials, WebIdentity, roles
from brickwork_aws.testing import moto_server
from brickwork_aws.testing.sts import Sts

ROLE = "arn:aws:iam::123456789012:role/reports"
OTHER = "arn:aws:iam::210987654321:role/team/other"
SEED = base64.b32encode(b"12345678901234567890").decode()  # of the examples in RFC 6238


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
    assert _who(sts.credentials(role)).endswith("/ASIA0001")
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
    block = sts.credentials(AssumeRole(role_arn=ROLE))
    client = block.client("sts")
    assert sts.asked == []
    for _ in range(3):
        client.get_caller_identity()
    assert [each["Action"] for each in sts.asked] == ["AssumeRole", *["GetCallerIdentity"] * 3]


def test_a_chain_assumes_each_role_by_the_one_before(sts: Sts) -> None:
    """The second role is assumed with the credentials of the first."""
    block = sts.credentials(AssumeRole(role_arn=ROLE), AssumeRole(role_arn=OTHER))
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
    block = sts.credentials(AssumeRole(role_arn=OTHER), web_identity=identity)
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
    block = sts.credentials(role)
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
    block = sts.credentials(AssumeRole(role_arn=ROLE, mfa_serial="GAHT12345678"))
    with pytest.raises(BlockError, match="GAHT12345678") as caught:
        _who(block)
    assert "mfa_secret" in (caught.value.fix or "")


# What goes wrong


def test_a_role_that_refuses_is_named(sts: Sts) -> None:
    """The error says which role of which block, and what to do; no secret stands in it."""
    role = AssumeRole(role_arn="arn:aws:iam::123456789012:role/forbidden", external_id="ext-42")
    block = sts.credentials(role)
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
        _who(sts.credentials(web_identity=identity))


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
    block = sts.credentials(role)
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
