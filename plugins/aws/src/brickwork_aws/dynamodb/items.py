r"""Prebuilt tasks on single items of DynamoDB.

Values are Python's: text, numbers, bool, None, bytes, list, dict, set; also `Secret`, which is
written in clear. A float is written as the decimal number that it is shown as. Numbers come back as
int if they have no fraction, else as Decimal: whatever type was written, since DynamoDB has one
type of number, of 38 digits.

Attributes are named by paths: ``name``, ``address.city``, ``lines[0].price``; a dot in a name is
written as ``\.``.
"""

from typing import Any

from brickwork import InvalidArguments
from brickwork_aws.credentials import AwsCredentials
from brickwork_aws.dynamodb.expressions import Condition, Expressions
from brickwork_aws.dynamodb.table import Table
from brickwork_aws.dynamodb.values import received_item, sent_item
from brickwork_aws.errors import AwsTimeout
from brickwork_aws.polling import turns
from brickwork_aws.tasks import retried_task, task_once

_SLOWEST_POLL_SECONDS = 15.0


@retried_task("dynamodb:GetItem")
def dynamodb_get_item(
    credentials: AwsCredentials,
    table: str,
    key: dict[str, Any],
    *,
    attributes: list[str] | None = None,
    consistent: bool = False,
) -> dict[str, Any] | None:
    """Read an item by its key.

    Numbers are int if they have no fraction, else Decimal. See
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_GetItem.html.

    Args:
        credentials: Whose.
        table: The table's name or ARN.
        key: The item's key, ``{"customer": "c1", "day": "2026-11-23"}``.
        attributes: Only these, by paths such as ``address.city``; by default all.
        consistent: Whether it must be as last written, which costs twice as much.

    Returns:
        The item; None if there is none.

    Raises:
        InvalidArguments: A value is none of DynamoDB's; nothing was sent.
        AwsNotFound: There is no such table.

    Examples:
        >>> key = {"customer": "c1", "order": 1742}
        >>> dynamodb_get_item(credentials, table, key, attributes=["state"], consistent=True)
        {'state': 'open'}
    """
    found: dict[str, Any] | None = Table(credentials, table).get(key, attributes, consistent)
    return found


@retried_task("dynamodb:PutItem", "dynamodb:DescribeTable")
def dynamodb_put_item(
    credentials: AwsCredentials,
    table: str,
    item: dict[str, Any],
    *,
    if_absent: bool = False,
    condition: Condition | None = None,
    values: dict[str, Any] | None = None,
    names: dict[str, str] | None = None,
) -> dict[str, Any] | None:
    """Write an item, in the place of the one with its key, if there is any.

    Under a condition, a request whose answer got lost is refused when it is sent again: an
    `AwsConflict` does not always mean that it was not written. See
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutItem.html.

    Args:
        credentials: Whose.
        table: The table's name or ARN.
        item: The item, its key included. A float is written as the number that it is shown as.
        if_absent: Whether to write only where there is no item with its key.
        condition: What must hold of the item that is there: the values of its attributes,
            ``{"version": 3}``, or an expression of DynamoDB's, ``size(#t) < :most``.
        values: Values in that expression, ``{"most": 10}``.
        names: Names of attributes in it, ``{"#t": "tags"}``.

    Returns:
        The item that it has replaced; None if there was none.

    Raises:
        AwsConflict: The condition does not hold, or there is an item already.
        InvalidArguments: A value is none of DynamoDB's, NaN for example; nothing was sent.
        AwsNotFound: There is no such table.

    Examples:
        >>> order = {"customer": "c1", "order": 1743, "state": "open", "price": 19.5}
        >>> dynamodb_put_item(credentials, table, order, if_absent=True)
        >>> dynamodb_put_item(credentials, table, {**order, "price": 21})["price"]
        Decimal('19.5')
    """
    at, made = Table(credentials, table), Expressions(values, names)
    absence = at.absence(item, made) if if_absent else None
    return at.change(
        "put_item", made, (absence, condition), returned="ALL_OLD", Item=sent_item(item)
    )


@task_once("dynamodb:UpdateItem")
def dynamodb_update_item(
    credentials: AwsCredentials,
    table: str,
    key: dict[str, Any],
    *,
    set: dict[str, Any] | None = None,  # noqa: A002  # DynamoDB's word
    add: dict[str, Any] | None = None,
    remove: list[str] | None = None,
    condition: Condition | None = None,
    values: dict[str, Any] | None = None,
    names: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Change attributes of an item; make it where there is none.

    Not retried as a task: what it adds might be added twice. botocore sends a request again whose
    answer did not come, and then it may be: count under a ``condition`` where that matters. See
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateItem.html.

    Args:
        credentials: Whose.
        table: The table's name or ARN.
        key: The item's key.
        set: New values of attributes, by paths: ``{"address.city": "Rome"}``.
        add: Numbers to add to numbers, ``{"visits": 1}``, and sets to unite with sets.
        remove: Attributes to remove, by paths.
        condition: What must hold of the item that is there: the values of its attributes, or an
            expression of DynamoDB's such as ``attribute_exists(customer)``.
        values: Values in that expression, ``{"most": 10}`` for ``:most``.
        names: Names of attributes in it, ``{"#t": "tags"}``.

    Returns:
        The item as it is now.

    Raises:
        AwsConflict: The condition does not hold.
        InvalidArguments: Nothing is to change, or a value is none of DynamoDB's; nothing was sent.
        AwsNotFound: There is no such table.

    Examples:
        >>> key = {"customer": "c1", "order": 1742}
        >>> changes = {"state": "paid", "paid_by": "card"}
        >>> dynamodb_update_item(credentials, table, key, set=changes, add={"lines": 1})["lines"]
        3
    """
    made = Expressions(values, names)
    update = made.update(set, add, remove)
    if update is None:
        raise InvalidArguments("Nothing is to change.", fix="Give set, add or remove.")
    at = Table(credentials, table)
    changed = at.change(
        "update_item",
        made,
        [condition],
        returned="ALL_NEW",
        Key=sent_item(key),
        UpdateExpression=update,
    )
    return changed or {}


@retried_task("dynamodb:DeleteItem")
def dynamodb_delete_item(
    credentials: AwsCredentials,
    table: str,
    key: dict[str, Any],
    *,
    condition: Condition | None = None,
    values: dict[str, Any] | None = None,
    names: dict[str, str] | None = None,
) -> dict[str, Any] | None:
    """Delete an item; one that is not there is fine.

    See https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DeleteItem.html.

    Args:
        credentials: Whose.
        table: The table's name or ARN.
        key: The item's key.
        condition: What must hold of the item that is there: the values of its attributes, or an
            expression of DynamoDB's. Then one that is not there is a conflict, mostly.
        values: Values in that expression, ``{"most": 10}`` for ``:most``.
        names: Names of attributes in it, ``{"#t": "tags"}``.

    Returns:
        The item as it was; None if there was none.

    Raises:
        AwsConflict: The condition does not hold.
        InvalidArguments: A value is none of DynamoDB's; nothing was sent.
        AwsNotFound: There is no such table.

    Examples:
        >>> key = {"customer": "c1", "order": 1742}
        >>> dynamodb_delete_item(credentials, table, key, condition={"state": "open"})["state"]
        'open'
    """
    made = Expressions(values, names)
    at = Table(credentials, table)
    return at.change("delete_item", made, [condition], returned="ALL_OLD", Key=sent_item(key))


@retried_task("dynamodb:GetItem")
def dynamodb_wait_for_item(
    credentials: AwsCredentials,
    table: str,
    key: dict[str, Any],
    *,
    having: dict[str, Any] | None = None,
    poll_seconds: float = 1.0,
    max_wait_seconds: float | None = None,
) -> dict[str, Any]:
    """Wait until an item is there, and has what is asked for.

    It is read consistently. See
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_GetItem.html.

    Args:
        credentials: Whose.
        table: The table's name or ARN.
        key: The item's key.
        having: The values that attributes must have, by their names: ``{"state": "done"}``.
        poll_seconds: The pause after the first look; it grows to 15 seconds.
        max_wait_seconds: How long to wait at most; by default as long as the task may run.

    Returns:
        The item.

    Raises:
        AwsTimeout: It was not so in time.
        InvalidArguments: A value is none of DynamoDB's; nothing was sent.
        AwsNotFound: There is no such table.

    Examples:
        >>> key = {"customer": "c1", "order": 1742}
        >>> order = dynamodb_wait_for_item(credentials, table, key, having={"state": "open"})
        >>> order["lines"]
        2
    """
    wanted = received_item(sent_item(having or {}))
    at, found = Table(credentials, table), None
    for _ in turns(poll_seconds, max_wait_seconds, _SLOWEST_POLL_SECONDS):
        found = at.get(key, None, consistent=True)
        if found is not None and all(
            name in found and _same(found[name], value) for name, value in wanted.items()
        ):
            item: dict[str, Any] = found
            return item
    seen = "There is none." if found is None else "It is there, with other values."
    raise AwsTimeout(
        f"An item of {table} was not as wanted within {max_wait_seconds:g} s. {seen}",
        fix="Wait longer by max_wait_seconds, or see who writes it.",
    )


def _same(one: Any, two: Any) -> bool:
    """Tell whether two values are the same for DynamoDB: 1 is not True."""
    return isinstance(one, bool) == isinstance(two, bool) and bool(one == two)
