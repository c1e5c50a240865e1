"""IAM policies that allow what tasks need, and nothing else."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from brickwork import Task

VERSION = "2012-10-17"
"""The version of the policy language, see
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html."""


def policy_for(
    tasks: Iterable[Task[..., Any]], resources: Mapping[str, Sequence[str]] | None = None
) -> dict[str, Any]:
    """Return a policy that allows the actions that tasks declare.

    See https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html.

    Args:
        tasks: The tasks; what they declare that is no action of IAM is left out.
        resources: ARNs to which a service's actions are allowed, by IAM's prefix of the service,
            ``s3``. Default: all of them.
    """
    by_service: dict[str, set[str]] = {}
    for task in tasks:
        for action in task.permissions:
            service, _, operation = action.partition(":")
            if operation[:1].isupper() or operation == "*":  # not ``issues:write``, of others
                by_service.setdefault(service, set()).add(action)
    return {
        "Version": VERSION,
        "Statement": [
            {
                "Sid": "".join(part.title() for part in service.split("-")),
                "Effect": "Allow",
                "Action": sorted(actions),
                "Resource": list((resources or {}).get(service, ("*",))),
            }
            for service, actions in sorted(by_service.items())
        ],
    }
