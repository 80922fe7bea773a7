"""What a viewer may do with an asset."""

from enum import IntEnum

from core.permissions import climbing


class Role(IntEnum):
    """A viewer's standing towards an asset. Each role may do what the ones below it may.

    A viewer sees a published asset; a user may use it as well, because it is free to use or because they were granted it.
    The three above belong to the members of the organisation that owns it.
    """

    NONE = 0
    VIEWER = 10
    USER = 20
    CONTRIBUTOR = 30
    MAINTAINER = 40
    OWNER = 50


VERBS: dict[Role, frozenset[str]] = climbing(
    [
        (Role.NONE, set()),
        (Role.VIEWER, {"view", "react"}),
        (Role.USER, {"preview", "download", "subscribe", "train", "deploy"}),
        (Role.CONTRIBUTOR, {"upload", "commit", "edit_card", "tag"}),
        (Role.MAINTAINER, {"configure", "branch", "publish", "decide"}),
        (Role.OWNER, {"rename", "transfer", "delete"}),
    ]
)

READING = frozenset({"view", "preview", "download"})
"""All that visitors and read tokens may ever do."""
