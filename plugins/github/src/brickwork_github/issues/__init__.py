"""Issues, with their comments, labels, assignees and milestones."""
