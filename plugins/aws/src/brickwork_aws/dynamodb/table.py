"""What the tasks on DynamoDB ask of a table."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from brickwork import check_cancelled, sleep
from brickwork_aws.dynamodb.expressions import Condition, Expressions
from brickwork_aws.dynamodb.values import is_key, plain, received_item, sent_item
from brickwork_aws.errors import AwsError
from brickwork_aws.operations import Operation

if TYPE_CHECKING:
    from brickwork_aws.credentials import AwsCredentials

WRITTEN_AT_ONCE = 25
READ_AT_ONCE = 100
ATTEMPTS = 10
"""How often in a row a batch may come to nothing before that is an error."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 10.0
_TESTED_NAMES = 100

Item = dict[str, Any]


class Table:
    """A table, by its name or its ARN."""

    def __init__(self, credentials: "AwsCredentials", name: str) -> None:
        self.credentials, self.name = credentials, name

    @cached_property
    def key_names(self) -> tuple[str, ...]:
        """The names of the attributes of its key; for one request."""
        answer = self._operation("describe_table").call({"TableName": self.name})
        return tuple(str(each["AttributeName"]) for each in answer["Table"]["KeySchema"])

    def call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Call an operation on the table."""
        return self._operation(operation).call({"TableName": self.name, **parameters})

    def get(self, key: Mapping[str, Any], attributes: list[str] | None, consistent: bool) -> Any:
        """Return an item; None if there is none."""
        made = Expressions()
        projection = made.projection(attributes)
        answer = self.call(
            "get_item",
            Key=sent_item(key),
            ConsistentRead=consistent,
            ProjectionExpression=projection,
            ExpressionAttributeNames=made.parameters()["ExpressionAttributeNames"],
        )
        return received_item(answer["Item"]) if "Item" in answer else None

    def change(
        self,
        operation: str,
        made: Expressions,
        conditions: Sequence[Condition | None],
        returned: str,
        **parameters: Any,
    ) -> Item | None:
        """Call an operation under conditions; return the item that it answers, if any.

        Raises:
            AwsConflict: A condition does not hold.
        """
        condition = made.condition(*conditions)
        answer = self.call(
            operation,
            **parameters,
            ConditionExpression=condition,
            ReturnValues=returned,
            **made.parameters(),
        )
        return received_item(answer["Attributes"]) if answer.get("Attributes") else None

    def absence(self, item: Mapping[str, Any], made: Expressions) -> str:
        """Return the condition that no item has the key of this one.

        Key attributes are texts, numbers or bytes. Of an item with few of these all are tested,
        since any item of the same key has the key attributes: so the table need not be described.
        """
        names = [name for name, value in item.items() if is_key(value)]
        return made.absent(names if 0 < len(names) <= _TESTED_NAMES else self.key_names)

    def pages(self, operation: str, parameters: Mapping[str, Any]) -> Iterator[list[Item]]:
        """Give the items of each page; the task is cancelled between two."""
        for page in self._operation(operation).pages({"TableName": self.name, **parameters}):
            yield [received_item(each) for each in page["Items"]]

    def key_of(self, item: Mapping[str, Any], names: Sequence[str]) -> tuple[Any, ...]:
        """Return the values of a key: equal for equal keys."""
        return tuple(plain(item.get(name), name) for name in names)

    def write(self, requests: Sequence[Mapping[str, Any]]) -> None:
        """Put and delete, 25 by each request; what was not done is asked again.

        Raises:
            AwsError: Some were not done, ten times in a row; the others are.
        """
        operation = self._operation("batch_write_item")

        def ask(some: list[Any]) -> list[Any]:
            answer = operation.call({"RequestItems": {self.name: some}})
            return list(_of_one_table(answer.get("UnprocessedItems")))

        _until_done(operation.name, list(requests), WRITTEN_AT_ONCE, ask)

    def read(self, keys: Sequence[Item], **parameters: Any) -> list[Item]:
        """Return the items of different keys, as sent, in no order; 100 by each request.

        Raises:
            AwsError: Some were not read, ten times in a row.
        """
        operation = self._operation("batch_get_item")
        given = {name: value for name, value in parameters.items() if value is not None}
        found: list[Item] = []

        def ask(some: list[Any]) -> list[Any]:
            answer = operation.call({"RequestItems": {self.name: {**given, "Keys": some}}})
            found.extend(received_item(each) for each in _of_one_table(answer.get("Responses")))
            left: Any = _of_one_table(answer.get("UnprocessedKeys"))
            return list(left["Keys"]) if left else []

        _until_done(operation.name, list(keys), READ_AT_ONCE, ask)
        return found

    def _operation(self, name: str) -> Operation:
        return Operation(self.credentials, "dynamodb", name)


def _of_one_table(answer: Mapping[str, Any] | None) -> Any:
    """Return what a batch answered of its only table, which may go by its name or its ARN."""
    return next(iter((answer or {}).values()), [])


def _until_done(name: str, left: list[Any], at_once: int, ask: Any) -> None:
    """Ask for all, some at once; for what is left again, ever more slowly."""
    everything, idle = len(left), 0
    while left:
        check_cancelled()
        some, rest = left[:at_once], left[at_once:]
        undone = ask(some)
        left = undone + rest
        idle = idle + 1 if len(undone) == len(some) else 0
        if idle == ATTEMPTS:
            raise _overloaded(name, len(left), everything)
        if undone:
            sleep(min(_FIRST_PAUSE * 2**idle, _LONGEST_PAUSE))


def _overloaded(name: str, left: int, everything: int) -> AwsError:
    return AwsError(
        f"{name}: {left} of {everything} items were not done: the table takes no more, {ATTEMPTS} "
        "times in a row.",
        fix="Raise the table's capacity, or try again later; what was written stays.",
    )
