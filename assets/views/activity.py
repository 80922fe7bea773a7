"""How far the reading of a commit is, and beginning a step of it again."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_POST, require_safe

from assets.activity import Activity, begin_again
from assets.detail import Detail
from assets.revisions import check_known, open_place
from assets.views.files import frame, strip
from core.htmx import render_page


@login_not_required
@require_safe
def activity(request: HttpRequest, kind: str, namespace: str, name: str, rest: str = "") -> HttpResponse:
    """Show the strip of a folder's page, or without `rest` that of the introduction; the page asks again until everything is read."""
    place = open_place(request.user, kind, namespace, name, rest, "view")
    check_known(place)
    if rest:
        context = frame(place) | strip(place) | {"fresh": True}
        return render_page(request, "assets/files/activity.html", "assets/files/_activity.html", context)
    page = Detail(request.user, place.asset)
    context = {"asset": place.asset, "page": page, "head": page.head, "fresh": True}
    return render_page(request, "assets/activity.html", "assets/_activity.html", context)


@require_POST
def inspect(request: HttpRequest, kind: str, namespace: str, name: str, rest: str) -> HttpResponse:
    """Begin the step named `step` again at this revision, and show the folder or the introduction it was asked for from."""
    place = open_place(request.user, kind, namespace, name, rest, "upload")
    begin_again(Activity(place.asset, place.revision), request.POST.get("step", ""), request.user)
    return HttpResponseRedirect(place.asset.get_absolute_url() if request.POST.get("from") == "card" else place.address())
