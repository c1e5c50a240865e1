"""The commands of ``brickwork block`` about versions: history, diff, rollback, prune."""

from typing import TYPE_CHECKING, Any

import click

from brickwork.cli import completion
from brickwork.cli.invocation import Invocation, pass_invocation
from brickwork.cli.output import json_option, note, print_json, print_table, print_text
from brickwork.errors import BlockError

if TYPE_CHECKING:
    from brickwork.vault import Document
    from brickwork.vault.diff import Change, Diff

_VERSION = click.IntRange(1, 2**63 - 1)


@click.command("history")
@click.argument("address", shell_complete=completion.addresses)
@json_option
@pass_invocation
def history(invocation: Invocation, address: str, as_json: bool) -> None:
    """List the versions of a block, oldest first. Decrypts nothing."""
    from brickwork.cli.blocks_shown import listed, when, with_notes

    rows = [listed(document) for document in invocation.vault().history(address)]
    if as_json:
        print_json("block.history/1", {"address": rows[0]["address"], "versions": rows})
        return
    cells = [(r["version"], when(r), r["saved_by"], r["schema_version"], r["kid"]) for r in rows]
    print_table(*with_notes(rows, ("version", "saved", "by", "schema", "key"), cells))


@click.command("diff")
@click.argument("address", shell_complete=completion.addresses)
@click.argument("a", required=False, type=_VERSION)
@click.argument("b", required=False, type=_VERSION)
@json_option
@click.option("--exit-code", is_flag=True, help="End with 1 where the versions differ.")
@pass_invocation
@click.pass_context
def diff(
    ctx: click.Context,
    invocation: Invocation,
    address: str,
    a: int | None,
    b: int | None,
    as_json: bool,
    exit_code: bool,
) -> None:
    """Show what version A of the block at ADDRESS and version B differ in.

    B is the newest version where it is not given, A the one before B. Secrets are shown as changed
    or unchanged, never with a value. SLUG/NAME@3 compares version 3 with the newest.
    """
    found = invocation.vault().diff(address, a, b)
    if as_json:
        print_json("block.diff/1", _json(found))
    else:
        _print(found)
    if exit_code and found.different:
        ctx.exit(1)


@click.command("rollback")
@click.argument("address", shell_complete=completion.addresses)
@click.argument("version", required=False, type=_VERSION)
@json_option
@pass_invocation
def rollback(invocation: Invocation, address: str, version: int | None, as_json: bool) -> None:
    """Make VERSION of the block at ADDRESS the newest again.

    Adds a version with the content of the old one. SLUG/NAME@3 is another way to name version 3.
    """
    from brickwork.block import Address

    target = Address.parse(address)
    chosen = target.version if version is None else version
    if chosen is None or (target.version is not None and target.version != chosen):
        raise BlockError(
            f"{address}: which version to roll back to is not clear.",
            fix=f"Write {target._replace(version=3)}; `brickwork block history "
            f"{target._replace(version=None)}` lists them.",
        )
    vault = invocation.vault()
    before = vault.document(target._replace(version=None)).version
    document = vault.rollback(target._replace(version=None), chosen)
    if document.version == before:
        note(f"{document.address} is like version {chosen} already; no version was added.")
    _saved(document, as_json)


@click.command("prune")
@click.argument("address", required=False, shell_complete=completion.addresses)
@click.option(
    "--keep", type=click.IntRange(1), required=True, help="How many versions of each block stay."
)
@click.option(
    "--compact", is_flag=True, help="Then leave no byte of them in the database's files either."
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@pass_invocation
def prune(
    invocation: Invocation,
    address: str | None,
    keep: int,
    compact: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Remove old versions of the block at ADDRESS, or of all blocks.

    The newest ones stay, and those to which another block refers by their number. In one
    transaction.
    """
    vault = invocation.vault()
    what = f"all but {keep} version(s) of {address or 'every block'}"
    if not yes:
        if not invocation.interactive:
            raise BlockError(f"Without a yes, {what} are not removed.", fix="Add --yes.")
        if not click.confirm(f"Remove {what} for good?", err=True):
            raise click.Abort
    removed = vault.prune(address, keep=keep)
    if compact and vault.store.exists():
        vault.store.compact()
    if as_json:
        print_json("block.prune/1", {"removed": [str(each) for each in removed]})
    for each in [] if as_json else removed:
        print_text(f"Removed {each}.")
    note(f"{len(removed)} version(s) removed.")
    if removed and not compact:
        note("Copies of them may be in the database's log for a while; --compact clears it.")


def _saved(document: "Document", as_json: bool) -> None:
    from brickwork.cli.blocks_shown import listed

    if as_json:
        print_json("block.saved/1", {"block": listed(document)})
    else:
        print_text(f"Saved {document.address}.")


def _json(found: "Diff") -> dict[str, Any]:
    return {
        "address": str(found.address),
        "before": found.before,
        "after": found.after,
        "different": found.different,
        "schema_versions": list(found.schema_versions),
        "changes": [change._asdict() for change in found.changes],
        "notes": [change._asdict() for change in found.notes],
        "unverified": {str(version): error.what for version, error in found.unverified.items()},
    }


def _print(found: "Diff") -> None:
    before = "nothing" if found.before is None else f"version {found.before}"
    print_text(f"{found.address}: {before} -> version {found.after}")
    rows = [_row(change) for change in found.changes]
    rows += [("notes", change.pointer, *_values(change)) for change in found.notes]
    first, second = found.schema_versions
    if first is not None and first != second:
        rows.append(("changed", "schema version", first, second))
    if rows:
        print_table(("what", "field", "before", "after"), rows)
    for version, error in found.unverified.items():
        note(
            f"warning: version {version} is unverified: {error.what}\n"
            "  What is shown of it is what the database says."
        )
    if not found.different:
        secrets = any(change.kind == "unknown" for change in found.changes)
        note("No difference is known; secrets could not be compared." if secrets else
             "No difference.")  # fmt: skip


def _row(change: "Change") -> tuple[object, ...]:
    from brickwork.vault.pointers import dotted

    path = dotted(change.pointer) or "(the block)"
    if change.what == "secret":
        return change.kind, path, "", "(a secret)"
    return change.kind, path, *_values(change)


def _values(change: "Change") -> tuple[str, str]:
    return _text(change.before), _text(change.after)


def _text(value: Any) -> str:
    import json

    if value is None:
        return ""
    if isinstance(value, dict) and set(value) == {"$block"}:
        return f"-> {value['$block']}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
