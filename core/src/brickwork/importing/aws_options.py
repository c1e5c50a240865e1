"""How boto3's client options are called in ``aws-credentials``; for both importers."""

from typing import Any

from brickwork.importing.model import CannotMap, Fields

_AS_THEY_ARE = (
    "connect_timeout",
    "read_timeout",
    "max_pool_connections",
    "tcp_keepalive",
    "user_agent_extra",
    "use_dualstack_endpoint",
    "use_fips_endpoint",
)


def client_options(
    verify: object, ca_bundle: str | None, config: Fields
) -> tuple[dict[str, Any], list[str]]:
    """Return the options, and the names of those that there are not.

    Args:
        verify: boto3's ``verify``: true, false, or the path of certificates.
        ca_bundle: The path of certificates, if it is given apart.
        config: The arguments of ``botocore.config.Config``, see
            https://botocore.amazonaws.com/v1/documentation/api/latest/reference/config.html.
    """
    if isinstance(verify, str):
        off = verify.lower() == "false"
        ca_bundle = ca_bundle or (None if off else verify)
        verify = not off
    retries, s3 = config.inside("retries"), config.inside("s3")
    # max_attempts counts the retries, total_max_attempts also the first attempt, as we do.
    again, attempts = retries.number("max_attempts"), retries.number("total_max_attempts")
    if attempts is None and again is not None:
        attempts = again + 1
    found: dict[str, Any] = {name: config.take(name) for name in _AS_THEY_ARE}
    found |= {
        "verify": False if verify is False and not ca_bundle else None,
        "ca_bundle": ca_bundle,
        "max_attempts": attempts,
        "retry_mode": retries.text("mode"),
        "addressing_style": s3.text("addressing_style"),
        "use_accelerate_endpoint": s3.flag("use_accelerate_endpoint"),
    }
    options = {name: value for name, value in found.items() if value is not None}
    return options, [name for each in (config, retries, s3) for name in each.lost()]


def refuse_roles(fields: Fields, *names: str) -> None:
    """Refuse what makes other credentials of these. Raises CannotMap."""
    for name in names:
        if fields.take(name):
            raise CannotMap(
                f"{name}: aws-credentials assumes no roles; put it into a profile of the shared "
                "configuration files, and import that"
            )
