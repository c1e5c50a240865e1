"""Airflow's connections, as ``airflow connections export`` writes them: JSON, YAML, env.

See https://airflow.apache.org/docs/apache-airflow/stable/howto/connection.html. A value is an
object of fields, or a URI. The URIs are Airflow's own: everything is percent-encoded, ``_`` in a
type is ``-``, a host may have a scheme of its own (``http://https://host``), and ``extra`` is the
query, or stands in it as JSON under ``__extra__``.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from brickwork.errors import CorruptData
from brickwork.importing.model import CannotMap, Entry, Fields
from brickwork.importing.reading import check_count, parse_json
from brickwork.secret import Secret

Format = Literal["json", "yaml", "env"]
_FIELDS = ("conn_type", "description", "login", "password", "host", "port", "schema", "extra")
_VARIABLE = "AIRFLOW_CONN_"
_SCHEME = re.compile(r"([A-Za-z0-9_+.-]+)://")


@dataclass(frozen=True)
class Connection:
    """One connection. What Airflow encrypts is a `Secret` here: the password, and all of extra.

    Attributes:
        conn_id: Its name.
        conn_type: The type, with ``_`` and in lower case.
        login: Who logs in.
        password: The password.
        host: The host, maybe with a scheme before it.
        port: The port.
        schema: What the type makes of it: a database, a scheme.
        extra: More, usually a JSON object.
        description: What it is for.
    """

    conn_id: str
    conn_type: str
    login: str | None = None
    password: Secret[str] | None = None
    host: str | None = None
    port: int | None = None
    schema: str | None = None
    extra: Secret[str] | None = None
    description: str = ""

    def more(self) -> Fields | None:
        """Return the fields of extra; None where it is no JSON object."""
        if self.extra is None:
            return Fields({}, "extra.")
        try:
            found = parse_json(self.extra.reveal(), "extra")
        except CorruptData:
            return None
        if isinstance(found, str):  # JSON in JSON, as some interfaces wrote it
            try:
                found = parse_json(found, "extra")
            except CorruptData:
                return None
        return Fields(found, "extra.") if isinstance(found, dict) else None


def format_of(path: str, data: bytes) -> Format:
    """Tell the format of an export by its name, else by its beginning. Raises CorruptData."""
    known: dict[str, Format] = {"json": "json", "yaml": "yaml", "yml": "yaml", "env": "env"}
    suffix = path.rpartition(".")[2].lower()
    if suffix in known:
        return known[suffix]
    if data.lstrip()[:1] == b"{":
        return "json"
    raise CorruptData(
        f"The name of {path} does not say what it is.", fix="Say it: --format json, yaml or env."
    )


def read_connections(data: bytes, form: Format, what: str) -> dict[str, Any]:
    """Read an export: connection id to fields or URI.

    Raises:
        CorruptData: It is none.
        InvalidYaml: It is no YAML, or uses what is not allowed in it.
    """
    if form == "env":
        return _from_env(data, what)
    found = parse_json(data, what) if form == "json" else _from_yaml(data)
    if not isinstance(found, dict):
        raise CorruptData(
            f"{what} is no object of connections.",
            fix="Write it with `airflow connections export`.",
        )
    check_count(found, what)
    return found


def entries_of(connections: Mapping[str, Any], *, settings: bool = False) -> list[Entry]:
    """Make entries of connections.

    Args:
        connections: Connection id to fields or URI.
        settings: Make settings and secrets of what has no block here.
    """
    from brickwork.importing.airflow_types import as_settings, mapped

    found = []
    for conn_id, value in connections.items():
        try:
            connection = connection_of(conn_id, value)
        except CannotMap as error:
            found.append(Entry(conn_id, conn_id[:200], problem=str(error)))
            continue
        entry = Entry(
            conn_id,
            f"{connection.conn_type}: {conn_id}"[:200],
            fields=tuple(name for name in _FIELDS if getattr(connection, name)),
            description=connection.description,
            fallback=as_settings(connection) if settings else (),
        )
        try:
            proposals, notes = mapped(connection)
        except CannotMap as error:
            found.append(entry._replace(problem=str(error)))
        else:
            found.append(entry._replace(proposals=proposals, notes=notes))
    return found


def connection_of(conn_id: str, value: Any) -> Connection:
    """Read one connection. Raises CannotMap."""
    if isinstance(value, list) and len(value) == 1:  # how old versions wrote them
        value = value[0]
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            value = parse_json(value, "it")
        except CorruptData:
            raise CannotMap("it is no JSON") from None
    if isinstance(value, str):
        return _from_uri(conn_id, value)
    if isinstance(value, dict):
        return _from_fields(conn_id, value)
    raise CannotMap("it is neither fields nor a URI")


# The three formats


def _from_yaml(data: bytes) -> Any:
    from brickwork._safe_yaml import load_all

    documents = load_all(data)
    return documents[0] if len(documents) == 1 else documents


def _from_env(data: bytes, what: str) -> dict[str, Any]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeError:
        raise CorruptData(f"{what} is no UTF-8.", fix="Export it again as UTF-8.") from None
    found: dict[str, Any] = {}
    for number, conn_id, value in _assignments(text, what):
        if conn_id in found:
            raise CorruptData(
                f"{what}, line {number}: {conn_id[:100]} stands there twice.", fix="Remove one."
            )
        found[conn_id] = value
        check_count(found, what)
    return found


def _assignments(text: str, what: str) -> Iterator[tuple[int, str, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, equals, value = line.partition("=")
        name = name.strip().removeprefix("export ").strip()
        if not equals or not name:
            raise CorruptData(
                f"{what}, line {number}: no NAME=VALUE.", fix="Mend or remove that line."
            )
        if name.startswith(_VARIABLE):  # Airflow's variables, whose names are not case-sensitive
            name = name.removeprefix(_VARIABLE).lower()
        value = value.strip()
        if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
            value = value[1:-1]
        yield number, name, value


# One connection


def _from_fields(conn_id: str, value: Mapping[str, Any]) -> Connection:
    fields = Fields(value)
    named = fields.text("conn_id")
    if named not in (None, conn_id):
        raise CannotMap("conn_id says another name")
    if uri := fields.text("uri") or fields.text("conn_uri"):
        return _from_uri(conn_id, uri)
    port = fields.number("port")
    extra = fields.take("extra")
    if extra in (None, ""):
        extra = fields.take("extra_dejson")
    found = Connection(
        conn_id,
        _type(fields.text("conn_type") or ""),
        fields.text("login"),
        fields.secret("password"),
        fields.text("host"),
        None if port is None else int(port),
        fields.text("schema"),
        _extra(extra),
        fields.text("description") or "",
    )
    fields.take("is_encrypted")
    fields.take("is_extra_encrypted")
    if fields.left():
        raise CannotMap(f"no connection has the fields {', '.join(sorted(fields.left()))}")
    return found


def _extra(value: Any) -> Secret[str] | None:
    import json

    if value in (None, "", {}):
        return None
    return Secret(value if isinstance(value, str) else json.dumps(value))


def _from_uri(conn_id: str, uri: str) -> Connection:
    """Take a URI apart as Airflow does: `airflow.models.connection.Connection._parse_from_uri`."""
    scheme = _SCHEME.match(uri)
    if scheme is None or uri.count("://") > 2:
        raise CannotMap("it is no URI of a connection")
    rest, protocol = uri[scheme.end() :], ""
    inner = _SCHEME.match(rest)
    if inner is not None:  # the host's own
        protocol, rest = inner[0], rest[inner.end() :]
    try:
        parts = urlsplit(f"//{rest}")
        port = parts.port
    except ValueError:
        raise CannotMap("its host or port cannot be read") from None
    # Not parts.hostname, which is in lower case: for some types it is a path, or an account.
    host = unquote(parts.netloc.rpartition("@")[2].partition(":")[0])
    if parts.netloc.rpartition("@")[2].startswith("["):
        host = parts.hostname or ""
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    extra: Any = query.get("__extra__", query)
    return Connection(
        conn_id,
        _type(scheme[1]),
        unquote(parts.username) if parts.username else None,
        Secret(unquote(parts.password)) if parts.password else None,
        f"{protocol}{host}" if host else None,
        port,
        unquote(parts.path[1:]) or None,
        _extra(extra),
    )


def _type(text: str) -> str:
    name = text.lower().replace("-", "_")
    return "postgres" if name == "postgresql" else name
