"""``brickwork block``: what is saved, and what could be."""

from typing import TYPE_CHECKING, Any

import click

from brickwork.cli import block_edit, completion
from brickwork.cli.invocation import Invocation, pass_invocation
from brickwork.cli.output import json_option, note, print_json, print_table, print_text
from brickwork.errors import BrickworkError

if TYPE_CHECKING:
    from brickwork.registry import Registry


@click.group("block")
def group() -> None:
    """Save, look at, change and check blocks.

    A block is named by its address, SLUG/NAME, with a version SLUG/NAME@3.
    """


for command in (block_edit.create, block_edit.edit, block_edit.delete, block_edit.rename):
    group.add_command(command)


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
@json_option
@pass_invocation
def ls(invocation: Invocation, slug: str | None, as_json: bool) -> None:
    """List the saved blocks, or those of one SLUG. Decrypts nothing, needs no key."""
    from brickwork.cli.blocks_shown import listed

    vault = invocation.vault()
    rows = [listed(document) for document in vault.documents(slug)]
    if as_json:
        print_json("block.list/1", {"vault": vault.store.location, "blocks": rows})
        return
    if not rows:
        kind = f"{slug} " if slug else ""
        there = f"No {kind}blocks are saved in" if vault.store.exists() else "There is no vault at"
        note(f"{there} {vault.store.location}.")
        return
    print_table(
        ("address", "version", "saved", "by", "problem"),
        [(r["address"], r["version"], _when(r), r["saved_by"], r["problem"] or "") for r in rows],
    )


@group.command("show")
@click.argument("address", shell_complete=completion.addresses)
@json_option
@pass_invocation
def show(invocation: Invocation, address: str, as_json: bool) -> None:
    """Show a block's fields, secrets as ********, and what it refers to. Decrypts nothing."""
    from brickwork.cli.blocks_shown import flat, shown

    vault = invocation.vault()
    found = shown(vault, vault.document(address))
    if as_json:
        print_json("block.show/1", found)
        return
    print_table(("field", "value"), list(flat(found["fields"])))
    print_text("")
    print_text(
        f"{found['address']}@{found['version']}, saved {_when(found)} by {found['saved_by']}"
    )
    for word, key in (("uses", "uses"), ("used by", "used_by")):
        if found[key]:
            print_text(f"{word} {', '.join(found[key])}")
    if found["problem"]:
        note(f"warning: {found['problem']}")


@group.command("history")
@click.argument("address", shell_complete=completion.addresses)
@json_option
@pass_invocation
def history(invocation: Invocation, address: str, as_json: bool) -> None:
    """List the versions of a block, oldest first. Decrypts nothing."""
    from brickwork.cli.blocks_shown import listed

    rows = [listed(document) for document in invocation.vault().history(address)]
    if as_json:
        print_json("block.history/1", {"address": rows[0]["address"], "versions": rows})
        return
    print_table(
        ("version", "saved", "by", "schema", "key"),
        [(r["version"], _when(r), r["saved_by"], r["schema_version"], r["kid"]) for r in rows],
    )


@group.command("check")
@click.argument("addresses", nargs=-1, metavar="[ADDRESS]...", shell_complete=completion.addresses)
@json_option
@pass_invocation
@click.pass_context
def check(
    ctx: click.Context, invocation: Invocation, addresses: tuple[str, ...], as_json: bool
) -> None:
    """Check whether blocks are real, reachable and permitted; all of them by default.

    Many at once. Ends with 1 if a check failed or a block could not be loaded.
    """
    from brickwork.cli.checking import check_all

    vault = invocation.vault()
    wanted = list(addresses) or [f"{d.slug}/{d.name}" for d in vault.documents()]
    if not wanted:
        note(f"No blocks are saved in {vault.store.location}.")
    results = check_all(vault, wanted)
    failed = [address for address, findings in results if _failed(findings)]
    if as_json:
        print_json(
            "block.check/1",
            {
                "ok": not failed,
                "blocks": [
                    {"address": address, "ok": not _failed(findings), "findings": findings}
                    for address, findings in results
                ],
            },
        )
    elif results:
        print_table(
            ("address", "status", "what", "detail", "fix"),
            [
                (address, f["status"], f["what"], f["detail"], f["fix"])
                for address, findings in results
                for f in findings
            ],
        )
    if failed:
        ctx.exit(1)


def _failed(findings: list[dict[str, str]]) -> bool:
    return any(finding["status"] == "failed" for finding in findings)


def _when(row: dict[str, Any]) -> str:
    saved: str | None = row["saved_at"]
    return saved[:19].replace("T", " ") + "Z" if saved else "?"


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
    """Return the plugins that are known and not installed."""
    from brickwork.registry.kinds import KNOWN_PLUGINS

    there = {info.name for info in registry.plugins()}
    return [
        {"plugin": name, "package": package, "fix": f"pip install {package}"}
        for name, package in KNOWN_PLUGINS.items()
        if name not in there
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
