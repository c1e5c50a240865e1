"""What a failure on the way to Slack means: was anything sent, and what to do."""

from brickwork_slack.errors import SlackUnavailable


def never_sent(failure: BaseException) -> bool:
    """Tell whether surely no byte of the request was sent."""
    import socket

    reason = getattr(failure, "reason", failure)  # of urllib's URLError
    if isinstance(reason, ConnectionRefusedError | socket.gaierror):
        return True
    # aiohttp's, which is imported where it can be raised: ClientConnectorError and its kinds.
    return any(kind.__name__ == "ClientConnectorError" for kind in type(failure).__mro__)


def is_permanent(failure: BaseException) -> bool:
    """Tell whether the same request will fail in the same way."""
    import ssl

    reason = getattr(failure, "reason", failure)
    names = {kind.__name__ for kind in type(failure).__mro__}
    return isinstance(reason, ssl.SSLCertVerificationError) or bool(
        names & {"ClientConnectorCertificateError", "ClientProxyConnectionError", "InvalidURL"}
    )


def unreachable(method: str, failure: BaseException, url: str) -> SlackUnavailable:
    """Return the error for a request that got no answer.

    Args:
        method: The method of the Web API.
        failure: What was raised; only its kind is shown.
        url: Where the API is.
    """
    import socket
    import ssl

    reason = getattr(failure, "reason", failure)
    kind = type(reason).__name__ if isinstance(reason, BaseException) else type(failure).__name__
    os_error = getattr(failure, "os_error", reason)
    why = ""
    fix = "Check the network, and `base_url` of the credentials; then try again."
    if isinstance(os_error, socket.gaierror):
        why = ": nobody knows a host of this name"
    elif isinstance(os_error, ConnectionRefusedError):
        why = ": nobody listens there"
    elif isinstance(reason, ssl.SSLError) or "SSL" in kind or "Certificate" in kind:
        fix = "Check client_options.ca_bundle, and that `base_url` is the server that you mean."
    elif isinstance(reason, TimeoutError):
        why = ": it took too long"
        fix = "Try again; raise client_options.timeout if Slack needs longer for this."
    elif "Proxy" in kind or "Tunnel" in str(reason):
        fix = "Check client_options.proxy, or HTTPS_PROXY of the environment."
    found = SlackUnavailable(f"{method}: no answer from {url} ({kind}{why}).", fix=fix)
    found.method = method
    found.never_sent = never_sent(failure)
    found.still_at_it = isinstance(reason, TimeoutError)
    return found
