"""Reading the files of an asset into its columns, whenever the default branch has a new head."""

from collections.abc import Callable
from copy import copy
from dataclasses import replace
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from assets import card
from assets.card import CardError
from assets.models import Asset
from assets.permissions import READING
from assets.vocabulary import Terms
from core.problems import Missing, Problem
from repos.models import Ref, Repository
from repos.models.git import HEADS
from repos.reading import Revision, find, read_all, resolve

CARD = "README.md"
MAX_CARD = 5_000_000


def read_asset(*, asset_id: int, commit: str) -> bool:
    """Bring the columns of an asset in step with the files at `commit`; say whether that is still the default branch's head.

    Harmless when repeated. Columns whose value could not be understood keep their last good one; `card_errors` says why.
    """
    asset = Asset.objects.select_related("repository").filter(pk=asset_id, repository__deleted_at=None).first()
    if asset is None or not _head(asset.repository).filter(commit=commit).exists():
        return False
    # System work: it may read what every user of the asset may read, and is answered for by whoever committed.
    asset.repository.allowed = READING
    revision = resolve(asset.repository, commit)
    text, errors = read_card(revision)
    values: dict[str, Any] = {}
    if text is not None:
        found = card.parse(text, speller())
        values, errors = dict(found.settings), list(found.errors)
    current = Q(repository__refs__name=HEADS + asset.repository.default_branch, repository__refs__commit=commit)
    return (
        Asset.objects.filter(pk__in=Asset.objects.filter(current, pk=asset_id).values("pk")).update(
            **values,
            card_commit=commit,
            card_errors=[error.as_dict() for error in errors],
            updated_at=revision.commit.committed_at,
        )
        == 1
    )


def speller() -> Callable[[str, str], str | None]:
    """Return what `assets.card` asks for the code of a spelling: the words of the gallery as administrators left them."""
    terms = Terms.load()
    return lambda vocabulary, word: term.code if (term := terms.find(vocabulary, word)) else None


def read_card(revision: Revision) -> tuple[str | None, list[CardError]]:
    """Return the text of the card, or None with what is wrong; no card at all is nothing wrong and reads as empty."""
    try:
        item = find(revision, CARD)
    except Missing:
        return "", []
    if item.is_folder:
        return "", []
    if item.size > MAX_CARD:
        return None, [CardError("card_too_large", 0, {"limit": MAX_CARD})]
    # The introduction is for everybody who sees the asset, also for those who may not read its files.
    reader = copy(item.repository)
    reader.allowed = reader.allowed | {"preview"}
    try:
        return read_all(replace(item, repository=reader), MAX_CARD).decode(), []
    except UnicodeDecodeError:
        return None, [CardError("not_text", 0)]
    except Problem as problem:
        raise RuntimeError(_("The card cannot be read: %(reason)s") % {"reason": problem.detail}) from problem


def _head(repository: Repository) -> Any:
    return Ref.objects.filter(repository=repository, name=HEADS + repository.default_branch)
