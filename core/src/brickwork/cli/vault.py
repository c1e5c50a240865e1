"""``brickwork vault``: whole vaults."""

import sys
from typing import TYPE_CHECKING, Literal

import click

from brickwork.cli.invocation import Invocation, pass_invocation
from brickwork.cli.output import json_option, note, print_json, print_table

if TYPE_CHECKING:
    from brickwork.vault import Vault
    from brickwork.vault.copying import CopyReport

_CONFLICT = 5
_UNREADABLE = 6


@click.group("vault")
def group() -> None:
    """Move whole vaults."""


@group.command("copy")
@click.argument("source_url", metavar="SRC")
@click.argument("target_url", metavar="DST")
@click.option("--src-keys", metavar="PROVIDER:SETTING", help="Where the key of SRC is.")
@click.option("--dst-keys", metavar="PROVIDER:SETTING", help="Where the key of DST is.")
@click.option(
    "--on-conflict",
    type=click.Choice(["skip", "error"]),
    default="skip",
    help="What to do where DST has something else under a name: leave it and go on, or write "
    "nothing at all. Default: skip.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would be copied.")
@json_option
@pass_invocation
@click.pass_context
def copy(
    ctx: click.Context,
    invocation: Invocation,
    source_url: str,
    target_url: str,
    src_keys: str | None,
    dst_keys: str | None,
    on_conflict: Literal["skip", "error"],
    dry_run: bool,
    as_json: bool,
) -> None:
    """Copy all blocks of the vault SRC, with every version, to the vault DST.

    SRC and DST are URLs, or paths of SQLite files; DST is made if it is not there. The keys come
    from the settings where an option does not name them, as in file:PATH or env:NAME; never give a
    key itself. Each block is sealed anew for DST, read back and compared. Run it again after an
    interruption, or later: it goes on, and writes nothing twice. Plugins are not needed.

    Ends with 5 if DST has other blocks under some of the names, and with 6 if some could not be
    read; all others were copied.
    """
    from brickwork.cli.progress import shown_progress
    from brickwork.vault import Vault
    from brickwork.vault.copying import copy_vault

    invocation.registry()
    with Vault.open(source_url, src_keys) as source, Vault.open(target_url, dst_keys) as target:
        _announce(source, target, dry_run=dry_run)
        with shown_progress(hidden=as_json):
            report = copy_vault(source, target, on_conflict=on_conflict, dry_run=dry_run)
        if as_json:
            print_json("vault.copy/1", _shape(source, target, report))
        else:
            _print(report)
    if report.unreadable:
        ctx.exit(_UNREADABLE)
    if report.having("conflict"):
        ctx.exit(_CONFLICT)


def _announce(source: "Vault", target: "Vault", *, dry_run: bool) -> None:
    if not dry_run and source.store.exists() and not target.store.exists():
        where = target.keys.provider.describe()
        note(f"brickwork: making the vault {target.store.location}, locked by {where}")


def _shape(source: "Vault", target: "Vault", report: "CopyReport") -> dict[str, object]:
    return {
        "source": source.store.location,
        "target": target.store.location,
        "dry_run": report.dry_run,
        "complete": report.complete,
        "blocks": [
            {
                "address": block.address,
                "action": block.action,
                "versions": list(block.versions),
                "unreadable": list(block.unreadable),
                "reason": block.reason,
            }
            for block in report.blocks
        ],
    }


def _print(report: "CopyReport") -> None:
    """Print what needs attention block by block, and the rest as counts."""
    rows = [
        (block.address, block.action, _versions(block.unreadable), block.reason)
        for block in report.blocks
        if block.action in ("conflict", "failed") or block.unreadable
    ]
    if rows:
        print_table(("address", "result", "unreadable versions", "reason"), rows)
        sys.stdout.flush()  # where both go to one place, the table comes first
    copied = report.having("copied")
    versions = sum(len(block.versions) for block in copied)
    done = "Would copy" if report.dry_run else "Copied"
    note(
        f"{done} {len(copied)} blocks ({versions} versions). "
        f"There already: {len(report.having('same'))}. "
        f"In conflict: {len(report.having('conflict'))}. Not readable: {len(report.unreadable)}."
    )


def _versions(numbers: tuple[int, ...]) -> str:
    return ", ".join(map(str, numbers))
