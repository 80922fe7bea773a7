"""From a commit to the verdict on the page and in REST, and who sees what of it."""

from typing import Any

import pytest

from assets import services as assets_services
from assets.models import Asset, Term
from assets.tests.factories import make_asset, read_for, term
from assets.vocabulary import Terms
from core.testing import SIGN_IN, People, api, assert_access, assert_flat_queries, browser
from inspection.models import Inspection
from jobs.models import Job
from jobs.services import run
from repos.operations import PutBytes
from toolchain import services
from toolchain.standing import standing_of
from toolchain.tests.samples import LLAMA, SERVING, TRAINING, Tree
from toolchain.validator import Report

pytestmark = pytest.mark.django_db
CARD = "---\npipeline_tag: {task}\n---\n# Model\n"
BROKEN = TRAINING | {"gallery_train/train.py": "x = 1\ndef f(:\n"}


def finish_jobs() -> None:
    """Run the jobs that lead from a commit to its verdict."""
    for job in Job.objects.due().filter(kind="assets.ingest"):
        run(job.pk)
    for job in Job.objects.due().filter(pk__in=Inspection.objects.filter(step="specification").values("job")):
        run(job.pk)


def commit(asset: Asset, actor: Any, tree: Tree) -> str:
    operations = [PutBytes(path, data.encode() if isinstance(data, str) else data) for path, data in tree.items()]
    sha = assets_services.commit_files(asset=asset, actor=actor, operations=operations, message="Change").sha
    return str(sha)


def model(actor: Any, tree: Tree, namespace: Any = None, *, task: str = "text-generation", **options: Any) -> tuple[Asset, str]:
    """Return a model with these files and what their commit is called, after every job is done."""
    asset = make_asset(actor, namespace, **options)
    sha = commit(asset, actor, {"README.md": CARD.format(task=task)} | tree)
    finish_jobs()
    return read_for(actor, asset), sha


def url(asset: Asset) -> str:
    return f"{asset.get_absolute_url()}/verdict"


def rest(asset: Asset) -> str:
    return f"/api/v1{url(asset)}"


@pytest.fixture(autouse=True)
def terms_of_this_test() -> None:
    Terms.forget()


def codes(asset: Asset) -> dict[str, str]:
    found = services.verdict_of(asset)
    assert found is not None
    return {purpose: each.code for purpose, each in found.items()}


def test_commit_is_read_and_judged(alice: Any) -> None:
    asset, sha = model(alice, LLAMA | TRAINING | SERVING)
    standing = standing_of(asset)
    assert (standing.state, standing.commit, standing.is_current) == ("done", sha, True)
    assert codes(asset) == {"fine_tuning": "ready", "inference": "ready", "ai_app": "ready"}
    assert standing.report is not None and standing.report.serving is not None
    assert standing.report.serving.name == "Model"


def test_task_of_the_card_decides(alice: Any) -> None:
    asset, _sha = model(alice, LLAMA, task="translation")
    assert codes(asset) == {"fine_tuning": "not_ready", "inference": "not_ready", "ai_app": "not_supported"}
    commit(asset, alice, {"README.md": CARD.format(task="question-answering")})
    finish_jobs()
    assert codes(read_for(alice, asset)) == {"fine_tuning": "ready", "inference": "ready", "ai_app": "ready"}


def test_list_of_tasks_of_the_gallery_decides(alice: Any) -> None:
    asset, _sha = model(alice, LLAMA, task="translation")
    term(Term.Vocabulary.TASK, "translation", fine_tuning="built_in", inference="", app="")
    Terms.forget()
    assert codes(asset) == {"fine_tuning": "ready", "inference": "not_supported", "ai_app": "not_supported"}


def test_registries_are_judged_when_they_are_asked_for(alice: Any, settings: Any) -> None:
    readme = "---\npipeline_tag: other\nInfer_image_url: swr.example.com/a:1\nInfer_command_path: /a.sh\n---\n"
    asset, _sha = model(alice, {"README.md": readme})
    assert codes(asset)["inference"] == "ready"
    settings.IMAGE_REGISTRIES = ["other.example.com"]
    assert codes(asset)["inference"] == "not_ready"


def test_files_larger_than_ten_megabytes_are_listed_and_not_read(alice: Any, settings: Any) -> None:
    settings.LARGE_FILE_THRESHOLD = 1000
    asset, _sha = model(alice, TRAINING | {"gallery_train/train.py": "x = 1\n" + "#" * 300_000}, task="other")
    found = services.verdict_of(asset)
    assert found is not None
    assert [(reason.code, reason.path) for reason in found.fine_tuning.reasons] == [("file_too_large", "gallery_train/train.py")]


def test_while_the_newest_commit_is_unread_the_one_before_is_shown_and_nothing_is_promised(alice: Any) -> None:
    asset, first = model(alice, LLAMA)
    second = commit(asset, alice, {"config.json": "{}"})
    asset = read_for(alice, asset)
    standing = standing_of(asset)
    assert (standing.state, standing.commit, standing.is_current, standing.is_reading) == ("waiting", first, False, True)
    assert services.verdict_of(asset) is None
    finish_jobs()
    assert standing_of(asset).commit == second
    assert codes(asset)["fine_tuning"] == "not_ready"


def test_result_of_earlier_rules_is_not_believed(alice: Any) -> None:
    asset, _sha = model(alice, LLAMA)
    Inspection.objects.filter(repository=asset.repository, step="specification").update(version=0, result={})
    assert (standing_of(asset).state, standing_of(asset).commit, services.verdict_of(asset)) == ("waiting", "", None)


def test_what_stands_in_no_file_is_explained_too(alice: Any) -> None:
    asset, _sha = model(alice, {"notes.txt": "x"})
    assert standing_of(asset).report == Report()
    assert "What is missing" in browser(alice).get(asset.get_absolute_url()).content.decode()
    text = browser(alice).get(url(asset)).content.decode()
    assert text.count("No “config.json” at the first level names an architecture.") == 3
    assert "/config.json" not in text


def test_datasets_are_not_read(alice: Any) -> None:
    asset, _sha = model(alice, {}, kind="dataset")
    assert not Inspection.objects.filter(repository=asset.repository, step="specification").exists()
    page = browser(alice).get(asset.get_absolute_url())
    assert b'id="toolchain"' not in page.content
    assert api(alice).get(f"/api/v1/models/{asset.repo_id}/verdict").status_code == 404


def test_page_shows_verdicts_and_findings(alice: Any) -> None:
    asset, sha = model(alice, LLAMA | BROKEN, task="translation")
    for address in (asset.get_absolute_url(), url(asset)):
        text = browser(alice).get(address).content.decode()
        assert "Not ready" in text
        assert "Not offered" in text
        assert f"/files/{sha}/gallery_train/train.py#L2" in text
        assert "Python cannot read this line: invalid syntax. Correct it." in text


def test_panel_that_is_read_does_not_ask_again(alice: Any) -> None:
    asset, _sha = model(alice, LLAMA)
    panel = browser(alice).get(asset.get_absolute_url()).content.decode().split('id="toolchain"')[1].split("</section>")[0]
    assert "hx-" not in panel
    assert panel.count("status-ok") == 3


def test_panel_asks_again_while_it_is_read_and_then_no_more(alice: Any) -> None:
    asset = make_asset(alice)
    commit(asset, alice, LLAMA)
    fragment = browser(alice).get(url(asset), headers={"HX-Request": "true"}).content.decode()
    assert f'hx-get="{url(asset)}" hx-trigger="every 3s"' in fragment
    assert "<html" not in fragment
    finish_jobs()
    fragment = browser(alice).get(url(asset), headers={"HX-Request": "true"}).content.decode()
    assert "hx-get" not in fragment


def test_who_may_not_read_the_files_sees_verdicts_and_numbers_only(people: People) -> None:
    asset, _sha = model(people.alice, LLAMA | BROKEN, people.atelier, task="translation", availability="on_application")
    for address in (asset.get_absolute_url(), url(asset)):
        text = browser(people.charlie).get(address).content.decode()
        assert "Not ready" in text
        assert "1 error" in text
        assert "train.py" not in text.split('id="toolchain"')[-1]
        assert "Python cannot read" not in text
    said = api(people.charlie).get(rest(asset)).json()
    assert (said["findings"], said["error_count"], said["verdicts"]["fine_tuning"]["reasons"]) == (None, 1, None)
    assert said["verdicts"]["fine_tuning"]["code"] == "not_ready"


def test_rest_tells_everything_to_those_who_may_read_the_files(alice: Any) -> None:
    asset, sha = model(alice, LLAMA | BROKEN, task="translation")
    said = api(alice).get(rest(asset)).json()
    assert {name: said[name] for name in ("state", "current", "commit", "error_count", "warning_count", "dropped")} == {
        "state": "done", "current": True, "commit": sha, "error_count": 1, "warning_count": 0, "dropped": 0,
    }  # fmt: skip
    finding = {
        "code": "python_syntax", "severity": "error", "path": "gallery_train/train.py", "line": 2,
        "facts": {"column": 7, "problem": "invalid syntax"}, "concerns": ["training"],
        "detail": "Python cannot read this line: invalid syntax. Correct it.",
    }  # fmt: skip
    assert said["findings"] == [finding]
    assert said["verdicts"]["fine_tuning"] == {
        "code": "not_ready", "mode": "custom", "modes": [], "detail": "The training scripts are missing or not complete yet.", "reasons": [finding],
    }  # fmt: skip
    chinese = api(alice).get(rest(asset), headers={"Accept-Language": "zh-CN"}).json()
    assert chinese["findings"][0]["code"] == "python_syntax"


def test_model_that_was_never_read(alice: Any) -> None:
    asset, _sha = model(alice, LLAMA)
    Inspection.objects.filter(repository=asset.repository).delete()
    said = api(alice).get(rest(asset)).json()
    assert (said["state"], said["commit"], said["verdicts"], said["findings"]) == ("unread", None, None, None)
    assert "These files have not been read yet." in browser(alice).get(asset.get_absolute_url()).content.decode()
    assert api(alice).post(rest(asset)).status_code == 202
    finish_jobs()
    assert api(alice).get(rest(asset)).json()["state"] == "done"


PUBLIC = {"visitor": 200, "stranger": 200, "reader": 200, "contributor": 200, "maintainer": 200, "owner": 200, "administrator": 200}
PRIVATE = PUBLIC | {"visitor": 404, "stranger": 404}
WRITE = {"visitor": 403, "stranger": 403, "reader": 403, "contributor": 202, "maintainer": 202, "owner": 202, "administrator": 202}
WRITE_PAGE = WRITE | {"visitor": SIGN_IN, "contributor": 302, "maintainer": 302, "owner": 302, "administrator": 302}


@pytest.mark.parametrize(("visibility", "expected"), [("public", PUBLIC), ("private", PRIVATE)])
@pytest.mark.parametrize("surface", ["page", "rest"])
def test_who_sees_the_verdict(people: People, surface: str, visibility: str, expected: dict[str, int]) -> None:
    asset, _sha = model(people.alice, LLAMA, people.atelier, visibility=visibility)
    address = url(asset) if surface == "page" else rest(asset)
    assert_access(people=people, surface=surface, expected=expected, request=lambda client: client.get(address))


@pytest.mark.parametrize(("surface", "expected"), [("page", WRITE_PAGE), ("rest", WRITE)])
def test_who_has_the_files_read_again(people: People, surface: str, expected: dict[str, int | str]) -> None:
    asset, _sha = model(people.alice, LLAMA, people.atelier)
    address = f"{url(asset)}/again" if surface == "page" else rest(asset)
    assert_access(
        people=people, surface=surface, expected=expected, request=lambda client: client.post(address),
        state=lambda: list(Inspection.objects.filter(step="specification").values("pk", "job", "finished_at")),
    )  # fmt: skip


def test_failed_reading_is_shown_and_begun_again(alice: Any) -> None:
    asset, sha = model(alice, LLAMA)
    row = Inspection.objects.get(repository=asset.repository, commit=sha, step="specification")
    Inspection.objects.filter(pk=row.pk).update(finished_at=None)
    Job.objects.filter(pk=row.job_id).update(state=Job.State.FAILED, error="The object storage does not answer.")
    page = browser(alice).get(url(asset)).content.decode()
    assert "The files could not be read." in page
    assert "The object storage does not answer." in page
    assert "The object storage does not answer." not in browser().get(url(asset)).content.decode()
    response = browser(alice).post(f"{url(asset)}/again", follow=True)
    assert "The files are being read again." in response.content.decode()
    finish_jobs()
    assert standing_of(asset).state == "done"


def test_reading_again_while_it_is_read_is_a_conflict(alice: Any) -> None:
    asset = make_asset(alice)
    commit(asset, alice, LLAMA)
    answer = api(alice).post(rest(asset))
    assert (answer.status_code, answer.json()["code"]) == (409, "inspection_running")
    assert "This is being read already." in browser(alice).post(f"{url(asset)}/again", follow=True).content.decode()


def test_page_asks_the_database_as_often_for_many_findings(alice: Any) -> None:
    asset, sha = model(alice, LLAMA | BROKEN)
    row = Inspection.objects.get(repository=asset.repository, commit=sha, step="specification")

    def one_more() -> None:
        row.result["findings"].append(row.result["findings"][0] | {"line": len(row.result["findings"]) + 2})
        row.save()

    assert_flat_queries(url(asset), one_more, client=browser(alice))
