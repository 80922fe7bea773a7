"""Organisations: one's own, their settings and their members."""

from django.contrib import messages
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import services
from accounts.authentication import signed_in
from accounts.forms import organisations as forms
from accounts.forms.profile import AvatarForm, HandleForm
from accounts.heads import head_of
from accounts.models import Membership, Namespace, Organisation
from accounts.views.answers import attempt, me
from accounts.views.pictures import save_avatar
from core.htmx import render_page
from core.permissions import require
from core.problems import Missing, Moved


def organisation_at(request: HttpRequest, handle: str) -> Namespace:
    """Return the organisation at `handle` with the viewer's verbs; a former handle leads on."""
    namespace, former = services.namespace_at(handle, user=request.user)
    if namespace.kind != Namespace.Kind.ORGANISATION:
        raise Missing("organisation_not_found", _("There is no organisation with this handle."))
    if former:
        raise Moved(handle, namespace.handle)
    return namespace


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
        "handle_form": HandleForm(initial={"handle": organisation.handle}),
        "avatar_form": AvatarForm(),
        "delete_form": forms.DeleteForm(handle=organisation.handle),
        **bound,
    }
    status = 422 if any(form.errors for form in bound.values()) else 200
    return render_page(request, "accounts/settings.html", "accounts/_settings.html", context, status=status)


@require_POST
def settings_avatar(request: HttpRequest, handle: str) -> HttpResponse:
    """Replace or remove the picture of an organisation."""
    organisation, form = organisation_at(request, handle), AvatarForm(request.POST, request.FILES)
    require(organisation, "edit")
    if not save_avatar(request, organisation, form):
        return _settings_page(request, organisation, avatar_form=form)
    return redirect("accounts:settings", handle=organisation.handle)


@require_POST
def settings_handle(request: HttpRequest, handle: str) -> HttpResponse:
    """Give an organisation another handle."""
    organisation, form = organisation_at(request, handle), HandleForm(request.POST)
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
