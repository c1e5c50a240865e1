"""Who is doing it: for documents and for the audit trail."""

import os

MAX_ACTOR = 100
"""How many characters of BRICKWORK_ACTOR are kept."""

# By process and user: a server forks, and may give up the rights of root later.
_known: dict[tuple[int, int], str] = {}


def who() -> str:
    """Return user@host, with the actor after it where one is set; never fails."""
    for_whom = actor()
    return f"{user_at_host()} ({for_whom})" if for_whom else user_at_host()


def user_at_host() -> str:
    """Return user@host by the operating system's word; looked up once in a process.

    The user is the one that the process runs as, not what LOGNAME says: anybody can set that.
    """
    place = os.getpid(), os.geteuid()
    found = _known.get(place)
    if found is None:
        _known.clear()
        found = _known[place] = _looked_up(place[1])
    return found


def actor() -> str:
    """Return BRICKWORK_ACTOR: the job or service that this process works for; else nothing.

    Cut to 100 characters; what is not printable becomes a question mark.
    """
    return _printable(os.environ.get("BRICKWORK_ACTOR", "").strip()[:MAX_ACTOR])


def _looked_up(uid: int) -> str:
    import pwd
    import socket

    try:
        user = pwd.getpwuid(uid).pw_name
    except (OSError, KeyError):  # a container whose user has no name
        user = str(uid)
    return _printable(f"{user}@{socket.gethostname()}")


def _printable(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else "?" for each in text)
