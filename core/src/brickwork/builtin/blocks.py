"""The plain blocks: a secret, a name and password, settings, a database's address."""

import re
from typing import Any, ClassVar

from pydantic import Field, JsonValue, field_validator

from brickwork.block import Block, CheckReport, Finding
from brickwork.secret import Secret


class SecretBlock(Block):
    """One secret text: a token, a password, a private key.

    Examples:
        >>> from brickwork import SecretBlock
        >>> SecretBlock(value="npm_kV9xR2mQ7dL4").save("npm")
        Document('secret/npm@1')
        >>> token = SecretBlock.load("npm")
        >>> token
        SecretBlock(value=Secret('********'))
        >>> token.reveal()
        'npm_kV9xR2mQ7dL4'
    """

    slug: ClassVar[str] = "secret"

    value: Secret[str] = Field(description="The secret; kept exactly as given, never parsed.")

    def reveal(self) -> str:
        """Return the secret in clear."""
        return self.value.reveal()


class BasicAuth(Block):
    """A user name and a password, for HTTP basic authentication and the like.

    Examples:
        >>> from brickwork import BasicAuth
        >>> BasicAuth(username="reader", password="nine-lives-47").save("wiki")
        Document('basic-auth/wiki@1')
        >>> login = BasicAuth.load("wiki")
        >>> login
        BasicAuth(username='reader', password=Secret('********'))
        >>> login.header().reveal()
        'Basic cmVhZGVyOm5pbmUtbGl2ZXMtNDc='
    """

    slug: ClassVar[str] = "basic-auth"

    username: str = Field(description="The user's name; without a colon, which HTTP cannot carry.")
    password: Secret[str] = Field(description="The password.")

    @field_validator("username")
    @classmethod
    def _without_colon(cls, username: str) -> str:
        # https://www.rfc-editor.org/rfc/rfc7617#section-2
        if ":" in username:
            raise ValueError("a user name for HTTP cannot contain a colon")
        return username

    def header(self) -> Secret[str]:
        """Return the value of an ``Authorization`` header (RFC 7617)."""
        from base64 import b64encode

        pair = f"{self.username}:{self.password.reveal()}".encode()
        return Secret(f"Basic {b64encode(pair).decode()}")


class Settings(Block):
    """Any JSON value without secrets: limits, switches, lists that several programs share.

    Examples:
        >>> from brickwork import Settings
        >>> Settings(value={"max_rows": 5000, "regions": ["eu", "us"]}).save("nightly")
        Document('settings/nightly@1')
        >>> Settings.load("nightly")["regions"]
        ['eu', 'us']
    """

    slug: ClassVar[str] = "settings"

    value: JsonValue = Field(description="The settings. Stored in clear: keep no secret here.")

    def __getitem__(self, key: str) -> Any:
        """Return one entry of settings that are an object. Raises KeyError."""
        if not isinstance(self.value, dict):
            raise TypeError(f"these settings are a {type(self.value).__name__}, not an object")
        return self.value[key]


class DatabaseUrl(Block):
    """The address of a database and the password for it, for SQLAlchemy, psycopg and others.

    Examples:
        >>> from brickwork import DatabaseUrl
        >>> warehouse = DatabaseUrl(
        ...     scheme="postgresql+psycopg",
        ...     host="db.example.com",
        ...     database="warehouse",
        ...     username="loader",
        ...     password="Nf8-tq2w/Lp",
        ... )
        >>> warehouse.save("warehouse")
        Document('database-url/warehouse@1')
        >>> DatabaseUrl.load("warehouse").url().reveal()
        'postgresql+psycopg://loader:Nf8-tq2w%2FLp@db.example.com/warehouse'
    """

    slug: ClassVar[str] = "database-url"

    scheme: str = Field(
        description="Dialect, and driver if one is meant, such as postgresql+psycopg.",
        pattern=r"^[a-z][a-z0-9+.-]*$",
    )
    host: str | None = Field(default=None, description="Host name or address of the server.")
    port: int | None = Field(default=None, description="Port of the server.", ge=1, le=65535)
    database: str = Field(default="", description="Name of the database, or path of its file.")
    username: str | None = Field(default=None, description="Who logs in.")
    password: Secret[str] | None = Field(default=None, description="The password.")
    options: dict[str, str] = Field(
        default_factory=dict, description="What follows the question mark, such as sslmode."
    )

    @field_validator("host")
    @classmethod
    def _is_a_host(cls, host: str | None) -> str | None:
        # Anything else would mean another server once it stands in a URL.
        if host is None or (host and not re.search(r"[\s/?#@\[\]\\:\0]", host)):
            return host
        from ipaddress import IPv6Address

        IPv6Address(host)  # raises ValueError
        return host

    @classmethod
    def from_url(cls, url: str) -> "DatabaseUrl":
        """Take a URL such as ``postgresql://app:password@db.example:5432/sales`` apart.

        Raises InvalidBlock for one that is no database URL.
        """
        fields = _parts_of(url)
        del url
        return cls.model_validate(fields)

    def url(self) -> Secret[str]:
        """Return the whole URL, as a secret since the password stands in it."""
        from urllib.parse import quote, urlencode

        login = quote(self.username, safe="") if self.username else ""
        if self.password is not None:
            login += f":{quote(self.password.reveal(), safe='')}"
        host = f"[{self.host}]" if self.host and ":" in self.host else self.host or ""
        port = f":{self.port}" if self.port else ""
        options = f"?{urlencode(self.options)}" if self.options else ""
        at = "@" if login else ""
        path = f"/{quote(self.database)}" if self.database else ""
        return Secret(f"{self.scheme}://{login}{at}{host}{port}{path}{options}")

    def check(self) -> CheckReport:
        """Open a TCP connection to the server; logging in would need the database's driver."""
        if self.host is None or self.port is None:
            return CheckReport(
                (Finding("skipped", "connection", "no host and port to connect to"),)
            )
        import socket

        try:
            socket.create_connection((self.host, self.port), timeout=5).close()
        except (OSError, ValueError) as error:  # ValueError: a name that cannot be looked up
            detail = getattr(error, "strerror", None) or type(error).__name__
            finding = Finding(
                "failed",
                f"connection to {self.host}:{self.port}",
                detail,
                "Check host and port, and whether a firewall stands between.",
            )
            return CheckReport((finding,))
        return CheckReport(
            (
                Finding("ok", f"connection to {self.host}:{self.port}"),
                Finding("skipped", "login", "needs the database's own driver"),
            )
        )


def _parts_of(url: str) -> dict[str, Any]:
    """Take a URL apart; what cannot be is left for the fields' own validation to refuse."""
    from urllib.parse import parse_qsl, unquote, urlsplit

    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # its text quotes the URL
        return {"scheme": "", "host": "", "port": 0}
    return {
        "scheme": parts.scheme,
        "host": parts.hostname,
        "port": port,
        "database": unquote(parts.path.removeprefix("/")),
        "username": unquote(parts.username) if parts.username else None,
        "password": None if parts.password is None else Secret(unquote(parts.password)),
        "options": dict(parse_qsl(parts.query, keep_blank_values=True)),
    }
