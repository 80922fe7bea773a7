"""The role of every kind of viewer towards every kind of asset, against a second, plainly written account of the rules."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, Permission

from accounts.models import AccessToken, Membership, User
from assets.models import Application, Approver, Asset, Audience, Grant, Submission
from core.testing import count_queries, organisation, person
from repos.models import Repository

pytestmark = pytest.mark.django_db

AT = datetime(2026, 5, 4, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)

STATES = ("unpublished", "review", "published", "rejected", "delisted")
VISIBILITIES = ("public", "signed_in", "chosen")
AVAILABILITIES = ("free", "on_application")
TOKENS = ("none", "read", "write", "fine", "narrow")

OUTSIDERS = (
    "stranger",
    "invited",
    "invited by organisation",
    "granted",
    "granted for one second more",
    "granted until this second",
    "granted until a second ago",
    "revoked",
    "renewed",
    "invited and granted",
    "invited by organisation and granted",
    "invited and revoked",
    "approver",
    "approver and granted",
    "reviewer",
    "reviewer and granted",
    "staff without the right",
)
MEMBERS = ("reader", "contributor", "maintainer", "owner")
VIEWERS = ("visitor", *OUTSIDERS, *MEMBERS, "administrator")

VIEW = {"view", "react"}
USE = VIEW | {"preview", "download", "subscribe", "train", "deploy"}
CHANGE = USE | {"upload", "commit", "edit_card", "tag"}
MANAGE = CHANGE | {"configure", "branch", "publish", "decide"}
OWN = MANAGE | {"rename", "transfer", "delete"}
OF_MEMBERS = {"reader": USE, "contributor": CHANGE, "maintainer": MANAGE, "owner": OWN, "administrator": OWN}
FINE_VERBS = ["upload", "commit", "edit_card", "tag", "branch", "configure", "publish", "decide", "rename", "transfer", "delete"]
READ_ONLY = {"view", "preview", "download"}


@dataclass(frozen=True, order=True)
class Shape:
    """An asset of `atelier`; `named` says whether the fine-grained tokens name it."""

    state: str
    visibility: str
    availability: str
    named: bool


SHAPES = [Shape(*values) for values in product(STATES, VISIBILITIES, AVAILABILITIES, (True, False))]


def verbs_of(viewer: str, token: str, shape: Shape) -> set[str]:
    """Return what the rules say: all the verbs, empty where the asset does not exist for this viewer."""
    if token in ("fine", "narrow") and not shape.named:
        viewer = "visitor"
    verbs = OF_MEMBERS.get(viewer) or verbs_of_an_outsider(viewer, token, shape)
    if viewer == "administrator" and shape.state == "review" and token in ("none", "write"):
        verbs = verbs | {"review"}
    if not verbs or token in ("none", "write"):
        return set(verbs) if viewer != "visitor" else verbs & READ_ONLY
    if token == "read":
        return verbs & READ_ONLY
    return verbs & (READ_ONLY | (set(FINE_VERBS) if token == "fine" else {"commit"}))


def verbs_of_an_outsider(viewer: str, token: str, shape: Shape) -> set[str]:
    if shape.state == "review":
        if not viewer.startswith("reviewer") or token in ("fine", "narrow"):
            return set()
        return USE | {"review"}
    if shape.state != "published":
        return set()
    sees = {
        "public": True,
        "signed_in": viewer != "visitor",
        "chosen": viewer.startswith("invited"),
    }[shape.visibility]
    holds_a_grant = viewer.endswith("granted") or viewer == "granted for one second more"
    if sees and (shape.availability == "free" or holds_a_grant):
        verbs = USE
    elif sees or viewer.startswith("approver"):
        verbs = VIEW | ({"apply"} if shape.availability == "on_application" else set())
    else:
        return set()
    return verbs | ({"decide"} if viewer.startswith("approver") else set())


def with_token(user: Any, scope: str, named: list[int]) -> Any:
    """Return `user` as a request sees them that was made with such a token."""
    fine = scope in ("fine", "narrow")
    again = User.objects.get(pk=user.pk)
    if scope != "none":
        verbs = FINE_VERBS if scope == "fine" else ["commit"]
        again.token = AccessToken(user=again, scope="fine" if fine else scope)
        if fine:
            again.token.verbs, again.token.resources = verbs, [f"asset:{pk}" for pk in named]
    return again


@dataclass(frozen=True)
class World:
    people: dict[str, Any]
    assets: dict[int, Shape]

    def viewers(self, *tokens: str) -> Iterator[tuple[str, str, Any]]:
        """Yield (viewer, token, user) for every pair that can be, or those with `tokens`."""
        yield "visitor", "none", AnonymousUser()
        named = [pk for pk, shape in self.assets.items() if shape.named]
        for viewer, token in product(VIEWERS[1:], tokens or TOKENS):
            yield viewer, token, with_token(self.people[viewer], token, named)


@pytest.fixture
def world(db: None) -> World:
    people = {viewer: person(f"p{number}") for number, viewer in enumerate(OUTSIDERS)}
    people["administrator"] = person("ada", is_staff=True, is_superuser=True)
    people |= {role: person(role) for role in MEMBERS}
    atelier = organisation("atelier", **{role: people[role] for role in MEMBERS})
    guild = organisation("guild")
    for viewer in OUTSIDERS:
        if viewer.startswith("invited by organisation"):
            Membership.objects.create(organisation=guild, user=people[viewer], role=Membership.Role.READER)
        if viewer.startswith(("reviewer", "staff")):
            User.objects.filter(pk=people[viewer].pk).update(is_staff=True)
        if viewer.startswith("reviewer"):
            people[viewer].user_permissions.add(Permission.objects.get(codename="review_asset"))

    repositories = Repository.objects.bulk_create([Repository(namespace_id=atelier.pk) for _shape in SHAPES])
    assets = Asset.objects.bulk_create(
        [
            Asset(
                kind="model", namespace_id=atelier.pk, name=f"a{number}", repository=repositories[number],
                state=shape.state, visibility=shape.visibility, availability=shape.availability,
            )
            for number, shape in enumerate(SHAPES)
        ]
    )  # fmt: skip
    invited = [people[viewer].pk for viewer in ("invited", "invited and granted", "invited and revoked")] + [guild.pk]
    Audience.objects.bulk_create([Audience(asset=asset, namespace_id=pk) for asset in assets for pk in invited])
    deciders = [people["approver"], people["approver and granted"]]
    Approver.objects.bulk_create([Approver(asset=asset, user=user) for asset in assets for user in deciders])
    Grant.objects.bulk_create([grant for viewer in OUTSIDERS for asset in assets for grant in grants_of(viewer, asset, people[viewer])])
    return World(people, {asset.pk: shape for asset, shape in zip(assets, SHAPES, strict=True)})


def grants_of(viewer: str, asset: Asset, user: Any) -> Iterator[Grant]:
    """Yield the rows of the register that make `user` what the name of the viewer says."""
    ends = {"granted for one second more": AT + SECOND, "granted until this second": AT, "granted until a second ago": AT - SECOND}
    if viewer.endswith("granted") or viewer in ends:
        yield Grant(asset=asset, user=user, source="direct", expires_at=ends.get(viewer))
    if viewer.endswith(("revoked", "renewed")):
        yield Grant(asset=asset, user=user, source="direct", state=viewer.split()[-1], ended_at=AT - SECOND)


def test_every_viewer_has_exactly_the_verbs_of_the_rules(world: World) -> None:
    wrong = []
    for viewer, token, user in world.viewers():
        got = {asset.pk: set(asset.allowed) for asset in Asset.objects.for_user(user, AT)}
        for pk, shape in world.assets.items():
            expected = verbs_of(viewer, token, shape)
            if got.get(pk, set()) != expected:
                wrong.append((viewer, token, shape, sorted(got.get(pk, set())), sorted(expected)))
        assert all(got.values()), "what is listed may at least be seen"
    assert wrong == []


def test_the_cross_product_reaches_every_verb(world: World) -> None:
    pairs = [(viewer, token) for viewer, token, _user in world.viewers()]
    told = {verb for viewer, token in pairs for shape in SHAPES for verb in verbs_of(viewer, token, shape)}
    assert told == OWN | {"apply", "review"}
    assert (len(pairs), len(SHAPES)) == (1 + 22 * 5, 60)


def test_those_who_may_decide_are_those_with_the_verb(world: World) -> None:
    for viewer, token, user in world.viewers("none"):
        decidable = set(Asset.objects.for_user(user, AT).decidable().values_list("pk", flat=True))
        expected = {pk for pk, shape in world.assets.items() if "decide" in verbs_of(viewer, token, shape)}
        assert decidable == expected, viewer


def test_a_grant_lets_in_until_the_second_it_ends(world: World) -> None:
    shape = Shape("published", "public", "on_application", True)
    [pk] = [pk for pk, other in world.assets.items() if other == shape]
    user = world.people["granted for one second more"]
    allowed = {at: Asset.objects.for_user(user, at).get(pk=pk).allowed for at in (AT, AT + SECOND)}
    assert ("download" in allowed[AT], "download" in allowed[AT + SECOND]) == (True, False)
    assert "apply" in allowed[AT + SECOND]


def test_the_register_is_seen_by_its_people_and_by_those_who_decide(world: World) -> None:
    Application.objects.bulk_create([Application(asset_id=pk, applicant=world.people["stranger"], reason="please") for pk in world.assets])
    all_grants = Grant.objects.count()
    for viewer, token, user in world.viewers("none", "read", "fine"):
        decides = {pk for pk, shape in world.assets.items() if "decide" in verbs_of(viewer, "none", shape)}
        if viewer != "visitor" and token == "read" and viewer in (*MEMBERS, "administrator"):
            decides = set()
        if token in ("fine", "narrow"):
            decides = set()
        own = viewer == "stranger" and token not in ("fine", "narrow")
        applications = Application.objects.for_user(user)
        assert {row.asset_id for row in applications} == (set(world.assets) if own else decides), (viewer, token)
        writes = token in ("none", "write")
        expected = {"view", *({"withdraw", "reply", "renew"} if own and writes else ()), *({"decide"} if decides and writes else ())}
        assert all(row.allowed == expected for row in applications), (viewer, token)
        grants = Grant.objects.for_user(user)
        mine = 0 if token in ("fine", "narrow") or viewer == "visitor" else Grant.objects.filter(user=user.pk).count()
        others = Grant.objects.filter(asset__in=decides).exclude(user=user.pk).count()
        assert grants.count() == mine + others <= all_grants, (viewer, token)


def test_submissions_are_seen_by_reviewers_and_by_those_who_may_publish(world: World) -> None:
    Submission.objects.bulk_create([Submission(asset_id=pk, revision="0" * 40) for pk in world.assets])
    for viewer, token, user in world.viewers("none", "read", "fine"):
        rows = list(Submission.objects.for_user(user))
        if viewer.startswith("reviewer") and token not in ("fine", "narrow"):
            expected = len(SHAPES)
        elif viewer in ("maintainer", "owner", "administrator") and token in ("none", "write"):
            expected = len(SHAPES)
        elif viewer == "administrator" and token == "read":
            expected = len(SHAPES)
        elif viewer in ("maintainer", "owner", "administrator") and token in ("fine", "narrow"):
            expected = len(SHAPES) // 2
        else:
            expected = 0
        assert len(rows) == expected, (viewer, token)


def test_a_list_is_one_statement_for_every_viewer(world: World) -> None:
    for viewer in ("visitor", "invited by organisation and granted", "approver", "owner", "administrator"):
        user = AnonymousUser() if viewer == "visitor" else User.objects.get(pk=world.people[viewer].pk)
        assert count_queries(lambda user=user: list(Asset.objects.for_user(user, AT))) == 1, viewer
