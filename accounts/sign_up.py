"""Sign-up pages and forms: allauth's, with a clear message where somebody else took the handle a moment before."""

from typing import Any

from allauth.account.forms import SignupForm as AccountSignupForm
from allauth.account.views import SignupView as AccountSignupView
from allauth.socialaccount.forms import SignupForm as SocialSignupForm
from allauth.socialaccount.internal.flows.signup import redirect_to_signup
from allauth.socialaccount.views import SignupView as SocialSignupView
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from accounts.services import claiming
from core.problems import Conflict


class HandleMixin:
    """A sign-up form that saves everything or nothing."""

    fields: Any
    cleaned_data: Any

    def name_the_handle(self) -> None:
        field = self.fields["username"]
        field.label = _("Handle")
        field.help_text = _("Part of your address here. Leave it empty to get one such as ur5468675; you can change it later.")
        field.widget.attrs |= {"placeholder": "", "maxlength": "39", "autocapitalize": "none", "spellcheck": "false"}

    def try_save(self, request: HttpRequest) -> tuple[Any, HttpResponse | None]:
        with claiming(self.cleaned_data.get("username") or ""):
            return super().try_save(request)  # type: ignore[misc,no-any-return]


class SignupForm(HandleMixin, AccountSignupForm):  # type: ignore[misc]
    """E-mail, handle, password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.name_the_handle()


class SingleSignOnForm(HandleMixin, SocialSignupForm):  # type: ignore[misc]
    """What the provider did not tell: e-mail, handle."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.name_the_handle()


def show_conflict(form: Form, conflict: Conflict) -> None:
    """Put the messages of `conflict` at their fields."""
    for field, messages in conflict.errors.items():
        form.add_error("username" if field == "handle" else field, [str(message) for message in messages])


class SignupView(AccountSignupView):  # type: ignore[misc]
    """Sign-up with e-mail and password."""

    def form_valid(self, form: Any) -> HttpResponse:
        try:
            return super().form_valid(form)  # type: ignore[no-any-return]
        except Conflict as conflict:
            show_conflict(form, conflict)
            return self.form_invalid(form)  # type: ignore[no-any-return]


class SingleSignOnView(SocialSignupView):  # type: ignore[misc]
    """Sign-up after single sign-on, where the provider's answer was not enough."""

    def form_valid(self, form: Any) -> HttpResponse:
        try:
            return super().form_valid(form)  # type: ignore[no-any-return]
        except Conflict as conflict:
            # The flow forgets the provider's answer before it saves; the next try needs it.
            redirect_to_signup(self.request, self.sociallogin)
            show_conflict(form, conflict)
            return self.form_invalid(form)  # type: ignore[no-any-return]
