"""What this room tells people."""

from django.utils.translation import gettext_lazy as _

from accounts.notices import ASSETS, NoticeKind

KINDS = (
    NoticeKind(
        "asset.updated",
        _("Something you subscribe to has a new version"),
        _("%(asset)s has the new version %(version)s."),
        ASSETS,
        mail="daily",
    ),
    NoticeKind(
        "asset.dangerous",
        _("The safety scan finds a dangerous file in what you maintain"),
        _("The safety scan found dangerous files in %(asset)s: %(files)s. Look at the reasons and replace them."),
        ASSETS,
    ),
)
