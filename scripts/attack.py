"""Run the attack and durability tests of all packages in their long form, and print a table.

They are marked ``attack``; the test command runs them too, in a short form. ``--only NAME`` runs
those whose module or name contains NAME, ``--scale N`` sets another length than the bars'.
"""

import argparse
import ast
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).parent.parent


def main() -> int:
    """Run pytest, and print a row for each module; return 1 when one of them failed."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--only", default="", help="part of the name of a module or a test")
    arguments.add_argument("--scale", default="10", help="10 is the bar, 1 what the tests do")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.xml")
        command = [sys.executable, "-m", "pytest", "-q", "-m", "attack", f"--junitxml={report}"]
        command += ["-o", "junit_family=xunit1"]  # the one that has properties of tests
        command += ["-p", "no:cacheprovider", "-n", str(os.cpu_count() or 2)]
        command += ["-k", given.only] if given.only else []
        environment = os.environ | {"BRICKWORK_ATTACK_SCALE": given.scale}
        status = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
        print_table(report)
    return 1 if status else 0


def print_table(report: Path) -> None:
    """Print, by module: its claim, how many tests, what they counted, how long, and the result."""
    modules: dict[str, list[ElementTree.Element]] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        modules.setdefault(case.get("classname", "").partition(".Test")[0], []).append(case)
    for module, cases in sorted(modules.items()):
        failed = sum(case.find("failure") is not None or case.find("error") is not None
                     for case in cases)  # fmt: skip
        skipped = sum(case.find("skipped") is not None for case in cases)
        seconds = sum(float(case.get("time", "0")) for case in cases)
        result = f"FAILED {failed}" if failed else "ok"
        print(f"\n{result:9} {claim(module)}")
        print(f"{'':9} {len(cases)} tests, {skipped} skipped, {seconds:.0f} s  ({module})")
        for counted in [each for case in cases for each in case.iter("property")]:
            print(f"{'':9} {counted.get('name')}: {counted.get('value')}")


def claim(module: str) -> str:
    """Return the first line of a test module's docstring."""
    path = ROOT / (module.replace(".", "/") + ".py")
    text = ast.get_docstring(ast.parse(path.read_text())) if path.exists() else None
    return (text or module).partition("\n")[0]


if __name__ == "__main__":
    sys.exit(main())
