"""What somebody is to the gallery itself, beyond their own rows."""

from typing import Any

from django.utils.translation import gettext_lazy as _

REVIEWER, OPERATOR, ADMINISTRATOR = "reviewer", "operator", "administrator"
STANDINGS = ("", REVIEWER, OPERATOR, ADMINISTRATOR)
STANDING_NAMES = (
    ("", _("None")),
    (REVIEWER, _("Reviewer")),
    (OPERATOR, _("Operator")),
    (ADMINISTRATOR, _("Administrator")),
)


def standing_of(user: Any) -> str:
    """Return the standing of `user`; reads the groups, prefetched or not."""
    if user.is_superuser:
        return ADMINISTRATOR
    names = {group.name for group in user.groups.all()} if user.is_staff else set()
    return next((standing for standing in (OPERATOR, REVIEWER) if standing in names), "")
