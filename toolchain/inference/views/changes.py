"""What members do to a service: start, stop, restart, change, roll back, delete; its keys and its saved requests."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.authentication import signed_in
from accounts.models import Namespace
from core.permissions import require
from core.problems import Missing, Problem
from toolchain.compute.limits import order_of
from toolchain.inference import services
from toolchain.inference.finding import key_of, service_at
from toolchain.inference.forms import KeyForm
from toolchain.inference.page import ServicePage
from toolchain.inference.tuning import Tuning

Act = Callable[..., Any]


@require_http_methods(["GET", "HEAD", "POST"])
def start(request: HttpRequest, namespace: str, name: str) -> HttpResponse:
    """Show the order of a service that is stopped, and start it once that is confirmed."""
    service = service_at(request.user, namespace, name)
    require(service, "start")
    problem: Problem | None = None
    if request.method == "POST":
        try:
            services.start_service(service=service, actor=signed_in(request))
        except Problem as refusal:
            problem = refusal
        else:
            messages.success(request, _("The service is being started."))
            return HttpResponseRedirect(service.get_absolute_url(), status=303)
    owner = Namespace.objects.for_user(request.user).get(pk=service.namespace_id)
    context = {
        "page": ServicePage(request.user, service, request.GET, ""),
        "order": order_of(owner, service.spec, service.limit, purpose=services.PURPOSE, count=service.replicas),
        "problem": problem,
    }
    return render(request, "inference/start.html", context, status=problem.page_status if problem else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def stop(request: HttpRequest, namespace: str, name: str) -> HttpResponse:
    """Ask whether to stop a service, and do it."""
    return _confirmed(request, namespace, name, "stop", services.stop_service, _("The service is being stopped."))


@require_http_methods(["GET", "HEAD", "POST"])
def restart(request: HttpRequest, namespace: str, name: str) -> HttpResponse:
    """Ask whether to replace all replicas of a service, and do it."""
    return _confirmed(request, namespace, name, "start", services.restart_service, _("New replicas are being started."), template="restart")


@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: HttpRequest, namespace: str, name: str) -> HttpResponse:
    """Ask whether to delete a service, and do it."""
    return _confirmed(request, namespace, name, "delete", services.delete_service, _("The service is deleted."), address="/services")


@require_http_methods(["GET", "HEAD", "POST"])
def roll_back(request: HttpRequest, namespace: str, name: str, number: int) -> HttpResponse:
    """Ask whether to go back to an earlier version, and do it."""
    service = service_at(request.user, namespace, name)
    require(service, "configure")
    page = ServicePage(request.user, service, request.GET, "versions")
    found = next((row for row, _mark, _why, may in page.versions if row.number == number and may), None)
    if found is None:
        raise Missing("generation_not_found", _("There is no earlier version of this number that ever answered requests."))
    if request.method != "POST":
        return render(request, "inference/roll_back.html", {"page": page, "found": found})
    try:
        services.roll_back(service=service, actor=signed_in(request), number=number)
        messages.success(request, _("Version %(number)s is being rolled out again.") % {"number": number})
    except Problem as problem:
        messages.error(request, _sentence(problem))
    return HttpResponseRedirect(page.address("versions"), status=303)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: HttpRequest, namespace: str, name: str) -> HttpResponse:
    """Show what can be changed of a service, and change it."""
    service = service_at(request.user, namespace, name)
    require(service, "configure")
    tuning = Tuning(signed_in(request), service, request.POST if request.method == "POST" else None)
    if request.method == "POST" and tuning.validate():
        try:
            tuning.apply()
        except Problem as problem:
            tuning.add_problem(problem)
        else:
            messages.success(request, tuning.done)
            return HttpResponseRedirect(request.path, status=303)
    return _settings(request, service, tuning)


@never_cache
@require_POST
def keys(request: HttpRequest, namespace: str, name: str) -> HttpResponse:
    """Make a key, whose text is in this one answer only."""
    service = service_at(request.user, namespace, name)
    require(service, "share")
    form, made = KeyForm(request.POST), ("", "")
    if form.is_valid():
        try:
            cleaned = form.cleaned_data
            key, secret = services.make_key(
                service=service, actor=signed_in(request), name=cleaned["name"], limit=cleaned["limit"], expires_at=form.expires_at
            )
            made, form = (key.name, secret), KeyForm()
        except Problem as problem:
            form.add_problem(problem)
    return _settings(request, service, Tuning(signed_in(request), service, None), key_form=form, made=made)


@require_POST
def revoke(request: HttpRequest, namespace: str, name: str, pk: int) -> HttpResponse:
    """Take a key back."""
    service = service_at(request.user, namespace, name)
    require(service, "share")
    key = key_of(service, pk)
    services.revoke_key(service=service, actor=signed_in(request), key=key)
    messages.success(request, _("Key “%(name)s” is revoked.") % {"name": key.name})
    return HttpResponseRedirect(f"{ServicePage(request.user, service, request.GET).address('settings')}#keys", status=303)


@require_POST
def save_example(request: HttpRequest, namespace: str, name: str) -> HttpResponse:
    """Keep the request that is in the editor."""
    service = service_at(request.user, namespace, name)
    require(service, "configure")
    page = ServicePage(request.user, service, request.GET)
    try:
        found = services.save_example(
            service=service, actor=signed_in(request), name=request.POST.get("name", ""), request={"body": request.POST.get("body", "")}
        )
    except Problem as problem:
        messages.error(request, _sentence(problem))
        return HttpResponseRedirect(page.url, status=303)
    messages.success(request, _("The request is saved."))
    return HttpResponseRedirect(f"{page.url}?example={found.pk}", status=303)


@require_POST
def delete_example(request: HttpRequest, namespace: str, name: str, pk: int) -> HttpResponse:
    """Remove a saved request."""
    service = service_at(request.user, namespace, name)
    page = ServicePage(request.user, service, request.GET)
    found = next((each for each in page.examples if each.pk == pk), None)
    if found is None:
        raise Missing("example_not_found", _("There is no such saved request."))
    services.delete_example(service=service, actor=signed_in(request), example=found)
    messages.success(request, _("The saved request is deleted."))
    return HttpResponseRedirect(page.url, status=303)


def _settings(request: HttpRequest, service: Any, tuning: Tuning, **context: Any) -> HttpResponse:
    key_form = context.pop("key_form", None) or KeyForm()
    wrong = bool(tuning.errors or tuning.form.errors or key_form.errors)
    page = ServicePage(request.user, service_at(request.user, service.namespace.handle, service.name), request.GET, "settings")
    values = {"page": page, "tuning": tuning, "key_form": key_form, "made": context.get("made", ("", ""))}
    return render(request, "inference/settings.html", values, status=422 if wrong else 200)


def _confirmed(
    request: HttpRequest, namespace: str, name: str, verb: str, act: Act, done: str, *, template: str = "", address: str = ""
) -> HttpResponse:
    service = service_at(request.user, namespace, name)
    require(service, verb)
    if request.method != "POST":
        return render(request, f"inference/{template or verb}.html", {"page": ServicePage(request.user, service, request.GET, "")})
    try:
        act(service=service, actor=signed_in(request))
        messages.success(request, done)
    except Problem as problem:
        messages.error(request, _sentence(problem))
        address = ""
    return HttpResponseRedirect(address or service.get_absolute_url(), status=303)


def _sentence(problem: Problem) -> str:
    """Return a refusal in one sentence: that of a field where there is one."""
    return next(iter(problem.messages), str(problem.detail))
