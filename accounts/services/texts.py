"""The texts that staff keep: agreements with their versions, and lists of words."""

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Agreement, User, WordList
from accounts.services.administration import authorise
from accounts.services.audit import record
from core.problems import Conflict, Problem

AGREEMENT_FIELDS = ("title_en", "title_zh", "text_en", "text_zh")
WORD_LIST_FIELDS = ("name", "category", "words", "active")


@transaction.atomic
def draft_agreement(*, actor: User, kind: str, **texts: str) -> Agreement:
    """Return the next version of an agreement as a draft; one kind has at most one draft at a time."""
    authorise(actor, "accounts.add_agreement")
    _check_texts(texts)
    versions = Agreement.objects.filter(kind=kind)
    if versions.filter(published_at=None).exists():
        raise _draft_exists()
    number = (versions.aggregate(last=Max("version"))["last"] or 0) + 1
    try:
        with transaction.atomic():
            draft = Agreement.objects.create(kind=kind, version=number, **texts)
    except IntegrityError as error:
        raise _draft_exists() from error
    _record_agreement(actor, draft, "create")
    return draft


def next_version(*, actor: User, agreement: Agreement) -> Agreement:
    """Return a draft that starts from the texts of `agreement`."""
    return draft_agreement(actor=actor, kind=agreement.kind, **{name: getattr(agreement, name) for name in AGREEMENT_FIELDS})


@transaction.atomic
def edit_agreement(*, actor: User, agreement: Agreement, **texts: str) -> None:
    """Change the texts of a draft. A published version is what people agreed to: it stays."""
    authorise(actor, "accounts.change_agreement")
    _check_texts({**{name: getattr(agreement, name) for name in AGREEMENT_FIELDS}, **texts})
    if not Agreement.objects.filter(pk=agreement.pk, published_at=None).update(**texts):
        raise _published_already()
    for name, text in texts.items():
        setattr(agreement, name, text)
    _record_agreement(actor, agreement, "edit", fields=sorted(texts))


@transaction.atomic
def publish_agreement(*, actor: User, agreement: Agreement) -> None:
    """Make a draft the version that people are asked to agree to from now on."""
    authorise(actor, "accounts.change_agreement")
    now = timezone.now()
    if not Agreement.objects.filter(pk=agreement.pk, published_at=None).update(published_at=now):
        raise _published_already()
    agreement.published_at = now
    _record_agreement(actor, agreement, "publish")


@transaction.atomic
def save_word_list(*, actor: User, word_list: WordList | None = None, **values: object) -> WordList:
    """Return the new or changed list; those who look for words read it again because `updated_at` moved on."""
    authorise(actor, "accounts.change_wordlist" if word_list else "accounts.add_wordlist")
    row = WordList.objects.select_for_update().get(pk=word_list.pk) if word_list else WordList()
    changed = sorted(name for name, value in values.items() if name in WORD_LIST_FIELDS and getattr(row, name) != value)
    for name in changed:
        setattr(row, name, values[name])
    if WordList.objects.filter(name=row.name).exclude(pk=row.pk).exists():
        sentence = _("There is a list with this name. Choose another one.")
        raise Conflict("name_taken", sentence, errors={"name": [sentence]})
    row.clean_fields()
    row.updated_at = timezone.now()
    row.save()
    record(
        actor=actor, verb="edit" if word_list else "create", target_kind="word_list", target_id=row.pk, target=row.name,
        fields=changed, words=len(row.words.split("\n")) if row.words else 0,
    )  # fmt: skip
    return row


def _check_texts(texts: dict[str, str]) -> None:
    missing = [name for name in AGREEMENT_FIELDS if not texts.get(name, "").strip()]
    if missing:
        sentence = _("Write the title and the text in both languages.")
        raise Problem("invalid", sentence, errors={name: [sentence] for name in missing})


def _draft_exists() -> Conflict:
    return Conflict("draft_exists", _("There is a draft of this agreement already. Edit and publish that one."))


def _published_already() -> Conflict:
    return Conflict("agreement_published", _("This version is published and stays as it is. Start a new version from it."))


def _record_agreement(actor: User, agreement: Agreement, verb: str, **details: object) -> None:
    name = f"{agreement.kind} {agreement.version}"
    record(actor=actor, verb=verb, target_kind="agreement", target_id=agreement.pk, target=name, **details)
