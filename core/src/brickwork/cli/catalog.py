"""``brickwork catalog``: what plugins bring, also those that are not installed."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from brickwork.catalog.shipped import KINDS, Catalog
from brickwork.cli import completion
from brickwork.cli.invocation import Invocation, pass_invocation
from brickwork.cli.output import json_option, note, print_json, print_table, print_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from brickwork.catalog.shipped import Found

_kind_option = click.option(
    "--kind", type=click.Choice(KINDS), help="Only things of this kind.", metavar="KIND"
)


@click.group("catalog")
def group() -> None:
    """Find out what plugins bring, also those that are not installed.

    The catalog comes with Brickwork: nothing is asked of a network. An installed plugin that it
    does not know, or of which another version is installed, tells of itself.
    """


@group.command("search")
@click.argument("words", nargs=-1, required=True)
@_kind_option
@click.option("--limit", type=click.IntRange(min=1), default=30, help="At most so many lines.")
@json_option
@pass_invocation
def search(
    invocation: Invocation, words: tuple[str, ...], kind: str | None, limit: int, as_json: bool
) -> None:
    """Search names, descriptions, fields and permissions for all WORDS.

    What has them in its name comes first.
    """
    catalog = _catalog(invocation)
    found = catalog.search([word for text in words for word in text.split()], kind)
    _note_troubles(catalog)
    if as_json:
        print_json("catalog.search/1", {"found": len(found), "things": _rows(found[:limit])})
        return
    if not found:
        note("Nothing in the catalog has all of that; fewer words find more.")
        return
    _print_rows(found[:limit])
    if len(found) > limit:
        note(f"{len(found) - limit} more: --limit {len(found)} shows them.")


@group.command("show")
@click.argument("name", shell_complete=completion.catalog)
@_kind_option
@click.option("--yaml", "as_yaml", is_flag=True, help="Print a manifest to begin with.")
@click.option("--python", "as_python", is_flag=True, help="Print a program to begin with.")
@json_option
@pass_invocation
def show(
    invocation: Invocation,
    name: str,
    kind: str | None,
    as_yaml: bool,
    as_python: bool,
    as_json: bool,
) -> None:
    """Show all that one needs to use NAME: a block, a task, a scheme, a command, a distribution."""
    from brickwork.catalog.shipped import damaged
    from brickwork.cli import catalog_shown
    from brickwork.config import normalise

    if as_yaml + as_python + as_json > 1:
        raise click.UsageError("Give one of --yaml, --python and --json.")
    catalog = _catalog(invocation)
    whole = normalise(name)
    if whole in catalog and kind is None:
        _show_distribution(catalog, whole, as_json, beginning=as_yaml or as_python)
        return
    found = catalog.things_named(name, kind)
    try:
        if as_yaml or as_python:
            language = "yaml" if as_yaml else "python"
            print_text(catalog_shown.beginning(found, language, catalog.things_of))
        elif as_json:
            print_json("catalog.show/1", {"things": [each.as_json() for each in found]})
        else:
            catalog_shown.show(found)
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        # An entry that is not as the format has it; what it should be, `catalog check` says.
        raise damaged(str(found[0].distribution.get("name", "?")), error) from None
    _note_troubles(catalog)


@group.command("ls")
@click.argument("distribution", required=False)
@_kind_option
@json_option
@pass_invocation
def ls(invocation: Invocation, distribution: str | None, kind: str | None, as_json: bool) -> None:
    """List the known distributions; with DISTRIBUTION or --kind, the things that they bring."""
    catalog = _catalog(invocation)
    if distribution is not None:
        from brickwork.config import normalise

        found = catalog.things_of(normalise(distribution))
    elif kind is not None:
        found = [each for row in catalog.distributions() for each in catalog.things_of(row["name"])]
    else:
        _list_distributions(catalog, as_json)
        return
    found = [each for each in found if kind in (None, each.thing["kind"])]
    _note_troubles(catalog)
    if as_json:
        print_json("catalog.things/1", {"things": _rows(found)})
    else:
        _print_rows(found)


@group.command("export")
@click.argument("distribution")
@pass_invocation
def export(invocation: Invocation, distribution: str) -> None:
    """Write the entry of an installed DISTRIBUTION, as a file of the catalog has it.

    \b
    brickwork catalog export brickwork-acme > blocks-catalog/third-party/brickwork-acme.json
    """  # noqa: D301  # click wants the character itself before lines that it must not wrap
    from brickwork.catalog.files import content_of, text_of
    from brickwork.catalog.generate import entry_of

    file = entry_of(invocation.registry(), distribution)
    print_text(text_of(content_of(file)).removesuffix("\n"))


@group.command("check")
@click.argument("file", type=click.Path(path_type=Path))
def check(file: Path) -> None:
    """Check a FILE for the catalog: its format, its names, its logo."""
    from brickwork.catalog.files import check_owners, read

    found = read(file)
    check_owners(found, file.name)
    own = found.distribution
    kinds = [each.kind for each in found.things]
    counts = ", ".join(_counted(kinds.count(kind), kind) for kind in KINDS if kind in kinds)
    print_text(f"{own.name} {own.version}: good. It brings {counts or 'nothing'}.")


def _counted(number: int, kind: str) -> str:
    return f"{number} {kind.replace('-', ' ')}{'' if number == 1 else 's'}"


def _catalog(invocation: Invocation) -> Catalog:
    if not invocation.plugins:
        note("Plugins are switched off: what is installed is not looked at.")
    return Catalog(invocation.registry())


def _show_distribution(catalog: Catalog, name: str, as_json: bool, *, beginning: bool) -> None:
    if beginning:
        raise click.UsageError(f"{name} is a distribution; name a block or a task of it.")
    row = next((each for each in catalog.distributions() if each["name"] == name), None)
    found = catalog.things_of(name)
    _note_troubles(catalog)
    if as_json:
        print_json("catalog.distribution/1", {"distribution": row, "things": _rows(found)})
        return
    if row is not None:
        state = f"installed {row['installed']}" if row["installed"] else f"pip install {name}"
        print_text(f"{name} {row['version']}: {row['summary']} ({state})\n")
    _print_rows(found)


def _list_distributions(catalog: Catalog, as_json: bool) -> None:
    rows = catalog.distributions()
    _note_troubles(catalog)
    if as_json:
        print_json("catalog.list/1", {"distributions": rows})
        return
    levels = any(row["level"] for row in rows)
    print_table(
        ("distribution", "version", "installed", "things", *(["level"] if levels else []), "what"),
        [
            (
                *(row["name"], row["version"], row["installed"] or "no", row["things"]),
                *([row["level"] or ""] if levels else []),
                row["summary"],
            )
            for row in rows
        ],
    )


def _rows(found: "Sequence[Found]") -> list[dict[str, object]]:
    return [
        {
            "name": each.thing["name"],
            "kind": each.thing["kind"],
            "summary": each.thing.get("summary", ""),
            "distribution": each.distribution["name"],
            "installed": each.installed,
            "live": each.live,
        }
        for each in found
    ]


def _print_rows(found: "Sequence[Found]") -> None:
    print_table(
        ("name", "kind", "distribution", "installed", "what"),
        [
            (r["name"], r["kind"], r["distribution"], r["installed"] or "no", r["summary"])
            for r in _rows(found)
        ],
    )


def _note_troubles(catalog: Catalog) -> None:
    for trouble in catalog.troubles:
        note(f"warning: {trouble}")
