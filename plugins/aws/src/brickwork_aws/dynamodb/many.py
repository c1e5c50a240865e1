"""Prebuilt tasks on many items of DynamoDB; values are as in `brickwork_aws.dynamodb.items`."""

from itertools import islice
from typing import Any

from brickwork import InvalidArguments
from brickwork_aws.credentials import AwsCredentials
from brickwork_aws.dynamodb.expressions import Condition, Expressions
from brickwork_aws.dynamodb.table import Item, Table
from brickwork_aws.dynamodb.values import sent_item
from brickwork_aws.tasks import retried_task

_MAX_SEGMENTS = 64


@retried_task("dynamodb:Query")
def dynamodb_query(
    credentials: AwsCredentials,
    table: str,
    key: Condition,
    *,
    filter: Condition | None = None,  # noqa: A002  # DynamoDB's word
    values: dict[str, Any] | None = None,
    names: dict[str, str] | None = None,
    index: str | None = None,
    attributes: list[str] | None = None,
    descending: bool = False,
    limit: int | None = None,
    consistent: bool = False,
) -> list[dict[str, Any]]:
    """Read the items of one partition, to the last page, in memory.

    Numbers are int if they have no fraction, else Decimal. See
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Query.html.

    Args:
        credentials: Whose.
        table: The table's name or ARN.
        key: Values of the key's attributes, ``{"customer": "c1"}``; for the sort key also a
            comparison, ``{"day": {">=": "2026-11"}}``: one of ``=``, ``<``, ``<=``, ``>``, ``>=``,
            ``begins_with``, and ``between`` with a list of two. Or an expression of DynamoDB's,
            ``customer = :c``.
        filter: Only such items: the values of their attributes, ``{"state": "open"}``, or an
            expression of DynamoDB's. What is left out is read, and paid for, all the same.
        values: Values in these expressions, ``{"c": "c1"}`` for ``:c``.
        names: Names of attributes in them, ``{"#y": "year"}``.
        index: The index to read, by its name.
        attributes: Only these, by paths such as ``address.city``; by default all, or what the
            index has.
        descending: Whether the highest sort key comes first.
        limit: At most so many items.
        consistent: Whether they must be as last written; not on global indexes.

    Returns:
        The items, by sort key.

    Raises:
        InvalidArguments: A value is none of DynamoDB's; nothing was sent.
        AwsNotFound: There is no such table.
        AwsError: It has no such index or key.

    Examples:
        >>> recent = {"customer": "c1", "order": {">=": 1700}}
        >>> orders = dynamodb_query(credentials, table, recent, descending=True, limit=10)
        >>> [(each["order"], each["state"]) for each in orders]
        [(1742, 'open'), (1741, 'paid')]
    """
    made = Expressions(values, names)
    parameters = {
        "KeyConditionExpression": made.key(key),
        "FilterExpression": made.condition(filter),
        "ProjectionExpression": made.projection(attributes),
        "ScanIndexForward": not descending,
        "IndexName": index,
        "ConsistentRead": consistent,
        # Pages need be no longer than what is wanted, unless the filter leaves out some of it.
        "Limit": None if filter or not limit else limit,
        **made.parameters(),
    }
    if limit == 0:
        return []
    pages = Table(credentials, table).pages("query", parameters)
    return list(islice((item for page in pages for item in page), limit))


@retried_task("dynamodb:Scan")
def dynamodb_scan(
    credentials: AwsCredentials,
    table: str,
    *,
    filter: Condition | None = None,  # noqa: A002  # DynamoDB's word
    values: dict[str, Any] | None = None,
    names: dict[str, str] | None = None,
    index: str | None = None,
    attributes: list[str] | None = None,
    limit: int | None = None,
    consistent: bool = False,
    segments: int = 1,
) -> list[dict[str, Any]]:
    """Read all items of a table, to the last page, in memory.

    Numbers are int if they have no fraction, else Decimal. See
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Scan.html.

    Args:
        credentials: Whose.
        table: The table's name or ARN.
        filter: Only such items: the values of their attributes, ``{"state": "open"}``, or an
            expression of DynamoDB's. What is left out is read, and paid for, all the same.
        values: Values in that expression, ``{"most": 10}`` for ``:most``.
        names: Names of attributes in it, ``{"#y": "year"}``.
        index: The index to read, by its name.
        attributes: Only these, by paths such as ``address.city``; by default all.
        limit: At most so many items.
        consistent: Whether they must be as last written; not on global indexes.
        segments: How many parts of the table to read at once, up to 64, each by a thread of its
            own; it takes as much more of the table's capacity.

    Returns:
        The items, in no order.

    Raises:
        InvalidArguments: A value is none of DynamoDB's, or segments are not 1 to 64; nothing was
            sent.
        AwsNotFound: There is no such table.

    Examples:
        >>> orders = dynamodb_scan(credentials, table, filter={"state": "open"}, segments=4)
        >>> [each["order"] for each in orders]
        [1742]
    """
    if not 1 <= segments <= _MAX_SEGMENTS:
        raise InvalidArguments(
            f"segments is {segments}.", fix=f"Give a number from 1 to {_MAX_SEGMENTS}."
        )
    made = Expressions(values, names)
    parameters = {
        "FilterExpression": made.condition(filter),
        "ProjectionExpression": made.projection(attributes),
        "IndexName": index,
        "ConsistentRead": consistent,
        "Limit": None if filter or not limit else limit,
        **made.parameters(),
    }
    if limit == 0:
        return []
    at = Table(credentials, table)
    if segments == 1:
        pages = at.pages("scan", parameters)
        return list(islice((item for page in pages for item in page), limit))
    from brickwork_aws.dynamodb.segments import scan_segments

    return scan_segments(at, parameters, segments, limit)


@retried_task("dynamodb:BatchWriteItem", "dynamodb:DescribeTable")
def dynamodb_write_items(
    credentials: AwsCredentials,
    table: str,
    items: list[dict[str, Any]],
    *,
    delete: list[dict[str, Any]] | None = None,
) -> None:
    """Write any number of items, and delete others, 25 by each request.

    Of items with the same key the last one is written. What the table could not take is sent
    again, ever more slowly. It is not done as one: after an error some are written. See
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html.

    Args:
        credentials: Whose.
        table: The table's name or ARN.
        items: The items to write, each in the place of the one with its key.
        delete: Keys of items to delete; those that are not there are fine.

    Raises:
        InvalidArguments: A value is none of DynamoDB's, or what is written is to be deleted, too;
            nothing was written.
        AwsError: The table takes no more.
        AwsNotFound: There is no such table.

    Examples:
        >>> from brickwork_aws import dynamodb_query
        >>> orders = [{"customer": "c2", "order": number} for number in range(100)]
        >>> dynamodb_write_items(credentials, table, orders)
        >>> len(dynamodb_query(credentials, table, {"customer": "c2"}))
        100
    """
    keys = delete or []
    if not items and not keys:
        return
    at = Table(credentials, table)
    puts = {
        at.key_of(each, at.key_names): {"PutRequest": {"Item": sent_item(each)}} for each in items
    }
    deletes = {
        at.key_of(each, at.key_names): {"DeleteRequest": {"Key": sent_item(each)}} for each in keys
    }
    both = puts.keys() & deletes.keys()
    if both:
        raise InvalidArguments(
            f"{len(both)} items are to be written, and to be deleted.", fix="Give each key once."
        )
    at.write([*puts.values(), *deletes.values()])


@retried_task("dynamodb:BatchGetItem")
def dynamodb_read_items(
    credentials: AwsCredentials,
    table: str,
    keys: list[dict[str, Any]],
    *,
    attributes: list[str] | None = None,
    consistent: bool = False,
) -> list[dict[str, Any] | None]:
    """Read any number of items by their keys, 100 by each request.

    What the table could not give is asked for again, ever more slowly. Numbers are int if they
    have no fraction, else Decimal. See
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html.

    Args:
        credentials: Whose.
        table: The table's name or ARN.
        keys: The items' keys.
        attributes: Only these, by their names; by default all.
        consistent: Whether they must be as last written, which costs twice as much.

    Returns:
        For each key its item; None where there is none.

    Raises:
        InvalidArguments: A value is none of DynamoDB's; nothing was sent.
        AwsError: The table gives no more.
        AwsNotFound: There is no such table.

    Examples:
        >>> keys = [{"customer": "c1", "order": number} for number in (1742, 1799)]
        >>> dynamodb_read_items(credentials, table, keys, attributes=["state"])
        [{'state': 'open'}, None]
    """
    if not keys:
        return []
    at, made = Table(credentials, table), Expressions()
    names = tuple(keys[0])
    # The key tells whose item it is, also where it was not asked for.
    wanted = None if attributes is None else [_whole(name) for name in {*attributes, *names}]
    projection = made.projection(wanted)
    asked = {at.key_of(each, names): sent_item(each) for each in keys}
    found = at.read(
        list(asked.values()),
        ProjectionExpression=projection,
        ExpressionAttributeNames=made.parameters()["ExpressionAttributeNames"],
        ConsistentRead=consistent,
    )
    by_key = {at.key_of(each, names): _only(each, attributes) for each in found}
    return [by_key.get(at.key_of(each, names)) for each in keys]


def _whole(name: str) -> str:
    """Return a name as a path, with the dots in it."""
    return "".join(f"\\{each}" if each in r".[]\\" else each for each in name)


def _only(item: Item, names: list[str] | None) -> Item:
    return item if names is None else {name: item[name] for name in names if name in item}
