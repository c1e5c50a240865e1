"""Secrets Manager and Parameter Store: references in blocks, and tasks."""
