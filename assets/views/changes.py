"""Changing files in the browser: editing, adding, deleting, going back to an earlier state."""

from collections.abc import Sequence
from typing import Any, cast

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from accounts.models import User
from assets.forms.files import EditForm, MessageForm, NewFileForm
from assets.revisions import Place, open_asset, open_place, place_at, plain, require_branch
from assets.services import commit_files, restore_files
from assets.views.files import frame
from core.problems import Conflict, Missing, Problem
from repos import reading
from repos.operations import Delete, Operation, PutBytes
from repos.previews import decode
from repos.previews.diffs import diff
from repos.previews.kinds import Text
from repos.reading import Item

MAX_CHOSEN = 1000


@require_http_methods(["GET", "POST"])
def edit_file(request: HttpRequest, kind: str, namespace: str, name: str, rest: str) -> HttpResponse:
    """Change a text file; when somebody else changed it meanwhile, both versions are shown."""
    place = open_place(request.user, kind, namespace, name, rest, "commit")
    branch = require_branch(place)
    item = reading.find(place.revision, place.path)
    text = _editable(item)
    if request.method == "GET":
        initial = {"content": text.content, "parent": place.revision.commit.sha, "base": item.oid}
        return _editor(request, place, EditForm(initial=initial), item)
    form = EditForm(request.POST)
    if not form.is_valid():
        return _editor(request, place, form, item, status=422)
    if form.cleaned_data["base"] != item.oid:
        return _conflict(request, place, form, item, text)
    data = _encoded(form.cleaned_data["content"], item, text)
    try:
        commit_files(
            asset=place.asset, actor=cast(User, request.user), branch=branch.short, parent=place.revision.commit.sha,
            operations=[PutBytes(item.path, data, executable=bool(item.mode & 0o111))], message=form.cleaned_data["message"],
        )  # fmt: skip
    except Conflict as problem:
        if problem.code == "head_moved":
            return edit_file(request, kind, namespace, name, rest)
        if problem.code == "nothing_changed":
            return HttpResponseRedirect(place.address())
        raise
    messages.success(request, _("“%(name)s” is saved.") % {"name": item.name})
    return HttpResponseRedirect(place.address())


def _editor(request: HttpRequest, place: Place, form: EditForm, item: Item | None, *, status: int = 200, **more: Any) -> HttpResponse:
    back = place.address() if item else place.address(path=place.path)
    context = frame(place, revision_page="file") | {"form": form, "item": item, "back": back} | more
    return render(request, "assets/files/edit.html", context, status=status)


def _conflict(request: HttpRequest, place: Place, form: EditForm, item: Item, theirs: Text) -> HttpResponse:
    """Show what the other person made of the file above the text that was typed; saving again replaces it knowingly."""
    mine = form.cleaned_data["content"]
    values = form.cleaned_data | {"parent": place.revision.commit.sha, "base": item.oid}
    compared = diff(theirs.content, mine, item.name)
    return _editor(request, place, EditForm(initial=values), item, status=409, conflict=True, diff=compared, commit=item.commit)


def _editable(item: Item) -> Text:
    if item.is_folder:
        raise Missing("is_folder", _("“%(path)s” is a folder.") % {"path": item.path or "/"})
    text = decode(reading.read_all(item)) if item.size <= settings.MAX_PREVIEW_SIZE else None
    if text is None:
        raise Problem("not_text", _("Only text files can be edited here. Upload a new version of “%(name)s”.") % {"name": item.name})
    return text


def _encoded(content: str, item: Item, text: Text) -> bytes:
    """Return `content` in the encoding and with the line ends that the file has; UTF-8 where its encoding lacks a letter."""
    old = reading.read_all(item)
    if b"\r\n" in old and text.encoding.startswith(("UTF-8", "GB", "CP")):
        content = content.replace("\n", "\r\n")
    try:
        return content.encode("utf-8-sig" if old.startswith(b"\xef\xbb\xbf") else text.encoding.lower())
    except UnicodeEncodeError:
        return content.encode("utf-8", "replace")


@require_http_methods(["GET", "POST"])
def new_file(request: HttpRequest, kind: str, namespace: str, name: str, rest: str) -> HttpResponse:
    """Write a new text file."""
    place = open_place(request.user, kind, namespace, name, rest, "commit")
    branch = require_branch(place)
    if request.method == "GET":
        initial = {"parent": place.revision.commit.sha, "path": f"{place.path}/" if place.path else ""}
        return _editor(request, place, NewFileForm(initial=initial), None)
    form = NewFileForm(request.POST)
    if form.is_valid():
        path = form.cleaned_data["path"].strip().strip("/")
        if _exists(place, path):
            form.add_error("path", _("There is a file of this name already. Open it to edit it."))
        else:
            operations = [PutBytes(path, form.cleaned_data["content"].encode("utf-8", "replace"))]
            try:
                commit_files(
                    asset=place.asset, actor=cast(User, request.user), branch=branch.short,
                    operations=operations, message=form.cleaned_data["message"] or _("Add %(path)s") % {"path": path},
                )  # fmt: skip
            except Problem as problem:
                form.add_error("path", str(problem.detail))
            else:
                messages.success(request, _("“%(name)s” is saved.") % {"name": path})
                return HttpResponseRedirect(place.address(path=path))
    return _editor(request, place, form, None, status=422)


def _exists(place: Place, path: str) -> bool:
    try:
        reading.find(place.revision, plain(path))
    except Missing:
        return False
    return True


@require_http_methods(["GET", "POST"])
def delete_files(request: HttpRequest, kind: str, namespace: str, name: str, rest: str) -> HttpResponse:
    """Ask, then delete the files and folders named by `path` (given once or more)."""
    place = open_place(request.user, kind, namespace, name, rest, "commit")
    branch = require_branch(place)
    given = request.POST.getlist("path") if request.method == "POST" else request.GET.getlist("path")
    paths = list(dict.fromkeys(plain(path).strip("/") for path in given))
    if not paths or "" in paths:
        raise Problem("nothing_chosen", _("Choose at least one file or folder to delete."))
    if len(paths) > MAX_CHOSEN:
        raise Problem("too_many_chosen", _("Choose at most %(limit)d entries at once.") % {"limit": MAX_CHOSEN})
    items = _chosen(place, paths)
    back = place.address(path=_common_folder(paths))
    if request.method == "GET":
        form = MessageForm(initial={"parent": place.revision.commit.sha, "message": _delete_message(paths)})
        return _ask_to_delete(request, place, items, form, back)
    form = MessageForm(request.POST)
    if not form.is_valid():
        return _ask_to_delete(request, place, items, form, back, status=422)
    operations: list[Operation] = [Delete(path) for path in _outermost(paths)]
    try:
        commit_files(
            asset=place.asset, actor=cast(User, request.user), branch=branch.short, parent=form.cleaned_data["parent"],
            operations=operations, message=form.cleaned_data["message"] or _delete_message(paths),
        )  # fmt: skip
    except Conflict as problem:
        if problem.code != "head_moved":
            raise
        fresh = MessageForm(initial=form.cleaned_data | {"parent": problem.extra["head"]})
        return _ask_to_delete(request, place, items, fresh, back, status=409, moved=str(problem.detail))
    messages.success(request, ngettext("%(count)d entry is deleted.", "%(count)d entries are deleted.", len(paths)) % {"count": len(paths)})
    return HttpResponseRedirect(back if _folder_lives(place, back, paths) else place.address(path=""))


def _chosen(place: Place, paths: Sequence[str]) -> list[Item]:
    """Return the entries at `paths`, read a folder at a time; one that is gone is 404."""
    folders = dict.fromkeys(path.rpartition("/")[0] for path in paths)
    there = {item.path: item for folder in folders for item in reading.listing(place.revision, folder, limit=settings.MAX_FOLDER_ENTRIES)}
    for path in paths:
        if path not in there:
            reading.find(place.revision, path)
    return [there[path] for path in paths]


def _ask_to_delete(
    request: HttpRequest, place: Place, items: Sequence[Item], form: MessageForm, back: str, *, status: int = 200, moved: str = ""
) -> HttpResponse:
    context = frame(place) | {
        "items": items, "form": form, "back": back, "moved": moved, "size": sum(item.size for item in items), "files": sum(item.files for item in items),
    }  # fmt: skip
    return render(request, "assets/files/delete.html", context, status=status)


def _delete_message(paths: Sequence[str]) -> str:
    if len(paths) == 1:
        return _("Delete %(path)s") % {"path": paths[0]}
    return ngettext("Delete %(count)d entry", "Delete %(count)d entries", len(paths)) % {"count": len(paths)}


def _outermost(paths: Sequence[str]) -> list[str]:
    """Return `paths` without those inside another one of them."""
    chosen = set(paths)
    return [path for path in paths if not any(path[:at] in chosen for at, character in enumerate(path) if character == "/")]


def _common_folder(paths: Sequence[str]) -> str:
    folders = {path.rpartition("/")[0] for path in paths}
    return folders.pop() if len(folders) == 1 else ""


def _folder_lives(place: Place, back: str, paths: Sequence[str]) -> bool:
    """Whether the folder that the entries stood in still holds something."""
    folder = _common_folder(paths)
    if not folder:
        return True
    fresh = place_at(place.asset, place.name, folder)
    return _exists(fresh, folder)


@require_http_methods(["GET", "POST"])
def restore_revision(request: HttpRequest, kind: str, namespace: str, name: str, sha: str) -> HttpResponse:
    """Ask, then make the files of an earlier commit the newest again, as a new commit."""
    asset = open_asset(request.user, kind, namespace, name, "commit")
    place = place_at(asset, sha)
    branch = request.POST.get("branch") or request.GET.get("branch") or asset.repository.default_branch
    target = place_at(asset, branch)
    require_branch(target)
    back = place.page("commit", sha=place.revision.commit.sha)
    if request.method == "POST":
        form = MessageForm(request.POST)
        if form.is_valid():
            made = restore_files(
                asset=asset, actor=cast(User, request.user), branch=target.shown_name,
                revision=place.revision.commit.sha, parent=form.cleaned_data["parent"], message=form.cleaned_data["message"],
            )  # fmt: skip
            messages.success(request, _("The files are those of %(commit)s again.") % {"commit": place.revision.commit.short})
            return HttpResponseRedirect(place.page("commit", sha=made.sha))
    else:
        form = MessageForm(initial={"parent": target.revision.commit.sha})
    changed = reading.changes(place.revision.repository, target.revision.commit.sha, place.revision.commit.sha, limit=101)
    context = frame(place) | {
        "form": form,
        "commit": place.revision.commit,
        "branch": target.shown_name,
        "changes": changed[:100],
        "more": len(changed) > 100,
        "back": back,
    }
    return render(request, "assets/files/restore.html", context, status=422 if form.errors else 200)
