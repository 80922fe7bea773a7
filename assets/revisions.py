"""A place in an asset's files: which revision, which path, and the addresses that lead on from it."""

import re
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote

from django.contrib.auth.models import AnonymousUser
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import User
from assets.addresses import KINDS, asset_at
from assets.models import Asset
from assets.permissions import VERBS, Role
from core.permissions import require
from core.problems import Forbidden, Missing
from repos import reading
from repos.models import Ref
from repos.reading import Item, Revision

MAX_REST = 4096
LINE = re.compile(r"L\d+\Z")


@dataclass(frozen=True)
class Place:
    """`path` in `revision` of `asset`; the asset was read for the viewer, who may use the verb it was opened with."""

    asset: Asset
    revision: Revision
    path: str = ""

    @property
    def kind(self) -> str:
        """The first word of the asset's addresses: `models` or `datasets`."""
        return f"{self.asset.kind}s"

    @property
    def name(self) -> str:
        """How the revision is written in addresses."""
        return self.revision.name

    @property
    def shown_name(self) -> str:
        """How the revision is written for people: a branch, a tag, or the first digits of a commit."""
        return self.revision.ref.short if self.revision.ref else self.revision.commit.short

    @property
    def branch(self) -> Ref | None:
        """The branch that this revision is the head of: only there can files be changed."""
        return self.revision.branch

    def address(self, page: str = "file", path: str | None = None, revision: str | None = None) -> str:
        """Return the address of `page` for another path or revision of the same asset."""
        rest = "/".join(part for part in (revision or self.name, self.path if path is None else path) if part)
        return reverse(f"assets:{page}", kwargs={**asset_kwargs(self.asset), "rest": rest})

    def page(self, page: str, **more: Any) -> str:
        """Return the address of a page of the asset that has no revision in it."""
        return reverse(f"assets:{page}", kwargs={**asset_kwargs(self.asset), **more})

    def at(self, path: str) -> "Place":
        """Return another path in the same revision."""
        return replace(self, path=path)

    def link(self, link: str, image: bool) -> str | None:
        """Return where a relative link of the Markdown file here leads, or None where it leaves the repository."""
        target, mark, anchor = link.partition("#")
        target = unquote(target.partition("?")[0])
        if not target or any(character < " " or character in "\\\x7f" for character in target):
            return None
        parts: list[str] = [] if target.startswith("/") else self.path.split("/")[:-1]
        for part in target.split("/"):
            if part == "..":
                if not parts:
                    return None
                parts.pop()
            elif part not in ("", "."):
                parts.append(part)
        path = "/".join(parts)
        if image:
            return self.address("resolve", path=path) + "?inline=1"
        # Headings of a rendered file carry a prefix, so that they cannot be mistaken for parts of the page; lines do not.
        prefix = "" if LINE.match(anchor) else "md-"
        return self.address(path=path) + (f"#{prefix}{anchor}" if mark else "")

    def crumbs(self) -> list[tuple[str, str]]:
        """Return the names from the root to here with their addresses."""
        parts = self.path.split("/") if self.path else []
        found = [(self.asset.name, self.address(path=""))]
        return found + [(name, self.address(path="/".join(parts[: depth + 1]))) for depth, name in enumerate(parts)]


def asset_kwargs(asset: Asset) -> dict[str, str]:
    """Return what the addresses of an asset are made of."""
    return {"kind": f"{asset.kind}s", "namespace": asset.namespace.handle, "name": asset.name}


def open_asset(user: User | AnonymousUser, kind: str, namespace: str, name: str, *verbs: str) -> Asset:
    """Return the asset at this address if `user` may use all of `verbs`; not visible is 404, not permitted is 403."""
    if kind not in KINDS or "\0" in namespace + name:
        raise Missing("not_found", _("There is nothing at this address, or you may not see it."))
    asset = asset_at(user, KINDS[kind], namespace, name)
    for verb in verbs:
        permit(asset, verb)
    return asset


def permit(asset: Asset, verb: str) -> None:
    """Raise `Forbidden` unless the viewer may use `verb`; what a grant would allow is refused with the way to one."""
    if verb not in asset.allowed and asset.needs_grant and verb in VERBS[Role.USER]:
        sentence = _("Its owner decides who uses this: you see the introduction and the names of the files. Request access on its page.")
        raise Forbidden("access_required", sentence, extra={"verb": verb, "apply": f"{asset.get_absolute_url()}/apply"})
    require(asset, verb)


def open_place(user: User | AnonymousUser, kind: str, namespace: str, name: str, rest: str, *verbs: str) -> Place:
    """Return the place that `rest` (`<revision>/<path>`, either may be absent) names in an asset."""
    asset = open_asset(user, kind, namespace, name, *verbs)
    revision, path = reading.split(asset.open_repository(), plain(rest))
    return Place(asset, revision, path)


def place_at(asset: Asset, revision: str, path: str = "") -> Place:
    """Return a path at a revision that is given apart from it."""
    return Place(asset, reading.resolve(asset.open_repository(), plain(revision)), plain(path).strip("/"))


def plain(text: str) -> str:
    """Return `text` if it can name something in a repository at all: the database takes no NUL and no half characters."""
    if len(text) > MAX_REST or "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise Missing("path_not_found", _("There is nothing of that name in this revision."))
    return text


def check_known(place: Place) -> None:
    """Raise `Forbidden` unless the viewer may know the names here: without the right to preview, only at the heads of refs."""
    if "preview" in place.asset.allowed or place.revision.ref is not None:
        return
    repository = place.revision.repository
    if not any(ref.commit == place.revision.commit.sha for ref in (*reading.branches(repository), *reading.tags(repository))):
        permit(place.asset, "preview")


def named_only(asset: Asset, item: Item) -> Item:
    """Return a file or folder as the viewer of `asset` may know it: by name and size alone without the right to preview."""
    return item if "preview" in asset.allowed else replace(item, oid="", sha256="", commit=None)


def require_branch(place: Place) -> Ref:
    """Return the branch to change; a tag or a commit is history and cannot be changed."""
    if place.branch is None:
        raise Forbidden("not_a_branch", _("Only branches can be changed. Choose a branch, or make one from this revision."))
    return place.branch
