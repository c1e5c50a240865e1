"""The bytes of a file, as Slack gives them to who may read them.

See https://docs.slack.dev/messaging/working-with-files#download.
"""

from collections.abc import Callable, Mapping
from urllib.parse import parse_qs, urljoin, urlsplit

from brickwork import progress
from brickwork_slack.clients import Client, client_for
from brickwork_slack.credentials import SlackCredentials
from brickwork_slack.errors import (
    SlackConflict,
    SlackDenied,
    SlackError,
    SlackNotFound,
    SlackUnavailable,
)
from brickwork_slack.files.models import File
from brickwork_slack.files.repeating import is_slacks, refusal
from brickwork_slack.files.transfer import Incoming, Sending, aside, exchange
from brickwork_slack.hiding import Unshown

_NAME = "files.download"
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 3


async def fetch(
    credentials: SlackCredentials, file: File, write: Callable[[bytes], object]
) -> None:
    """Read the bytes of a file, piece by piece.

    Args:
        credentials: Whose.
        file: As Slack says it now.
        write: Takes a piece.

    Raises:
        SlackNotFound: It was deleted.
        SlackConflict: Slack does not have its bytes, or does not give them.
        SlackDenied: Slack asks to log in.
        SlackUnavailable: The connection broke.
    """
    _check(file)
    client, url = client_for(credentials), file.url
    for _ in range(_MOST_REDIRECTS + 1):
        headers: dict[str, str] = {}
        if is_slacks(client, url, token=True):
            headers["Authorization"] = Unshown(f"Bearer {credentials.token.reveal()}")
        elif url is file.url or not is_slacks(client, url, token=False):
            raise _elsewhere(client, file)
        async with exchange(client, Sending(_NAME, "GET", url, headers)) as answer:
            if answer.status not in _REDIRECTS:
                await _taken(file, answer, write)
                return
            url = urljoin(url, answer.headers.get("location", ""))
            if "redir" in parse_qs(urlsplit(url).query):
                raise _to_log_in(file)
    raise _elsewhere(client, file)


async def _taken(file: File, answer: Incoming, write: Callable[[bytes], object]) -> None:
    if answer.status in (401, 403) or (answer.status == 200 and _is_page(file, answer.headers)):
        raise _to_log_in(file)
    if answer.status != 200:
        raise await refusal(_NAME, answer)
    length = answer.headers.get("content-length", "")
    total, done = int(length) if length.isdecimal() else file.size, 0
    progress(0, total, file.name)
    while piece := await answer.read():
        await aside(write, piece)
        done += len(piece)
        progress(done, total, file.name)
    if length and done != total:
        raise SlackUnavailable(
            f"{_NAME}: of {file.id} came {done} bytes of {total}.", fix="Download it again."
        )


def _is_page(file: File, headers: Mapping[str, str]) -> bool:
    """Tell whether an answer is a page of Slack's, instead of the file."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "text/html" or "attachment" in headers.get("content-disposition", "").lower():
        return False
    length = headers.get("content-length", "")
    return file.media_type != "text/html" or length not in ("", str(file.size))


def _check(file: File) -> None:
    if file.mode == "tombstone":
        raise SlackNotFound(f"The file {file.id} was deleted.", fix="Look for another one.")
    if file.mode == "hidden_by_limit":
        raise SlackConflict(
            f"The file {file.id} is older than what the workspace's plan shows.",
            fix="Slack shows it again with a paid plan.",
        )
    if file.mode == "external" or not file.url:
        raise SlackConflict(
            f"Slack does not have the bytes of {file.name or file.id}: it is kept elsewhere.",
            fix="Get it from where its page leads.",
        )


def _to_log_in(file: File) -> SlackDenied:
    error = SlackDenied(
        f"Slack asks to log in, instead of giving the file {file.id}: the token may not read it.",
        fix="Give a token of the file's workspace, which has files:read and may see the file.",
    )
    error.method = _NAME
    return error


def _elsewhere(client: Client, file: File) -> SlackError:
    return SlackError(
        f"The bytes of the file {file.id} are not on a host of {urlsplit(client.url).hostname}, "
        "which alone gets the token.",
        fix="Check `base_url` of the credentials, and proxies between here and Slack.",
    )
