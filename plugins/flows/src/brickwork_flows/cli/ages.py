"""Lengths of time on the command line."""

import re

import click

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}


def seconds(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> float | None:
    """Return a length of time in seconds: ``90s``, ``30m``, ``12h``, ``30d``, ``2w``."""
    if value is None:
        return None
    read = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([smhdw])", value)
    if read is None:
        raise click.BadParameter("write a number and s, m, h, d or w, such as 30d")
    return float(read[1]) * _UNITS[read[2]]
