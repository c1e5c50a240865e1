"""Secrets and variables of a live repository and its environments; secrets are really opened."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from brickwork_github.testing.live.repository import Handler, LiveRepository, Rejected
from brickwork_github.testing.messages import Answer, Asked
from brickwork_github.testing.validation import Json

if TYPE_CHECKING:
    from nacl.public import PrivateKey

_REPO = "/repos/{owner}/{repo}"
_PLACES = (f"{_REPO}/actions", f"{_REPO}/environments/{{environment_name}}", f"{_REPO}/dependabot")
_KEY_ID = "568250167242549743"


@dataclass
class Settings:
    """What is kept, by where and name in capital letters.

    Attributes:
        secrets: Values, as they were before they were sealed.
        variables: What GitHub shows of them.
        times: When a secret was first set, and last.
    """

    secrets: dict[tuple[str, str], str] = field(default_factory=dict)
    variables: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    times: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)

    @cached_property
    def key(self) -> "PrivateKey":
        """The key to which clients seal secrets."""
        from nacl.public import PrivateKey

        return PrivateKey.generate()


def settings_of(repo: LiveRepository) -> Settings:
    """Return what is kept."""
    kept: Settings = repo.area(Settings)
    return kept


def _place(asked: Asked) -> str:
    if "environment_name" in asked.path:
        return f"environment {asked.path['environment_name']}"
    return "dependabot" if "/dependabot/" in asked.route else ""


def _public_key(repo: LiveRepository, asked: Asked) -> Json:  # noqa: ARG001  # a handler
    public = bytes(settings_of(repo).key.public_key)
    return {"key_id": _KEY_ID, "key": base64.b64encode(public).decode()}


def _shown_secret(kept: Settings, key: tuple[str, str]) -> dict[str, Any]:
    created, updated = kept.times[key]
    return {"name": key[1], "created_at": created, "updated_at": updated}


def _secrets(repo: LiveRepository, asked: Asked) -> Json:
    kept, place = settings_of(repo), _place(asked)
    found = [_shown_secret(kept, key) for key in sorted(kept.secrets) if key[0] == place]
    return {"total_count": len(found), "secrets": found}


def _secret(repo: LiveRepository, asked: Asked) -> Json | Answer:
    kept, key = settings_of(repo), (_place(asked), asked.path["secret_name"].upper())
    if asked.route.startswith("PUT "):
        return _put_secret(repo, kept, key, asked.body)
    if key not in kept.secrets:
        raise Rejected(404)
    if asked.route.startswith("DELETE "):
        del kept.secrets[key]
        return Answer(None, 204)
    return _shown_secret(kept, key)


def _put_secret(
    repo: LiveRepository, kept: Settings, key: tuple[str, str], body: Mapping[str, str]
) -> Answer:
    from nacl.exceptions import CryptoError
    from nacl.public import SealedBox

    if body.get("key_id") != _KEY_ID:
        raise Rejected(422, "The key_id is not that of the public key")
    if key[1].startswith("GITHUB_"):
        raise Rejected(422, "Secret names must not start with GITHUB_")
    try:
        sealed = base64.b64decode(body["encrypted_value"], validate=True)
        value = SealedBox(kept.key).decrypt(sealed).decode()
    except (CryptoError, ValueError):
        raise Rejected(422, "The value is not encrypted with the public key") from None
    created = kept.times.get(key, (repo.now(), ""))[0] if key in kept.secrets else repo.now()
    status = 204 if key in kept.secrets else 201
    kept.secrets[key], kept.times[key] = value, (created, repo.now())
    return Answer({} if status == 201 else None, status)


def _variables(repo: LiveRepository, asked: Asked) -> Json | Answer:
    kept, place, body = settings_of(repo), _place(asked), asked.body
    if asked.route.startswith("POST "):
        key = (place, body["name"].upper())
        if key in kept.variables:
            raise Rejected(409, "Already exists - Variable already exists")
        kept.variables[key] = {
            "name": key[1],
            "value": body["value"],
            "created_at": repo.now(),
            "updated_at": repo.now(),
        }
        return Answer({}, 201)
    found = [kept.variables[key] for key in sorted(kept.variables) if key[0] == place]
    return {"total_count": len(found), "variables": found}


def _variable(repo: LiveRepository, asked: Asked) -> Json | Answer:
    kept, key = settings_of(repo), (_place(asked), asked.path["name"].upper())
    if key not in kept.variables:
        raise Rejected(404)
    if asked.route.startswith("DELETE "):
        del kept.variables[key]
        return Answer(None, 204)
    if asked.route.startswith("PATCH "):
        changed = {**kept.variables.pop(key), **asked.body, "updated_at": repo.now()}
        changed["name"] = changed["name"].upper()
        kept.variables[(key[0], changed["name"])] = changed
        return Answer(None, 204)
    return kept.variables[key]


def _handlers() -> dict[str, Handler]:
    made: dict[str, Handler] = {}
    for place in _PLACES:
        made[f"GET {place}/secrets/public-key"] = _public_key
        made[f"GET {place}/secrets"] = _secrets
        made |= {f"{method} {place}/secrets/{{secret_name}}": _secret for method in _METHODS}
        made |= {f"{method} {place}/variables": _variables for method in ("GET", "POST")}
        made |= {f"{method} {place}/variables/{{name}}": _variable for method in _METHODS}
    return made


_METHODS = ("GET", "PUT", "PATCH", "DELETE")
HANDLERS: Mapping[str, Handler] = _handlers()
