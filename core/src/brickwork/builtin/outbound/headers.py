"""What a caller may send as headers."""

import re
from collections.abc import Mapping

from brickwork.errors import OutboundRefused

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_OWN_HEADERS = frozenset({"host", "content-length", "transfer-encoding", "connection"})


def checked_headers(method: str, headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers if they, and the method, can be sent as they are.

    Raises:
        OutboundRefused: One of them cannot; names the header, not its value.
    """
    if not _TOKEN.fullmatch(method):
        raise OutboundRefused("The HTTP method is not one.")
    for name, value in headers.items():
        # Line breaks here would be headers, or a second request, of somebody else's making.
        if not _TOKEN.fullmatch(name) or name.lower() in _OWN_HEADERS:
            raise OutboundRefused(
                f"The header {name!r} cannot be set.", fix="Leave it out, or mend its name."
            )
        if not _HEADER_VALUE.fullmatch(value):
            raise OutboundRefused(
                f"The value of the header {name!r} has characters that a header cannot have.",
                fix="Use one line of Latin letters, digits and signs.",
            )
    return dict(headers)
