"""A flow as one would write it: publish a folder to S3, and tell a route how it went.

``hatch run demo`` runs it. With ``aws-s3-bucket/reports`` and ``notify-route/ops`` in a vault of
yours, so does ``brickwork flow run examples/publish.py:publish -p folder=src``.
"""

from pathlib import Path
from typing import TypedDict

from brickwork_aws import S3Bucket, s3_list, s3_upload_folder
from brickwork_flows import INPUTS, TASK_SOURCE, flow, get_run_logger, task


class Published(TypedDict):
    """What was published: how many files, with how many bytes and lines."""

    files: int
    size: int
    lines: int


@task(cache_policy=INPUTS + TASK_SOURCE)
def count_lines(path: Path, size: int) -> int:
    """Count the lines of a file; once for each path and size."""
    assert path.stat().st_size == size
    return path.read_bytes().count(b"\n")


@task(retries=2, retry_delay_seconds=1)
def verify(bucket: S3Bucket, prefix: str, keys: list[str]) -> int:
    """Compare what the bucket has with what was uploaded; return how many bytes it is."""
    found = {each.key: each.size for each in s3_list(bucket, f"{prefix}/")}
    missing = set(keys) - found.keys()
    if missing:
        raise LookupError(f"{len(missing)} of {len(keys)} files are not in the bucket")
    return sum(found.values())


@flow(flow_run_name="publish-{prefix}", on_completion="notify-route/ops")
def publish(folder: Path, prefix: str = "sources") -> Published:
    """Publish the Python files of a folder."""
    log = get_run_logger()
    bucket = S3Bucket.load("reports")
    paths = sorted(folder.rglob("*.py"))
    lines = count_lines.map(paths, [path.stat().st_size for path in paths])
    keys = s3_upload_folder(bucket, folder, prefix, include=["*.py"])
    log.info("%d files uploaded", len(keys))
    size = verify(bucket, prefix, keys)
    return {"files": len(keys), "size": size, "lines": sum(each.result() for each in lines)}
