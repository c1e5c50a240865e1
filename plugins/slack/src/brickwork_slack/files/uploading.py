"""Prebuilt tasks that upload: https://docs.slack.dev/messaging/working-with-files#upload.

Three steps, of which only the last one shows anything: Slack says where to, the bytes are sent
there, and what was sent is shown. So the first two are simply done anew after a failure. If the
answer to the last one is lost, Slack is asked for the file, which is only there once it is shown.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from brickwork import progress
from brickwork_slack.calls import ask, pause
from brickwork_slack.clients import client_for
from brickwork_slack.credentials import SlackCredentials
from brickwork_slack.errors import (
    SlackDenied,
    SlackError,
    SlackInvalid,
    SlackNotFound,
    SlackUnavailable,
    SlackUncertain,
)
from brickwork_slack.files.models import File
from brickwork_slack.files.repeating import is_slacks, refusal, repeated
from brickwork_slack.files.sources import Content, Source, Upload
from brickwork_slack.files.transfer import Sending, aside, exchange
from brickwork_slack.resolving import channel_id
from brickwork_slack.tasks import slack_task

_NAME, _COMPLETE = "files.upload", "files.completeUploadExternal"
_LOOK_SECONDS = (2.0,)
"""When to ask Slack whether it did what it did not answer."""

_LATER_SECONDS = (10.0, 20.0)
"""When to ask besides, where no answer came in time, so that Slack may still be at it."""

_MOST_TRIES = 3


@slack_task("files:write")
async def upload_file(
    credentials: SlackCredentials,
    content: Content,
    channel: str | None = None,
    *,
    name: str | None = None,
    title: str | None = None,
    comment: str | None = None,
    thread_ts: str | None = None,
    alt_text: str | None = None,
    snippet_type: str | None = None,
) -> File:
    """Upload a file, piece by piece, and show it in a channel.

    After a broken connection it is sent again; what arrived in part is never shown. If the answer
    to showing it is lost, Slack is asked whether it did, and only if not, is asked again, unless
    it may still be at it: that takes ``files:read``. A stream that cannot be rewound is first
    copied to the disk, since Slack asks for the size. Slack shows the file some seconds later:
    `wait_for_file` waits for it. See
    https://docs.slack.dev/reference/methods/files.completeUploadExternal.

    Args:
        credentials: Whose.
        content: The path of a file, its bytes, or a stream, which is read from where it stands. At
            most 1 GB, and not empty.
        channel: An id, or the name of a channel; a user's id, ``@name`` or e-mail address for a
            direct message, which takes ``im:write``. None: only who uploads it sees it.
        name: Its name; by default that of the path.
        title: What people see; by default the name.
        comment: The text of the message that shows it, in Slack's markup.
        thread_ts: Show it in the thread of this message.
        alt_text: What an image shows, for who cannot see it.
        snippet_type: Show it as a snippet of this kind, as ``python``.

    Returns:
        The file; mostly without its ``shares``, which come later.

    Raises:
        SlackNotFound: There is no such channel, or no such message.
        SlackDenied: The token's owner is not in the channel.
        SlackUncertain: Nobody knows whether it is shown.
        SlackUnavailable: It did not arrive, also when sent again.
        InvalidArguments: The file cannot be read, is empty, or has no name.
        SlackError: It was not uploaded.

    Examples:
        >>> file = upload_file(credentials, b"day,sum", "#general", name="report.csv")
        >>> file.name, file.size
        ('report.csv', 7)
    """
    upload = Upload(content, name, title, alt_text, snippet_type)
    (file,) = await _uploaded(credentials, [upload], channel, comment, thread_ts)
    return file


@slack_task("files:write")
async def upload_files(
    credentials: SlackCredentials,
    uploads: Sequence[Upload],
    channel: str | None = None,
    *,
    comment: str | None = None,
    thread_ts: str | None = None,
) -> list[File]:
    """Upload files, one after another, and show all of them in one message.

    If one of them fails, none is shown. For all else see `upload_file`, and
    https://docs.slack.dev/reference/methods/files.completeUploadExternal.

    Args:
        credentials: Whose.
        uploads: The files.
        channel: An id, or the name of a channel; a user's id, ``@name`` or e-mail address for a
            direct message, which takes ``im:write``. None: only who uploads them sees them.
        comment: The text of the message that shows them, in Slack's markup.
        thread_ts: Show them in the thread of this message.

    Returns:
        The files, in order; mostly without their ``shares``, which come later.

    Raises:
        SlackNotFound: There is no such channel, or no such message.
        SlackDenied: The token's owner is not in the channel.
        SlackUncertain: Nobody knows whether they are shown.
        SlackUnavailable: One did not arrive, also when sent again.
        InvalidArguments: One cannot be read, is empty, or has no name.
        SlackError: They were not uploaded.

    Examples:
        >>> from brickwork_slack import Upload
        >>> uploads = [Upload(b"day,sum", "report.csv"), Upload(b"ok", "log.txt", title="Log")]
        >>> [file.title for file in upload_files(credentials, uploads, "#general")]
        ['report.csv', 'Log']
    """
    return await _uploaded(credentials, uploads, channel, comment, thread_ts)


async def _uploaded(
    credentials: SlackCredentials,
    uploads: Sequence[Upload],
    channel: str | None,
    comment: str | None,
    thread_ts: str | None,
) -> list[File]:
    if not uploads:
        raise SlackInvalid("There is no file to upload.", fix="Give one at least.")
    if channel is None and (thread_ts or comment):
        raise SlackInvalid(
            "A comment and a thread are in a channel, and none is given.", fix="Give channel=."
        )
    sources = [Source(upload) for upload in uploads]
    async with AsyncExitStack() as stack:
        for source in sources:
            await stack.enter_async_context(_opened(source))
        where = None if channel is None else await _place(credentials, channel)
        try:
            ids = await _sent(credentials, sources)
        except SlackUnavailable as failure:
            if any(source.once for source in sources):
                raise _not_again(failure) from None
            raise
        arguments = {
            "files": [
                {"id": key, "title": source.upload.title or source.name}
                for key, source in zip(ids, sources, strict=True)
            ],
            "channel_id": where,
            "initial_comment": comment or None,
            "thread_ts": thread_ts,
        }
        answered = {each["id"]: each for each in await _shown(credentials, ids, arguments)}
    return [
        File.of({"id": key, **_known(source), **answered.get(key, {})})
        for key, source in zip(ids, sources, strict=True)
    ]


@asynccontextmanager
async def _opened(source: Source) -> AsyncIterator[None]:
    await aside(source.open)
    try:
        yield
    finally:
        source.close()


async def _place(credentials: SlackCredentials, channel: str) -> str:
    """Return the id of the conversation, which here cannot be that of a user."""
    key = await channel_id(credentials, channel)
    if key.startswith(("U", "W")):
        opened = await ask(credentials, "conversations.open", users=key)
        return str(opened["channel"]["id"])
    return key


async def _sent(credentials: SlackCredentials, sources: Sequence[Source]) -> list[str]:
    """Send the bytes of all files, and return the ids that Slack gave them."""
    total, done = sum(source.size for source in sources), 0
    ids = []
    for source in sources:
        ids.append(await _sent_one(credentials, source, done, total))
        done += source.size
    return ids


async def _sent_one(credentials: SlackCredentials, source: Source, before: int, total: int) -> str:
    client = client_for(credentials)

    async def prepare() -> dict[str, Any]:
        return await ask(
            credentials,
            "files.getUploadURLExternal",
            filename=source.name,
            length=source.size,
            alt_txt=source.upload.alt_text,
            snippet_type=source.upload.snippet_type,
        )

    async def once(ticket: dict[str, Any]) -> str:
        url = str(ticket["upload_url"])
        if not is_slacks(client, url, token=False):
            raise SlackError(
                f"{_NAME}: Slack wants the file at an address without encryption.",
                fix="Check `base_url` of the credentials, and proxies between here and Slack.",
            )
        sending = Sending(_NAME, "POST", url, source=source, advance=advance)
        async with exchange(client, sending) as answer:
            if answer.status != 200:
                raise await refusal(_NAME, answer)
        return str(ticket["file_id"])

    def advance(count: int) -> None:
        progress(before + count, total, source.name)

    return await repeated(client, prepare, once)


async def _shown(
    credentials: SlackCredentials, ids: Sequence[str], arguments: dict[str, Any]
) -> list[dict[str, Any]]:
    """Let Slack show what was sent, once, and return what it says of the files."""
    for _ in range(_MOST_TRIES):
        try:
            answer = await ask(credentials, _COMPLETE, **arguments)
        except SlackUncertain as lost:
            uncertain = lost
            for seconds in (*_LOOK_SECONDS, *(_LATER_SECONDS if lost.still_at_it else ())):
                await pause(seconds)
                if found := await _looked(credentials, ids, lost):
                    return found
            if lost.still_at_it:
                break
        else:
            return list(answer.get("files") or ())
    raise uncertain


async def _looked(
    credentials: SlackCredentials, ids: Sequence[str], lost: SlackUncertain
) -> list[dict[str, Any]]:
    """Return what Slack says of files whose showing it did not answer; nothing if it did not.

    Raises:
        SlackUncertain: It does not say it.
    """
    found = []
    for key in ids:
        try:
            found.append((await ask(credentials, "files.info", file=key))["file"])
        except SlackNotFound:
            continue
        except (SlackDenied, SlackUnavailable):
            lost.fix = f"{lost.fix} With files:read, the task looks itself."
            raise lost from None
    return found


def _known(source: Source) -> dict[str, Any]:
    title = source.upload.title or source.name
    return {"name": source.name, "title": title, "size": source.size}


def _not_again(failure: SlackUnavailable) -> SlackError:
    """Return an error for which the task is not tried again: the stream is at its end."""
    error = SlackError(failure.what, fix="Open the stream anew, and upload it again.")
    error.error, error.method, error.status = failure.error, failure.method, failure.status
    return error
