"""The administration of accounts: mostly to look. Handles, members and tokens change through the pages, which write the audit trail."""

from typing import Any

from allauth.account.decorators import secure_admin_login
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialApp, SocialToken
from allauth.usersessions.models import UserSession
from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.authentication import signed_in
from accounts.models import AccessToken, AuditEvent, Membership, Organisation, User
from accounts.services import check_handle, record
from core.problems import Problem


class ReadOnly:
    """Rows that the administration shows and never changes."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class NewUserForm(forms.ModelForm):  # type: ignore[type-arg]
    """A new account; without a password its owner sets one through the reset mail."""

    class Meta:
        model = User
        fields = ["handle", "email", "nickname"]

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

    def save(self, commit: bool = True) -> User:
        user: User = super().save(commit=False)
        user.set_unusable_password()
        if commit:
            user.save()
        return user


class TokensInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]
    model = AccessToken
    fields = readonly_fields = ("name", "prefix", "scope", "created_at", "expires_at", "last_used_at")
    extra = 0
    verbose_name_plural = _("access tokens")


class MembershipsInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]
    model = Membership
    fields = readonly_fields = ("organisation", "user", "role", "created_at")
    extra = 0


@admin.register(User)
class AccountAdmin(UserAdmin):  # type: ignore[type-arg]
    add_form = NewUserForm
    add_fieldsets = ((None, {"fields": ["handle", "email", "nickname"]}),)
    fieldsets = (
        (None, {"fields": ["handle", "email", "nickname", "bio", "official", "language"]}),
        (_("Rights"), {"fields": ["is_active", "is_staff", "is_superuser", "groups", "user_permissions"]}),
        (_("Dates"), {"fields": ["created_at", "last_login"]}),
    )
    readonly_fields = ["handle", "email", "created_at", "last_login"]
    list_display = ["handle", "nickname", "email", "is_active", "is_staff", "created_at"]
    list_filter = ["is_active", "is_staff", "is_superuser", "official"]
    search_fields = ["handle", "nickname", "email"]
    ordering = ["handle"]
    inlines = [TokensInline, MembershipsInline]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.readonly_fields if obj else []

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only administrators: whoever changes accounts can make themselves anything."""
        return bool(request.user.is_superuser)

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return self.inlines if obj else []

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> Any:
        response = super().user_change_password(request, id, form_url)
        user = User.objects.filter(pk=id).first() if id.isdigit() else None
        if request.method == "POST" and response.status_code == 302 and user:
            record(actor=signed_in(request), verb="change_password", target_kind="user", target_id=user.pk, target=user.handle)
        return response

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        verb = "administer" if change else "create"
        record(
            actor=signed_in(request), verb=verb, target_kind="user", target_id=obj.pk, target=obj.handle, fields=sorted(form.changed_data)
        )


@admin.register(Organisation)
class OrganisationAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    fields = ["handle", "nickname", "bio", "official", "created_at"]
    readonly_fields = ["handle", "created_at"]
    list_display = ["handle", "nickname", "official", "created_at"]
    list_filter = ["official"]
    search_fields = ["handle", "nickname"]
    ordering = ["handle"]
    inlines = [MembershipsInline]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Organisation, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        record(
            actor=signed_in(request), verb="administer", target_kind="organisation", target_id=obj.pk, target=obj.handle,
            fields=sorted(form.changed_data),
        )  # fmt: skip


@admin.register(AccessToken)
class AccessTokenAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    fields = ["user", "name", "prefix", "scope", "verbs", "resources", "created_at", "expires_at", "last_used_at"]
    list_display = ["name", "user", "prefix", "scope", "expires_at", "last_used_at"]
    list_filter = ["scope"]
    search_fields = ["name", "user__handle", "prefix"]
    list_select_related = ["user"]
    actions = ["revoke"]

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    @admin.action(description=_("Revoke the chosen tokens"), permissions=["revoke"])
    def revoke(self, request: HttpRequest, chosen: QuerySet[AccessToken]) -> None:
        for token in chosen.select_related("user"):
            pk, owner = token.pk, token.user.handle
            token.delete()
            record(actor=signed_in(request), verb="revoke", target_kind="token", target_id=pk, target=token.name, owner=owner)


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ["at", "actor", "verb", "target_kind", "target", "ip", "request_id"]
    list_filter = ["verb", "target_kind"]
    search_fields = ["actor", "target", "request_id"]
    date_hierarchy = "at"
    ordering = ["-id"]
    show_full_result_count = False


# One way in: with the limits on wrong passwords and the second step.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

# allauth's own pages would show the secrets of second steps and of providers.
for shown in (Authenticator, SocialApp, SocialToken, UserSession):
    admin.site.unregister(shown)


@admin.register(Authenticator)
class AuthenticatorAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    """Second steps: an administrator removes one for a person who lost it."""

    fields = ["user", "type", "created_at", "last_used_at"]
    list_display = ["user", "type", "created_at", "last_used_at"]
    list_filter = ["type"]
    search_fields = ["user__handle", "user__email"]
    list_select_related = ["user"]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)

    def delete_model(self, request: HttpRequest, obj: Authenticator) -> None:
        user, kind = obj.user, obj.type
        super().delete_model(request, obj)
        record(actor=signed_in(request), verb="remove_authenticator", target_kind="user", target_id=user.pk, target=user.handle, kind=kind)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Authenticator]) -> None:
        for row in queryset.select_related("user"):
            self.delete_model(request, row)


@admin.register(UserSession)
class UserSessionAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    fields = ["user", "created_at", "last_seen_at", "ip", "user_agent"]
    list_display = ["user", "created_at", "last_seen_at", "ip", "user_agent"]
    search_fields = ["user__handle", "ip"]
    list_select_related = ["user"]
