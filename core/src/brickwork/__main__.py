"""``python -m brickwork``: the command line."""

from brickwork.cli import main

main()
