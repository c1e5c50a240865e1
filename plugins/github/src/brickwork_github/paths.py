"""Paths of requests: templates filled in such that no value leads elsewhere."""

import re
from collections.abc import Mapping
from urllib.parse import quote

from brickwork import InvalidArguments

_PLACE = re.compile(r"\{([^}]+)\}")
_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")
_ADDRESS = re.compile(
    r"(?:[a-z]+://[^/]+/|[^/@]+@[^/:]+:)?([A-Za-z0-9._-]+/[A-Za-z0-9._-]+?)(?:\.git)?/?"
)
"""How else a repository may be called: by the address of its page, or the one that git takes."""

_LOGIN = re.compile(r"//[^/]*@")
_NAMES = frozenset({"owner", "repo", "org", "username", "template_owner", "template_repo"})
_REFS = frozenset({"ref", "branch", "tag", "sha", "commit_sha", "tree_sha"})
_WITH_SLASHES = _REFS | {"basehead", "dir", "path", "subject_digest"}
"""Parameters that GitHub's description marks as having more than one segment."""


def filled(template: str, values: Mapping[str, str | int]) -> str:
    """Return a path with its values.

    Args:
        template: As GitHub's documentation has it: ``/repos/{owner}/{repo}/issues``.
        values: By the names in it; what else is there is left alone.

    Raises:
        InvalidArguments: A value lacks, or might lead elsewhere.
    """

    def value_of(place: re.Match[str]) -> str:
        name = place[1]
        if name not in values:
            raise InvalidArguments(f"{name} lacks for {template}.", fix=f"Give {name}.")
        return _segment(name, str(values[name]))

    return _PLACE.sub(value_of, template)


def places(template: str) -> list[str]:
    """Return the names in a template, in order."""
    return _PLACE.findall(template)


def split_repository(repository: str) -> dict[str, str]:
    """Return the owner and the name of ``owner/name``.

    Raises:
        InvalidArguments: It is not of that form.
    """
    owner, _, name = repository.partition("/")
    if not (is_name(owner) and is_name(name)) or name.endswith(".git"):
        shown = _LOGIN.sub("//...@", repository)[:200]  # of a URL that git was given
        found = _ADDRESS.fullmatch(repository)
        raise InvalidArguments(
            f"{shown!r} is no repository.",
            fix=f"Write {found[1]}." if found else "Write owner/name, as in acme/reports.",
        )
    return {"owner": owner, "repo": name}


def is_name(text: str) -> bool:
    """Tell whether a text can be the name of an owner or a repository."""
    return _NAME.fullmatch(text) is not None and text.strip(".") != ""


def _segment(name: str, value: str) -> str:
    parts = value.split("/") if name in _WITH_SLASHES else [value]
    if (
        any(part in ("", ".", "..") for part in parts)
        or any(ord(each) < 32 or ord(each) == 127 for each in value)
        or (name in _NAMES and not is_name(value))
        or (name in _REFS and ".." in value)
    ):
        raise InvalidArguments(
            f"{name} cannot be {value[:200]!r}.", fix="Give it as GitHub shows it, whole."
        )
    return "/".join(quote(part, safe="") for part in parts)
