"""The ways to log in: with a token, as an AppRole, with a password, with a signed JWT."""

from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    field_validator,
    model_validator,
)

from brickwork import BlockError, Secret

_MOUNT = r"^[^\s/?#%]+(/[^\s/?#%]+)*$"


class _Auth(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class TokenAuth(_Auth):
    """A token that exists already; one that can be renewed is, while a process uses it."""

    token: Secret[str] = Field(description="The token; begins with hvs., s. or hvb. mostly.")

    @field_validator("token")
    @classmethod
    def _pasted_whole(cls, value: Secret[str]) -> Secret[str]:
        return _in_a_header(value)


class AppRoleAuth(_Auth):
    """A role of an application, see https://openbao.org/docs/auth/approle/."""

    role_id: str = Field(min_length=1, description="The role's id.")
    secret_id: Secret[str] | None = Field(
        None, description="The secret id; none for a role that needs none."
    )
    mount: str = Field("approle", pattern=_MOUNT, description="Where the method is mounted.")


class UserpassAuth(_Auth):
    """A user with a password; with the mount ``ldap``, one of a directory."""

    username: str = Field(
        min_length=1, pattern=r"^[^\s/?#%]+$", description="The user's name on the server."
    )
    password: Secret[str] = Field(description="The password.")
    mount: str = Field(
        "userpass", pattern=_MOUNT, description="Where the method is mounted: userpass, or ldap."
    )


class JwtAuth(_Auth):
    """A signed JWT, as CI systems and Kubernetes give to their jobs; ``jwt`` or ``jwt_file``.

    For a pod: ``mount="kubernetes"`` and
    ``jwt_file="/var/run/secrets/kubernetes.io/serviceaccount/token"``.
    """

    role: str = Field(min_length=1, description="The role to log in as.")
    jwt: Secret[str] | None = Field(None, description="The JWT itself.")
    jwt_file: str | None = Field(
        None, min_length=1, description="File that holds the JWT; read at each login."
    )
    mount: str = Field(
        "jwt", pattern=_MOUNT, description="Where the method is mounted: jwt, or kubernetes."
    )

    @model_validator(mode="after")
    def _one_jwt(self) -> Self:
        if (self.jwt is None) == (self.jwt_file is None):
            raise ValueError("give one of jwt and jwt_file")
        return self


_BY_FIELD: dict[str, type[BaseModel]] = {
    "token": TokenAuth,
    "role_id": AppRoleAuth,
    "username": UserpassAuth,
    "role": JwtAuth,
}


def _method_of(value: Any) -> str | None:
    """Tell the method by the field that only it has, so that mistakes are told of that one."""
    if isinstance(value, Mapping):
        return next((field for field in _BY_FIELD if field in value), None)
    return next((field for field, cls in _BY_FIELD.items() if type(value) is cls), None)


Auth = Annotated[
    Annotated[TokenAuth, Tag("token")]
    | Annotated[AppRoleAuth, Tag("role_id")]
    | Annotated[UserpassAuth, Tag("username")]
    | Annotated[JwtAuth, Tag("role")],
    Discriminator(
        _method_of,
        custom_error_type="no_login",
        custom_error_message="give a token, or role_id and secret_id, or username and password, "
        "or role and jwt",
    ),
]
"""One of the ways to log in; told apart by their fields."""


class Login(NamedTuple):
    """A request that logs in. Holds secrets in clear: keep it in no variable that outlives it."""

    path: str
    body: dict[str, str]


def login_of(auth: AppRoleAuth | UserpassAuth | JwtAuth) -> Login:
    """Return the request that logs in.

    Raises:
        BlockError: The file with the JWT cannot be read.
    """
    path = f"/v1/auth/{auth.mount}/login"
    if isinstance(auth, AppRoleAuth):
        body = {"role_id": auth.role_id}
        if auth.secret_id is not None:
            body["secret_id"] = auth.secret_id.reveal()
        return Login(path, body)
    if isinstance(auth, UserpassAuth):
        return Login(f"{path}/{auth.username}", {"password": auth.password.reveal()})
    jwt = auth.jwt if auth.jwt is not None else _read(str(auth.jwt_file))
    return Login(path, {"role": auth.role, "jwt": jwt.reveal()})


def _read(path: str) -> Secret[str]:
    from pathlib import Path

    reason = ""
    try:
        return _in_a_header(Secret(Path(path).read_text().strip()))
    except OSError as error:
        reason = error.strerror or type(error).__name__
    except ValueError:  # not UTF-8 included
        reason = "it holds no JWT"
    raise BlockError(
        f"The file with the JWT, {path}, cannot be used: {reason}.",
        fix="Correct jwt_file, or wait until the platform has written it.",
    )


def _in_a_header(value: Secret[str]) -> Secret[str]:
    text = value.reveal()
    if text.split() != [text] or not text.isascii() or not text.isprintable():
        raise ValueError("is empty, or has spaces or other characters that none has")
    return value
