"""Pages of the site as a whole: the first administrator, lost forms, too many tries."""

from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from core.errors import problem_response
from core.problems import Missing, Problem
from portal.first import FirstAdministratorForm, create_first_administrator, usable


@never_cache
@sensitive_post_parameters("password")
@login_not_required
@require_http_methods(["GET", "POST"])
def first_administrator(request: HttpRequest, token: str) -> HttpResponse:
    """Let the holder of the link that `manage.py up` printed become the administrator, and sign them in."""
    if not usable(token):
        raise Missing("link_used", _("This link has been used or has expired. Start the gallery again to get a fresh one, or sign in."))
    form = FirstAdministratorForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        user = create_first_administrator(**form.cleaned_data)
        login(request, user, backend="accounts.authentication.AccountBackend")
        return HttpResponseRedirect("/")
    return render(request, "portal/first.html", {"form": form}, status=422 if form.errors else 200)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Explain a form that lost its protection token."""
    sentence = _("The form was open too long or cookies are off. Reload the page and send it again.")
    return problem_response(request, Problem("csrf_failed", sentence, status=403))


def too_many_requests(request: HttpRequest) -> HttpResponse:
    """Explain a rate limit."""
    return problem_response(
        request, Problem("too_many_requests", _("Too many tries in a short time. Wait a few minutes and try again."), status=429)
    )
