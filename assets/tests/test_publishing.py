"""Publishing: every step from every state, the ranges, who is told, and what stays behind."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from accounts.models import AuditEvent, Notification
from assets import services
from assets.models import Approver, Asset, Audience, Submission, Subscription
from assets.tests.factories import make_asset, read_for
from core.problems import Conflict, Forbidden, Missing, Problem
from core.testing import People, organisation, person
from repos.operations import PutBytes

pytestmark = pytest.mark.django_db
NOON = datetime(2031, 5, 1, 12, 0, tzinfo=UTC)
STATES = ("unpublished", "review", "published", "rejected", "delisted")


def reviewer(handle: str = "vera") -> Any:
    from accounts.services import set_standing

    vera = person(handle)
    set_standing(actor=person(f"{handle}-admin", is_staff=True, is_superuser=True), user=vera, standing="reviewer")
    vera.refresh_from_db()
    return vera


def pending(asset: Asset) -> Submission:
    return Submission.objects.filter(asset=asset).latest("pk")


def bring_to(asset: Asset, owner: Any, vera: Any, state: str) -> Asset:
    """Lead a new asset into `state` through the services, with people reviewing."""
    if state != "unpublished":
        services.publish_asset(asset=asset, actor=owner)
    if state in ("published", "delisted"):
        services.approve_submission(submission=pending(asset), actor=vera)
    if state == "rejected":
        services.reject_submission(submission=pending(asset), actor=vera, reason="No licence")
    if state == "delisted":
        services.delist_asset(asset=read_for(owner, asset), actor=owner)
    return read_for(owner, asset)


def trail(asset: Asset) -> list[str]:
    return list(AuditEvent.objects.filter(target_kind="asset", target_id=str(asset.pk)).order_by("id").values_list("verb", flat=True))


def told(user: Any) -> list[str]:
    return list(Notification.objects.filter(receiver=user).order_by("id").values_list("kind", flat=True))


# --- every transition from every state ------------------------------------------------------------------------

STEPS: dict[str, dict[str, str]] = {
    "publish": {"unpublished": "review", "rejected": "review", "delisted": "review"},
    "withdraw": {"review": "unpublished"},
    "approve": {"review": "published"},
    "reject": {"review": "rejected"},
    "delist": {"published": "delisted"},
}


def take(step: str, asset: Asset, owner: Any, vera: Any) -> Any:
    latest = Submission.objects.filter(asset=asset).order_by("-pk").first()
    steps: dict[str, Callable[[], Any]] = {
        "publish": lambda: services.publish_asset(asset=asset, actor=owner),
        "withdraw": lambda: services.withdraw_submission(asset=asset, actor=owner),
        "delist": lambda: services.delist_asset(asset=asset, actor=owner),
        "approve": lambda: services.approve_submission(submission=latest or Submission(pk=0, asset=asset), actor=vera),
        "reject": lambda: services.reject_submission(submission=latest or Submission(pk=0, asset=asset), actor=vera, reason="No"),
    }
    return steps[step]()


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("step", STEPS)
def test_a_step_leads_where_the_table_says_or_changes_nothing(settings: Any, step: str, state: str) -> None:
    settings.REVIEW = "manual"
    alice, vera = person("alice"), reviewer()
    asset = bring_to(make_asset(alice, visibility="private"), alice, vera, state)
    before, rows = trail(asset), Submission.objects.filter(asset=asset).count()
    goal = STEPS[step].get(state)
    if goal is None:
        with pytest.raises((Conflict, Missing)) as refused:
            take(step, asset, alice, vera)
        assert refused.value.code in ("wrong_state", "already_decided", "submission_not_found")
    else:
        take(step, asset, alice, vera)
    assert Asset.objects.get(pk=asset.pk).state == (goal or state)
    verb = {"publish": "submit"}.get(step, step)
    assert trail(asset) == before + ([verb] if goal else [])
    assert Submission.objects.filter(asset=asset).count() == rows + (1 if goal and step == "publish" else 0)
    assert Submission.objects.filter(asset=asset, state="pending").exists() == (Asset.objects.get(pk=asset.pk).state == "review")


# --- the three ways of REVIEW ---------------------------------------------------------------------------------


@pytest.mark.parametrize("review", ["off", "words"])
def test_without_reviewers_it_is_published_at_once_with_an_automatic_submission(settings: Any, review: str) -> None:
    settings.REVIEW = review
    alice = person("alice")
    asset = services.publish_asset(asset=make_asset(alice, visibility="private"), actor=alice, at=NOON)
    assert (asset.state, asset.published_at, asset.visibility, asset.availability) == ("published", NOON, "public", "free")
    row = Submission.objects.get()
    assert (row.state, row.automatic, row.reviewer, row.submitter, row.decided_at) == ("approved", True, None, alice, NOON)
    assert row.revision == asset.repository.refs.get(name="refs/heads/main").commit
    assert trail(asset) == ["create", "submit", "approve"]
    assert AuditEvent.objects.filter(verb="approve").get().actor_id is None


def test_with_reviewers_it_waits_and_only_members_and_reviewers_see_it(settings: Any) -> None:
    settings.REVIEW = "manual"
    alice, charlie, vera = person("alice"), person("charlie"), reviewer()
    asset = services.publish_asset(asset=make_asset(alice, visibility="private"), actor=alice, at=NOON)
    assert (asset.state, asset.published_at) == ("review", None)
    assert (pending(asset).state, pending(asset).created_at) == ("pending", NOON)
    assert not Asset.objects.for_user(charlie).filter(pk=asset.pk).exists()
    assert "review" in read_for(vera, asset).allowed
    assert "review" not in read_for(alice, asset).allowed


def test_an_approval_publishes_and_names_the_reviewer(settings: Any) -> None:
    settings.REVIEW = "manual"
    alice, vera = person("alice"), reviewer()
    asset = services.publish_asset(asset=make_asset(alice, visibility="private"), actor=alice)
    services.approve_submission(submission=pending(asset), actor=vera, at=NOON)
    row = pending(asset)
    assert (row.state, row.reviewer, row.automatic, row.decided_at) == ("approved", vera, False, NOON)
    assert (read_for(alice, asset).state, read_for(alice, asset).published_at) == ("published", NOON)
    assert trail(asset) == ["create", "submit", "approve"]


def test_a_rejection_needs_a_reason_and_may_be_submitted_again(settings: Any) -> None:
    settings.REVIEW = "manual"
    alice, vera = person("alice"), reviewer()
    asset = services.publish_asset(asset=make_asset(alice, visibility="private"), actor=alice)
    with pytest.raises(Problem) as refused:
        services.reject_submission(submission=pending(asset), actor=vera, reason="  ")
    assert list(refused.value.errors) == ["reason"]
    with pytest.raises(Problem):
        services.reject_submission(submission=pending(asset), actor=vera, reason="x" * 501)
    assert read_for(alice, asset).state == "review"
    services.reject_submission(submission=pending(asset), actor=vera, reason="No licence", at=NOON)
    assert (pending(asset).state, pending(asset).reason, pending(asset).decided_at) == ("rejected", "No licence", NOON)
    again = services.publish_asset(asset=read_for(alice, asset), actor=alice)
    assert again.state == "review"
    assert Submission.objects.filter(asset=asset).count() == 2


# --- rights ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("who", "may"), [("rita", False), ("bob", False), ("mona", True), ("alice", True), ("ada", True)])
def test_maintainers_and_above_publish_change_ranges_and_delist(people: People, who: str, may: bool) -> None:
    asset, actor = make_asset(people.alice, people.atelier, visibility="private"), getattr(people, who)
    steps: list[Callable[[], Any]] = [
        lambda: services.publish_asset(asset=read_for(actor, asset), actor=actor),
        lambda: services.set_ranges(asset=read_for(actor, asset), actor=actor, visibility="signed_in"),
        lambda: services.set_terms(asset=read_for(actor, asset), actor=actor, grant_days=7),
        lambda: services.set_approvers(asset=read_for(actor, asset), actor=actor, users=[people.charlie]),
        lambda: services.delist_asset(asset=read_for(actor, asset), actor=actor),
    ]
    before = trail(asset)
    for step in steps:
        if may:
            step()
        else:
            with pytest.raises(Forbidden):
                step()
    wanted = ["submit", "approve", "set_ranges", "set_terms", "set_approvers", "delist"]
    assert trail(asset) == before + (wanted if may else [])


def test_nobody_decides_on_what_they_submitted_except_an_administrator(settings: Any) -> None:
    settings.REVIEW = "manual"
    vera = reviewer()
    asset = services.publish_asset(asset=make_asset(vera, visibility="private"), actor=vera)
    for decide in (
        lambda: services.approve_submission(submission=pending(asset), actor=vera),
        lambda: services.reject_submission(submission=pending(asset), actor=vera, reason="No"),
    ):
        with pytest.raises(Forbidden) as refused:
            decide()
        assert refused.value.code == "own_submission"
    assert pending(asset).state == "pending"
    root = person("chief", is_staff=True, is_superuser=True)
    own = services.publish_asset(asset=make_asset(root, visibility="private"), actor=root)
    services.approve_submission(submission=pending(own), actor=root)
    assert read_for(root, own).state == "published"


def test_members_and_strangers_cannot_decide(settings: Any, people: People) -> None:
    settings.REVIEW = "manual"
    asset = services.publish_asset(asset=make_asset(people.alice, people.atelier, visibility="private"), actor=people.alice)
    for actor, error in ((people.alice, Forbidden), (people.mona, Forbidden), (people.charlie, Missing)):
        with pytest.raises(error):
            services.approve_submission(submission=pending(asset), actor=actor)
    assert pending(asset).state == "pending"


# --- revisions ------------------------------------------------------------------------------------------------


def test_a_head_that_moved_is_approved_only_when_the_reviewer_names_it(settings: Any) -> None:
    settings.REVIEW = "manual"
    alice, vera = person("alice"), reviewer()
    asset = services.publish_asset(asset=make_asset(alice, visibility="private"), actor=alice)
    made = services.commit_files(asset=read_for(alice, asset), actor=alice, operations=[PutBytes("a.txt", b"a")], message="More")
    with pytest.raises(Conflict) as moved:
        services.approve_submission(submission=pending(asset), actor=vera)
    assert (moved.value.code, moved.value.extra) == ("revision_moved", {"head": made.sha})
    assert read_for(alice, asset).state == "review"
    services.approve_submission(submission=pending(asset), actor=vera, revision=made.sha)
    assert (pending(asset).revision, read_for(alice, asset).state) == (made.sha, "published")


def test_a_revision_that_the_reviewer_saw_earlier_is_refused_as_well(settings: Any) -> None:
    settings.REVIEW = "manual"
    alice, vera = person("alice"), reviewer()
    asset = services.publish_asset(asset=make_asset(alice, visibility="private"), actor=alice)
    first = services.commit_files(asset=read_for(alice, asset), actor=alice, operations=[PutBytes("a.txt", b"a")], message="More")
    services.commit_files(asset=read_for(alice, asset), actor=alice, operations=[PutBytes("a.txt", b"b")], message="Yet more")
    with pytest.raises(Conflict) as moved:
        services.approve_submission(submission=pending(asset), actor=vera, revision=first.sha)
    assert moved.value.code == "revision_moved"


# --- ranges ---------------------------------------------------------------------------------------------------


def test_chosen_people_and_members_of_chosen_organisations_see_it_and_nobody_else(people: People) -> None:
    dora, erik = person("dora"), person("erik")
    guild = organisation("guild", owner=erik)
    asset = make_asset(people.alice, people.atelier, visibility="private")
    services.publish_asset(asset=asset, actor=people.alice, visibility="chosen", audience=[dora, guild])
    for viewer, sees in ((dora, True), (erik, True), (people.charlie, False), (people.rita, True)):
        assert Asset.objects.for_user(viewer).filter(pk=asset.pk).exists() == sees


@pytest.mark.parametrize(
    ("ranges", "field"),
    [
        ({"visibility": "chosen"}, "audience"),
        ({"visibility": "secret"}, "visibility"),
        ({"availability": "sold"}, "availability"),
    ],
)
def test_ranges_that_do_not_fit_are_refused_at_their_field(ranges: dict[str, str], field: str) -> None:
    alice = person("alice")
    asset = make_asset(alice, visibility="private")
    with pytest.raises(Problem) as refused:
        services.publish_asset(asset=asset, actor=alice, **ranges)
    assert (refused.value.code, list(refused.value.errors)) == ("invalid", [field])
    assert Asset.objects.get(pk=asset.pk).state == "unpublished"
    published = make_asset(alice)
    with pytest.raises(Problem):
        services.set_ranges(asset=published, actor=alice, **ranges)
    assert (read_for(alice, published).visibility, read_for(alice, published).availability) == ("public", "free")


def test_ranges_change_at_once_and_keep_what_is_left_out(people: People) -> None:
    asset = make_asset(people.alice, people.atelier)
    assert "download" in read_for(people.charlie, asset).allowed
    services.set_ranges(asset=asset, actor=people.alice, availability="on_application")
    assert "download" not in read_for(people.charlie, asset).allowed
    assert "apply" in read_for(people.charlie, asset).allowed
    services.set_ranges(asset=asset, actor=people.alice, visibility="chosen", audience=[people.charlie])
    assert Asset.objects.get(pk=asset.pk).availability == "on_application"
    services.set_ranges(asset=asset, actor=people.alice, audience=[person("dora")])
    assert not Asset.objects.for_user(people.charlie).filter(pk=asset.pk).exists()
    assert trail(asset)[-3:] == ["set_ranges", "set_ranges", "set_ranges"]


def test_ranges_that_stay_the_same_leave_no_trace() -> None:
    alice = person("alice")
    asset = make_asset(alice)
    before = trail(asset)
    services.set_ranges(asset=asset, actor=alice, visibility="public", availability="free")
    assert trail(asset) == before


def test_ranges_do_not_change_under_the_eyes_of_a_reviewer(settings: Any) -> None:
    settings.REVIEW = "manual"
    alice = person("alice")
    asset = services.publish_asset(asset=make_asset(alice, visibility="private"), actor=alice)
    with pytest.raises(Conflict) as refused:
        services.set_ranges(asset=asset, actor=alice, visibility="signed_in")
    assert (refused.value.code, refused.value.extra) == ("wrong_state", {"state": "review"})


# --- delete, transfer, delist -----------------------------------------------------------------------------------


@pytest.mark.parametrize("state", STATES)
def test_deleting_waits_for_delisting(settings: Any, state: str) -> None:
    settings.REVIEW = "manual"
    alice, vera = person("alice"), reviewer()
    asset = bring_to(make_asset(alice, visibility="private"), alice, vera, state)
    if state in ("review", "published"):
        with pytest.raises(Conflict) as refused:
            services.delete_asset(asset=asset, actor=alice)
        assert refused.value.code == "delist_first"
        assert Asset.objects.filter(pk=asset.pk).exists()
    else:
        services.delete_asset(asset=asset, actor=alice)
        assert not Asset.objects.filter(pk=asset.pk).exists()


def test_a_transfer_clears_approvers_and_automatic_rules_and_keeps_the_rest(people: People) -> None:
    dora = person("dora")
    asset = make_asset(people.alice, people.atelier, visibility="chosen", availability="on_application", audience=[dora])
    question = {"label": "Why?", "kind": "text"}
    services.set_terms(
        asset=asset,
        actor=people.alice,
        questions=[question],
        agreement="Be kind",
        mail_domains=["example.org"],
        organisations=[people.atelier],
    )
    services.set_approvers(asset=asset, actor=people.alice, users=[dora])
    moved = services.transfer_asset(asset=read_for(people.alice, asset), actor=people.alice, namespace=own(people.alice))
    terms = moved.terms
    assert not Approver.objects.filter(asset=asset).exists()
    assert (terms.mail_domains, list(terms.organisations.all()), terms.agreement, len(terms.questions)) == ([], [], "Be kind", 1)
    assert Audience.objects.filter(asset=asset).count() == 1


def own(user: Any) -> Any:
    from accounts.models import Namespace

    return Namespace.objects.for_user(user).get(pk=user.pk)


def test_nothing_in_review_is_transferred(settings: Any, people: People) -> None:
    settings.REVIEW = "manual"
    asset = services.publish_asset(asset=make_asset(people.alice, people.atelier, visibility="private"), actor=people.alice)
    with pytest.raises(Conflict) as refused:
        services.transfer_asset(asset=asset, actor=people.alice, namespace=own(people.alice))
    assert refused.value.code == "in_review"
    assert Asset.objects.get(pk=asset.pk).namespace_id == people.atelier.pk


def test_delisting_hides_it_tells_subscribers_and_keeps_the_terms(people: People) -> None:
    asset = make_asset(people.alice, people.atelier, availability="on_application")
    services.set_terms(asset=asset, actor=people.alice, grant_days=30)
    Subscription.objects.create(asset=asset, user=people.charlie)
    Subscription.objects.create(asset=asset, user=people.alice)
    services.delist_asset(asset=read_for(people.alice, asset), actor=people.alice, reason="Outdated.")
    assert not Asset.objects.for_user(people.charlie).filter(pk=asset.pk).exists()
    notice = Notification.objects.get(receiver=people.charlie)
    assert (notice.kind, notice.facts["asset"], notice.facts["reason"]) == ("asset.delisted", asset.repo_id, "Outdated.")
    assert told(people.alice) == []
    assert read_for(people.alice, asset).terms.grant_days == 30
    again = services.publish_asset(asset=read_for(people.alice, asset), actor=people.alice, availability="on_application")
    assert again.state == "published"
