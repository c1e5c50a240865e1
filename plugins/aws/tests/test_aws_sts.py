"""STS against moto: who credentials are, and the keys of a role."""

import datetime
import logging

import pytest
from botocore.stub import Stubber

from brickwork import InvalidArguments, mask
from brickwork_aws import (
    AwsCredentials,
    AwsDenied,
    AwsError,
    ClientOptions,
    StsIdentity,
    sts_assume_role,
    sts_get_identity,
)

ROLE = "arn:aws:iam::123456789012:role/reporting"


def test_credentials_know_who_they_are(s3_credentials: AwsCredentials) -> None:
    """With the account; keys that nobody has are an error."""
    found = sts_get_identity(s3_credentials)
    assert isinstance(found, StsIdentity)
    assert found.account == "123456789012"
    assert found.arn.startswith("arn:aws:")
    with Stubber(s3_credentials.client("sts")) as stubber:
        stubber.add_client_error("get_caller_identity", "InvalidClientTokenId", "", 403)
        with pytest.raises(AwsError, match="The access key does not exist"):
            sts_get_identity(s3_credentials)


def test_keys_of_a_role_are_that_role(s3_credentials: AwsCredentials) -> None:
    """Whoever has them; they work where the given ones did, and can be saved."""
    options = ClientOptions(max_attempts=2)
    given = s3_credentials.model_copy(update={"client_options": options})
    assumed = sts_assume_role(given, ROLE, session_name="nightly")
    found = sts_get_identity(assumed)
    assert found.arn == "arn:aws:sts::123456789012:assumed-role/reporting/nightly"
    assert (assumed.access_key_id or "").startswith("ASIA")
    assert assumed.session_token is not None
    assert assumed.region == given.region
    assert assumed.endpoint_url == given.endpoint_url
    assert assumed.client_options == options
    assumed.save("reporting")
    assert AwsCredentials.load("reporting") == assumed


def test_the_region_of_a_profile_stays(
    s3_credentials: AwsCredentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though the keys have no profile."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-south-1")
    given = s3_credentials.model_copy(update={"region": None})
    assert sts_assume_role(given, ROLE).region == "eu-south-1"


ANSWER = {
    "Credentials": {
        "AccessKeyId": "ASIAIOSFODNN7EXAMPLE",
        "SecretAccessKey": "a-secret-access-key",
        "SessionToken": "a-session-token",
        "Expiration": datetime.datetime(2026, 11, 23, tzinfo=datetime.UTC),
    }
}


def test_everything_is_asked_for(s3_credentials: AwsCredentials) -> None:
    """As botocore describes it; what is not given is left out. moto looks at none of it."""
    with Stubber(s3_credentials.client("sts")) as stubber:
        stubber.add_response(
            "assume_role",
            ANSWER,
            {
                "RoleArn": ROLE,
                "RoleSessionName": "nightly",
                "DurationSeconds": 900,
                "ExternalId": "acme-42",
                "Policy": "{}",
                "PolicyArns": [{"arn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}],
                "Tags": [{"Key": "team", "Value": "data"}],
                "TransitiveTagKeys": ["team"],
                "SourceIdentity": "ada",
                "SerialNumber": "arn:aws:iam::123456789012:mfa/ada",
                "TokenCode": "123456",
            },
        )
        sts_assume_role(
            s3_credentials,
            ROLE,
            session_name="nightly",
            duration_seconds=900,
            external_id="acme-42",
            policy="{}",
            policy_arns=["arn:aws:iam::aws:policy/ReadOnlyAccess"],
            tags={"team": "data"},
            transitive_tag_keys=["team"],
            source_identity="ada",
            mfa_serial="arn:aws:iam::123456789012:mfa/ada",
            mfa_code="123456",
        )
        expected = {"RoleArn": ROLE, "RoleSessionName": "brickwork", "DurationSeconds": 3600}
        stubber.add_response("assume_role", ANSWER, expected)
        sts_assume_role(s3_credentials, ROLE)
        stubber.assert_no_pending_responses()


def test_a_role_that_does_not_trust_is_said(s3_credentials: AwsCredentials) -> None:
    """With the permission; what is no ARN is not even sent."""
    said = "User: arn:aws:iam::1:user/a is not authorized to perform: sts:AssumeRole on resource: x"
    with Stubber(s3_credentials.client("sts")) as stubber:
        stubber.add_client_error("assume_role", "AccessDenied", said, 403)
        with pytest.raises(AwsDenied) as caught:
            sts_assume_role(s3_credentials, ROLE)
    assert "Allow sts:AssumeRole" in (caught.value.fix or "")
    with pytest.raises(InvalidArguments, match="sts:AssumeRole: RoleArn is shorter than 20"):
        sts_assume_role(s3_credentials, "reporting")


def test_keys_are_masked_before_botocore_logs_them(s3_credentials: AwsCredentials) -> None:
    """At the level DEBUG it logs whole answers."""
    logger = logging.getLogger("botocore.parsers")
    logged: list[str] = []

    def kept(record: logging.LogRecord) -> bool:
        logged.append(mask(record.getMessage()))
        return False

    level = logger.level
    logger.setLevel(logging.DEBUG)
    logger.addFilter(kept)
    try:
        assumed = sts_assume_role(s3_credentials, ROLE)
    finally:
        logger.removeFilter(kept)
        logger.setLevel(level)
    assert assumed.secret_access_key is not None
    assert assumed.session_token is not None
    text = "\n".join(logged)
    assert str(assumed.access_key_id) in text  # so the answer was logged
    assert assumed.secret_access_key.reveal() not in text
    assert assumed.session_token.reveal() not in text
