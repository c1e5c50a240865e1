"""``brickwork import``: blocks from what other tools have saved."""

import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import click

from brickwork.cli.invocation import Invocation
from brickwork.cli.options import together
from brickwork.cli.output import json_option, note, print_json, print_table

if TYPE_CHECKING:
    from brickwork.importing import Entry, Import

_NOT_ALL = 1
_CONFLICT = 5


@click.group("import")
def group() -> None:
    """Make blocks from what other tools have saved.

    Values arrive as they are: nothing in them is taken for a reference or a template.
    """


_options = together(
    click.option("--dry-run", is_flag=True, help="Only say what would be done."),
    click.option("--prefix", default="", metavar="TEXT", help="What the names begin with here."),
    click.option(
        "--overwrite",
        is_flag=True,
        help="Add a version where something else is saved under a name.",
    ),
    click.option(
        "--only",
        multiple=True,
        metavar="GLOB",
        help="Import only what is called so there, and what that uses. May be repeated.",
    ),
    click.option(
        "--as-settings",
        is_flag=True,
        help="Keep what has no block here as settings and secrets.",
    ),
    json_option,
)


@group.command("prefect")
@click.argument("source", metavar="FILE|URL")
@click.option(
    "--allow-private", is_flag=True, help="Allow a server on a private network (this machine is)."
)
@click.option("--allow-http", is_flag=True, help="Allow http, which is not encrypted.")
@_options
@click.pass_context
def prefect(
    ctx: click.Context,
    /,
    source: str,
    allow_private: bool,
    allow_http: bool,
    as_settings: bool,
    **options: Any,
) -> None:
    """Import the block documents of Prefect.

    FILE is what the server answers to POST /api/block_documents/filter with the body
    {"include_secrets": true}; - is standard input. URL is the server's API, such as
    http://127.0.0.1:4200/api; then PREFECT_API_KEY, or PREFECT_API_AUTH_STRING, logs in.

    Ends with 5 if something else is saved under one of the names, and with 1 if something has no
    block here; all others are imported.
    """
    from brickwork.importing.prefect import entries_of, fetch_documents, read_documents
    from brickwork.importing.reading import read_bytes

    if source.startswith(("http://", "https://")):
        documents = fetch_documents(
            source,
            headers=_login(os.environ),
            allow_private=allow_private,
            allow_http=allow_http,
        )
    else:
        documents = read_documents(read_bytes(source), source)
    entries = entries_of(documents, settings=as_settings)
    _run(ctx, "prefect", entries, source, as_settings=as_settings, **options)


@group.command("airflow")
@click.argument("source", metavar="FILE")
@click.option(
    "--format",
    "form",
    type=click.Choice(["json", "yaml", "env"]),
    help="What the file is. By default its name says that.",
)
@_options
@click.pass_context
def airflow(
    ctx: click.Context,
    /,
    source: str,
    form: Literal["json", "yaml", "env"] | None,
    as_settings: bool,
    **options: Any,
) -> None:
    """Import the connections of Airflow.

    FILE is what `airflow connections export` writes, as JSON, YAML or env; - is standard input.

    Ends with 5 if something else is saved under one of the names, and with 1 if something has no
    block here; all others are imported.
    """
    from brickwork.importing.airflow import entries_of, format_of, read_connections
    from brickwork.importing.reading import read_bytes

    data = read_bytes(source)
    connections = read_connections(data, form or format_of(source, data), source)
    entries = entries_of(connections, settings=as_settings)
    _run(ctx, "airflow", entries, source, as_settings=as_settings, **options)


def _login(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the header that Prefect's own client would send."""
    from base64 import b64encode

    from brickwork.masking import masker

    key, pair = environ.get("PREFECT_API_KEY"), environ.get("PREFECT_API_AUTH_STRING")
    for secret in filter(None, (key, pair)):
        masker.add(secret)
    if key:
        return {"Authorization": f"Bearer {key}"}
    return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"} if pair else {}


def _run(
    ctx: click.Context,
    tool: str,
    entries: "Sequence[Entry]",
    source: str,
    *,
    dry_run: bool,
    prefix: str,
    overwrite: bool,
    only: Sequence[str],
    as_settings: bool,
    as_json: bool,
) -> None:
    """Plan, save, and tell about it."""
    from brickwork.importing import apply_import, plan_import

    vault = ctx.ensure_object(Invocation).vault()
    plan = plan_import(vault, tool, entries, prefix=prefix, overwrite=overwrite, only=only)
    if not dry_run:
        apply_import(vault, plan)
    if as_json:
        _print_json(plan, vault.store.location, dry_run=dry_run)
    else:
        _print(plan, source, dry_run=dry_run)
        if plan.having("cannot map") and not as_settings:
            note("--as-settings keeps what has no block here as settings and secrets.")
    if plan.having("conflict"):
        ctx.exit(_CONFLICT)
    if plan.having("cannot map"):
        ctx.exit(_NOT_ALL)


def _print_json(plan: "Import", vault: str, *, dry_run: bool) -> None:
    rows = [
        {
            "source": row.source,
            "address": row.address or None,
            "action": row.action.replace(" ", "_"),
            "reason": row.reason,
            "fields": list(row.fields),
        }
        for row in plan.rows
    ]
    content = {"tool": plan.tool, "vault": vault, "dry_run": dry_run, "blocks": rows}
    print_json("import/1", content)


def _print(plan: "Import", source: str, *, dry_run: bool) -> None:
    from brickwork.importing.planning import counts

    rows = []
    for row in plan.rows:
        fields = f" (fields: {', '.join(row.fields)})" if row.fields else ""
        rows.append((row.source, row.address, row.action, f"{row.reason}{fields}"))
    if rows:
        print_table(("source", "address", "action", "reason"), rows)
    sys.stdout.flush()  # where both go to one place, the table comes first
    found = ", ".join(f"{count} {action}" for action, count in counts(plan).items())
    note(f"{'Would import' if dry_run else 'Imported'} from {plan.tool}: {found or 'nothing'}.")
    if not dry_run and not source.startswith(("http://", "https://", "-")):
        note(f"{source} holds the secrets in clear: delete it when you have what you need.")
