"""The frame of the administration: its menu, its first page, its way in and its policy."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from allauth.account.decorators import secure_admin_login
from django.apps import apps
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.sites import UnfoldAdminSite

from core.security import ADMINISTRATION_POLICY

MENU: tuple[tuple[Any, tuple[tuple[str, str, Any], ...]], ...] = (
    (
        gettext_lazy("Catalogue"),
        (
            ("assets.Submission", "rate_review", gettext_lazy("Reviews")),
            ("assets.Asset", "deployed_code", gettext_lazy("Assets")),
            ("assets.Term", "sell", gettext_lazy("Vocabularies")),
            ("assets.Collection", "collections_bookmark", gettext_lazy("Collections")),
            ("assets.Application", "approval", gettext_lazy("Applications")),
            ("assets.Grant", "key", gettext_lazy("Grants")),
        ),
    ),
    (
        gettext_lazy("People"),
        (
            ("accounts.User", "person", gettext_lazy("Users")),
            ("accounts.Organisation", "groups", gettext_lazy("Organisations")),
            ("accounts.AccessToken", "vpn_key", gettext_lazy("Access tokens")),
            ("mfa.Authenticator", "security_key", gettext_lazy("Second steps")),
            ("usersessions.UserSession", "devices", gettext_lazy("Sessions")),
        ),
    ),
    (
        gettext_lazy("Rules"),
        (
            ("accounts.WordList", "block", gettext_lazy("Word lists")),
            ("accounts.Agreement", "contract", gettext_lazy("Agreements")),
            ("accounts.Acceptance", "task_alt", gettext_lazy("Acceptances")),
        ),
    ),
    (
        gettext_lazy("Compute"),
        (
            ("trainer.Training", "model_training", gettext_lazy("Training jobs")),
            ("toolchain.Spec", "memory", gettext_lazy("Compute specs")),
            ("toolchain.Limit", "speed", gettext_lazy("Compute limits")),
            ("toolchain.Entry", "receipt_long", gettext_lazy("Ledger")),
            ("toolchain.Node", "dns", gettext_lazy("Machines")),
            ("toolchain.Run", "play_circle", gettext_lazy("Runs")),
            ("toolchain.Environment", "inventory_2", gettext_lazy("Environments")),
        ),
    ),
    (
        gettext_lazy("Operation"),
        (
            ("jobs.Job", "engineering", gettext_lazy("Jobs")),
            ("accounts.Namespace", "database", gettext_lazy("Storage")),
            ("accounts.Notification", "notifications", gettext_lazy("Notifications")),
            ("accounts.Webhook", "webhook", gettext_lazy("Webhooks")),
            ("accounts.WebhookDelivery", "outbox", gettext_lazy("Deliveries")),
            ("accounts.AuditEvent", "history", gettext_lazy("Audit trail")),
            ("portal.SiteSettings", "campaign", gettext_lazy("Site and banner")),
        ),
    ),
)


@dataclass(frozen=True)
class Card:
    """Something on the first page that may need somebody. `calm` says that it does not."""

    title: Any
    value: str
    text: str
    address: str
    calm: bool


class Console(UnfoldAdminSite):  # type: ignore[misc]  # unfold carries no types
    """The administration of the gallery, in which everybody sees what their standing lets them see."""

    site_title = site_header = gettext_lazy("Administration")
    index_title = gettext_lazy("At a glance")
    index_template = "admin/overview.html"
    password_change_form = None

    @method_decorator(secure_admin_login)
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Lead to the one way in, which limits wrong passwords and asks for the second step."""
        return HttpResponseRedirect(reverse(f"{self.name}:index"))

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return HttpResponseRedirect(reverse("account_change_password"))

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Callable[..., Any]:
        """Return the view for staff, answering with the policy that these pages need."""
        inner = super().admin_view(view, cacheable)

        @wraps(inner)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            response: HttpResponse = inner(request, *args, **kwargs)
            response.headers.setdefault("Content-Security-Policy", ADMINISTRATION_POLICY)
            return response

        return guarded

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Return the context of every page; the colours stand in a file of ours, not in the page."""
        return {**super().each_context(request), "colors": {}, "site_title": self.site_title, "site_header": self.site_header}

    def get_sidebar_list(self, request: HttpRequest) -> list[dict[str, Any]]:
        groups = []
        for title, entries in MENU:
            items = [
                {"title": name, "icon": icon, "link": address, "active": request.path.startswith(address), "has_permission": True}
                for label, icon, name in entries
                if (address := self.list_address(request, label))
            ]
            if items:
                groups.append({"title": title, "items": items})
        return groups

    def list_address(self, request: HttpRequest, label: str) -> str:
        """Return the address of a table's list, empty where the viewer may not see it."""
        model = apps.get_model(label)
        administration = self._registry.get(model)
        if administration is None or not administration.has_view_permission(request):
            return ""
        return reverse(f"{self.name}:{model._meta.app_label}_{model._meta.model_name}_changelist")

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return super().index(request, {**(extra_context or {}), "cards": self.cards(request)})

    def cards(self, request: HttpRequest) -> list[Card]:
        """Return what may need somebody, as far as the viewer may see it."""
        found = []
        for label, card in CARDS:
            if address := self.list_address(request, label):
                found.append(card(address))
        return found


def _reviews(address: str) -> Card:
    from assets.models import Submission

    waiting = Submission.objects.waiting().count()
    return Card(_("Waiting reviews"), str(waiting), _("Assets whose owners want to publish them."), address, not waiting)


def _failed_jobs(address: str) -> Card:
    from jobs.models import Job

    failed = Job.objects.filter(state=Job.State.FAILED).count()
    return Card(_("Failed jobs"), str(failed), _("Work that gave up and waits for somebody."), f"{address}?state__exact=failed", not failed)


def _storage(address: str) -> Card:
    from core.numbers import size
    from repos.quotas import nearly_full, stored_bytes

    full = nearly_full().count()
    text = _("Namespaces at nine tenths of their quota or more: %(count)d.") % {"count": full}
    return Card(_("Storage"), size(stored_bytes()), text, f"{address}?o=-5", not full)


def _trail(address: str) -> Card:
    from accounts.models import AuditEvent
    from accounts.services import last_verification

    last = last_verification()
    newer = AuditEvent.objects.filter(pk__gt=last.pk).count() if last else AuditEvent.objects.count()
    if last and last.details.get("broken_at"):
        return Card(_("Audit trail"), _("Broken"), _("The last verification found a row that does not fit."), address, False)
    text = _("Rows written since somebody last verified the chain.") if last else _("Rows that nobody has verified yet.")
    return Card(_("Audit trail"), str(newer), text, address, newer < 10_000)


def _machines(address: str) -> Card:
    from toolchain.models import Node

    open_ = Node.objects.exclude(sandbox__in=["A", "B"]).count()
    text = _("Machines on which user code is not shut in, or refused.") if open_ else _("User code is shut in on every machine.")
    return Card(_("Sandbox"), str(open_), text, address, not open_)


CARDS: tuple[tuple[str, Callable[[str], Card]], ...] = (
    ("assets.Submission", _reviews),
    ("jobs.Job", _failed_jobs),
    ("accounts.Namespace", _storage),
    ("toolchain.Node", _machines),
    ("accounts.AuditEvent", _trail),
)
