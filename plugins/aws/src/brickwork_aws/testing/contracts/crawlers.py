"""Conformance of the tasks on crawlers, against moto, where every crawl ends well at once.

moto does not know what a crawler did to the tables: that is answered in its place.
"""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from brickwork.testing import TaskContract
from brickwork_aws.credentials import AwsCredentials
from brickwork_aws.generic import aws_call
from brickwork_aws.jobs import crawlers
from brickwork_aws.testing.answering import answered
from brickwork_aws.testing.moto import crawlers_end
from brickwork_aws.testing.servers import AwsServer


def new_crawler(credentials: AwsCredentials) -> str:
    """Make a crawler, and return its name."""
    name = f"crawler-{secrets.token_hex(8)}"
    aws_call(
        credentials,
        "glue",
        "create_crawler",
        Name=name,
        Role="arn:aws:iam::123456789012:role/glue",
        DatabaseName="reports",
        Targets={"S3Targets": [{"Path": "s3://reports/daily/"}]},
    )
    return name


@contextmanager
def crawlers_measured(credentials: AwsCredentials, **metrics: float) -> Iterator[None]:
    """Answer in moto's place what a crawler did, until the block ends; to these credentials.

    Args:
        credentials: Whose.
        metrics: As ``GetCrawlerMetrics`` names them.
    """
    with answered(
        credentials, "glue", "GetCrawlerMetrics", lambda _: {"CrawlerMetricsList": [metrics]}
    ):
        yield


class _CrawlerContract(TaskContract):
    @pytest.fixture
    def arguments(self, s3_credentials: AwsCredentials) -> Mapping[str, Any]:
        """Return arguments to start a crawler with."""
        return {"credentials": s3_credentials, "crawler": new_crawler(s3_credentials)}

    @pytest.fixture
    def call(
        self, s3_server: AwsServer, arguments: Mapping[str, Any]
    ) -> Iterator[Mapping[str, Any]]:
        """Return those arguments, where crawls end."""
        with (
            crawlers_end(s3_server),
            crawlers_measured(arguments["credentials"], TablesCreated=1),
        ):
            yield arguments

    def same(self, one: Any, two: Any) -> bool:
        """Compare without the ids and times, which every crawl has anew."""
        if one is None:
            return two is None
        crawls = [replace(each, id="", after="", started_at=None) for each in (one, two)]
        return bool(crawls[0] == crawls[1])


class TestGlueStartCrawler(_CrawlerContract):
    """glue_start_crawler."""

    name = "aws.glue_start_crawler"


class TestGlueRunCrawler(_CrawlerContract):
    """glue_run_crawler."""

    name = "aws.glue_run_crawler"

    @pytest.fixture
    def slow_call(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return arguments of a crawl that does not end."""
        return arguments


class TestGlueWaitCrawler(_CrawlerContract):
    """glue_wait_crawler."""

    name = "aws.glue_wait_crawler"

    @pytest.fixture
    def call(
        self, s3_server: AwsServer, arguments: Mapping[str, Any]
    ) -> Iterator[Mapping[str, Any]]:
        """Return arguments for a crawl that ends well."""
        crawl = crawlers.glue_start_crawler(**arguments)
        credentials = arguments["credentials"]
        with crawlers_end(s3_server), crawlers_measured(credentials, TablesCreated=1):
            yield {"credentials": credentials, "crawl": crawl}

    @pytest.fixture
    def slow_call(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return arguments for a crawl that does not end."""
        crawl = crawlers.glue_start_crawler(**arguments)
        return {"credentials": arguments["credentials"], "crawl": crawl}


class TestGlueCancelCrawler(_CrawlerContract):
    """glue_cancel_crawler."""

    name = "aws.glue_cancel_crawler"

    @pytest.fixture
    def call(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return arguments for a crawl that runs the first time, and then is being stopped."""
        crawl = crawlers.glue_start_crawler(**arguments)
        return {"credentials": arguments["credentials"], "crawl": crawl}
