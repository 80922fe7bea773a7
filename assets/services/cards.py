"""Saving the card as its editor does: text and settings together, one commit."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.words import check_words
from assets import card, wording
from assets.ingest import CARD, read_card, speller
from assets.merging import merged
from assets.models import Asset
from assets.services.commits import commit_files
from assets.services.settings import check_facts, in_codes
from core.permissions import require
from core.problems import Conflict, Invalid, Problem
from repos.models import Commit
from repos.operations import PutBytes
from repos.reading import resolve

MAX_CARD_TEXT = 2_000_000
RACES = 3


@dataclass(frozen=True)
class Saved:
    """What saving did: the commit, or None where nothing differed, and what in the head could not be understood."""

    commit: Commit | None
    errors: tuple[card.CardError, ...]


class CardChanged(Conflict):
    """Somebody else changed the card since the text was loaded.

    `original` is the text both started from, `theirs` the one that stands there now, at the commit `head`; `mine` the one that
    was to be saved; `merged` has both changes, or is None where they touch the same lines.
    """

    def __init__(self, *, original: str, theirs: str, mine: str, head: Commit) -> None:
        sentence = _("Somebody else changed the card in the meantime. Look at what changed and save again.")
        super().__init__("card_changed", sentence, extra={"head": head.sha})
        self.original, self.theirs, self.mine, self.head = original, theirs, mine, head
        self.merged = merged(original, theirs, mine)


def save_card(*, asset: Asset, actor: User, text: str, values: Mapping[str, Any], parent: str, message: str = "") -> Saved:
    """Commit `text` with the settings `values`, by column, in its head. `parent` is the commit that both were loaded from.

    A value counts where it differs from the card at `parent`; where the head in `text` says something new about the same
    setting, the text counts. Raises `CardChanged` where the card differs from the one at `parent` now, and `Problem`
    (`invalid`, by field) for values a card cannot hold, also for changed values when the head in `text` is broken; for something
    on the shelf also (`forbidden_words`).
    """
    require(asset, "edit_card")
    values = in_codes(values)
    check_facts(values)
    if len(text) > MAX_CARD_TEXT:
        raise _invalid(
            "text", _("The text is longer than %(limit)d characters. Move parts of it into files of their own.") % {"limit": MAX_CARD_TEXT}
        )
    if asset.state in Asset.SHOWN:
        check_words({**wording.of_settings(values), "text": text})
    spelled = speller()
    original = card_text(asset, parent)
    mine = _combined(asset, original, _like(text, original), values, spelled)
    for _attempt in range(RACES):
        head = resolve(asset.open_repository()).commit
        theirs = card_text(asset, head.sha)
        found = card.parse(mine, spelled)
        if mine == theirs:
            return Saved(None, found.errors)
        if theirs != original:
            raise CardChanged(original=original, theirs=theirs, mine=mine, head=head)
        try:
            return Saved(_commit(asset, actor, mine, found, head.sha, message), found.errors)
        except Conflict as problem:
            if problem.code != "head_moved":
                raise
    raise Conflict("head_moved", _("Somebody else commits to this repository all the time. Save again."))


def card_text(asset: Asset, revision: str = "") -> str:
    """Return the card at a revision, the head of the default branch unless another is named; empty where there is none."""
    text, errors = read_card(resolve(asset.open_repository(), revision))
    if text is None:
        raise Problem(
            "not_text",
            _("README.md cannot be edited here: %(reason)s Upload a new version of it.") % {"reason": card.sentence(errors[0].as_dict())},
        )
    return text


def _combined(asset: Asset, original: str, text: str, values: Mapping[str, Any], spelled: Any) -> str:
    """Return `text` with those of `values` in its head that the person changed in the form and not in the text."""
    before, now = card.parse(original, spelled), card.parse(text, spelled)
    known = {**{column: getattr(asset, column) for column in card.COLUMNS}, **before.settings}
    changed = {
        column: value
        for column, value in values.items()
        if value != known[column] and (not (before.readable and now.readable) or now.settings.get(column) == before.settings.get(column))
    }
    if not changed:
        return text
    if not now.readable:
        reason = card.sentence(now.errors[0].as_dict())
        raise _invalid("text", _("The settings cannot be written before the head of the text is mended: %(reason)s") % {"reason": reason})
    return card.rewrite(text, changed, kind=asset.kind, spelled=spelled)


def _like(text: str, original: str) -> str:
    """Return `text`, which comes from a form, with the line ends and the byte order mark of `original`."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")
    if original.count("\r\n") * 2 > original.count("\n"):
        text = text.replace("\n", "\r\n")
    return f"\ufeff{text}" if original.startswith("\ufeff") else text


def _commit(asset: Asset, actor: User, text: str, found: card.Card, parent: str, message: str) -> Commit:
    with transaction.atomic():
        made = commit_files(
            asset=asset, actor=actor, operations=[PutBytes(CARD, text.encode("utf-8", "replace"))], message=message or _("Update the card"),
            branch=asset.repository.default_branch, parent=parent,
        )  # fmt: skip
        # The page that opens next shows the settings already; the job reads them again with everything else.
        Asset.objects.filter(pk=asset.pk).update(**found.settings, card_errors=[error.as_dict() for error in found.errors])
    for column, value in found.settings.items():
        setattr(asset, column, value)
    return made


def _invalid(field: str, sentence: str) -> Problem:
    return Invalid({field: [sentence]})
