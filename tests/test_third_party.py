"""Plugins of third parties, new ones too: built, installed in a clean environment, and checked."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import pytest

from brickwork.scaffold import Plan, write
from brickwork.testing.base import lacking

ROOT = Path(__file__).resolve().parents[1]
WEATHER = ROOT / "examples" / "third-party" / "brickwork-weather"

pytestmark = [pytest.mark.server, pytest.mark.slow]


class Place(NamedTuple):
    """A virtual environment, with a package in it.

    Attributes:
        python: Its Python.
        tests: A folder with nothing but the package's tests, settings and pages.
        wheel: What was installed.
        environ: Variables for processes in it.
    """

    python: Path
    tests: Path
    wheel: Path
    environ: dict[str, str]

    def start(self, *command: str) -> "subprocess.Popen[str]":
        """Start Python there."""
        return subprocess.Popen(
            [str(self.python), *command],
            cwd=self.tests,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


def installed(package: Path, folder: Path) -> Place:
    """Build a package's wheel, and install it from that, without network."""
    for needed in ("hatchling", "pip"):
        if find_spec(needed) is None:
            lacking(f"needs {needed}, to build and install a wheel")
    tests = folder / "work"
    shutil.copytree(package, tests, ignore=shutil.ignore_patterns(".*_cache", "__pycache__"))
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder), cwd=tests)
    (wheel,) = folder.glob("*.whl")
    shutil.rmtree(tests / "src")  # what is tested is what was installed
    run(sys.executable, "-m", "venv", "--without-pip", str(folder / "venv"), cwd=folder)
    python = folder / "venv" / "bin" / "python"
    (site,) = (folder / "venv").glob("lib/python*/site-packages")
    # Brickwork, and what both need: what this environment has.
    here = sysconfig.get_path("purelib")
    (site / "this.pth").write_text(f"import site; site.addsitedir({here!r})\n")
    options = ("--quiet", "--no-index", "--no-deps", "--disable-pip-version-check")
    pip = (sys.executable, "-m", "pip", "--python", str(python))
    run(*pip, "install", *options, str(wheel), cwd=folder)
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder / "user"),
        "BRICKWORK_HOME": str(folder / "home"),
    }
    return Place(python, tests, wheel, environ)


def run(*command: str, cwd: Path) -> str:
    """Run a program that must succeed."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module", params=["new", "weather"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """An environment with a package that was just begun, or with the example of the repository."""
    folder = tmp_path_factory.mktemp(request.param)
    new = request.param == "new"
    return installed(write(Plan.of("acme"), folder) if new else WEATHER, folder)


@pytest.mark.xdist_group("third-party")
def test_its_tests_pass_and_it_is_gold_at_least(place: Place) -> None:
    """Where nothing but the wheel is: its own tests, and `brickwork plugin check`."""
    distribution = place.wheel.name.split("-")[0].replace("_", "-")
    tests = place.start("-m", "pytest", "-q", "-p", "no:cacheprovider")
    check = place.start(
        *("-m", "brickwork", "plugin", "check", distribution, "--json"),
        *("--require", "gold", "--jobs", "1"),
    )
    said, report = tests.communicate(timeout=200)[0], check.communicate(timeout=200)[0]
    assert tests.returncode == 0, said
    assert " passed" in said
    assert check.returncode == 0, report
    assert json.loads(report[report.index("{") :])["level"] == "platinum", report


@pytest.mark.xdist_group("third-party")
def test_the_wheel_has_what_users_need(place: Place) -> None:
    """Types, logo, contracts, golden documents, licence and description; and no tests."""
    with zipfile.ZipFile(place.wheel) as wheel:
        names = wheel.namelist()
        (metadata,) = (wheel.read(name).decode() for name in names if name.endswith("/METADATA"))
    package = place.wheel.name.split("-")[0]
    for path in ("py.typed", "logo.svg", "testing/contracts.py"):
        assert f"{package}/{path}" in names
    assert any("testing/golden/" in name for name in names)
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not [name for name in names if "test_" in name]
    assert "Project-URL: Changelog" in metadata
    assert "Requires-Dist: brickwork<" in metadata


def test_the_weather_is_served_by_the_example_itself(tmp_path: Path) -> None:
    """Its README runs without anything of the test suite: the service comes with the package."""
    code = f"""
import sys
sys.path.insert(0, {str(WEATHER / "src")!r})
from brickwork_weather import WeatherCredentials, WeatherPlace, forecast
from brickwork_weather.testing import weather_server
with weather_server() as server:
    who = WeatherCredentials(url=server.url, token=server.token())
    place = WeatherPlace(credentials=who, latitude=-33.9, longitude=151.2, units="imperial")
    print(len(forecast(place)), place.check().ok)
"""
    assert run(sys.executable, "-c", code, cwd=tmp_path) == "7 True\n"


def test_the_example_stayed_near_to_what_is_written() -> None:
    """What it took from the scaffold without a change is what the scaffold writes today."""
    from brickwork.scaffold.writing import files_of

    plan = Plan.of(
        "weather",
        title="Example Weather",
        parts=frozenset({"task"}),
        url="https://api.weather.example",
        author="The Brickwork authors",
    )
    written = files_of(plan)
    same = [
        *("LICENSE", ".gitignore", "tests/conftest.py", "tests/test_weather_contracts.py"),
        *(
            "tests/test_weather_client.py",
            "tests/test_weather_docs.py",
            "tests/test_weather_loopback.py",
        ),
        *(f"src/brickwork_weather/{name}.py" for name in ("credentials", "client", "errors")),
        *(
            f"src/brickwork_weather/testing/{name}.py"
            for name in ("server", "fixtures", "__init__")
        ),
    ]
    changed = [path for path in same if (WEATHER / path).read_text() != written[path]]
    assert changed == [], "write them anew: brickwork plugin new weather --with task"
