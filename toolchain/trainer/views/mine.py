"""The list of training jobs."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from core.htmx import render_page
from toolchain.trainer.mine import Mine


@require_safe
def jobs(request: HttpRequest) -> HttpResponse:
    """Show the training jobs of the person and of their organisations."""
    return render_page(request, "trainer/jobs.html", "trainer/_jobs.html", {"mine": Mine(request)})
