"""What somebody may compute with."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from core.htmx import render_page
from toolchain.trainer.compute import ComputePage


@require_safe
def compute(request: HttpRequest) -> HttpResponse:
    """Show specs, limits, what was used this month, and the ledger."""
    return render_page(request, "trainer/compute.html", "trainer/_compute.html", {"page": ComputePage(request)})
