"""Finding people and organisations by what others know of them."""

from collections.abc import Sequence

from django.core.cache import cache
from django.utils.translation import gettext as _

from accounts.models import Namespace, User
from core.problems import Problem

MOST = 20
A_MINUTE = 60
LONGEST = 100


def find_people(*, user: User, words: str, kinds: Sequence[str] = ()) -> list[Namespace]:
    """Return at most 20 users and organisations that `words` may mean, the best first; mail addresses are not looked at.

    `kinds` limits them to `user` or `organisation`. Raises `Problem` (`too_many_searches`) past 60 searches in a minute.
    """
    words = words.strip()[:LONGEST].replace("\0", "")
    if not words:
        return []
    key = f"people:{user.pk}"
    if not cache.add(key, 1, 60) and cache.incr(key) > A_MINUTE:
        raise Problem("too_many_searches", _("That were many searches in a short time. Wait a minute and search again."), status=429)
    rows = Namespace.objects.for_user(user).matching(words)
    return list((rows.filter(kind__in=kinds) if kinds else rows)[:MOST])
