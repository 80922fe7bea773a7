"""The notices about applications and grants."""

from django.utils.translation import gettext_lazy as _

from accounts.notices import ACCESS, NoticeKind

DECISIONS = {"decision": {"approved": _("approved"), "rejected": _("declined")}}
ENDS = {"until": {"": _("further notice")}}

KINDS = (
    NoticeKind("application.received", _("Somebody applies for access"), _("%(actor)s wants to use %(asset)s."), ACCESS, mail="daily"),
    NoticeKind(
        "application.renewal", _("Somebody asks for a renewal"), _("%(actor)s wants to go on using %(asset)s."), ACCESS, mail="daily"
    ),
    NoticeKind(
        "application.reminded",
        _("An applicant reminds you"),
        _("%(actor)s still waits for an answer about %(asset)s."),
        ACCESS,
        mail="daily",
    ),
    NoticeKind(
        "application.replied", _("An applicant answers you"), _("%(actor)s answered your question about %(asset)s."), ACCESS, mail="daily"
    ),
    NoticeKind(
        "application.asked",
        _("You are asked about your request"),
        _("%(actor)s asks about your request to use %(asset)s: %(question)s"),
        ACCESS,
    ),
    NoticeKind(
        "application.decided",
        _("Your request is decided"),
        _("Your request to use %(asset)s is %(decision)s. %(note)s"),
        ACCESS,
        words=DECISIONS,
    ),
    NoticeKind("grant.added", _("You are given access"), _("%(actor)s lets you use %(asset)s."), ACCESS),
    NoticeKind("grant.extended", _("Your access lasts longer"), _("%(actor)s lets you use %(asset)s until %(until)s."), ACCESS, words=ENDS),
    NoticeKind("grant.revoked", _("Your access is taken back"), _("%(actor)s took back your access to %(asset)s: %(reason)s"), ACCESS),
    NoticeKind(
        "grant.expiring",
        _("Your access ends soon"),
        _("Your access to %(asset)s ends on %(until)s. Ask for a renewal to go on."),
        ACCESS,
    ),
    NoticeKind("grant.expired", _("Your access has ended"), _("Your access to %(asset)s has ended. You can ask for a renewal."), ACCESS),
)
