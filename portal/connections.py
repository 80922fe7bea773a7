"""Database connections while bytes flow."""

from collections.abc import Callable

from django.db import connection
from django.http import HttpRequest
from django.http.response import HttpResponseBase


class ConnectionMiddleware:
    """Give the database connection back before a download begins: a slow client must not keep it from the others for hours."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if response.streaming and not connection.in_atomic_block:
            connection.close()
        return response
