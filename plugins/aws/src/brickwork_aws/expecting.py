"""Sends small bodies to S3 together with their headers.

botocore asks S3 by ``Expect: 100-continue`` whether it wants the body, and waits for the answer,
before it sends one of any size: a second round trip for each small object.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from botocore.session import Session

SMALL_BYTES = 2 * 1024 * 1024
"""Smaller bodies are not asked for. They fit into the buffers of both sides, so that a refusal is
read all the same; AWS's SDK for Go draws the line here, too."""


def send_small_at_once(session: "Session") -> None:
    """Have clients of a session not wait before they send a small body."""
    session.get_component("event_emitter").register_last(
        "before-call.s3", _send_at_once, unique_id="brickwork-send-small-at-once"
    )


def _send_at_once(params: Mapping[str, Any], **_: Any) -> None:
    from botocore.utils import determine_content_length

    if "Expect" in params["headers"]:
        size = determine_content_length(params["body"])
        if size is not None and size < SMALL_BYTES:
            del params["headers"]["Expect"]
