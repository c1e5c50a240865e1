"""Messages: posting, changing, deleting and scheduling them."""
