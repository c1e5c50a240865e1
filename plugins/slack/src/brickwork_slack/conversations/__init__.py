"""Channels, private channels and direct messages."""
