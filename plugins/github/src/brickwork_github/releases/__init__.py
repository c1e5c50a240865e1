"""Releases, with their notes and assets."""
