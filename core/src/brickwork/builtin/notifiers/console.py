"""``console:``: notifications on the terminal, or in what stands for it in a container's log."""

import os
import re
import sys
from typing import ClassVar, Literal, Self, TextIO

from pydantic import Field

from brickwork.block import Block, CheckReport, Finding
from brickwork.errors import NotifierError
from brickwork.notifier import DeliveryStatus, Notification, Notifier, Receipt, Severity

_COLOURS = {
    Severity.INFO: "36",
    Severity.SUCCESS: "32",
    Severity.WARNING: "33",
    Severity.ERROR: "31",
    Severity.CRITICAL: "1;37;41",
}

# What can move a terminal's cursor, change its state, or show text in another order than it has:
# C0 and C1 control characters, line and paragraph separators, bidirectional controls.
_CONTROL = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)


class Console(Block, Notifier):
    """Writes notifications to standard error, or standard output.

    Colours are used on a terminal only, and not if ``NO_COLOR`` is set (https://no-color.org).
    Control characters and escape sequences in a notification are shown, not obeyed, and its lines
    are indented, so that a text cannot pass for another notification. Attachments are only named.

    Examples:
        >>> from brickwork import Console, notify
        >>> Console(stream="stdout").save("screen")
        Document('console/screen@1')
        >>> (receipt,) = notify("console/screen", title="Nightly load done", severity="success")
        [SUCCESS] Nightly load done
        >>> receipt.status.value
        'delivered'
    """

    slug: ClassVar[str] = "console"

    stream: Literal["stderr", "stdout"] = Field(
        default="stderr", description="Where to write, as it is when sending."
    )

    @classmethod
    def from_url(cls, url: str, block: object | None = None) -> Self:
        """Make one from ``console:``, ``console:stderr`` or ``console:stdout``."""
        name = url.partition(":")[2].strip("/") or "stderr"
        if block is not None or name not in ("stderr", "stdout"):
            raise NotifierError(
                "The URL of the console notifier is not one.",
                fix="Use console:, console:stderr or console:stdout.",
            )
        return cls(stream=name)

    def describe(self) -> str:
        """Return the address; for one that is not saved, ``console:`` or ``console:stdout``."""
        if self.address is not None:
            return f"{self.address.slug}/{self.address.name}"
        return "console:" if self.stream == "stderr" else f"console:{self.stream}"

    def deliver(self, notification: Notification) -> Receipt:
        """Write a notification in one piece."""
        stream = self._open_stream()
        if stream is None:
            return Receipt(
                self.describe(), DeliveryStatus.FAILED, 0, detail="there is no such stream"
            )
        try:
            text = render(notification, coloured=_takes_colours(stream))
            encoding = getattr(stream, "encoding", None) or "utf-8"
            stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
            stream.flush()
        except (OSError, ValueError) as error:  # a closed pipe, a closed stream
            return Receipt(self.describe(), DeliveryStatus.FAILED, detail=type(error).__name__)
        return Receipt(self.describe(), DeliveryStatus.DELIVERED)

    def check(self) -> CheckReport:
        """Look whether this process has the stream, and whether it is open."""
        stream = self._open_stream()
        if stream is None:
            finding = Finding(
                "failed",
                self.stream,
                "this process has none",
                "Start it with one, or send to another target.",
            )
        elif stream.closed:
            finding = Finding("failed", self.stream, "it is closed", "Send to another target.")
        else:
            kind = "a terminal" if stream.isatty() else "a file, a pipe or a log"
            finding = Finding("ok", self.stream, kind)
        return CheckReport((finding,))

    def _open_stream(self) -> TextIO | None:
        stream: TextIO | None = getattr(sys, self.stream)  # None in a process without a console
        return stream


def render(notification: Notification, *, coloured: bool) -> str:
    """Return the lines of a notification: a heading, and indented everything else."""
    mark = f"[{notification.severity.upper()}]"
    if coloured:
        mark = f"\x1b[{_COLOURS[notification.severity]}m{mark}\x1b[0m"
    lines = [f"{mark} {_visible(notification.title)}"]
    body = notification.body.replace("\r\n", "\n").rstrip("\n")
    if body:
        lines += [f"    {_visible(line)}" for line in body.split("\n")]
    lines += [
        f"    {_visible(name)}: {_visible(value)}" for name, value in notification.fields.items()
    ]
    if notification.url:
        lines.append(f"    {_visible(notification.url)}")
    lines += [
        f"    {_visible(words)}: {_visible(url)}" for words, url in notification.links.items()
    ]
    if notification.tags:
        lines.append(f"    Tags: {_visible(', '.join(sorted(notification.tags)))}")
    return "".join(f"{line}\n" for line in lines)


def _visible(text: str) -> str:
    """Replace control characters by how Python writes them."""
    return _CONTROL.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    return "    " if match[0] == "\t" else match[0].encode("unicode_escape").decode("ascii")


def _takes_colours(stream: TextIO) -> bool:
    return stream.isatty() and not os.environ.get("NO_COLOR")
