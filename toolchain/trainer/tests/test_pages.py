"""The pages of training jobs: the list, one job in each of its states, and what can be done there."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings
from django.utils import timezone

from accounts.models import AuditEvent
from core.testing import People, assert_flat_queries, browser
from toolchain.models import Entry, Limit, Run, Sample
from toolchain.trainer.models import Training
from toolchain.trainer.tests.factories import custom_model, make_dataset, make_spec, make_training, read

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
METRICS = "".join(f"{step}|{2 / step}|{100 + step}\n" for step in range(1, 41))


def test_list_shows_what_one_may_see(people: People) -> None:
    make_training(people.alice, name="mine", state="running", metrics=METRICS, parameters={"max_steps": "80"})
    make_training(people.bob, people.atelier, name="ours", state="completed")
    make_training(people.charlie, name="theirs")
    page = browser(people.alice).get("/jobs")
    lines = page.context["mine"].lines
    assert [(line.training.name, line.status, line.mark, line.percent, line.text) for line in lines] == [
        ("ours", "Completed", "ok", 100, "Its model is not there any more"),
        ("mine", "Training", "running", 50, "step 40 of 80"),
    ]
    assert "theirs" not in page.content.decode()
    mine = page.context["mine"]
    assert (mine.running, mine.queued, mine.success) == (1, 0, 100)


def test_list_is_narrowed_and_says_so_when_nothing_is_left(people: People) -> None:
    make_training(people.alice, name="one", state="failed", error="exit", detail={"code": 3})
    make_training(people.bob, people.atelier, name="two", state="waiting")
    client = browser(people.alice)

    def names(query: str) -> list[str]:
        return [line.training.name for line in client.get(f"/jobs?{query}").context["mine"].lines]

    assert names("state=failed") == ["one"]
    assert names("namespace=atelier") == ["two"]
    assert names("q=TWO&state=&namespace=") == ["two"]
    assert "No training job matches" in client.get("/jobs?q=three").content.decode()
    assert "The program ended with exit code 3." in client.get("/jobs").content.decode()
    odd = client.get("/jobs?state=odd&cursor=odd&q=%00")
    assert odd.status_code == 200
    assert [line.training.name for line in odd.context["mine"].lines] == ["two", "one"]


def test_list_asks_as_much_for_ten_as_for_two(alice: Any) -> None:
    spec = make_spec()

    def add() -> None:
        for state in ("waiting", "running", "completed", "failed"):
            make_training(alice, spec=spec, state=state, metrics=METRICS)

    assert_flat_queries("/jobs?state=waiting&state=running&state=completed&state=failed", add, client=browser(alice))


def test_waiting_job_names_its_place(alice: Any, bob: Any) -> None:
    make_training(alice)
    training = make_training(alice, run_columns={"waits_for": "capacity"})
    make_training(bob)
    page = browser(alice).get(f"/jobs/{training.pk}").context["page"]
    assert page.sentence == "Place 3 in the queue. Waiting for a machine."
    assert [state for _text, _took, state in page.steps] == ["now", "", "", "", ""]
    assert page.live


def test_stages_tell_how_long_they_took(alice: Any) -> None:
    now = timezone.now()
    times = {
        "created_at": now - timedelta(seconds=400),
        "claimed_at": now - timedelta(seconds=390),
        "started_at": now - timedelta(seconds=60),
    }
    built = (now - timedelta(seconds=90)).timestamp()
    training = make_training(alice, state="completed", run_columns={**times, "ended_at": now, "facts": {"built": built}})
    page = browser(alice).get(f"/jobs/{training.pk}").context["page"]
    assert [took.replace("\u00a0", " ") for _text, took, _state in page.steps] == ["10 s", "5 min", "30 s", "1 min", ""]


def test_job_that_never_began_has_neither_curves_nor_a_log(alice: Any) -> None:
    training = make_training(alice, state="stopped", run_columns={"started_at": None, "claimed_at": None})
    text = browser(alice).get(f"/jobs/{training.pk}").content.decode()
    assert "It was stopped by hand." in text
    assert 'id="curves"' not in text and 'id="log"' not in text


def test_running_job_shows_curves_figures_and_use(alice: Any) -> None:
    training = make_training(alice, state="running", metrics=METRICS, log="hello <b>\n", parameters={"max_steps": "80"})
    now = timezone.now()
    for minute in range(5):
        Sample.objects.create(run=training.run, at=now - timedelta(minutes=5 - minute), cpu=1.5, memory=1 << 30)
    answer = browser(alice).get(f"/jobs/{training.pk}")
    page, text = answer.context["page"], answer.content.decode()
    assert [state for _text, _took, state in page.steps] == ["done", "done", "done", "now", ""]
    assert (page.step, page.total, page.percent) == (40, 80, 50)
    assert "Step 40 of 80" in text
    assert "hello &lt;b&gt;" in text
    assert [plot.id for plot in page.usage] == ["usage-cpu", "usage-memory"]
    assert f'hx-get="/jobs/{training.pk}/state"' in text


def test_failed_job_says_why_with_the_end_of_its_log(alice: Any) -> None:
    log = "".join(f"line {number}\n" for number in range(100)) + "Error: <script>alert(1)</script>\n"
    training = make_training(alice, state="failed", error="memory", detail={"gib": 4}, log=log)
    text = browser(alice).get(f"/jobs/{training.pk}").content.decode()
    assert "The program needed more than the 4 GiB of its spec." in text
    assert "Error: &lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "<script>alert" not in text
    assert f"/jobs/{training.pk}/state" not in text


def test_page_follows_a_job_until_it_is_over(alice: Any) -> None:
    training = make_training(alice, state="running")
    client, address = browser(alice), f"/jobs/{training.pk}/state"
    part = client.get(address, headers=HTMX)
    assert (part.status_code, b"<html" in part.content) == (200, False)
    assert client.get(address)["Location"] == f"/jobs/{training.pk}"
    Training.objects.filter(pk=training.pk).update(state="completed")
    over = client.get(address, headers=HTMX)
    assert (over.status_code, over["HX-Refresh"]) == (204, "true")


def test_curves_are_drawn_beside_those_of_another_job(people: People) -> None:
    training = make_training(people.alice, state="running", metrics=METRICS, name="new")
    other = make_training(people.alice, state="completed", metrics=METRICS, name="old")
    hidden = make_training(people.charlie, state="completed", metrics=METRICS, name="secret")
    assert other.run is not None
    assert hidden.run is not None
    address = f"/jobs/{training.pk}?with={other.run.key}&with={hidden.run.key}&with=odd&axis=time&smoothing=x"
    curves = browser(people.alice).get(address, headers=HTMX).context["curves"]
    assert [(name, chosen) for _key, name, chosen in curves.offered] == [("old", True)]
    assert [curve.name for curve in curves.plots[0].curves] == ["new", "old"]
    assert "secret" not in browser(people.alice).get(address).content.decode()


def test_log_is_shown_in_part_searched_and_sent_whole(alice: Any) -> None:
    training = make_training(alice, state="completed", log="one\ntwo\nthree\n")
    client = browser(alice)
    assert client.get(f"/jobs/{training.pk}/log").status_code == 200
    found = client.get(f"/jobs/{training.pk}/log?find=TWO", headers=HTMX)
    assert found.context["window"].found == 1
    whole = client.get(f"/jobs/{training.pk}/log.txt")
    assert async_to_sync(read)(whole) == b"one\ntwo\nthree\n"
    assert f"training-{training.pk}-1-log.txt" in whole["Content-Disposition"]


def test_stop_delete_and_drop_ask_first(alice: Any) -> None:
    client = browser(alice)
    running, failed = make_training(alice, state="running"), make_training(alice, state="failed")
    stopped = make_training(alice, state="stopped", checkpoints="kept")
    for training, page in ((running, "stop"), (failed, "delete"), (stopped, "drop")):
        assert client.get(f"/jobs/{training.pk}/{page}").status_code == 200
        client.post(f"/jobs/{training.pk}/{page}")
    assert Training.objects.get(pk=running.pk).state == "stopping"
    assert Run.objects.get(target=running.pk).stop_requested_at is not None
    assert not Training.objects.filter(pk=failed.pk).exists()
    assert Training.objects.get(pk=stopped.pk).checkpoints == "dropped"
    assert list(AuditEvent.objects.filter(target_kind="training").order_by("id").values_list("verb", flat=True)) == [
        "stop",
        "delete",
        "drop",
    ]


def test_what_is_over_is_not_stopped_and_what_runs_is_not_deleted(alice: Any) -> None:
    client = browser(alice)
    running, failed = make_training(alice, state="running"), make_training(alice, state="failed")
    client.post(f"/jobs/{running.pk}/delete")
    answer = client.post(f"/jobs/{failed.pk}/stop", follow=True)
    assert "This training job is over already." in answer.content.decode()
    assert {row.pk: row.state for row in Training.objects.all()} == {running.pk: "running", failed.pk: "failed"}


def test_job_is_run_again_after_its_order_was_shown(alice: Any) -> None:
    make_spec()
    model, dataset = custom_model(alice, name="net"), make_dataset(alice, name="rows")
    training = make_training(alice, state="failed", model=model, dataset=dataset, output_name="net-tuned")
    client = browser(alice)
    assert "alice/net-tuned" in client.get(f"/jobs/{training.pk}/again").content.decode()
    answer = client.post(f"/jobs/{training.pk}/again")
    made = Training.objects.latest("pk")
    assert (answer["Location"], made.cloned_from_id, made.parameters) == (f"/jobs/{made.pk}", training.pk, {"lr": "0.01", "epochs": "3"})
    refused = make_training(alice, state="failed")
    assert client.post(f"/jobs/{refused.pk}/again").status_code == 404
    Limit.objects.create(namespace_id=alice.pk, hours=Decimal(0))
    over = client.post(f"/jobs/{training.pk}/again")
    assert over.status_code == 422
    assert "The hours of this month are used up." in over.content.decode()


def test_kept_files_are_listed_and_sent(people: People) -> None:
    training = make_training(people.alice, people.atelier, state="stopped", checkpoints="kept")
    assert training.run is not None
    folder = Path(settings.RUNS_DIR) / "runs" / training.run.key / "output" / "checkpoint-10"
    folder.mkdir(parents=True)
    (folder / "model.bin").write_bytes(b"weights")
    address = f"/jobs/{training.pk}/files/checkpoint-10/model.bin"
    assert address in browser(people.bob).get(f"/jobs/{training.pk}").content.decode()
    sent = browser(people.bob).get(address)
    assert b"".join(sent.streaming_content) == b"weights"
    assert browser(people.bob).get(f"/jobs/{training.pk}/files/../../secret").status_code == 404
    assert browser(people.rita).get(address).status_code == 403
    assert browser(people.charlie).get(address).status_code == 404
    Training.objects.filter(pk=training.pk).update(checkpoints="dropped")
    assert browser(people.bob).get(address).status_code == 404


def test_lineage_links_only_to_what_may_be_seen(people: People) -> None:
    model = custom_model(people.alice, name="base")
    training = make_training(people.alice, people.atelier, state="completed", model=model, output=model)
    text = browser(people.bob).get(f"/jobs/{training.pk}").content.decode()
    assert f'href="/models/alice/base/files/{training.model_commit}"' in text
    model.delist()
    text = browser(people.bob).get(f"/jobs/{training.pk}").content.decode()
    assert 'href="/models/alice/base' not in text
    assert "lab/rows" in text


def test_compute_page_shows_limits_and_the_ledger(people: People) -> None:
    make_spec(sold_out=True)
    Limit.objects.create(namespace_id=people.atelier.pk, hours=Decimal(10), trainings=2)
    Entry.objects.create(
        namespace_id=people.atelier.pk, kind="use", what="run <1>", month=timezone.now().date().replace(day=1), seconds=7200, amount=-3
    )
    page = browser(people.rita).get("/me/compute?namespace=atelier")
    standing, text = page.context["page"].standing, page.content.decode()
    assert (standing.hours, standing.hours_left, standing.allowed.trainings) == (Decimal(2), Decimal(8), 2)
    assert "run &lt;1&gt;" in text
    assert "Sold out" in text
    assert browser(people.charlie).get("/me/compute?namespace=atelier&cursor=odd").context["page"].namespace.handle == "charlie"


def test_page_to_choose_a_model(alice: Any) -> None:
    custom_model(alice, name="net")
    page = browser(alice).get("/jobs/new?words=ne").content.decode()
    assert "/jobs/new?model=alice/net" in page
    assert "No model found" in browser(alice).get("/jobs/new?words=zzz").content.decode()
