"""The commands of ``brickwork block`` that look after many: check, migrate, annotate."""

import sys
import warnings
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from brickwork.cli import completion
from brickwork.cli.invocation import Invocation, pass_invocation
from brickwork.cli.notes import changed_notes, note_options, untag_option
from brickwork.cli.output import json_option, note, print_json, print_table, print_text
from brickwork.errors import BlockError, ExpiryWarning

if TYPE_CHECKING:
    from datetime import datetime

    from brickwork.vault import Vault
    from brickwork.vault.checking import Checked
    from brickwork.vault.migrating import MigrationOutcome


@click.command("check")
@click.argument("addresses", nargs=-1, metavar="[ADDRESS]...", shell_complete=completion.addresses)
@click.option("--all", "every", is_flag=True, help="Check every block; so does naming none.")
@click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="How long one block may take.",
)
@click.option(
    "--jobs",
    type=click.IntRange(1, 256),
    default=16,
    show_default=True,
    help="How many are checked at the same time.",
)
@json_option
@pass_invocation
@click.pass_context
def check(
    ctx: click.Context,
    invocation: Invocation,
    addresses: tuple[str, ...],
    every: bool,
    timeout: float,
    jobs: int,
    as_json: bool,
) -> None:
    """Check whether blocks are real, reachable and permitted; all of them by default.

    Many at once. Also says which have expired, or will soon. Ends with 1 if a check failed; if
    blocks could only not be loaded, with the code of that error.
    """
    from brickwork.vault.checking import check_blocks

    if every and addresses:
        raise click.UsageError("Name addresses, or write --all; not both.")
    vault = invocation.vault()
    wanted = list(addresses) or [f"{d.slug}/{d.name}" for d in vault.documents()]
    if not wanted:
        note(f"No blocks are saved in {vault.store.location}.")
    warnings.simplefilter("ignore", ExpiryWarning)  # it is a finding here
    results: dict[str, Checked] = {}
    try:
        _collect(results, check_blocks(vault, wanted, at_once=jobs, seconds=timeout), len(wanted))
    except KeyboardInterrupt:
        note(f"Interrupted; {len(results)} of {len(wanted)} were checked.")
        _print_checked(wanted, results, as_json)
        raise
    _print_checked(wanted, results, as_json)
    codes = {_code(checked) for checked in results.values()} - {0}
    if codes:
        ctx.exit(codes.pop() if len(codes) == 1 else 1)


def _collect(results: "dict[str, Checked]", checks: Any, total: int) -> None:
    from brickwork.cli.progress import shown_progress
    from brickwork.tasks import progress

    with shown_progress(hidden=total < 2):
        for checked in checks:
            results[checked.address] = checked
            progress(len(results), total, f"checked {checked.address}: {checked.status}")


def _code(checked: "Checked") -> int:
    if checked.status != "failed":
        return 0
    return 1 if checked.error is None else checked.error.exit_code


def _print_checked(wanted: Sequence[str], results: "dict[str, Checked]", as_json: bool) -> None:
    there = [results[address] for address in dict.fromkeys(wanted) if address in results]
    counts = {
        status: sum(each.status == status for each in there)
        for status in ("ok", "warning", "failed", "skipped")
    }
    if as_json:
        print_json(
            "block.check/1",
            {
                "ok": not counts["failed"],
                "counts": counts,
                "blocks": [
                    {
                        "address": each.address,
                        "ok": each.status != "failed",
                        "status": each.status,
                        "seconds": round(each.seconds, 3),
                        "findings": [asdict(finding) for finding in each.findings],
                    }
                    for each in there
                ],
            },
        )
        return
    if there:
        print_table(
            ("address", "seconds", "status", "what", "detail", "fix"),
            [
                (c.address, f"{c.seconds:.2f}", f.status, f.what, f.detail, f.fix)
                for c in there
                for f in c.findings
            ],
        )
    if len(there) > 1:
        note(", ".join(f"{count} {status}" for status, count in counts.items()) + ".")


@click.command("migrate")
@click.argument("address", required=False, shell_complete=completion.addresses)
@click.option("--dry-run", is_flag=True, help="Change nothing; show what would happen.")
@json_option
@pass_invocation
@click.pass_context
def migrate(
    ctx: click.Context, invocation: Invocation, address: str | None, dry_run: bool, as_json: bool
) -> None:
    """Save documents of old schema versions anew, as their classes are today.

    Of the block at ADDRESS, or of all. Each is a new version, in a transaction of its own; what
    cannot be migrated is named and left as it is. A field that a migration drops is gone from the
    new version, its secret with it; `brickwork block prune` removes the old ones.
    """
    from brickwork.cli.progress import shown_progress

    vault = invocation.vault()
    warnings.simplefilter("ignore", ExpiryWarning)
    with shown_progress(hidden=not sys.stderr.isatty()):
        outcomes = vault.migrate(address, dry_run=dry_run)
    if as_json:
        rows = [_outcome(each) for each in outcomes]
        print_json("block.migrate/1", {"dry_run": dry_run, "documents": rows})
    elif outcomes:
        print_table(
            ("address", "status", "schema", "added", "removed", "changed", "problem"),
            [_outcome_row(each) for each in outcomes],
        )
    failed = [each for each in outcomes if each.error is not None]
    done, verb = len(outcomes) - len(failed), "would be migrated" if dry_run else "migrated"
    if not as_json:
        for each in failed:
            fix = each.error.fix if each.error else ""
            note(f"failed: {each.address}" + (f"\n  fix: {fix}" if fix else ""))
    note(f"{done} {verb}, {len(failed)} failed; all others are of today's schema version.")
    codes = {each.error.exit_code for each in failed if each.error}
    if codes:
        ctx.exit(codes.pop() if len(codes) == 1 else 1)


def _outcome(outcome: "MigrationOutcome") -> dict[str, Any]:
    error = outcome.error
    return {
        "address": str(outcome.address),
        "status": outcome.status,
        "schemas": [
            {"at": s.pointer, "slug": s.slug, "from": s.saved, "to": s.current}
            for s in outcome.steps
        ],
        "added": list(outcome.added),
        "removed": list(outcome.removed),
        "changed": list(outcome.changed),
        "problem": None if error is None else {"what": error.what, "fix": error.fix},
    }


def _outcome_row(outcome: "MigrationOutcome") -> tuple[object, ...]:
    from brickwork.vault.pointers import dotted

    schemas = ", ".join(
        (f"{s.slug} in {dotted(s.pointer)}: " if s.pointer else "") + f"{s.saved} -> {s.current}"
        for s in outcome.steps
    )
    fields = (
        ", ".join(dotted(at) for at in pointers)
        for pointers in (outcome.added, outcome.removed, outcome.changed)
    )
    problem = "" if outcome.error is None else outcome.error.what
    return outcome.address, outcome.status, schemas, *fields, problem


@click.command("annotate")
@click.argument("address", shell_complete=completion.addresses)
@note_options
@untag_option
@json_option
@pass_invocation
def annotate(
    invocation: Invocation,
    address: str,
    description: str | None,
    tags: tuple[str, ...],
    expires: "datetime | str | None",
    untags: tuple[str, ...],
    as_json: bool,
) -> None:
    """Change what is noted on the block at ADDRESS: description, tags, expiry.

    Adds a version with the same content. Needs the key, and not the block's package.
    """
    if description is None and expires is None and not tags and not untags:
        raise BlockError(
            "There is nothing to note.", fix="Give --description, --tag, --untag or --expires."
        )
    vault = invocation.vault()
    before = vault.document(address)
    document = vault.annotate(
        address, changed_notes(before.notes, description, tags, expires, untags)
    )
    if document.version == before.version:
        note(f"{document.address} is noted like that already; no version was added.")
    _print_saved(vault, document.address, as_json)


def _print_saved(vault: "Vault", address: object, as_json: bool) -> None:
    from brickwork.cli.blocks_shown import listed

    if as_json:
        print_json("block.saved/1", {"block": listed(vault.document(str(address)))})
    else:
        print_text(f"Saved {address}.")
