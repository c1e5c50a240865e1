"""How good a package of plugins is, found out by running its contracts: never self-declared."""
