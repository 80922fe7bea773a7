"""What this room tells people."""

from django.utils.translation import gettext_lazy as _

from accounts.models import Membership
from accounts.notices import PEOPLE, WORK, NoticeKind

ROLES = {"role": {role.name.lower(): role.label for role in Membership.Role}}

KINDS = (
    NoticeKind(
        "membership.added",
        _("You are added to an organisation"),
        _("%(actor)s added you to the organisation %(organisation)s; your role is %(role)s."),
        PEOPLE,
        words=ROLES,
    ),
    NoticeKind(
        "membership.changed",
        _("Your role in an organisation changes"),
        _("%(actor)s changed your role in the organisation %(organisation)s from %(former)s to %(role)s."),
        PEOPLE,
        words={**ROLES, "former": ROLES["role"]},
    ),
    NoticeKind(
        "membership.removed",
        _("You are removed from an organisation"),
        _("%(actor)s removed you from the organisation %(organisation)s."),
        PEOPLE,
    ),
    NoticeKind(
        "webhook.switched_off",
        _("A webhook is switched off"),
        _("Nothing that was sent to the webhook “%(name)s” of %(namespace)s arrived for three days, so it was switched off."),
        WORK,
    ),
    NoticeKind("follower.added", _("Somebody follows you"), _("%(actor)s follows you now."), PEOPLE, mail="daily"),
    NoticeKind(
        "follower.organisation",
        _("Somebody follows your organisation"),
        _("%(actor)s follows the organisation %(organisation)s now."),
        PEOPLE,
        mail="daily",
    ),
)
