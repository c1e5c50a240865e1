"""Asking people for approval: a message with buttons, and the wait for what they decide."""
