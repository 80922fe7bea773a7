"""Two at once about publishing: one wins, the other is told, nothing is half done."""

from typing import Any

import pytest

from accounts.models import AuditEvent, Notification, WordList
from assets import services
from assets.models import Asset, Submission
from assets.tests.factories import make_asset, read_for
from assets.tests.test_publishing import pending, reviewer
from assets.tests.test_races import codes, together
from core.testing import api, person
from repos.operations import PutBytes

pytestmark = pytest.mark.django_db(transaction=True)


def in_review(alice: Any) -> Asset:
    return services.publish_asset(asset=make_asset(alice, visibility="private"), actor=alice)


def verbs(asset: Asset) -> list[str]:
    return list(AuditEvent.objects.filter(target_id=str(asset.pk), target_kind="asset").order_by("id").values_list("verb", flat=True))


@pytest.mark.parametrize("turn", range(3))
@pytest.mark.parametrize("review", ["words", "manual"])
def test_of_two_submits_one_wins(settings: Any, review: str, turn: int) -> None:
    settings.REVIEW = review
    alice = person("alice")
    asset = make_asset(alice, visibility="private")
    rows = [read_for(alice, asset), read_for(alice, asset)]
    results = together(*[lambda row=row: services.publish_asset(asset=row, actor=alice) for row in rows])
    assert codes(results) == ["wrong_state"]
    assert Submission.objects.count() == 1
    assert verbs(asset).count("submit") == 1


@pytest.mark.parametrize("turn", range(3))
def test_of_two_reviewers_one_decides(settings: Any, turn: int) -> None:
    settings.REVIEW = "manual"
    alice, vera, walt = person("alice"), reviewer("vera"), reviewer("walt")
    asset = in_review(alice)
    results = together(
        lambda: services.approve_submission(submission=pending(asset), actor=vera),
        lambda: services.reject_submission(submission=pending(asset), actor=walt, reason="No"),
    )
    assert codes(results) == ["already_decided"]
    state, decision = Asset.objects.get(pk=asset.pk).state, pending(asset)
    assert (state, decision.state) in [("published", "approved"), ("rejected", "rejected")]
    assert decision.reviewer == (vera if state == "published" else walt)
    assert len([verb for verb in verbs(asset) if verb in ("approve", "reject")]) == 1
    assert Notification.objects.filter(receiver=alice).count() == 1


def test_the_slower_reviewer_gets_409_by_rest(settings: Any) -> None:
    settings.REVIEW = "manual"
    alice, vera, walt = person("alice"), reviewer("vera"), reviewer("walt")
    asset = in_review(alice)
    address = f"/api/v1{asset.get_absolute_url()}/review"
    clients = [api(vera), api(walt)]
    answers = together(
        lambda: clients[0].post(f"{address}/approve", {}, format="json").status_code,
        lambda: clients[1].post(f"{address}/reject", {"reason": "No"}, format="json").status_code,
    )
    assert sorted(answers) == [200, 409]


@pytest.mark.parametrize("turn", range(3))
def test_an_approval_and_a_withdrawal_exclude_each_other(settings: Any, turn: int) -> None:
    settings.REVIEW = "manual"
    alice, vera = person("alice"), reviewer()
    asset = in_review(alice)
    mine = read_for(alice, asset)
    results = together(
        lambda: services.approve_submission(submission=pending(asset), actor=vera),
        lambda: services.withdraw_submission(asset=mine, actor=alice),
    )
    assert codes(results) in (["already_decided"], ["wrong_state"])
    pair = (Asset.objects.get(pk=asset.pk).state, pending(asset).state)
    assert pair in [("published", "approved"), ("unpublished", "withdrawn")]


@pytest.mark.parametrize("turn", range(3))
def test_a_delisting_and_a_delete_never_delete_what_is_published(turn: int) -> None:
    alice = person("alice")
    asset = make_asset(alice)
    rows = [read_for(alice, asset), read_for(alice, asset)]
    results = together(lambda: services.delist_asset(asset=rows[0], actor=alice), lambda: services.delete_asset(asset=rows[1], actor=alice))
    assert codes(results) in ([], ["delist_first"])
    left = Asset.objects.filter(pk=asset.pk).values_list("state", flat=True).first()
    assert left == ("delisted" if codes(results) else None)
    assert verbs(asset).count("delist") == 1


@pytest.mark.parametrize("turn", range(3))
def test_a_publishing_and_a_delete_leave_either_all_or_nothing(turn: int) -> None:
    alice = person("alice")
    asset = make_asset(alice, visibility="private")
    rows = [read_for(alice, asset), read_for(alice, asset)]
    results = together(
        lambda: services.publish_asset(asset=rows[0], actor=alice), lambda: services.delete_asset(asset=rows[1], actor=alice)
    )
    assert codes(results) in (["asset_not_found"], ["delist_first"])
    left = Asset.objects.filter(pk=asset.pk).values_list("state", flat=True).first()
    assert left == ("published" if codes(results) == ["delist_first"] else None)


@pytest.mark.parametrize("turn", range(4))
def test_a_forbidden_commit_and_a_publishing_never_both_go_through(turn: int) -> None:
    WordList.objects.create(name="drugs", category="prohibited", words="heroin")
    alice = person("alice")
    asset = make_asset(alice, visibility="private")
    rows = [read_for(alice, asset), read_for(alice, asset)]
    results = together(
        lambda: services.publish_asset(asset=rows[0], actor=alice),
        lambda: services.commit_files(asset=rows[1], actor=alice, operations=[PutBytes("README.md", b"heroin")], message="Bad"),
    )
    assert codes(results) == ["forbidden_words"]


@pytest.mark.parametrize("turn", range(3))
def test_an_approval_and_a_commit_publish_only_what_was_looked_at(settings: Any, turn: int) -> None:
    settings.REVIEW = "manual"
    alice, vera = person("alice"), reviewer()
    asset = in_review(alice)
    mine = read_for(alice, asset)
    results = together(
        lambda: services.approve_submission(submission=pending(asset), actor=vera),
        lambda: services.commit_files(asset=mine, actor=alice, operations=[PutBytes("a.txt", b"a")], message="More"),
    )
    assert codes(results) in ([], ["revision_moved"])
    assert Asset.objects.get(pk=asset.pk).state == ("review" if codes(results) else "published")
