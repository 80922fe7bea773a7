"""What leads people to requests: the lines of the rail, and what waits for them in the header of every page."""

from collections.abc import Iterator

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.menu import Entry, Waiting
from accounts.models import Membership, User
from assets.models import Application, Approver, Asset


def access_entries(user: User) -> Iterator[Entry]:
    """Yield the lines for what one asked for and what one decides on, each with what is open."""
    own = Application.objects.open().filter(applicant=user.pk).count()
    yield Entry("access", _("My requests"), "key", "/me/requests", count=own, position=10)
    yield Entry("access", _("Approvals"), "inbox", "/me/approvals", count=waiting_approvals(user), position=20, alert=True)


def waiting_approvals(user: User) -> int:
    """Return how many requests of others wait for a decision that `user` may make."""
    pending = Application.objects.filter(state=Application.State.PENDING).exclude(applicant=user.pk)
    # Every page counts this: the role is worked out only where something waits, and not at all for those who own no part of it.
    organisations = Membership.objects.filter(user=user.pk).values("organisation")
    given = Approver.objects.filter(user=user.pk).values("asset")
    near = Q(asset__namespace=user.pk) | Q(asset__namespace__in=organisations) | Q(asset__in=given)
    if not user.is_superuser and not pending.filter(near).exists():
        return 0
    decidable = Asset.objects.for_user(user).filter(pk__in=pending.values("asset")).decidable()
    return pending.filter(asset__in=decidable.values("pk")).count()


WAITING = Waiting(_("Approvals"), "inbox", "/me/approvals", waiting_approvals)
