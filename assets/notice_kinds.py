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
)
