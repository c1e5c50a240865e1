"""An STS whose clock a test moves, so that credentials of an hour end in no time."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from brickwork_aws.credentials import AwsCredentials
    from brickwork_aws.roles import AssumeRole


class Sts(ThreadingHTTPServer):
    """Answers as STS does, by a clock that a test moves.

    It refuses the role ``forbidden``, keys that have ended, and a code of an MFA device that was
    used before.

    Attributes:
        asked: The parameters of each call, and ``by``, the access key of who called.
        late: How far the clock was moved.
        down: Whether it gives no credentials now.
        used_late: The keys that were used when they had ended.
        regions: For which region each call was signed.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.asked: list[dict[str, str]] = []
        self.down = False
        self.codes: set[tuple[str, str]] = set()
        self.late = timedelta()
        self.ends: dict[str, datetime] = {}
        self.used_late: list[str] = []
        self.regions: list[str] = []
        self.number = 0
        self.lock = threading.Lock()

    def now(self) -> datetime:
        """Return the time, here and at the caller's."""
        return datetime.now(UTC) + self.late

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.server_port}"

    def fetched(self) -> list[dict[str, str]]:
        """Return the calls that asked for credentials."""
        return [each for each in self.asked if each["Action"].startswith("AssumeRole")]

    def credentials(self, *assumed: "AssumeRole | dict[str, Any]", **more: Any) -> "AwsCredentials":
        """Return credentials that assume these roles, by own keys if nothing else is given."""
        from brickwork_aws.credentials import AwsCredentials

        keys = {"access_key_id": "AKIAOWN", "secret_access_key": "sentinel-own"}
        if more.keys() & {"web_identity", "profile", "access_key_id"}:
            keys = {}
        given = {"region": "eu-west-1", "endpoint_url": self.url, **keys, **more}
        return AwsCredentials(**given, assume_role=assumed)

    def spent(self, asked: dict[str, str]) -> bool:
        """Tell whether the code of a call was used before."""
        code = (asked.get("SerialNumber", ""), asked.get("TokenCode", ""))
        with self.lock:
            known = code in self.codes
            self.codes.add(code)
        return known and bool(code[0])

    def fresh(self, seconds: int) -> tuple[str, datetime]:
        """Return the access key and the end of new credentials."""
        with self.lock:
            self.number += 1
            key, ends = f"ASIA{self.number:04}", self.now() + timedelta(seconds=seconds)
            self.ends[key] = ends
            return key, ends


class _Answers(BaseHTTPRequestHandler):
    server: Sts

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        asked = {name: values[0] for name, values in parse_qs(body).items()}
        signed = self.headers.get("Authorization", "")
        scope = signed.partition("Credential=")[2].split("/")
        key = asked["by"] = scope[0]
        self.server.regions.extend(scope[2:3])
        action = asked["Action"]
        self.server.asked.append(asked)
        if key in self.server.ends and self.server.ends[key] <= self.server.now():
            self.server.used_late.append(key)
            self._say(403, _ERROR.format(code="ExpiredToken"))
        elif action == "GetCallerIdentity":
            self._say(200, _WHO.format(action=action, arn=f"arn:aws:sts::1:assumed-role/x/{key}"))
        elif self.server.down:
            self._say(503, _ERROR.format(code="ServiceUnavailable"))
        elif asked["RoleArn"].endswith("/forbidden") or self.server.spent(asked):
            self._say(403, _ERROR.format(code="AccessDenied"))
        else:
            new, ends = self.server.fresh(int(asked.get("DurationSeconds", "3600")))
            end = ends.strftime("%Y-%m-%dT%H:%M:%SZ")
            self._say(200, _GIVEN.format(action=action, key=new, ends=end))

    def _say(self, status: int, text: str) -> None:
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


_GIVEN = """<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{action}Result>
<Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>sentinel-role-{key}</SecretAccessKey>
<SessionToken>sentinel-token-{key}</SessionToken><Expiration>{ends}</Expiration></Credentials>
</{action}Result></{action}Response>"""
_WHO = """<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{action}Result>
<Arn>{arn}</Arn><UserId>u</UserId><Account>123456789012</Account></{action}Result></{action}Response>"""
_ERROR = """<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error>
<Type>Sender</Type><Code>{code}</Code><Message>no</Message></Error></ErrorResponse>"""


@contextmanager
def sts_server() -> Iterator[Sts]:
    """Run it on 127.0.0.1 until the block ends."""
    with Sts() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()
