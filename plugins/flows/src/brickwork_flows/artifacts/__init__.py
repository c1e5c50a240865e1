"""Artifacts: what runs make for people to look at, versioned by key."""

from collections.abc import Iterable, Iterator
from itertools import islice

from brickwork_flows.artifacts import keeping
from brickwork_flows.artifacts.creating import (
    acreate_image_artifact as acreate_image_artifact,
    acreate_link_artifact as acreate_link_artifact,
    acreate_markdown_artifact as acreate_markdown_artifact,
    acreate_progress_artifact as acreate_progress_artifact,
    acreate_table_artifact as acreate_table_artifact,
    aupdate_progress_artifact as aupdate_progress_artifact,
    create_image_artifact as create_image_artifact,
    create_link_artifact as create_link_artifact,
    create_markdown_artifact as create_markdown_artifact,
    create_progress_artifact as create_progress_artifact,
    create_table_artifact as create_table_artifact,
    update_progress_artifact as update_progress_artifact,
)
from brickwork_flows.artifacts.records import OUTSIDE, Artifact as Artifact, Table as Table
from brickwork_flows.current import runtime_here


def get_artifact(key: str, version: int | None = None) -> Artifact:
    """Return a version of a key; by default the newest.

    Args:
        key: The key, or the id of an artifact.
        version: Which version, from 1.

    Raises:
        ArtifactNotFound: There is none.
    """
    return keeping.found(runtime_here(), key, version)


def list_artifacts(
    key: str | None = None, *, run: str | None = None, limit: int = 100
) -> list[Artifact]:
    """Return artifacts, without reading what is in files.

    Args:
        key: The versions of this key, the newest first.
        run: What the run of this id made, and what ran within it, the oldest first; of the key,
            if that is given too.
        limit: How many at most.

    Returns:
        With neither, the newest version of every key, then what was made without a key outside of
        runs.
    """
    runtime = runtime_here()
    found: Iterable[Artifact]
    if run is not None:
        found = (each for each in keeping.made_by(runtime, run) if key in (None, each.key))
    elif key is not None:
        found = keeping.versions(runtime, key)
    else:
        found = _overview()
    return list(islice(found, limit))


def _overview() -> Iterator[Artifact]:
    runtime = runtime_here()
    yield from keeping.newest(runtime)
    yield from (each for each in keeping.made_by(runtime, OUTSIDE) if each.key is None)
