"""What a viewer may do with a user or an organisation."""

from enum import IntEnum

from core.permissions import climbing


class MemberRole(IntEnum):
    """A viewer's standing in a namespace. Each role may do what the ones below it may.

    `VISITOR` is anybody, `PERSON` somebody who is signed in; the four above are memberships of an organisation. A person is the
    owner of their own namespace.
    """

    NONE = 0
    VISITOR = 10
    PERSON = 15
    READER = 20
    CONTRIBUTOR = 30
    MAINTAINER = 40
    OWNER = 50


VERBS: dict[MemberRole, frozenset[str]] = climbing(
    [
        (MemberRole.NONE, set()),
        (MemberRole.VISITOR, {"view"}),
        (MemberRole.PERSON, {"view_members"}),
        (MemberRole.READER, {"leave"}),
        (MemberRole.CONTRIBUTOR, {"create_asset"}),
        (MemberRole.MAINTAINER, {"invite_reader"}),
        (MemberRole.OWNER, {"edit", "rename", "manage_members", "delete"}),
    ]
)

# A person's own namespace has no members and is not deleted by its owner.
PERSONAL = frozenset({"view", "create_asset", "edit", "rename"})
