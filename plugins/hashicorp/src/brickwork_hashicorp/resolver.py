"""References to secrets of Vault and OpenBao: ``${vault:kv/app#password}``."""

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from brickwork import BlockNotFound, BrickworkError, ResolveError, Resolver, Secret
from brickwork_hashicorp.block import HashicorpVault
from brickwork_hashicorp.faults import Diagnosis
from brickwork_hashicorp.references import Wanted, parse

DEFAULT = "default"
"""The name of the block that references use which name none."""

_TRUE = {"1", "t", "true"}
_FALSE = {"", "0", "f", "false"}
_SHOWN = 20

Reference = tuple[str, str | None]
Fields = Mapping[str, Any]


class VaultResolver(Resolver):
    """Fetches ``${vault:path#field}`` from the key/value engines of Vault and OpenBao.

    The path begins with the mount, ``kv/app``, or is inside the block's ``mount`` if that is set;
    ``/kv/app`` begins with the mount in any case. After it may stand, as in a URL, ``?version=3``
    for an old version, and ``?block=hashicorp-vault/prod`` for the block to log in with. Without
    that it is ``hashicorp-vault/default`` of the vault in use, or, where none is saved, what
    ``VAULT_ADDR``, ``VAULT_TOKEN``, ``VAULT_NAMESPACE``, ``VAULT_CACERT`` and
    ``VAULT_SKIP_VERIFY`` say.

    A secret with one field needs no ``#field``. What is no text is given as JSON. One request
    fetches all fields of a path; several paths are fetched at once.
    """

    scheme: ClassVar[str] = "vault"
    ttl_seconds: ClassVar[float] = 60.0

    def resolve(self, path: str, field: str | None = None) -> Secret[str]:
        """Fetch one value. Raises ResolveError."""
        answer = self.resolve_many([(path, field)])[path, field]
        if isinstance(answer, ResolveError):
            raise answer
        return answer

    def resolve_many(
        self, references: Sequence[Reference]
    ) -> Mapping[Reference, Secret[str] | ResolveError]:
        """Fetch many: one request for each path, several paths at once."""
        wanted: dict[Reference, Wanted | Diagnosis] = {
            reference: _parsed(reference[0]) for reference in references
        }
        paths = dict.fromkeys(each for each in wanted.values() if isinstance(each, Wanted))
        fields = _fetch_all(list(paths))
        answers: dict[Reference, Secret[str] | ResolveError] = {}
        for reference, each in wanted.items():
            found = fields[each] if isinstance(each, Wanted) else each
            value = found if isinstance(found, Diagnosis) else _pick(found, reference[1])
            answers[reference] = _error(reference, value) if isinstance(value, Diagnosis) else value
        return answers

    def __repr__(self) -> str:
        return "VaultResolver()"


def _parsed(path: str) -> Wanted | Diagnosis:
    try:
        return parse(path)
    except ValueError as error:
        said = str(error)
    return Diagnosis(
        f"The path {said}.",
        "Write ${vault:mount/path#field}, with ?version= or ?block= before the # if needed.",
    )


def _fetch_all(wanted: Sequence[Wanted]) -> Mapping[Wanted, Fields | Diagnosis]:
    by_block: dict[str | None, list[Wanted]] = {}
    for each in wanted:
        by_block.setdefault(each.block, []).append(each)
    found: dict[Wanted, Fields | Diagnosis] = {}
    for block, paths in by_block.items():
        vault = _vault_of(block)
        if isinstance(vault, Diagnosis):
            found.update(dict.fromkeys(paths, vault))
            continue
        from brickwork_hashicorp.reading import read_all

        found.update(read_all(vault, paths))
    return found


def _vault_of(block: str | None) -> HashicorpVault | Diagnosis:
    """Return the block to log in with, or why there is none."""
    try:
        if block is None:
            return _saved_default() or from_environment()
        return HashicorpVault.load(block)
    except BrickworkError as error:
        name = f"hashicorp-vault/{DEFAULT}" if block is None else block
        return Diagnosis(f"The block {name} cannot be used: {error.what}", error.fix)


def _saved_default() -> HashicorpVault | None:
    try:
        return HashicorpVault.load(DEFAULT)
    except BlockNotFound:
        return None


def from_environment() -> HashicorpVault | Diagnosis:
    """Return the server that the variables of the ``vault`` command line name.

    See https://developer.hashicorp.com/vault/docs/commands#environment-variables.
    """
    url, token = os.environ.get("VAULT_ADDR"), os.environ.get("VAULT_TOKEN")
    fix = "Save a block as hashicorp-vault/default, or set VAULT_ADDR and VAULT_TOKEN."
    if not url or not token:
        lacking = " and ".join(
            name for name, given in (("VAULT_ADDR", url), ("VAULT_TOKEN", token)) if not given
        )
        return Diagnosis(
            f"It is not known which server to ask: hashicorp-vault/default is not saved, and"
            f" {lacking} is not set.",
            fix,
        )
    skip = os.environ.get("VAULT_SKIP_VERIFY", "").lower()
    if skip not in _TRUE | _FALSE:
        return Diagnosis("VAULT_SKIP_VERIFY is neither true nor false.", "Set it to true or false.")
    try:
        return HashicorpVault.model_validate(
            {
                "url": url,
                "auth": {"token": Secret(token)},
                "namespace": os.environ.get("VAULT_NAMESPACE") or None,
                "ca_bundle": (os.environ.get("VAULT_CACERT") or None) if skip in _FALSE else None,
                "verify": skip in _FALSE,
            }
        )
    except BrickworkError as error:
        what = " ".join(error.what.split())
        return Diagnosis(f"VAULT_ADDR and the like do not make a block: {what}.", fix)


def _pick(fields: Fields, field: str | None) -> Secret[str] | Diagnosis:
    """Return the field that is asked for, as text."""
    names = ", ".join(sorted(fields)[:_SHOWN]) + (", ..." if len(fields) > _SHOWN else "")
    if field is None and len(fields) == 1:
        (field,) = fields
    if field is None:
        return Diagnosis(
            f"It has {len(fields)} fields, and the reference names none.",
            f"Add #field: {names}." if fields else "Write a field to it, and name that.",
        )
    if field not in fields:
        return Diagnosis(f"It has no field {field!r}.", f"Its fields are: {names or 'none'}.")
    value = fields[field]
    return Secret(value if isinstance(value, str) else json.dumps(value))


def _error(reference: Reference, found: Diagnosis) -> ResolveError:
    path, field = reference
    text = path if path.isprintable() else ascii(path)[1:-1]
    text = f"${{vault:{text}}}" if field is None else f"${{vault:{text}#{field}}}"
    shown = text if len(text) <= 1200 else f"{text[:200]}..."
    return ResolveError(f"{shown}: {found.what}", fix=found.fix)
