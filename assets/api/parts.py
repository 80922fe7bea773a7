"""What the REST resources below an asset share: opening it, reading a bounded JSON body, checking plain values."""

import json
from collections.abc import Mapping
from typing import Any, Literal, cast

from django.conf import settings
from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.serializers import Serializer
from rest_framework.viewsets import ViewSet

from accounts.models import User
from assets.addresses import KINDS, asset_at
from assets.models import Asset
from assets.revisions import permit
from core.problems import Invalid, Problem, TooLarge

MOST = 1000


class BoundedJSON(BaseParser):
    """JSON of at most `MAX_REQUEST_SIZE` bytes, an object at the top."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> dict[str, Any]:
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise TooLarge(
                "request_too_large",
                _("The request is larger than %(limit)d bytes. Send large files as uploads.") % {"limit": limit},
                extra={"limit": limit},
            )
        try:
            found = json.loads(body or b"{}")
            if b"\\u" in body:
                # Half a character, `\\ud800`, cannot be stored.
                json.dumps(found, ensure_ascii=False).encode()
        except (ValueError, RecursionError) as error:
            raise Problem("parse_error", _("The body is not valid JSON in UTF-8.")) from error
        if not isinstance(found, dict):
            raise Problem("parse_error", _("The body must be a JSON object."))
        return found


class AssetPart(ViewSet):
    """Base of the resources below `/{models|datasets}/{namespace}/{name}/`; subclasses declare `verbs`."""

    parser_classes = [BoundedJSON]
    verbs: Mapping[str, str] = {}

    def open(self, request: Request, kind: str, namespace: str, name: str) -> Asset:
        """Return the asset if this caller may use the action's verb: not visible is 404, not permitted is 403."""
        asset = asset_at(request.user, KINDS[kind], namespace, name)
        permit(asset, self.verbs[self.action])
        self.check_object_permissions(request, asset)
        return asset


def actor_of(request: Request) -> User:
    """Return who acts; the action's verb was checked, and visitors have no verb that writes."""
    return cast(User, request.user)


def body(request: Request) -> dict[str, Any]:
    """Return the JSON object that was sent."""
    return cast(dict[str, Any], request.data)


def checked(shape: type[Serializer[Any]], data: Any) -> dict[str, Any]:
    """Return the values of a body that has the shape and nothing besides, or answer 400 by field."""
    given = shape(data=data)
    given.is_valid(raise_exception=True)
    if unknown := sorted(set(data) - set(given.fields)):
        raise ValidationError({name: [_("There is no such field.")] for name in unknown})
    return dict(given.validated_data)


def text(data: Mapping[str, Any], name: str, *, required: bool = False, where: str = "") -> str:
    """Return a string of the body, "" where it is absent; anything else than storable text is refused with the field's name."""
    value = data.get(name)
    field = f"{where}.{name}" if where else name
    if value is None or value == "":
        if required:
            raise invalid(field, _("This field is required."))
        return ""
    if not isinstance(value, str):
        raise invalid(field, _("This must be a string."))
    if "\0" in value or (not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value)):
        raise invalid(field, _("This holds characters that cannot be stored."))
    return value


def rows(data: Mapping[str, Any], name: str, *, most: int = MOST) -> list[dict[str, Any]]:
    """Return a list of objects of the body, one to `most`."""
    value = data.get(name)
    if not isinstance(value, list) or not value or not all(isinstance(row, dict) for row in value):
        raise invalid(name, _("This must be a list of objects, not an empty one."))
    if len(value) > most:
        raise TooLarge(
            "too_many",
            _("“%(name)s” takes at most %(limit)d entries. Send the rest in another request.") % {"name": name, "limit": most},
            extra={"limit": most},
        )
    return value


def whole(value: Any, field: str) -> int:
    """Return a whole number of the body that the database can hold."""
    if type(value) is not int or abs(value) >= 2**63:
        raise invalid(field, _("This must be a whole number."))
    return value


def invalid(field: str, message: Any) -> Problem:
    """Return the refusal of one field."""
    return Invalid({field: [message]})


def parameter(request: Request, name: Literal["limit", "offset"], default: int, most: int) -> int:
    """Return a whole number from 0 to `most` of the query; anything else is refused."""
    given = request.query_params.get(name, str(default))
    if not (given.isascii() and given.isdigit() and len(given) < 10 and int(given) <= most):
        sentence = _("“%(name)s” must be a number from 0 to %(most)d.") % {"name": name, "most": most}
        raise Problem("bad_limit", sentence) if name == "limit" else Problem("bad_offset", sentence)
    return int(given)
