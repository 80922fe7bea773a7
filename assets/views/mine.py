"""My Gallery: one's own assets, subscriptions, downloads and favourites."""

from django.db.models import Count
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_safe

from assets.catalogue import Catalogue
from assets.mine import MyList, kind_tab, own_assets, rejections, ways
from assets.models import Asset
from core.htmx import render_page


@require_safe
def me(request: HttpRequest) -> HttpResponse:
    """Lead to one's own assets."""
    return HttpResponseRedirect("/me/assets")


@require_safe
def mine(request: HttpRequest) -> HttpResponse:
    """Show what one owns or contributes to, by kind."""
    kind = Asset.Kind.DATASET if request.GET.get("kind") == Asset.Kind.DATASET else Asset.Kind.MODEL
    own = own_assets(request.user)
    counts = dict.fromkeys(Asset.Kind.values, 0) | dict(own.order_by().values_list("kind").annotate(count=Count("pk")))
    catalogue = Catalogue(request, kind, own.of_kind(kind), path="/me/assets", fixed={"kind": kind.value})
    chosen = catalogue.filterset.chosen.get("state", [""])[0]
    context = {
        "catalogue": catalogue,
        "kind": kind.value,
        "tabs": [kind_tab("/me/assets", word, count, kind) for word, count in counts.items()],
        "ways": ways(kind.value, "assets"),
        "states": [(value, name, value == chosen) for value, name in Asset.State.choices],
        "rejections": rejections(catalogue.page.rows),
    }
    response = render_page(request, "assets/mine/assets.html", "assets/mine/_assets.html", context)
    if request.headers.get("HX-Request"):
        response.headers["HX-Push-Url"] = catalogue.address
    return response


@require_safe
def subscriptions(request: HttpRequest) -> HttpResponse:
    """Show what one subscribes to, by kind."""
    found = MyList(request, "subscriptions")
    context = {"list": found, "ways": ways(found.kind, "subscriptions")}
    return render_page(request, "assets/mine/subscriptions.html", "assets/mine/_subscriptions.html", context)


@require_safe
def downloads(request: HttpRequest) -> HttpResponse:
    """Show what one has fetched, by kind."""
    found = MyList(request, "downloads")
    context = {"list": found, "ways": ways(found.kind, "downloads")}
    return render_page(request, "assets/mine/downloads.html", "assets/mine/_downloads.html", context)


@require_safe
def favourites(request: HttpRequest) -> HttpResponse:
    """Show what one keeps, all kinds or one."""
    found = MyList(request, "favourites", every_kind=True)
    return render_page(request, "assets/mine/favourites.html", "assets/mine/_favourites.html", {"list": found})
