"""The command ``brickwork`` itself: options before the command, lazy groups, and every ending."""

import errno
import os
import sys
import warnings
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import click

from brickwork.cli.exit_codes import INTERRUPTED, MEANINGS, OUTPUT_CLOSED
from brickwork.cli.invocation import Invocation
from brickwork.cli.output import note
from brickwork.errors import BrickworkError, ConfigError, ExpiryWarning, UnknownName
from brickwork.masking import MaskingWarning, install_masking, masker

SUMMARIES = {
    "apply": "Make the vault what a manifest in YAML says.",
    "audit": "Look at who did what to the vault, and verify that record.",
    "block": "Save, look at, change and check blocks.",
    "catalog": "Find out what plugins bring, also those that are not installed.",
    "doctor": "Find out what is wrong with this installation.",
    "export": "Write blocks as a manifest.",
    "help": "Explain a command or a topic.",
    "import": "Make blocks from what other tools have saved.",
    "keys": "Look at, rotate, back up and destroy the keys that guard the vault.",
    "manifest": "Help with writing manifests.",
    "notify": "Tell people something, or how a command has ended.",
    "plan": "Show what applying a manifest would change.",
    "plugin": "Look at the plugins that are installed.",
    "reference": "Try references, and write where they point.",
    "task": "List and run prebuilt tasks.",
    "vault": "Move whole vaults.",
}
"""The core's own commands; told here so that help imports none of them."""

_EPILOG = (
    "Exit codes: 0 done, 1 failed, 2 usage, 3 key, 4 not found, 5 conflict, 6 damaged data, "
    "7 plugin, 8 disk or network, 9 changes planned, 130 interrupted; "
    "`brickwork help exit-codes` says more. "
    "Completion of the shell: `brickwork help completion`."
)


class Root(click.Group):
    """Finds commands when they are used: the core's by name, plugins' by their metadata."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return all names; reads metadata, imports no plugin."""
        return sorted({*SUMMARIES, *_offered(ctx)})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command. Raises PluginBroken and DuplicateName; None if nobody has it."""
        invocation = ctx.ensure_object(Invocation)
        try:
            command = invocation.registry().get("commands", cmd_name)
        except UnknownName:
            return None
        except BrickworkError:
            if ctx.resilient_parsing:  # completion must stay silent
                return None
            raise
        if not isinstance(command, click.Command):
            raise BrickworkError(
                f"The command {cmd_name!r} of a plugin is a {type(command).__name__}, and no "
                "click command.",
                fix="Tell its author; `brickwork plugin ls` says whose it is.",
            )
        named = invocation.vault_url is not None or invocation.keys is not None
        if cmd_name not in SUMMARIES and named and not ctx.resilient_parsing:
            invocation.vault()  # a plugin knows nothing of these options
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which ones come near."""
        if not ctx.resilient_parsing and self.get_command(ctx, args[0]) is None:
            from difflib import get_close_matches

            close = get_close_matches(args[0], self.list_commands(ctx), n=2)
            hint = f" Did you mean {' or '.join(close)}?" if close else ""
            ctx.fail(f"There is no such command.{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(SUMMARIES.items()))
        offered = _offered(ctx)
        if offered:
            with formatter.section("Commands of plugins"):
                formatter.write_dl([(name, f"from {whose}") for name, whose in offered.items()])

    def invoke(self, ctx: click.Context) -> object:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except OSError as error:
            # Click takes any broken pipe for that of the output, and ends without a word.
            if error.errno == errno.EPIPE and not _output_gone():
                raise _Unexpected(error) from error
            raise


class _Unexpected(Exception):
    """Carries an error past click."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error


def _offered(ctx: click.Context) -> dict[str, str]:
    """Return the commands of plugins, and whose they are."""
    try:
        names = ctx.ensure_object(Invocation).registry().names("commands")
    except ConfigError:
        return {}  # help works all the same; `doctor` explains
    return {name: origin for name, origin in names.items() if name not in SUMMARIES}


def _store(ctx: click.Context, parameter: click.Parameter, value: object) -> object:
    if value is not None and not ctx.resilient_parsing:
        setattr(ctx.ensure_object(Invocation), parameter.name, value)
    return value


def _print_version(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from importlib.metadata import version

        click.echo(f"brickwork {version('brickwork')}")
        ctx.exit()


@click.group(cls=Root, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--vault",
    "vault_url",
    metavar="URL",
    is_eager=True,
    expose_value=False,
    callback=_store,
    help="The vault: a URL or the path of an SQLite file; before all settings.",
)
@click.option(
    "--keys",
    metavar="PROVIDER:SETTING",
    is_eager=True,
    expose_value=False,
    callback=_store,
    help="Where the key is: file:PATH, env:NAME, passphrase:NAME ...; never the key itself.",
)
@click.option(
    "--plugins/--no-plugins",
    default=None,
    is_eager=True,
    expose_value=False,
    callback=_store,
    help="Whether to use installed plugins and the project's modules. Default: yes.",
)
@click.option(
    "--input/--no-input",
    "may_ask",
    default=None,
    is_eager=True,
    expose_value=False,
    callback=_store,
    help="Whether to ask questions, on a terminal. Default: yes.",
)
@click.option(
    "--debug",
    is_flag=True,
    default=None,
    is_eager=True,
    expose_value=False,
    callback=_store,
    help="Show where an error comes from.",
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Print the version, and end.",
)
def root() -> None:
    """Typed, encrypted, versioned blocks of configuration and credentials, by name."""


def run(args: Sequence[str]) -> int:
    """Run one command line; return its exit code. Whatever happens, no traceback unasked.

    Args:
        args: The arguments, without the program's name.
    """
    _open_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    masking = install_masking(streams=True)
    try:
        code = _run(args)
    finally:
        try:
            masking.uninstall()
            sys.stdout.flush()
        except BrokenPipeError:
            code = _drop_output()
    return code


def _open_closed_streams() -> None:
    """Stand in for standard streams that whoever started this has closed; Python has None there."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            nowhere = Path(os.devnull).open(mode, encoding="utf-8")  # noqa: SIM115  # to the end
            setattr(sys, name, nowhere)


def _run(args: Sequence[str]) -> int:
    with closing(Invocation()) as invocation, warnings.catch_warnings():
        warnings.simplefilter("always", MaskingWarning)
        warnings.simplefilter("always", ExpiryWarning)
        warnings.showwarning = _show_warning  # type: ignore[assignment]  # takes all it is given
        return _run_as(invocation, args)


def _show_warning(message: Warning | str, *_: object) -> None:
    note(f"warning: {message}")


def _run_as(invocation: Invocation, args: Sequence[str]) -> int:
    try:
        result = root.main(
            args=list(args), prog_name="brickwork", standalone_mode=False, obj=invocation
        )
    except click.UsageError as error:
        if error.message.startswith("Got unexpected extra argument"):
            # One of them may be a secret.
            error = click.UsageError("Too many arguments.", error.ctx)
        if isinstance(error, click.NoSuchOption) and _is_global(error.option_name):
            told = f"Write it before the command: brickwork {error.option_name} ..."
            error = click.UsageError(f"{error.message} {told}", error.ctx)
        error.show()
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        sys.stderr.write("Interrupted.\n")
        return INTERRUPTED
    except SystemExit as error:
        if _output_gone():
            return _drop_output()
        return error.code if isinstance(error.code, int) else 1
    except _Unexpected as carried:
        return _report(carried.error, invocation)
    except Exception as error:  # noqa: BLE001  # whatever plugins and libraries raise
        return _report(error, invocation)
    return result if isinstance(result, int) and not isinstance(result, bool) else 0


def _is_global(option: str) -> bool:
    return any(option in (*each.opts, *each.secondary_opts) for each in root.params)


def _report(error: Exception, invocation: Invocation) -> int:
    """Say what happened, and to what; return the exit code."""
    if invocation.debug:
        import traceback

        sys.stderr.write(masker.mask("".join(traceback.format_exception(error))))
    if isinstance(error, BrickworkError):
        what, fix, code = error.what, error.fix, error.exit_code
    else:
        from brickwork.registry.plugins import told

        what, fix, code = told(error), "", 1
        if not invocation.debug:
            fix = "Run it again with --debug before the command, to see where it comes from."
    notes = "".join(f" ({text})" for text in getattr(error, "__notes__", ()))
    lines = [f"error: {what}{notes}", *([f"  fix: {fix}"] if fix else [])]
    note("\n".join(lines))
    return code if code in MEANINGS else 1


def _output_gone() -> bool:
    """Whether nobody reads standard output any more."""
    import select

    try:
        poll = select.poll()
        poll.register(sys.stdout.fileno(), 0)
        return any(event & select.POLLERR for _, event in poll.poll(0))
    except (OSError, ValueError):
        return False


def _drop_output() -> int:
    # Python flushes standard output once more at its end, and would complain.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    return OUTPUT_CLOSED
