"""What plugins that receive a service's requests share: webhooks and events, over ASGI.

A plugin says what the requests of its service are: how they are signed, what they hold, what they
are answered with. What is here bounds what a stranger can take of the memory and the time, calls
the handlers, and ends in order. It is imported when an app is made, not when plugins are found.
"""

from brickwork.receiving.app import ReceiverApp as ReceiverApp
from brickwork.receiving.asgi import (
    Disconnected as Disconnected,
    HttpAnswer as HttpAnswer,
    Message as Message,
    Receive as Receive,
    Scope as Scope,
    Send as Send,
    header_pairs as header_pairs,
    headers_of as headers_of,
    path_of as path_of,
)
from brickwork.receiving.bodies import Bodies as Bodies
from brickwork.receiving.calls import Called as Called, Calls as Calls, StillRunning as StillRunning

__all__ = [
    "Bodies",
    "Called",
    "Calls",
    "Disconnected",
    "HttpAnswer",
    "Message",
    "Receive",
    "ReceiverApp",
    "Scope",
    "Send",
    "StillRunning",
    "header_pairs",
    "headers_of",
    "path_of",
]
