"""Sign-up pages and forms: allauth's, with a clear message where somebody else took the handle a moment before."""

import logging
from collections.abc import Callable
from typing import Any

from allauth.account.forms import SignupForm as AccountSignupForm
from allauth.account.views import SignupView as AccountSignupView
from allauth.socialaccount.forms import SignupForm as SocialSignupForm
from allauth.socialaccount.internal.flows.signup import redirect_to_signup
from allauth.socialaccount.views import SignupView as SocialSignupView
from django.contrib.auth.decorators import login_not_required
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from requests import RequestException

from accounts.services import claiming
from core.problems import Conflict, Problem

logger = logging.getLogger(__name__)


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


def answered(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Return a view of single sign-on that says so where the provider does not answer, or not what it should."""

    @login_not_required
    def guarded(request: HttpRequest, provider_id: str) -> HttpResponse:
        try:
            return view(request, provider_id)
        except (RequestException, ValueError, KeyError, AttributeError) as error:
            logger.warning(
                "single sign-on with %s failed: %s: %s",
                provider_id,
                type(error).__name__,
                error,
                exc_info=not isinstance(error, RequestException),
            )
            sentence = _("Single sign-on does not answer now. Try again later, or sign in another way.")
            raise Problem("provider_failed", sentence, status=502) from error

    return guarded


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
