"""Agreements: which versions count now, and who agreed to them."""

from collections.abc import Sequence

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Acceptance, Agreement, User
from accounts.services.audit import address_of, record
from core.problems import Conflict
from core.requests import origin


def current_agreements(*kinds: str) -> list[Agreement]:
    """Return the newest published version of each of `kinds`, in this order; a kind without one is left out."""
    found = {agreement.kind: agreement for agreement in Agreement.objects.filter(kind__in=kinds).current()}
    return [found[kind] for kind in kinds if kind in found]


def missing_agreements(user: User, *kinds: str) -> list[Agreement]:
    """Return those of the current agreements that `user` has not agreed to: the whole text, or its newest version."""
    current = current_agreements(*kinds)
    accepted = set(Acceptance.objects.filter(user=user.pk, agreement__in=current).values_list("agreement_id", flat=True))
    return [agreement for agreement in current if agreement.pk not in accepted]


def has_accepted(user: User, *kinds: str) -> bool:
    """Say whether `user` agreed to the newest published version of each of `kinds`."""
    return not missing_agreements(user, *kinds)


@transaction.atomic
def accept_agreements(*, user: User, agreements: Sequence[Agreement]) -> None:
    """Keep that `user` agreed to these versions, when and from where; a version agreed to before stays as it was.

    Raises `Conflict` where one of them is not the current version: people agree to what counts from now on.
    """
    newest = {agreement.pk for agreement in current_agreements(*{agreement.kind for agreement in agreements})}
    if any(agreement.pk not in newest for agreement in agreements):
        sentence = _("A newer version of this agreement has been published. Read it and agree to it.")
        raise Conflict("agreement_outdated", sentence, errors={"agreements": [sentence]})
    fresh = [
        agreement
        for agreement in agreements
        if Acceptance.objects.get_or_create(user=user, agreement=agreement, defaults={"ip": address_of(origin().ip)})[1]
    ]
    if fresh:
        versions = {agreement.kind: agreement.version for agreement in fresh}
        record(
            actor=user, verb="accept_agreements", target_kind="user", target_id=user.pk, target=user.handle, versions=versions
        )  # fmt: skip
