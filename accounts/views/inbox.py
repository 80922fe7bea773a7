"""The inbox: what somebody is told, and how they want to be told."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import services
from accounts.authentication import signed_in
from accounts.forms.inbox import NoticesForm
from accounts.models import Notification, User
from accounts.services.notices import reachable_by_mail
from accounts.views.answers import attempt, me
from core.htmx import render_page
from core.paging import Order, page_of
from core.problems import Missing

NEWEST = Order("newest", "pk", kind=int)


@never_cache
@require_GET
def inbox(request: HttpRequest) -> HttpResponse:
    """What one was told, the newest first: all of it, or with `show=unread` what is not read yet."""
    return _inbox_page(request, request.GET)


def _address(show: str, cursor: str = "") -> str:
    parameters = {name: value for name, value in (("show", show), ("cursor", cursor)) if value}
    return f"{reverse('accounts:inbox')}?{urlencode(parameters)}" if parameters else reverse("accounts:inbox")


def _place(parameters: QueryDict) -> tuple[str, str]:
    """Return which list was asked for and where in it."""
    return "unread" if parameters.get("show") == "unread" else "", parameters.get("cursor", "")


def _inbox_page(request: HttpRequest, parameters: QueryDict) -> HttpResponse:
    show, cursor = _place(parameters)
    mine = Notification.objects.for_user(request.user)
    page = page_of((mine.unread() if show else mine).select_related("actor"), NEWEST, cursor=cursor)
    unread = services.unread_count(request.user)
    context = {
        "notices": page.rows,
        "show": show,
        "cursor": cursor,
        "unread": unread,
        "latest": mine.order_by("-pk").values_list("pk", flat=True).first() if unread else None,
        "tabs": tabs(show or "all", unread),
        "previous": _address(show, page.previous) if page.previous else "",
        "next": _address(show, page.next) if page.next else "",
    }
    return render_page(request, "accounts/inbox.html", "accounts/_inbox_swap.html", context)


def tabs(current: str, unread: int) -> list[dict[str, object]]:
    """Return the tabs of the inbox for `components/tabs.html`; `current` is all, unread or settings."""
    return [
        {"text": _("All"), "address": _address(""), "current": current == "all"},
        {"text": _("Unread"), "address": _address("unread"), "count": unread, "current": current == "unread"},
        {"text": _("What is mailed"), "address": reverse("accounts:notices"), "current": current == "settings", "push": True},
    ]


def _notice(request: HttpRequest, pk: int) -> Notification:
    row = Notification.objects.for_user(request.user).filter(pk=pk).first()
    if row is None:
        raise Missing("notice_not_found", _("You have no such notice. Those that were read go after half a year."))
    return row


@never_cache
@require_GET
def open_notice(request: HttpRequest, pk: int) -> HttpResponse:
    """Lead to what a notice is about; it counts as read then."""
    row = _notice(request, pk)
    services.mark_read(notification=row, user=signed_in(request))
    return redirect(row.url or reverse("accounts:inbox"))


@require_POST
def read_notice(request: HttpRequest, pk: int) -> HttpResponse:
    """Mark one notice as read, or with `unread` as not read."""
    services.mark_read(notification=_notice(request, pk), user=signed_in(request), read="unread" not in request.POST)
    return _back(request)


@require_POST
def read_all(request: HttpRequest) -> HttpResponse:
    """Mark as read what the page knew of: a notice that came meanwhile stays unread."""
    until = request.POST.get("until", "")
    known = int(until) if until.isascii() and until.isdigit() and len(until) < 19 else None
    services.mark_all_read(user=signed_in(request), until=known)
    return _back(request)


def _back(request: HttpRequest) -> HttpResponse:
    if getattr(request, "htmx", False):
        return _inbox_page(request, request.POST)
    return redirect(_address(*_place(request.POST)))


@require_http_methods(["GET", "POST"])
def notices(request: HttpRequest) -> HttpResponse:
    """What is mailed, and when."""
    user = me(request)
    form = NoticesForm(request.POST or None, user=user)
    if request.method == "POST" and attempt(form, lambda: _save_notices(request, user, form)):
        messages.success(request, _("Saved."))
        return redirect("accounts:notices")
    context = {
        "person": user,
        "form": form,
        "mute": user.email_notifications and user.pk not in reachable_by_mail([user.pk]),
        "tabs": tabs("settings", services.unread_count(user)),
    }
    return render_page(request, "accounts/notices.html", "accounts/_notices.html", context, status=422 if form.errors else 200)


def _save_notices(request: HttpRequest, user: User, form: NoticesForm) -> None:
    services.set_notice_mail(user=user, actor=signed_in(request), choices=form.choices)
    services.edit_profile(user=user, actor=signed_in(request), email_notifications=form.cleaned_data["email_notifications"])
