"""``apprise``: every service that Apprise knows."""
