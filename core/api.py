"""REST glue: the error envelope, pages by cursor, a ViewSet base that declares verbs."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.exceptions import ValidationError as DjangoValidationError
from django.http import Http404
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions
from rest_framework.pagination import CursorPagination
from rest_framework.parsers import JSONParser
from rest_framework.response import Response

from core.errors import envelope
from core.problems import Forbidden, Invalid, Missing, Moved, Problem


class Json(JSONParser):
    """Bodies of JSON; one that is nested too deeply to be read is as bad as any other that cannot be read."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError as error:
            raise exceptions.ParseError from error


class CursorPages(CursorPagination):
    """Pages of 30, up to 100 with `limit`; `next` and `previous` are whole addresses."""

    page_size = 30
    page_size_query_param = "limit"
    max_page_size = 100
    ordering = "-id"


def as_problem(error: Exception) -> Problem | None:
    """Return the problem that `error` stands for, or None for a defect of ours."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, Http404):
        return Missing("not_found", _("There is nothing at this address, or you may not see it."))
    if isinstance(error, PermissionDenied):
        return Forbidden("not_permitted", _("You do not have the right to do that."))
    if isinstance(error, DjangoValidationError):
        fields = error.message_dict if hasattr(error, "error_dict") else {"non_field_errors": error.messages}
        return Invalid(fields)
    if isinstance(error, exceptions.ValidationError):
        return Invalid(_by_field(error.detail))
    if isinstance(error, exceptions.APIException):
        code = error.get_codes()
        return Problem(code if isinstance(code, str) else "invalid", error.detail, status=error.status_code)
    return None


def _by_field(detail: Any, prefix: str = "") -> dict[str, list[str]]:
    if isinstance(detail, dict):
        found: dict[str, list[str]] = {}
        for key, value in detail.items():
            found |= _by_field(value, f"{prefix}.{key}" if prefix else str(key))
        return found
    if isinstance(detail, list) and any(isinstance(item, dict | list) for item in detail):
        found = {}
        for index, value in enumerate(detail):
            found |= _by_field(value, f"{prefix}.{index}" if prefix else str(index)) if value else {}
        return found
    return {prefix or "non_field_errors": [str(item) for item in (detail if isinstance(detail, list) else [detail])]}


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Answer every refusal with `{"code", "detail", "errors"}`; a defect of ours is left to become a logged 500."""
    problem = as_problem(error)
    if problem is None:
        return None
    headers = {}
    if isinstance(problem, Moved):
        request = context["request"]
        headers["Location"] = problem.location(request.get_full_path())
        return Response(envelope(problem), status=301 if request.method in ("GET", "HEAD") else 308, headers=headers)
    if isinstance(error, exceptions.APIException):
        if header := getattr(error, "auth_header", None):
            headers["WWW-Authenticate"] = header
        if wait := getattr(error, "wait", None):
            headers["Retry-After"] = str(int(wait))
    return Response(envelope(problem), status=problem.status, headers=headers)
