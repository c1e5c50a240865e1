"""Where the runs of flows are kept."""
