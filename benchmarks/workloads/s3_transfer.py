"""One transfer between local files and an S3 server, by plain boto3 or by S3Bucket.

Prints, as JSON, the seconds that the transfer took and the megabytes that it added to the peak of
the process's memory. Imports, making the client and the first connection come before and do not
count. The server and its keys come from ``AWS_*`` in the environment.
"""

import argparse
import json
import os
import resource
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter
from typing import Any

BUCKET = "bench"
WORKERS = 16  # files of a folder at once
PREFIX = "small"
BIG = "big.bin"


def plain_boto3(files: Path) -> dict[str, Callable[[], object]]:
    """Return the transfers as a careful user of boto3 writes them: one client, a pool that fits."""
    import boto3
    from boto3.s3.transfer import TransferConfig
    from botocore.config import Config

    from brickwork_aws.s3.parts import THREADS  # the parts of one file that S3Bucket moves at once

    client: Any = boto3.client("s3", config=Config(max_pool_connections=WORKERS))
    client.head_bucket(Bucket=BUCKET)
    parts = TransferConfig(max_concurrency=THREADS)

    def upload(path: Path) -> None:
        client.put_object(Bucket=BUCKET, Key=f"{PREFIX}/{path.name}", Body=path.read_bytes())

    def download(key: str) -> None:
        answer = client.get_object(Bucket=BUCKET, Key=key)
        (files / Path(key).name).write_bytes(answer["Body"].read())

    def upload_small() -> None:
        with ThreadPoolExecutor(WORKERS) as pool:
            list(pool.map(upload, sorted(files.iterdir())))

    def download_small() -> None:
        files.mkdir()
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=PREFIX)
        with ThreadPoolExecutor(WORKERS) as pool:
            list(pool.map(download, [each["Key"] for page in pages for each in page["Contents"]]))

    return {
        "upload-small": upload_small,
        "download-small": download_small,
        "upload-big": lambda: client.upload_file(str(files), BUCKET, BIG, Config=parts),
        "download-big": lambda: client.download_file(BUCKET, BIG, str(files), Config=parts),
    }


def s3_bucket(files: Path) -> dict[str, Callable[[], object]]:
    """Return the same transfers through S3Bucket."""
    from brickwork import Secret
    from brickwork_aws import AwsCredentials, S3Bucket

    credentials = AwsCredentials(
        access_key_id=os.environ["AWS_ACCESS_KEY_ID"],
        secret_access_key=Secret(os.environ["AWS_SECRET_ACCESS_KEY"]),
        region=os.environ["AWS_DEFAULT_REGION"],
        endpoint_url=os.environ["AWS_ENDPOINT_URL"],
    )
    bucket = S3Bucket(bucket=BUCKET, credentials=credentials)
    assert not bucket.exists("nothing")
    return {
        "upload-small": lambda: bucket.upload_folder(files, PREFIX, workers=WORKERS),
        "download-small": lambda: bucket.download_folder(PREFIX, files, workers=WORKERS),
        "upload-big": lambda: bucket.upload_file(files, BIG),
        "download-big": lambda: bucket.download_file(BIG, files),
    }


def _peak() -> float:
    """Return the most memory that this process ever had, in megabytes."""
    if sys.platform == "darwin":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    # Not ru_maxrss, which on Linux begins with what the parent had when it started us.
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024 / 1e6


def main() -> None:
    """Make one transfer and print its figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("way", choices=["boto3", "ours"])
    parser.add_argument(
        "step", choices=["upload-small", "download-small", "upload-big", "download-big"]
    )
    parser.add_argument("files", type=Path, help="the file or the folder")
    options = parser.parse_args()
    make = plain_boto3 if options.way == "boto3" else s3_bucket
    transfer = make(options.files)[options.step]
    before = _peak()
    start = perf_counter()
    transfer()
    seconds = perf_counter() - start
    print(json.dumps({"seconds": seconds, "added": _peak() - before}))


if __name__ == "__main__":
    main()
