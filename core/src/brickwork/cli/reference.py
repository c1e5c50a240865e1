"""``brickwork reference``: try references, and write where they point."""

import click

from brickwork.cli.invocation import Invocation, pass_invocation
from brickwork.cli.output import json_option, print_json, print_text


@click.group("reference")
def group() -> None:
    """Try references such as ${env:NAME}, and write where they point.

    In a shell, put them in single quotes: '${env:NAME}'.
    """


@group.command("check")
@click.argument("references", nargs=-1, required=True, metavar="REFERENCE...")
@json_option
@pass_invocation
def check(invocation: Invocation, references: tuple[str, ...], as_json: bool) -> None:
    """Fetch what each REFERENCE stands for, and tell whether there is a value; never show it."""
    from brickwork.vault.references import only_reference

    vault = invocation.vault()
    known = [str(only_reference(text)) for text in references]
    lengths = {text: len(vault.resolve(text).reveal()) for text in known}
    if as_json:
        found = [{"reference": text, "length": length} for text, length in lengths.items()]
        print_json("reference.check/1", {"references": found})
        return
    for text, length in lengths.items():
        print_text(f"{text}: a value of {length} characters")


@group.command("write")
@click.argument("reference")
@json_option
@pass_invocation
def write(invocation: Invocation, reference: str, as_json: bool) -> None:
    """Write a value where REFERENCE points: a secret's new version, one field of it.

    The value is asked for, or read from standard input. Blocks that refer to it have it when they
    are loaded next.
    """
    from brickwork.cli.assign import read_input
    from brickwork.cli.forms import Terminal
    from brickwork.secret import Secret
    from brickwork.vault.references import only_reference

    vault = invocation.vault()
    known = str(only_reference(reference))
    value = Terminal().ask_needed(known) if invocation.interactive else read_input()
    vault.write_reference(known, Secret(value))
    if as_json:
        print_json("reference.write/1", {"reference": known})
    else:
        print_text(f"written: {known}")
