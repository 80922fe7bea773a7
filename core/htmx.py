"""One URL serves the page and its fragment."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.cache import patch_vary_headers


def render_page(request: HttpRequest, page: str, fragment: str, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    """Return `fragment` when htmx asks for it (neither boosted nor restoring history), else the whole `page`."""
    htmx: Any = getattr(request, "htmx", None)
    partial = bool(htmx) and not htmx.boosted and not htmx.history_restore_request
    response = render(request, fragment if partial else page, context, status=status)
    patch_vary_headers(response, ("HX-Request",))
    return response


def see_other(request: HttpRequest, address: str) -> HttpResponse:
    """Return the answer to a form that leads to another page, for the browser itself or for htmx."""
    if getattr(request, "htmx", None):
        return HttpResponse(status=204, headers={"HX-Redirect": address})
    return HttpResponseRedirect(address, status=303)
