"""Conformance of the tasks on DynamoDB, against moto."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import pytest

from brickwork import Task
from brickwork.testing import TaskContract
from brickwork_aws.credentials import AwsCredentials
from brickwork_aws.dynamodb import items, many
from brickwork_aws.generic import aws_call

ITEM = {"id": "a", "count": 1}


class _DynamodbTaskContract(TaskContract):
    name = ""

    @pytest.fixture
    def task(self) -> Task[..., Any]:
        """Return the task of the class's name."""
        module: Any = items if hasattr(items, self.name) else many
        found: Task[..., Any] = getattr(module, self.name)
        return found

    @pytest.fixture
    def table(self, s3_credentials: AwsCredentials) -> str:
        """Return the name of a table with one item."""
        name = f"table-{uuid4()}"
        aws_call(
            s3_credentials,
            "dynamodb",
            "create_table",
            TableName=name,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        items.dynamodb_put_item(s3_credentials, name, ITEM)
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

    name = "dynamodb_get_item"

    def arguments(self) -> Mapping[str, Any]:
        """The item that is there."""
        return {"key": {"id": "a"}}


class TestDynamodbPutItem(_DynamodbTaskContract):
    """dynamodb_put_item."""

    name = "dynamodb_put_item"

    def arguments(self) -> Mapping[str, Any]:
        """The item that is there."""
        return {"item": ITEM}


class TestDynamodbUpdateItem(_DynamodbTaskContract):
    """dynamodb_update_item."""

    name = "dynamodb_update_item"

    def arguments(self) -> Mapping[str, Any]:
        """What may be done twice."""
        return {"key": {"id": "a"}, "set": {"count": 2}}


class TestDynamodbDeleteItem(_DynamodbTaskContract):
    """dynamodb_delete_item."""

    name = "dynamodb_delete_item"

    def arguments(self) -> Mapping[str, Any]:
        """One that is not there."""
        return {"key": {"id": "b"}}


class TestDynamodbWaitForItem(_DynamodbTaskContract):
    """dynamodb_wait_for_item."""

    name = "dynamodb_wait_for_item"

    def arguments(self) -> Mapping[str, Any]:
        """The item that is there."""
        return {"key": {"id": "a"}, "having": {"count": 1}}

    @pytest.fixture
    def slow_call(self, s3_credentials: AwsCredentials, table: str) -> Mapping[str, Any]:
        """Return arguments for an item that does not come."""
        return {"credentials": s3_credentials, "table": table, "key": {"id": "b"}}


class TestDynamodbQuery(_DynamodbTaskContract):
    """dynamodb_query."""

    name = "dynamodb_query"

    def arguments(self) -> Mapping[str, Any]:
        """By the key."""
        return {"key": {"id": "a"}}


class TestDynamodbScan(_DynamodbTaskContract):
    """dynamodb_scan."""

    name = "dynamodb_scan"

    def arguments(self) -> Mapping[str, Any]:
        """All that is there, by two threads."""
        return {"segments": 2}


class TestDynamodbWriteItems(_DynamodbTaskContract):
    """dynamodb_write_items."""

    name = "dynamodb_write_items"

    def arguments(self) -> Mapping[str, Any]:
        """Two items."""
        return {"items": [ITEM, {"id": "b"}]}


class TestDynamodbReadItems(_DynamodbTaskContract):
    """dynamodb_read_items."""

    name = "dynamodb_read_items"

    def arguments(self) -> Mapping[str, Any]:
        """One that is there, and one that is not."""
        return {"keys": [{"id": "a"}, {"id": "b"}]}
