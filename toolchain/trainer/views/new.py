"""Putting a training job together, confirming its order, and starting it."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.authentication import signed_in
from assets.addresses import asset_named
from assets.models import Asset
from assets.revisions import permit
from core.htmx import render_page, see_other
from core.problems import Problem
from toolchain.choices import find_usable
from toolchain.trainer.models import Training
from toolchain.trainer.views.job import training_at
from toolchain.trainer.workflow import Workflow, settings_of


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Show what there is to choose of a training job; show its order once everything is chosen; start it once that is confirmed."""
    data = request.POST if request.method == "POST" else request.GET
    source = _source(request, data.get("clone", ""))
    repo_id = data.get("model", "") or (source.model.repo_id if source and source.model else "")
    if not repo_id:
        if source is not None:
            messages.warning(request, _("The model of this training job is not there any more. Choose another one."))
        return _choose(request, data.get("words", ""))
    model = asset_named(request.user, Asset.Kind.MODEL, repo_id)
    if model.needs_grant:
        return HttpResponseRedirect(f"{model.get_absolute_url()}/apply")
    permit(model, "train")
    given = data.dict()
    if request.method != "POST":
        given = (settings_of(source) if source else {}) | given | {"model_revision": data.get("revision", "") or _commit_of(source)}
        return _show(request, Workflow(signed_in(request), model, given), source)
    return _act(request, model, given, data.get("do", ""), source)


@require_safe
def datasets(request: HttpRequest) -> HttpResponse:
    """Show the datasets that typed words may mean; for the list that follows the typing."""
    found = find_usable(request.user, Asset.Kind.DATASET, request.GET.get("words", ""))
    return render(request, "trainer/_datasets.html", {"found": found, "words": request.GET.get("words", "")})


def _act(request: HttpRequest, model: Asset, given: dict[str, str], do: str, source: Training | None) -> HttpResponse:
    verb, _colon, name = do.partition(":")
    if verb == "dataset":
        given |= {"dataset": name, "dataset_revision": "", "words": ""}
    elif verb == "change":
        given |= {"dataset": "", "dataset_revision": "", "words": ""}
    workflow = Workflow(signed_in(request), model, given)
    match verb:
        case "remove":
            workflow.remove(name)
        case "add":
            workflow.add(name)
        case "reset":
            workflow.reset()
        case "inspect":
            workflow = workflow.have_read()
        case "order" | "start":
            if not workflow.validate():
                return _show(request, workflow, source, checked=True, status=422)
            return _start(request, workflow, source) if verb == "start" else _order(request, workflow)
    return _show(request, workflow, source)


def _start(request: HttpRequest, workflow: Workflow, source: Training | None) -> HttpResponse:
    try:
        training = workflow.submit(cloned_from=source)
    except Problem as problem:
        workflow.add_problem(problem)
        return _show(request, workflow, source, checked=True, status=problem.page_status)
    messages.success(request, _("The training job is in the queue."))
    return see_other(request, training.get_absolute_url())


def _show(request: HttpRequest, workflow: Workflow, source: Training | None, *, checked: bool = False, status: int = 200) -> HttpResponse:
    context: dict[str, Any] = {
        "workflow": workflow,
        "form": workflow.form if checked else workflow.quiet(),
        "source": source,
        "checked": checked,
    }
    return render_page(request, "trainer/new.html", "trainer/_new.html", context, status=status)


def _order(request: HttpRequest, workflow: Workflow) -> HttpResponse:
    return render_page(request, "trainer/order.html", "trainer/_order.html", {"workflow": workflow, "order": workflow.order})


def _choose(request: HttpRequest, words: str) -> HttpResponse:
    context = {"words": words, "found": find_usable(request.user, Asset.Kind.MODEL, words)}
    return render_page(request, "trainer/choose.html", "trainer/_choose.html", context)


def _source(request: HttpRequest, given: str) -> Training | None:
    """Return the training job whose settings are taken over, None where there is none."""
    if not (given.isascii() and given.isdigit() and len(given) < 18):
        return None
    return training_at(request.user, int(given))


def _commit_of(source: Training | None) -> str:
    return source.model_commit if source is not None else ""
