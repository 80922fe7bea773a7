"""Looking people up: a page of its own, and the list inside forms that choose people."""

import re

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from accounts.authentication import signed_in
from accounts.models import Namespace
from accounts.people import find_people
from core.htmx import render_page

FIELD = re.compile(r"[a-z_]{1,32}")


@require_safe
def people(request: HttpRequest) -> HttpResponse:
    """Show the people and organisations that `q` may mean. Inside a form, `field` names the boxes and those ticked before stay."""
    field = request.GET.get("field", "")
    field = field if FIELD.fullmatch(field) else ""
    words = request.GET.get(f"find_{field}", request.GET.get("q", ""))
    kinds = [kind for kind in request.GET.get("kinds", "").split(",") if kind in Namespace.Kind.values]
    actor = signed_in(request)
    chosen = list(Namespace.objects.for_user(actor).called(request.GET.getlist(field)[:200]).order_by("handle")) if field else []
    taken = {row.pk for row in chosen}
    context = {
        "field": field,
        "words": words,
        "chosen": chosen,
        "found": [row for row in find_people(user=actor, words=words, kinds=kinds) if row.pk not in taken],
    }
    return render_page(request, "accounts/people.html", "accounts/_people.html" if field else "accounts/_people_list.html", context)
