"""``brickwork audit``: who did what to the vault, and whether that record is whole."""

import re
import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from brickwork.cli import completion
from brickwork.cli.invocation import Invocation, pass_invocation
from brickwork.cli.output import json_option, note, print_json, print_table, print_text
from brickwork.errors import BrickworkError

if TYPE_CHECKING:
    from brickwork.vault.audit_entry import AuditEntry, AuditHead

_SPAN = re.compile(r"(\d{1,6})\s*([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class _Past(click.ParamType):  # type: ignore[type-arg]  # generic in newer versions only
    """A date, a date with a time, or a span back from now."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            if span := _SPAN.fullmatch(str(value).strip()):
                return datetime.now(UTC) - timedelta(**{_UNITS[span[2]]: int(span[1])})
            return datetime.fromisoformat(value).astimezone(UTC)  # without a zone, it is local
        except (ValueError, OverflowError, OSError):
            self.fail(
                "write a date (2026-11-30), a time with it, or a span such as 7d.", param, ctx
            )


@click.group("audit")
def group() -> None:
    """Look at who did what to the vault, and verify that this record is whole.

    Every save, rename, deletion and change of keys leaves an entry; loads too, where audit_loads
    is set. Each entry has a code that depends on all before it and on the vault's key.
    """


@group.command("ls")
@click.argument("address", required=False, shell_complete=completion.addresses)
@click.option("--action", "actions", multiple=True, metavar="ACTION", help="Only this; repeatable.")
@click.option("--who", metavar="TEXT", help="Only whose user@host or actor has this in it.")
@click.option("--since", type=_Past(), help="Not before: a date, a time, or a span such as 7d.")
@click.option("--until", type=_Past(), help="Before: a date, a time, or a span such as 7d.")
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(1),
    default=50,
    show_default=True,
    help="At most so many entries.",
)
@click.option("--all", "everything", is_flag=True, help="As many as there are.")
@click.option("--oldest-first", is_flag=True, help="The oldest first, not the newest.")
@json_option
@pass_invocation
def ls(
    invocation: Invocation,
    address: str | None,
    actions: tuple[str, ...],
    who: str | None,
    since: datetime | None,
    until: datetime | None,
    limit: int,
    everything: bool,
    oldest_first: bool,
    as_json: bool,
) -> None:
    """List entries, the newest first; those of one ADDRESS, or of one slug. Verifies nothing.

    Needs no key. An entry that somebody overwrote is shown as unreadable, whatever is asked for.
    """
    from brickwork.vault.audit import ACTIONS

    known = {*ACTIONS, *(name.partition(".")[0] for name in ACTIONS)}
    if unknown := [name for name in actions if name not in known]:
        raise click.UsageError(f"No such action: {unknown[0]}. There are {', '.join(ACTIONS)}.")
    entries = list(
        invocation.vault().audit.entries(
            address=address,
            action=actions or None,
            who=who,
            since=since,
            until=until,
            limit=None if everything else limit,
            oldest_first=oldest_first,
        )
    )
    if as_json:
        print_json("audit.list/1", {"entries": [_shape(entry) for entry in entries]})
        return
    if not entries:
        note("No entries." if invocation.vault().store.exists() else "There is no vault yet.")
        return
    print_table(("entry", "when", "who", "action", "address", "detail"), map(_cells, entries))


@group.command("verify")
@click.option("--head", metavar="HEAD", help="The head that was kept: NUMBER:CODE.")
@click.option("--head-file", type=click.Path(path_type=Path), help="A file that it was kept in.")
@click.option("--update", is_flag=True, help="Then write the head of today to --head-file.")
@click.option("--documents/--no-documents", default=True, help="Compare documents. Default: yes.")
@click.option("--file", "export", type=click.File(), help="Verify this export, not the vault.")
@json_option
@pass_invocation
def verify(
    invocation: Invocation,
    head: str | None,
    head_file: Path | None,
    update: bool,
    documents: bool,
    export: IO[str] | None,
    as_json: bool,
) -> None:
    """Verify every entry, and that the newest documents are those that were saved last.

    Without a head that was kept elsewhere, it cannot be seen that the whole database was replaced
    by an older copy of it, or the end of the trail cut off. Keep the head on another machine.

    Ends with 1 if something is wrong, and with 3 if a root key is missing that entries need.
    """
    if update and head_file is None:
        raise click.UsageError("--update needs --head-file.")
    kept = _kept(head, head_file, may_be_absent=update)
    if export is None:
        where = invocation.vault().store.location
        found = invocation.vault().audit.verify(kept, documents=documents)
    else:
        where, found = _verify_export(invocation, export, kept)
    if update and head_file is not None:
        _replace(head_file, f"{found}\n")
    if as_json:
        print_json(
            "audit.verify/1",
            {
                "of": where,
                "entries": found.position,
                "head": str(found),
                "compared": str(kept) if kept else None,
                "documents": documents and export is None,
            },
        )
        return
    print_text(f"entries  {found.position}")
    print_text(f"head     {found}")
    if found.position == 0:
        note("The trail is empty; the next change begins it.")
    elif kept is None and not update:
        note("Keep the head where nobody who can write to the database can change it: see --head.")


@group.command("head")
@json_option
@pass_invocation
def head(invocation: Invocation, as_json: bool) -> None:
    """Print the head of the trail, to be kept elsewhere. Checks the last entry only.

    `verify` prints it too, after checking all.
    """
    found = invocation.vault().audit.head()
    if as_json:
        print_json("audit.head/1", {"head": str(found), "entries": found.position})
    else:
        print_text(str(found))


@group.command("export")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The file. Default: stdout.")
@click.option("--after", metavar="HEAD", help="Only what follows the head of an earlier export.")
@click.option(
    "--with-keys",
    is_flag=True,
    help="Give the root keys along, wrapped, so that the provider's key is enough to verify it. "
    "Not if that is a passphrase: it could be guessed at.",
)
@pass_invocation
def export(invocation: Invocation, output: Path | None, after: str | None, with_keys: bool) -> None:
    """Write the entries as JSON lines, with their codes.

    `verify --file` verifies them on another machine that has the key.
    """
    from brickwork.vault.audit_chain import EMPTY
    from brickwork.vault.audit_entry import AuditHead
    from brickwork.vault.audit_export import exported

    vault = invocation.vault()
    start = EMPTY if after is None else AuditHead.parse(after)
    keys = vault.store.keys() if with_keys else ()
    lines = exported(vault.store, start, keys=keys)
    if output is None:
        _write(lines, sys.stdout)
        return
    with _opened(output) as file:
        count = _write(lines, file)
    note(f"{count - 1} entries written to {output}.")


def _write(lines: Iterable[str], file: IO[str]) -> int:
    count = 0
    for count, line in enumerate(lines, 1):  # noqa: B007  # the last number is what is wanted
        file.write(f"{line}\n")
    return count


def _opened(path: Path) -> IO[str]:
    try:
        return path.open("w", encoding="utf-8")
    except OSError as error:
        raise click.FileError(str(path), error.strerror) from None


def _kept(head: str | None, file: Path | None, *, may_be_absent: bool) -> "AuditHead | None":
    from brickwork.vault.audit_entry import AuditHead

    if head is not None and file is not None:
        raise click.UsageError("Give --head or --head-file, not both.")
    if file is not None:
        try:
            head = file.read_text(encoding="utf-8")
        except FileNotFoundError:
            if may_be_absent:
                return None
            raise click.FileError(str(file), "there is no such file") from None
        except (OSError, ValueError) as error:
            raise click.FileError(str(file), str(getattr(error, "strerror", "no text"))) from None
    return None if head is None else AuditHead.parse(head)


def _replace(path: Path, text: str) -> None:
    """Write a file so that there is the old one or the new one at every moment."""
    beside = path.with_name(f".{path.name}.new")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        raise click.FileError(str(path), error.strerror) from None


def _verify_export(
    invocation: Invocation, file: IO[str], kept: "AuditHead | None"
) -> "tuple[str, AuditHead]":
    from brickwork.vault.audit_export import Export

    keys = invocation.vault().keys
    try:
        export = Export(file)
        found = export.verify(export.keys_with(lambda: keys.provider, keys), kept)
    except UnicodeDecodeError:
        raise BrickworkError(f"{file.name} is not text.", fix="Give an export.") from None
    if export.after.position and kept is None:
        note(f"The export begins after {export.after}: compare that with the head of the last one.")
    return export.vault, found


def _cells(entry: "AuditEntry") -> tuple[object, ...]:
    if not entry.readable:
        return entry.position, "", "", "unreadable", "", "run `brickwork audit verify`"
    when = entry.at.astimezone().isoformat(" ", "seconds") if entry.at else ""
    who = f"{entry.who} ({entry.actor})" if entry.actor else entry.who
    detail = ", ".join(f"{name}: {_short(value)}" for name, value in entry.detail.items())
    return entry.position, when, who, entry.action, entry.address or "", detail


def _short(value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _shape(entry: "AuditEntry") -> dict[str, object]:
    return {
        "position": entry.position,
        "readable": entry.readable,
        "at": entry.at and entry.at.isoformat(),
        "who": entry.who,
        "actor": entry.actor or None,
        "action": entry.action or None,
        "address": entry.address and str(entry.address),
        "block": entry.block or None,
        "kid": entry.kid or None,
        "detail": entry.detail,
        "mac": entry.row.mac.hex(),
    }
