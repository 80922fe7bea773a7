"""The settings of the site: changing them, and the banner that every page shows."""

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from accounts.models import User
from accounts.services import authorise, record
from core.problems import Invalid
from portal.models import SiteSettings

FIELDS = ("banner_en", "banner_zh", "banner_level", "banner_from", "banner_until", "banner_dismissible")
COOKIE = "gallery_banner"
KEEP_SECONDS = 10.0
_kept: tuple[float, SiteSettings] | None = None


@dataclass(frozen=True)
class Banner:
    """What a page shows above everything else."""

    text: str
    level: str
    key: str
    dismissible: bool


@transaction.atomic
def save_site_settings(*, actor: User, **values: Any) -> SiteSettings:
    """Change any of `FIELDS`; every process shows it within ten seconds."""
    authorise(actor, "portal.change_sitesettings")
    row = SiteSettings.objects.select_for_update().filter(pk=1).first() or SiteSettings()
    changed = sorted(name for name, value in values.items() if name in FIELDS and getattr(row, name) != value)
    if not changed:
        return row
    for name in changed:
        setattr(row, name, values[name])
    row.updated_at = timezone.now()
    try:
        row.clean_fields()
        row.validate_constraints()
    except ValidationError as error:
        raise Invalid(error.message_dict) from error
    row.save()
    forget()
    transaction.on_commit(forget)
    record(
        actor=actor, verb="edit", target_kind="site_settings", target_id=row.pk, target="site settings",
        **{name: getattr(row, name) for name in changed},
    )  # fmt: skip
    return row


def site_settings() -> SiteSettings:
    """Return the settings as they stood at most `KEEP_SECONDS` ago: pages must not ask for them one by one."""
    global _kept
    now = time.monotonic()
    if _kept is None or now > _kept[0] + KEEP_SECONDS:
        _kept = now, SiteSettings.load()
    return _kept[1]


def forget() -> None:
    """Have the next page read the settings again: they have just changed in this process."""
    global _kept
    _kept = None


def banner_for(request: HttpRequest, at: datetime | None = None) -> Banner | None:
    """Return the banner of the moment, unless this reader has hidden it."""
    now = site_settings()
    if not now.shows_banner(at):
        return None
    if now.banner_dismissible and request.COOKIES.get(COOKIE) == now.banner_key:
        return None
    return Banner(now.banner, now.banner_level, now.banner_key, now.banner_dismissible)


def context(request: HttpRequest) -> dict[str, Any]:
    """Give every template `banner`, which is read when a page asks for it."""
    return {"banner": SimpleLazyObject(lambda: banner_for(request))}


@login_not_required
@require_POST
def dismiss_banner(request: HttpRequest) -> HttpResponse:
    """Hide the banner with this key from this browser, and go back to the page it stood on."""
    target = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()}, require_https=request.is_secure()):
        target = "/"
    response = HttpResponseRedirect(target)
    response.set_cookie(
        COOKIE, request.POST.get("key", "")[:16], max_age=settings.LANGUAGE_COOKIE_AGE, samesite="Lax", httponly=True,
        secure=request.is_secure(),
    )  # fmt: skip
    return response
