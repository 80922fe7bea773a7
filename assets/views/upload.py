"""Uploading in the browser: the page of the upload module, and a plain form for browsers without script."""

from typing import Any, cast

from django.conf import settings
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from accounts.models import User
from assets.forms.files import UploadForm
from assets.revisions import Place, open_asset, place_at, plain, require_branch
from assets.services import commit_files
from assets.views.files import frame
from core.problems import Missing, Problem, TooLarge
from repos import reading
from repos.operations import PutBytes


@require_http_methods(["GET", "POST"])
def upload(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """Show the upload page; a POST carries files of the plain form and becomes one commit."""
    asset = open_asset(request.user, kind, namespace, name, "upload", "commit")
    given = request.POST if request.method == "POST" else request.GET
    place = place_at(asset, given.get("branch") or asset.repository.default_branch)
    require_branch(place)
    if request.method == "GET":
        folder = plain(request.GET.get("folder", "")).strip("/")
        form = UploadForm(initial={"parent": place.revision.commit.sha, "branch": place.shown_name, "folder": folder})
        return _page(request, place, form)
    form = UploadForm(request.POST)
    files = request.FILES.getlist("files")
    if not files:
        form.add_error(None, _("Choose at least one file."))
    if form.is_valid():
        try:
            return _commit(request, place, form, files)
        except Problem as problem:
            if problem.code == "head_moved":
                form = UploadForm(initial=form.cleaned_data | {"parent": problem.extra["head"]})
                return _page(request, place, form, status=409, moved=str(problem.detail))
            form.add_error(None, str(problem.detail))
    return _page(request, place, form, status=422)


def _commit(request: HttpRequest, place: Place, form: UploadForm, files: "list[UploadedFile[bytes]]") -> HttpResponse:
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    if sum(file.size or 0 for file in files) > limit:
        raise TooLarge(
            "too_large_for_form",
            _("Without script, files of at most %(limit)d MB in all can be sent at once.") % {"limit": limit // 1_000_000},
        )
    folder = form.cleaned_data["folder"].strip().strip("/")
    operations = [PutBytes(f"{folder}/{file.name}" if folder else str(file.name), file.read()) for file in files]
    message = form.cleaned_data["message"] or ngettext("Upload %(count)d file", "Upload %(count)d files", len(files)) % {
        "count": len(files)
    }
    commit_files(
        asset=place.asset, actor=cast(User, request.user), branch=place.shown_name,
        parent=form.cleaned_data["parent"], operations=operations, message=message,
    )  # fmt: skip
    messages.success(request, ngettext("%(count)d file is uploaded.", "%(count)d files are uploaded.", len(files)) % {"count": len(files)})
    return HttpResponseRedirect(place.address(path=folder))


def _page(request: HttpRequest, place: Place, form: UploadForm, *, status: int = 200, moved: str = "") -> HttpResponse:
    branches = reading.branches(place.revision.repository)
    largest = settings.MAX_BROWSER_FILE_SIZE or settings.MAX_FILE_SIZE
    context = frame(place) | {
        "form": form,
        "moved": moved,
        "heads": {ref.short: ref.commit for ref in branches},
        "setup": {"heads": {ref.short: ref.commit for ref in branches}, "text": words()},
        "folders": _folders(place),
        "api": f"/api/v1/{place.kind}/{place.asset.repo_id}",
        "files_url": place.page("files"),
        "history_url": f"{place.asset.get_absolute_url()}/history",
        "max_file": min(largest, settings.MAX_FILE_SIZE),
        "max_selection": settings.MAX_SELECTION_SIZE,
        "max_entries": settings.MAX_FOLDER_ENTRIES,
        "max_form": settings.DATA_UPLOAD_MAX_MEMORY_SIZE,
        "back": place.address(path=""),
    }
    return render(request, "assets/files/upload.html", context, status=status)


def _folders(place: Place) -> list[str]:
    """Return the folders to offer as a target: those at the top."""
    try:
        return [item.path for item in reading.listing(place.revision, limit=300) if item.is_folder]
    except Missing:
        return []


def words() -> dict[str, Any]:
    """Return what the upload module says, in the language of the page."""
    return {
        "waiting": _("Waiting"),
        "run": _("Uploading"),
        "verify": _("Verifying"),
        "paused": _("Paused"),
        "done": _("Uploaded"),
        "failed": _("The upload failed. Try again."),
        "running": _("%(speed)s · %(left)s left · part %(part)s of %(parts)s"),
        "seconds": _("%(n)s s"),
        "minutes": _("%(n)s min"),
        "hours": _("%(n)s h"),
        "again": _("Choose the same file again to go on"),
        "progress": _("%(path)s upload progress"),
        "remove": _("Remove %(path)s"),
        "pause": _("Pause %(path)s"),
        "resume": _("Resume %(path)s"),
        "pauseAll": _("Pause all"),
        "resumeAll": _("Resume all"),
        "summary": _("%(done)s of %(total)s done, %(up)s of %(size)s"),
        "summarySpeed": _("%(done)s of %(total)s done, %(up)s of %(size)s at %(speed)s, about %(left)s left"),
        "more": _("… and %(n)s more, shown as their turn comes"),
        "offline": _("No connection. Uploads go on by themselves when it is back."),
        "unreachable": _("The server cannot be reached. Check the connection and try again."),
        "status": _("The server answered %(status)s. Try again in a moment."),
        "changed": _("The file was changed or moved after you chose it. Choose it again."),
        "unreadable": _("Some of these files cannot be read. Choose them with the button."),
        "nothing": _("There are no files to upload in what you chose."),
        "tooLarge": _("You chose %(size)s; at most %(limit)s can be uploaded at once. Choose fewer files."),
        "fileTooLarge": _("Larger than %(limit)s, the most a file may have here"),
        "tooMany": _("The folder “%(folder)s” holds more than %(limit)s entries. Spread its files over sub-folders."),
        "stopped": _("%(path)s stopped with %(sent)s of %(size)s sent."),
        "moreStopped": _("And %(n)s more."),
        "choose": _("Choose files first"),
        "notFinished": _("Not finished yet: %(n)s"),
        "someFailed": _("Failed: %(n)s. Retry or remove what failed."),
    }
