"""Everything that can be checked without running the code: format, lint, types, layers."""

import subprocess
import sys
import time

PYTHON_FILES = ["conftest.py", "core", "plugins", "tests", "scripts", "benchmarks", "examples"]
TYPED = [
    *("core/src", "core/tests", "plugins/aws/src", "plugins/aws/tests"),
    *("plugins/flows/src", "plugins/flows/tests"),
    *("plugins/hashicorp/src", "plugins/hashicorp/tests"),
    *("tests", "scripts", "examples", "benchmarks", "conftest.py"),
]

CHECKS = {
    "format": ["ruff", "format", "--check", "--quiet", *PYTHON_FILES],
    "lint": ["ruff", "check", "--quiet", *PYTHON_FILES],
    "types": ["mypy", *TYPED],
    "layers": ["lint-imports", "--no-logo"],
}


def main() -> int:
    """Run the checks named on the command line, or all; return 1 when one of them failed."""
    names = sys.argv[1:] or list(CHECKS)
    if unknown := set(names) - set(CHECKS):
        print(f"no such check: {', '.join(sorted(unknown))}; there are {', '.join(CHECKS)}")
        return 2
    failed = []
    for name in names:
        began = time.monotonic()
        done = subprocess.run(CHECKS[name], capture_output=True, text=True, check=False)
        ok = done.returncode == 0
        print(f"{name:8} {'ok' if ok else 'FAILED'}  {time.monotonic() - began:.1f} s", flush=True)
        if not ok:
            print(done.stdout, done.stderr, sep="\n", flush=True)
            failed.append(name)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
