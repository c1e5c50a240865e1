"""S3Bucket beside plain boto3 and prefect-aws, against SeaweedFS on loopback."""

import filecmp
import os
import shutil
import statistics
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.environments import (
    WORKLOADS,
    Context,
    figures,
    need_aws,
    plain_env,
)
from benchmarks.measure import Bar, Row, Skip, Unit
from brickwork import BrickworkError

SMALL_COUNT, SMALL_SIZE = 1000, 4096
FOLDER_COUNT = 2000
BIG_SIZE = 2**30


def measure(context: Context) -> Iterator[Row]:
    """Yield the rows of this part."""
    need_aws(context)
    big_size = BIG_SIZE // 16 if context.quick else BIG_SIZE
    files = context.scratch("files")
    small, big = files / "small", files / "big.bin"
    _write_files(small, big, big_size)
    with _seaweedfs() as env:
        objects = _Transfers(context, env, "small", SMALL_COUNT, "/s", context.some(10))
        yield from objects.rows(small, f"{SMALL_COUNT} objects of 4 KiB", at_least=0.9)
        bulk = _Transfers(context, env, "big", big_size / 1e6, "MB/s", context.some(7))
        yield from bulk.rows(big, f"one object of {big_size // 2**20} MiB", at_least=0.95)
        yield from _beside_prefect(context, env, files / "folder")


def _beside_prefect(context: Context, env: dict[str, str], folder: Path) -> Iterator[Row]:
    """Upload a folder of small files by S3Bucket and by prefect-aws, in turns."""
    try:
        peer = context.peer
    except RuntimeError as error:
        raise Skip(f"Prefect cannot be installed here: {str(error).splitlines()[-1]}") from None
    count = FOLDER_COUNT // 10 if context.quick else FOLDER_COUNT
    what = f"upload a folder of {count} files of 4 KiB"
    _write_small(folder, count)
    # Prefect keeps blocks and settings in its home, and would ask a server without this.
    quiet = {"PREFECT_HOME": str(context.scratch("prefect-s3")), "DO_NOT_TRACK": "1"}
    transfer, theirs = WORKLOADS / "s3_transfer.py", WORKLOADS / "s3_prefect.py"
    commands: dict[str, list[str | Path]] = {
        "ours": [context.python, transfer, "ours", "upload-small", folder],
        "prefect": [peer, theirs, folder],
    }
    speeds: dict[str, list[float]] = {"ours": [], "prefect": []}
    for number in range(3):
        context.say(f"{what}, round {number + 1} of 3")
        for name in ("ours", "prefect") if number % 2 else ("prefect", "ours"):
            found = figures(commands[name], env | quiet)
            speeds[name].append(count / found["seconds"])
    pairs = zip(speeds["ours"], speeds["prefect"], strict=True)
    yield Row(
        what,
        "/s",
        ours=statistics.median(speeds["ours"]),
        other=statistics.median(speeds["prefect"]),
        other_name="prefect-aws: S3Bucket.put_directory",
        ratio=statistics.median(mine / peers for mine, peers in pairs),
        bar=Bar("ratio", at_least=2.5),
    )


class _Transfers:
    """Uploads and downloads of one kind, by both ways in turns, each in a process of its own."""

    def __init__(
        self,
        context: Context,
        env: dict[str, str],
        kind: str,
        amount: float,
        unit: Unit,
        rounds: int,
    ) -> None:
        self.context, self.env, self.kind = context, env, kind
        self.amount, self.unit, self.rounds = amount, unit, rounds

    def rows(self, local: Path, what: str, at_least: float) -> Iterator[Row]:
        bar = Bar("ratio", at_least=at_least)
        yield from self._both("upload", local, f"upload {what}", None, bar)
        yield from self._both("download", local.parent / "down", f"download {what}", local, bar)

    def _both(
        self, way: str, path: Path, what: str, same_as: Path | None, bar: Bar
    ) -> Iterator[Row]:
        self.context.say(f"{what}, {self.rounds} times by each way")
        speeds: dict[str, list[float]] = {"ours": [], "boto3": []}
        memory: dict[str, list[float]] = {"ours": [], "boto3": []}
        for number in range(self.rounds + 1):
            for name in ("ours", "boto3") if number % 2 else ("boto3", "ours"):
                seconds, added = self._once(name, way, path, same_as)
                if number:  # the first round warms the server
                    speeds[name].append(self.amount / seconds)
                    memory[name].append(added)
        pairs = zip(speeds["ours"], speeds["boto3"], strict=True)
        yield Row(
            what,
            self.unit,
            ours=statistics.median(speeds["ours"]),
            other=statistics.median(speeds["boto3"]),
            other_name="plain boto3, as many connections at once",
            ratio=statistics.median(mine / theirs for mine, theirs in pairs),
            bar=bar,
        )
        yield Row(
            "  memory that it adds (most of all rounds)",
            "MB",
            ours=max(memory["ours"]),
            other=max(memory["boto3"]),
            bar=Bar("ours", at_most=100),
        )

    def _once(self, name: str, way: str, path: Path, same_as: Path | None) -> tuple[float, float]:
        workload = WORKLOADS / "s3_transfer.py"
        found = figures([self.context.python, workload, name, f"{way}-{self.kind}", path], self.env)
        if same_as is not None:
            _check_same(path, same_as)
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        return found["seconds"], found["added"]


def _check_same(path: Path, original: Path) -> None:
    if original.is_dir():
        names = [each.name for each in original.iterdir()]
        _, differ, missing = filecmp.cmpfiles(path, original, names, shallow=False)
        assert not differ + missing, (differ, missing)
    else:
        assert filecmp.cmp(path, original, shallow=False)


def _write_files(small: Path, big: Path, big_size: int) -> None:
    """Write files that nothing can compress or share."""
    _write_small(small, SMALL_COUNT)
    with big.open("wb") as file:
        for _ in range(big_size // 2**22):
            file.write(os.urandom(2**22))


def _write_small(folder: Path, count: int) -> None:
    folder.mkdir()
    for number in range(count):
        (folder / f"{number:04}.bin").write_bytes(os.urandom(SMALL_SIZE))


@contextmanager
def _seaweedfs() -> Iterator[dict[str, str]]:
    """Run SeaweedFS with a bucket; give the variables of its clients."""
    with ExitStack() as stack:
        try:
            from brickwork_aws.testing import seaweedfs

            started = stack.enter_context(seaweedfs())
        except (ImportError, BrickworkError) as error:
            raise Skip(f"SeaweedFS: {error}") from None
        started.create_bucket("bench")
        yield plain_env(
            AWS_ACCESS_KEY_ID=started.access_key_id,
            AWS_SECRET_ACCESS_KEY=started.secret_access_key.reveal(),
            AWS_DEFAULT_REGION=started.region,
            AWS_ENDPOINT_URL=started.endpoint_url,
            AWS_EC2_METADATA_DISABLED="true",
            AWS_CONFIG_FILE=os.devnull,
            AWS_SHARED_CREDENTIALS_FILE=os.devnull,
        )
