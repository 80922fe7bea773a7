"""Changing the address of one's account, proven by a code sent to the new one."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts import services
from accounts.authentication import signed_in
from accounts.forms import onboarding as forms
from accounts.models import EmailCode
from accounts.views.answers import attempt, prove_again
from core.htmx import render_page


@sensitive_post_parameters("code")
@require_http_methods(["GET", "POST"])
def email(request: HttpRequest) -> HttpResponse:
    """Take another address, or confirm the one there is."""
    user = signed_in(request)
    form = forms.EmailForm(request.POST) if request.method == "POST" else forms.EmailForm()
    if request.method == "POST" and attempt(form, lambda: services.change_email(actor=user, **form.cleaned_data)):
        messages.success(request, _("Your email is now %(email)s.") % {"email": user.email})
        return redirect("accounts:profile")
    return _email_page(request, form)


@require_http_methods(["GET", "POST"])
def email_code(request: HttpRequest) -> HttpResponse:
    """Send a code to the address in the form; before that the person proves again who they are, since the address opens the account."""
    if request.method == "GET":
        return redirect("accounts:email")
    user, address = signed_in(request), forms.AddressForm(request.POST)
    if address.is_valid():
        prove_again(request, address.cleaned_data["email"])
    sent = attempt(address, lambda: services.send_code(actor=user, purpose=EmailCode.Purpose.CHANGE, email=address.cleaned_data["email"]))
    form = forms.EmailForm(initial={"email": request.POST.get("email", "")})
    if sent:
        form.fields["code"].widget.attrs["autofocus"] = ""
    return _email_page(request, form, address=address, sent_to=address.cleaned_data["email"] if sent else "")


def _email_page(
    request: HttpRequest, form: forms.EmailForm, *, address: forms.AddressForm | None = None, sent_to: str = ""
) -> HttpResponse:
    user = signed_in(request)
    context = {
        "form": form,
        "email": (address or form)["email"],
        "sent_to": sent_to,
        "current": user.email,
        "confirmed": services.has_confirmed_email(user),
    }
    status = 422 if form.errors or (address and address.errors) else 200
    return render_page(request, "accounts/email.html", "accounts/_email.html", context, status=status)
