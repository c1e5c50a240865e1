"""``brickwork block explain``: where each value comes from, never the value."""

import click

from brickwork.cli import completion
from brickwork.cli.invocation import Invocation, pass_invocation
from brickwork.cli.output import json_option, note, print_json, print_table

_MEANINGS = {
    "saved": "saved in clear",
    "sealed": "saved, sealed",
    "reference": "fetched at load",
    "block": "another block",
    "default": "the class's default",
    "migration": "made by a migration",
    "missing": "another block, which is missing",
}


@click.command("explain")
@click.argument("address", shell_complete=completion.addresses)
@json_option
@pass_invocation
def explain(invocation: Invocation, address: str, as_json: bool) -> None:
    """Show where the value of each field of the block at ADDRESS comes from. No values.

    Goes through other blocks too: what they say is listed below the field that refers to them.
    Fetches nothing, so that it tells also what cannot be fetched.
    """
    found = invocation.vault().explain(address)
    if as_json:
        rows = [{**field._asdict(), "saved_in": str(field.saved_in)} for field in found]
        print_json("block.explain/1", {"address": address, "fields": rows})
        return
    print_table(
        ("field", "comes from", "source", "saved in"),
        [
            (
                field.path,
                _MEANINGS[field.origin],
                field.source,
                f"{field.saved_in}{' (secret)' if field.secret else ''}",
            )
            for field in found
        ],
    )
    lost = [field for field in found if field.origin == "missing"]
    for field in lost:
        note(f"warning: {field.path} refers to {field.source}, which is not saved here.")
