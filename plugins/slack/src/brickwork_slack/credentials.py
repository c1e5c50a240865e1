"""Credentials for Slack: the token of a bot or of a user, and what an app has beside it."""

from typing import TYPE_CHECKING, ClassVar, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from brickwork import Block, CheckReport, Secret

if TYPE_CHECKING:
    from slack_sdk import WebClient
    from slack_sdk.web.async_client import AsyncWebClient

_KINDS = {
    "xoxb-": "bot",
    "xoxp-": "user",
    "xapp-": "app",
    "xoxe.xoxb-": "bot",
    "xoxe.xoxp-": "user",
}


class ClientOptions(BaseModel):
    """How clients connect, retry and wait."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    timeout: float = Field(
        30.0, gt=0, le=3600, description="Seconds to wait for a connection, and for an answer."
    )
    retries: int = Field(
        3,
        ge=0,
        le=20,
        description="How often a request is sent again after 5xx and broken connections, where that"
        " can do no harm.",
    )
    rate_limit_wait_seconds: float = Field(
        600.0,
        ge=0,
        le=86_400,
        description="The longest wait for a rate limit to lift; a task's time-out counts as well.",
    )
    proxy: Secret[str] | None = Field(
        None, description="URL of a proxy; without it, HTTPS_PROXY and the like count."
    )
    verify: bool = Field(True, description="Verify the server's certificate; leave it on.")
    ca_bundle: str | None = Field(
        None, min_length=1, description="File with the certificates to trust, in PEM."
    )

    @model_validator(mode="after")
    def _verify_means_it(self) -> Self:
        if self.ca_bundle is not None and not self.verify:
            raise ValueError("ca_bundle is given, and verify is off: leave out one of them")
        return self


class SlackCredentials(Block):
    """Who to be in a Slack workspace. Save one for each workspace.

    ``token`` is what tasks and notifiers need. An app that receives events also has an
    ``app_token``, for Socket Mode, or a ``signing_secret``, for requests that Slack sends to it.

    Rate limits are waited out within the time of the task, which can be cancelled meanwhile. See
    https://docs.slack.dev/authentication/tokens for the kinds of tokens.

    Examples:
        >>> SlackCredentials(token="xoxb-2401-8830-Jw8sT2xLq0bNk4Yb6").save("data-bot").version
        1
        >>> SlackCredentials.load("data-bot").token
        Secret('********')
    """

    slug: ClassVar[str] = "slack-credentials"

    token: Secret[str] = Field(
        description="The token of a bot (xoxb-...) or a user (xoxp-...), from OAuth & Permissions."
    )
    app_token: Secret[str] | None = Field(
        None, description="The app-level token (xapp-...), for Socket Mode."
    )
    signing_secret: Secret[str] | None = Field(
        None, description="What Slack signs its requests to the app with, from Basic Information."
    )
    team_id: str | None = Field(
        None,
        pattern=r"^[TE][A-Z0-9]{2,}$",
        description="The workspace (T...), for the token of an app that an organization installed.",
    )
    base_url: str | None = Field(
        None, description="Where the API is, if not at https://slack.com/api/."
    )
    client_options: ClientOptions = Field(
        default=ClientOptions(), description="How clients connect, retry and wait."
    )

    @field_validator("token", "app_token", "signing_secret")
    @classmethod
    def _pasted_whole(cls, value: Secret[str] | None) -> Secret[str] | None:
        text = None if value is None else value.reveal()
        if text is not None and (text.split() != [text] or not text.isascii()):
            raise ValueError("is empty, or has spaces or other characters that no token has")
        return value

    @field_validator("token")
    @classmethod
    def _is_no_app_token(cls, value: Secret[str]) -> Secret[str]:
        if value.reveal().startswith("xapp-"):
            raise ValueError(
                "is an app-level token (xapp-): give that as app_token, and a bot's here"
            )
        return value

    @field_validator("app_token")
    @classmethod
    def _is_app_token(cls, value: Secret[str] | None) -> Secret[str] | None:
        if value is not None and value.reveal().startswith(("xoxb-", "xoxp-")):
            raise ValueError("is no app-level token, which begins with xapp-")
        return value

    @field_validator("base_url")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        try:
            parts = urlsplit(value)
            valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:  # no such port
            valid = False
        if not valid or "@" in parts.netloc or parts.query or parts.fragment:
            raise ValueError("is not https://host/path or http://host/path, without user and query")
        return f"{value.rstrip('/')}/"

    @property
    def kind(self) -> str:
        """Whose the token is, by how it begins: ``bot``, ``user``, or ``other``."""
        text = self.token.reveal()
        return next((kind for start, kind in _KINDS.items() if text.startswith(start)), "other")

    def client(self) -> "WebClient":
        """Return slack_sdk's client; it is shared, and may be used by many threads.

        Its retry handlers are on: a rate limit is waited out, broken connections and 5xx are
        repeated for methods that mean the same when they come twice. They wait no longer than the
        task may run. It adds ``team_id`` to every call, as slack_sdk's clients do; tasks add it
        only where the method takes it. Its errors are slack_sdk's, see
        https://docs.slack.dev/tools/python-slack-sdk/web.
        """
        from brickwork_slack.clients import client_for

        return client_for(self).shared

    def async_client(self) -> "AsyncWebClient":
        """Return slack_sdk's client for event loops; as `client`."""
        from brickwork_slack.clients import client_for

        return client_for(self).shared_async

    def check(self) -> CheckReport:
        """Ask Slack who the token is, and what it may. Never raises."""
        from brickwork_slack.checking import check_credentials

        return check_credentials(self)
