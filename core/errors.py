"""Turning problems into pages; `core.api` turns them into JSON."""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from core.problems import Missing, Moved, Problem

PAGES = {400, 403, 404, 409, 413, 429, 500}


def wants_json(request: HttpRequest) -> bool:
    """Whether the caller is a program: an address of an API, or an explicit `Accept: application/json`."""
    return request.path.startswith("/api/") or request.headers.get("Accept", "").startswith("application/json")


def problem_response(request: HttpRequest, problem: Problem) -> HttpResponse:
    """Return the page or the JSON envelope for `problem`, with its status; for something that moved, the redirect."""
    if isinstance(problem, Moved):
        answer = HttpResponse(status=301 if request.method in ("GET", "HEAD") else 308)
        answer.headers["Location"] = problem.location(request.get_full_path())
        return answer
    if wants_json(request):
        return JsonResponse(envelope(problem), status=problem.status)
    page = problem.status if problem.status in PAGES else 400
    return render(request, f"errors/{page}.html", {"problem": problem, "status": problem.status}, status=problem.status)


def envelope(problem: Problem) -> dict[str, Any]:
    """Return the one shape of every REST error."""
    return {
        "code": problem.code,
        "detail": _writable(problem.detail),
        "errors": {_writable(k): [_writable(m) for m in v] for k, v in problem.errors.items()},
        **problem.extra,
    }


def _writable(text: Any) -> str:
    """Return a text without halves of characters, which JSON can carry in and a message may repeat."""
    return str(text).encode(errors="replace").decode()


class ProblemMiddleware:
    """Answer a `Problem` raised by a page; a missing row and a forbidden one get their pages too."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, Problem):
            return problem_response(request, exception)
        if isinstance(exception, Http404):
            return problem_response(request, Missing("not_found", _("There is nothing at this address, or you may not see it.")))
        if isinstance(exception, PermissionDenied):
            return problem_response(
                request, Problem("not_permitted", _("You may see this, but you do not have the right to do that."), status=403)
            )
        return None
