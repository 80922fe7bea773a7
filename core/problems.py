"""Errors that people and programs can act on: a stable code, a sentence, an HTTP status."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _


class Problem(Exception):
    """Stops a request with `status`; pages show `detail`, REST answers `{"code", "detail", "errors"}`.

    `code` is a stable snake_case word listed in `docs/reference/errors.md`. `detail` is one translated sentence that says what
    happened and what to do. `errors` holds messages per field. `extra` is merged into the REST envelope (a current
    head, a limit).
    """

    status = 400

    def __init__(
        self,
        code: str,
        detail: Any,
        *,
        status: int | None = None,
        errors: Mapping[str, Sequence[Any]] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail
        self.status = status or self.status
        self.errors = dict(errors or {})
        self.extra = dict(extra or {})

    @property
    def messages(self) -> list[str]:
        """The messages of all fields."""
        return [str(message) for messages in self.errors.values() for message in messages]

    @property
    def page_status(self) -> int:
        """The status of a page that shows its form again with the problem: RFC 9110 has 422 for what was understood and is not valid."""
        return 422 if self.status == 400 else self.status


class Invalid(Problem):
    """Values that were given are not valid; `errors` says by field why."""

    def __init__(self, errors: Mapping[str, Sequence[Any]]) -> None:
        super().__init__("invalid", _("Some values are not valid; see the messages by field."), errors=errors)


class Missing(Problem):
    """The row does not exist, or the viewer may not know that it does."""

    status = 404


class Conflict(Problem):
    """Somebody was faster; the caller reads again and decides."""

    status = 409


class Forbidden(Problem):
    """The viewer sees the row but may not do this to it."""

    status = 403


class TooLarge(Problem):
    """A limit of size or number would be passed."""

    status = 413


class Moved(Problem):
    """What stood at this address stands elsewhere now: answered with a redirect that keeps the rest of the address.

    `old` and `new` are the parts of the path that differ, such as `models/ann/tiny` and `models/lab/tiny-2`.
    """

    status = 308

    def __init__(self, old: str, new: str) -> None:
        super().__init__("moved", _("This has a new address: %(new)s.") % {"new": f"/{new}"}, extra={"location": f"/{new}"})
        self.old, self.new = old, new

    def location(self, full_path: str) -> str:
        """Return `full_path`, a path with its query, at the new address."""
        head, found, tail = full_path.partition(f"/{self.old}")
        return f"{head}/{self.new}{tail}" if found else f"/{self.new}"
