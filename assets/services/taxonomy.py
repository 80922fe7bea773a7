"""The words of the catalog, kept by operators."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.services import authorise, record
from assets.models import Term
from assets.vocabulary import Terms
from core.problems import Conflict

TERM_FIELDS = (
    "vocabulary", "code", "name_en", "name_zh", "parent", "aliases", "pigment", "url",
    "fine_tuning", "inference", "app", "position", "active",
)  # fmt: skip


@transaction.atomic
def save_term(*, actor: User, term: Term | None = None, **values: Any) -> Term:
    """Return the new or changed term. Terms are switched off, not deleted: cards keep naming them."""
    authorise(actor, "assets.change_term" if term else "assets.add_term")
    row = Term.objects.select_for_update().get(pk=term.pk) if term else Term()
    changed = sorted(name for name, value in values.items() if name in TERM_FIELDS and getattr(row, name) != value)
    if term and not changed:
        return row
    for name in changed:
        setattr(row, name, values[name])
    if Term.objects.filter(vocabulary=row.vocabulary, code=row.code).exclude(pk=row.pk).exists():
        sentence = _("This vocabulary has the code “%(code)s” already.") % {"code": row.code}
        raise Conflict("term_exists", sentence, errors={"code": [sentence]})
    row.clean_fields()
    row.save()
    transaction.on_commit(Terms.forget)
    Terms.forget()
    verb = "edit" if term else "create"
    record(actor=actor, verb=verb, target_kind="term", target_id=row.pk, target=f"{row.vocabulary}:{row.code}", fields=changed)
    return row
