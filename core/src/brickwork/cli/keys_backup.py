"""``brickwork keys backup`` and ``restore``: the root keys in a file, sealed by a passphrase."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from brickwork.cli.invocation import Invocation, pass_invocation
from brickwork.cli.options import together
from brickwork.cli.output import json_option, note, print_json, print_text

if TYPE_CHECKING:
    from brickwork.secret import Secret


_options = together(
    click.argument("file", type=click.Path(path_type=Path)),
    click.option(
        "--passphrase",
        metavar="-",
        help="With -, read it from standard input; else it is asked for on the terminal.",
    ),
    json_option,
)


@click.command("backup")
@_options
@pass_invocation
@click.pass_context
def backup(
    ctx: click.Context,
    invocation: Invocation,
    file: Path,
    passphrase: str | None,
    as_json: bool,
) -> None:
    """Write the root keys to FILE, sealed by a passphrase of its own.

    With it, losing the key file is not losing the vault: see `keys restore`. The documents are not
    in it. FILE must not exist; only you may read it. Make a new one after each new root key.
    """
    from brickwork.vault import key_backup

    vault = invocation.vault()
    key_backup.refuse_existing(file)
    vault.keys.current("wrap")  # before anybody thinks of a passphrase in vain
    written = key_backup.write(vault.keys, file, _passphrase(invocation, passphrase, new=True))
    if as_json:
        print_json(
            "keys.backup/1",
            {
                "file": str(file.absolute()),
                "keys": [kid.hex() for kid in written.kids],
                "left": [{"kid": kid.hex(), "error": error.what} for kid, error in written.left],
            },
        )
    else:
        print_text(f"{len(written.kids)} root key(s) are in {file}.")
    note("Keep it away from the database, and the passphrase away from both.")
    for kid, error in written.left:
        note(f"error: not root key {kid.hex()}: {error.what}\n  fix: {error.fix}")
    if written.left:
        ctx.exit(written.left[0][1].exit_code)


@click.command("restore")
@_options
@pass_invocation
@click.pass_context
def restore(
    ctx: click.Context,
    invocation: Invocation,
    file: Path,
    passphrase: str | None,
    as_json: bool,
) -> None:
    """Bring the root keys back from the backup FILE.

    The key provider of today guards them from then on: it is what the settings or --keys name. A
    key file that is missing is made. Root keys that the vault has and the backup has not stay as
    they are.
    """
    from brickwork.vault import key_backup

    vault = invocation.vault()
    found = key_backup.read(file)
    done = key_backup.restore(vault.keys, found, _passphrase(invocation, passphrase, new=False))
    where = vault.keys.provider.describe()
    if as_json:
        print_json(
            "keys.restored/1",
            {
                "keys": [kid.hex() for kid in done.kids],
                "made_key": done.made_key,
                "activated": done.activated and done.activated.hex(),
                "locked": [{"kid": kid.hex(), "documents": n} for kid, n in done.locked],
            },
        )
    else:
        print_text(f"{len(done.kids)} root key(s) are guarded by {where} now.")
    if done.made_key:
        note(f"A new key was made: {where}. Keep a copy of it.")
    if done.activated is not None:
        note(f"Root key {done.activated.hex()} seals new documents from now on.")
    for kid, documents in done.locked:
        note(
            f"error: root key {kid.hex()} is not in the backup, and the key of today does not open "
            f"it: {documents} document(s) stay locked.\n"
            "  fix: Restore a backup of keys that was made later."
        )
    if any(documents for _, documents in done.locked):
        ctx.exit(3)


def _passphrase(invocation: Invocation, given: str | None, *, new: bool) -> "Secret[str]":
    from brickwork.cli.assign import read_input
    from brickwork.cli.forms import Terminal
    from brickwork.secret import Secret

    if given == "-" and not invocation.interactive:
        return Secret(read_input())
    if given not in (None, "-"):
        raise click.UsageError(
            "A passphrase is no argument, where others see it. Write --passphrase - and pass it "
            "on standard input, or leave it out on a terminal to be asked."
        )
    if not invocation.interactive:
        raise click.UsageError("A passphrase is needed: --passphrase - reads standard input.")
    terminal = Terminal()
    text = terminal.ask_hidden("Passphrase of the backup")
    if new and terminal.ask_hidden("The same again") != text:
        raise click.UsageError("The two passphrases are not the same.")
    return Secret(text)
