"""Changing single settings of an asset, as the settings tab and REST do."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.words import check_words
from assets import card, wording
from assets.ingest import CARD, read_card
from assets.models import Asset, Term
from assets.services.commits import commit_files
from assets.vocabulary import Terms
from core.permissions import require
from core.problems import Conflict, Invalid
from repos.operations import PutBytes
from repos.reading import resolve

V = Term.Vocabulary
VOCABULARIES = {
    "licence": V.LICENCE,
    "task": V.TASK,
    "languages": V.LANGUAGE,
    "frameworks": V.FRAMEWORK,
    "hardware": V.HARDWARE,
    "minimum_spec": V.SPEC,
    "industry": V.INDUSTRY,
    "platform": V.PLATFORM,
}


def save_settings(*, asset: Asset, actor: User, values: Mapping[str, Any], message: str = "") -> None:
    """Write `values`, by column, into the head of the card as one commit and into `asset`; what is left out stays.

    Nothing happens where nothing differs. Raises `Problem` (`invalid`) with messages by column, for something on the shelf also
    (`forbidden_words`), and `Conflict`: `card_unreadable`
    where the head of the card is broken, `head_moved` where somebody committed at the same moment.
    """
    require(asset, "edit_card")
    values = in_codes(values)
    check_facts(values)
    if asset.state in Asset.SHOWN:
        check_words(wording.of_settings(values))
    revision = resolve(asset.open_repository())
    text, errors = read_card(revision)
    try:
        written = card.rewrite(text or "", values, kind=asset.kind) if text is not None else None
    except card.CardUnreadable as error:
        errors, written = list(error.errors), None
    if written is None:
        reason = card.sentence(errors[0].as_dict()) if errors else ""
        sentence = _("The head of README.md cannot be changed before it is mended: %(reason)s Open it in the editor.") % {"reason": reason}
        raise Conflict("card_unreadable", sentence)
    with transaction.atomic():
        if written != text:
            commit_files(
                asset=asset, actor=actor, operations=[PutBytes(CARD, written.encode())], message=message or _("Change settings"),
                branch=asset.repository.default_branch, parent=revision.commit.sha,
            )  # fmt: skip
            Asset.objects.filter(pk=asset.pk).update(**values)
    for column, value in values.items():
        setattr(asset, column, value)


def in_codes(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return `values` as columns hold them: vocabulary words as codes whatever their spelling or language, lists without repetitions."""
    terms = Terms.load()

    def code(column: str, word: str) -> str:
        term = terms.find(VOCABULARIES[column], word) if word and column in VOCABULARIES else None
        return term.code if term else word

    def column_value(column: str, value: Any) -> Any:
        if isinstance(value, str):
            return code(column, value.strip())
        if isinstance(value, list | tuple):
            return list(dict.fromkeys(code(column, word.strip()) for word in value if word.strip()))
        return value

    return {column: column_value(column, value) for column, value in values.items()}


def check_facts(values: Mapping[str, Any]) -> None:
    """Raise a `Problem` with messages by column for values that a card cannot hold."""
    try:
        card.check_facts(values)
    except ValidationError as error:
        raise Invalid(error.message_dict) from error
