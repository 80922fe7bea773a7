"""`manage.py demo`: what it loads, for whom, and that it may run again."""

import re
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client, TestCase

from accounts.models import AuditEvent, Membership, Organisation, User
from assets.models import Application, Asset, DownloadRecord, Favourite, Like, Subscription
from assets.services import recount
from core.testing import api, person
from jobs.models import Job
from jobs.services import BACKGROUND
from repos.models import Commit, DailyDownloads, LargeObject, Ref


def demo(**options: str) -> str:
    out = StringIO()
    call_command("demo", stdout=out, **options)
    return out.getvalue()


def asset(repo_id: str, kind: str = "model") -> Asset:
    owner, name = repo_id.split("/")
    return Asset.objects.get(kind=kind, namespace__handle=owner, name=name)


@pytest.mark.slow
class DemoTests(TestCase):
    said: str

    @classmethod
    def setUpTestData(cls) -> None:
        cls.said = demo()

    def test_first_run_says_what_it_added(self) -> None:
        assert "Added 5 people, 2 organisations, 56 models and datasets." in self.said

    def test_printed_password_signs_in(self) -> None:
        lines = re.findall(r"^Sign in as (\S+) \(.+\) with the password (\S+)$", self.said, re.M)
        assert [handle for handle, _password in lines] == ["linwz", "hezhiyuan", "amara-okafor", "chenjiahe", "jonas-weber"]
        for handle, password in lines:
            assert Client().login(username=handle, password=password)

    def test_its_files_are_read_after_those_of_everybody_else(self) -> None:
        assert set(Job.objects.filter(kind="inspection.read").values_list("priority", flat=True)) == {BACKGROUND + 1}

    def test_second_run_changes_nothing_and_says_so(self) -> None:
        def counts() -> list[int]:
            return [model.objects.count() for model in (User, Asset, Commit, Ref, LargeObject, DailyDownloads, AuditEvent)]

        before = counts()
        assert demo() == "The demo is complete already. Nothing changed.\n"
        assert counts() == before

    def test_a_deleted_asset_comes_back_alone(self) -> None:
        Asset.objects.filter(name="Depth-Lite").delete()
        said = demo()
        assert "Added 0 people, 0 organisations, 1 models and datasets." in said
        assert "Sign in as" not in said
        assert asset("hezhiyuan/Depth-Lite").title_zh == "浅深 深度估计"

    def test_visitors_see_the_public_ones_only(self) -> None:
        assert Asset.objects.filter(kind="model").count() == 40
        assert Asset.objects.filter(kind="dataset").count() == 16
        hidden = ["PCB-Segment", "Spec-Sheet-VL", "Spindle-Tickets", "Yunhe-14B-Preview", "Yunhe-7B-Spindle"]
        assert sorted(Asset.objects.filter(state="unpublished").values_list("name", flat=True)) == hidden
        assert api().get("/api/v1/models/yunhe-lab/Yunhe-14B-Preview").status_code == 404
        assert api().get("/api/v1/models/yunhe-lab/Yunhe-7B-Chat").status_code == 200

    def test_people_use_what_they_see_and_the_counts_say_so(self) -> None:
        assert [rows.objects.count() > 20 for rows in (Favourite, Like, Subscription, DownloadRecord)] == [True] * 4
        assert recount() == 0
        favourites = api(User.objects.get(handle="linwz")).get("/api/v1/me/favourites?limit=100").json()
        assert (len(favourites["results"]), favourites["unseen"]) == (Favourite.objects.filter(user__handle="linwz").count(), 0)

    def test_some_is_asked_for_and_some_decided(self) -> None:
        linwz = User.objects.get(handle="linwz")
        states = Application.objects.filter(asset__namespace=linwz.pk).order_by("created_at").values_list("applicant__handle", "state")
        assert list(states) == [
            ("hezhiyuan", "rejected"), ("chenjiahe", "approved"), ("amara-okafor", "pending"), ("jonas-weber", "pending"),
        ]  # fmt: skip
        own = Application.objects.filter(applicant=linwz).order_by("created_at").values_list("asset__name", "state")
        assert list(own) == [("Tingquan-ASR-zh", "approved"), ("Clinical-QA-Bilingual", "asked")]
        assert asset("linwz/Load-Forecast-h24").state == "rejected"
        assert asset("linwz/Ticket-Router-1B").visibility == "chosen"
        assert api().get("/api/v1/models/linwz/Ticket-Router-1B").status_code == 404

    def test_members_have_their_roles(self) -> None:
        roles = {
            membership.user.handle: Membership.Role(membership.role).name
            for membership in Organisation.objects.get(handle="yunhe-lab").memberships.select_related("user")
        }
        assert roles == {"hezhiyuan": "OWNER", "amara-okafor": "MAINTAINER", "chenjiahe": "CONTRIBUTOR", "linwz": "READER"}

    def test_facts_come_from_hub_keys(self) -> None:
        row = asset("yunhe-lab/Yunhe-7B-Chat")
        assert (row.title_zh, row.licence, row.task) == ("云鹤 7B 对话", "apache-2.0", "text-generation")
        assert (row.languages, row.base_models, row.datasets) == (
            ["zh", "en"], ["yunhe-lab/Yunhe-7B"], ["yunling/CustomerCare-zh-120k", "yunhe-lab/Instruct-Mix-zh-en"],
        )  # fmt: skip
        assert row.distributed is True

    def test_facts_come_from_gallery_keys(self) -> None:
        row = asset("yunling/Tianshu-Det-L")
        assert (row.licence, row.task, row.hardware, row.frameworks) == ("agpl-3.0", "object-detection", ["npu"], ["pytorch", "mindspore"])
        assert row.minimum_spec == "1-snt9b-16-cpu-24-96"

    def test_broken_card_warns_and_keeps_the_last_good_facts(self) -> None:
        row = asset("amara-okafor/Leafcheck-ViT")
        assert row.card_errors != []
        assert (row.licence, row.task, row.title_zh) == ("apache-2.0", "image-classification", "叶检")
        good = Asset.objects.exclude(name="Leafcheck-ViT").exclude(card_errors=[])
        assert list(good.values_list("name", flat=True)) == []

    def test_history_has_versions_a_branch_and_several_authors(self) -> None:
        repository = asset("yunhe-lab/Yunhe-7B-Chat").repository
        names = sorted(Ref.objects.filter(repository=repository).values_list("name", flat=True))
        assert names == ["refs/heads/int4", "refs/heads/main", "refs/tags/v1.0.0", "refs/tags/v1.1.0", "refs/tags/v1.2.0"]
        commits = Commit.objects.filter(repository=repository)
        assert commits.count() == 11
        assert set(commits.values_list("author_name", flat=True)) == {"何知远", "Amara Okafor", "陈嘉禾"}
        moments = list(commits.order_by("generation").values_list("committed_at", flat=True))
        assert moments == sorted(moments)

    def test_same_content_has_the_same_hash_on_every_machine(self) -> None:
        item = Ref.objects.get(repository=asset("yunhe-lab/Yunhe-7B").repository, name="refs/heads/main").entries.get(
            name="model-00001-of-00002.safetensors"
        )
        assert item.sha256 == "f51e356e92ec0f16371b2acda6ce71192fb99ee4cec8362439ca8457652c5b2a"

    def test_downloads_of_a_month_are_tallied(self) -> None:
        row = asset("yunhe-lab/Songlan-Embed-Large")
        month = DailyDownloads.objects.filter(repository=row.repository).order_by("-day")[:30]
        assert row.downloads == sum(day.count for day in month)


@pytest.mark.django_db
def test_demo_refuses_a_handle_of_somebody_else() -> None:
    person("hezhiyuan", email="he@elsewhere.example")
    with pytest.raises(CommandError, match="The handle “hezhiyuan” belongs to somebody who is not of the demo"):
        demo()
    assert Asset.objects.count() == 0


@pytest.mark.django_db
def test_demo_refuses_a_short_password() -> None:
    with pytest.raises(CommandError, match="too short"):
        demo(password="abc")
    assert User.objects.count() == 0
