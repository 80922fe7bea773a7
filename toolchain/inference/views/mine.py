"""The list of services."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from core.htmx import render_page
from toolchain.inference.mine import Mine


@require_safe
def services(request: HttpRequest) -> HttpResponse:
    """Show the services of the person and of their organisations."""
    return render_page(request, "inference/services.html", "inference/_services.html", {"mine": Mine(request)})
