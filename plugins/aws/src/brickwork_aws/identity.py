"""Looks at credentials from outside: is anybody there, and who are we?"""

from typing import TYPE_CHECKING, Any

from brickwork import BlockError, CheckReport, Finding
from brickwork_aws.clients import client_for, describe, region_of
from brickwork_aws.faults import STRANGER, about_credentials, code_of, status_of

if TYPE_CHECKING:
    from brickwork_aws.credentials import AwsCredentials

TIMEOUTS = (3.0, 5.0)
"""Seconds to connect and to read in a check."""


def quick_client(credentials: "AwsCredentials", service: str) -> Any:
    """Return a client for a check: it asks once, and gives up soon. Raises BlockError."""
    return client_for(credentials, service, timeouts=TIMEOUTS, attempts=1)


def check_credentials(credentials: "AwsCredentials") -> CheckReport:
    """See `AwsCredentials.check`."""
    try:
        source, region = _source(credentials), region_of(credentials)
    except Exception as error:  # noqa: BLE001  # a check never raises
        source = explain(error, "credentials", credentials)
    if credentials.anonymous:
        who = Finding("skipped", "identity", "Nobody's: what is public can be read.")
        return CheckReport((source, _region(region), who))
    if source.status == "failed":
        nothing = Finding("skipped", "identity", "Nothing to ask with.")
        return CheckReport((source, nothing))
    return CheckReport((source, _region(region), _identity(credentials, region)))


def _source(credentials: "AwsCredentials") -> Finding:
    """Tell where the keys come from."""
    if credentials.anonymous:
        return Finding("ok", "credentials", "none: nothing is signed")
    signer = quick_client(credentials, "s3")._request_signer  # noqa: SLF001  # shown nowhere else
    keys = signer._credentials  # noqa: SLF001  # as above
    if keys is None:
        return Finding(
            "failed",
            "credentials",
            "boto3 found none: not in the environment, the shared files or a role of this machine.",
            "Give access_key_id and secret_access_key, or a profile; or set AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY.",
        )
    keys.get_frozen_credentials()  # fetches what expires: the keys of a role, those of SSO
    source = "given here" if credentials.access_key_id else f"found by {keys.method}"
    return Finding("ok", "credentials", f"{source}, access key {keys.access_key}")


def _region(region: str | None) -> Finding:
    if region is None:
        return Finding(
            "warning",
            "region",
            "none is set; S3 works without, most services do not",
            "Set region, or AWS_DEFAULT_REGION.",
        )
    return Finding("ok", "region", region)


def _identity(credentials: "AwsCredentials", region: str | None) -> Finding:
    from brickwork_aws.permissions import says_refused

    what = "identity"
    if region is None:  # STS wants one, and any will do
        credentials = credentials.model_copy(update={"region": "us-east-1"})
    try:
        answer = quick_client(credentials, "sts").get_caller_identity()
        return Finding("ok", what, f"account {answer['Account']}, {answer['Arn']}")
    except Exception as error:  # noqa: BLE001  # a check never raises
        known = (
            isinstance(error, BlockError)
            or about_credentials(error, "") is not None
            or says_refused(str(error))
            or STRANGER in getattr(error, "response", {}).get("ResponseMetadata", ())
        )
        if not known and credentials.endpoint("sts") is not None:
            # It answered, and neither as STS nor that the keys are wrong: it is an S3 only.
            answered = f"it answered {code_of(error) or status_of(error) or type(error).__name__}"
            return Finding(
                "skipped",
                what,
                f"{credentials.endpoint('sts')} has no STS that tells who we are: {answered}",
                "Check a block that uses these credentials, such as aws-s3-bucket.",
            )
        return explain(error, what, credentials)


def explain(error: Exception, what: str, credentials: "AwsCredentials") -> Finding:
    """Turn an error into a finding that says what is wrong and what to do."""
    from botocore.exceptions import BotoCoreError, ClientError

    from brickwork_aws.errors import explained

    if isinstance(error, BlockError):
        return Finding("failed", what, error.what, error.fix)
    whose = describe(credentials)
    found = about_credentials(error, whose)
    if found is not None:
        return Finding("failed", what, found.what, found.fix)
    if isinstance(error, BotoCoreError | ClientError):
        shown = explained(error, credentials, "sts:GetCallerIdentity")
        return Finding("failed", what, shown.what, shown.fix)
    return Finding("failed", what, f"{whose}: {type(error).__name__}", "Look at the credentials.")
