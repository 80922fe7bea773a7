"""Making a model or dataset."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from accounts.authentication import signed_in
from assets import services
from assets.addresses import KINDS
from assets.forms.assets import NewAssetForm
from assets.models import Asset
from assets.places import places_for
from assets.vocabulary import Terms
from core.problems import Problem


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest, kind: str) -> HttpResponse:
    """Ask for the names of a new asset and make it."""
    places, terms = places_for(request.user), Terms.load()
    form = NewAssetForm(request.POST or None, namespaces=places, terms=terms, initial={"owner": request.GET.get("owner", "")})
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            values = dict(form.cleaned_data)
            try:
                asset = services.create_asset(actor=signed_in(request), namespace=values.pop("owner"), kind=KINDS[kind], **values)
            except Problem as problem:
                form.add_problem(problem)
                status = problem.status
            else:
                return HttpResponseRedirect(asset.get_absolute_url())
    context = {"form": form, "kind": KINDS[kind], "is_model": KINDS[kind] == Asset.Kind.MODEL, "list_url": f"/{kind}"}
    return render(request, "assets/new.html", context, status=status)
