"""The options of ``brickwork notify``, and what they say: targets, and a notification."""

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self

import click

from brickwork.cli.options import together
from brickwork.errors import BlockError
from brickwork.notifier.notification import Severity

if TYPE_CHECKING:
    from brickwork.notifier import Attachment

MAX_MESSAGE = 1024 * 1024
"""How long a message on standard input may be, in bytes."""

MAX_ATTACHED = 50 * 1024 * 1024
"""How large a file to attach may be, in bytes."""

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_BLOCK = re.compile(r"[?&]block=")


class Pair(click.ParamType):  # type: ignore[type-arg]  # generic in newer versions only
    """``NAME=VALUE``.

    Args:
        reads: How it is written, for the error, which quotes nothing of what was.
        value: What the value has to begin with.
    """

    name = "pair"

    def __init__(self, reads: str, value: str = "") -> None:
        self._reads = reads
        self._value = re.compile(value)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the name and the value."""
        if not isinstance(value, str):
            return value
        name, equals, text = value.partition("=")
        if not equals or not name.strip() or not self._value.match(text):
            self.fail(f"write {self._reads}.", param, ctx)
        return name, text


class Message(NamedTuple):
    """What the options say of the notification.

    Attributes:
        text: ``-m``.
        title: ``--title``.
        severity: ``--severity``.
        fields: ``--field``.
        url: ``--url``.
        links: ``--link``.
        tags: ``--tag``.
        thread_key: ``--thread``.
        dedupe_key: ``--dedupe``.
        files: ``--attach``.
    """

    text: str | None
    title: str | None
    severity: str | None
    fields: Sequence[tuple[str, str]]
    url: str | None
    links: Sequence[tuple[str, str]]
    tags: Sequence[str]
    thread_key: str | None
    dedupe_key: str | None
    files: Sequence[Path]

    @classmethod
    def nothing(cls) -> Self:
        """Return what the options say when none is given."""
        return cls(None, None, None, (), None, (), (), None, None, ())

    def parts(self) -> dict[str, Any]:
        """Return what goes into the notification as it is, for `Notification`."""
        return {
            "url": self.url,
            "thread_key": self.thread_key,
            "dedupe_key": self.dedupe_key,
            "tags": frozenset(self.tags),
            "links": dict(self.links),
        }

    def title_and_body(self) -> tuple[str, str]:
        """Return the title and the body; without a title, the first line is that.

        Raises:
            click.UsageError: There is neither, or standard input is too long.
        """
        text = _standard_input() if self.text == "-" else self.text or ""
        title = self.title
        if title is None:
            title, _, text = text.strip("\r\n").partition("\n")
        if not title.strip():
            raise click.UsageError(
                "There is no message. Give one with -m, or a command after a double hyphen (--)."
            )
        return title.strip(), text.strip("\r\n")


class Wrapping(NamedTuple):
    """What the options say of the command.

    Attributes:
        when: ``--on``.
        lines: ``--tail``.
        timeout: ``--timeout``, in seconds.
    """

    when: Literal["failure", "success", "always"] | None
    lines: int | None
    timeout: float | None


def _positive(
    _ctx: click.Context, _parameter: click.Parameter, value: float | None
) -> float | None:
    if value is not None and not 0 < value < float("inf"):  # nor what is no number
        raise click.BadParameter("It has to be a number above 0.")
    return value


message_options = together(
    click.option(
        "-m",
        "--message",
        "text",
        metavar="TEXT",
        help="What to say; - reads it from standard input.",
    ),
    click.option("--title", metavar="TEXT", help="One line. Default: the first of the message."),
    click.option(
        "--severity",
        type=click.Choice([each.value for each in Severity], case_sensitive=False),
        help="How much it matters. Default: info; of a command that failed: error.",
    ),
    click.option(
        "--field",
        "fields",
        multiple=True,
        type=Pair("NAME=VALUE"),
        metavar="NAME=VALUE",
        help="A short fact; repeatable.",
    ),
    click.option("--url", metavar="URL", help="Where to read more."),
    click.option(
        "--link",
        "links",
        multiple=True,
        type=Pair("WORDS=URL", r"[A-Za-z][A-Za-z0-9+.-]*:\S"),
        metavar="WORDS=URL",
        help="One more place to go to; repeatable.",
    ),
    click.option(
        "--tag", "tags", multiple=True, metavar="TAG", help="A word for routes; repeatable."
    ),
    click.option("--thread", "thread_key", metavar="KEY", help="What belongs to one thread."),
    click.option("--dedupe", "dedupe_key", metavar="KEY", help="What is about one incident."),
    click.option(
        "--attach",
        "files",
        multiple=True,
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="A file to attach, where the service takes files; repeatable. With a command it is "
        "read after that.",
    ),
)
"""Gives a command the options that `Message` holds."""

command_options = together(
    click.option(
        "--on",
        "when",
        type=click.Choice(["failure", "success", "always"]),
        help="With a command: when to tell. Default: failure.",
    ),
    click.option(
        "--tail",
        "lines",
        type=click.IntRange(0, 1000),
        metavar="LINES",
        help="With a command: how many last lines of its output to tell. Default: 30.",
    ),
    click.option(
        "--timeout",
        type=float,
        callback=_positive,
        metavar="SECONDS",
        help="With a command: tell it to end after so long, and kill it 10 seconds later.",
    ),
)
"""Gives a command the options that `Wrapping` holds."""


def target(text: str) -> str:
    """Return a target as `notify` takes it; a name alone is that of a route.

    Raises:
        BlockError: It is a URL that may hold a secret.
        InvalidName: It is no address.
    """
    from brickwork.block import Address

    scheme = _SCHEME.match(text.partition("/")[0])
    if scheme is None:
        address = Address.parse(text if "/" in text else f"notify-route/{text}")
        return str(address)
    if scheme[1] != "console" and not _BLOCK.search(text):
        raise BlockError(
            f"A URL of {scheme[1]}: may hold a secret, and an argument is seen by other users and "
            "kept in the history.",
            fix="Save it as a block, and give its address, slug/name; `brickwork block types` "
            "lists the kinds.",
        )
    return text


def needs_vault(name: str) -> bool:
    """Whether a target, as `target` returns it, is or names a saved block."""
    return not name.startswith("console:")


def attachment(path: Path) -> "Attachment":
    """Read a file to attach. Raises OSError, also where it is too large."""
    import errno
    from mimetypes import guess_type

    from brickwork.notifier import Attachment

    with path.open("rb") as file:
        content = file.read(MAX_ATTACHED + 1)
    if len(content) > MAX_ATTACHED:
        raise OSError(errno.EFBIG, f"larger than {MAX_ATTACHED // 1024**2} MiB")
    name = "".join(each if each.isprintable() else "_" for each in path.name)
    return Attachment(name or "file", content, guess_type(name)[0] or "application/octet-stream")


def _standard_input() -> str:
    """Return what standard input holds, as plain text: output of programs may come from there."""
    from brickwork.cli.command_tail import plain

    data = sys.stdin.buffer.read(MAX_MESSAGE + 1)
    if len(data) > MAX_MESSAGE:
        raise click.UsageError("Standard input is longer than 1 MiB. Attach it: --attach FILE.")
    return plain(data.decode("utf-8", "replace"))
