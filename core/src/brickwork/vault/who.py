"""Who is doing it: for documents and for the audit trail."""


def who() -> str:
    """Return user@host; never fails."""
    import getpass
    import os
    import socket

    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a container whose user has no name
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"
