"""Prebuilt tasks on files: https://docs.slack.dev/reference/methods?family=files."""

import io
from datetime import datetime
from pathlib import Path
from typing import Any

from brickwork import check_cancelled, progress
from brickwork_slack.calls import ask, pause
from brickwork_slack.clients import client_for
from brickwork_slack.credentials import SlackCredentials
from brickwork_slack.errors import SlackInvalid, SlackNotFound, SlackTimeout
from brickwork_slack.files.downloading import fetch
from brickwork_slack.files.models import File
from brickwork_slack.files.repeating import repeated
from brickwork_slack.files.transfer import aside
from brickwork_slack.files.writing import new_file
from brickwork_slack.reading import whole_seconds
from brickwork_slack.resolving import channel_id, user_id
from brickwork_slack.tasks import slack_task

_PAGE = 100
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 5.0


@slack_task("files:read")
async def get_file(credentials: SlackCredentials, file: str) -> File:
    """Read what Slack knows of a file.

    See https://docs.slack.dev/reference/methods/files.info.

    Args:
        credentials: Whose.
        file: The file's id.

    Returns:
        The file.

    Raises:
        SlackNotFound: There is none, or it may not be seen.
        SlackError: It cannot be read.

    Examples:
        >>> found = get_file(credentials, file)
        >>> found.name, found.size
        ('report.csv', 7)
    """
    return File.of((await ask(credentials, "files.info", file=file))["file"])


@slack_task("files:read")
async def list_files(
    credentials: SlackCredentials,
    *,
    channel: str | None = None,
    user: str | None = None,
    kinds: list[str] | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int | None = None,
) -> list[File]:
    """List the files that the token's owner sees, the newest first.

    See https://docs.slack.dev/reference/methods/files.list.

    Args:
        credentials: Whose.
        channel: Only those shown there: an id, or the name of a channel.
        user: Only those of this user: an id, ``@name`` or an e-mail address.
        kinds: Only those of these kinds: ``images``, ``pdfs``, ``snippets``, ``spaces``,
            ``gdocs``, ``zips``.
        since: Only those that were uploaded at this time or later, with a zone.
        until: Only those that were uploaded at this time or earlier, with a zone.
        limit: At most so many; None: all.

    Returns:
        The files.

    Raises:
        SlackNotFound: There is no such channel or user.
        SlackError: They cannot be read.

    Examples:
        >>> for file in list_files(credentials, channel="#general"):
        ...     print(file.name, file.size)
        report.csv 7
    """
    if limit is not None and limit < 0:
        raise SlackInvalid("limit is how many at most: no negative number.", fix="Give 0 or more.")
    asked: dict[str, Any] = {
        "channel": channel and await channel_id(credentials, channel),
        "user": user and await user_id(credentials, user),
        "types": ",".join(kinds) if kinds else None,
        "ts_from": since and str(whole_seconds(since)),
        "ts_to": until and str(whole_seconds(until)),
    }
    # Pages are numbered here: what is uploaded meanwhile moves files to the next one.
    found: dict[str, File] = {}
    page = pages = 1
    while page <= pages and (limit is None or len(found) < limit):
        check_cancelled()
        answer = await ask(credentials, "files.list", page=page, count=_PAGE, **asked)
        found |= {each["id"]: File.of(each) for each in answer["files"]}
        progress(len(found), limit, "files.list")
        page, pages = page + 1, (answer.get("paging") or {}).get("pages") or 0
    return list(found.values())[:limit]


@slack_task("files:write")
async def delete_file(credentials: SlackCredentials, file: str) -> None:
    """Delete a file, also from the messages that show it.

    See https://docs.slack.dev/reference/methods/files.delete.

    Args:
        credentials: Whose; the file is the owner's, or they administer the workspace.
        file: The file's id.

    Raises:
        SlackNotFound: There is none, or it may not be seen.
        SlackDenied: The token's owner may not do it.
        SlackError: It was not deleted.

    Examples:
        >>> delete_file(credentials, file)
    """
    await ask(credentials, "files.delete", file=file)


@slack_task("files:read")
async def download_file(credentials: SlackCredentials, file: str, path: Path) -> Path:
    """Download a file, piece by piece.

    What came in part is not kept, and after a broken connection it is downloaded anew. The token
    is sent to Slack's own hosts only, and the page is refused that Slack sends instead of a file to
    who may not read it. See https://docs.slack.dev/messaging/working-with-files#download.

    Args:
        credentials: Whose.
        file: The file's id.
        path: Where to; what is there is replaced once the file is whole.

    Returns:
        The path.

    Raises:
        SlackNotFound: There is none, it was deleted, or it may not be seen.
        SlackDenied: The token may not read it.
        SlackConflict: Slack does not have its bytes, as of Google's documents.
        SlackUnavailable: It did not come whole, also when asked again.
        InvalidArguments: The path cannot be written.
        SlackError: It cannot be read.

    Examples:
        >>> download_file(credentials, file, "report.csv").read_text()
        'day,sum'
    """
    target = Path(path)

    async def prepare() -> File:
        return File.of((await ask(credentials, "files.info", file=file))["file"])

    async def once(found: File) -> Path:
        with new_file(target) as out:
            await fetch(credentials, found, out.write)
            await aside(out.flush)
        return target

    return await repeated(client_for(credentials), prepare, once)


@slack_task("files:read")
async def read_file(
    credentials: SlackCredentials, file: str, *, max_bytes: int = 20 * 1024 * 1024
) -> bytes:
    """Return the bytes of a file.

    For large ones, and for the rest, see `download_file`, and
    https://docs.slack.dev/messaging/working-with-files#download.

    Args:
        credentials: Whose.
        file: The file's id.
        max_bytes: Refuse a larger one.

    Returns:
        The bytes.

    Raises:
        SlackNotFound: There is none, it was deleted, or it may not be seen.
        SlackDenied: The token may not read it.
        SlackConflict: Slack does not have its bytes, as of Google's documents.
        SlackInvalid: It is larger than ``max_bytes``.
        SlackUnavailable: It did not come whole, also when asked again.
        SlackError: It cannot be read.

    Examples:
        >>> read_file(credentials, file)
        b'day,sum'
    """

    async def prepare() -> File:
        found = File.of((await ask(credentials, "files.info", file=file))["file"])
        _check_size(found, found.size, max_bytes)
        return found

    async def once(found: File) -> bytes:
        kept = io.BytesIO()

        def write(piece: bytes) -> None:
            _check_size(found, kept.tell() + len(piece), max_bytes)
            kept.write(piece)

        await fetch(credentials, found, write)
        return kept.getvalue()

    return await repeated(client_for(credentials), prepare, once)


@slack_task("files:read")
async def wait_for_file(
    credentials: SlackCredentials,
    file: str,
    channel: str | None = None,
    *,
    timeout_seconds: float = 60.0,
) -> File:
    """Wait until Slack shows a file that was uploaded, and return it with the message.

    Slack looks through files before it shows them, which takes seconds, and now and then it does
    not show one at all. See https://docs.slack.dev/reference/methods/files.info.

    Args:
        credentials: Whose.
        file: The file's id, as `upload_file` returned it.
        channel: Until it is shown there: an id, or the name of a channel. None: anywhere.
        timeout_seconds: How long to wait.

    Returns:
        The file, with its ``shares``.

    Raises:
        SlackTimeout: It is not shown yet.
        SlackError: It cannot be read.

    Examples:
        >>> shown = wait_for_file(credentials, file, "#general")
        >>> len(shown.shares), shown.media_type
        (1, 'text/csv')
    """
    key = channel and await channel_id(credentials, channel)
    wait, waited = _FIRST_PAUSE, 0.0
    while True:
        found = await _seen(credentials, file)
        if found is not None and (key in found.channels if key else found.shares):
            return found
        if waited + wait > timeout_seconds:
            raise SlackTimeout(
                f"The file {file} is not shown after {timeout_seconds:g} s"
                f"{f' in {channel}' if channel else ''}.",
                fix="Wait longer, or upload it again.",
            )
        progress(waited, timeout_seconds, f"waiting for {file}")
        await pause(wait)
        waited, wait = waited + wait, min(wait * 2, _LONGEST_PAUSE)


async def _seen(credentials: SlackCredentials, file: str) -> File | None:
    """Return a file; None as long as Slack says that there is none."""
    try:
        return File.of((await ask(credentials, "files.info", file=file))["file"])
    except SlackNotFound:
        return None


def _check_size(file: File, size: int, most: int) -> None:
    if size > most:
        raise SlackInvalid(
            f"The file {file.id} has {max(size, file.size)} bytes, and max_bytes is {most}.",
            fix="Use download_file, or raise max_bytes.",
        )
