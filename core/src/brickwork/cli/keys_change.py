"""The commands of ``brickwork keys`` that change keys: rotate, reencrypt, rewrap, destroy."""

from typing import TYPE_CHECKING

import click

from brickwork.cli.invocation import Invocation, pass_invocation
from brickwork.cli.options import together
from brickwork.cli.output import harmless, json_option, note, print_json, print_text
from brickwork.cli.progress import counted

if TYPE_CHECKING:
    from brickwork.vault.rotation import Rotated

_MOST_LEFT = 20
_BACKUP = "Back up the new root key: `brickwork keys backup FILE`. An older backup lacks it."
_NO_CURE = (
    "This is no cure for a key that leaked: `brickwork keys reencrypt`, and new credentials at the "
    "services, are."
)
_UPSTREAM = (
    "Whoever had the old key and a copy of the database still has the secrets: change the "
    "credentials at the services too. Backups and copies of the database keep the old ciphertexts."
)


_rotation_options = together(
    click.option("--resume", is_flag=True, help="Only finish what was interrupted."),
    click.option(
        "--new", is_flag=True, help="Make another root key even though one is unfinished."
    ),
    json_option,
)


@click.command("rotate")
@_rotation_options
@pass_invocation
@click.pass_context
def rotate(
    ctx: click.Context, invocation: Invocation, resume: bool, new: bool, as_json: bool
) -> None:
    """Make a new root key, and rewrap all documents to it.

    It wraps their data keys; no secret is opened. Others may read and write meanwhile. If it is
    interrupted, nothing is lost: the same command finishes the rest, and then makes no further
    root key. The old root keys stay, to read what was made with them elsewhere. Ends with an error
    if a document could not follow.
    """
    _refuse_both(resume, new)
    with _interruptible("rotate"), counted("keys rotate") as report:
        done = invocation.vault().keys.rotate(new=new, resume=resume, report=report)
    _tell(ctx, done, as_json, wanted_renewed=False)


@click.command("reencrypt")
@_rotation_options
@pass_invocation
@click.pass_context
def reencrypt(
    ctx: click.Context, invocation: Invocation, resume: bool, new: bool, as_json: bool
) -> None:
    """Encrypt all documents anew, under a new root key.

    Every version of each gets a new data key. For when a key has leaked. Afterwards the database's
    files have no byte of the old ciphertexts; backups and copies still have them. If it is
    interrupted, the same command finishes the rest.
    """
    _refuse_both(resume, new)
    with _interruptible("reencrypt"), counted("keys reencrypt") as report:
        done = invocation.vault().keys.reencrypt(new=new, resume=resume, report=report)
    _tell(ctx, done, as_json, wanted_renewed=True)


@click.command("rewrap")
@click.option(
    "--provider",
    required=True,
    metavar="NAME[:SETTING]",
    help="Who is to guard them: file:PATH, env:NAME, passphrase:NAME, keyring ...; never a key.",
)
@json_option
@pass_invocation
def rewrap(invocation: Invocation, provider: str, as_json: bool) -> None:
    """Let another key guard the root keys: of another key provider, or of the same.

    The provider of today is what the settings or --keys name. Documents are not touched. It is one
    transaction, after the new provider has proved to give each root key back.
    """
    from brickwork.config import Config

    source = Config.load(vault=invocation.vault_url, keys=invocation.keys).sources["keys"]
    setting = Config.load(vault=invocation.vault_url, keys=provider).keys
    name, _, rest = setting.partition(":")
    vault = invocation.vault()
    guard = invocation.registry().key_provider(name).open(rest)
    made = vault.keys.rewrap(guard)
    kids = [key.kid.hex() for key in vault.keys.status()]
    if as_json:
        print_json("keys.rewrapped/1", {"keys": kids, "provider": setting, "made_key": made})
    else:
        print_text(f"{len(kids)} root key(s) are guarded by {guard.describe()} now.")
    if made:
        note(f"A new key was made: {guard.describe()}. Keep a copy of it.")
    note(
        f"Whoever opens the vault must name it from now on: keys = '{setting}' in brickwork.toml, "
        f"or in the environment. Until now it came from: {source}."
    )


@click.command("destroy")
@click.argument("kid")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_invocation
def destroy(invocation: Invocation, kid: str, yes: bool) -> None:
    """Remove the root key KID for good; `keys status` lists them.

    Refused while it is active, or documents need it, or the audit trail is not whole: an entry of
    the trail vouches from then on for those that the key made. What else was made with it (results,
    pickles, copies of the vault) nobody can count; it cannot be opened any more.
    """
    from brickwork.vault.root_keys import refuse_use

    vault = invocation.vault()
    wanted = _kid(kid)
    vault.keys.active()  # raises where there is no vault
    use = refuse_use(vault.store, wanted)
    note(
        f"No document needs root key {wanted.hex()}. It made the codes of {use.audit_entries} "
        "entries of the audit trail; a new entry will vouch for them. Results, pickles and copies "
        "of the vault that were made with it are not counted; they cannot be opened without it, "
        "unless a backup of the keys has it."
    )
    if not yes:
        if not invocation.interactive:
            raise click.UsageError("A root key is not destroyed without a yes: add --yes.")
        if not click.confirm(f"Destroy root key {wanted.hex()} for good?", err=True):
            raise click.Abort
    vault.keys.destroy(wanted)
    note(f"Destroyed root key {wanted.hex()}.")


def _refuse_both(resume: bool, new: bool) -> None:
    if resume and new:
        raise click.UsageError("--resume makes no new root key, and --new does: give one of them.")


class _interruptible:  # noqa: N801  # used like a function
    """Says after Ctrl-C how to go on."""

    def __init__(self, command: str) -> None:
        self._command = command

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is KeyboardInterrupt:
            note(
                "\nEvery document can be read as before, and what was done stays. "
                f"`brickwork keys {self._command}` does the rest."
            )


def _tell(ctx: click.Context, done: "Rotated", as_json: bool, *, wanted_renewed: bool) -> None:
    if as_json:
        left = [
            {"what": each.what, "documents": each.documents, "error": each.error.what}
            for each in done.left
        ]
        print_json(
            "keys.rotated/1",
            {
                "kid": done.kid.hex(),
                "made": done.made,
                "reencrypted": done.renewed,
                "documents": done.documents,
                "left": left,
            },
        )
    else:
        deed = "encrypted anew" if done.renewed else "rewrapped"
        made = "A new root key was made" if done.made else "No new root key was made"
        print_text(f"{made}; {done.kid.hex()} is active. {done.documents} document(s) {deed}.")
    for each in done.left[:_MOST_LEFT]:
        note(f"error: not {harmless(each.what)}: {each.error.what}\n  fix: {each.error.fix}")
    if len(done.left) > _MOST_LEFT:
        note(f"error: and {len(done.left) - _MOST_LEFT} more")
    if done.renewed:
        note(_UPSTREAM)
    elif wanted_renewed:
        note("That finished an interrupted rotation; nothing was encrypted anew.")
    elif done.made:
        note(_NO_CURE)
    if done.made:
        note(_BACKUP)
    if done.left:
        documents = sum(each.documents for each in done.left)
        note(
            f"{documents} document(s) stay under their old root key. Mend or delete them and run "
            "it again; to make a new root key all the same: --new."
        )
        ctx.exit(done.left[0].error.exit_code)


def _kid(text: str) -> bytes:
    try:
        kid = bytes.fromhex(text)
    except ValueError:
        kid = b""
    if len(kid) != 8:
        raise click.BadParameter("A root key's id has 16 hexadecimal digits.", param_hint="KID")
    return kid
