"""Onboarding: the welcome page, and the agreements that anybody may read."""

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from accounts import services
from accounts.authentication import signed_in
from accounts.forms import onboarding as forms
from accounts.models import Agreement, EmailCode
from accounts.views.answers import attempt, prove_again
from core.htmx import render_page
from core.markdown import render
from core.problems import Missing


def wanted_page(request: HttpRequest) -> str:
    """Return the path of this site that the person wants to go on to, empty for none; nothing leads elsewhere."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    local = wanted.startswith("/") and url_has_allowed_host_and_scheme(wanted, allowed_hosts=None)
    return wanted if local else ""


@sensitive_post_parameters("code")
@require_http_methods(["GET", "POST"])
def welcome(request: HttpRequest) -> HttpResponse:
    """Onboarding; for somebody who is onboarded, the newer versions of the agreements."""
    user = signed_in(request)
    missing = services.missing_agreements(user, *services.ONBOARDING_KINDS)
    if user.onboarded_at is not None:
        return _agree_again(request, missing) if missing else HttpResponseRedirect(wanted_page(request) or reverse("accounts:profile"))
    form = forms.WelcomeForm(request.POST, missing=missing) if request.method == "POST" else forms.WelcomeForm.of(user, missing)

    def finish() -> None:
        cleaned = form.cleaned_data
        services.onboard(
            actor=user, nickname=cleaned["nickname"], email=cleaned["email"], code=cleaned["code"],
            agreements=form.chosen, news=cleaned["news"],
        )  # fmt: skip

    if request.method == "POST" and attempt(form, finish):
        messages.success(request, _("Welcome, %(name)s. The onboarding is finished.") % {"name": form.cleaned_data["nickname"]})
        return HttpResponseRedirect(wanted_page(request) or reverse("accounts:profile"))
    return _welcome_page(request, form)


def _agree_again(request: HttpRequest, missing: list[Agreement]) -> HttpResponse:
    form = forms.AgreeForm(request.POST if request.method == "POST" else None, missing=missing)
    if request.method == "POST" and attempt(form, lambda: services.renew_agreements(actor=signed_in(request), agreements=form.chosen)):
        return HttpResponseRedirect(wanted_page(request) or reverse("accounts:profile"))
    return _welcome_page(request, form)


@require_http_methods(["GET", "POST"])
def welcome_code(request: HttpRequest) -> HttpResponse:
    """Send a code to the address in the form, and show the form again as it was filled."""
    user, onwards = signed_in(request), wanted_page(request)
    if request.method == "GET" or user.onboarded_at is not None:
        return redirect(f"{reverse('accounts:welcome')}{'?' + urlencode({'next': onwards}) if onwards else ''}")
    address = forms.AddressForm(request.POST)
    if address.is_valid():
        prove_again(request, address.cleaned_data["email"])
    sent = attempt(
        address, lambda: services.send_code(actor=user, purpose=EmailCode.Purpose.ONBOARDING, email=address.cleaned_data["email"])
    )
    missing = services.missing_agreements(user, *services.ONBOARDING_KINDS)
    filled = {**request.POST.dict(), "agreements": request.POST.getlist("agreements"), "news": "news" in request.POST, "code": ""}
    form = forms.WelcomeForm(missing=missing, initial=filled)
    if sent:
        form.fields["code"].widget.attrs["autofocus"] = ""
    return _welcome_page(request, form, address=address, sent_to=address.cleaned_data["email"] if sent else "")


def _welcome_page(
    request: HttpRequest, form: forms.AgreeForm, *, address: forms.AddressForm | None = None, sent_to: str = ""
) -> HttpResponse:
    errors = form.errors or (address.errors if address else {})
    context = {
        "form": form,
        "whole": isinstance(form, forms.WelcomeForm),
        "email": address["email"] if address else form["email"] if "email" in form.fields else None,
        "sent_to": sent_to,
        "next": wanted_page(request),
        "ticked": form.ticked,
        "missing": form.missing,
    }
    return render_page(request, "accounts/welcome.html", "accounts/_welcome.html", context, status=422 if errors else 200)


@login_not_required
@require_safe
def agreement(request: HttpRequest, kind: str, version: int | None = None) -> HttpResponse:
    """Show the current version of an agreement, or any published one by its number."""
    published = Agreement.objects.for_user(request.user).filter(kind=kind).order_by("-version")
    versions = list(published)
    shown = next((row for row in versions if version in (None, row.version)), None)
    if shown is None:
        raise Missing("agreement_not_found", _("There is no such agreement."))
    context = {"agreement": shown, "text": render(shown.text), "versions": versions, "newest": versions[0]}
    return render_page(request, "accounts/agreement.html", "accounts/_agreement.html", context)
