"""``email``: notifications by SMTP."""
