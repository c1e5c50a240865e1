"""Notifiers: issues, comments, commit statuses and checks as places to tell people something."""
