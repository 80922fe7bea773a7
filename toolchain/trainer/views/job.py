"""One training job: what it does, its log and its metrics, and what can be done with it."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.authentication import signed_in
from accounts.models import Namespace, User
from core import logs
from core.htmx import render_page
from core.permissions import require
from core.problems import Missing, Problem
from repos.transfer import Stretch, stretch_response
from toolchain.compute.limits import order_of
from toolchain.materials import opened
from toolchain.trainer import services
from toolchain.trainer.models import Training
from toolchain.trainer.page import JobPage, files_of
from toolchain.trainer.sending import sent_stream

Service = Callable[..., Any]


def training_at(user: User | AnonymousUser, pk: int) -> Training:
    """Return a training job that `user` may see. Raises `Missing`."""
    found = Training.objects.for_user(user).whole().filter(pk=pk).first() if pk < 2**63 else None
    if found is None:
        raise Missing("training_not_found", _("There is no such training job, or you may not see it."))
    return found


@require_safe
def training(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a training job; as a fragment, its curves as they were asked for."""
    page = _page(request, pk)
    return render_page(request, "trainer/training.html", "trainer/_curves.html", {"page": page})


@require_safe
def state(request: HttpRequest, pk: int) -> HttpResponse:
    """Show where a training job stands, for the page that follows it; have that page loaded again where the job is over."""
    page = _page(request, pk)
    if not getattr(request, "htmx", None):
        return HttpResponseRedirect(page.url)
    if not page.live:
        return HttpResponse(status=204, headers={"HX-Refresh": "true"})
    response = render(request, "trainer/_state.html", {"page": page})
    patch_vary_headers(response, ("HX-Request",))
    return response


@require_safe
def log(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the log, or the part of it that was asked for."""
    page = _page(request, pk)
    context = {"page": page, "id": "log", "name": _("Log"), "address": page.log_url, "download": page.log_file_url}
    return logs.answer(request, page.log, "trainer/log.html", context)


@require_safe
def log_file(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Send the whole log."""
    return sent_stream(_page(request, pk).running, "log")


@require_safe
def metrics(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Send the file of metrics as the script wrote it."""
    return sent_stream(_page(request, pk).running, "metrics")


@require_safe
def file(request: HttpRequest, pk: int, path: str) -> HttpResponseBase:
    """Send a file that is kept of a job that was stopped."""
    found = training_at(request.user, pk)
    require(found, "keep")
    survey = files_of(found) if found.checkpoints == Training.Checkpoints.KEPT else None
    entry = next((each for each in survey.files if each.path == path), None) if survey else None
    if survey is None or entry is None:
        raise Missing("file_not_found", _("There is no such file. It may have been dropped, or its time is over."))

    # It is the file that was found when the job ended, and nothing of the job runs that could put another one in its place.
    opened(survey, entry).close()
    etag = f'"{found.pk}-{entry.size}-{entry.modified}"'
    stretch = Stretch(entry.size, lambda start, end: (), survey.folder / entry.path)
    return stretch_response(request, stretch, name=path.rpartition("/")[2], content_type="application/octet-stream", etag=etag)


@require_http_methods(["GET", "HEAD", "POST"])
def stop(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask whether to stop a job, and do it."""
    return _confirmed(request, pk, "stop", "trainer/stop.html", services.stop_training, _("The job is being stopped."))


@require_http_methods(["GET", "HEAD", "POST"])
def drop(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask whether to give up the files of a job that was stopped, and do it."""
    return _confirmed(request, pk, "keep", "trainer/drop.html", services.drop_checkpoints, _("The checkpoints are dropped."))


@require_POST
def collect(request: HttpRequest, pk: int) -> HttpResponse:
    """Try once more to keep the result of a job that ended well."""
    return _confirmed(request, pk, "keep", "", services.collect_again, _("The result is being collected again."))


@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask whether to delete a job, and do it."""
    done = _("The training job is deleted.")
    return _confirmed(request, pk, "delete", "trainer/delete.html", services.delete_training, done, address="/jobs")


@require_http_methods(["GET", "HEAD", "POST"])
def again(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the order of the same job once more, and start it."""
    found = training_at(request.user, pk)
    require(found, "start")
    problem: Problem | None = None
    if request.method == "POST":
        try:
            made = services.retry_training(training=found, actor=signed_in(request))
        except Problem as refusal:
            problem = refusal
        else:
            messages.success(request, _("The training job is in the queue."))
            return HttpResponseRedirect(made.get_absolute_url(), status=303)
    namespace = Namespace.objects.for_user(request.user).get(pk=found.namespace_id)
    context = {
        "page": JobPage(request.user, found, request.GET),
        "order": order_of(namespace, found.spec, found.limit),
        "output_name": services.free_name(found),
        "problem": problem,
    }
    return render(request, "trainer/again.html", context, status=problem.page_status if problem else 200)


def _confirmed(request: HttpRequest, pk: int, verb: str, template: str, service: Service, done: str, address: str = "") -> HttpResponse:
    found = training_at(request.user, pk)
    require(found, verb)
    if request.method != "POST":
        return render(request, template, {"page": JobPage(request.user, found, request.GET)})
    try:
        service(training=found, actor=signed_in(request))
        messages.success(request, done)
    except Problem as problem:
        messages.error(request, str(problem.detail))
        address = ""
    return HttpResponseRedirect(address or found.get_absolute_url(), status=303)


def _page(request: HttpRequest, pk: int) -> JobPage:
    return JobPage(request.user, training_at(request.user, pk), request.GET)
