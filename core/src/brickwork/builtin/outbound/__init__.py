"""The outbound policy: the one way in which the core's own code makes HTTP requests.

`brickwork.builtin.outbound.client` has the functions, ``request`` and ``probe``.

What it promises, for a URL that comes from a user, a block or another server:

- HTTPS only, unless the caller passes ``allow_http``; TLS 1.2 or newer, certificate and host name
  checked.
- The host is resolved once. If *any* of its addresses is not public, nothing is connected, unless
  the caller passes ``allow_private``; addresses of metadata services stay refused even then. The
  connection goes to the address that was judged, so a second answer of the DNS changes nothing.
- No redirect is followed unless asked for, and each is judged like a new URL. Proxies of the
  environment are ignored.
- Time, response size and headers have limits.
- No error carries a path, a query or a user part of a URL: they may be secrets.

Limits: a public address that a router forwards into a private network, and NAT64 prefixes that a
network chose itself, cannot be recognised.
"""
