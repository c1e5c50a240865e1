"""The kinds of things that plugins bring, and how a name leads to its plugin."""

from typing import NamedTuple

from brickwork.registry.metadata import COMMANDS, SCHEMES, SERIALIZERS

_WORDS = r"[a-z][a-z0-9]*(-[a-z0-9]+)*\Z"
_SCHEME = r"[a-z][a-z0-9+.-]*\Z"


class Kind(NamedTuple):
    """One kind of thing that plugins bring.

    Attributes:
        word: What one is called in messages.
        pattern: What its names look like, as a regular expression.
        separator: What ends the plugin's name in a name, for kinds that are found by prefix.
        group: The group of entry points that lists the names, for the other kinds.
        interfaces: The classes, one of which each must be a subclass (a task: an instance) of.
    """

    word: str
    pattern: str
    separator: str = ""
    group: str = ""
    interfaces: tuple[str, ...] = ()


KINDS = {
    "blocks": Kind("block", _WORDS, separator="-", interfaces=("brickwork.block:Block",)),
    "tasks": Kind(
        "task",
        r"[a-z][a-z0-9]*\.[a-z_][a-z0-9_]*\Z",
        separator=".",
        interfaces=("brickwork.tasks:Task",),
    ),
    "storages": Kind("storage", _SCHEME, group=SCHEMES, interfaces=("brickwork.storage:Storage",)),
    "serializers": Kind(
        "serializer",
        _WORDS,
        group=SERIALIZERS,
        interfaces=("brickwork.serializer:Serializer", "brickwork.serializer:Codec"),
    ),
    "notifiers": Kind(
        "notifier", _SCHEME, group=SCHEMES, interfaces=("brickwork.notifier:Notifier",)
    ),
    "resolvers": Kind(
        "resolver", _SCHEME, group=SCHEMES, interfaces=("brickwork.resolver:Resolver",)
    ),
    "key_providers": Kind(
        "key provider", _WORDS, separator="-", interfaces=("brickwork.keyprovider:KeyProvider",)
    ),
    "stores": Kind("store", _SCHEME, group=SCHEMES, interfaces=("brickwork.store:Store",)),
    "commands": Kind("command", _WORDS, group=COMMANDS),
}
"""Every kind by its name; the hook of a kind is ``brickwork_`` and that name."""

RESERVED = {
    "blocks": frozenset(
        {
            *("secret", "basic-auth", "settings", "database-url"),
            *("console", "webhook", "email", "local-storage", "notify-route"),
            *("apprise", "discord-webhook", "pagerduty", "teams-webhook"),
        }
    ),
    "serializers": frozenset({"aes256gcm"}),  # the cipher at the end of a chain
}
"""Names that only the core may use, whether it offers them already or not."""

RESERVED_PLUGINS = frozenset({"brickwork", "core"})
"""Names that no plugin may have."""
