"""Commit statuses, check runs and deployments: what GitHub is told of work, and how it went."""
