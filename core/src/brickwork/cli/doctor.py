"""``brickwork doctor``: what is wrong with this installation, and what to do about it."""

from dataclasses import asdict

import click

from brickwork.cli.invocation import Invocation, pass_invocation
from brickwork.cli.output import json_option, note, print_json, print_table


@click.command("doctor")
@json_option
@pass_invocation
@click.pass_context
def group(ctx: click.Context, invocation: Invocation, as_json: bool) -> None:
    """Find out what is wrong with this installation, and what to do about it.

    Looks at versions, settings, the vault, its key, the blocks in it, plugins, the project's
    modules, and the disk. Changes nothing. Ends with 1 if something has failed.
    """
    from brickwork.cli.examinations import examine

    findings = examine(invocation)
    failed = [each for each in findings if each.status == "failed"]
    if as_json:
        print_json("doctor/1", {"ok": not failed, "findings": [asdict(each) for each in findings]})
    else:
        print_table(
            ("area", "status", "what", "detail"),
            [(each.area, each.status, each.what, each.detail) for each in findings],
        )
        fixes = [each for each in findings if each.fix]
        for each in fixes:
            note(f"{each.status}: {each.area}: {each.what}\n  fix: {each.fix}")
        warnings = sum(each.status == "warning" for each in findings)
        note(f"{len(failed)} failed, {warnings} warning(s), {len(findings)} findings.")
    if failed:
        ctx.exit(1)
