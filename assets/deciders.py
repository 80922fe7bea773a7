"""Who decides on applications for an asset, and which applications nobody has to decide on."""

from allauth.account.models import EmailAddress
from django.db.models import Q, QuerySet

from accounts.models import Membership, User
from assets.models import AccessTerms, Approver, Asset


def deciders_of(asset: Asset) -> QuerySet[User]:
    """Return the people who decide: the owner, or the owners and maintainers of the organisation, and those it was given to."""
    members = Membership.objects.filter(organisation=asset.namespace_id, role__gte=Membership.Role.MAINTAINER).values("user")
    delegates = Approver.objects.filter(asset=asset.pk).values("user")
    people: QuerySet[User] = User.objects.filter(Q(pk=asset.namespace_id) | Q(pk__in=members) | Q(pk__in=delegates), is_active=True)
    return people.order_by("handle")


def terms_of(asset: Asset) -> AccessTerms:
    """Return what applicants are asked; nothing but a reason where the owner said nothing else."""
    return AccessTerms.objects.filter(asset=asset.pk).first() or AccessTerms(asset=asset)


def rule_for(terms: AccessTerms, user: User) -> str:
    """Return which automatic rule lets `user` in: `organisation:<handle>`, `mail:<domain>`, or "" for none.

    A domain counts as a whole: `example.com` lets in neither `mail.example.com` nor `notexample.com`, and only for an
    address that was proven to belong to the person.
    """
    if terms._state.adding:
        return ""
    named = terms.organisations.filter(pk__in=Membership.objects.filter(user=user.pk).values("organisation")).order_by("handle").first()
    if named is not None:
        return f"organisation:{named.handle}"
    wanted = set(terms.mail_domains)
    addresses = EmailAddress.objects.filter(user=user, verified=True).values_list("email", flat=True) if wanted else []
    found = sorted({_domain(address) for address in addresses} & wanted)
    return f"mail:{found[0]}" if found else ""


def _domain(address: str) -> str:
    """Return the domain of a mail address as the terms write it, "" where it has none that could be written so."""
    try:
        return address.rpartition("@")[2].lower().encode("idna").decode()
    except UnicodeError:
        return ""
