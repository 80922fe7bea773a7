"""Finding people by what others know of them: the handle, the number of the account, the nickname."""

from collections.abc import Iterable

from django.utils.translation import gettext as _

from accounts.handles import normalise
from accounts.models import User
from core.problems import Problem

MOST_NAMED = 5


def people_named(words: Iterable[str], field: str = "users") -> list[User]:
    """Return the people that `words` name, each by handle, id or nickname. Raises a `Problem` with a message for every word that names
    nobody, or several."""
    found: list[User] = []
    errors: list[str] = []
    for word in dict.fromkeys(word.strip().removeprefix("@") for word in words):
        if not word:
            continue
        people = _named(word)
        if len(people) == 1:
            found.append(people[0])
        elif people:
            handles = ", ".join(person.handle for person in people)
            errors.append(_("Several people are called “%(word)s”: %(handles)s. Use the handle.") % {"word": word, "handles": handles})
        else:
            errors.append(_("There is nobody called “%(word)s”.") % {"word": word})
    if errors:
        raise Problem("user_not_found", " ".join(errors), errors={field: errors})
    return found


def _named(word: str) -> list[User]:
    if "\0" in word or len(word) > 64 or any("\ud800" <= character <= "\udfff" for character in word):
        return []
    people = User.objects.filter(is_active=True)
    by_handle = people.filter(handles__key=normalise(word))[:1]
    by_id = people.filter(pk=int(word)) if word.isascii() and word.isdigit() and len(word) < 19 else people.none()
    return list(by_handle) or list(by_id) or list(people.filter(nickname__iexact=word).order_by("handle")[:MOST_NAMED])
