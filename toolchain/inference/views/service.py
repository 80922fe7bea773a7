"""One service: its playground, what programs need to call it, its logs and its versions."""

from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from core import logs
from core.htmx import render_page
from core.problems import Missing
from core.sheets import in_thread
from toolchain.inference.finding import callable_at, service_at
from toolchain.inference.metrics import RANGES, Metrics, name_of
from toolchain.inference.page import ServicePage
from toolchain.inference.playing import (
    AnswersForm,
    ChatForm,
    CompletionForm,
    RequestForm,
    Turn,
    answer,
    complete,
    converse,
    messages_in,
    send,
)
from toolchain.inference.snippets import snippets_of
from toolchain.models import Run
from toolchain.runs.reading import pieces

TABS = ("playground", "metrics", "api", "logs", "versions", "settings")


@require_http_methods(["GET", "HEAD", "POST"])
def playground(request: HttpRequest, namespace: str, name: str) -> HttpResponse:
    """Show the playground; with what was sent by hand, the answer to it."""
    page = ServicePage(request.user, callable_at(request.user, namespace, name), request.GET)
    context = _played(request, page) if request.method == "POST" else _blank(page)
    turn, bound = context.get("turn"), context["form"].is_bound
    status = 422 if bound and turn is None and context["form"].errors else 200
    return render(request, "inference/playground.html", {"page": page, **context}, status=status)


def _blank(page: ServicePage) -> dict[str, Any]:
    return {"form": _form_of(page)(initial=_example(page)), "earlier": []}


def _example(page: ServicePage) -> dict[str, str]:
    """Return what a saved request puts into the form."""
    wanted = page.given.get("example", "")
    # Those who may only call it do not read what members saved.
    found = next((each for each in page.examples if str(each.pk) == wanted), None) if page.is_member else None
    text = found.request.get("body", "") if found is not None else ""
    return {"body": text or '{\n  "inputs": ""\n}'} if page.kind == "custom" else {}


def _form_of(page: ServicePage) -> Any:
    if page.kind == "chat":
        return CompletionForm if page.mode == "completion" else ChatForm
    return AnswersForm if page.kind == "answers" else RequestForm


def _played(request: HttpRequest, page: ServicePage) -> dict[str, Any]:
    if request.POST.get("do") == "clear":
        return _blank(page)
    form = _form_of(page)(request.POST, request.FILES)
    turn: Turn | None = None
    if form.is_valid():
        play: Any = {ChatForm: converse, CompletionForm: complete, AnswersForm: answer, RequestForm: send}[type(form)]
        turn = play(request, page.service, form)
    earlier: Any = turn.messages if turn is not None else []
    if turn is None and isinstance(form, ChatForm) and "history" not in form.errors:
        earlier = messages_in(request.POST.get("history", ""))
    return {"form": form, "turn": turn, "earlier": earlier}


@require_safe
def state(request: HttpRequest, namespace: str, name: str) -> HttpResponse:
    """Show the head of a service, for the page that follows it."""
    tab = request.GET.get("tab", "")
    page = ServicePage(request.user, callable_at(request.user, namespace, name), request.GET, tab if tab in TABS else "playground")
    if not getattr(request, "htmx", None):
        return HttpResponseRedirect(page.url)
    response = render(request, "inference/_head.html", {"page": page})
    patch_vary_headers(response, ("HX-Request",))
    return response


@require_safe
def api(request: HttpRequest, namespace: str, name: str) -> HttpResponse:
    """Show what a program needs to call the service."""
    page = ServicePage(request.user, callable_at(request.user, namespace, name), request.GET, "api")
    return render(request, "inference/api.html", {"page": page, "snippets": snippets_of(page.service)})


@require_safe
def metrics(request: HttpRequest, namespace: str, name: str) -> HttpResponse:
    """Show what a service did over a stretch of time; as a fragment, what is drawn."""
    page = ServicePage(request.user, service_at(request.user, namespace, name), request.GET, "metrics")
    found = Metrics(page.service, request.GET)
    ranges = [(code, text, code == found.window.code) for code, (_length, text) in RANGES.items()]
    context = {"page": page, "metrics": found, "ranges": ranges}
    return render_page(request, "inference/metrics.html", "inference/_metrics.html", context)


@require_safe
def log(request: HttpRequest, namespace: str, name: str, replica: int | None = None, attempt: int = 0) -> HttpResponse:
    """Show the log of a replica, or the part of it that was asked for."""
    page = ServicePage(request.user, service_at(request.user, namespace, name), request.GET, "logs")
    choices = [(row, run, page.address("log", row.pk, run.attempt)) for row, run in page.logged]
    if replica is None and choices:
        replica, attempt = choices[0][0].pk, choices[0][1].attempt
    if replica is None:
        return render(request, "inference/logs.html", {"page": page, "choices": []})
    row, run = _run(page, replica, attempt)
    context = {
        "page": page, "choices": [(name_of(each), other, address, other == run) for each, other, address in choices], "replica": row, "run": run,
        "id": "log", "name": _("Log of replica %(name)s") % {"name": name_of(row)}, "address": page.address("log", row.pk, run.attempt),
        "download": page.address("log_file", row.pk, run.attempt),
    }  # fmt: skip
    return logs.answer(request, page.log(run), "inference/logs.html", context)


@require_safe
def log_file(request: HttpRequest, namespace: str, name: str, replica: int, attempt: int) -> HttpResponseBase:
    """Send the whole log of a replica."""
    page = ServicePage(request.user, service_at(request.user, namespace, name), request.GET, "logs")
    _row, run = _run(page, replica, attempt)

    def content() -> Iterator[bytes]:
        for _at, data in pieces(run, "log"):
            yield data

    response = StreamingHttpResponse(in_thread(content()), content_type="text/plain; charset=utf-8")
    response["Cache-Control"] = "private, no-store"
    response["Content-Disposition"] = f'attachment; filename="{page.service.name}-{replica}-{attempt}.txt"'
    response["X-Content-Type-Options"] = "nosniff"
    return response


@require_safe
def versions(request: HttpRequest, namespace: str, name: str) -> HttpResponse:
    """Show the versions of a service, and what was done to it."""
    page = ServicePage(request.user, service_at(request.user, namespace, name), request.GET, "versions")
    return render(request, "inference/versions.html", {"page": page})


def _run(page: ServicePage, replica: int, attempt: int) -> tuple[Any, Run]:
    found = page.run_of(replica, attempt)
    if found is None:
        raise Missing("run_not_found", _("There is no such log. The replica may be gone."))
    return found
