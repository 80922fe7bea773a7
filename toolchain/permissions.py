"""What a member of a namespace may do with its training jobs and services."""

from accounts.permissions import MemberRole
from core.permissions import climbing

VERBS: dict[MemberRole, frozenset[str]] = climbing(
    [
        (MemberRole.NONE, set()),
        (MemberRole.READER, {"view", "call"}),
        (MemberRole.CONTRIBUTOR, {"start", "stop", "configure", "keep"}),
        (MemberRole.MAINTAINER, {"delete", "share"}),
    ]
)
READING = frozenset({"view", "call"})
"""All that read tokens may ever do."""


def verbs_of(role: int) -> frozenset[str]:
    """Return the verbs of the highest role that `role` reaches."""
    return VERBS[max(step for step in VERBS if step <= role)]
