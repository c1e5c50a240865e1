"""What Brickwork costs, measured: see README.md here, and ``python benchmarks/run.py --help``."""
