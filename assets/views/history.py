"""What happened to the files: the list of commits, and what one of them changed."""

import time
from dataclasses import dataclass

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from assets.revisions import Place, open_asset, open_place, place_at
from assets.views.files import frame
from core.htmx import render_page
from repos import reading
from repos.models import Commit
from repos.previews import decode
from repos.previews.diffs import Diff, diff
from repos.reading import Change, Item

PAGE = 30
MAX_CHANGES = 300
MAX_DIFFED = 60
MAX_DIFF_BYTES = 256_000
DIFF_SECONDS = 3.0


@dataclass(frozen=True)
class Entry:
    """One commit of a list with its addresses."""

    commit: Commit
    url: str
    files_url: str
    restore_url: str


@dataclass(frozen=True)
class Shown:
    """One changed path of a commit: a text diff, or why there is none (`large`, `binary`, `long`, `late`)."""

    change: Change
    url: str
    diff: Diff | None = None
    reason: str = ""


@login_not_required
@require_safe
def history(request: HttpRequest, kind: str, namespace: str, name: str, rest: str) -> HttpResponse:
    """List the commits of a revision, or those that changed one path."""
    place = open_place(request.user, kind, namespace, name, rest, "preview")
    given = request.GET.get("page", "1")
    page = int(given) if given.isascii() and given.isdigit() and 0 < len(given) < 6 and int(given) else 1
    commits = reading.history(place.revision, place.path, offset=(page - 1) * PAGE, limit=PAGE + 1)
    may_restore = "commit" in place.asset.allowed
    entries = [
        Entry(
            commit=commit,
            url=place.page("commit", sha=commit.sha),
            files_url=place.address(revision=commit.sha),
            restore_url=_restore_url(place, commit) if may_restore and commit.sha != place.revision.commit.sha and not place.path else "",
        )
        for commit in commits[:PAGE]
    ]
    context = frame(place, revision_page="history") | {
        "entries": entries,
        "previous": f"?{urlencode({'page': page - 1})}" if page > 1 else "",
        "next": f"?{urlencode({'page': page + 1})}" if len(commits) > PAGE else "",
        "back": place.address(),
        "versions_url": place.page("versions"),
    }
    return render_page(request, "assets/files/history.html", "assets/files/_history.html", context)


@login_not_required
@require_safe
def commit(request: HttpRequest, kind: str, namespace: str, name: str, sha: str) -> HttpResponse:
    """Show one commit with what it changed."""
    asset = open_asset(request.user, kind, namespace, name, "preview")
    place = place_at(asset, sha)
    found = place.revision.commit
    changes = reading.changes(place.revision.repository, found.parent, found.sha, limit=MAX_CHANGES + 1)
    more, changes = len(changes) > MAX_CHANGES, changes[:MAX_CHANGES]
    shown = shown_changes(place, changes)
    context = frame(place, revision_page="history") | {
        "commit": found,
        "body": found.message.partition("\n")[2].strip(),
        "shown": shown,
        "more": more,
        "limit": MAX_CHANGES,
        "added": sum(entry.diff.added for entry in shown if entry.diff),
        "removed": sum(entry.diff.removed for entry in shown if entry.diff),
        "parent_url": place.page("commit", sha=found.parent) if found.parent else "",
        "files_url": place.address(revision=found.sha),
        "restore_url": _restore_url(place, found) if "commit" in asset.allowed else "",
    }
    return render_page(request, "assets/files/commit.html", "assets/files/_commit.html", context)


def shown_changes(place: Place, changes: list[Change]) -> list[Shown]:
    """Return the changes with their diffs, within bounds of number, size and time."""
    until = time.monotonic() + DIFF_SECONDS
    found: list[Shown] = []
    for position, change in enumerate(changes):
        item = change.new or change.old
        revision = place.revision.commit.sha if change.new else place.revision.commit.parent
        url = place.address(path=change.path, revision=revision)
        if item is None or (change.old and change.old.is_large) or (change.new and change.new.is_large):
            found.append(Shown(change, url, reason="large"))
        elif change.status == "renamed":
            found.append(Shown(change, url))
        elif position >= MAX_DIFFED or time.monotonic() > until:
            found.append(Shown(change, url, reason="late"))
        else:
            found.append(_diffed(change, url))
    return found


def _diffed(change: Change, url: str) -> Shown:
    texts: list[str] = []
    for item in (change.old, change.new):
        if item is not None and item.size > MAX_DIFF_BYTES:
            return Shown(change, url, reason="long")
        text = _text(item)
        if text is None:
            return Shown(change, url, reason="binary")
        texts.append(text)
    compared = diff(texts[0], texts[1], change.path)
    return Shown(change, url, compared, "" if compared else "long")


def _text(item: Item | None) -> str | None:
    if item is None:
        return ""
    text = decode(reading.read_all(item, MAX_DIFF_BYTES))
    return text.content if text else None


def _restore_url(place: Place, commit: Commit) -> str:
    return place.page("restore", sha=commit.sha)
