"""Make releases: bump versions, write changelogs, build, try what was built, and tag.

::

    hatch run release status
    hatch run release bump brickwork=0.2.0 brickwork-aws=0.1.1
    hatch run release build
    hatch run release try
    hatch run release tag

Each step can be repeated. Nothing is published: that does CI, for the tags, once they are pushed.
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
import tomllib
import venv
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from scripts.packages import ROOT, Package, build, git, key_of, packages

KINDS = ("wheel", "sdist")
LEVELS = ("bronze", "silver", "gold", "platinum")
SUMS = "SHA256SUMS"
_BUILT = re.compile(rf"{SUMS}|brickwork\w*-[0-9.]+(-py3-none-any\.whl|\.tar\.gz)")


def status(root: Path) -> None:
    """Print each package with what has happened since its last release."""
    for package in packages(root):
        tags = package.released()
        since = [f"{tags[0]}..HEAD"] if tags else ["HEAD"]
        count = len(git("log", "--format=%h", *since, "--", package.folder, root=root).split())
        notes = len(re.findall(r"^- ", package.unreleased(), re.MULTILINE))
        last = tags[0] if tags else "never released"
        print(f"{package.name} {package.version}: {last}; {count} commits since, {notes} notes")


def bump(root: Path, wanted: dict[str, str]) -> None:
    """Set versions, write changelogs, and commit that."""
    if git("status", "--porcelain", "--untracked-files=no", root=root):
        raise SystemExit("there are changes that are not committed: commit them first")
    known = {each.name: each for each in packages(root)}
    for name, version in wanted.items():
        if name not in known:
            raise SystemExit(f"there is no package {name!r}; there are {', '.join(known)}")
        package = known[name]
        first = not package.released()
        if key_of(version) < key_of(package.version) or (version == package.version and not first):
            raise SystemExit(f"{name} is at {package.version}: {version} does not come after it")
        if not package.unreleased():
            raise SystemExit(f"{package.changelog} says nothing of the next release")
    _check_bounds(known, wanted)
    today = datetime.now(UTC).strftime("%Y-%m-%d")
    for name, version in wanted.items():
        known[name].write_version(version, today)
    said = ", ".join(f"{name} {version}" for name, version in wanted.items())
    git("commit", "-q", "-a", "-m", f"Release {said}", root=root)
    print(f"committed: Release {said}")


def _check_bounds(known: dict[str, Package], wanted: dict[str, str]) -> None:
    """Refuse a core that a package of the workspace says it does not work with."""
    core = key_of(wanted.get("brickwork", known["brickwork"].version))
    for package in known.values():
        project = tomllib.loads(package.pyproject.read_text(encoding="utf-8"))["project"]
        for needed in project["dependencies"]:
            found = re.fullmatch(r"brickwork>=([\d.]+),<([\d.]+)", needed)
            if found and not _numbers(found[1]) <= core < _numbers(found[2]):
                raise SystemExit(
                    f"{package.name} wants {needed}: raise that in {package.pyproject}"
                )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def build_all(root: Path, out: Path) -> None:
    """Build every package from HEAD, twice, and compare; write the sums of what came out."""
    if out.exists():
        others = sorted(each.name for each in out.iterdir() if not _BUILT.fullmatch(each.name))
        if others:
            raise SystemExit(f"{out} has {others[0]}, which no build has made: name another --out")
        shutil.rmtree(out)
    out.mkdir(parents=True)
    lines = []
    for package in packages(root):
        with tempfile.TemporaryDirectory() as folder:
            first, second = (
                build(package, "HEAD", Path(folder) / name, KINDS) for name in ("first", "second")
            )
            for one, two in zip(first, second, strict=True):
                digest = _digest(one)
                if digest != _digest(two):
                    raise SystemExit(f"{one.name} differs from one build to the next")
                shutil.move(one, out / one.name)
                lines.append(f"{digest}  {one.name}\n")
        print(f"built {package.name} {package.version}, twice alike", flush=True)
    (out / SUMS).write_text("".join(lines), encoding="ascii")


def _sums(out: Path) -> list[tuple[str, str]]:
    """Return the digest and the name of each file that was built."""
    try:
        lines = (out / SUMS).read_text(encoding="utf-8").splitlines()
    except OSError:
        raise SystemExit(f"nothing is built in {out}: hatch run release build") from None
    return [(digest, name) for digest, _, name in (line.partition("  ") for line in lines)]


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def required_levels(root: Path) -> dict[str, str]:
    """Return the level that the catalog promises of each package but the core, by its name."""
    file = root / "blocks-catalog" / "levels.json"
    said: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
    names = [package.name for package in packages(root)[1:]]
    for name in names:
        if said.get(name) not in LEVELS:
            raise SystemExit(f"{file} has no level of {name}: hatch run generate --levels {name}")
    return {name: said[name] for name in names}


def try_all(root: Path, out: Path) -> None:
    """Install the wheels into an environment that has nothing else, and run their contracts.

    Each must reach the level that the catalog says it has.
    """
    levels = required_levels(root)
    for digest, name in _sums(out):
        if not (out / name).is_file() or _digest(out / name) != digest:
            raise SystemExit(f"{name} is not what was built: hatch run release build")
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "env"
        venv.create(place, with_pip=True)
        python = str(place / "bin" / "python")
        wheels = [f"{each.name}[testing]" for each in packages(root)[1:]]
        _run([python, "-m", "pip", "install", "-q", "--find-links", str(out), *_own(root, out)])
        _run([python, "-m", "brickwork", "--version"])
        listed = _run([python, "-m", "brickwork", "plugin", "ls", "--load", "--json"])
        broken = [each for each in json.loads(listed)["plugins"] if each["status"] != "ok"]
        if broken:
            raise SystemExit(f"broken: {broken}")
        _run([python, "-m", "pip", "install", "-q", "--find-links", str(out), "mypy", *wheels])
        for name, level in levels.items():
            command = [python, "-m", "brickwork", "plugin", "check", name, "--require", level]
            print(_run(command).splitlines()[0], flush=True)


def _own(root: Path, out: Path) -> Iterator[str]:
    for package in packages(root):
        stem = f"{package.name.replace('-', '_')}-{package.version}"
        wheel = next(out.glob(f"{stem}-*.whl"), None)
        if wheel is None:
            raise SystemExit(f"{package.name} {package.version} is not built in {out}")
        yield str(wheel)


def _run(command: Sequence[str]) -> str:
    hidden = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    with tempfile.TemporaryDirectory() as home:
        environment["BRICKWORK_HOME"] = home
        done = subprocess.run(
            command, cwd=home, env=environment, capture_output=True, text=True, check=False
        )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}\n{done.stderr}")
    return done.stdout


def tag(root: Path) -> None:
    """Tag each package whose version has no tag yet."""
    for package in packages(root):
        if package.tag in package.released():
            continue
        text = package.changelog.read_text(encoding="utf-8")
        found = re.search(rf"^## \[{re.escape(package.version)}\] .*\n", text, re.MULTILINE)
        if found is None:
            print(f"not tagged: {package.name}, whose changelog has no {package.version}")
            continue
        notes = text[found.end() :].partition("\n## [")[0].strip()
        git("tag", "-a", package.tag, "--cleanup=verbatim", "-m", notes, root=root)
        print(f"tagged {package.tag}")


def main() -> None:
    """Do one step."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    steps = parser.add_subparsers(dest="step", required=True)
    steps.add_parser("status", help="what has happened since the last releases")
    bumping = steps.add_parser("bump", help="set versions, write changelogs, commit")
    bumping.add_argument("versions", nargs="+", metavar="NAME=VERSION")
    building = steps.add_parser("build", help="build wheels and sdists, reproducibly")
    trying = steps.add_parser("try", help="install them into a clean environment and check them")
    for each in (building, trying):
        each.add_argument("--out", type=Path, default=ROOT / "dist")
    steps.add_parser("tag", help="tag what was released")
    given = parser.parse_args()
    if given.step == "status":
        status(given.root)
    elif given.step == "bump":
        wanted = dict(each.partition("=")[::2] for each in given.versions)
        if len(wanted) < len(given.versions):
            parser.error("a package is named twice")
        bump(given.root, wanted)
    elif given.step == "build":
        build_all(given.root, given.out)
    elif given.step == "try":
        try_all(given.root, given.out)
    else:
        tag(given.root)


if __name__ == "__main__":
    main()
