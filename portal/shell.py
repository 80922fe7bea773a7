"""Pages of the frame: the choice of language, the page of parts, robots.txt, the favicon, and the pages of last resort."""

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.contrib.staticfiles.storage import staticfiles_storage
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template import loader
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from accounts.services import remember_language
from core.errors import problem_response
from core.problems import Forbidden, Missing, Problem
from portal import specimens


@login_not_required
@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Remember the chosen language in a cookie and in the session, and go back to the page it was chosen on."""
    target = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()}, require_https=request.is_secure()):
        target = "/"
    response = HttpResponseRedirect(target)
    chosen = request.POST.get("language", "")
    if chosen in dict(settings.LANGUAGES):
        if request.user.is_authenticated:
            remember_language(request, chosen)
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            chosen,
            max_age=settings.LANGUAGE_COOKIE_AGE,
            samesite="Lax",
            secure=request.is_secure(),
        )
    return response


@login_not_required
@require_safe
def design(request: HttpRequest) -> HttpResponse:
    """Show every part of the interface in every state."""
    return render(request, "design/page.html", specimens.context(request))


@login_not_required
@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """Keep crawlers out of what is not a page."""
    lines = [
        "User-agent: *",
        "Disallow: /account/",
        "Disallow: /admin/",
        "Disallow: /api/",
        "Disallow: /me/",
        "Disallow: /*/resolve/",
        "Disallow: /*/zip/",
    ]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain")


@login_not_required
@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """Lead browsers that ask for /favicon.ico to the sign of the gallery."""
    return HttpResponseRedirect(staticfiles_storage.url("favicon.svg"))


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return problem_response(request, Problem("bad_request", _("The address or the form could not be read. Go back and try again.")))


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return problem_response(request, Forbidden("not_permitted", _("You may see this, but you do not have the right to do that.")))


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return problem_response(request, Missing("not_found", _("There is nothing at this address, or you may not see it.")))


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer when everything else failed: needs no database, no session and no context processor."""
    return HttpResponse(loader.render_to_string("errors/500.html", {"request_id": getattr(request, "request_id", "")}), status=500)
