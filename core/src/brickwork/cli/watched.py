"""A command that is run by ``brickwork notify``, and what people are told of it."""

import signal
import sys
from collections.abc import Sequence
from contextlib import suppress

from brickwork.cli.command_report import fields, title
from brickwork.cli.command_run import Ended, run_command
from brickwork.cli.command_tail import Tail
from brickwork.cli.notify_options import Message, Wrapping, attachment
from brickwork.cli.output import note
from brickwork.cli.signals import handled
from brickwork.errors import NotifierError
from brickwork.fanout import notify
from brickwork.notifier import Attachment, DeliveryStatus, Notification, Notifier, Severity
from brickwork.opening import open_notifier
from brickwork.registry.plugins import told
from brickwork.tasks import Scope

_LINES = 30


def watch(
    targets: Sequence[str], message: Message, wrapping: Wrapping, command: Sequence[str]
) -> int:
    """Run a command, tell how it ended if that is asked for, and return its exit code.

    Args:
        targets: Whom to tell; opened before the command is run.
        message: What else to tell.
        wrapping: When, and how much.
        command: The command and its arguments.

    Raises:
        BrickworkError: A target cannot be opened, or would take nothing. Nothing was run.
    """
    notifiers = [open_notifier(each) for each in targets]
    report = _Report(message, wrapping, command)
    when = wrapping.when or "failure"
    _rehearse(notifiers, report.notification(Ended(0 if when == "success" else 1, 0.0)))
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    sending = _Sending()
    with handled((signal.SIGINT, signal.SIGTERM, signal.SIGHUP), sending.stop):
        ended = run_command(command, report.tail, timeout=wrapping.timeout)
        if ended.problem:
            _say(f"error: {command[0]}: {ended.problem}")
        if when == "always" or ended.succeeded == (when == "success"):
            sending.send(notifiers, report, ended)
    return ended.code


class _Report:
    """What people are told of a command."""

    def __init__(self, message: Message, wrapping: Wrapping, command: Sequence[str]) -> None:
        self.tail = Tail(_LINES if wrapping.lines is None else wrapping.lines)
        self._message = message
        self._wrapping = wrapping
        self._command = command

    def notification(self, ended: Ended, attachments: Sequence[Attachment] = ()) -> Notification:
        """Return the notification; without files."""
        facts = fields(self._command, ended, self._wrapping.timeout)
        output = self.tail.text()
        return Notification(
            self._message.title or title(self._command[0], ended),
            "\n\n".join(filter(None, [self._message.text, output])),
            self._severity(ended),
            {**facts, **dict(self._message.fields)},
            attachments=tuple(attachments),
            **self._message.parts(),
        )

    def attachments(self) -> list[Attachment]:
        """Read the files, now that the command may have written them; tell of one that cannot."""
        found = []
        for path in self._message.files:
            try:
                found.append(attachment(path))
            except OSError as error:
                _say(f"error: {path.name} is not attached: {error.strerror}")
        return found

    def _severity(self, ended: Ended) -> Severity:
        given = self._message.severity
        if ended.succeeded:
            only = self._wrapping.when == "success"
            return Severity(given) if given and only else Severity.SUCCESS
        return Severity(given or Severity.ERROR)


class _Sending:
    """Sends; a signal that asks this process to end gives the notification up."""

    def __init__(self) -> None:
        self._scope = Scope("the notification")
        self._now = False

    def stop(self, _number: int) -> None:
        """Stop sending. Raises KeyboardInterrupt."""
        if self._now:
            self._scope.cancel()
            raise KeyboardInterrupt

    def send(self, notifiers: Sequence[Notifier], report: _Report, ended: Ended) -> None:
        """Send; what goes wrong is told on standard error, since the exit code is the command's."""
        try:
            self._now = True
            with self._scope:
                receipts = notify(notifiers, report.notification(ended, report.attachments()))
            self._now = False
        except KeyboardInterrupt:
            _say("error: interrupted; the notification may not have been sent.")
        except Exception as error:  # noqa: BLE001  # nothing may change the exit code
            _say(f"error: the notification was not sent: {told(error)}")
        else:
            for each in receipts:
                if each.failed:
                    _say(f"error: {each.target} was not notified: {each.status}: {each.detail}")
        finally:
            self._now = False


def _rehearse(notifiers: Sequence[Notifier], notification: Notification) -> None:
    """Find out what can be found out before the command is run.

    Raises:
        NotifierError: A target would take nothing.
    """
    for notifier in notifiers:
        receipt = notifier.send(notification, dry_run=True)
        if receipt.failed:
            raise NotifierError(
                f"{receipt.target} would not take a notification: {receipt.detail}",
                fix="Nothing was run. `brickwork notify TARGET -m test --dry-run` shows the same.",
            )
        for each in (receipt, *receipt.parts):
            if each.failed or each.status is DeliveryStatus.SKIPPED:
                _say(f"warning: {each.target}: {each.status}: {each.detail}")


def _say(text: str) -> None:
    with suppress(OSError, ValueError):  # nobody reads standard error any more
        note(text)
