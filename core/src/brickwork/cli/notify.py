"""``brickwork notify``: tells people something, or how a command has ended."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from brickwork.cli import completion
from brickwork.cli.invocation import Invocation, pass_invocation
from brickwork.cli.notify_options import (
    Message,
    Wrapping,
    attachment,
    command_options,
    message_options,
    needs_vault,
    target,
)
from brickwork.cli.output import json_option, note, print_json, print_table

if TYPE_CHECKING:
    from brickwork.notifier import Receipt

_NOT_DELIVERED = 1


class _WithCommand(click.Command):
    """Leaves alone what follows a double hyphen: it is a command, with options of its own."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take the command off the end."""
        if "--" in args:
            at = args.index("--")
            ctx.meta[completion.COMMAND] = tuple(args[at + 1 :])
            args = args[:at]
        return super().parse_args(ctx, args)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Show where the command goes."""
        return [*super().collect_usage_pieces(ctx), "[-- COMMAND [ARG]...]"]


@click.command("notify", cls=_WithCommand)
@click.argument(
    "targets",
    nargs=-1,
    required=True,
    metavar="TARGET...",
    shell_complete=completion.targets,
)
@message_options
@command_options
@click.option("--dry-run", is_flag=True, help="Open the targets and prepare all; send nothing.")
@click.option(
    "--flush", is_flag=True, help="Give no message: tell what routes have held back until now."
)
@json_option
@pass_invocation
@click.pass_context
def group(
    ctx: click.Context,
    invocation: Invocation,
    /,
    targets: tuple[str, ...],
    dry_run: bool,
    flush: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Tell people something, or how a command has ended.

    \b
    brickwork notify ops -m "Backup done" --severity success
    make 2>&1 | brickwork notify slack-webhook/dev --title "Build log" -m -
    brickwork notify ops --timeout 3600 -- make backup
    brickwork notify ops --flush

    A TARGET is the address of a saved block (webhook/ops), a name alone for a route (ops is
    notify-route/ops), or console: for standard error. Ends with 1 if a target refused it or failed;
    what a route keeps back on purpose is no failure.

    With a COMMAND the targets are opened first. Then the command runs as if it were alone; its
    output is no terminal, though. If it fails, the targets are told how it ended, with the last
    lines of its output, where known secrets are hidden. Whatever becomes of that, the exit code is
    the command's own: 128 and the number of the signal that ended it, 127 if it was not found, 126
    if it could not be executed.
    """  # noqa: D301  # click wants the character itself before lines that it must not wrap
    message = Message(**{name: options.pop(name) for name in Message._fields})
    wrapping = Wrapping(**options)
    command: tuple[str, ...] | None = ctx.meta.get(completion.COMMAND)
    names = [target(text) for text in targets]
    if flush:
        if command is not None or dry_run or message != Message.nothing():
            raise click.UsageError("--flush takes targets alone: it tells what was held back.")
        ctx.exit(_flush(invocation, names, as_json=as_json))
    if command is None:
        if wrapping != Wrapping(None, None, None):
            raise click.UsageError("--on, --tail and --timeout need a command: ... -- COMMAND.")
        ctx.exit(_tell(invocation, names, message, dry_run=dry_run, as_json=as_json))
    if not command:
        raise click.UsageError("There is no command after the double hyphen (--).")
    if dry_run or as_json:
        raise click.UsageError(
            "--dry-run and --json go with no command: it would be run, and its output is its own."
        )
    if message.text == "-":
        raise click.UsageError("Standard input is the command's: give the text with -m itself.")
    from brickwork.cli.watched import watch

    _open_vault(invocation, names)
    ctx.exit(watch(names, message, wrapping, command))


def _tell(
    invocation: Invocation, names: list[str], message: Message, *, dry_run: bool, as_json: bool
) -> int:
    """Send a message, print the receipts, and return the exit code."""
    if as_json and "console:stdout" in names:
        raise click.UsageError("With --json standard output is JSON: use console:, not :stdout.")
    title, body = message.title_and_body()
    try:
        attachments = [attachment(path) for path in message.files]
    except OSError as error:
        raise click.BadParameter(f"{error.strerror}.", param_hint="--attach") from None
    _open_vault(invocation, names)

    from brickwork.fanout import notify
    from brickwork.notifier import Notification, Severity

    notification = Notification(
        title,
        body,
        Severity(message.severity or Severity.INFO),
        dict(message.fields),
        attachments=tuple(attachments),
        **message.parts(),
    )
    return _print(notify(names, notification, dry_run=dry_run), as_json=as_json)


def _flush(invocation: Invocation, names: list[str], *, as_json: bool) -> int:
    """Tell what routes have held back, print the receipts, and return the exit code."""
    from brickwork.builtin.notifiers.route.block import NotifyRoute
    from brickwork.errors import NotifierError
    from brickwork.opening import open_notifier

    _open_vault(invocation, names)
    routes = [open_notifier(name) for name in names]
    for name, route in zip(names, routes, strict=True):
        if not isinstance(route, NotifyRoute):
            raise NotifierError(
                f"{name} is no route, and holds nothing back.", fix="Give routes to --flush."
            )
    receipts = [
        each for route in routes if isinstance(route, NotifyRoute) for each in route.flush()
    ]
    if not receipts and not as_json:
        note("Nothing is held back.")
        return 0
    return _print(receipts, as_json=as_json)


def _print(receipts: "Sequence[Receipt]", *, as_json: bool) -> int:
    if as_json:
        print_json("notify.receipts/1", {"receipts": [each.as_dict() for each in receipts]})
    else:
        rows = [row for each in receipts for row in _rows(each)]
        print_table(("target", "status", "detail"), rows)
    return _NOT_DELIVERED if any(each.failed for each in receipts) else 0


def _rows(receipt: "Receipt", depth: int = 0) -> Iterator[tuple[str, str, str]]:
    yield "  " * depth + receipt.target, receipt.status.value, receipt.detail
    for part in receipt.parts:
        yield from _rows(part, depth + 1)


def _open_vault(invocation: Invocation, names: Sequence[str]) -> None:
    if any(map(needs_vault, names)):
        invocation.vault()
    else:
        invocation.registry()
