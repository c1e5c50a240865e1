"""``brickwork block``: what is saved, and what could be."""

import warnings
from typing import TYPE_CHECKING, Any

import click

from brickwork.cli import completion
from brickwork.cli.invocation import Invocation, pass_invocation
from brickwork.cli.lazy import LazyGroup
from brickwork.cli.output import json_option, note, print_json, print_table, print_text
from brickwork.cli.times import Span
from brickwork.errors import BrickworkError, ExpiryWarning

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import timedelta

    from brickwork.registry import Registry
    from brickwork.vault import Document, Vault


_HERE = "brickwork.cli"


@click.group(
    "block",
    cls=LazyGroup,
    elsewhere={
        "annotate": (
            f"{_HERE}.block_upkeep:annotate",
            "Change what is noted on a block: description, tags, expiry.",
        ),
        "check": (
            f"{_HERE}.block_upkeep:check",
            "Check whether blocks are real, reachable and permitted.",
        ),
        "create": (f"{_HERE}.block_edit:create", "Save a new block of the kind SLUG under NAME."),
        "delete": (f"{_HERE}.block_edit:delete", "Delete a block with all its versions."),
        "diff": (f"{_HERE}.block_versions:diff", "Show what two versions of a block differ in."),
        "edit": (f"{_HERE}.block_edit:edit", "Change a block; the result is a new version."),
        "explain": (
            f"{_HERE}.block_explain:explain",
            "Show where the value of each field comes from.",
        ),
        "history": (f"{_HERE}.block_versions:history", "List the versions of a block."),
        "migrate": (
            f"{_HERE}.block_upkeep:migrate",
            "Save documents of old schema versions anew.",
        ),
        "prune": (f"{_HERE}.block_versions:prune", "Remove old versions of one block or all."),
        "rename": (f"{_HERE}.block_edit:rename", "Give a block another name."),
        "rollback": (
            f"{_HERE}.block_versions:rollback",
            "Make an old version of a block the newest again.",
        ),
    },
)
def group() -> None:
    """Save, look at, change and check blocks.

    A block is named by its address, SLUG/NAME, with a version SLUG/NAME@3.
    """


@group.command("types")
@click.argument("slug", required=False, shell_complete=completion.slugs)
@json_option
@pass_invocation
def types(invocation: Invocation, slug: str | None, as_json: bool) -> None:
    """List what can be created; with SLUG, the fields of that one."""
    registry = invocation.registry()
    if slug is not None:
        _show_type(registry, slug, as_json)
        return
    rows = [_type(registry, name, origin) for name, origin in registry.names("blocks").items()]
    missing = _missing(registry) if invocation.plugins else []
    if as_json:
        print_json("block.types/1", {"types": rows, "not_installed": missing})
        return
    print_table(
        ("slug", "description", "package", "installed"),
        [
            *((r["slug"], r["problem"] or r["description"], r["package"], "yes") for r in rows),
            *((f"{m['plugin']}-...", "", m["package"], f"no: {m['fix']}") for m in missing),
        ],
    )


@group.command("ls")
@click.argument("slug", required=False, shell_complete=completion.slugs)
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="Only those with this tag.")
@click.option(
    "--search",
    metavar="TEXT",
    help="Only those with this text in address, description, tags or public fields.",
)
@click.option(
    "--expiring", type=Span(), metavar="SPAN", help="Only those that expire within 30d, 12h, 2w."
)
@click.option("--fast", is_flag=True, help="Open nothing; damage to what is sealed stays unseen.")
@json_option
@pass_invocation
def ls(
    invocation: Invocation,
    slug: str | None,
    tags: tuple[str, ...],
    search: str | None,
    expiring: "timedelta | None",
    fast: bool,
    as_json: bool,
) -> None:
    """List the saved blocks, or those of one SLUG.

    Each is opened, to see whether it could be loaded; without the key, or with --fast, it is listed
    all the same. No secret is shown or searched.
    """
    from brickwork.cli.blocks_shown import listed, matching, when, with_notes

    vault = invocation.vault()
    chosen = matching(vault.documents(slug), tags, search, expiring)
    rows = [
        listed(document, problem)
        for document, problem in zip(chosen, _problems(vault, chosen, fast), strict=True)
    ]
    if as_json:
        print_json("block.list/1", {"vault": vault.store.location, "blocks": rows})
        return
    if not rows:
        kind = f"{slug} " if slug else ""
        which = "such " if tags or search or expiring is not None else kind
        there = f"No {which}blocks are saved in" if vault.store.exists() else "There is no vault at"
        note(f"{there} {vault.store.location}.")
        return
    columns, cells = with_notes(
        rows,
        ("address", "version", "saved", "by"),
        [(r["address"], r["version"], when(r), r["saved_by"]) for r in rows],
    )
    problems = [[*line, r["problem"] or ""] for r, line in zip(rows, cells, strict=True)]
    print_table([*columns, "problem"], problems)
    _note_expired(rows)


def _problems(
    vault: "Vault", documents: "Sequence[Document]", fast: bool
) -> "list[BrickworkError | None]":
    """Return why documents cannot be loaded; says so where that cannot be found out."""
    if fast or not documents:
        return [None] * len(documents)
    from brickwork.errors import KeyUnavailable

    warnings.simplefilter("ignore", ExpiryWarning)  # the table says it
    known = {key.kid.hex() for key in vault.keys.status()}
    problems = vault.problems(documents)
    # A key that is not on this machine says nothing about a document.
    keyless = [
        isinstance(each, KeyUnavailable) and document.kid in known
        for each, document in zip(problems, documents, strict=True)
    ]
    if any(keyless):
        error = problems[keyless.index(True)]
        note(f"{sum(keyless)} block(s) could not be opened to be examined: {error and error.what}")
    return [None if skip else each for skip, each in zip(keyless, problems, strict=True)]


def _note_expired(rows: "Sequence[Mapping[str, Any]]") -> None:
    expired = [row["address"] for row in rows if row["expiry"] == "expired"]
    if expired:
        note(f"warning: {len(expired)} expired: {', '.join(expired)}")


@group.command("show")
@click.argument("address", shell_complete=completion.addresses)
@json_option
@pass_invocation
def show(invocation: Invocation, address: str, as_json: bool) -> None:
    """Show a block's fields, secrets as ********, and what it refers to. Decrypts nothing."""
    from brickwork.cli.blocks_shown import expires, flat, shown, when

    vault = invocation.vault()
    found = shown(vault, vault.document(address))
    if as_json:
        print_json("block.show/1", found)
        return
    print_table(("field", "value"), list(flat(found["fields"])))
    print_text("")
    print_text(f"{found['address']}@{found['version']}, saved {when(found)} by {found['saved_by']}")
    if found["description"]:
        print_text(found["description"])
    if found["expires_at"]:
        print_text(f"expires {expires(found)}")
    for word, key in (("tags", "tags"), ("uses", "uses"), ("used by", "used_by")):
        if found[key]:
            print_text(f"{word} {', '.join(found[key])}")
    if found["problem"]:
        note(f"warning: {found['problem']}")
    _note_expired([found])


def _type(registry: "Registry", slug: str, origin: str) -> dict[str, Any]:
    row: dict[str, Any] = {
        "slug": slug,
        "description": "",
        "package": origin,
        "installed": True,
        "problem": None,
    }
    try:
        row["description"] = _summary(registry.block_class(slug))
    except BrickworkError as error:
        row["problem"] = error.what
    return row


def _missing(registry: "Registry") -> list[dict[str, str]]:
    """Return the plugins that are known to have blocks, and are not installed."""
    from brickwork.registry import known

    there = {info.name for info in registry.plugins()}
    with_blocks = {slug.partition("-")[0] for slug in known.names_of("blocks")}
    return [
        {"plugin": name, "package": package, "fix": f"pip install {package}"}
        for name, package in known.plugins().items()
        if name in with_blocks - there
    ]


def _show_type(registry: "Registry", slug: str, as_json: bool) -> None:
    from brickwork.cli.forms import shown, unique
    from brickwork.vault.shapes import Shape

    cls = registry.block_class(slug)
    fields = [
        {
            "name": field.name,
            "kind": field.shape.kind,
            "required": field.required,
            "default": shown(field.default),
            "description": field.description,
        }
        for field in unique(Shape(cls).fields)
    ]
    if as_json:
        content = {"slug": slug, "description": _summary(cls), "schema_version": cls.schema_version}
        print_json("block.type/1", {**content, "fields": fields})
        return
    print_text(f"{slug}: {_summary(cls)}\n")
    print_table(
        ("field", "kind", "needed", "default", "description"),
        [
            (f["name"], f["kind"], "yes" if f["required"] else "", f["default"], f["description"])
            for f in fields
        ],
    )


def _summary(cls: type) -> str:
    from inspect import cleandoc

    return cleandoc(cls.__doc__ or "").partition("\n\n")[0].replace("\n", " ")
