"""Run the tests: all of them in parallel, or what the arguments say to pytest.

Debian packages that some tests need are installed first where they are missing and that is allowed
(see debian-packages.sh); without them those tests are skipped with their reason, but never in CI.
"""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main() -> int:
    """Install what lacks, and hand over to pytest."""
    subprocess.run(["bash", str(HERE / "debian-packages.sh")], check=False)
    arguments = sys.argv[1:] or ["-n", str(os.cpu_count() or 2), "--dist", "loadgroup", "-q"]
    return subprocess.run([sys.executable, "-m", "pytest", *arguments], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
