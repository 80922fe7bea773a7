"""Who is told about applications and grants, in the gallery and through webhooks. Everything here belongs into the caller's transaction."""

from datetime import datetime
from typing import Any

from accounts.models import User
from accounts.services import notify
from assets.deciders import deciders_of
from assets.models import Application, Asset, Grant
from assets.services.rows import tell

MINE = "/me/requests"


def tell_received(application: Application, asset: Asset, actor: User) -> None:
    """Tell those who decide that somebody applied."""
    kind = "application.renewal" if application.renews_id else "application.received"
    _tell_deciders(application, asset, actor, kind, f"application.received:{application.pk}")


def tell_reminded(application: Application, asset: Asset, actor: User, at: datetime) -> None:
    """Tell those who decide that somebody still waits."""
    _tell_deciders(application, asset, actor, "application.reminded", f"application.reminded:{application.pk}:{at.isoformat()}")


def tell_replied(application: Application, asset: Asset, actor: User, at: datetime) -> None:
    """Tell those who decide that what they asked is answered."""
    _tell_deciders(application, asset, actor, "application.replied", f"application.replied:{application.pk}:{at.isoformat()}")


def tell_asked(application: Application, asset: Asset, actor: User, at: datetime) -> None:
    """Tell the applicant what is asked back."""
    notify(
        receivers=[application.applicant], kind="application.asked", key=f"application.asked:{application.pk}:{at.isoformat()}",
        url=f"{MINE}#request-{application.pk}", actor=actor, asset=asset.repo_id, question=application.question,
    )  # fmt: skip


def tell_decided(application: Application, asset: Asset, actor: User | None) -> None:
    """Tell the applicant, and the webhooks of the owner, how it was decided."""
    notify(
        receivers=[application.applicant], kind="application.decided", key=f"application.decided:{application.pk}",
        url=f"{MINE}#request-{application.pk}", actor=actor,
        asset=asset.repo_id, decision=application.state, note=application.decision_note,
    )  # fmt: skip
    tell(
        asset, "application.decided", application=application.pk, applicant=application.applicant.handle, state=application.state,
        decider=actor.handle if actor else None, automatic=application.automatic, decided_at=application.decided_at,
    )  # fmt: skip


def emit_created(application: Application, asset: Asset) -> None:
    """Tell the webhooks of the owner that somebody applied."""
    tell(
        asset, "application.created", application=application.pk, applicant=application.applicant.handle, reason=application.reason,
        renewal=application.renews_id is not None, created_at=application.created_at,
    )  # fmt: skip


def tell_added(grant: Grant, asset: Asset, actor: User) -> None:
    """Tell somebody that they may use an asset without having applied."""
    _tell_holder(grant, asset, "grant.added", f"grant.added:{grant.pk}", asset.get_absolute_url(), actor)


def tell_extended(grant: Grant, asset: Asset, actor: User, at: datetime) -> None:
    """Tell the holder of the new end."""
    until = grant.expires_at.isoformat() if grant.expires_at else ""
    _tell_holder(grant, asset, "grant.extended", f"grant.extended:{grant.pk}:{at.isoformat()}", MINE, actor, until=until)


def tell_revoked(grant: Grant, asset: Asset, actor: User) -> None:
    """Tell the holder, and the webhooks of the owner, that the right is taken back."""
    if grant.user_id != actor.pk:
        _tell_holder(grant, asset, "grant.revoked", f"grant.revoked:{grant.pk}", MINE, actor, reason=grant.end_reason)
    tell(
        asset, "grant.revoked", grant=grant.pk, user=grant.user.handle, actor=actor.handle, reason=grant.end_reason, ended_at=grant.ended_at
    )


def tell_expiring(grant: Grant, asset: Asset) -> None:
    """Tell the holder that the end is near."""
    until = grant.expires_at.isoformat() if grant.expires_at else ""
    _tell_holder(grant, asset, "grant.expiring", f"grant.expiring:{grant.pk}:{until}", f"{MINE}#grant-{grant.pk}", None, until=until)


def tell_expired(grant: Grant, asset: Asset) -> None:
    """Tell the holder that it has ended."""
    _tell_holder(grant, asset, "grant.expired", f"grant.expired:{grant.pk}", f"{MINE}#grant-{grant.pk}", None)


def _tell_deciders(application: Application, asset: Asset, actor: User, kind: str, key: str) -> None:
    notify(
        receivers=list(deciders_of(asset).exclude(pk=actor.pk)), kind=kind, key=key,
        url=f"/me/approvals/{application.pk}", actor=actor, asset=asset.repo_id,
    )  # fmt: skip


def _tell_holder(grant: Grant, asset: Asset, kind: str, key: str, url: str, actor: User | None, **facts: Any) -> None:
    notify(receivers=[grant.user], kind=kind, key=key, url=url, actor=actor, asset=asset.repo_id, **facts)
