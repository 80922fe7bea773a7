"""REST for commits and refs."""

import base64
import binascii
import uuid
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from assets.api.parts import AssetPart, actor_of, body, invalid, parameter, rows, text
from assets.revisions import place_at
from assets.serializers.files import (
    CommitDetailShape,
    CommitPageShape,
    CommitShape,
    NewCommitShape,
    NewRefShape,
    RefShape,
    change_data,
    commit_data,
    ref_data,
)  # fmt: skip
from assets.services import commit_files, create_version, delete_version
from core.permissions import require
from core.problems import Problem
from repos import reading
from repos.models.git import HEADS, TAGS
from repos.operations import Copy, Delete, Move, Operation, PutBytes, PutLarge, PutUpload
from repos.services.commits import MAX_OPERATIONS

PAGE = 30
MOST = 100
MAX_CHANGES = 1000
PREFIXES = {"tag": TAGS, "branch": HEADS}


class CommitsViewSet(AssetPart):
    """Commits of an asset."""

    verbs = {"list": "preview", "retrieve": "preview", "create": "commit"}

    @extend_schema(
        operation_id="commits_list",
        parameters=[
            OpenApiParameter("revision", str, description="Branch, tag or commit to start from; the default branch without it."),
            OpenApiParameter("path", str, description="Only commits that changed this file or folder."),
            OpenApiParameter("limit", int, description=f"At most {MOST}."),
            OpenApiParameter("offset", int),
        ],
        responses=CommitPageShape,
    )
    def list(self, request: Request, kind: str, namespace: str, name: str) -> Response:
        """List commits, newest first."""
        asset = self.open(request, kind, namespace, name)
        place = place_at(asset, request.query_params.get("revision", ""), request.query_params.get("path", ""))
        limit, offset = max(1, parameter(request, "limit", PAGE, MOST)), parameter(request, "offset", 0, 10_000_000)
        found = reading.history(place.revision, place.path, offset=offset, limit=limit + 1)
        following = str(offset + limit) if len(found) > limit else None
        return Response({"next": following, "results": [commit_data(commit) for commit in found[:limit]]})

    @extend_schema(operation_id="commits_retrieve", responses=CommitDetailShape)
    def retrieve(self, request: Request, kind: str, namespace: str, name: str, sha: str) -> Response:
        """Show one commit with what it changed."""
        place = place_at(self.open(request, kind, namespace, name), sha)
        commit = place.revision.commit
        changes = reading.changes(place.revision.repository, commit.parent, commit.sha, limit=MAX_CHANGES + 1)
        shown = [change_data(change) for change in changes[:MAX_CHANGES]]
        return Response(commit_data(commit) | {"changes": shown, "truncated": len(changes) > MAX_CHANGES})

    @extend_schema(
        operation_id="commits_create",
        request=NewCommitShape,
        responses={201: CommitShape, 409: OpenApiResponse(description="`head_moved` with `head`, the commit to work from now.")},
    )
    def create(self, request: Request, kind: str, namespace: str, name: str) -> Response:
        """Make one commit of many changes: all of them happen, or none."""
        asset = self.open(request, kind, namespace, name)
        data = body(request)
        made = commit_files(
            asset=asset,
            actor=actor_of(request),
            branch=text(data, "branch") or asset.repository.default_branch,
            parent=text(data, "parent") or None,
            message=text(data, "message"),
            operations=operations_of(rows(data, "operations", most=MAX_OPERATIONS)),
        )
        return Response(commit_data(made), status=status.HTTP_201_CREATED)


def operations_of(given: list[dict[str, Any]]) -> list[Operation]:
    """Return the operations of a request: one plain loop, because there may be tens of thousands."""
    found: list[Operation] = []
    for number, row in enumerate(given):
        where = f"operations.{number}"
        match row.get("op"):
            case "put":
                found.append(_put(row, where))
            case "delete":
                found.append(Delete(text(row, "path", required=True, where=where).rstrip("/")))
            case "copy":
                found.append(
                    Copy(
                        text(row, "source", required=True, where=where),
                        text(row, "target", required=True, where=where),
                        text(row, "revision", where=where),
                    )
                )
            case "move":
                found.append(Move(text(row, "source", required=True, where=where), text(row, "target", required=True, where=where)))
            case _:
                raise invalid(f"{where}.op", _("Use put, delete, copy or move."))
    return found


def _put(row: Mapping[str, Any], where: str) -> Operation:
    path = text(row, "path", required=True, where=where)
    if "content" in row:
        return PutBytes(path, _content(row, where), executable=row.get("executable") is True)
    if "upload" in row:
        try:
            return PutUpload(path, uuid.UUID(text(row, "upload", required=True, where=where)))
        except ValueError as error:
            raise invalid(f"{where}.upload", _("This is not the id of an upload.")) from error
    if "sha256" in row:
        return PutLarge(path, text(row, "sha256", required=True, where=where))
    raise invalid(where, _("A put needs “content”, “upload” or “sha256”."))


def _content(row: Mapping[str, Any], where: str) -> bytes:
    content, encoding = row["content"], row.get("encoding", "utf-8")
    if not isinstance(content, str):
        raise invalid(f"{where}.content", _("This must be a string."))
    try:
        if encoding == "base64":
            return base64.b64decode(content, validate=True)
        if encoding == "utf-8":
            return content.encode()
    except (binascii.Error, ValueError) as error:
        raise invalid(f"{where}.content", _("The content does not match its encoding.")) from error
    raise invalid(f"{where}.encoding", _("Use utf-8 or base64."))


class RefsViewSet(AssetPart):
    """Branches and tags of an asset."""

    verbs = {"list": "preview", "create": "preview", "destroy": "preview"}

    @extend_schema(operation_id="refs_list", responses=RefShape(many=True))
    def list(self, request: Request, kind: str, namespace: str, name: str) -> Response:
        """List branches, the default one first, then tags, newest first."""
        asset = self.open(request, kind, namespace, name)
        repository = asset.open_repository()
        found = [*reading.branches(repository), *reading.tags(repository)]
        return Response([ref_data(ref, repository.default_branch) for ref in found])

    @extend_schema(operation_id="refs_create", request=NewRefShape, responses={201: RefShape})
    def create(self, request: Request, kind: str, namespace: str, name: str) -> Response:
        """Make a branch (needs “branch”) or a tag (needs “tag”) at a revision."""
        asset = self.open(request, kind, namespace, name)
        shape = NewRefShape(data=body(request))
        shape.is_valid(raise_exception=True)
        wanted = shape.validated_data
        require(asset, wanted["type"])
        place = place_at(asset, text(wanted, "revision"))
        made = create_version(
            asset=asset, actor=actor_of(request), name=PREFIXES[wanted["type"]] + text(wanted, "name"), revision=place.revision.commit.sha
        )
        return Response(ref_data(made, asset.repository.default_branch), status=status.HTTP_201_CREATED)

    @extend_schema(operation_id="refs_destroy", responses={204: None})
    def destroy(self, request: Request, kind: str, namespace: str, name: str, space: str, ref_name: str) -> Response:
        """Remove `heads/<branch>` or `tags/<tag>`."""
        asset = self.open(request, kind, namespace, name)
        full = f"refs/{space}/{ref_name}"
        if "\0" in full or space not in ("heads", "tags"):
            raise Problem("ref_not_found", _("There is no branch or tag of this name."), status=404)
        require(asset, "tag" if space == "tags" else "branch")
        delete_version(asset=asset, actor=actor_of(request), name=full)
        return Response(status=status.HTTP_204_NO_CONTENT)
