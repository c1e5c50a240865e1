"""The commands about GitHub."""
