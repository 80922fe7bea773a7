"""The files tab: a folder, a file, and the way to a file by its name."""

from dataclasses import dataclass
from typing import Any, cast

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from assets.activity import Activity
from assets.heads import head_of
from assets.revisions import Place, check_known, named_only, open_place, permit
from assets.safety import CONFIRMED, Verdict, below, is_blocked, may_confirm, scan_of, verdict_of, verdicts
from core.htmx import render_page
from core.problems import Problem
from repos import names, reading
from repos.models import Ref
from repos.previews import Preview, preview
from repos.reading import Item, Sort

PAGE = 100
TREE = 200
SORTS: tuple[Sort, ...] = ("name", "size", "changed")


@dataclass(frozen=True)
class Column:
    """The head of a sortable column; `direction` is what `aria-sort` says, empty where the list is not sorted by it."""

    label: str
    url: str
    direction: str
    extra: str = ""


@dataclass(frozen=True)
class Row:
    """One entry of a folder with its addresses; `download` is a zip for a folder, empty for those who may not.

    `verdict` is that of the safety scan, of a folder the gravest below it, empty where that is no mark.
    """

    item: Item
    url: str
    download: str
    verdict: str = ""
    label: str = ""


@login_not_required
@require_safe
def browse(request: HttpRequest, kind: str, namespace: str, name: str, rest: str = "") -> HttpResponse:
    """Show the folder or file at `rest`, or the files that match `?f=`."""
    place = open_place(request.user, kind, namespace, name, rest, "view")
    check_known(place)
    wanted = request.GET.get("f", "").replace("\0", "").strip()[:200]
    if wanted:
        return _search(request, place, wanted)
    item = reading.find(place.revision, place.path)
    if item.is_folder:
        return _folder(request, place, item)
    return _file(request, place, item) if "preview" in place.asset.allowed else _locked(request, place, item)


def _folder(request: HttpRequest, place: Place, folder: Item) -> HttpResponse:
    sort = cast(Sort, request.GET.get("sort", "name"))
    sort = sort if sort in SORTS else "name"
    descending = request.GET.get("order") == "desc"
    page = _page_number(request)
    items = reading.listing(place.revision, place.path, sort=sort, descending=descending, offset=(page - 1) * PAGE, limit=PAGE + 1)
    following = page + 1 if len(items) > PAGE else 0
    editable = place.branch is not None and "commit" in place.asset.allowed
    context = (
        frame(place)
        | strip(place)
        | {
            "folder": folder,
            "rows": _rows(place, items[:PAGE]),
            "columns": _columns(place, sort, descending),
            "commit": folder.commit or place.revision.commit,
            "commit_url": place.page("commit", sha=(folder.commit or place.revision.commit).sha),
            "commits": place.revision.commit.generation,
            "previous": f"?{_query(request, page=page - 1)}" if page > 1 else "",
            "next": f"?{_query(request, page=following)}" if following else "",
            "editable": editable,
            "may_upload": place.branch is not None and "upload" in place.asset.allowed,
            "delete_url": place.address("delete_files", path="") if editable else "",
            "zip_url": place.address("zip"),
            "history_url": place.address("history"),
            "versions_url": place.page("versions"),
            "new_file_url": place.address("new_file"),
            "upload_url": f"{place.page('upload')}?{urlencode({'branch': place.shown_name, 'folder': place.path})}",
        }
    )
    return render_page(request, "assets/files/folder.html", "assets/files/_folder.html", context)


def _locked(request: HttpRequest, place: Place, item: Item) -> HttpResponse:
    """Show that the file is there, and how one gets to read it."""
    if not place.asset.needs_grant:
        permit(place.asset, "preview")
    context = frame(place) | {"item": item, "tree": _tree(place), "apply_url": f"{place.asset.get_absolute_url()}/apply"}
    return render_page(request, "assets/files/locked.html", "assets/files/_locked.html", context, status=403)


def _file(request: HttpRequest, place: Place, item: Item) -> HttpResponse:
    plain = request.GET.get("plain") == "1"
    shown = _preview(place, item, plain)
    commit = item.commit
    editable = place.branch is not None and "commit" in place.asset.allowed
    verdict = verdict_of(item)
    held = is_blocked(verdict)
    download = "" if held or "download" not in place.asset.allowed else place.address("resolve")
    context = frame(place) | {
        "item": item,
        "verdict": verdict,
        "blocked": held,
        "dangerous": verdict.word == "dangerous",
        "confirm_url": f"{place.address('resolve')}?confirm={CONFIRMED}" if held and may_confirm(place.asset) else "",
        "preview": shown,
        "preview_template": f"assets/files/previews/{shown.kind}.html",
        "plain": plain,
        "facts": _facts(item, shown),
        "commit": commit,
        "commit_url": place.page("commit", sha=commit.sha) if commit else "",
        "tree": _tree(place),
        "raw_url": "" if held else place.address("resolve") + "?inline=1",
        "download_url": download,
        "permanent_url": place.address(revision=place.revision.commit.sha),
        "history_url": place.address("history"),
        "edit_url": place.address("edit_file") if editable and shown.text and item.size <= settings.MAX_PREVIEW_SIZE else "",
        "delete_url": f"{place.address('delete_files', path='')}?{urlencode({'path': item.path})}" if editable else "",
        "limit": settings.MAX_PREVIEW_SIZE,
    }
    return render_page(request, "assets/files/file.html", "assets/files/_file.html", context)


def _preview(place: Place, item: Item, plain: bool) -> Preview:
    """Return how the file is shown; where its bytes cannot be read, the sentence that says why."""
    try:
        return preview(
            item.name,
            item.size,
            lambda start, end: b"".join(reading.read(item, start, end)),
            limit=settings.MAX_PREVIEW_SIZE,
            plain=plain,
            resolve_link=place.link,
        )
    except Problem as problem:
        return Preview("none", notes=[str(problem.detail)])


def _search(request: HttpRequest, place: Place, wanted: str) -> HttpResponse:
    found = names.named(place.revision, wanted)
    if len(found) == 1 and found[0].path == wanted:
        return HttpResponseRedirect(place.address(path=wanted))
    context = frame(place) | {
        "wanted": wanted,
        "rows": _rows(place, found, labelled=True),
        "all_url": place.address(path=""),
    }
    return render_page(request, "assets/files/search.html", "assets/files/_search.html", context)


def frame(place: Place, *, revision_page: str = "file") -> dict[str, Any]:
    """Return what every files page shows around its content; the revision picker leads to `revision_page`."""
    repository = place.revision.repository

    def choice(ref: Ref) -> dict[str, Any]:
        current = place.revision.ref is not None and place.revision.ref.pk == ref.pk
        address = place.address(revision_page, revision=ref.short, path=place.path if current else "")
        return {"name": ref.short, "address": address, "current": current, "changed_at": ref.updated_at}

    return {
        "asset": place.asset,
        "head": head_of(place.asset, "files"),
        "place": place,
        "crumbs": place.crumbs(),
        "branches": [choice(ref) for ref in reading.branches(repository)],
        "tags": [choice(ref) for ref in reading.tags(repository)],
        "root_url": place.address(path=""),
        "is_old": place.revision.ref is None,
    }


def strip(place: Place) -> dict[str, Any]:
    """Return what `assets/files/_activity.html` shows for a place."""
    return {
        "activity": Activity(place.asset, place.revision),
        "activity_url": place.address("activity_of"),
        "again_url": place.address("inspect"),
        "page_url": place.address(),
    }


def _rows(place: Place, items: list[Item], *, labelled: bool = False) -> list[Row]:
    known = verdicts(items)
    scan = scan_of(place.revision) if any(item.is_folder for item in items) else {}
    return [_row(place, item, known[item.path] if item.path in known else Verdict(below(scan, item.path)), labelled) for item in items]


def _row(place: Place, item: Item, verdict: Verdict, labelled: bool) -> Row:
    item, download = named_only(place.asset, item), ""
    if "download" in place.asset.allowed and not is_blocked(verdict):
        download = place.address("zip" if item.is_folder else "resolve", path=item.path)
    return Row(item, place.address(path=item.path), download, verdict.word, item.path if labelled else "")


def _columns(place: Place, sort: str, descending: bool) -> list[Column]:
    labels = {"name": _("File"), "size": _("Size"), "changed": _("When")}
    found = []
    for code in SORTS:
        turned = not descending if code == sort else code != "name"
        query = urlencode({"sort": code} | ({"order": "desc"} if turned else {}))
        direction = ("descending" if descending else "ascending") if code == sort else ""
        found.append(Column(labels[code], f"{place.address()}?{query}", direction, "" if code == "name" else "end"))
    return found


def _facts(item: Item, shown: Any) -> list[str]:
    """Return what the head of a file says about its content."""
    found = []
    if shown.kind == "source":
        found.append(_("%(count)s lines") % {"count": f"{shown.body.total:,}"} if shown.body.total != 1 else _("1 line"))
    if shown.kind == "picture":
        found.append(f"{shown.body.width} × {shown.body.height}")
    return found + [part for part in (shown.language, shown.encoding if shown.encoding not in ("", "UTF-8") else "") if part]


def _tree(place: Place) -> list[dict[str, Any]]:
    """Return the entries beside this file, with the folders above it, for the rail."""
    folder = place.path.rpartition("/")[0]
    entries = reading.listing(place.revision, folder, limit=TREE)
    return [{"item": entry, "url": place.address(path=entry.path), "current": entry.path == place.path} for entry in entries]


def _query(request: HttpRequest, **changes: Any) -> str:
    kept = {key: request.GET[key] for key in ("sort", "order") if key in request.GET}
    return urlencode(kept | {key: value for key, value in changes.items() if value not in (1, "")})


def _page_number(request: HttpRequest) -> int:
    given = request.GET.get("page", "1")
    return int(given) if given.isascii() and given.isdigit() and 0 < len(given) < 6 and int(given) else 1
