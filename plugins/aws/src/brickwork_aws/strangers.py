"""Refuses answers that do not come from the service, but from a proxy or another web server.

botocore reads from a page of HTML that a bucket is empty, or that an item is not there.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from brickwork_aws.faults import NOT_THE_SERVICE, STRANGER

if TYPE_CHECKING:
    from botocore.session import Session

_HTML = (b"<!doctype html", b"<html")


def refuse_strangers(session: "Session") -> None:
    """Have clients of a session raise an error for answers that are not the service's."""
    session.register("before-parse", _refuse, unique_id="brickwork-refuse-strangers")


def _refuse(response_dict: Mapping[str, Any], operation_model: Any, **_: Any) -> None:
    from botocore.exceptions import ClientError

    status = response_dict["status_code"]
    # Balancers of AWS answer in HTML, too, where a service is down; botocore asks again then.
    if status >= 500 or not _is_strange(status, response_dict):  # HTTP's
        return
    raise ClientError(
        {
            "Error": {"Code": str(status), "Message": NOT_THE_SERVICE.what},
            "ResponseMetadata": {"HTTPStatusCode": status, STRANGER: True},
        },
        operation_model.name,
    )


def _is_strange(status: int, answer: Mapping[str, Any]) -> bool:
    body, moved = answer.get("body"), 300 <= status < 400 and status != 304
    if isinstance(body, bytes) and not moved:
        return body[:100].lstrip().lower().startswith(_HTML)
    headers = {str(name).lower(): value for name, value in answer["headers"].items()}
    of_aws = any(name.startswith("x-amz") for name in headers)
    if moved:
        return not of_aws  # S3 says in one where the bucket is
    # What is streamed may be anybody's page of HTML; S3 gives it an etag.
    html = str(headers.get("content-type", "")).startswith("text/html")
    return html and not of_aws and "etag" not in headers
