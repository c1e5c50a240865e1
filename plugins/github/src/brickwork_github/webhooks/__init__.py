"""Webhooks: their signatures, their events, and an ASGI app that receives them."""
