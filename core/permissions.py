"""Permission by verb: a row read through `for_user` knows which verbs its viewer may use."""

from collections.abc import Sequence, Set
from typing import Any, Protocol, TypeVar

from django.utils.translation import gettext_lazy as _
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from core.problems import Forbidden

R = TypeVar("R")


class Guarded(Protocol):
    """A row that was read for a viewer."""

    @property
    def allowed(self) -> frozenset[str]: ...


def require(row: Guarded, verb: str) -> None:
    """Raise `Forbidden` unless the viewer that `row` was read for may use `verb`."""
    if verb not in row.allowed:
        raise Forbidden(
            "not_permitted", _("You may see this, but you do not have the right to do that. Ask its owner."), extra={"verb": verb}
        )


def climbing(ladder: Sequence[tuple[R, Set[str]]]) -> dict[R, frozenset[str]]:
    """Return the verbs of each role: what its own step adds, and all that the roles before it may do."""
    verbs: frozenset[str] = frozenset()
    found: dict[R, frozenset[str]] = {}
    for role, added in ladder:
        found[role] = verbs = verbs | added
    return found


class VerbPermission(BasePermission):
    """Let an action pass when the view declares its verb in `verbs`, and its row, where it has one, allows it.

    A view maps each action to a verb: `verbs = {"list": "view", "destroy": "delete"}`. An action that is not declared is
    refused. `SIGNED_IN` and `ANYBODY` stand for actions that are not about a row.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        verb = _verb(request, view)
        if verb is None:
            return False
        if verb != SIGNED_IN:
            return True
        if not request.user.is_authenticated:
            return False
        token = getattr(request.user, "token", None)
        if token is not None and token.scope != "write" and request.method not in SAFE_METHODS:
            raise Forbidden("token_scope", _("This access token may only read. Use one with the scope “write”."))
        return True

    def has_object_permission(self, request: Request, view: Any, obj: Any) -> bool:
        verb = _verb(request, view)
        if verb in (SIGNED_IN, ANYBODY):
            return True
        require(obj, str(verb))
        return True


SIGNED_IN = "*signed-in"
ANYBODY = "*anybody"


def _verb(request: Request, view: Any) -> str | None:
    action = getattr(view, "action", None) or (request.method or "").lower()
    if request.method == "OPTIONS":
        return ANYBODY
    verb: str | None = getattr(view, "verbs", {}).get(action)
    return verb
