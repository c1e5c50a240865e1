"""The times in answers of AWS are read as botocore reads them, only sooner."""

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from botocore.utils import parse_timestamp as by_botocore
from hypothesis import given, strategies as st

from brickwork_aws import S3Bucket
from brickwork_aws.clients import parse_timestamp

_TIMES = st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1))  # made aware


@given(_TIMES)
def test_dates_of_headers_and_bodies_are_read_exactly(naive: datetime) -> None:
    """Both forms that S3 writes give the moment that they say, and not by botocore's slow way."""
    when = naive.replace(tzinfo=UTC)
    for text in (when.strftime("%Y-%m-%dT%H:%M:%S.000Z"), format_datetime(when, usegmt=True)):
        found = parse_timestamp(text)
        assert (found, found.tzinfo) == (when.replace(microsecond=0), UTC)


@pytest.mark.parametrize(
    "text",
    [
        "20261123T030405Z",
        "2026-11-23",
        "2026-11-23T03:04:05+01:00",
        "Mon, 23 Nov 2026 03:04:05 -0000",
        "1700000000",
        1700000000.5,
    ],
)
def test_other_forms_are_left_to_botocore(text: str) -> None:
    """What no service writes in S3, but others do, means what it means to botocore."""
    assert parse_timestamp(text) == by_botocore(text)


def test_nonsense_is_refused_as_by_botocore() -> None:
    """A text that is no time is no time."""
    with pytest.raises(ValueError, match="Invalid timestamp"):
        parse_timestamp("sometime")


@pytest.mark.server
def test_clients_use_it(s3_bucket: S3Bucket) -> None:
    """Their times have the time zone of this parser, not that of botocore's."""
    s3_bucket.write("a", b"")
    answer = s3_bucket.client().head_object(Bucket=s3_bucket.bucket, Key=s3_bucket.full_key("a"))
    assert answer["LastModified"].tzinfo is UTC
