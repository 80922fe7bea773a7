"""Storage in the administration: what each namespace takes, and how much it may."""

from typing import Any

import pytest

from accounts.models import AuditEvent, Namespace
from accounts.services import set_quota, set_standing
from core.numbers import bytes_in
from core.problems import TooLarge
from core.testing import assert_flat_queries, browser, person
from repos.models import Repository
from repos.services.objects import check_quota

pytestmark = pytest.mark.django_db
LIST = "/admin/accounts/namespace/"


@pytest.fixture
def operator(ada: Any) -> Any:
    olga = person("olga")
    set_standing(actor=ada, user=olga, standing="operator")
    return browser(olga)


def hold(owner: Any, *sizes: int) -> Repository:
    for stored in sizes:
        made = Repository.objects.create(namespace_id=owner.pk, stored=stored)
    return made


def test_namespaces_are_sorted_by_what_they_store_and_use(operator: Any, alice: Any, bob: Any, ada: Any) -> None:
    hold(alice, 600, 300)
    hold(bob, 500)
    set_quota(actor=ada, namespace=alice, quota=10_000)
    set_quota(actor=ada, namespace=bob, quota=1000)
    by_size = operator.get(LIST, {"o": "-4"}).context["cl"].result_list
    assert [(row.handle, row.used, row.repository_total, row.limit) for row in by_size[:2]] == [
        ("alice", 900, 2, 10_000),
        ("bob", 500, 1, 1000),
    ]
    page = operator.get(LIST, {"o": "-6", "storage_quota__isempty": "0"})
    assert [row.handle for row in page.context["cl"].result_list] == ["bob", "alice"]
    assert "50%" in page.content.decode()
    assert "1.4\u00a0KB are charged" in page.content.decode()


def test_quota_is_set_and_respected(operator: Any, alice: Any, settings: Any) -> None:
    settings.NAMESPACE_QUOTA = 100
    repository = hold(alice, 90)
    with pytest.raises(TooLarge):
        check_quota(repository, 20)
    page = f"{LIST}{alice.pk}/act/quota/"
    assert operator.post(page, {"quota": "2 KB"}).status_code == 302
    check_quota(repository, 1910)
    with pytest.raises(TooLarge) as refused:
        check_quota(repository, 1911)
    assert refused.value.extra == {"limit": 2000, "used": 90}
    operator.post(page, {"quota": "0"})
    with pytest.raises(TooLarge):
        check_quota(repository, 1)
    operator.post(page, {"quota": ""})
    check_quota(repository, 10)
    changes = AuditEvent.objects.filter(verb="set_quota").order_by("id").values_list("details", flat=True)
    assert list(changes) == [{"former": None, "quota": 2000}, {"former": 2000, "quota": 0}, {"former": 0, "quota": None}]


@pytest.mark.parametrize("text", ["-1", "much", "1 XB", "9" * 18 + " EB", "1e3"])
def test_bad_quota_is_a_message(operator: Any, alice: Any, text: str) -> None:
    page = operator.post(f"{LIST}{alice.pk}/act/quota/", {"quota": text})
    assert (page.status_code, "Write a size such as 500 GB." in page.content.decode()) == (422, True)
    assert Namespace.objects.get(pk=alice.pk).storage_quota is None


@pytest.mark.parametrize(("text", "number"), [("500 GB", 500 * 10**9), ("16MiB", 16 * 2**20), ("1.5 kb", 1500), ("742", 742), ("3 B", 3)])
def test_sizes_are_read(text: str, number: int) -> None:
    assert bytes_in(text) == number


def test_namespaces_are_not_changed_by_hand(operator: Any, alice: Any) -> None:
    assert operator.get(f"{LIST}{alice.pk}/change/").status_code == 200
    assert operator.post(f"{LIST}{alice.pk}/change/", {"handle": "x"}).status_code == 403
    assert operator.post(f"{LIST}{alice.pk}/delete/", {"post": "yes"}).status_code == 403


def test_list_costs_the_same_for_many(operator: Any, alice: Any) -> None:
    names = iter(f"person{number}" for number in range(20))
    assert_flat_queries(LIST, lambda: hold(person(next(names)), 10), client=operator)
