"""The commands about AWS."""
