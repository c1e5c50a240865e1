"""Commands about flows and their runs."""
