"""One's own requests as their page shows them: what happened so far, and what can be done next."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.models import Membership, User
from assets.labels import Card, card
from assets.models import Application, Approver, Asset, Grant
from assets.vocabulary import Terms
from core.numbers import ago, date

Step = tuple[Any, Any, str]
SHOWN = 3


@dataclass(frozen=True)
class Request:
    """A request, or a grant that came without one, with its steps as `components/steps.html` takes them."""

    anchor: str
    card: Card
    application: Application | None
    grant: Grant | None
    steps: list[Step]
    state: str
    text: str
    seen: bool
    usable: bool
    renewable: bool
    again: bool

    @property
    def asset(self) -> Asset:
        return self.card.asset


def requests_of(user: User, rows: Iterable[Application | Grant]) -> list[Request]:
    """Return `rows`, which were read for `user`, with what the page needs; a fixed number of queries, however many they are."""
    rows = list(rows)
    assets = {row.asset_id: row.asset for row in rows}
    seen = {asset.pk: asset for asset in Asset.objects.for_user(user).filter(pk__in=assets)}
    open_for = set(Application.objects.open().filter(applicant=user, asset__in=assets).values_list("asset", flat=True))
    names, terms = deciders_by_asset(assets.values()), Terms.load()
    return [_request(row, seen.get(row.asset_id), row.asset_id in open_for, names.get(row.asset_id, []), terms) for row in rows]


def deciders_by_asset(assets: Iterable[Asset]) -> dict[int, list[str]]:
    """Return the names of those who decide, by asset; two queries."""
    found: dict[int, list[str]] = {asset.pk: [] for asset in assets}
    owners: dict[int, list[int]] = {}
    for asset in assets:
        owners.setdefault(asset.namespace_id, []).append(asset.pk)
        if asset.namespace.kind == asset.namespace.Kind.USER:
            found[asset.pk].append(asset.namespace.name)
    deciding = Q(organisation__in=owners, role__gte=Membership.Role.MAINTAINER)
    for row in Membership.objects.filter(deciding).select_related("user").order_by("user__handle"):
        for pk in owners[row.organisation_id]:
            found[pk].append(row.user.name)
    for delegate in Approver.objects.filter(asset__in=found).select_related("user").order_by("user__handle"):
        found[delegate.asset_id].append(delegate.user.name)
    return {pk: list(dict.fromkeys(names)) for pk, names in found.items()}


def _request(row: Application | Grant, seen: Asset | None, waiting: bool, deciders: list[str], terms: Terms) -> Request:
    application = row if isinstance(row, Application) else None
    grant: Grant | None = getattr(row, "grant", None) if isinstance(row, Application) else row
    in_force = grant is not None and grant.lets_in()
    steps = (_asked(application, deciders) if application else []) + (_granted(grant, seen is not None) if grant else [])
    state, text = _status(application, grant, in_force)
    usable = seen is not None and "download" in seen.allowed
    return Request(
        anchor=f"request-{row.pk}" if application else f"grant-{row.pk}",
        card=card(row.asset, terms),
        application=application,
        grant=grant,
        steps=steps,
        state=state,
        text=text,
        seen=seen is not None,
        usable=usable and in_force,
        renewable=grant is not None and _renewable(grant) and seen is not None and not waiting and (in_force or not usable),
        again=seen is not None and "apply" in seen.allowed and not waiting and not (grant is not None and _renewable(grant)),
    )


def _renewable(grant: Grant) -> bool:
    return grant.expires_at is not None and grant.state in (Grant.State.ACTIVE, Grant.State.EXPIRED)


def _status(application: Application | None, grant: Grant | None, in_force: bool) -> tuple[str, str]:
    """Return the shape and the words of the state."""
    if grant is not None:
        if in_force:
            return "ok", _("Approved") if application else _("Added by the owner")
        state = Grant.State.EXPIRED if grant.state == Grant.State.ACTIVE else Grant.State(grant.state)
        return ("failed" if state == Grant.State.REVOKED else "stopped"), str(state.label)
    assert application is not None
    shapes = {"pending": "waiting", "asked": "warn", "approved": "ok", "rejected": "failed", "withdrawn": "stopped"}
    return shapes[application.state], application.get_state_display()


def _asked(row: Application, deciders: list[str]) -> list[Step]:
    steps: list[Step] = [(_("Asked to go on") if row.renews_id else _("Submitted"), ago(row.created_at), "done")]
    if row.question:
        steps.append(
            (_("You were asked: %(question)s") % {"question": row.question}, "", "now" if row.state == row.State.ASKED else "done")
        )
    if row.reply:
        steps.append((_("You answered: %(reply)s") % {"reply": row.reply}, "", "done"))
    if row.state == row.State.PENDING:
        shown = _(", ").join(deciders[:SHOWN]) or "-"
        more = len(deciders) - SHOWN
        with_them = _("With %(names)s and %(count)d more") if more > 0 else _("With %(names)s")
        steps.append((with_them % {"names": shown, "count": more}, "", "now"))
    if row.is_open:
        return [*steps, (_("Access granted"), "", "")]
    facts = {"name": row.decider.name if row.decider else "-", "note": row.decision_note}
    if row.state == row.State.REJECTED:
        return [*steps, (_("Declined by %(name)s: %(note)s") % facts, _ago(row.decided_at), "bad")]
    if row.state == row.State.WITHDRAWN:
        return [*steps, (_("Withdrawn"), _ago(row.decided_at), "bad")]
    if row.automatic:
        return [*steps, (_("Approved by an automatic rule"), _ago(row.decided_at), "done")]
    words = _("Approved by %(name)s: %(note)s") if row.decision_note else _("Approved by %(name)s")
    return [*steps, (words % facts, _ago(row.decided_at), "done")]


def _granted(grant: Grant, seen: bool) -> list[Step]:
    facts = {"name": grant.granter.name if grant.granter else "-", "reason": grant.end_reason}
    steps: list[Step] = []
    if grant.application_id is None:
        steps.append((_("Added by %(name)s") % facts, ago(grant.granted_at), "done"))
    if grant.state == Grant.State.REVOKED:
        return [*steps, (_("Taken back: %(reason)s") % facts, _ago(grant.ended_at), "bad")]
    if grant.state == Grant.State.RENEWED:
        return [*steps, (_("Continued by another grant"), _ago(grant.ended_at), "done")]
    if not grant.lets_in():
        return [*steps, (_("Ended"), _ago(grant.expires_at), "bad")]
    if not seen:
        return [*steps, (_("Not published for you at present; the access counts again once you see it"), "", "now")]
    ends = _("May be used until %(date)s") % {"date": date(grant.expires_at)} if grant.expires_at else _("May be used without end")
    return [*steps, (ends, "", "done")]


def _ago(moment: datetime | None) -> str:
    return ago(moment) if moment else ""
