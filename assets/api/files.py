"""REST for files: listing, facts of one, bytes."""

import base64
import binascii
import json
from collections.abc import Sequence
from typing import Any, cast

from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from assets.api.parts import AssetPart, parameter
from assets.delivery import send_file
from assets.models import Asset
from assets.revisions import Place, asset_kwargs, check_known, named_only, place_at, plain
from assets.safety import CONFIRMED, verdicts
from assets.serializers.files import FileShape, ItemPageShape, item_data
from core.problems import Problem
from repos import names, reading
from repos.reading import Item, Sort

PAGE = 1000
SORTS = ("name", "size", "changed")


class FilesViewSet(AssetPart):
    """Files of an asset at a revision."""

    verbs = {"list": "view", "retrieve": "view", "resolve": "preview"}

    @extend_schema(
        operation_id="files_list",
        parameters=[
            OpenApiParameter("revision", str, description="Branch, tag or commit; the default branch without it."),
            OpenApiParameter("path", str, description="Folder to list; the top without it."),
            OpenApiParameter("recursive", bool, description="List every file below the folder, ordered by folder and name."),
            OpenApiParameter("sort", str, enum=SORTS, description="Folders come first in each."),
            OpenApiParameter("order", str, enum=["asc", "desc"]),
            OpenApiParameter("limit", int, description=f"At most {PAGE}."),
            OpenApiParameter("offset", int),
            OpenApiParameter("cursor", str, description="From `next` of a recursive listing; it stays at the same commit."),
        ],
        responses=ItemPageShape,
    )
    def list(self, request: Request, kind: str, namespace: str, name: str) -> Response:
        """List one folder, or all files below it."""
        asset = self.open(request, kind, namespace, name)
        query = request.query_params
        limit = max(1, parameter(request, "limit", PAGE, PAGE))
        if query.get("recursive", "").lower() in ("1", "true"):
            return Response(_recursive(asset, query.get("revision", ""), query.get("path", ""), query.get("cursor", ""), limit))
        place = place_at(asset, query.get("revision", ""), query.get("path", ""))
        check_known(place)
        sort = query.get("sort", "name")
        if sort not in SORTS or query.get("order", "asc") not in ("asc", "desc"):
            raise Problem("bad_sort", _("Sort by name, size or changed, in the order asc or desc."))
        offset = parameter(request, "offset", 0, 10_000_000)
        found = reading.listing(
            place.revision, place.path, sort=cast(Sort, sort), descending=query.get("order") == "desc", offset=offset, limit=limit + 1
        )
        following = str(offset + limit) if len(found) > limit else None
        return Response({"revision": place.revision.commit.sha, "next": following, "results": _data(place, found[:limit])})

    @extend_schema(operation_id="files_retrieve", responses=FileShape)
    def retrieve(self, request: Request, kind: str, namespace: str, name: str, rest: str) -> Response:
        """Show size, hashes and last commit of the file or folder at `<revision>/<path>`."""
        place = _place(self.open(request, kind, namespace, name), rest)
        check_known(place)
        item = reading.find(place.revision, place.path)
        readable = not item.is_folder and "preview" in place.asset.allowed
        address = reverse("assets_api:resolve", kwargs={**asset_kwargs(place.asset), "rest": f"{place.revision.commit.sha}/{item.path}"})
        return Response(
            _data(place, [item])[0]
            | {"revision": place.revision.commit.sha, "url": request.build_absolute_uri(address) if readable else None}
        )

    @extend_schema(
        operation_id="files_resolve",
        parameters=[
            OpenApiParameter(
                "confirm", str, enum=[CONFIRMED],
                description="For those who may configure the asset: fetch a file that the safety scan found dangerous where that is blocked.",
            )
        ],
        responses={
            (200, "application/octet-stream"): OpenApiTypes.BINARY,
            302: OpenApiResponse(description="To the object store."),
            403: OpenApiResponse(description="`dangerous_file`: the safety scan found it dangerous, and such files are not handed out here."),
        },
    )  # fmt: skip
    def resolve(self, request: Request, kind: str, namespace: str, name: str, rest: str) -> HttpResponseBase:
        """Send the bytes of the file at `<revision>/<path>`; ranges and `If-None-Match` are honoured."""
        place = _place(self.open(request, kind, namespace, name), rest)
        return send_file(request._request, place, request.user)


def _place(asset: Asset, rest: str) -> Place:
    revision, path = reading.split(asset.open_repository(), plain(rest))
    return Place(asset, revision, path)


def _data(place: Place, items: Sequence[Item], *, with_commit: bool = True) -> list[dict[str, Any]]:
    known, told = verdicts(items), "preview" in place.asset.allowed
    return [item_data(named_only(place.asset, item), with_commit=with_commit, verdict=known.get(item.path), told=told) for item in items]


def _recursive(asset: Asset, revision: str, path: str, cursor: str, limit: int) -> dict[str, Any]:
    after = ""
    if cursor:
        revision, after = _decoded(cursor)
    place = place_at(asset, revision, path)
    check_known(place)
    found = names.files_after(place.revision, place.path, after, limit=limit + 1)
    sha, shown = place.revision.commit.sha, found[:limit]
    following = _encoded(sha, shown[-1].path) if len(found) > limit else None
    return {"revision": sha, "next": following, "results": _data(place, shown, with_commit=False)}


def _encoded(sha: str, path: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([sha, path]).encode()).decode().rstrip("=")


def _decoded(cursor: str) -> tuple[str, str]:
    try:
        sha, path = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not isinstance(sha, str) or not isinstance(path, str):
            raise TypeError
    except (ValueError, TypeError, binascii.Error, RecursionError) as error:
        raise Problem("bad_cursor", _("This cursor does not belong to a listing. Start without it.")) from error
    return plain(sha), plain(path)
