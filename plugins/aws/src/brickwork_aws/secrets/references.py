"""Reads the path of a reference: ``prod/db``, ``prod/db?version=AWSPREVIOUS&block=prod``."""

import re
from typing import NamedTuple
from urllib.parse import parse_qsl

from brickwork_aws.faults import Diagnosis

# https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html, and
# https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-su-create.html.
_NAME = re.compile(r"[A-Za-z0-9/_+=.@:-]{1,2048}")
_VERSION = re.compile(r"[A-Za-z0-9_.-]{1,256}")
_QUERY = re.compile(r"\?(?:block|version)=")


class Wanted(NamedTuple):
    """What is referred to.

    Attributes:
        name: The name, or the ARN.
        version: Which version, in the service's words; None for the newest.
        block: The credentials, by a name or an address; None for the usual ones.
    """

    name: str
    version: str | None = None
    block: str | None = None


def parse(text: str, field: str | None = None) -> Wanted | Diagnosis:
    """Read what stands between the colon after the scheme and ``#``; the field stands after it."""
    name, question, query = text.partition("?")
    fix = "Write a name or an ARN, with ?version= or ?block= before the # if needed."
    if field is not None and _QUERY.search(field):
        return Diagnosis("What follows the ? stands after the #, as if it were of the field.", fix)
    if not _NAME.fullmatch(name):
        return Diagnosis("The name is empty, too long, or has characters that no name has.", fix)
    given: dict[str, str] = {}
    if question:
        try:
            pairs = parse_qsl(query, strict_parsing=True)
        except ValueError:
            return Diagnosis("What follows the ? is not name=value.", fix)
        given = dict(pairs)
        if len(given) < len(pairs) or given.keys() - {"version", "block"}:
            return Diagnosis("What follows the ? is not version or block, each once.", fix)
    version = given.get("version")
    if version is not None and not _VERSION.fullmatch(version):
        return Diagnosis("The version is none.", fix)
    return Wanted(name, version, given.get("block"))
