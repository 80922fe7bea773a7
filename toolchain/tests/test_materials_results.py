import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from accounts.models import Membership, Namespace
from assets.models import Asset
from assets.services import delete_asset
from assets.tests.factories import finish_jobs, read_for
from core.problems import Conflict, Forbidden, Invalid, Missing, TooLarge
from core.testing import browser
from repos.models import Commit, Repository
from repos.reading import find, read_all, resolve, walk
from toolchain.materials import Curve, Facts, Origin, checked_output_name, inherited_from, survey, surveyed, write_result
from toolchain.materials.curves import picture
from toolchain.materials.measures import measures
from toolchain.tests.materials import model_of

pytestmark = pytest.mark.django_db
BASE_CARD = (
    b"---\nlicense: apache-2.0\nlanguage: [zh, en]\npipeline_tag: text-generation\nlibrary_name: transformers\ntags: [base]\n---\n# base\n"
)
STARTED = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
LOSS = Curve("loss", [(10, 5.0), (20, 2.5), (30, None), (40, 1.25), (50, 1.5)])
SPEED = Curve("throughput", [(10, 100.0), (20, 300.0)])
WEIGHTS = {"model.safetensors": b"weights", "config.json": b"{}"}


@pytest.fixture
def output(tmp_path: Path, settings: Any) -> Path:
    settings.BLOB_STORE = f"file:{tmp_path / 'blobs'}"
    folder = tmp_path / "run" / "output"
    folder.mkdir(parents=True)
    return folder


def fill(folder: Path, files: dict[str, bytes]) -> None:
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)


def facts_of(actor: Any, namespace: Any = None, **changes: Any) -> Facts:
    place = Namespace.objects.for_user(actor).get(pk=(namespace or actor).pk)
    given: dict[str, Any] = {
        "key": "training-12-1", "namespace": place, "name": "poet", "model": Origin("alice/base", "a" * 40),
        "dataset": Origin("alice/poems", "b" * 40), "task": "text-generation", "method": "LoRA | rank 8", "spec": "cpu-2-4",
        "environment": "current", "started_at": STARTED, "ended_at": STARTED + timedelta(hours=1, minutes=2, seconds=3),
        "parameters": {"lr": "0.001", "note": "<b>|x|</b>\n# no"}, "curves": [LOSS, SPEED], "metrics": {"eval_loss": 1.4},
    }  # fmt: skip
    return Facts(**{**given, **changes})


def files_of(asset: Asset) -> list[str]:
    return [item.path for item in walk(resolve(asset.open_repository()))]


def text_of(asset: Asset, path: str = "README.md") -> str:
    return read_all(find(resolve(asset.open_repository()), path)).decode()


def test_the_model_holds_output_introduction_and_numbers_in_one_commit(alice: Any, output: Path) -> None:
    fill(output, WEIGHTS)
    made = write_result(facts_of(alice), surveyed(output), actor=alice)
    assert (made.asset.repo_id, made.asset.kind, made.asset.state, made.asset.creator) == ("alice/poet", "model", "unpublished", alice)
    assert files_of(made.asset) == [
        ".gitattributes", "README.md", "config.json", "model.safetensors",
        "training/curves.csv", "training/loss.png", "training/throughput.png", "training/training.json",
    ]  # fmt: skip
    assert made.commit == resolve(made.asset.open_repository()).commit
    assert Commit.objects.filter(repository=made.asset.repository).count() == 2
    assert made.left_out == ()
    assert text_of(made.asset, "training/curves.csv") == "iteration,loss,throughput\n10,5.0,100.0\n20,2.5,300.0\n40,1.25,\n50,1.5,\n"
    record = json.loads(text_of(made.asset, "training/training.json"))
    assert (record["base_model"], record["dataset"]) == (
        {"id": "alice/base", "commit": "a" * 40},
        {"id": "alice/poems", "commit": "b" * 40},
    )
    assert record["parameters"] == {"lr": "0.001", "note": "<b>|x|</b>\n# no"}


def test_the_introduction_says_what_was_done_and_how_it_went(alice: Any, output: Path, settings: Any) -> None:
    settings.PUBLIC_URL = "https://gallery.example"
    fill(output, WEIGHTS)
    text = text_of(write_result(facts_of(alice), surveyed(output), actor=alice).asset)
    base = f"https://gallery.example/models/alice/base/files/{'a' * 40}"
    assert f"| Base model | [alice/base]({base}) @ aaaaaaa |" in text
    assert f"| Dataset | [alice/poems](https://gallery.example/datasets/alice/poems/files/{'b' * 40}) @ bbbbbbb |" in text
    for row in (
        "| Training method | LoRA \\| rank 8 |", "| Compute spec | cpu-2-4 |", "| Duration | 1:02:03 |", "| lr | 0.001 |",
        "| note | \\<b\\>\\|x\\|\\</b\\> \\# no |", "| Last loss | 1.5 |", "| Lowest loss | 1.25 (iteration 40) |",
        "| Mean throughput | 200 |", "| eval\\_loss | 1.4 |", "| Finished at | 2026-03-01 09:02 UTC |",
    ):  # fmt: skip
        assert row in text
    assert "![Training loss over iterations: first 5, last 1.5, lowest 1.25, highest 5](training/loss.png)" in text


def test_the_page_shows_curves_lineage_and_inherited_settings(alice: Any, output: Path) -> None:
    base, data = model_of(alice, {"README.md": BASE_CARD}, name="base"), model_of(alice, {"x.csv": b"a"}, name="poems", kind="dataset")
    finish_jobs()
    base = read_for(alice, base)
    inherited = inherited_from(base)
    assert inherited == {"task": "text-generation", "frameworks": ["transformers"], "languages": ["zh", "en"], "licence": "apache-2.0"}
    fill(output, WEIGHTS)
    facts = facts_of(alice, inherited=inherited, model=Origin(base.repo_id, "a" * 40), dataset=Origin(data.repo_id, "b" * 40))
    made = write_result(facts, surveyed(output), actor=alice)
    finish_jobs()
    asset = read_for(alice, made.asset)
    assert (asset.base_models, asset.datasets, asset.card_errors) == (["alice/base"], ["alice/poems"], [])
    assert (asset.task, asset.frameworks, asset.languages, asset.licence) == (
        "text-generation",
        ["transformers"],
        ["zh", "en"],
        "apache-2.0",
    )
    assert asset.description == "alice/base, trained further on alice/poems"
    client = browser(alice)
    page = client.get("/models/alice/poet").content.decode()
    assert "/models/alice/poet/resolve/main/training/loss.png?inline=1" in page
    assert 'href="/models/alice/base"' in page and 'href="/datasets/alice/poems"' in page
    picture = client.get("/models/alice/poet/resolve/main/training/loss.png?inline=1")
    assert (picture["Content-Type"], b"".join(picture)[:8]) == ("image/png", b"\x89PNG\r\n\x1a\n")


def test_a_custom_task_keeps_that_of_the_base_model(alice: Any, output: Path) -> None:
    fill(output, WEIGHTS)
    made = write_result(facts_of(alice, task="custom", inherited={"task": "image-classification"}), surveyed(output), actor=alice)
    assert "pipeline_tag: image-classification" in text_of(made.asset)
    assert "| Training task type | Custom |" in text_of(made.asset)


def test_the_introduction_is_in_the_language_of_whoever_submitted(alice: Any, output: Path) -> None:
    alice.language = "zh-hans"
    fill(output, WEIGHTS)
    assert "## Training\n" in text_of(write_result(facts_of(alice, language="en"), surveyed(output), actor=alice).asset)
    other = text_of(write_result(facts_of(alice, key="training-13-1"), surveyed(output), actor=alice).asset)
    assert "## 训练\n" in other


def test_the_readme_of_the_training_stays_below_and_its_settings_count(alice: Any, output: Path) -> None:
    own = b"---\nlicense: mit  # ours\nbase_model: /home/ma-user/.cache/gallery/model/alice--base\nmodel-index:\n- name: poet\n---\n\n# Mine\n\nWritten by the script.\n"
    fill(output, {**WEIGHTS, "readme.MD": own})
    made = write_result(facts_of(alice, inherited={"licence": "apache-2.0", "languages": ["en"]}), surveyed(output), actor=alice)
    text = text_of(made.asset)
    assert "readme.MD" not in files_of(made.asset)
    assert "license: mit  # ours\n" in text and "model-index:\n- name: poet\n" in text
    assert "language: [en]\n" in text and "base_model: alice/base\n" in text and "ma-user" not in text
    assert text.index("# poet") < text.index("## From the training itself") < text.index("# Mine")
    assert text.rstrip().endswith("Written by the script.")


@pytest.mark.parametrize("own", [b"---\nlicense: [mit\n---\n# Mine\n", b"\xff\xfe not text", b"# \0", b"x" * 1_000_001])
def test_a_readme_that_cannot_be_read_is_kept_as_it_is(alice: Any, output: Path, own: bytes) -> None:
    fill(output, {**WEIGHTS, "README.md": own})
    made = write_result(facts_of(alice), surveyed(output), actor=alice)
    kept = find(resolve(made.asset.open_repository()), "training/README.original.md")
    assert read_all(kept) == own
    assert "[training/README.original.md](training/README.original.md)" in text_of(made.asset)


def test_checkpoints_are_left_out_beside_a_final_model(alice: Any, output: Path) -> None:
    fill(output, {**WEIGHTS, "checkpoint-10/model.safetensors": b"1", "checkpoint-20/optimizer.pt": b"2", "checkpoint-best/x.txt": b"3"})
    made = write_result(facts_of(alice), surveyed(output), actor=alice)
    assert [(left.path, left.code) for left in made.left_out] == [("checkpoint-10/", "checkpoint"), ("checkpoint-20/", "checkpoint")]
    assert "checkpoint-best/x.txt" in files_of(made.asset)
    assert "- checkpoint-10/: a checkpoint; the final model is there" in text_of(made.asset)


def test_checkpoints_are_the_result_where_there_is_no_final_model(alice: Any, output: Path) -> None:
    fill(output, {"checkpoint-10/model.safetensors": b"1", "training_args.bin": b"2", "optimizer.pt": b"3"})
    made = write_result(facts_of(alice), surveyed(output), actor=alice)
    assert made.left_out == ()
    assert {"checkpoint-10/model.safetensors", "optimizer.pt"} <= set(files_of(made.asset))


def test_what_hostile_code_left_is_named_and_not_kept(alice: Any, output: Path) -> None:
    fill(
        output,
        {**WEIGHTS, ".gitattributes": b"* filter=evil", "README.MD/x.txt": b"x", "training/loss.png": b"theirs", "training-record": b"t"},
    )
    (output / "link").symlink_to("/etc/passwd")
    made = write_result(facts_of(alice), surveyed(output), actor=alice)
    assert {(left.path, left.code) for left in made.left_out} == {
        ("link", "symlink"),
        (".gitattributes", "reserved"),
        ("README.MD", "reserved"),
    }
    assert "filter=evil" not in text_of(made.asset, ".gitattributes")
    assert read_all(find(resolve(made.asset.open_repository()), "training/loss.png")) == b"theirs"
    assert "training-record-2/loss.png" in files_of(made.asset)


def test_without_a_single_value_there_is_no_picture(alice: Any, output: Path) -> None:
    fill(output, WEIGHTS)
    made = write_result(facts_of(alice, curves=[Curve("loss", [(1, None)])], dataset=None, parameters={}), surveyed(output), actor=alice)
    assert files_of(made.asset)[-1] == "training/training.json"
    assert "![" not in text_of(made.asset)


def test_a_call_after_a_crash_makes_nothing_twice(alice: Any, output: Path) -> None:
    fill(output, WEIGHTS)
    kept: list[Asset] = []
    with pytest.raises(RuntimeError):
        write_result(facts_of(alice), surveyed(output), actor=alice, keep=fail)
    assert not Asset.objects.exists()
    first = write_result(facts_of(alice), surveyed(output), actor=alice, keep=kept.append)
    assert kept == [first.asset]
    again = write_result(facts_of(alice), surveyed(output), actor=alice, asset=kept[0], keep=fail)
    assert (again.asset, again.commit) == (first.asset, first.commit)
    assert Asset.objects.count() == 1


def fail(_asset: Asset) -> None:
    raise RuntimeError("the database is gone")


def test_a_name_that_was_taken_meanwhile_gets_a_number(alice: Any, output: Path) -> None:
    fill(output, WEIGHTS)
    model_of(alice, {}, name="poet")
    model_of(alice, {}, name="POET-2")
    made = write_result(facts_of(alice), surveyed(output), actor=alice)
    assert made.asset.name == "poet-3"
    assert text_of(made.asset).splitlines().count("# poet-3") == 1


def test_who_left_the_organisation_takes_nothing_along(people: Any, output: Path) -> None:
    fill(output, WEIGHTS)
    facts = facts_of(people.bob, people.atelier)
    assert write_result(facts, surveyed(output), actor=people.bob).asset.repo_id == "atelier/poet"
    Membership.objects.filter(user=people.bob).delete()
    later = replace(facts, key="training-13-1")
    with pytest.raises(Forbidden) as refusal:
        write_result(later, surveyed(output), actor=people.bob)
    assert refusal.value.code == "not_a_contributor"
    assert write_result(later, surveyed(output), actor=people.mona).asset.repo_id == "atelier/poet-2"
    assert list(Asset.objects.order_by("pk").values_list("namespace__handle", flat=True)) == ["atelier", "atelier"]


def test_a_model_that_was_deleted_after_a_crash_is_made_again(alice: Any, output: Path) -> None:
    fill(output, WEIGHTS)
    first = write_result(facts_of(alice), surveyed(output), actor=alice)
    delete_asset(asset=first.asset, actor=alice)
    made = write_result(facts_of(alice), surveyed(output), actor=alice, asset=first.asset)
    assert made.asset.pk != first.asset.pk
    assert "model.safetensors" in files_of(made.asset)


def test_a_full_quota_leaves_no_empty_model(alice: Any, output: Path, settings: Any) -> None:
    fill(output, {"model.safetensors": b"x" * 1000})
    settings.NAMESPACE_QUOTA = 999
    with pytest.raises(TooLarge) as caught:
        write_result(facts_of(alice), surveyed(output), actor=alice)
    assert caught.value.code == "quota_exceeded"
    assert (Asset.objects.count(), Repository.objects.count()) == (0, 0)


@pytest.mark.parametrize("viewer", ["owner", "maintainer", "contributor", "administrator"])
def test_members_that_contribute_may_choose_a_name(people: Any, viewer: str) -> None:
    actor = people.viewer(viewer)
    namespace = Namespace.objects.for_user(actor).get(pk=people.atelier.pk)
    assert checked_output_name(actor=actor, namespace=namespace, name=" poet ") == "poet"


@pytest.mark.parametrize("viewer", ["stranger", "reader"])
def test_others_may_not(people: Any, viewer: str) -> None:
    actor = people.viewer(viewer)
    with pytest.raises(Forbidden):
        checked_output_name(actor=actor, namespace=Namespace.objects.for_user(actor).get(pk=people.atelier.pk), name="poet")


@pytest.mark.parametrize("name", ["", "..", "中文", "a/b", "x" * 97, "poet.git"])
def test_a_name_that_cannot_be_an_address_is_refused(alice: Any, name: str) -> None:
    with pytest.raises(Invalid) as caught:
        checked_output_name(actor=alice, namespace=facts_of(alice).namespace, name=name)
    assert list(caught.value.errors) == ["output_name"]


def test_a_name_in_use_is_refused_whatever_its_case(alice: Any, settings: Any, tmp_path: Path) -> None:
    settings.BLOB_STORE = f"file:{tmp_path / 'blobs'}"
    model_of(alice, {}, name="Poet")
    model_of(alice, {}, name="verse", kind="dataset")
    with pytest.raises(Conflict) as caught:
        checked_output_name(actor=alice, namespace=facts_of(alice).namespace, name="poet")
    assert (caught.value.code, list(caught.value.errors)) == ("name_taken", ["output_name"])
    assert checked_output_name(actor=alice, namespace=facts_of(alice).namespace, name="verse") == "verse"


def test_strangers_do_not_see_the_new_model(alice: Any, charlie: Any, output: Path) -> None:
    fill(output, WEIGHTS)
    write_result(facts_of(alice), surveyed(output), actor=alice)
    assert not Asset.objects.for_user(charlie).exists()
    assert browser(charlie).get("/models/alice/poet").status_code == Missing.status


def test_measures_of_the_training_are_shown(alice: Any, output: Path) -> None:
    summary = {"format": 1, "steps": 100, "evaluation": {"loss": 0.5, "exact_match": 1, "f1": None, "ok": True}}
    fill(
        output,
        {**WEIGHTS, "training_summary.json": json.dumps(summary).encode(), "eval_results.json": b'{"eval_loss": 0.7, "eval_bleu": 31.25}'},
    )
    text = text_of(write_result(facts_of(alice, metrics={}), surveyed(output), actor=alice).asset)
    rows = [line for line in text.splitlines() if line.startswith("| eval")]
    assert rows == ["| eval\\_loss | 0.5 |", "| eval\\_exact\\_match | 1 |", "| eval\\_bleu | 31.25 |"]


@pytest.mark.parametrize(
    "data",
    [
        b"{",
        b"[1]",
        b"[" * 100_000,
        b'{"evaluation": 3}',
        b'{"a": NaN, "b": 1e999, "c": "1"}',
        b'{"x": 1' + b"0" * 400 + b"}",
        b"\xff",
        b'{"a\\nb": 1}',
    ],
)
def test_measures_that_make_no_sense_are_passed_over(output: Path, data: bytes) -> None:
    fill(output, {"training_summary.json": data})
    assert measures(survey(output)) == {}


@pytest.mark.parametrize("values", [(0.0, 5e-324), (-5e-324, 1e-310), (1e300, -1e299), (1.0, 1.0000000000000002)])
def test_every_value_that_a_script_may_write_can_be_drawn(values: tuple[float, float]) -> None:
    assert picture(Curve("loss", list(enumerate(values)))).startswith(b"\x89PNG")
