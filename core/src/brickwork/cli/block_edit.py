"""The commands of ``brickwork block`` that write: create, edit, delete, rename."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from brickwork.cli import completion
from brickwork.cli.invocation import Invocation, pass_invocation
from brickwork.cli.notes import changed_notes, note_options, untag_option
from brickwork.cli.options import together
from brickwork.cli.output import harmless, json_option, note, print_json, print_text
from brickwork.errors import BlockError, BlockExists, BlockInUse, BrickworkError

if TYPE_CHECKING:
    from brickwork.block import Address, Block
    from brickwork.cli.assign import Assigner
    from brickwork.cli.forms import Form
    from brickwork.vault import Document, Vault
    from brickwork.vault.notes import Notes

_HOW = """\b
  --set region=eu-west-1           a value; JSON where the field is more than text
  --set client_options.verify=true a field of a field; a list's items are counted from 0
  --set secret_access_key=-        a secret, from standard input (asked for on a terminal)
  --ref credentials=SLUG/NAME      another saved block; --set does the same where only blocks fit
  --from secret_access_key=env:KEY a reference, which is fetched anew at each load; also
                                   --from login='app@${env:HOST}', for a field that is no secret

Values are taken as they are written: @ and $ mean nothing. A secret in an argument is refused."""


_value_options = together(
    click.option("--set", "sets", multiple=True, metavar="FIELD=VALUE", help="Give a value."),
    click.option(
        "--ref",
        "refs",
        multiple=True,
        metavar="FIELD=SLUG/NAME",
        help="Refer to a saved block.",
    ),
    click.option(
        "--from",
        "froms",
        multiple=True,
        metavar="FIELD=REFERENCE",
        help="Fetch the value at each load.",
    ),
    click.option(
        "--secrets-from-stdin",
        is_flag=True,
        help="Read several secrets from standard input: a JSON object, field to text.",
    ),
    click.option("--no-check", is_flag=True, help="Save without checking it first."),
    json_option,
)


@click.command(
    "create",
    help="Save a new block of the kind SLUG under NAME.\n\n"
    "On a terminal, asks for each field; with --set, only for those that are missing. The block is "
    f"checked before it is saved.\n\n{_HOW}",
)
@click.argument("slug", shell_complete=completion.slugs)
@click.argument("name")
@_value_options
@note_options
@click.option("--overwrite", is_flag=True, help="Add a version where the name is taken.")
@pass_invocation
def create(
    invocation: Invocation,
    slug: str,
    name: str,
    sets: tuple[str, ...],
    refs: tuple[str, ...],
    froms: tuple[str, ...],
    secrets_from_stdin: bool,
    no_check: bool,
    as_json: bool,
    description: str | None,
    tags: tuple[str, ...],
    expires: Any,
    overwrite: bool,
) -> None:
    """Save a new block."""
    from brickwork.block import Address, check_name, check_slug

    address = Address(check_slug(slug), check_name(name))
    cls = invocation.registry().block_class(slug)
    vault = invocation.vault()
    _refuse_early(vault, address, overwrite=overwrite)
    noted = description is not None or bool(tags) or expires is not None
    notes = _notes_at(vault, address, description, tags, expires) if noted else None
    given, assigner = _assigned(invocation, vault, cls, {}, (sets, refs, froms), secrets_from_stdin)
    if invocation.interactive and not secrets_from_stdin:
        block = _form(vault).fill(cls, given, only_missing=bool(sets or refs or froms))
    else:
        block = cls(**given)
    assigner.keep_references(block)
    _check_first(invocation, block, skip=no_check)
    _saved(vault.save(block, name, overwrite=overwrite, notes=notes), as_json)


@click.command(
    "edit",
    help="Change the block at ADDRESS; the result is a new version.\n\n"
    "On a terminal and without --set, asks for each field; an empty answer keeps what is there, "
    f"secrets too.\n\n{_HOW}",
)
@click.argument("address", shell_complete=completion.addresses)
@_value_options
@click.option("--unset", "unsets", multiple=True, metavar="FIELD", help="Put the default back.")
@note_options
@untag_option
@pass_invocation
def edit(
    invocation: Invocation,
    address: str,
    sets: tuple[str, ...],
    refs: tuple[str, ...],
    froms: tuple[str, ...],
    secrets_from_stdin: bool,
    no_check: bool,
    as_json: bool,
    unsets: tuple[str, ...],
    description: str | None,
    tags: tuple[str, ...],
    expires: Any,
    untags: tuple[str, ...],
) -> None:
    """Change a saved block."""
    vault = invocation.vault()
    block: Block = vault.load(address)
    place = block.address
    assert place is not None  # noqa: S101  # load stamps it
    _refuse_old_version(vault, address, place)
    cls, current = type(block), dict(block.__dict__)
    options = (sets, refs, froms)
    changes, assigner = _assigned(invocation, vault, cls, current, options, secrets_from_stdin)
    changes.update(_defaults(cls, unsets))
    noted = description is not None or bool(tags or untags) or expires is not None
    notes = _notes_at(vault, place, description, tags, expires, untags) if noted else None
    if any(options) or unsets or secrets_from_stdin:
        changed = block.model_copy(update=changes)
        assigner.keep_references(changed)
    elif noted:
        changed = block
    elif invocation.interactive:
        changed = _form(vault).change(block, {})
    else:
        raise BlockError("There is nothing to change.", fix="Give --set FIELD=VALUE.")
    if changed == block and not noted and not froms:
        note(f"{place} is like that already; no version was added.")
    elif changed != block:
        _check_first(invocation, changed, skip=no_check)
    _saved(vault.save(changed, place.name, overwrite=True, notes=notes), as_json)


@click.command("delete")
@click.argument("address", shell_complete=completion.addresses)
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_invocation
def delete(invocation: Invocation, address: str, yes: bool) -> None:
    """Delete the block at ADDRESS, with all its versions.

    Refused while other blocks refer to it.
    """
    vault = invocation.vault()
    versions = vault.history(address)
    users = vault.used_by(address)
    if users:
        raise BlockInUse(
            f"{address} is used by {', '.join(map(str, users))}.",
            fix="Change or delete those first.",
        )
    what = f"{address} with {len(versions)} version(s)"
    if not yes:
        if not invocation.interactive:
            raise BlockError(f"{what} is not deleted without a yes.", fix="Add --yes.")
        if not click.confirm(f"Delete {what} for good?", err=True):
            raise click.Abort
    vault.delete(address)
    note(f"Deleted {what}.")


@click.command("rename")
@click.argument("address", shell_complete=completion.addresses)
@click.argument("name")
@json_option
@pass_invocation
def rename(invocation: Invocation, address: str, name: str, as_json: bool) -> None:
    """Give the block at ADDRESS another NAME; whatever refers to it follows."""
    _saved(invocation.vault().rename(address, name), as_json)


def _notes_at(
    vault: "Vault",
    address: "Address",
    description: str | None,
    tags: tuple[str, ...],
    expires: Any,
    untags: tuple[str, ...] = (),
) -> "Notes":
    """Return the notes on what is saved there, if anything is, with what is given changed."""
    from brickwork.vault.notes import Notes

    there = vault.store.exists() and vault.store.get(address.slug, address.name) is not None
    newest = address._replace(version=None)
    notes = vault.document(newest).notes if there else Notes()
    return changed_notes(notes, description, tags, expires, untags).checked()


def _refuse_early(vault: "Vault", address: "Address", *, overwrite: bool) -> None:
    """Find out before anybody answers questions in vain."""
    if not vault.store.exists():
        return
    if not overwrite and vault.store.get(address.slug, address.name) is not None:
        raise BlockExists(
            f"{address} exists already.",
            fix=f"Change it: brickwork block edit {address}; or choose another name, or add "
            "--overwrite.",
        )
    if vault.keys.status():
        vault.keys.current("wrap")


def _refuse_old_version(vault: "Vault", address: str, place: "Address") -> None:
    if "@" in address and vault.document(place._replace(version=None)).version != place.version:
        raise BlockError(
            f"{place} is not the newest version; a change starts from that.",
            fix=f"Write {place._replace(version=None)}.",
        )


def _assigned(
    invocation: Invocation,
    vault: "Vault",
    cls: "type[Block]",
    current: dict[str, Any],
    options: tuple[Sequence[str], Sequence[str], Sequence[str]],
    secrets_from_stdin: bool,
) -> "tuple[dict[str, Any], Assigner]":
    """Return the fields that the options change, as they are to be, and what put them there."""
    from brickwork.cli.assign import Assigner, parse, read_input
    from brickwork.cli.forms import Terminal

    sources = zip(options, ("--set", "--ref", "--from"), strict=True)
    assignments = [each for texts, source in sources for each in parse(texts, source)]
    ask = None
    if invocation.interactive:
        ask = Terminal().ask_needed
    assigner = Assigner(cls, vault.load, ask, vault.resolve)
    fields = assigner.apply(current, assignments)
    if secrets_from_stdin:
        if any(each.value == "-" for each in assignments):
            raise BlockError(
                "Standard input cannot give one secret and all of them.",
                fix="Leave --set FIELD=- out, and put that field into the JSON object.",
            )
        fields = assigner.apply_json(fields, read_input())
    changed = {name: value for name, value in fields.items() if value is not current.get(name)}
    return changed, assigner


def _defaults(cls: "type[Block]", names: Sequence[str]) -> dict[str, Any]:
    from brickwork.vault.shapes import Shape

    fields = Shape(cls).fields
    for name in names:
        if name not in fields or fields[name].required:
            what = "is needed" if name in fields else "is no field of it"
            raise BlockError(
                f"{cls.slug}: {harmless(name)} {what}.",
                fix=f"`brickwork block types {cls.slug}` shows the fields.",
            )
    return {fields[name].name: fields[name].default for name in names}


def _form(vault: "Vault") -> "Form":
    from brickwork.cli.forms import Form, Terminal

    saved: dict[str, list[str]] = {}
    for document in vault.documents():
        saved.setdefault(document.slug, []).append(f"{document.slug}/{document.name}")
    return Form(Terminal(), vault.load, saved)


def _check_first(invocation: Invocation, block: "Block", *, skip: bool) -> None:
    """Check a block before it is saved. Raises BrickworkError where it is not to be saved."""
    from brickwork.cli.checking import check_block

    if skip:
        return
    findings = [each for each in check_block(block) if each["status"] in ("failed", "warning")]
    for each in findings:
        fix = f"\n  fix: {harmless(each['fix'])}" if each["fix"] else ""
        note(f"{each['status']}: {harmless(each['what'])}: {harmless(each['detail'])}{fix}")
    if all(each["status"] != "failed" for each in findings):
        return
    if invocation.interactive and click.confirm("Save it all the same?", err=True):
        return
    raise BrickworkError(
        "The check failed, so nothing was saved.",
        fix="Correct it, or save it unchecked: --no-check.",
    )


def _saved(document: "Document", as_json: bool) -> None:
    from brickwork.cli.blocks_shown import listed

    if as_json:
        print_json("block.saved/1", {"block": listed(document)})
    else:
        print_text(f"Saved {document.address}.")
