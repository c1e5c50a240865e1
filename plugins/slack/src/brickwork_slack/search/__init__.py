"""Search, with a person's token."""
