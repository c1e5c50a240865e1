"""``brickwork plan``, ``apply``, ``export`` and ``manifest``: blocks as YAML."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from brickwork.cli import completion
from brickwork.cli.exit_codes import SOMETHING_TO_DO
from brickwork.cli.invocation import Invocation, pass_invocation
from brickwork.cli.options import together
from brickwork.cli.output import json_option, note, print_json, print_text
from brickwork.errors import ApplyRefused, BlockError, BrickworkError

if TYPE_CHECKING:
    from brickwork.vault.manifest import Plan, Source

_MANY = 100
"""From so many blocks on, applying shows how far it is."""


_manifest_options = together(
    click.option(
        "-f",
        "--file",
        "files",
        multiple=True,
        required=True,
        metavar="PATH",
        type=click.Path(),
        help="A file, a folder of .yaml and .yml files, or - for standard input; repeatable.",
    ),
    click.option(
        "--overlay",
        "overlays",
        multiple=True,
        metavar="PATH",
        type=click.Path(),
        help="A file whose fields replace those of the same blocks; repeatable.",
    ),
    click.option(
        "--prune",
        is_flag=True,
        help="Delete what the manifest owns and does not have any more.",
    ),
    click.option("--take-over", is_flag=True, help="Take over blocks that another manifest owns."),
    click.option(
        "--replace-unreadable",
        is_flag=True,
        help="Write anew what cannot be read, where the manifest gives all of it.",
    ),
    json_option,
)


@click.command("plan")
@_manifest_options
@click.option(
    "--exit-code", "tell", is_flag=True, help=f"End with {SOMETHING_TO_DO} if there is a change."
)
@pass_invocation
@click.pass_context
def plan(
    ctx: click.Context,
    invocation: Invocation,
    files: tuple[str, ...],
    overlays: tuple[str, ...],
    as_json: bool,
    tell: bool,
    prune: bool,
    take_over: bool,
    replace_unreadable: bool,
) -> None:
    """Show what applying a manifest would change. Changes nothing.

    \b
    + create  ~ change, take over or replace  - delete  ! unreadable
    Secrets are shown as set or changed, never by their values. Ends with 5 where
    something could not be applied.
    """  # noqa: D301  # click wants the character itself before lines that it must not wrap
    from brickwork.cli.plan_shown import as_json as shown, print_plan

    planned = invocation.vault().plan(
        *_sources(files),
        overlays=overlays,
        prune=prune,
        take_over=take_over,
        replace_unreadable=replace_unreadable,
    )
    if as_json:
        print_json("plan/1", shown(planned))
    else:
        print_plan(planned)
    if planned.refused:
        ctx.exit(ApplyRefused.exit_code)
    if tell and planned.changes:
        ctx.exit(SOMETHING_TO_DO)


@click.command("apply")
@_manifest_options
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--quiet", is_flag=True, help="Do not show the progress.")
@pass_invocation
def apply(
    invocation: Invocation,
    files: tuple[str, ...],
    overlays: tuple[str, ...],
    as_json: bool,
    yes: bool,
    quiet: bool,
    prune: bool,
    take_over: bool,
    replace_unreadable: bool,
) -> None:
    """Make the vault what a manifest says, in one transaction: all of it or nothing.

    Shows the plan and asks first. Applying the same again changes nothing.
    """
    from brickwork.cli.plan_shown import as_json as shown, print_plan, summary

    planned = invocation.vault().plan(
        *_sources(files),
        overlays=overlays,
        prune=prune,
        take_over=take_over,
        replace_unreadable=replace_unreadable,
    )
    if not as_json:
        print_plan(planned)
        sys.stdout.flush()  # before the question, and what else goes to standard error
    if planned.refused or not planned.changes:
        planned.apply()  # raises what is refused
    elif not yes:
        _ask(invocation, f"Apply this to {invocation.vault().store.location}?", "applied")
    saved = _applied(planned, quiet=quiet)
    if as_json:
        print_json("apply/1", {**shown(planned), "saved": [str(each.address) for each in saved]})
    elif planned.changes:
        note(f"Applied: {summary(planned)}")


@click.command("export")
@click.argument("patterns", nargs=-1, metavar="[ADDRESS]...", shell_complete=completion.addresses)
@click.option("--tag", "tags", multiple=True, help="Only blocks with this tag; repeatable.")
@click.option("--manifest", metavar="NAME", help="Only what this manifest owns; with its name.")
@click.option("--reveal", is_flag=True, help="Write secrets in clear. The audit trail says so.")
@click.option("-o", "--output", metavar="FILE", type=click.Path(), help="Write to this file.")
@click.option("--yes", is_flag=True, help="Do not ask, and write secrets to a terminal, too.")
@pass_invocation
@click.pass_context
def export(
    ctx: click.Context,
    invocation: Invocation,
    patterns: tuple[str, ...],
    tags: tuple[str, ...],
    manifest: str | None,
    reveal: bool,
    output: str | None,
    yes: bool,
) -> None:
    """Write blocks as a manifest that apply takes; those at ADDRESS, where * and ? match.

    References and public fields stand in it. A secret is {$kept: secret}, which means that what is
    saved stays. What cannot be read is left out, with its reason; then it ends with 6.
    """
    vault = invocation.vault()
    if reveal and not yes:
        if output is None and sys.stdout.isatty():
            raise BlockError(
                "Secrets would be written to this terminal.",
                fix="Write them to a file, -o FILE; or add --yes.",
            )
        if invocation.interactive and not click.confirm(
            "Write secrets in clear? The audit trail will say so.", err=True
        ):
            raise click.Abort
    found = vault.export(*patterns, tags=tags, manifest=manifest, reveal=reveal)
    if output is None:
        _write_out(found.text)
    else:
        _write_file(Path(output), found.text, private=reveal)
        note(f"Wrote {len(found.blocks)} block(s) to {output}.")
    for address, reason in found.unreadable:
        note(f"warning: {address} is left out: {reason}")
    if found.unreadable:
        ctx.exit(6)


@click.group("manifest")
def group() -> None:
    """Help with writing manifests: see also plan, apply and export."""


@group.command("schema")
@click.option(
    "--slug",
    "slugs",
    multiple=True,
    metavar="SLUG",
    shell_complete=completion.slugs,
    help="Only this kind of block, others unchecked; repeatable.",
)
@click.option("--overlay", is_flag=True, help="For overlays, which need not give all fields.")
@pass_invocation
def schema(invocation: Invocation, slugs: tuple[str, ...], overlay: bool) -> None:
    """Print the JSON Schema of manifests, for editors, from the installed plugins.

    \b
    brickwork manifest schema > manifest.schema.json
    # yaml-language-server: $schema=manifest.schema.json
    """  # noqa: D301  # as above
    import json

    from brickwork.vault.manifest.schema import manifest_schema

    found = manifest_schema(invocation.registry(), slugs or None, overlay=overlay)
    for reason in found.problems:
        note(f"warning: {reason}")
    print_text(json.dumps(found.schema, indent=2))


def _sources(files: tuple[str, ...]) -> "list[str | Source]":
    """Return the files, with what is on standard input in the place of ``-``."""
    from brickwork._safe_yaml import MAX_BYTES
    from brickwork.vault.manifest import Source

    if files.count("-") > 1:
        raise BlockError("Standard input can be read only once.", fix="Give - only once.")
    return [
        Source("<stdin>", sys.stdin.buffer.read(MAX_BYTES + 1)) if file == "-" else file
        for file in files
    ]


def _ask(invocation: Invocation, question: str, what: str) -> None:
    if not invocation.interactive:
        raise BlockError(f"Nothing is {what} without a yes.", fix="Add --yes.")
    if not click.confirm(question, err=True):
        raise click.Abort


def _applied(planned: "Plan", *, quiet: bool) -> "list[Any]":
    from brickwork.cli.progress import shown_progress
    from brickwork.tasks import Scope

    with shown_progress(hidden=quiet or len(planned.steps) < _MANY), Scope("apply"):
        return planned.apply()


def _write_out(text: str) -> None:
    """Write to standard output past the mask, which could change a manifest."""
    sys.stdout.flush()
    with open(sys.stdout.fileno(), "w", encoding="utf-8", closefd=False) as out:
        out.write(text)


def _write_file(path: Path, text: str, *, private: bool) -> None:
    """Write a file as a whole or not at all; with secrets in it, for its owner only."""
    import os
    import tempfile

    try:
        number, name = tempfile.mkstemp(prefix=".brickwork-", dir=path.parent)
        try:
            with open(number, "w", encoding="utf-8") as file:  # noqa: PTH123  # a number, no path
                file.write(text)
                file.flush()
                os.fsync(number)
            if not private:
                umask = os.umask(0)
                os.umask(umask)
                Path(name).chmod(0o666 & ~umask)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise BrickworkError(
            f"{path} cannot be written: {error.strerror}.", fix="Name a file in a folder of yours."
        ) from None
