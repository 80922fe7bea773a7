"""Following people and organisations."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts import services
from accounts.authentication import signed_in
from accounts.models import Follow
from core.htmx import render_page
from core.paging import Order, page_of


@require_safe
def following(request: HttpRequest) -> HttpResponse:
    """Whom one follows, the latest first."""
    rows = Follow.objects.for_user(request.user).select_related("namespace")
    page = page_of(rows, Order("newest", "pk", kind=int), cursor=request.GET.get("cursor", ""))
    context = {
        "page": page,
        "total": rows.count(),
        "previous": f"?cursor={page.previous}" if page.previous else "",
        "next": f"?cursor={page.next}" if page.next else "",
    }
    return render_page(request, "accounts/following.html", "accounts/_following.html", context)


@require_POST
def follow(request: HttpRequest, handle: str) -> HttpResponse:
    """Follow, or with `stop` no longer; the person stays on the page where they were."""
    namespace, _former = services.namespace_at(handle, user=request.user)
    if "stop" in request.POST:
        services.unfollow(actor=signed_in(request), namespace=namespace)
        messages.success(request, _("You no longer follow %(name)s.") % {"name": namespace.name})
    else:
        services.follow(actor=signed_in(request), namespace=namespace)
        messages.success(request, _("You follow %(name)s now.") % {"name": namespace.name})
    back = "/me/following" if request.POST.get("back") == "following" else namespace.get_absolute_url()
    return HttpResponseRedirect(back)
