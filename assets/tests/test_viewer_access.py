"""Who may see the tables: every address, every viewer, on pages and over REST, and nothing is told to anybody else."""

from typing import Any

from django.test import TestCase

from accounts.models import AuditEvent
from assets.models import Asset
from assets.services import grants
from assets.tests.factories import shelve
from assets.tests.gated import give
from assets.tests.tabled import PAGE, REST, make_dataset, picture
from core.testing import SIGN_IN, VIEWERS, People, api, assert_access, browser, make_people, token
from inspection.models import Inspection

PAGES = [
    "/preview",
    "/preview/reading",
    "/preview/row?row=1",
    "/preview/cell?row=1&column=scene",
    "/preview/column?column=scene",
    "/preview/statistics",
    "/preview/media?row=1&column=image",
    "/preview/media?row=1&column=image&thumbnail=1",
    "/sql",
    "/sql?sql=SELECT+1",
]
READS = [
    "/tables",
    "/tables/rows",
    "/tables/statistics",
    "/tables/cell?row=1&column=scene",
    "/tables/media?row=1&column=image",
    "/tables/media?row=1&column=image&thumbnail=1",
    "/tables/sql",
]
FILES = {
    "metadata.csv": b"file_name,id,scene,text\na.png,1,fault,Row 1 says little\nb.png,2,parts,Row 2 says little\n",
    "a.png": picture(size=(8, 8)),
    "b.png": picture("#123456", size=(8, 8)),
}
SECRET = "says little"


def expect(visitor: Any, stranger: Any, reader: Any, contributor: Any, maintainer: Any, owner: Any, administrator: Any) -> dict[str, Any]:
    return dict(zip(VIEWERS, (visitor, stranger, reader, contributor, maintainer, owner, administrator), strict=True))


def state() -> list[Any]:
    return [list(Inspection.objects.values_list("step", "commit", "finished_at")), AuditEvent.objects.exclude(verb="sign_in").count()]


class AccessTests(TestCase):
    people: People
    asset: Asset

    @classmethod
    def setUpTestData(cls) -> None:
        cls.people = make_people()
        cls.asset = make_dataset(cls.people, FILES, visibility="private")

    def reads(self, surface: str, addresses: list[str], expected: dict[str, Any]) -> None:
        for address in addresses:
            assert_access(
                people=self.people, surface=surface, expected=expected, request=lambda client, at=address: client.get(at), state=state
            )

    def test_private_tables_are_for_members_only(self) -> None:
        members = expect(404, 404, 200, 200, 200, 200, 200)
        self.reads("page", [PAGE + path for path in PAGES], members)
        self.reads("rest", [REST + path for path in READS], members)

    def test_private_tables_are_asked_by_members_only(self) -> None:
        members = expect(404, 404, 200, 200, 200, 200, 200)
        ask = lambda client: client.post(f"{REST}/tables/sql", {"sql": "SELECT 1"}, format="json")  # noqa: E731
        assert_access(people=self.people, surface="rest", expected=members, request=ask, state=state)

    def test_public_tables_are_for_everybody(self) -> None:
        shelve(self.asset, visibility="public")
        anybody = expect(200, 200, 200, 200, 200, 200, 200)
        self.reads("page", [PAGE + path for path in ("/preview", "/preview/cell?row=1&column=scene", "/sql")], anybody)
        self.reads("rest", [REST + path for path in ("/tables", "/tables/rows")], anybody)

    def test_tables_on_application_are_for_those_who_were_granted_them(self) -> None:
        shelve(self.asset, visibility="public", availability="on_application")
        granted = expect(403, 403, 200, 200, 200, 200, 200)
        self.reads("page", [PAGE + path for path in PAGES if "sql=" not in path and "thumbnail" not in path], granted)
        self.reads("rest", [REST + path for path in READS if "thumbnail" not in path], granted)
        refused = api(self.people.charlie).get(f"{REST}/tables/rows")
        assert refused.json()["code"] == "access_required"
        assert refused.json()["apply"] == f"{PAGE}/apply"

    def test_no_tab_leads_where_one_may_not_go(self) -> None:
        shelve(self.asset, visibility="public", availability="on_application")
        assert f"{PAGE}/preview" not in browser(self.people.charlie).get(PAGE).content.decode()
        assert f"{PAGE}/preview" in browser(self.people.rita).get(PAGE).content.decode()

    def test_a_grant_opens_everything_and_its_end_closes_everything(self) -> None:
        shelve(self.asset, visibility="public", availability="on_application")
        grant = give(self.asset, self.people.alice, self.people.charlie)
        charlie = browser(self.people.charlie)
        picture_ = f"{PAGE}/preview/media?row=1&column=image&thumbnail=1"
        seen = charlie.get(picture_)
        assert (charlie.get(f"{PAGE}/preview").status_code, seen.status_code) == (200, 200)
        grants.revoke_grant(grant=grant, actor=self.people.alice, reason="It is over.")
        assert charlie.get(f"{PAGE}/preview").status_code == 403
        # Who knows the picture from before does not hear that it is still the same.
        assert charlie.get(picture_, headers={"If-None-Match": seen["ETag"]}).status_code == 403

    def test_a_refusal_says_nothing_of_what_is_inside(self) -> None:
        shelve(self.asset, visibility="public", availability="on_application")
        for path in PAGES:
            assert SECRET not in browser().get(PAGE + path).content.decode()
        for path in READS:
            assert SECRET not in api().get(REST + path).content.decode()
        introduction = browser().get(PAGE).content.decode()
        assert SECRET not in introduction and "scene" not in introduction

    def test_reading_again_is_for_those_who_may_upload(self) -> None:
        shelve(self.asset, visibility="public")
        expected = expect(SIGN_IN, 403, 403, 302, 302, 302, 302)
        again = lambda client: client.post(f"{PAGE}/preview/again")  # noqa: E731
        assert_access(people=self.people, surface="page", expected=expected, request=again, state=state)

    def test_a_token_that_reads_may_ask_and_one_for_another_asset_may_not(self) -> None:
        bearer = lambda secret: {"HTTP_AUTHORIZATION": f"Bearer {secret}"}  # noqa: E731
        reading = bearer(token(self.people.rita, "read"))
        asked = browser().post(f"{REST}/tables/sql", {"sql": "SELECT count(*) AS n FROM train"}, content_type="application/json", **reading)
        assert (asked.status_code, asked.json()["rows"]) == (200, [[2]])
        other = bearer(token(self.people.alice, "fine", verbs=["preview"], resources=[f"asset:{self.asset.pk + 1}"]))
        assert browser().get(f"{REST}/tables/rows", **other).status_code == 404

    def test_no_cache_between_may_keep_an_answer(self) -> None:
        rita = browser(self.people.rita)
        for path in (path for path in PAGES if "sql=" not in path):
            kept = rita.get(PAGE + path)["Cache-Control"]
            assert kept.startswith("private, no-"), path
        for path in READS:
            assert api(self.people.rita).get(REST + path)["Cache-Control"].startswith("private, no-"), path
