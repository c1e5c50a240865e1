"""``notify-route``: who is told what, how often, and who stands in."""
