"""Process starts with 200 plugins installed, beside the same with one.

A plugin that is not asked for should cost no more than a look at its metadata.
"""

from collections.abc import Iterator
from pathlib import Path

from benchmarks.environments import Context
from benchmarks.imports import BY_ADDRESS, saved_credential
from benchmarks.measure import Bar, Process, Row, interleave

PLUGINS = 200
BY_SCHEME = (
    "from brickwork import open_storage;"
    " open_storage('s3://reports/daily?block=aws-credentials/prod')"
)
# A line of the measured program itself, so that both sides pay for it.
NO_OTHER = "; import sys; assert not [m for m in sys.modules if m.startswith('bench_plugin_')]"


def measure(context: Context) -> Iterator[Row]:
    """Yield the rows of this part."""
    env = saved_credential(context)
    few, many = context.scratch("one"), context.scratch("many")
    for number in range(PLUGINS - 1):
        make_plugin(many, number)
    for what, code in (
        ("load one credential by its address", BY_ADDRESS),
        ("open_storage('s3://...')", BY_SCHEME),
    ):
        processes = [
            Process([context.python, "-c", code + NO_OTHER], env | {"PYTHONPATH": str(folder)})
            for folder in (many, few)
        ]
        timed = interleave(processes, context.some(60))
        yield Row(
            what,
            ours=timed.median(0),
            other=timed.median(1),
            other_name=f"with 1 plugin; ours: with {PLUGINS}",
            ratio=timed.ratio(0, 1),
            bar=Bar("ratio", at_most=1.15),
            note="the process checks that no other plugin was imported",
        )


def make_plugin(site: Path, number: int) -> None:
    """Write an installed distribution, as pip would leave it, with its entry points and modules.

    It brings blocks, a task, a scheme and a command, as a real one does.
    """
    name = f"plugin{number:03}"
    package = f"bench_plugin_{number:03}"
    info = site / f"bench_{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.4\nName: bench-{name}\nVersion: 1.0\nSummary: A generated plugin\n"
        "Requires-Python: >=3.11\nRequires-Dist: brickwork<0.2,>=0.1\n\n" + "A long text.\n" * 200
    )
    (info / "entry_points.txt").write_text(
        f"[brickwork]\n{name} = {package}.plugin\n\n"
        f"[brickwork.schemes]\n{name} = {name}\n\n[brickwork.commands]\n{name} = {name}\n"
    )
    (info / "WHEEL").write_text("Wheel-Version: 1.0\nGenerator: bench\nTag: py3-none-any\n")
    (info / "INSTALLER").write_text("pip\n")
    files = {
        "__init__.py": "",
        "plugin.py": _PLUGIN.format(name=name, package=package),
        "blocks.py": "".join(
            _BLOCK.format(kind=kind, slug=f"{name}-{kind.lower()}") for kind in ("One", "Two")
        ).join((_IMPORTS, "")),
    }
    (site / package).mkdir()
    for file, text in files.items():
        (site / package / file).write_text(text)
    record = [f"{package}/{file},," for file in files]
    (info / "RECORD").write_text("\n".join([*record, f"{info.name}/RECORD,,"]) + "\n")


_PLUGIN = '''\
"""Generated."""
from brickwork import hookimpl

brickwork_api = 1


@hookimpl
def brickwork_blocks() -> dict[str, str]:
    return {{"{name}-one": "{package}.blocks:One", "{name}-two": "{package}.blocks:Two"}}
'''
_IMPORTS = "from typing import ClassVar\nfrom brickwork import Block, Secret\n"
_BLOCK = '''

class {kind}(Block):
    """Generated."""

    slug: ClassVar[str] = "{slug}"
    token: Secret[str]
    region: str = "eu-west-1"
'''
