"""The command line: ``brickwork``.

Every group is a module of its own, imported when it is used; what a group needs of the vault,
pydantic or rich is imported inside the command that needs it. So ``brickwork --help`` costs click
and the metadata of the plugins, and nothing else.
"""

import sys


def main() -> None:
    """Run the command line and end the process; see `brickwork.cli.exit_codes` for how."""
    try:
        from brickwork.cli.app import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:  # while modules were imported
        code = 130
    sys.exit(code)
