"""``brickwork keys``: what guards the vault; never a key itself."""

from typing import TYPE_CHECKING

import click

from brickwork.cli import keys_backup, keys_change
from brickwork.cli.invocation import Invocation, pass_invocation
from brickwork.cli.output import json_option, note, print_json, print_table, print_text
from brickwork.errors import BrickworkError

if TYPE_CHECKING:
    from brickwork.store import WrappedKey

MANY_WRAPS = 2**30
"""From here on, `keys status` says that a new root key will be needed."""


@click.group("keys")
def group() -> None:
    """Look at, rotate, back up and destroy the keys that guard the vault.

    No key is ever shown, and none is an argument.
    """


for command in (
    keys_backup.backup,
    keys_backup.restore,
    keys_change.destroy,
    keys_change.reencrypt,
    keys_change.rewrap,
    keys_change.rotate,
):
    group.add_command(command)


@group.command("status")
@json_option
@pass_invocation
@click.pass_context
def status(ctx: click.Context, invocation: Invocation, as_json: bool) -> None:
    """Show the root keys, and whether the vault opens.

    Also who guards them, and what needs them. Ends with 3 if the key is missing, is another one,
    or is not private.
    """
    from brickwork.config import Config
    from brickwork.vault.rotation import unfinished

    config = Config.load(vault=invocation.vault_url, keys=invocation.keys)
    vault = invocation.vault()
    keys = vault.keys.status()
    where = vault.keys.provider.describe()
    problem = _problem(invocation)
    documents = vault.store.documents_by_key() if keys else {}
    left, renewing = unfinished(vault.keys) if keys else (0, False)
    warnings = [*filter(None, [*map(_warning, keys), _unfinished(left, renewing)])]
    shapes = [{**_shape(key), "documents": documents.get(key.kid, 0)} for key in keys]
    if as_json:
        provider = {"name": vault.keys.provider.name, "where": where}
        print_json(
            "keys.status/1",
            {
                "vault": vault.store.location,
                "exists": vault.store.exists(),
                "provider": {**provider, "source": config.sources["keys"]},
                "opens": problem is None if keys else None,
                "problem": problem and {"what": problem.what, "fix": problem.fix},
                "warnings": warnings,
                "unfinished": {"documents": left, "reencrypting": renewing},
                "keys": shapes,
            },
        )
    else:
        print_text(f"vault  {vault.store.location}")
        print_text(f"key    {where} (from {config.sources['keys']})")
        if keys:
            rows = [
                (k["kid"], k["provider"], k["created_at"], k["active"], k["documents"], k["wraps"])
                for k in shapes
            ]
            print_table(("kid", "provider", "made", "active", "documents", "seals"), rows)
        else:
            note("The vault has no root key yet; the first save makes one.")
        for text in warnings:
            note(f"warning: {text}")
    if problem is not None:
        if not as_json:
            note(f"error: {problem.what}\n  fix: {problem.fix}")
        ctx.exit(problem.exit_code)


def _problem(invocation: Invocation) -> BrickworkError | None:
    vault = invocation.vault()
    try:
        if vault.keys.status():
            vault.keys.current("wrap")
    except BrickworkError as error:
        return error
    return None


def _warning(key: "WrappedKey") -> str:
    if key.wraps < MANY_WRAPS:
        return ""
    return (
        f"Root key {key.kid.hex()} has sealed {key.wraps} documents; make a new one before 2**31."
    )


def _unfinished(documents: int, renewing: bool) -> str:
    """Say what an interrupted change of keys left."""
    if renewing:
        text = f"An encryption anew is not finished: {documents} document(s) are left."
        return f"{text} Run `brickwork keys reencrypt` again."
    if documents:
        text = f"{documents} document(s) are under another root key than the active one"
        return f"{text}, as after an interrupted rotation. Run `brickwork keys rotate`."
    return ""


def _shape(key: "WrappedKey") -> dict[str, object]:
    return {
        "kid": key.kid.hex(),
        "provider": key.provider,
        "created_at": key.created_at,
        "active": key.active,
        "wraps": key.wraps,
    }
