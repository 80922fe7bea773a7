"""People and organisations: looked at, and changed by what staff may do to them."""

from typing import Any

from allauth.account.models import EmailAddress
from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminEmailInputWidget, UnfoldAdminPasswordToggleWidget, UnfoldAdminRadioSelectWidget
from unfold.widgets import UnfoldAdminTextInputWidget as TextInput

from accounts.authentication import signed_in
from accounts.models import AccessToken, Membership, Organisation, User
from accounts.services import (
    check_handle,
    create_account,
    lift_suspension,
    set_official,
    set_password,
    set_standing,
    sign_out_everywhere,
    suspend_user,
)
from accounts.services.administration import ONLY_ADMINISTRATORS
from accounts.standing import STANDING_NAMES, standing_of
from core.administration import Act, Administration, ReasonForm, ShownInline
from core.problems import Problem


class NewUserForm(forms.ModelForm):  # type: ignore[type-arg]
    """A new account; without a password its owner sets one through the reset mail."""

    class Meta:
        model = User
        fields = ["handle", "email", "nickname"]
        widgets = {"handle": TextInput(), "email": UnfoldAdminEmailInputWidget(), "nickname": TextInput()}

    def clean_handle(self) -> str:
        handle: str = self.cleaned_data["handle"]
        try:
            check_handle(handle)
        except Problem as problem:
            raise forms.ValidationError([str(message) for message in problem.errors["handle"]]) from problem
        return handle

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"].lower()
        return email


class StandingForm(forms.Form):
    standing = forms.ChoiceField(label=_("Standing"), required=False, choices=STANDING_NAMES, widget=UnfoldAdminRadioSelectWidget())


class PasswordForm(forms.Form):
    password = forms.CharField(
        label=_("New password"),
        strip=False,
        widget=UnfoldAdminPasswordToggleWidget(attrs={"autocomplete": "new-password"}),
    )


def make_official(**given: Any) -> None:
    set_official(official=True, **given)


def make_unofficial(**given: Any) -> None:
    set_official(official=False, **given)


OFFICIAL = [
    Act(
        "official", _("Mark as official"), make_official, "namespace", "accounts.change_namespace",
        note=_("Its page and its assets show that it publishes officially."), applies=lambda row: not row.official,
    ),
    Act(
        "unofficial", _("Take the official mark away"), make_unofficial, "namespace", "accounts.change_namespace",
        applies=lambda row: row.official,
    ),
]  # fmt: skip


class AddressesInline(ShownInline):
    model = EmailAddress
    fields = readonly_fields = ("email", "verified", "primary")


class TokensInline(ShownInline):
    model = AccessToken
    fields = readonly_fields = ("name", "prefix", "scope", "created_at", "expires_at", "last_used_at")
    verbose_name_plural = _("access tokens")


class MembershipsInline(ShownInline):
    model = Membership
    fields = readonly_fields = ("organisation", "user", "role", "created_at")


class StandingFilter(admin.SimpleListFilter):
    title = _("standing")
    parameter_name = "standing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [choice for choice in STANDING_NAMES if choice[0]]

    def queryset(self, request: HttpRequest, rows: QuerySet[User]) -> QuerySet[User]:
        match self.value():
            case "administrator":
                return rows.filter(is_superuser=True)
            case str(name):
                return rows.filter(is_staff=True, is_superuser=False, groups__name=name)
        return rows


@admin.register(User)
class UserAdministration(Administration):
    add_form = NewUserForm
    add_fieldsets = ((None, {"fields": ["handle", "email", "nickname"]}),)
    fieldsets = (
        (None, {"fields": ["handle", "email", "nickname", "bio", "official", "language"]}),
        (_("Rights"), {"fields": ["standing", "is_active", "suspension_reason", "onboarded_at"]}),
        (_("Dates"), {"fields": ["created_at", "last_login"]}),
    )
    list_display = ["handle", "nickname", "email", "is_active", "standing", "official", "created_at", "last_login"]
    list_filter = ["is_active", StandingFilter, "official"]
    search_fields = ["handle", "nickname", "email"]
    ordering = ["handle"]
    inlines = [AddressesInline, TokensInline, MembershipsInline]
    acts = [
        Act(
            "suspend", _("Suspend"), suspend_user, "user", "accounts.change_user", form=ReasonForm, danger=True,
            note=_("The account is switched off: sessions end, tokens are refused at once, and the person is told why by mail."),
            applies=lambda user: user.is_active,
        ),
        Act(
            "lift", _("Lift the suspension"), lift_suspension, "user", "accounts.change_user",
            note=_("The person can sign in again, and their tokens work as before."), applies=lambda user: not user.is_active,
        ),
        Act(
            "sign-out", _("Sign out everywhere"), sign_out_everywhere, "user", "accounts.change_user",
            note=_("Every session ends. Access tokens stay."),
        ),
        *OFFICIAL,
        Act(
            "standing", _("Change the standing"), set_standing, "user", ONLY_ADMINISTRATORS, form=StandingForm,
            note=_("Reviewers decide what is published, operators keep the gallery, administrators may do everything."),
        ),
        Act(
            "password", _("Set a password"), set_password, "user", ONLY_ADMINISTRATORS, form=PasswordForm, in_list=False,
            note=_("The password counts at once, and every session ends."),
        ),
    ]  # fmt: skip

    @admin.display(description=_("standing"))
    def standing(self, user: User) -> str:
        return str(dict(STANDING_NAMES)[standing_of(user)]) if standing_of(user) else ""

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        rows: QuerySet[User] = User.objects.prefetch_related("groups")
        return rows

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return self.inlines if obj else []

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change, **({} if obj else {"form": self.add_form}), **kwargs)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm(ONLY_ADMINISTRATORS))

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        values = form.cleaned_data
        made = create_account(actor=signed_in(request), handle=values["handle"], email=values["email"], nickname=values["nickname"])
        obj.pk = made.pk


@admin.register(Organisation)
class OrganisationAdministration(Administration):
    fields = ["handle", "nickname", "bio", "official", "storage_quota", "created_at"]
    list_display = ["handle", "nickname", "official", "created_at"]
    list_filter = ["official"]
    search_fields = ["handle", "nickname"]
    ordering = ["handle"]
    inlines = [MembershipsInline]
    acts = OFFICIAL
