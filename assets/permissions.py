"""What a viewer may do with an asset."""

from enum import IntEnum

from core.permissions import climbing


class Role(IntEnum):
    """A viewer's standing towards an asset. Each role may do what the ones below it may."""

    NONE = 0
    VIEWER = 10
    USER = 20
    CONTRIBUTOR = 30
    MAINTAINER = 40
    OWNER = 50


VERBS: dict[Role, frozenset[str]] = climbing(
    [
        (Role.NONE, set()),
        (Role.VIEWER, {"view"}),
        (Role.USER, {"preview", "download"}),
        (Role.CONTRIBUTOR, {"upload", "commit", "edit_card", "tag"}),
        (Role.MAINTAINER, {"configure", "branch"}),
        (Role.OWNER, {"rename", "transfer", "delete"}),
    ]
)

READING = VERBS[Role.USER]
