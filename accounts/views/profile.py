"""One's own profile and habits."""

import json

from django.contrib import messages
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts import services
from accounts.authentication import signed_in
from accounts.forms import profile as forms
from accounts.models import User
from accounts.views.answers import attempt, me
from accounts.views.pictures import save_avatar
from core.htmx import render_page


@require_http_methods(["GET", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    """Nickname, bio, language; the other forms of the page have addresses of their own and come back here."""
    user = me(request)
    form = forms.ProfileForm(request.POST or None, instance=me(request))
    if request.method == "POST" and attempt(form, lambda: services.edit_profile(user=user, actor=signed_in(request), **form.cleaned_data)):
        if "language" in form.changed_data:
            services.remember_language(request, form.cleaned_data["language"])
        messages.success(request, _("Profile saved."))
        return redirect("accounts:profile")
    return _profile_page(request, user, form=form)


def _profile_page(request: HttpRequest, user: User, **bound: BaseForm) -> HttpResponse:
    context = {
        "person": user,
        "confirmed": services.has_confirmed_email(user),
        "onboarded": services.is_onboarded(user),
        "form": forms.ProfileForm(instance=user),
        "handle_form": forms.HandleForm(initial={"handle": user.handle}),
        "avatar_form": forms.AvatarForm(),
        **bound,
    }
    status = 422 if any(form.errors for form in bound.values()) else 200
    return render_page(request, "accounts/profile.html", "accounts/_profile.html", context, status=status)


@require_POST
def profile_avatar(request: HttpRequest) -> HttpResponse:
    """Replace or remove one's picture."""
    user, form = me(request), forms.AvatarForm(request.POST, request.FILES)
    if not save_avatar(request, user, form):
        return _profile_page(request, user, avatar_form=form)
    return redirect("accounts:profile")


@require_POST
def profile_habits(request: HttpRequest) -> HttpResponse:
    """Switches that act at once."""
    form = forms.HabitsForm(request.POST, instance=me(request))
    form.is_valid()
    services.edit_profile(user=me(request), actor=signed_in(request), **form.cleaned_data)
    if getattr(request, "htmx", False):
        return HttpResponse(status=204, headers={"HX-Trigger": json.dumps({"toast": {"text": _("Saved.")}})})
    messages.success(request, _("Saved."))
    return redirect("accounts:profile")


@require_POST
def profile_handle(request: HttpRequest) -> HttpResponse:
    """Take another handle."""
    user, form = me(request), forms.HandleForm(request.POST)
    if not attempt(form, lambda: services.rename_handle(namespace=user, actor=signed_in(request), handle=form.cleaned_data["handle"])):
        return _profile_page(request, me(request), handle_form=form)
    messages.success(request, _("Your handle is now %(handle)s. Old addresses lead to the new ones.") % {"handle": user.handle})
    return redirect("accounts:profile")
