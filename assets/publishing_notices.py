"""What people are told about publishing."""

from django.utils.translation import gettext_lazy as _

from accounts.notices import ASSETS, NoticeKind

KINDS = (
    NoticeKind(
        "publish.submitted",
        _("Something waits for your review"),
        _("%(actor)s submitted %(asset)s for publishing. It waits for a review."),
        ASSETS,
    ),
    NoticeKind("publish.approved", _("What you submitted is published"), _("%(asset)s passed the review and is published."), ASSETS),
    NoticeKind("publish.rejected", _("What you submitted is rejected"), _("%(asset)s did not pass the review: %(reason)s"), ASSETS),
    NoticeKind(
        "asset.published",
        _("Somebody you follow publishes something"),
        _("%(owner)s published %(asset)s."),
        ASSETS,
        mail="daily",
    ),
    NoticeKind(
        "asset.delisted",
        _("Something you subscribe to is delisted"),
        _("%(asset)s, which you subscribe to, is delisted. Work that runs keeps its copies. Reason: %(reason)s"),
        ASSETS,
        words={"reason": {"-": _("none given")}},
    ),
)
