"""``brickwork plugin``: what is installed, from metadata alone; checking is elsewhere."""

import click

from brickwork.cli.invocation import Invocation, pass_invocation
from brickwork.cli.lazy import LazyGroup
from brickwork.cli.output import json_option, note, print_json, print_table


@click.group(
    "plugin",
    cls=LazyGroup,
    elsewhere={
        "check": (
            "brickwork.cli.plugin_check:check",
            "Run the contracts of one, and say how good it is.",
        ),
        "new": ("brickwork.cli.plugin_new:new", "Write the package of a new one."),
    },
)
def group() -> None:
    """Look at the plugins that are installed, see how good they are, and begin new ones."""


@group.command("ls")
@click.option("--load", is_flag=True, help="Import each, to see whether it works.")
@json_option
@pass_invocation
def ls(invocation: Invocation, load: bool, as_json: bool) -> None:
    """List plugins and the project's modules. Imports none of them, unless told to --load."""
    registry = invocation.registry()
    infos = registry.load_all() if load else registry.plugins()
    if as_json:
        print_json("plugin.list/1", {"plugins": [info._asdict() for info in infos]})
        return
    if not infos:
        note("No plugins are installed." if invocation.plugins else "Plugins are switched off.")
        return
    print_table(
        ("name", "distribution", "version", "status", "path", "sha256 of record"),
        [
            (i.name, i.distribution or "(project)", i.version, i.status, i.path, i.record[:12])
            for i in infos
        ],
    )
    for info in infos:
        if info.reason:
            note(f"{info.name}: {info.reason}" + (f"\n  fix: {info.fix}" if info.fix else ""))
