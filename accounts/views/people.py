"""The account pages: one's own settings, and the settings and members of organisations."""

import json
import re
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.files.storage import default_storage
from django.forms import BaseForm
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import services
from accounts.authentication import signed_in
from accounts.forms import people as forms
from accounts.heads import head_of
from accounts.models import AccessToken, Membership, Namespace, Organisation, User
from core.htmx import render_page
from core.permissions import require
from core.problems import Missing, Moved, Problem
from core.security import CONTENT_POLICY

AVATAR = re.compile(r"\A[0-9a-f]{32}\Z")


def show_problem(form: BaseForm, problem: Problem) -> None:
    """Put what a service refused at the fields of `form`; what fits no field is raised again."""
    if not problem.errors or not set(problem.errors) <= set(form.fields):
        raise problem
    for field, found in problem.errors.items():
        form.add_error(field, [str(message) for message in found])


def attempt(form: BaseForm, act: Callable[[], Any]) -> bool:
    """Do `act` if the form is valid, and say whether it happened; refusals by field become errors of the form."""
    if not form.is_valid():
        return False
    try:
        act()
    except Problem as problem:
        show_problem(form, problem)
        return False
    return True


def me(request: HttpRequest) -> User:
    """Return the signed-in user with their verbs."""
    user: User = User.objects.for_user(request.user).get(pk=request.user.pk)
    return user


def organisation_at(request: HttpRequest, handle: str) -> Namespace:
    """Return the organisation at `handle` with the viewer's verbs; a former handle leads on."""
    namespace, former = services.namespace_at(handle, user=request.user)
    if namespace.kind != Namespace.Kind.ORGANISATION:
        raise Missing("organisation_not_found", _("There is no organisation with this handle."))
    if former:
        raise Moved(handle, namespace.handle)
    return namespace


# --- One's own settings -------------------------------------------------------------------------------------


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
    if not _save_avatar(request, user, form):
        return _profile_page(request, user, avatar_form=form)
    return redirect("accounts:profile")


def _save_avatar(request: HttpRequest, namespace: Namespace, form: forms.AvatarForm) -> bool:
    if "remove" in request.POST:
        services.remove_avatar(namespace=namespace, actor=signed_in(request))
        messages.success(request, _("Picture removed."))
        return True
    saved = attempt(form, lambda: services.set_avatar(namespace=namespace, actor=signed_in(request), image=form.cleaned_data["avatar"]))
    if saved:
        messages.success(request, _("Picture saved."))
    return saved


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


@never_cache
@require_http_methods(["GET", "POST"])
def tokens(request: HttpRequest) -> HttpResponse:
    """The list, and a new token, whose secret is in this one answer only."""
    user = me(request)
    form = forms.TokenForm(request.POST or None, user=user)
    made: list[Any] = []

    def create() -> None:
        cleaned = form.cleaned_data
        made.extend(
            services.create_token(
                actor=signed_in(request), name=cleaned["name"], scope=cleaned["scope"],
                verbs=cleaned["verbs"], resources=cleaned["resources"], expires_at=form.expires_at,
            )
        )  # fmt: skip

    if request.method == "POST" and attempt(form, create):
        form = forms.TokenForm(user=user)
    labels = {choice.key: choice for choice in form.choices}
    rows = list(AccessToken.objects.for_user(request.user).order_by("-created_at", "-pk"))
    context = {
        "person": user,
        "form": form,
        "tokens": [{"row": row, "resources": [labels[key] for key in row.resources if key in labels]} for row in rows],
        "created": made[0] if made else None,
        "secret": made[1] if made else "",
    }
    return render_page(request, "accounts/tokens.html", "accounts/_tokens.html", context, status=422 if form.errors else 200)


@require_POST
def revoke_token(request: HttpRequest, pk: int) -> HttpResponse:
    """End a token at once."""
    token = AccessToken.objects.for_user(request.user).filter(pk=pk).first()
    if token is None:
        raise Missing("token_not_found", _("You have no such token."))
    services.revoke_token(token=token, actor=signed_in(request))
    messages.success(request, _("Token “%(name)s” revoked.") % {"name": token.name})
    return redirect("accounts:tokens")


# --- Organisations ------------------------------------------------------------------------------------------


@require_GET
def organisations(request: HttpRequest) -> HttpResponse:
    """The organisations one belongs to."""
    rows = (
        Membership.objects.for_user(request.user)
        .filter(user=signed_in(request))
        .select_related("organisation")
        .order_by("organisation__handle")
    )
    context = {"person": me(request), "memberships": rows}
    return render_page(request, "accounts/organisations.html", "accounts/_organisations.html", context)


@require_http_methods(["GET", "POST"])
def new_organisation(request: HttpRequest) -> HttpResponse:
    """Start an organisation as its first owner."""
    form = forms.NewOrganisationForm(request.POST or None)
    if request.method == "POST" and attempt(form, lambda: services.create_organisation(actor=signed_in(request), **form.cleaned_data)):
        messages.success(request, _("Organisation created. Add the people you work with."))
        return redirect("accounts:members", handle=form.cleaned_data["handle"])
    context = {"person": me(request), "form": form}
    status = 422 if form.errors else 200
    return render_page(request, "accounts/organisation_new.html", "accounts/_organisation_new.html", context, status=status)


@require_http_methods(["GET", "POST"])
def settings(request: HttpRequest, handle: str) -> HttpResponse:
    """Name, description, picture, handle and deletion of an organisation."""
    if handle.lower() == signed_in(request).handle.lower():
        return redirect("accounts:profile")
    organisation = organisation_at(request, handle)
    require(organisation, "edit")
    form = forms.OrganisationForm(request.POST or None, instance=Organisation.objects.for_user(request.user).get(pk=organisation.pk))
    if request.method == "POST" and attempt(
        form, lambda: services.edit_organisation(organisation=organisation, actor=signed_in(request), **form.cleaned_data)
    ):
        messages.success(request, _("Organisation saved."))
        return redirect("accounts:settings", handle=organisation.handle)
    return _settings_page(request, organisation, form=form)


def _settings_page(request: HttpRequest, organisation: Namespace, **bound: BaseForm) -> HttpResponse:
    context = {
        "head": head_of(organisation, request.user, "settings"),
        "organisation": organisation,
        "form": forms.OrganisationForm(instance=Organisation.objects.for_user(request.user).get(pk=organisation.pk)),
        "handle_form": forms.HandleForm(initial={"handle": organisation.handle}),
        "avatar_form": forms.AvatarForm(),
        "delete_form": forms.DeleteForm(handle=organisation.handle),
        **bound,
    }
    status = 422 if any(form.errors for form in bound.values()) else 200
    return render_page(request, "accounts/settings.html", "accounts/_settings.html", context, status=status)


@require_POST
def settings_avatar(request: HttpRequest, handle: str) -> HttpResponse:
    """Replace or remove the picture of an organisation."""
    organisation, form = organisation_at(request, handle), forms.AvatarForm(request.POST, request.FILES)
    require(organisation, "edit")
    if not _save_avatar(request, organisation, form):
        return _settings_page(request, organisation, avatar_form=form)
    return redirect("accounts:settings", handle=organisation.handle)


@require_POST
def settings_handle(request: HttpRequest, handle: str) -> HttpResponse:
    """Give an organisation another handle."""
    organisation, form = organisation_at(request, handle), forms.HandleForm(request.POST)
    require(organisation, "rename")
    if not attempt(
        form, lambda: services.rename_handle(namespace=organisation, actor=signed_in(request), handle=form.cleaned_data["handle"])
    ):
        return _settings_page(request, organisation_at(request, handle), handle_form=form)
    messages.success(request, _("The handle is now %(handle)s. Old addresses lead to the new ones.") % {"handle": organisation.handle})
    return redirect("accounts:settings", handle=organisation.handle)


@require_POST
def delete_organisation(request: HttpRequest, handle: str) -> HttpResponse:
    """Delete an organisation that owns nothing."""
    organisation = organisation_at(request, handle)
    require(organisation, "delete")
    form = forms.DeleteForm(request.POST, handle=organisation.handle)
    if not attempt(form, lambda: services.delete_organisation(organisation=organisation, actor=signed_in(request))):
        return _settings_page(request, organisation, delete_form=form)
    messages.success(request, _("Organisation “%(handle)s” deleted.") % {"handle": organisation.handle})
    return redirect("accounts:organisations")


@require_http_methods(["GET", "POST"])
def members(request: HttpRequest, handle: str) -> HttpResponse:
    """Who belongs to an organisation; adding somebody, changing a role."""
    organisation = organisation_at(request, handle)
    require(organisation, "view_members")
    form = forms.MemberForm(request.POST or None)
    if request.method == "POST":
        if attempt(form, lambda: _set_member(request, organisation, form)):
            return redirect("accounts:members", handle=organisation.handle)
        if "invite_reader" not in organisation.allowed:
            require(organisation, "manage_members")
    rows = Membership.objects.for_user(request.user).filter(organisation=organisation.pk).listed()
    mine = Membership.objects.for_user(request.user).filter(organisation=organisation.pk, user=signed_in(request)).exists()
    context = {
        "head": head_of(organisation, request.user, "members"),
        "organisation": organisation,
        "memberships": rows,
        "form": form,
        "roles": Membership.Role.choices,
        "is_member": mine,
    }
    return render_page(request, "accounts/members.html", "accounts/_members.html", context, status=422 if form.errors else 200)


def _set_member(request: HttpRequest, organisation: Namespace, form: BaseForm) -> None:
    cleaned = form.cleaned_data
    user = services.person_at(cleaned["handle"])
    services.set_member(organisation=organisation, actor=signed_in(request), user=user, role=cleaned["role"])
    messages.success(request, _("%(name)s: saved.") % {"name": user.name})


@require_POST
def remove_member(request: HttpRequest, handle: str, member: str) -> HttpResponse:
    """End a membership, one's own or somebody else's."""
    organisation, user = organisation_at(request, handle), services.person_at(member)
    services.remove_member(organisation=organisation, actor=signed_in(request), user=user)
    if user.pk == request.user.pk:
        messages.success(request, _("You have left %(name)s.") % {"name": organisation.name})
        return redirect("accounts:organisations")
    messages.success(request, _("%(name)s is no longer a member.") % {"name": user.name})
    return redirect("accounts:members", handle=organisation.handle)


# --- Pictures -----------------------------------------------------------------------------------------------


@login_not_required
@require_GET
def avatar(request: HttpRequest, namespace: int, name: str) -> FileResponse:
    """The picture of a user or organisation; its address changes with its content, so it may be kept for ever."""
    path = f"avatars/{namespace}/{name}.webp"
    if not AVATAR.match(name) or not default_storage.exists(path):
        raise Missing("avatar_not_found", _("There is no such picture."))
    response = FileResponse(default_storage.open(path), content_type="image/webp")
    response.headers["Content-Security-Policy"] = CONTENT_POLICY
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return response
