"""No sequence of steps leaves somebody with access that the register does not show.

The rules draw who does what, allowed or not. After each step the role that the database computes is compared with a plain account
of the rows, the register with a list of grants that the walk keeps, and the audit trail with what changed.
"""

from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.test import override_settings
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule, run_state_machine_as_test

from accounts.models import Namespace
from accounts.services import remove_member, set_member
from assets import services
from assets.models import Application, Asset, Grant, Submission
from assets.services import applications, grants
from assets.tests.walks import HANDLES, Account, Walk, make_world
from core.problems import Missing
from core.testing import browser

pytestmark = pytest.mark.django_db

OWNERS = ("olga", "gus")
OUTSIDERS = ("ann", "ben", "cem")

anybody = st.sampled_from(HANDLES)
mostly_owners = st.sampled_from(OWNERS * 4 + HANDLES)
mostly_outsiders = st.sampled_from(OUTSIDERS * 4 + HANDLES)
some_people = st.sets(st.sampled_from([*OUTSIDERS, "rob"]), max_size=2)
numbers = st.integers(0, 1)
visibilities = st.sampled_from(["public", "signed_in", "chosen"])
availabilities = st.sampled_from(["on_application", "on_application", "free"])
lengths = st.sampled_from([None, 1, 10, 400])
stale = st.booleans()


class Access(Walk):
    @initialize(availability=availabilities, visibility=visibilities, audience=some_people)
    def begin_on_the_shelf(self, availability: str, visibility: str, audience: set[str]) -> None:
        """Begin with one asset published, so that most walks come somewhere."""
        self.publish("olga", 0, visibility, availability, audience | {"ann"}, manual=False, old=False)

    @rule(
        handle=mostly_owners, number=numbers, visibility=visibilities, availability=availabilities, audience=some_people,
        manual=st.booleans(), old=stale,
    )  # fmt: skip
    def publish(self, handle: str, number: int, visibility: str, availability: str, audience: set[str], manual: bool, old: bool) -> None:
        def act() -> Asset:
            with override_settings(REVIEW="manual" if manual else "words"):
                return services.publish_asset(
                    asset=self.asset(handle, number, old), actor=self.user(handle), visibility=visibility, availability=availability,
                    audience=self.namespaces(audience), at=self.now,
                )  # fmt: skip

        self.attempt(act, verb="publish", handle=handle, number=number)

    @rule(handle=st.sampled_from(["rob", "rob", "rob", "ada", "olga", "ann"]), number=numbers, well=st.booleans())
    def review(self, handle: str, number: int, well: bool) -> None:
        def act() -> None:
            submission = Submission.objects.for_user(self.user(handle)).filter(asset=self.world.assets[number]).last()
            if submission is None:
                raise Missing("submission_not_found", "not there")
            if well:
                services.approve_submission(submission=submission, actor=self.user(handle), at=self.now)
            else:
                services.reject_submission(submission=submission, actor=self.user(handle), reason="Say more.", at=self.now)

        self.attempt(act, verb="review", handle=handle, number=number)

    @rule(handle=mostly_owners, number=numbers, old=stale)
    def take_back(self, handle: str, number: int, old: bool) -> None:
        self.attempt(
            lambda: services.withdraw_submission(asset=self.asset(handle, number, old), actor=self.user(handle), at=self.now),
            verb="publish", handle=handle, number=number,
        )  # fmt: skip

    @rule(handle=mostly_owners, number=numbers, old=stale)
    def delist(self, handle: str, number: int, old: bool) -> None:
        self.attempt(
            lambda: services.delist_asset(asset=self.asset(handle, number, old), actor=self.user(handle)),
            verb="publish", handle=handle, number=number,
        )  # fmt: skip

    @rule(
        handle=mostly_owners, number=numbers, visibility=visibilities, availability=availabilities, audience=some_people,
        guild=st.booleans(), old=stale,
    )  # fmt: skip
    def change_ranges(
        self, handle: str, number: int, visibility: str, availability: str, audience: set[str], guild: bool, old: bool
    ) -> None:
        chosen = self.namespaces(audience) + ([self.world.houses["guild"]] if guild else [])
        self.attempt(
            lambda: services.set_ranges(
                asset=self.asset(handle, number, old), actor=self.user(handle), visibility=visibility, availability=availability,
                audience=chosen,
            ),
            verb="publish", handle=handle, number=number,
        )  # fmt: skip

    @rule(handle=mostly_owners, number=numbers, days=lengths, guild=st.booleans(), domain=st.booleans(), old=stale)
    def change_terms(self, handle: str, number: int, days: int | None, guild: bool, domain: bool, old: bool) -> None:
        self.attempt(
            lambda: services.set_terms(
                asset=self.asset(handle, number, old), actor=self.user(handle), grant_days=days,
                mail_domains=["example.com"] if domain else [], organisations=[self.world.houses["guild"]] if guild else [],
            ),
            verb="publish", handle=handle, number=number,
        )  # fmt: skip

    @rule(handle=mostly_owners, number=numbers, chosen=some_people, old=stale)
    def delegate(self, handle: str, number: int, chosen: set[str], old: bool) -> None:
        self.attempt(
            lambda: services.set_approvers(
                asset=self.asset(handle, number, old), actor=self.user(handle), users=[self.user(other) for other in sorted(chosen)]
            ),
            verb="publish", handle=handle, number=number,
        )  # fmt: skip

    @rule(handle=mostly_outsiders, number=numbers, old=stale)
    def apply(self, handle: str, number: int, old: bool) -> None:
        made = self.attempt(
            lambda: applications.apply(asset=self.asset(handle, number, old), actor=self.user(handle), reason="Work", at=self.now),
            verb="apply", handle=handle, number=number,
        )  # fmt: skip
        if made is not None and made.state == "approved":
            assert made.automatic
            assert (made.asset_id, made.applicant_id) not in self.revoked, "a rule undid a revocation"
            self.keep(made.grant)

    @precondition(lambda self: Grant.objects.exists())
    @rule(data=st.data())
    def renew(self, data: Any) -> None:
        grant = self.drawn(data, Grant)
        handle = data.draw(st.sampled_from([grant.user.handle] * 3 + ["cem"]))
        made = self.attempt(lambda: grants.renew(grant=grant, actor=self.user(handle), at=self.now))
        if made is not None:
            assert handle == grant.user.handle
            self.keep(*([made.grant] if made.state == "approved" else []))

    @precondition(lambda self: Application.objects.exists())
    @rule(data=st.data(), days=lengths, decision=st.sampled_from(["approve", "approve", "reject", "ask", "many"]))
    def decide(self, data: Any, days: int | None, decision: str) -> None:
        row = self.drawn(data, Application)
        handle, number = data.draw(mostly_owners), self.world.assets.index(row.asset_id)

        def act() -> Grant | None:
            common = {"application": row, "actor": self.user(handle), "at": self.now}
            if decision == "approve":
                return applications.approve(**common, days=days)
            if decision == "reject":
                applications.reject(**common, note="No.")
            elif decision == "ask":
                applications.ask_back(application=row, actor=self.user(handle), question="What for?", at=self.now)
            else:
                outcome = applications.decide_many(actor=self.user(handle), ids=[row.pk], decision="approve", days=days, at=self.now)
                return Grant.objects.get(application=row) if outcome.done else None
            return None

        if grant := self.attempt(act, verb="decide", handle=handle, number=number):
            assert handle != row.applicant.handle, "nobody lets themselves in"
            self.keep(grant)

    @precondition(lambda self: Application.objects.exists())
    @rule(data=st.data(), answer=st.booleans())
    def follow_up(self, data: Any, answer: bool) -> None:
        row = self.drawn(data, Application)
        handle = data.draw(st.sampled_from([row.applicant.handle] * 3 + list(HANDLES)))

        def act() -> Application:
            if answer:
                return applications.reply(application=row, actor=self.user(handle), text="For work.", at=self.now)
            return applications.withdraw(application=row, actor=self.user(handle), at=self.now)

        if self.attempt(act):
            assert handle == row.applicant.handle

    @rule(handle=mostly_owners, number=numbers, other=mostly_outsiders, days=lengths, old=stale)
    def add_directly(self, handle: str, number: int, other: str, days: int | None, old: bool) -> None:
        given = self.attempt(
            lambda: grants.add_users(
                asset=self.asset(handle, number, old), actor=self.user(handle), users=[self.user(other)], days=days, at=self.now
            ),
            verb="configure", handle=handle, number=number,
        )  # fmt: skip
        self.keep(*(given or []))

    @precondition(lambda self: Grant.objects.exists())
    @rule(data=st.data(), end=st.booleans(), days=lengths)
    def end_or_extend(self, data: Any, end: bool, days: int | None) -> None:
        grant = self.drawn(data, Grant)
        handle, number = data.draw(mostly_owners), self.world.assets.index(grant.asset_id)

        def act() -> Grant:
            if end:
                return grants.revoke_grant(grant=grant, actor=self.user(handle), reason="Over.", at=self.now)
            return grants.extend_grant(grant=grant, actor=self.user(handle), days=days, at=self.now)

        if changed := self.attempt(act, verb="decide", handle=handle, number=number):
            if end:
                del self.granted[grant.asset_id, grant.user_id]
                self.revoked.add((grant.asset_id, grant.user_id))
            else:
                self.keep(changed)

    @rule(days=st.sampled_from([0.5, 1, 3, 10]))
    def time_passes(self, days: float) -> None:
        self.now += timedelta(days=days)
        self.moved = True

    @rule()
    def grants_are_written_off(self) -> None:
        self.attempt(lambda: grants.expire_grants(self.now))
        assert not Grant.objects.ended_by(self.now).exists()

    @rule(handle=mostly_owners, number=numbers, place=st.sampled_from(["atelier", "guild", "olga", "gus", "ann"]), old=stale)
    def transfer(self, handle: str, number: int, place: str, old: bool) -> None:
        def act() -> Asset:
            target = Namespace.objects.for_user(self.user(handle)).get(handle=place)
            return services.transfer_asset(asset=self.asset(handle, number, old), actor=self.user(handle), namespace=target)

        self.attempt(act, verb="transfer", handle=handle, number=number)

    @rule(house=st.sampled_from(["atelier", "guild"]), other=anybody, role=st.sampled_from([0, 0, 20, 30, 40, 50]))
    def change_members(self, house: str, other: str, role: int) -> None:
        handle = {"atelier": "olga", "guild": "gus"}[house]

        def act() -> None:
            room = Namespace.objects.for_user(self.user(handle)).get(pk=self.world.houses[house].pk)
            if role:
                set_member(organisation=room, actor=self.user(handle), user=self.user(other), role=role)
            else:
                remove_member(organisation=room, actor=self.user(handle), user=self.user(other))

        self.attempt(act)

    @rule(number=numbers)
    def people_fetch_with_a_token_made_before(self, number: int) -> None:
        """Ask over HTTP at the present moment of the walk."""
        pk = self.world.assets[number]
        account = Account(self)
        asset = next(asset for asset in account.assets if asset.pk == pk)
        with patch("django.utils.timezone.now", lambda: self.now):
            for handle in ("ann", "ben", "rob", ""):
                headers = {"HTTP_AUTHORIZATION": f"Bearer {self.world.tokens[handle]}"} if handle else {}
                answer = browser().get(f"{asset.get_absolute_url()}/resolve/main/README.md", **headers)
                sees, uses = account.of(handle, asset)
                assert answer.status_code == (200 if uses else 403 if sees else 404), handle or "visitor"


def test_no_sequence_of_steps_gives_access_that_the_register_does_not_show(db: None) -> None:
    Access.world = make_world()
    # A walk that fails is short enough to be read; making it shorter takes minutes.
    bounds = settings(
        max_examples=6, stateful_step_count=24, derandomize=True, database=None, deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    run_state_machine_as_test(Access, settings=bounds)
