"""People and bots of a workspace, and what they say of themselves."""
