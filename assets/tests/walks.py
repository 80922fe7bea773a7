"""Random walks through the services: what they start from, what each step is held to, and a plain account of who may get in."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from allauth.account.models import EmailAddress
from django.contrib.auth.models import AnonymousUser, Permission
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant

from accounts.models import AccessToken, AuditEvent, Membership, Namespace, User
from assets.access_menu import waiting_approvals
from assets.models import AccessTerms, Application, Approver, Asset, Audience, Grant, Submission
from assets.register import every_entry
from assets.tests.factories import make_asset
from core.problems import Missing, Problem
from core.testing import organisation, person, token

HANDLES = ("olga", "gus", "rob", "ann", "ben", "cem", "ada")
UNSAID = Q(grant_days=None, mail_domains=[], organisations=None)
READING = frozenset({"view", "preview", "download"})


@dataclass(frozen=True)
class World:
    """The people and their two assets; `tokens` were made before anything happened."""

    people: dict[str, Any]
    tokens: dict[str, str]
    houses: dict[str, Any]
    assets: list[int]


class Account:
    """Who sees and who uses an asset at a moment of a walk, in plain words, by the rows alone."""

    def __init__(self, walk: "Walk") -> None:
        self.walk = walk
        self.assets = list(Asset.objects.select_related("namespace").order_by("pk"))
        self.audience = set(Audience.objects.values_list("asset", "namespace"))
        self.approvers = set(Approver.objects.values_list("asset", "user"))
        self.roles = {(house, user): role for house, user, role in Membership.objects.values_list("organisation", "user", "role")}
        self.pending = list(Application.objects.filter(state="pending").values_list("asset", "applicant"))

    def of(self, handle: str, asset: Asset, reviewing: bool = True) -> tuple[bool, bool]:
        """Return whether this person sees the asset, and whether they use it; "" is a visitor."""
        pk = self.walk.user(handle).pk if handle else 0
        near = {pk} | {house for house, user in self.roles if user == pk}
        if handle == "ada" or asset.namespace_id in near:
            return True, True
        if asset.state != "published":
            reviews = reviewing and handle == "rob" and asset.state == "review"
            return reviews, reviews
        sees = {
            "public": True,
            "signed_in": bool(handle),
            "chosen": any((asset.pk, one) in self.audience for one in near),
        }[asset.visibility]
        ends = self.walk.granted.get((asset.pk, pk), self.walk.now)
        uses = sees and (asset.availability == "free" or ends is None or ends > self.walk.now)
        return sees or (asset.pk, pk) in self.approvers, uses

    def waiting(self, handle: str) -> int:
        """Return how many applications of others wait for a decision of this person."""
        pk = self.walk.user(handle).pk
        decides = {
            asset.pk
            for asset in self.assets
            if pk == asset.namespace_id
            or self.roles.get((asset.namespace_id, pk), 0) >= 40
            or (asset.state == "published" and (asset.pk, pk) in self.approvers)
        }
        return sum(asset in decides and applicant != pk for asset, applicant in self.pending)


class Walk(RuleBasedStateMachine):
    """One walk: everything it writes is rolled back. `granted` keeps who was let in until when, by what the steps returned."""

    world: World

    def __init__(self) -> None:
        super().__init__()
        self.example = transaction.atomic()
        self.example.__enter__()
        self.now = timezone.now()
        self.granted: dict[tuple[int, int], Any] = {}
        self.revoked: set[tuple[int, int]] = set()
        self.remembered: dict[tuple[str, int], Asset] = {}
        self.before: list[Any] = []
        self.moved = True

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.example.__exit__(None, None, None)

    def user(self, handle: str) -> Any:
        return self.world.people[handle]

    def asset(self, handle: str, number: int, old: bool = False) -> Asset:
        """Return an asset as a request of this person reads it, or as one read it that began before the last steps."""
        pk = self.world.assets[number]
        found = Asset.objects.for_user(self.user(handle), self.now).whole().filter(pk=pk).first()
        if old and (handle, pk) in self.remembered:
            return self.remembered[handle, pk]
        if found is None:
            raise Missing("asset_not_found", "not there")
        self.remembered.setdefault((handle, pk), found)
        return found

    def verbs(self, handle: str, pk: int) -> frozenset[str]:
        return self.allowed(self.user(handle)).get(pk, frozenset())

    def rows(self) -> list[Any]:
        return [
            list(Asset.objects.order_by("pk").values_list("pk", "namespace", "state", "visibility", "availability")),
            sorted(Audience.objects.values_list("asset", "namespace")),
            sorted(Approver.objects.values_list("asset", "user")),
            sorted(Membership.objects.values_list("organisation", "user", "role")),
            list(Grant.objects.order_by("pk").values_list("pk", "state", "expires_at")),
            list(Application.objects.order_by("pk").values_list("pk", "state", "question", "reply")),
            list(Submission.objects.order_by("pk").values_list("pk", "state")),
            # A row of terms that says nothing is as good as none.
            list(AccessTerms.objects.exclude(UNSAID).order_by("pk").values_list("pk", "grant_days", "mail_domains", "organisations")),
        ]

    def attempt(self, act: Callable[[], Any], *, verb: str = "", handle: str = "", number: int = 0) -> Any:
        """Do a step, return what it returns, and hold it to three promises.

        A refusal changes nothing; what changed stands in the audit trail; who had not the verb was refused.
        """
        before, trail = self.before or self.rows(), AuditEvent.objects.count()
        permitted = not verb or verb in self.verbs(handle, self.world.assets[number])
        try:
            done = act()
        except Problem:
            assert (self.rows(), AuditEvent.objects.count()) == (before, trail), "a refusal changed something"
            return None
        self.before = self.rows()
        if self.before != before:
            self.moved = True
            assert permitted, f"{handle} did what needs {verb}"
            assert AuditEvent.objects.count() > trail, "a change is missing in the audit trail"
        return done

    def keep(self, *given: Grant) -> None:
        for grant in given:
            self.granted[grant.asset_id, grant.user_id] = grant.expires_at
            self.revoked.discard((grant.asset_id, grant.user_id))

    @invariant()
    def everything_agrees(self) -> None:
        """Compare what the database says with the plain account, where something moved since the last time."""
        if not self.moved:
            return
        self.moved = False
        account = Account(self)
        self.check_roles(account)
        self.check_tokens()
        self.check_register(account)
        for handle in ("olga", "ann"):
            assert waiting_approvals(self.user(handle)) == account.waiting(handle)
        waiting = Counter(Application.objects.open().values_list("asset", "applicant"))
        active = Counter(Grant.objects.filter(state="active").values_list("asset", "user"))
        assert set(waiting.values()) | set(active.values()) <= {1}, "two open applications or two active grants"

    def check_roles(self, account: Account) -> None:
        for handle in HANDLES:
            rows = self.allowed(self.user(handle))
            for asset in account.assets:
                sees, uses = account.of(handle, asset)
                allowed = rows.get(asset.pk, frozenset())
                assert ("view" in allowed, "download" in allowed, "preview" in allowed) == (sees, uses, uses), handle

    def check_tokens(self) -> None:
        """A token gives no more than its user has, and a fine-grained one elsewhere no more than everybody has."""
        (first, second), none = self.world.assets, frozenset()
        full, read = self.allowed(self.user("ann")), self.allowed(self.with_token("ann", scope="read"))
        assert read == {pk: verbs & READING for pk, verbs in full.items()}
        fine = self.allowed(self.with_token("ann", scope="fine", resources=[f"asset:{first}"]))
        assert fine.get(first, none) == full.get(first, none) & (READING | {"decide"})
        assert fine.get(second, none) == self.allowed(AnonymousUser()).get(second, none)

    def check_register(self, account: Account) -> None:
        """The register shows exactly those who were let in, by the list kept here, and see the asset."""
        kept = {key for key, ends in self.granted.items() if ends is None or ends > self.now}
        assert set(Grant.objects.in_force(self.now).values_list("asset", "user")) == kept
        for asset in account.assets:
            shown = [entry.person.handle for entry in every_entry(asset, self.now) if entry.uses]
            let_in = [handle for handle in HANDLES if (asset.pk, self.user(handle).pk) in kept]
            assert sorted(shown) == sorted(handle for handle in let_in if account.of(handle, asset, reviewing=False)[0])

    def allowed(self, user: Any) -> dict[int, frozenset[str]]:
        return {row.pk: row.allowed for row in Asset.objects.for_user(user, self.now)}

    def namespaces(self, handles: set[str]) -> list[Namespace]:
        return list(Namespace.objects.filter(handle__in=handles))

    def with_token(self, handle: str, **fields: Any) -> Any:
        user = User.objects.get(handle=handle)
        user.token = AccessToken(user=user, verbs=["decide"], **fields)
        return user

    def drawn(self, data: Any, model: Any) -> Any:
        """Return one of the rows, by its place and not by its key, so that a failing walk can be walked again."""
        rows = list(model.objects.select_related().order_by("pk"))
        return rows[data.draw(st.integers(0, len(rows) - 1))]


def make_world() -> World:
    """Return the people, an asset of an organisation and one of a person, both not published, and a token of everybody."""
    people = {handle: person(handle) for handle in HANDLES}
    User.objects.filter(handle="ada").update(is_staff=True, is_superuser=True)
    User.objects.filter(handle="rob").update(is_staff=True)
    EmailAddress.objects.create(user=people["cem"], email="cem@example.com", verified=True)
    people["rob"].user_permissions.add(Permission.objects.get(codename="review_asset"))
    atelier = organisation("atelier", owner=people["olga"], contributor=people["gus"])
    guild = organisation("guild", owner=people["gus"], contributor=people["olga"], reader=people["ben"])
    tokens = {handle: token(people[handle], "read") for handle in HANDLES}
    assets = [make_asset(people["olga"], owner, visibility="private").pk for owner in (atelier, people["olga"])]
    people = {handle: User.objects.get(handle=handle) for handle in HANDLES}
    return World(people, tokens, {"atelier": atelier, "guild": guild}, assets)
