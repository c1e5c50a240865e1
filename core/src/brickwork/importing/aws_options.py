"""How boto3's options and roles are called in ``aws-credentials``; for both importers."""

from typing import Any

from brickwork.importing.model import CannotMap, Fields
from brickwork.secret import Secret

_AS_THEY_ARE = (
    "connect_timeout",
    "read_timeout",
    "max_pool_connections",
    "tcp_keepalive",
    "user_agent_extra",
    "use_dualstack_endpoint",
    "use_fips_endpoint",
    "client_cert",
    "inject_host_prefix",
    "ignore_configured_endpoint_urls",
)
_OF_ROLES = {
    "session_name": "RoleSessionName",
    "external_id": "ExternalId",
    "source_identity": "SourceIdentity",
    "mfa_serial": "SerialNumber",
    "policy": "Policy",
}


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
    proxies = config.inside("proxies")
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
        "use_arn_region": s3.flag("use_arn_region"),
        "payload_signing": s3.flag("payload_signing_enabled"),
        "s3_signature_version": config.text("signature_version"),
        "checksums": config.text("request_checksum_calculation"),
        "app_id": config.text("user_agent_appid"),
        # Ours is for both schemes; AWS is asked by https.
        "proxy": proxies.secret("https"),
    }
    if (http := proxies.take("http")) is not None and found["proxy"] is None:
        found["proxy"] = Secret(str(http))
    options = {name: value for name, value in found.items() if value is not None}
    return options, [name for each in (config, retries, s3, proxies) for name in each.lost()]


def is_anonymous(config: Fields) -> bool:
    """Tell whether nothing is to be signed, by the arguments of ``botocore.config.Config``."""
    version = config.take("signature_version")
    if version != "unsigned":
        config.put("signature_version", version)
    return bool(version == "unsigned")


def role_of(arn: str | None, more: Fields) -> dict[str, Any] | None:
    """Return a role to assume; None if there is none.

    Args:
        arn: The role.
        more: The arguments of STS's ``AssumeRole``, by AWS's names, see
            https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html.
    """
    found: dict[str, Any] = {ours: more.text(theirs) for ours, theirs in _OF_ROLES.items()}
    found["duration_seconds"] = more.number("DurationSeconds")
    found["policy_arns"] = [each["arn"] for each in _listed(more, "PolicyArns", "arn")]
    tags = _listed(more, "Tags", "Key", "Value")
    found["tags"] = {str(each["Key"]): str(each["Value"]) for each in tags}
    found["transitive_tag_keys"] = more.take("TransitiveTagKeys")
    if arn is None:  # without it, the others mean nothing
        return None
    return {"role_arn": arn} | {name: value for name, value in found.items() if value}


def _listed(fields: Fields, name: str, *keys: str) -> list[dict[str, Any]]:
    found = fields.take(name) or []
    if not isinstance(found, list) or not all(
        isinstance(each, dict) and all(key in each for key in keys) for each in found
    ):
        raise CannotMap(f"{name} is no list of {' and '.join(keys)}")
    return found
