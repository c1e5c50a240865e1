"""What Slack sends: signatures, typed requests, an ASGI app, and Socket Mode."""
