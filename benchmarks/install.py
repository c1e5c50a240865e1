"""What an installation brings: distributions and size, in a fresh environment."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.environments import PREFECT, ROOT, Context, make_environment, plain_env
from benchmarks.measure import Bar, Row, run

# pip and setuptools come with the environment, not with what is installed.
COUNT = """
import json, importlib.metadata, pathlib, sysconfig
site = pathlib.Path(sysconfig.get_path('purelib'))
own = {'pip', 'setuptools'}
names = {d.name for d in importlib.metadata.distributions(path=[str(site)])} - own
skip = own | {'pkg_resources', '_distutils_hack'}
size = sum(
    f.stat().st_size
    for f in site.rglob('*')
    if f.is_file() and f.relative_to(site).parts[0].split('-')[0] not in skip
)
print(json.dumps([len(names), size / 1e6]))
"""


def measure(context: Context) -> Iterator[Row]:
    """Yield the rows of this part."""
    core, aws = str(ROOT / "core"), str(ROOT / "plugins" / "aws")
    ours = _installed(context, "brickwork", [core])
    theirs = (None, None) if context.quick else _installed(context, "prefect", PREFECT[:2])
    limits = (Bar("ours", at_most=20), Bar("ours", at_most=60))
    yield from _rows("pip install brickwork", ours, theirs, "pip install prefect", limits)
    if not context.quick:
        ours = _installed(context, "brickwork-aws", [core, aws])
        theirs = _installed(context, "prefect-aws", PREFECT)
        yield from _rows(
            "pip install brickwork-aws", ours, theirs, "pip install prefect-aws", (None, None)
        )


def _rows(
    what: str,
    ours: tuple[float, float],
    theirs: tuple[float, float] | tuple[None, None],
    name: str,
    bars: tuple[Bar | None, Bar | None],
) -> Iterator[Row]:
    other = "" if theirs[0] is None else name
    yield Row(f"{what}: distributions", "count", ours[0], theirs[0], other, bar=bars[0])
    yield Row(
        f"{what}: size",
        "MB",
        ours[1],
        theirs[1],
        other,
        bar=bars[1],
        note="megabytes of 10^6 bytes, with the compiled files that pip writes",
    )


def _installed(context: Context, name: str, wanted: Sequence[str | Path]) -> tuple[float, float]:
    """Install into a fresh environment; return how many distributions and megabytes it has."""
    context.say(f"installing {name} into a fresh environment")
    python = make_environment(context.folder / f"install-{name}", [str(part) for part in wanted])
    count, size = json.loads(run([python, "-c", COUNT], plain_env()))
    return float(count), float(size)
