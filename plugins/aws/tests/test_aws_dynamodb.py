"""DynamoDB against moto: items, conditions, pages, batches, waiting."""

import secrets
import threading
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from botocore.stub import Stubber

from brickwork import InvalidArguments, Scope, TaskCancelled
from brickwork.testing.task import no_waiting
from brickwork_aws import (
    AwsConflict,
    AwsCredentials,
    AwsError,
    AwsNotFound,
    AwsTimeout,
    aws_call,
    dynamodb_delete_item,
    dynamodb_get_item,
    dynamodb_put_item,
    dynamodb_query,
    dynamodb_read_items,
    dynamodb_scan,
    dynamodb_update_item,
    dynamodb_wait_for_item,
    dynamodb_write_items,
)
from brickwork_aws.dynamodb.expressions import Expressions
from brickwork_aws.dynamodb.values import sent_item

STUBBED = "dynamodb"
KEY = {"customer": "c1", "day": 1}


@pytest.fixture
def table(s3_credentials: AwsCredentials) -> str:
    """A fresh table with a partition key, a sort key and an index by state."""
    name = f"table-{secrets.token_hex(8)}"
    schema = [
        {"AttributeName": "customer", "KeyType": "HASH"},
        {"AttributeName": "day", "KeyType": "RANGE"},
    ]
    by_state = {
        "IndexName": "by-state",
        "KeySchema": [{"AttributeName": "state", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "KEYS_ONLY"},
    }
    aws_call(
        s3_credentials,
        "dynamodb",
        "create_table",
        TableName=name,
        KeySchema=schema,
        AttributeDefinitions=[
            {"AttributeName": "customer", "AttributeType": "S"},
            {"AttributeName": "day", "AttributeType": "N"},
            {"AttributeName": "state", "AttributeType": "S"},
        ],
        GlobalSecondaryIndexes=[by_state],
        BillingMode="PAY_PER_REQUEST",
    )
    return name


@pytest.fixture
def asked(s3_credentials: AwsCredentials) -> Iterator[list[dict[str, Any]]]:
    """The parameters of each request, in order, with the operation's name."""
    requests: list[dict[str, Any]] = []
    lock = threading.Lock()

    def note(params: dict[str, Any], model: Any, **_: Any) -> None:
        with lock:
            requests.append({"operation": model.name, **params})

    events = s3_credentials.client("dynamodb").meta.events
    events.register("before-parameter-build.dynamodb", note)
    yield requests
    events.unregister("before-parameter-build.dynamodb", note)


# Single items


def test_an_item_comes_back_as_it_was(s3_credentials: AwsCredentials, table: str) -> None:
    """Of every type that there is; a number as int or Decimal, by whether it has a fraction."""
    item = {
        **KEY,
        "text": "täxt",
        "empty": "",
        "yes": True,
        "nothing": None,
        "bytes": b"\x00\xff",
        "big": 10**37,
        "exact": Decimal("19.99"),
        "list": [1, "a", None, [False], {"in": b"x"}],
        "map": {"deep": {"er": Decimal("0.5")}},
        "texts": {"a", "b"},
        "numbers": {1, Decimal("2.5")},
        "blobs": {b"a", b"b"},
    }
    assert dynamodb_put_item(s3_credentials, table, item) is None
    found = dynamodb_get_item(s3_credentials, table, KEY)
    assert found == item
    assert found is not None
    assert {name: type(value) for name, value in found.items()} == {
        name: type(value) for name, value in item.items()
    }
    assert {type(each) for each in found["blobs"]} == {bytes}


def test_an_item_that_is_not_there(s3_credentials: AwsCredentials, table: str) -> None:
    """Is None; a table that is not there is an error."""
    assert dynamodb_get_item(s3_credentials, table, KEY, consistent=True) is None
    assert dynamodb_delete_item(s3_credentials, table, KEY) is None
    with pytest.raises(AwsNotFound, match="dynamodb:GetItem"):
        dynamodb_get_item(s3_credentials, "no-such-table", KEY)


def test_only_some_attributes_are_read(s3_credentials: AwsCredentials, table: str) -> None:
    """By paths, also of words that DynamoDB reserves, and of names with a dot."""
    item = {**KEY, "name": {"first": "Ada", "last": "L"}, "size": [1, 2, 3], "a.b": 5}
    dynamodb_put_item(s3_credentials, table, item)
    # moto knows no place in a list here; test_aws_dynamodb_values tests what is sent.
    wanted = ["name.last", "size", r"a\.b"]
    found = dynamodb_get_item(s3_credentials, table, KEY, attributes=wanted)
    assert found == {"name": {"last": "L"}, "size": [1, 2, 3], "a.b": 5}


def test_put_gives_what_it_replaces(s3_credentials: AwsCredentials, table: str) -> None:
    """And delete what it deletes."""
    dynamodb_put_item(s3_credentials, table, {**KEY, "state": "old"})
    assert dynamodb_put_item(s3_credentials, table, {**KEY, "state": "new"}) == {
        **KEY,
        "state": "old",
    }
    assert dynamodb_delete_item(s3_credentials, table, KEY) == {**KEY, "state": "new"}
    assert dynamodb_get_item(s3_credentials, table, KEY) is None


@pytest.mark.parametrize("attributes", [0, 200])
def test_an_item_is_written_only_where_none_is(
    s3_credentials: AwsCredentials, table: str, attributes: int
) -> None:
    """By its key alone, however many attributes it has, and others than the one there."""
    item = {**KEY, "yes": True, **{f"a{number}": number for number in range(attributes)}}
    dynamodb_put_item(s3_credentials, table, item, if_absent=True)
    with pytest.raises(AwsConflict, match="dynamodb:PutItem: ConditionalCheckFailed"):
        dynamodb_put_item(s3_credentials, table, {**KEY, "other": 1}, if_absent=True)
    dynamodb_put_item(s3_credentials, table, {**item, "day": 2}, if_absent=True)
    assert dynamodb_get_item(s3_credentials, table, KEY) == item


def test_conditions_guard_every_change(s3_credentials: AwsCredentials, table: str) -> None:
    """As values of attributes, and as expressions with values and names."""
    dynamodb_put_item(s3_credentials, table, {**KEY, "version": 1, "size": 5})
    wrong: dict[str, Any] = {"version": 2}
    with pytest.raises(AwsConflict):
        dynamodb_put_item(s3_credentials, table, KEY, condition=wrong)
    with pytest.raises(AwsConflict):
        dynamodb_update_item(s3_credentials, table, KEY, set={"a": 1}, condition=wrong)
    with pytest.raises(AwsConflict):
        dynamodb_delete_item(s3_credentials, table, KEY, condition=wrong)
    expression = "#s < :most OR #s = :most"
    names = {"#s": "size"}
    with pytest.raises(AwsConflict):
        dynamodb_update_item(
            s3_credentials,
            table,
            KEY,
            remove=["version"],
            condition=expression,
            values={"most": 4},
            names=names,
        )
    found = dynamodb_update_item(
        s3_credentials,
        table,
        KEY,
        set={"version": 2},
        condition=expression,
        values={":most": 5},
        names=names,
    )
    assert found == {**KEY, "version": 2, "size": 5}
    assert dynamodb_delete_item(s3_credentials, table, KEY, condition={"version": 2, "size": 5})


def test_an_update_sets_adds_and_removes(s3_credentials: AwsCredentials, table: str) -> None:
    """By paths, of names that are reserved words; it makes an item that is not there."""
    assert dynamodb_update_item(s3_credentials, table, KEY, add={"count": 1}) == {**KEY, "count": 1}
    dynamodb_update_item(
        s3_credentials, table, KEY, set={"address": {"city": "Rome", "zip": "1"}, "old": 1}
    )
    found = dynamodb_update_item(
        s3_credentials,
        table,
        KEY,
        set={"address.city": "Paris", "status": None},
        add={"count": 2.5, "tags": {"a"}},
        remove=["address.zip", "old"],
    )
    assert found == {
        **KEY,
        "address": {"city": "Paris"},
        "status": None,
        "count": Decimal("3.5"),
        "tags": {"a"},
    }
    with pytest.raises(InvalidArguments, match="Nothing is to change"):
        dynamodb_update_item(s3_credentials, table, KEY, set={})


# Queries and scans


@pytest.fixture
def filled(s3_credentials: AwsCredentials, table: str) -> str:
    """A table with days 0 to 29 of c1, and one of c2."""
    items = [{"customer": "c1", "day": day, "state": f"s{day % 3}"} for day in range(30)]
    dynamodb_write_items(s3_credentials, table, [*items, {"customer": "c2", "day": 7}])
    return table


def days(items: list[dict[str, Any]]) -> list[int]:
    """Return the days of items."""
    return [item["day"] for item in items]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (3, [3]),
        ({"=": 3}, [3]),
        ({"<": 2}, [0, 1]),
        ({"<=": 2}, [0, 1, 2]),
        ({">": 27}, [28, 29]),
        ({">=": 27.5}, [28, 29]),
        ({"between": [4, 6]}, [4, 5, 6]),
    ],
)
def test_a_query_by_comparisons(
    s3_credentials: AwsCredentials, filled: str, wanted: Any, expected: list[int]
) -> None:
    """Of the sort key; sorted by it, or the other way."""
    key = {"customer": "c1", "day": wanted}
    assert days(dynamodb_query(s3_credentials, filled, key)) == expected
    found = dynamodb_query(s3_credentials, filled, key, descending=True)
    assert days(found) == expected[::-1]


def test_a_query_by_an_expression(s3_credentials: AwsCredentials, filled: str) -> None:
    """With values and names, and a filter."""
    found = dynamodb_query(
        s3_credentials,
        filled,
        "customer = :c AND #d < :d",
        values={"c": "c1", "d": 7},
        names={"#d": "day"},
        filter={"state": "s1"},
        attributes=["day"],
    )
    assert found == [{"day": 1}, {"day": 4}]


@pytest.mark.parametrize("wanted", [{"<>": 3}, {"between": [1]}, {"between": 1}, {"OR 1 = 1": 3}])
def test_another_comparison_is_refused(
    s3_credentials: AwsCredentials, filled: str, wanted: Any
) -> None:
    """It never gets into an expression."""
    with pytest.raises(InvalidArguments, match=r"day: .* is no comparison of keys"):
        dynamodb_query(s3_credentials, filled, {"customer": "c1", "day": wanted})


def test_an_index_is_queried_and_begins_with(s3_credentials: AwsCredentials, filled: str) -> None:
    """An index gives what it has; texts can be compared by how they begin."""
    found = dynamodb_query(s3_credentials, filled, {"state": "s1"}, index="by-state")
    assert sorted(days(found)) == list(range(1, 30, 3))
    made = Expressions()
    assert made.key({"a": {"begins_with": "x"}}) == "begins_with(#_0, :_0)"
    with pytest.raises(AwsError, match="dynamodb:Query"):
        dynamodb_query(s3_credentials, filled, {"state": "s1"}, index="no-such-index")


def test_pages_are_read_to_the_end(
    s3_credentials: AwsCredentials, table: str, asked: list[dict[str, Any]]
) -> None:
    """What is larger than a page, 1 MB, comes whole; a limit ends it early."""
    items = [{"customer": "c1", "day": day, "blob": "x" * 200_000} for day in range(12)]
    dynamodb_write_items(s3_credentials, table, items)
    asked.clear()
    assert len(dynamodb_query(s3_credentials, table, {"customer": "c1"})) == 12
    assert len(asked) >= 3
    assert len(dynamodb_scan(s3_credentials, table, filter={"day": 11})) == 1
    asked.clear()
    assert days(dynamodb_query(s3_credentials, table, {"customer": "c1"}, limit=2)) == [0, 1]
    assert len(dynamodb_scan(s3_credentials, table, limit=3)) == 3
    assert len(asked) == 2
    assert dynamodb_query(s3_credentials, table, {"customer": "c1"}, limit=0) == []
    assert dynamodb_scan(s3_credentials, table, limit=0) == []


@pytest.mark.parametrize("segments", [1, 4])
def test_a_scan_reads_everything_once(
    s3_credentials: AwsCredentials, filled: str, asked: list[dict[str, Any]], segments: int
) -> None:
    """In one go, or in segments at once."""
    found = dynamodb_scan(s3_credentials, filled, segments=segments)
    assert sorted(days(found)) == sorted([*range(30), 7])
    segment = {each.get("Segment") for each in asked}
    assert segment == ({None} if segments == 1 else {0, 1, 2, 3})
    filtered = dynamodb_scan(
        s3_credentials,
        filled,
        filter="begins_with(#s, :n)",
        values={"n": "s"},
        names={"#s": "state"},
        segments=segments,
        limit=5,
    )
    assert len(filtered) == 5
    with pytest.raises(InvalidArguments, match="segments is 65"):
        dynamodb_scan(s3_credentials, filled, segments=65)


def test_a_segment_that_fails_ends_the_scan(s3_credentials: AwsCredentials) -> None:
    """With its error, and not with what the others have found."""
    with pytest.raises(AwsNotFound, match="dynamodb:Scan"):
        dynamodb_scan(s3_credentials, "no-such-table", segments=3)


@pytest.mark.parametrize("segments", [1, 3])
def test_a_scan_is_cancelled_between_pages(
    s3_credentials: AwsCredentials, filled: str, segments: int
) -> None:
    """In each of its threads."""
    events = s3_credentials.client("dynamodb").meta.events
    with Scope("job") as scope:

        def cancel(**_: Any) -> None:
            scope.cancel()

        events.register("after-call.dynamodb.Scan", cancel)
        try:
            with pytest.raises(TaskCancelled):
                dynamodb_scan(s3_credentials, filled, segments=segments)
        finally:
            events.unregister("after-call.dynamodb.Scan", cancel)


# Batches


def test_many_items_are_written_and_read(s3_credentials: AwsCredentials, table: str) -> None:
    """More than one request takes; read in the order of the keys, None where there is none."""
    items = [{"customer": f"c{n}", "day": n, "n": Decimal(n) / 4} for n in range(130)]
    dynamodb_write_items(s3_credentials, table, items)
    keys = [{"customer": f"c{n}", "day": n} for n in reversed(range(132))]
    found = dynamodb_read_items(s3_credentials, table, [*keys, keys[5]])
    assert found == [None, None, *reversed(items), items[126]]
    gone = keys[2:]
    dynamodb_write_items(s3_credentials, table, [{"customer": "new", "day": 0}], delete=gone)
    assert dynamodb_scan(s3_credentials, table) == [{"customer": "new", "day": 0}]
    dynamodb_write_items(s3_credentials, table, [])
    assert dynamodb_read_items(s3_credentials, table, []) == []


def test_the_last_of_the_same_key_is_written(s3_credentials: AwsCredentials, table: str) -> None:
    """Though one request may not have it twice; 1 and 1.0 are the same key."""
    items = [{**KEY, "n": 1}, {**KEY, "day": 1.0, "n": 2}, {**KEY, "day": Decimal("1.00"), "n": 3}]
    dynamodb_write_items(s3_credentials, table, items)
    assert dynamodb_scan(s3_credentials, table) == [{**KEY, "n": 3}]
    with pytest.raises(InvalidArguments, match="1 items are to be written, and to be deleted"):
        dynamodb_write_items(s3_credentials, table, [{**KEY, "n": 4}], delete=[KEY])
    assert dynamodb_scan(s3_credentials, table) == [{**KEY, "n": 3}]


def test_some_attributes_of_many(s3_credentials: AwsCredentials, table: str) -> None:
    """Without the key, where it was not asked for."""
    dynamodb_write_items(s3_credentials, table, [{**KEY, "a.b": 1, "size": 2, "c": 3}])
    found = dynamodb_read_items(s3_credentials, table, [KEY], attributes=["a.b", "size", "no"])
    assert found == [{"a.b": 1, "size": 2}]


def put(day: int) -> dict[str, Any]:
    """Return a request of a batch."""
    return {"PutRequest": {"Item": {"customer": {"S": "c1"}, "day": {"N": str(day)}}}}


SCHEMA = {
    "Table": {
        "KeySchema": [
            {"AttributeName": "customer", "KeyType": "HASH"},
            {"AttributeName": "day", "KeyType": "RANGE"},
        ]
    }
}


def test_only_what_was_not_written_is_sent_again(
    s3_credentials: AwsCredentials, stubbed: Stubber
) -> None:
    """With those that come next, after a pause that grows while nothing gets through."""
    stubbed.add_response("describe_table", SCHEMA, {"TableName": "t"})
    first, rest = [put(day) for day in range(25)], [put(day) for day in range(25, 30)]
    operation = "batch_write_item"
    stubbed.add_response(
        operation, {"UnprocessedItems": {"t": first[3:5]}}, {"RequestItems": {"t": first}}
    )
    again = {"RequestItems": {"t": [*first[3:5], *rest]}}
    for _ in range(2):
        stubbed.add_response(
            operation, {"UnprocessedItems": {"t": again["RequestItems"]["t"]}}, again
        )
    stubbed.add_response(operation, {"UnprocessedItems": {}}, again)
    items = [{"customer": "c1", "day": day} for day in range(30)]
    with no_waiting() as waits:
        dynamodb_write_items(s3_credentials, "t", items)
    assert waits == [0.05, 0.1, 0.2]


def test_a_table_that_takes_nothing_is_an_error(
    s3_credentials: AwsCredentials, stubbed: Stubber
) -> None:
    """After ten requests that came to nothing; it says how many items are left."""
    stubbed.add_response("describe_table", SCHEMA)
    for _ in range(10):
        stubbed.add_response("batch_write_item", {"UnprocessedItems": {"t": [put(1)]}})
    with (
        no_waiting() as waits,
        pytest.raises(AwsError, match=r"dynamodb:BatchWriteItem: 1 of 1 items were not done"),
    ):
        dynamodb_write_items(s3_credentials, "t", [KEY])
    assert max(waits) == 10.0
    assert len(waits) == 9


def test_only_what_was_not_read_is_asked_again(
    s3_credentials: AwsCredentials, stubbed: Stubber
) -> None:
    """Of a table that the answer may call by another name than the request."""
    keys = [{"customer": {"S": "c1"}, "day": {"N": str(day)}} for day in range(2)]
    arn = "arn:aws:dynamodb:us-east-1:123456789012:table/t"
    stubbed.add_response(
        "batch_get_item",
        {"Responses": {"t": [keys[1]]}, "UnprocessedKeys": {arn: {"Keys": [keys[0]]}}},
        {"RequestItems": {arn: {"Keys": keys, "ConsistentRead": True}}},
    )
    stubbed.add_response(
        "batch_get_item",
        {"Responses": {"t": [keys[0]]}, "UnprocessedKeys": {}},
        {"RequestItems": {arn: {"Keys": [keys[0]], "ConsistentRead": True}}},
    )
    wanted = [{"customer": "c1", "day": day} for day in range(2)]
    with no_waiting() as waits:
        found = dynamodb_read_items(s3_credentials, arn, wanted, consistent=True)
    assert found == wanted
    assert waits == [0.05]


def test_a_batch_is_cancelled_between_requests(
    s3_credentials: AwsCredentials, table: str, asked: list[dict[str, Any]]
) -> None:
    """What is written stays."""
    items = [{"customer": "c1", "day": day} for day in range(100)]
    with Scope("job") as scope:
        events = s3_credentials.client("dynamodb").meta.events

        def cancel(**_: Any) -> None:
            scope.cancel()

        events.register("after-call.dynamodb.BatchWriteItem", cancel)
        try:
            with pytest.raises(TaskCancelled):
                dynamodb_write_items(s3_credentials, table, items)
        finally:
            events.unregister("after-call.dynamodb.BatchWriteItem", cancel)
    assert [each["operation"] for each in asked].count("BatchWriteItem") == 1
    assert len(dynamodb_scan(s3_credentials, table)) == 25


# Waiting


def test_an_item_is_waited_for(s3_credentials: AwsCredentials, table: str) -> None:
    """Until it is there, with the values that are asked for."""
    dynamodb_put_item(s3_credentials, table, {**KEY, "done": 1})
    timer = threading.Timer(
        0.3,
        aws_call,
        (s3_credentials, "dynamodb", "put_item"),
        {
            "TableName": table,
            "Item": sent_item({**KEY, "done": True, "share": 0.5}),
        },
    )
    timer.start()
    found = dynamodb_wait_for_item(
        s3_credentials,
        table,
        KEY,
        having={"done": True, "share": 0.5},
        poll_seconds=0.05,
        max_wait_seconds=60,
    )
    timer.join()
    assert found == {**KEY, "done": True, "share": Decimal("0.5")}


def test_an_item_that_does_not_come_is_said(s3_credentials: AwsCredentials, table: str) -> None:
    """And whether it is there with other values."""
    with pytest.raises(AwsTimeout, match=r"within 0 s\. There is none"):
        dynamodb_wait_for_item(s3_credentials, table, KEY, max_wait_seconds=0)
    dynamodb_put_item(s3_credentials, table, {**KEY, "done": False})
    with pytest.raises(AwsTimeout, match="with other values"):
        dynamodb_wait_for_item(s3_credentials, table, KEY, having={"done": 0}, max_wait_seconds=0)


def test_waiting_is_cancelled(s3_credentials: AwsCredentials, table: str) -> None:
    """Between two looks."""
    with Scope("job") as scope:
        timer = threading.Timer(0.2, scope.cancel)
        timer.start()
        with pytest.raises(TaskCancelled):
            dynamodb_wait_for_item(s3_credentials, table, KEY, poll_seconds=0.05)
        timer.join()
