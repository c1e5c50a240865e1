"""User groups: people who are mentioned together."""
