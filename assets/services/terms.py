"""The terms of use on application: questions, agreement, length of a grant, automatic rules, delegated approvers."""

import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Namespace, Organisation, User
from accounts.words import check_words
from assets import wording
from assets.models import AccessTerms, Approver, Asset
from assets.services.rows import hold, note
from core.problems import Invalid, Problem

KINDS = ("text", "long", "choice", "check")
MAX_QUESTIONS, MAX_LABEL, MAX_CHOICES = 20, 200, 20
MAX_AGREEMENT, MAX_DAYS, MAX_RULES, MAX_APPROVERS = 20_000, 3650, 50, 20
DOMAIN = re.compile(r"(?=.{4,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]")
COLUMNS = ("questions", "agreement", "grant_days", "mail_domains")


@transaction.atomic
def set_terms(*, asset: Asset, actor: User, organisations: Iterable[Namespace] | None = None, **values: Any) -> AccessTerms:
    """Write the terms that applicants for `asset` find from now on, and return them; what is left out stays.

    `values` are `questions` (`{"id", "label", "kind", "required", "choices"}`, an id is made where there is none), `agreement`,
    `grant_days` (None for grants without end) and `mail_domains`. Members of `organisations` are granted at once. A changed agreement is
    its next version. Raises `Problem`: `invalid` by field, and for something on the shelf `forbidden_words`.
    """
    held = hold(asset, actor, "publish")
    terms = AccessTerms.objects.filter(asset=held).first() or AccessTerms(asset=held)
    wanted = _checked(values)
    changed = sorted(name for name, value in wanted.items() if getattr(terms, name) != value)
    if held.state in Asset.SHOWN:
        check_words(wording.of_terms(wanted.get("questions", []), wanted.get("agreement", "")))
    if "agreement" in changed:
        terms.agreement_version += 1
    for name in changed:
        setattr(terms, name, wanted[name])
    if changed or terms._state.adding:
        terms.save()
    if organisations is not None and _set_organisations(terms, list(organisations)):
        changed.append("organisations")
    if changed:
        note(held, actor, "set_terms", fields=changed)
    return terms


@transaction.atomic
def set_approvers(*, asset: Asset, actor: User, users: Iterable[User]) -> None:
    """Make exactly `users` decide on applications for `asset` beside those who own it."""
    held, wanted = hold(asset, actor, "publish"), {user.pk: user for user in users}
    if len(wanted) > MAX_APPROVERS:
        raise _invalid("approvers", _("Choose at most %(limit)d people.") % {"limit": MAX_APPROVERS})
    there = set(Approver.objects.filter(asset=held).values_list("user", flat=True))
    if there == set(wanted):
        return
    Approver.objects.filter(asset=held, user__in=there - set(wanted)).delete()
    Approver.objects.bulk_create([Approver(asset=held, user_id=pk) for pk in sorted(set(wanted) - there)])
    note(held, actor, "set_approvers", approvers=sorted(user.handle for user in wanted.values()))


def clear_delegation(asset: Asset) -> None:
    """Forget who decides and who is granted without a decision: the new owner of `asset` knows neither. Part of a transfer."""
    Approver.objects.filter(asset=asset).delete()
    terms = AccessTerms.objects.filter(asset=asset).first()
    if terms is not None:
        terms.organisations.clear()
        AccessTerms.objects.filter(asset=asset).update(mail_domains=[])


def _set_organisations(terms: AccessTerms, wanted: list[Namespace]) -> bool:
    pks = {row.pk for row in wanted}
    if len(pks) > MAX_RULES or Organisation.objects.filter(pk__in=pks).count() != len(pks):
        raise _invalid("organisations", _("Choose at most %(limit)d organisations, and no people.") % {"limit": MAX_RULES})
    if pks == set(terms.organisations.values_list("pk", flat=True)):
        return False
    terms.organisations.set(pks)
    return True


def _checked(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values as the columns hold them, or raise with messages by field."""
    if unknown := set(values) - set(COLUMNS):
        raise TypeError(f"not terms: {sorted(unknown)}")
    found = dict(values)
    if "questions" in found:
        found["questions"] = [_question(given) for given in _at_most(found["questions"], MAX_QUESTIONS, "questions")]
        ids = [question["id"] for question in found["questions"]]
        if len(set(ids)) < len(ids):
            raise _invalid("questions", _("Two questions have the same id."))
    if "agreement" in found:
        found["agreement"] = str(found["agreement"]).replace("\r\n", "\n").strip()
        if len(found["agreement"]) > MAX_AGREEMENT:
            raise _invalid("agreement", _("Use at most %(limit)d characters.") % {"limit": MAX_AGREEMENT})
    if found.get("grant_days") is not None and not 1 <= found["grant_days"] <= MAX_DAYS:
        raise _invalid("grant_days", _("Choose between 1 and %(limit)d days.") % {"limit": MAX_DAYS})
    if "mail_domains" in found:
        domains = [_domain(word) for word in _at_most(found["mail_domains"], MAX_RULES, "mail_domains")]
        found["mail_domains"] = list(dict.fromkeys(domains))
    return found


def _question(given: Mapping[str, Any]) -> dict[str, Any]:
    label, kind = " ".join(str(given.get("label", "")).split()), given.get("kind", "text")
    if not label or len(label) > MAX_LABEL:
        raise _invalid("questions", _("A question has 1 to %(limit)d characters.") % {"limit": MAX_LABEL})
    if kind not in KINDS:
        raise _invalid("questions", _("A question is one of text, long, choice, check."))
    choices = list(dict.fromkeys(" ".join(str(choice).split()) for choice in given.get("choices") or [])) if kind == "choice" else []
    choices = [choice for choice in choices if choice]
    if kind == "choice" and not 2 <= len(choices) <= MAX_CHOICES:
        raise _invalid("questions", _("“%(label)s” needs 2 to %(limit)d choices.") % {"label": label, "limit": MAX_CHOICES})
    if any(len(choice) > MAX_LABEL for choice in choices):
        raise _invalid("questions", _("A choice has at most %(limit)d characters.") % {"limit": MAX_LABEL})
    key = str(given.get("id") or f"q{secrets.token_hex(4)}")[:32]
    return {"id": key, "label": label, "kind": kind, "required": bool(given.get("required")), "choices": choices}


def _domain(word: str) -> str:
    plain = word.strip().lower().removeprefix("@")
    try:
        plain = plain.encode("idna").decode()
    except UnicodeError:
        plain = ""
    if not DOMAIN.fullmatch(plain):
        raise _invalid("mail_domains", _("“%(word)s” is not the domain of mail addresses, such as example.org.") % {"word": word.strip()})
    return plain


def _at_most(rows: Sequence[Any], limit: int, field: str) -> Sequence[Any]:
    if len(rows) > limit:
        raise _invalid(field, _("At most %(limit)d, please.") % {"limit": limit})
    return rows


def _invalid(field: str, sentence: str) -> Problem:
    return Invalid({field: [sentence]})
