"""What every known plugin brings, also those that are not installed: found, shown, written.

The catalog is a file for each distribution, made from the registry (`brickwork.catalog.generate`)
in the format of `brickwork.catalog.model`. Those of known distributions are shipped in ``data/``,
so that looking something up needs neither a network nor the plugin.
"""
