"""What may be given to git: nothing that it could take for an option, a command or another place.

See https://git-scm.com/docs/git-check-ref-format for names of branches and tags.
"""

import re
from collections.abc import Iterable

from brickwork import InvalidArguments, InvalidKey, check_key

_NOT_IN_A_REF = re.compile(r"[\x00-\x20\x7f~^:?*\[\\\"]|\.\.|@\{|//")
_FILTER = re.compile(r"blob:none|blob:limit=\d{1,12}[kmg]?|tree:\d{1,4}")
_LONGEST_REF = 250


def check_ref(ref: str) -> str:
    """Return a branch, a tag or a commit's id as it is, or refuse it.

    Raises:
        InvalidArguments: It is none, or git might take it for something else.
    """
    parts = ref.split("/")
    if (
        not ref
        or len(ref) > _LONGEST_REF
        or ref == "@"
        or ref.startswith("-")
        or ref.endswith(".")
        or _NOT_IN_A_REF.search(ref)
        or any(not each or each.startswith(".") or each.endswith(".lock") for each in parts)
        or any("\ud800" <= each <= "\udfff" for each in ref)
    ):
        raise InvalidArguments(
            f"{ref!r:.200} is no branch, tag or commit.",
            fix="Give a name as GitHub shows it, or the whole id of a commit.",
        )
    return ref


def check_paths(paths: Iterable[str]) -> list[str]:
    """Return the folders of a sparse checkout, or refuse them.

    Raises:
        InvalidArguments: One is none.
    """
    found = []
    for path in paths:
        bare = path.removesuffix("/")
        try:
            check_key(bare)
        except InvalidKey as error:
            raise InvalidArguments(
                f"A folder of the sparse checkout: {error.what}", fix=error.fix
            ) from None
        if bare.startswith(("-", '"', "!", "#")):
            raise InvalidArguments(
                f"{bare!r:.200} cannot be a folder of a sparse checkout.",
                fix="Give the folder above it.",
            )
        found.append(bare)
    return found


def check_filter(text: str) -> str:
    """Return a filter of objects as it is, or refuse it.

    Raises:
        InvalidArguments: It is none.
    """
    if _FILTER.fullmatch(text) is None:
        raise InvalidArguments(
            f"{text!r:.100} is no filter.", fix="Give blob:none, blob:limit=1m, or tree:0."
        )
    return text
