"""Two people change the same organisation at the same moment."""

from typing import Any

import pytest

from accounts.models import AuditEvent, Membership, User
from accounts.services.audit import chain
from accounts.tests.test_sign_up import in_threads
from core.testing import api, organisation, person

OWNER = Membership.Role.OWNER


@pytest.fixture
def two(transactional_db: None) -> Any:
    """Two owners of one organisation, each with a client."""
    alice, bob = person("alice"), person("bob")
    lab = organisation("lab", owner=alice)
    Membership.objects.create(organisation=lab, user=bob, role=OWNER)
    return api(alice), api(bob)


def owners() -> int:
    return Membership.objects.filter(role=OWNER).count()


def test_of_two_owners_who_demote_each_other_one_stays(two: Any) -> None:
    alice, bob = two
    members = "/api/v1/organisations/lab/members"
    first, second = in_threads(
        lambda: alice.put(f"{members}/bob", {"role": "reader"}), lambda: bob.put(f"{members}/alice", {"role": "reader"})
    )
    assert sorted([first.status_code, second.status_code]) == [200, 403]
    assert owners() == 1


def test_of_two_owners_who_leave_one_stays(two: Any) -> None:
    alice, bob = two
    members = "/api/v1/organisations/lab/members"
    responses = in_threads(lambda: alice.delete(f"{members}/alice"), lambda: bob.delete(f"{members}/bob"))
    assert sorted(response.status_code for response in responses) == [204, 409]
    assert owners() == 1


def test_one_person_added_twice_at_once_is_one_member(two: Any) -> None:
    alice, bob = two
    person("charlie")
    address = "/api/v1/organisations/lab/members/charlie"
    responses = in_threads(lambda: alice.put(address, {"role": "reader"}), lambda: bob.put(address, {"role": "reader"}))
    assert [response.status_code for response in responses] == [200, 200]
    assert Membership.objects.filter(user=User.objects.get(handle="charlie")).count() == 1


def test_trail_stays_one_chain_when_many_write(two: Any) -> None:
    alice, bob = two
    in_threads(
        *(
            lambda client=client, number=number: client.post("/api/v1/tokens", {"name": f"t{number}"})
            for number in range(4)
            for client in two
        )
    )
    assert sum(1 for _event in chain()) == AuditEvent.objects.count() == 8
