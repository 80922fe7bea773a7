"""The webhooks of a person or an organisation, and the log of what was sent."""

import json
from typing import Any

from django.contrib import messages
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import services
from accounts.authentication import signed_in
from accounts.forms.webhooks import DeleteWebhookForm, WebhookForm
from accounts.heads import head_of
from accounts.models import Namespace, Webhook, WebhookDelivery
from accounts.views.answers import attempt
from core.htmx import render_page
from core.paging import Order, page_of
from core.permissions import require
from core.problems import Missing, Moved

NEWEST = Order("newest", "pk", kind=int)


def _namespace(request: HttpRequest, handle: str) -> Namespace:
    namespace, former = services.namespace_at(handle, user=request.user)
    if former:
        raise Moved(handle, namespace.handle)
    require(namespace, "edit")
    return namespace


def _webhook(request: HttpRequest, handle: str, pk: int) -> Webhook:
    namespace = _namespace(request, handle)
    webhook = Webhook.objects.for_user(request.user).filter(namespace=namespace.pk, pk=pk).first()
    if webhook is None:
        raise Missing("webhook_not_found", _("There is no such webhook."))
    webhook.namespace = namespace
    return webhook


def _delivery(request: HttpRequest, handle: str, pk: int, delivery: int) -> WebhookDelivery:
    webhook = _webhook(request, handle, pk)
    row = WebhookDelivery.objects.for_user(request.user).filter(webhook=webhook.pk, pk=delivery).select_related("replay_of").first()
    if row is None:
        raise Missing("delivery_not_found", _("There is no such delivery. The log reaches back 30 days."))
    row.webhook = webhook
    return row


def _context(request: HttpRequest, namespace: Namespace, *way: tuple[Any, str], **more: Any) -> dict[str, Any]:
    crumbs = [(_("Webhooks"), reverse("accounts:webhooks", kwargs={"handle": namespace.handle})), *way]
    return {"head": head_of(namespace, request.user, "webhooks"), "namespace": namespace, "crumbs": crumbs, **more}


@never_cache
@require_http_methods(["GET", "POST"])
def webhooks(request: HttpRequest, handle: str) -> HttpResponse:
    """The list, and a new webhook, whose secret is in this one answer only."""
    namespace = _namespace(request, handle)
    form, made = WebhookForm(request.POST or None), []

    def create() -> None:
        made.append(services.create_webhook(namespace=namespace, actor=signed_in(request), **form.cleaned_data))

    if request.method == "POST" and attempt(form, create):
        form = WebhookForm()
    rows = Webhook.objects.for_user(request.user).filter(namespace=namespace.pk).select_related("namespace").order_by("pk")
    context = _context(request, namespace, webhooks=rows, form=form, created=made[0] if made else None)
    return render_page(request, "accounts/webhooks.html", "accounts/_webhooks.html", context, status=422 if form.errors else 200)


@never_cache
@require_http_methods(["GET", "POST"])
def webhook(request: HttpRequest, handle: str, pk: int) -> HttpResponse:
    """What one webhook is told, and the log of what it was told."""
    row = _webhook(request, handle, pk)
    form = WebhookForm(request.POST or None, initial={"name": row.name, "url": row.url, "events": row.events, "active": row.active})
    if request.method == "POST" and attempt(
        form, lambda: services.edit_webhook(webhook=row, actor=signed_in(request), **form.cleaned_data)
    ):
        messages.success(request, _("Webhook saved."))
        return redirect(row.get_absolute_url())
    return _webhook_page(request, row, form=form)


def _webhook_page(request: HttpRequest, row: Webhook, *, secret: str = "", **bound: BaseForm) -> HttpResponse:
    deliveries = WebhookDelivery.objects.for_user(request.user).filter(webhook=row.pk)
    page = page_of(deliveries, NEWEST, cursor=request.GET.get("cursor", ""))
    for delivery in page.rows:
        delivery.webhook = row
    context = _context(
        request,
        row.namespace,
        (row.name, ""),
        webhook=row,
        page=page,
        previous=page.previous and f"?cursor={page.previous}",
        next=page.next and f"?cursor={page.next}",
        secret=secret,
        **{
            "form": WebhookForm(initial={"name": row.name, "url": row.url, "events": row.events, "active": row.active}),
            "delete_form": DeleteWebhookForm(name=row.name),
            **bound,
        },
    )
    status = 422 if any(form.errors for form in bound.values()) else 200
    return render_page(request, "accounts/webhook.html", "accounts/_webhook.html", context, status=status)


@never_cache
@require_POST
def renew_secret(request: HttpRequest, handle: str, pk: int) -> HttpResponse:
    """Give a webhook another secret and show it this once."""
    row = _webhook(request, handle, pk)
    return _webhook_page(request, row, secret=services.renew_secret(webhook=row, actor=signed_in(request)))


@require_POST
def delete_webhook(request: HttpRequest, handle: str, pk: int) -> HttpResponse:
    """Delete a webhook whose name was typed again."""
    row = _webhook(request, handle, pk)
    form = DeleteWebhookForm(request.POST, name=row.name)
    if not attempt(form, lambda: services.delete_webhook(webhook=row, actor=signed_in(request))):
        return _webhook_page(request, row, delete_form=form)
    messages.success(request, _("Webhook “%(name)s” deleted.") % {"name": row.name})
    return redirect("accounts:webhooks", handle=row.namespace.handle)


@require_POST
def ping_webhook(request: HttpRequest, handle: str, pk: int) -> HttpResponse:
    """Send a test and show what becomes of it."""
    row = _webhook(request, handle, pk)
    delivery = services.ping(webhook=row, actor=signed_in(request))
    return redirect("accounts:webhook_delivery", handle=row.namespace.handle, pk=row.pk, delivery=delivery.pk)


@require_GET
def webhook_delivery(request: HttpRequest, handle: str, pk: int, delivery: int) -> HttpResponse:
    """What was sent and what came back; the page looks again while it waits for the first try."""
    row = _delivery(request, handle, pk, delivery)
    headers = "\n".join(f"{name}: {value}" for name, value in row.headers.items())
    body = json.dumps(row.payload, ensure_ascii=False, indent=2, sort_keys=True)
    way = [(row.webhook.name, row.webhook.get_absolute_url()), (row.event_name, "")]
    context = _context(request, row.webhook.namespace, *way, webhook=row.webhook, delivery=row, headers=headers, body=body)
    return render_page(request, "accounts/webhook_delivery.html", "accounts/_webhook_delivery.html", context)


@require_POST
def replay_delivery(request: HttpRequest, handle: str, pk: int, delivery: int) -> HttpResponse:
    """Send the same again and show what becomes of it."""
    row = _delivery(request, handle, pk, delivery)
    again = services.replay_delivery(delivery=row, webhook=row.webhook, actor=signed_in(request))
    return redirect("accounts:webhook_delivery", handle=row.webhook.namespace.handle, pk=row.webhook_id, delivery=again.pk)
