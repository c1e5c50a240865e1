"""Where a message goes, and what goes with it."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from brickwork import InvalidArguments
from brickwork_aws.operations import Operation
from brickwork_aws.sqs.messages import attributes_of

if TYPE_CHECKING:
    from brickwork_aws.credentials import AwsCredentials

MAX_BYTES = 256 * 1024
"""Message and attributes, of one request; only a topic that says so takes more."""

MAX_SUBJECT = 99
"""Subjects must have less than 100 characters."""

_NAME = re.compile(r"[A-Za-z0-9_-]{1,256}(?:\.fifo)?")
_PHONE = re.compile(r"\+[0-9]{4,15}")

Value = str | int | float | bytes | list[str]


def there(credentials: "AwsCredentials", arn: str) -> "AwsCredentials":
    """Return the credentials for the region of an ARN, where alone it is known."""
    return credentials.model_copy(update={"region": arn.split(":")[3]})


def destination(credentials: "AwsCredentials", to: str) -> tuple["AwsCredentials", dict[str, str]]:
    """Return who asks, and the parameter of ``Publish`` that says where to.

    Raises:
        InvalidArguments: It is no ARN, no name and no phone number.
        AwsError: STS does not say whose account a name is of.
    """
    if _PHONE.fullmatch(to):
        return credentials, {"PhoneNumber": to}
    arn = arn_of(credentials, to)
    return there(credentials, arn), {"TargetArn" if ":endpoint/" in arn else "TopicArn": arn}


def arn_of(credentials: "AwsCredentials", topic: str) -> str:
    """Return the ARN of a topic of this account and region. Raises as `destination`."""
    if topic.startswith("arn:") and topic.count(":") >= 5:
        return topic
    if not _NAME.fullmatch(topic):
        raise InvalidArguments(
            f"{topic!r} is no topic.",
            fix="Give its ARN or its name; a phone number begins with + and has digits only.",
        )
    region = credentials.client("sns").meta.region_name
    who = str(Operation(credentials, "sts", "get_caller_identity").call({})["Arn"]).split(":")
    return f"arn:{who[1]}:sns:{region}:{who[4]}:{topic}"


def attributes_with_lists(given: Mapping[str, Value] | None) -> dict[str, dict[str, Any]] | None:
    """Return attributes as SNS wants them; None if there are none."""
    import json

    lists = {
        name: {"DataType": "String.Array", "StringValue": json.dumps(value)}
        for name, value in (given or {}).items()
        if isinstance(value, list)
    }
    others = {name: each for name, each in (given or {}).items() if not isinstance(each, list)}
    return {**lists, **attributes_of(others)} or None


def size_of(entry: Mapping[str, Any]) -> int:
    """Return the bytes that a message counts for: its text, and its attributes with their names."""
    size = len(entry["Message"].encode())
    for name, each in entry.get("MessageAttributes", {}).items():
        size += len(name.encode()) + len(each["DataType"])
        size += len(each["StringValue"].encode() if "StringValue" in each else each["BinaryValue"])
    return size


def structured(message: str, by_protocol: Mapping[str, str] | None) -> dict[str, str | None]:
    """Return the text, or texts by protocol, as parameters of ``Publish``."""
    if by_protocol is None:
        return {"Message": message, "MessageStructure": None}
    import json

    texts = {"default": message, **by_protocol}
    return {"Message": json.dumps(texts, ensure_ascii=False), "MessageStructure": "json"}
