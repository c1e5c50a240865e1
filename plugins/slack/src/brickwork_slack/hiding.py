"""Keeps tokens out of tracebacks that show local variables."""


class Unshown(str):
    """A text that is sent as it is, and shown as asterisks."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'********'"
