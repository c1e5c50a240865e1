"""Conformance of the tasks on DynamoDB, against moto."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import pytest

from brickwork.testing import TaskContract
from brickwork_aws.credentials import AwsCredentials
from brickwork_aws.dynamodb import items
from brickwork_aws.generic import aws_call

KEY = {"customer": "c1", "order": 1742}
ITEM = {**KEY, "state": "open", "lines": 2}
OTHER = {"customer": "c1", "order": 1741, "state": "paid", "lines": 1}
NO_KEY = {"customer": "c1", "order": 1800}


def make_table(credentials: AwsCredentials) -> str:
    """Return the name of a new table of orders."""
    name = f"orders-{uuid4()}"
    aws_call(
        credentials,
        "dynamodb",
        "create_table",
        TableName=name,
        KeySchema=[
            {"AttributeName": "customer", "KeyType": "HASH"},
            {"AttributeName": "order", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "customer", "AttributeType": "S"},
            {"AttributeName": "order", "AttributeType": "N"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    return name


class _DynamodbTaskContract(TaskContract):
    @pytest.fixture
    def table(self, s3_credentials: AwsCredentials) -> str:
        """Return the name of a table with two items."""
        name = make_table(s3_credentials)
        for item in (ITEM, OTHER):
            items.dynamodb_put_item(s3_credentials, name, item)
        return name

    @pytest.fixture
    def call(self, s3_credentials: AwsCredentials, table: str) -> Mapping[str, Any]:
        """Return arguments for a table."""
        return {"credentials": s3_credentials, "table": table, **self.arguments()}

    def arguments(self) -> Mapping[str, Any]:
        """Return the arguments after the table."""
        raise NotImplementedError


class TestDynamodbGetItem(_DynamodbTaskContract):
    """dynamodb_get_item."""

    name = "aws.dynamodb_get_item"

    def arguments(self) -> Mapping[str, Any]:
        """The item that is there."""
        return {"key": KEY}


class TestDynamodbPutItem(_DynamodbTaskContract):
    """dynamodb_put_item."""

    name = "aws.dynamodb_put_item"

    def arguments(self) -> Mapping[str, Any]:
        """The item that is there."""
        return {"item": ITEM}


class TestDynamodbUpdateItem(_DynamodbTaskContract):
    """dynamodb_update_item."""

    name = "aws.dynamodb_update_item"

    def arguments(self) -> Mapping[str, Any]:
        """What may be done twice."""
        return {"key": KEY, "set": {"lines": 3}}


class TestDynamodbDeleteItem(_DynamodbTaskContract):
    """dynamodb_delete_item."""

    name = "aws.dynamodb_delete_item"

    def arguments(self) -> Mapping[str, Any]:
        """One that is not there."""
        return {"key": NO_KEY}


class TestDynamodbWaitForItem(_DynamodbTaskContract):
    """dynamodb_wait_for_item."""

    name = "aws.dynamodb_wait_for_item"

    def arguments(self) -> Mapping[str, Any]:
        """The item that is there."""
        return {"key": KEY, "having": {"lines": 2}}

    @pytest.fixture
    def slow_call(self, s3_credentials: AwsCredentials, table: str) -> Mapping[str, Any]:
        """Return arguments for an item that does not come."""
        return {"credentials": s3_credentials, "table": table, "key": NO_KEY}


class TestDynamodbQuery(_DynamodbTaskContract):
    """dynamodb_query."""

    name = "aws.dynamodb_query"

    def arguments(self) -> Mapping[str, Any]:
        """By the first part of the key."""
        return {"key": {"customer": "c1"}}


class TestDynamodbScan(_DynamodbTaskContract):
    """dynamodb_scan."""

    name = "aws.dynamodb_scan"

    def arguments(self) -> Mapping[str, Any]:
        """All that is there, by two threads."""
        return {"segments": 2}


class TestDynamodbWriteItems(_DynamodbTaskContract):
    """dynamodb_write_items."""

    name = "aws.dynamodb_write_items"

    def arguments(self) -> Mapping[str, Any]:
        """Two items."""
        return {"items": [ITEM, OTHER]}


class TestDynamodbReadItems(_DynamodbTaskContract):
    """dynamodb_read_items."""

    name = "aws.dynamodb_read_items"

    def arguments(self) -> Mapping[str, Any]:
        """One that is there, and one that is not."""
        return {"keys": [KEY, NO_KEY]}
