"""The other hosts, to which GitHub redirects for downloads: logs, artifacts, archives, assets."""

import secrets
import threading

from brickwork.testing.listening import Exchange, Reply


class Files:
    """Files to download, by URLs that nobody can guess; on a port of its own.

    Attributes:
        url: Where it answers.
        leaks: Paths at which a request came with a token, which is none of this host's business.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[str, bytes] = {}
        self.url = ""
        self.leaks: list[str] = []

    def add(self, content: bytes) -> str:
        """Keep a file, and return its URL."""
        path = f"/files/{secrets.token_urlsafe(16)}"
        with self._lock:
            self._kept[path] = content
        return f"{self.url}{path}?sig={secrets.token_urlsafe(8)}"

    def serve(self, exchange: Exchange) -> Reply:
        """Answer a request; one with a token is refused, as by the storage that GitHub uses."""
        exchange.body()
        path = exchange.target.partition("?")[0]
        if "Authorization" in exchange.headers:
            self.leaks.append(path)
            return Reply(400, {"Content-Type": "application/xml"}, b"<Error/>")
        content = self._kept.get(path)
        if exchange.method not in ("GET", "HEAD") or content is None:
            return Reply(404, {"Content-Type": "application/xml"}, b"<Error/>")
        return Reply(200, {"Content-Type": "application/octet-stream"}, content)
