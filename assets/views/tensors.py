"""Every tensor of a model's weights, by module, by file and by name."""

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from assets.headers import Headers, result_at, tensors_at
from assets.heads import head_of
from assets.revisions import open_place
from core.htmx import render_page

PAGE = 200
LONGEST = 200


@login_not_required
@require_safe
def tensors(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """Show the tensors at the head of the default branch: those of `?file=`, and those whose names hold the words of `?q=`."""
    place = open_place(request.user, kind, namespace, name, "", "preview")
    result = result_at(place.revision)
    query = {key: request.GET.get(key, "").replace("\0", "")[:LONGEST] for key in ("file", "q")}
    found = tensors_at(place.revision, result, file=query["file"], words=query["q"])
    page = page_number(request.GET.get("page", ""))
    shown = found[(page - 1) * PAGE : page * PAGE]

    def address(number: int) -> str:
        return "?" + urlencode({key: value for key, value in query.items() if value} | ({"page": str(number)} if number > 1 else {}))

    context: dict[str, Any] = {
        "asset": place.asset,
        "head": head_of(place.asset, "card"),
        "headers": Headers(result),
        "is_read": bool(result),
        "files": [row | {"query": "?" + urlencode({"file": row["path"]})} for row in result.get("files", ())],
        "tensors": shown,
        "found": len(found),
        "query": query,
        "previous": address(page - 1) if page > 1 else "",
        "next": address(page + 1) if page * PAGE < len(found) else "",
        "commit": place.revision.commit,
    }
    return render_page(request, "assets/tensors.html", "assets/_tensors.html", context)


def page_number(given: str) -> int:
    """Return the number of a page, the first for anything else."""
    return int(given) if given.isascii() and given.isdigit() and 0 < len(given) < 6 and int(given) else 1
