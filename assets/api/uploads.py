"""REST for uploads: files that arrive in parts and are placed by a commit."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db.models import F
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from assets.api.parts import MOST, AssetPart, actor_of, body, invalid, rows, text, whole
from assets.models import Asset
from assets.permissions import Role
from assets.serializers.files import AddressesShape, NewUploadsShape, PartsShape, UploadShape, UploadsShape, upload_data
from core.errors import envelope
from core.problems import Conflict, Missing, Problem
from repos.models import Upload
from repos.services import begin_upload, cancel_upload, confirm_part, finish_upload, part_addresses

AHEAD = 3
READABLE = {"role__gte": Role.USER}


class UploadsViewSet(AssetPart):
    """Uploads of the caller into an asset."""

    verbs = {"list": "upload", "create": "upload", "retrieve": "upload", "parts": "upload", "finish": "upload", "destroy": "upload"}

    @extend_schema(operation_id="uploads_list", responses=UploadsShape)
    def list(self, request: Request, kind: str, namespace: str, name: str) -> Response:
        """List the caller's uploads that no commit has taken up yet."""
        asset = self.open(request, kind, namespace, name)
        found = Upload.objects.for_user(request.user).filter(repository=asset.repository).exclude(path=F("object_sha256"))
        shown = found.prefetch_related("parts").order_by("-created_at")[:MOST]
        return Response({"uploads": [described(upload) for upload in shown]})

    @extend_schema(operation_id="uploads_create", request=NewUploadsShape, responses=UploadsShape)
    def create(self, request: Request, kind: str, namespace: str, name: str) -> Response:
        """Begin up to 1,000 uploads; the answer says for each which parts to send, or that it is stored already.

        One refused file among several does not stop the others: its entry has `error`. A single one is refused as a whole.
        """
        asset = self.open(request, kind, namespace, name)
        given = rows(body(request), "files")
        repository = asset.open_repository()
        readable = Asset.objects.for_user(request.user).filter(**READABLE).values("repository")
        answers: list[dict[str, Any]] = []
        for number, row in enumerate(given):
            try:
                where = f"files.{number}"
                upload = begin_upload(
                    repository=repository,
                    actor=actor_of(request),
                    path=text(row, "path", required=True, where=where),
                    size=whole(row.get("size"), f"{where}.size"),
                    sha256=text(row, "sha256", where=where),
                    readable=readable,
                )
            except Problem as problem:
                if len(given) == 1 or problem.status >= 500:
                    raise
                answers.append({"path": row.get("path"), "error": envelope(problem)})
            else:
                answers.append(described(upload, ahead=AHEAD))
        return Response({"uploads": answers})

    @extend_schema(operation_id="uploads_retrieve", responses=UploadShape)
    def retrieve(self, request: Request, kind: str, namespace: str, name: str, pk: UUID) -> Response:
        """Show what has arrived and what is missing, with addresses for the next parts."""
        return Response(described(self._upload(request, kind, namespace, name, pk), ahead=AHEAD))

    @extend_schema(operation_id="uploads_parts", request=PartsShape, responses=AddressesShape)
    def parts(self, request: Request, kind: str, namespace: str, name: str, pk: UUID) -> Response:
        """Give addresses for part numbers, and take note of parts that went straight to the object store."""
        upload = self._upload(request, kind, namespace, name, pk)
        if upload.state != Upload.State.OPEN:
            raise Conflict("upload_not_open", _("This upload takes no more parts. Ask for its state."), extra={"state": upload.state})
        confirmed = rows(body(request), "confirm") if body(request).get("confirm") else []
        for position, row in enumerate(confirmed):
            where = f"confirm.{position}"
            part = whole(row.get("number"), f"{where}.number")
            if not part_addresses(upload=upload, numbers=[part])[0]["confirm"]:
                raise Conflict("part_not_direct", _("This server takes parts itself and knows which have arrived. Send the part."))
            confirm_part(
                upload=upload, number=part, sha256=text(row, "sha256", required=True, where=where), etag=text(row, "etag", where=where)
            )
        return Response({"addresses": part_addresses(upload=upload, numbers=_numbers(body(request).get("numbers", [])))})

    @extend_schema(
        operation_id="uploads_finish",
        request=None,
        responses={
            200: UploadShape,
            202: UploadShape,
            409: OpenApiResponse(description="`parts_missing` with `missing`."),
            422: OpenApiResponse(description="`upload_failed`"),
        },
    )
    def finish(self, request: Request, kind: str, namespace: str, name: str, pk: UUID) -> Response:
        """Verify the whole file: 200 once it is stored, 202 while it is being hashed; ask for its state then."""
        upload = finish_upload(upload=self._upload(request, kind, namespace, name, pk), actor=actor_of(request))
        if upload.state == Upload.State.FAILED:
            raise Problem("upload_failed", sentence(upload), status=422, extra={"error": upload.error})
        done = upload.state == Upload.State.FINISHED
        return Response(described(upload), status=status.HTTP_200_OK if done else status.HTTP_202_ACCEPTED)

    @extend_schema(operation_id="uploads_destroy", responses={204: None})
    def destroy(self, request: Request, kind: str, namespace: str, name: str, pk: UUID) -> Response:
        """Give up an upload and drop its parts."""
        cancel_upload(upload=self._upload(request, kind, namespace, name, pk), actor=actor_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _upload(self, request: Request, kind: str, namespace: str, name: str, pk: UUID) -> Upload:
        asset = self.open(request, kind, namespace, name)
        upload = Upload.objects.for_user(request.user).filter(repository=asset.repository, pk=pk).prefetch_related("parts").first()
        if upload is None:
            raise Missing("upload_not_found", _("There is no upload %(id)s of yours in this repository.") % {"id": pk})
        upload.repository = asset.open_repository()
        return upload


def described(upload: Upload, *, ahead: int = 0) -> dict[str, Any]:
    """Return an upload as REST shows it, with the addresses of its next `ahead` parts."""
    have = {part.number for part in upload.parts.all()}
    missing = [number for number in range(1, upload.part_count + 1) if number not in have]
    is_open = upload.state == Upload.State.OPEN
    data = upload_data(upload, missing, part_addresses(upload=upload, numbers=missing[:ahead]) if ahead and is_open else None)
    if upload.state == Upload.State.FAILED:
        data["detail"] = sentence(upload)
    return data


def sentence(upload: Upload) -> str:
    """Return why an upload failed."""
    if upload.error == "sha256_mismatch":
        return _("Checksum differs; the file may have changed during upload. Choose it again.")
    return _("The upload failed (%(reason)s). Begin it again.") % {"reason": upload.error or "unknown"}


def _numbers(given: Any) -> Iterable[int]:
    if not isinstance(given, list) or len(given) > MOST:
        raise invalid("numbers", _("This must be a list of at most %(limit)d part numbers.") % {"limit": MOST})
    return [whole(number, "numbers") for number in given]
