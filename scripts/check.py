"""Everything that can be checked without running the code: format, lint, types, layers, lists."""

import subprocess
import sys
import time

PYTHON_FILES = ["conftest.py", "core", "plugins", "tests", "scripts", "benchmarks", "examples"]
TYPED = [
    *("core/src", "core/tests", "plugins/aws/src", "plugins/aws/tests"),
    *("plugins/flows/src", "plugins/flows/tests"),
    *("plugins/hashicorp/src", "plugins/hashicorp/tests"),
    *("plugins/github/src", "plugins/github/tests"),
    *("plugins/slack/src", "plugins/slack/tests"),
    *("tests", "scripts", "examples", "benchmarks", "conftest.py"),
]

# A project of its own, checked by its own settings, as its author would.
WEATHER = "examples/third-party/brickwork-weather"

CHECKS = {
    "format": ["ruff", "format", "--check", "--quiet", *PYTHON_FILES],
    "lint": ["ruff", "check", "--quiet", *PYTHON_FILES],
    "types": ["mypy", *TYPED],
    "example": [
        *(
            "mypy",
            "--config-file",
            f"{WEATHER}/pyproject.toml",
            f"{WEATHER}/src",
            f"{WEATHER}/tests",
        )
    ],
    "layers": ["lint-imports", "--no-logo"],
    "generated": [sys.executable, "scripts/github_routes.py", "--check"],
    "catalog": [sys.executable, "scripts/generate.py", "--check"],
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
        print(f"{name:9} {'ok' if ok else 'FAILED'}  {time.monotonic() - began:.1f} s", flush=True)
        if not ok:
            print(done.stdout, done.stderr, sep="\n", flush=True)
            failed.append(name)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
