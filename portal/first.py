"""The first administrator: until one exists, whoever holds the link that `manage.py up` prints may become it."""

from allauth.account.models import EmailAddress
from django import forms
from django.contrib.auth import password_validation
from django.core import signing
from django.db import connection, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from accounts.services import check_handle, claiming, record
from core.problems import Conflict, Problem

VALID_SECONDS = 24 * 3600
_SALT = "portal.first-administrator"
_LOCK = 0x67616C31  # any number that nothing else locks


def administrator_exists() -> bool:
    """Whether somebody may already administer the gallery; then links are void."""
    return bool(User.objects.filter(is_superuser=True, is_active=True).exclude(password__startswith="!").exists())


def new_token() -> str:
    """Return a token that opens the form for a day, as long as there is no administrator."""
    return signing.dumps("first", salt=_SALT)


def usable(token: str) -> bool:
    """Whether `token` opens the form now."""
    try:
        signing.loads(token, salt=_SALT, max_age=VALID_SECONDS)
    except signing.BadSignature:
        return False
    return not administrator_exists()


class FirstAdministratorForm(forms.Form):
    """Who the first administrator is going to be."""

    handle = forms.CharField(
        label=gettext_lazy("Handle"),
        max_length=64,
        help_text=gettext_lazy("Part of your address here."),
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false", "autofocus": True}),
    )
    email = forms.EmailField(label=gettext_lazy("E-mail"), widget=forms.EmailInput(attrs={"autocomplete": "email"}))
    password = forms.CharField(
        label=gettext_lazy("Password"), strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"})
    )

    def clean_handle(self) -> str:
        handle: str = self.cleaned_data["handle"]
        try:
            check_handle(handle)
        except Problem as problem:
            raise forms.ValidationError([str(message) for message in problem.errors["handle"]], code=problem.code) from problem
        return handle

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"]
        if User.objects.filter(email__iexact=email).exists():
            raise forms.ValidationError(_("An account uses this address already. Choose another one."), code="email_taken")
        return email

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        person = User(handle=self.cleaned_data.get("handle", ""), email=self.cleaned_data.get("email", ""))
        password_validation.validate_password(password, person)
        return password


@transaction.atomic
def create_first_administrator(*, handle: str, email: str, password: str) -> User:
    """Create the administrator, once: of two people with the link one is first."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    if administrator_exists():
        raise Conflict("administrator_exists", _("Somebody has become the administrator in the meantime. Sign in with that account."))
    with claiming(handle):
        user = User.objects.create_superuser(handle, email, password)
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    record(actor=user, verb="create_administrator", target_kind="user", target_id=user.pk, target=user.handle)
    return user
