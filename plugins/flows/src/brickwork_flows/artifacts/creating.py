"""Making artifacts, in tasks, in flows, and anywhere else."""

import json
import math
import os
import re
import time
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec, TypeVar
from uuid import uuid4

from brickwork import mask
from brickwork_flows.artifacts.keeping import change, hide
from brickwork_flows.artifacts.records import OUTSIDE, Draft, check_key, check_size
from brickwork_flows.context import RunContext, run_here
from brickwork_flows.errors import InvalidArtifact
from brickwork_flows.runtime import current_runtime

P = ParamSpec("P")
T = TypeVar("T")

MAX_DESCRIPTION = 10_000

_URL = re.compile(r"[^\x00-\x20\x7f-\x9f\ud800-\udfff]+")
_SCRIPTS = ("javascript:", "vbscript:", "data:")


def create_markdown_artifact(
    markdown: str, key: str | None = None, description: str | None = None
) -> str:
    """Keep a text in Markdown, for people; HTML in it stays text.

    As all of these functions do, it keeps the artifact with the run of the task or flow that it is
    called in. The same one made again in that run, since it is resumed or tried again, is not kept
    twice. Secrets that are known are hidden. Outside of a run it belongs to none.

    Args:
        markdown: The text.
        key: The artifact is the next version of this key: lower-case letters, digits and dashes.
            Without one it is only its run's.
        description: What it is.

    Returns:
        Its id.

    Raises:
        InvalidArtifact: The key or the content cannot be used, or is too large.
        HistoryError: It cannot be written.
        StorageError: A content that is too large for the history cannot be written.
    """
    return _make("markdown", _text(markdown, "Markdown"), key, description)


def create_table_artifact(
    table: Any,
    key: str | None = None,
    description: str | None = None,
) -> str:
    """Keep a table; what it returns and raises is that of `create_markdown_artifact`.

    Args:
        table: A list of dicts, a dict of lists, a list of lists (its columns are numbers), or a
            table of pandas, polars or pyarrow. An index of pandas that has a name is a column.
            NaN is no value; what JSON has not is kept as its text.
        key: The artifact is the next version of this key.
        description: What it is.
    """
    from brickwork_flows.artifacts.tables import table_of

    return _make("table", table_of(table), key, description)


def create_link_artifact(
    link: str,
    link_text: str | None = None,
    key: str | None = None,
    description: str | None = None,
) -> str:
    """Keep a link; what it returns and raises is that of `create_markdown_artifact`.

    Args:
        link: The URL; one that a browser would run, such as ``javascript:``, is refused.
        link_text: What is shown for it.
        key: The artifact is the next version of this key.
        description: What it is.
    """
    text = _text(link if link_text is None else link_text, "text of a link")
    return _make("link", {"link": _url(link), "link_text": text}, key, description)


def create_image_artifact(
    image_url: str | None = None,
    key: str | None = None,
    description: str | None = None,
    *,
    image: bytes | bytearray | memoryview | str | os.PathLike[str] | None = None,
) -> str:
    """Keep an image, or where one is; what it returns and raises is that of the function above.

    Args:
        image_url: The URL of an image, which is not fetched.
        key: The artifact is the next version of this key.
        description: What it is.
        image: Instead of a URL, the image itself, as bytes or the path of a file, which is copied:
            PNG, JPEG, GIF, WebP, BMP, TIFF or SVG.
    """
    if (image_url is None) == (image is None):
        raise InvalidArtifact("Give an image its URL, or the image itself: one of both.")
    if image is None:
        return _make("image", {"image_url": _url(image_url)}, key, description)
    from brickwork_flows.artifacts.images import image_of

    content, media_type = image_of(image)
    return _make("image", {"media_type": media_type}, key, description, content)


def create_progress_artifact(
    progress: float, key: str | None = None, description: str | None = None
) -> str:
    """Keep a progress, which `update_progress_artifact` changes.

    What it returns and raises is that of `create_markdown_artifact`. Made again in the same run, it
    is set back to this.

    Args:
        progress: How much is done, from 0 to 100.
        key: The artifact is the next version of this key; updates are not versions.
        description: What it is.
    """
    return _make("progress", _percent(progress), key, description)


def update_progress_artifact(
    artifact_id: str, progress: float, description: str | None = None
) -> str:
    """Change the progress that an artifact shows, and return its id.

    Args:
        artifact_id: What `create_progress_artifact` returned.
        progress: How much is done, from 0 to 100.
        description: What it is from now on; as it was by default.

    Raises:
        ArtifactNotFound: There is no such artifact.
        InvalidArtifact: It is one of another type, or the progress is no percentage.
        HistoryError: It cannot be written.
    """
    told = None if description is None else _description(description)
    _change(run_here(), "update", artifact_id, _percent(progress), told)
    return artifact_id


def _make(
    kind: str, data: Any, key: str | None, description: str | None, image: bytes | None = None
) -> str:
    check_key(key)
    context = run_here()
    told = _description(description or "")
    draft = Draft("", kind, key, told, None, time.time(), hide(data), image)
    if context is None:
        draft = draft._replace(id=f"{OUTSIDE}/{uuid4().hex}")
    else:
        flow_run = context.id.partition(".")[0]
        draft = draft._replace(id=f"{flow_run}/{_which(draft, context)}", run=context.id)
    _change(context, "keep", *draft)
    return draft.id


def _change(context: RunContext | None, what: str, *values: Any) -> None:
    if context is None:
        change(current_runtime(), what, *values)
    else:
        context.flow.artifact(what, *values)


def _which(draft: Draft, context: RunContext) -> str:
    """Return a name for an artifact that is the same when it is made again in the same run."""
    from hashlib import blake2b

    def hashed(*parts: str) -> str:
        return blake2b(json.dumps(parts).encode("ascii"), digest_size=12).hexdigest()

    content = "" if draft.type == "progress" else json.dumps(draft.data)
    image = "" if draft.image is None else blake2b(draft.image, digest_size=16).hexdigest()
    told = hashed(draft.type, draft.key or "", draft.description, content, image)
    return hashed(context.id, context.next_key(told))


def _text(text: object, what: str) -> str:
    if not isinstance(text, str):
        raise InvalidArtifact(f"The {what} must be a text, and is a {type(text).__name__}.")
    check_size(len(text))  # before it is searched for secrets
    return text


def _description(text: object) -> str:
    told = mask(_text(text, "description"))
    if len(told) > MAX_DESCRIPTION:
        raise InvalidArtifact(
            f"The description of an artifact may have {MAX_DESCRIPTION:,} characters.",
            fix="Make it an artifact in Markdown.",
        )
    return told


def _url(link: object) -> str:
    text = _text(link, "link")
    if not _URL.fullmatch(text) or text.lower().startswith(_SCRIPTS):
        raise InvalidArtifact(
            "The link is no URL that could be shown: it is empty, has spaces or control"
            " characters, or holds a script or data.",
            fix="Encode a space as %20; keep an image itself with image=.",
        )
    return text


def _percent(progress: Any) -> float:
    try:
        percent = math.nan if isinstance(progress, str | bytes) else float(progress)
    except (TypeError, ValueError, OverflowError):
        percent = math.nan
    if 0 <= percent <= 100:
        return percent
    raise InvalidArtifact("A progress is a number from 0 to 100.")


def _in_thread(function: Callable[P, T]) -> Callable[P, Coroutine[Any, Any, T]]:
    @wraps(function)
    async def run(*args: P.args, **kwargs: P.kwargs) -> T:
        from asyncio import to_thread

        return await to_thread(function, *args, **kwargs)

    run.__name__ = run.__qualname__ = f"a{function.__name__}"
    run.__doc__ = f"Do as `{function.__name__}` does, without blocking the event loop."
    return run


acreate_markdown_artifact = _in_thread(create_markdown_artifact)
acreate_table_artifact = _in_thread(create_table_artifact)
acreate_link_artifact = _in_thread(create_link_artifact)
acreate_image_artifact = _in_thread(create_image_artifact)
acreate_progress_artifact = _in_thread(create_progress_artifact)
aupdate_progress_artifact = _in_thread(update_progress_artifact)
