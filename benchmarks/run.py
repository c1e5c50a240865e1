"""Measure Brickwork, beside baselines and beside Prefect: ``hatch run bench``.

Prints a table, part by part. Ends with 0 also when a bar is missed (the line says so), unless
``--strict``; with 1 when a part failed.
"""

import argparse
import json
import os
import platform
import signal
import sys
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib import import_module, metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

if __name__ == "__main__":
    # Started as a file: the package is beside us, not this folder's modules on their own.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

if TYPE_CHECKING:
    from benchmarks.environments import Context
    from benchmarks.measure import Row

PARTS = {
    "import": ("imports", "start of the interpreter, of `import brickwork`, of a first load"),
    "plugins": ("plugins200", "the same with 200 plugins installed"),
    "vault": ("vault", "load, save, list"),
    "micro": ("micro", "the envelope and the masker"),
    "notify": ("notify", "a notification beside the request that carries it"),
    "flows": ("flows", "flows and their tasks, recorded; beside Prefect"),
    "prefect": ("peer_prefect", "the same steps with Prefect and its server"),
    "install": ("install", "distributions and size of a fresh installation"),
    "s3": ("s3", "S3Bucket beside plain boto3, on a server on loopback"),
}
MARKS = {True: "met", False: "MISSED", None: ""}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the chosen parts; return the exit code."""
    options = _options(arguments)
    from benchmarks.environments import Context

    # A terminated run cleans up like an interrupted one.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    facts = machine()
    print("\n".join(f"{name}: {value}" for name, value in facts.items()), flush=True)
    if options.quick:
        print("quick: few repeats, in this interpreter; figures not to be quoted", flush=True)
    results: dict[str, list[dict[str, Any]]] = {}
    failed: list[str] = []
    missed = 0
    with tempfile.TemporaryDirectory(prefix="brickwork-bench-") as folder:
        for part in options.only:
            context = Context(options.quick, Path(folder) / part, options.cache, _say)
            print(f"\n{part}: {PARTS[part][1]}", flush=True)
            try:
                rows = _run(part, context)
            except Exception:  # noqa: BLE001 - one broken part must not cost the others' figures
                traceback.print_exc()
                failed.append(part)
                continue
            results[part] = [row.as_json() for row in rows]
            missed += sum(row.met() is False for row in rows)
    if options.json:
        document = {"version": 1, "quick": options.quick, "machine": facts, "parts": results}
        options.json.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    print(f"\n{missed} bar(s) missed" + (f"; failed: {', '.join(failed)}" if failed else ""))
    return 1 if failed or (missed and options.strict) else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="parts:\n" + "\n".join(f"  {part:9} {what}" for part, (_, what) in PARTS.items()),
    )
    parser.add_argument("--only", type=_parts, default=list(PARTS), help="parts, with commas")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--quick", action="store_true", help="few repeats: does it run at all?")
    parser.add_argument("--strict", action="store_true", help="end with 1 when a bar is missed")
    parser.add_argument("--cache", type=Path, default=_cache(), help="folder of the environments")
    return parser.parse_args(arguments)


def _parts(text: str) -> list[str]:
    parts = text.split(",")
    if unknown := [part for part in parts if part not in PARTS]:
        raise argparse.ArgumentTypeError(f"no part {unknown[0]!r}; there are {', '.join(PARTS)}")
    return parts


def _cache() -> Path:
    from platformdirs import user_cache_path

    return user_cache_path("brickwork") / "bench"


def _run(part: str, context: "Context") -> "list[Row]":
    """Run one part and print its rows as they come; a part that cannot run says why."""
    from benchmarks.measure import Skip

    rows = []
    print(_line("", "ours", "other", "ratio", "bar", ""), flush=True)
    made: Iterator[Row] = import_module(f"benchmarks.{PARTS[part][0]}").measure(context)
    try:
        for row in made:
            rows.append(row)
            _print_row(row)
    except Skip as skip:
        print(f"  skipped: {skip}", flush=True)
    return rows


def _print_row(row: "Row") -> None:
    from benchmarks.measure import show

    ours = "-" if row.ours is None else show(row.ours, row.unit)
    other = "" if row.other is None else show(row.other, row.unit)
    ratio = row.the_ratio()
    shown = "" if ratio is None else f"{ratio:.3g}x"
    bar = row.bar.text(row.unit) if row.bar else ""
    print(_line(row.what, ours, other, shown, bar, MARKS[row.met()]), flush=True)
    for text in (f"other: {row.other_name}" if row.other_name else "", row.note):
        if text:
            print(f"      {text}", flush=True)


def _line(what: str, ours: str, other: str, ratio: str, bar: str, met: str) -> str:
    return f"  {what:<46} {ours:>9} {other:>9} {ratio:>9} {bar:>11} {met}".rstrip()


def _say(text: str) -> None:
    print(f"  ... {text}", file=sys.stderr, flush=True)


def machine() -> dict[str, str]:
    """Return what the figures depend on: the machine, its load, and the versions."""
    from benchmarks.measure import yardstick

    names = ("brickwork", "brickwork-aws", "pydantic", "cryptography", "pluggy")
    versions = []
    for name in names:
        try:
            versions.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            versions.append(f"{name} not installed")
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs, "
        f"load {os.getloadavg()[0]:.1f}",
        "yardstick": yardstick(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "packages": ", ".join(versions),
    }


if __name__ == "__main__":
    sys.exit(main())
