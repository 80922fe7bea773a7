"""Putting a service together, confirming its order, and deploying it."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.authentication import signed_in
from assets.addresses import asset_named
from assets.models import Asset
from assets.revisions import permit
from core.htmx import render_page, see_other
from core.problems import Problem
from toolchain.choices import find_usable
from toolchain.inference.deploying import Deployment
from toolchain.inference.mine import PATH


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Show what there is to choose of a service; show its order once everything is chosen; deploy it once that is confirmed."""
    data = request.POST if request.method == "POST" else request.GET
    repo_id = data.get("model", "")
    if not repo_id:
        return _choose(request, data.get("words", ""))
    model = asset_named(request.user, Asset.Kind.MODEL, repo_id)
    if model.needs_grant:
        return HttpResponseRedirect(f"{model.get_absolute_url()}/apply")
    permit(model, "deploy")
    deployment = Deployment(signed_in(request), model, data.dict())
    if request.method != "POST":
        return _show(request, deployment)
    match data.get("do", ""):
        case "inspect":
            deployment = deployment.have_read()
        case "order" | "start" as do:
            if not deployment.validate():
                return _show(request, deployment, checked=True, status=422)
            return _start(request, deployment) if do == "start" else _order(request, deployment)
    return _show(request, deployment)


def _start(request: HttpRequest, deployment: Deployment) -> HttpResponse:
    if deployment.has_moved:
        deployment.notices.append(_("The version has changed since you checked the order. This is the order for what it is now."))
        return _order(request, deployment, status=409)
    try:
        service = deployment.submit()
    except Problem as problem:
        deployment.add_problem(problem)
        return _show(request, deployment, checked=True, status=problem.page_status)
    messages.success(request, _("The service %(name)s is being deployed.") % {"name": service.name})
    return see_other(request, PATH)


def _show(request: HttpRequest, deployment: Deployment, *, checked: bool = False, status: int = 200) -> HttpResponse:
    form = deployment.form if checked else deployment.quiet()
    context = {"deployment": deployment, "form": form, "checked": checked}
    return render_page(request, "inference/new.html", "inference/_new.html", context, status=status)


def _order(request: HttpRequest, deployment: Deployment, status: int = 200) -> HttpResponse:
    context = {"deployment": deployment, "order": deployment.order}
    return render_page(request, "inference/order.html", "inference/_order.html", context, status=status)


def _choose(request: HttpRequest, words: str) -> HttpResponse:
    context = {"words": words, "found": find_usable(request.user, Asset.Kind.MODEL, words)}
    return render_page(request, "inference/choose.html", "inference/_choose.html", context)
