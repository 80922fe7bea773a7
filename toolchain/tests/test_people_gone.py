"""People who are suspended, or leave an organisation, while something runs for them; and what their programs say of it."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Membership, Notification
from core.testing import People, api
from jobs.models import Job
from toolchain.environments.requirements import RefusedRequirement, parse
from toolchain.inference.models import Service
from toolchain.inference.news import tell_state
from toolchain.inference.tests.factories import make_model, make_service
from toolchain.models import Entry, Run
from toolchain.runs import places, turns
from toolchain.runs.registry import Failure
from toolchain.trainer.news import tell_ended
from toolchain.trainer.tasks import collect
from toolchain.trainer.tests.factories import make_training


@pytest.mark.django_db
def test_what_runs_for_a_suspended_person_alone_is_stopped(people: People) -> None:
    own, shared = make_training(people.bob, state="running"), make_training(people.bob, people.atelier, state="running")
    served = make_service(people.bob, state="running")
    type(people.bob).objects.filter(pk=people.bob.pk).update(is_active=False)

    for run in Run.objects.select_related("user", "namespace", "spec"):
        turns._bill(run)

    asked = {run.pk: run.facts.get("stopped_by") for run in Run.objects.exclude(stop_requested_at=None)}
    assert asked == {own.run_id: "user_gone", served.generations.get().replicas.get().run_id: "user_gone"}
    assert shared.run_id not in asked


@pytest.mark.django_db
def test_a_clock_that_is_set_back_lends_no_time(people: People) -> None:
    run = make_training(people.bob, state="running").run
    assert run is not None
    run.facts["billed"] = (timezone.now() + timedelta(hours=3)).isoformat()
    turns._bill(run)
    assert Entry.objects.get(run=run).seconds >= 1800


@pytest.mark.django_db
@pytest.mark.parametrize("gone", ["suspended", "left"])
def test_a_service_goes_on_for_the_member_who_starts_it_again(people: People, gone: str) -> None:
    model = make_model(people.alice, people.atelier, name="net", visibility="private")
    service = make_service(people.bob, people.atelier, model=model, state="stopped")
    address = f"/api/v1{service.get_absolute_url()}/start"
    assert api(people.mona).post(address).json()["creator"] == "bob"
    Service.objects.update(state="failed")
    if gone == "left":
        Membership.objects.filter(user=people.bob).delete()
    else:
        type(people.bob).objects.filter(pk=people.bob.pk).update(is_active=False)
    assert api(people.mona).post(address).json()["creator"] == "mona"


@pytest.mark.django_db
def test_nobody_takes_a_service_over_whose_model_they_may_not_use(people: People) -> None:
    service = make_service(people.bob, people.atelier, model=make_model(people.bob, name="net", visibility="private"), state="stopped")
    type(people.bob).objects.filter(pk=people.bob.pk).update(is_active=False)
    assert api(people.mona).post(f"/api/v1{service.get_absolute_url()}/start").json()["creator"] == "bob"


@pytest.mark.django_db
def test_who_left_an_organisation_hears_no_more_of_its_work(people: People) -> None:
    training = make_training(people.bob, people.atelier, state="failed")
    service = make_service(people.bob, people.atelier, state="failed")
    Membership.objects.filter(user=people.bob).delete()
    tell_ended(training, by_hand=False)
    tell_state(service)
    assert Notification.objects.filter(receiver=people.bob).count() == 0
    Membership.objects.create(organisation=people.atelier, user=people.bob, role=Membership.Role.READER)
    tell_ended(training, by_hand=False)
    tell_state(service)
    assert sorted(Notification.objects.filter(receiver=people.bob).values_list("kind", flat=True)) == ["service.failed", "training.failed"]


@pytest.mark.django_db(transaction=True)
def test_the_result_of_somebody_who_left_is_collected_by_another_member(people: People, settings: Any, tmp_path: Path) -> None:
    settings.RUNS_DIR = tmp_path
    exit = {"code": 0, "reason": None, "ended_at": timezone.now().timestamp()}
    training = make_training(
        people.bob, people.atelier, state="failed", error="problem", checkpoints="kept", output_name="poet", run_columns={"exit": exit}
    )
    Membership.objects.filter(user=people.bob).delete()
    assert training.run is not None
    output = places.runner_of("local").folder(training.run.key) / "output"
    output.mkdir()
    (output / "config.json").write_text("{}")

    assert api(people.bob).post(f"/api/v1/training-jobs/{training.pk}/collect").status_code == 404
    assert api(people.mona).post(f"/api/v1/training-jobs/{training.pk}/collect").status_code == 200
    collect(Job.objects.get(kind="trainer.collect"))

    training.refresh_from_db()
    assert (training.state, training.output and training.output.repo_id) == ("completed", "atelier/poet")


@pytest.mark.django_db
def test_whatever_a_program_says_of_its_end_can_be_kept(people: People) -> None:
    run = make_training(people.alice, state="running").run
    assert run is not None
    failure = Failure("unloadable", sentence="a\0b\ud800c")
    assert run.end(failure.code, failure.facts)
    assert Run.objects.get(pk=run.pk).detail == {"sentence": "a\ufffdb?c"}


@pytest.mark.parametrize(
    "line", ["x; platform_version == 'a\0b'", "x; platform_version == 'a\r-i http://evil.example'", "x; extra == '\u2028-e .'", "x\x0c-e ."]
)
def test_a_requirement_is_one_line_for_everybody(line: str) -> None:
    with pytest.raises(RefusedRequirement):
        parse(line)


@pytest.mark.django_db
def test_a_deleted_model_leaves_jobs_and_services_that_can_be_seen_stopped_and_deleted(people: People) -> None:
    model = make_model(people.alice, name="net")
    training, service = (
        make_training(people.alice, model=model, state="failed"),
        make_service(people.alice, model=model, state="stopped", shared=True),
    )
    type(training).objects.update(model=None)
    Service.objects.update(model=None)
    client, job, served = api(people.alice), f"/api/v1/training-jobs/{training.pk}", f"/api/v1{service.get_absolute_url()}"
    assert (client.get(job).json()["model"], client.get(served).json()["model"]) == ("alice/net", "alice/net")
    assert (client.post(f"{job}/retry").status_code, client.patch(served, {"revision": "main"}, format="json").status_code) == (404, 404)
    assert (client.delete(job).status_code, client.delete(served).status_code) == (204, 204)


@pytest.mark.django_db
def test_an_organisation_that_has_computed_is_kept_for_its_ledger(people: People) -> None:
    Entry.objects.create(namespace=people.atelier, kind="use", what="training-1", month=date(2026, 1, 1), seconds=60, amount=0)
    answer = api(people.alice).delete("/api/v1/organisations/atelier")
    assert (answer.status_code, answer.json()["code"]) == (409, "organisation_not_empty")
    assert "ledger" in answer.json()["detail"]
