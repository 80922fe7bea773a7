"""Specs, limits, funds, machines and jobs in the administration."""

from decimal import Decimal
from typing import Any

import pytest

from accounts.models import AuditEvent
from core.testing import browser
from toolchain.models import Entry, Limit, Node, Spec
from toolchain.trainer.models import Training
from toolchain.trainer.tests.factories import make_spec, make_training

pytestmark = pytest.mark.django_db
SPEC = {
    "code": "1-gpu-24-cpu-8-64", "name_en": "One GPU", "name_zh": "", "accelerator": "gpu", "cards": 1, "card_memory": 24, "vcpus": 8,
    "memory": 64, "architecture": "", "runner": "local", "labels": "", "price": "1.5", "position": 5, "enabled": "on",
}  # fmt: skip


def verbs() -> list[tuple[str, str]]:
    return list(
        AuditEvent.objects.filter(target_kind__in=["spec", "limit", "namespace", "training"]).order_by("id").values_list("verb", "target")
    )


def test_spec_is_made_and_changed(ada: Any) -> None:
    client = browser(ada)
    assert client.post("/admin/toolchain/spec/add/", SPEC).status_code == 302
    spec = Spec.objects.get(code=SPEC["code"])
    assert (spec.price, spec.size.code, spec.enabled) == (Decimal("1.5"), "1-gpu-24-cpu-8-64", True)
    client.post(f"/admin/toolchain/spec/{spec.pk}/change/", SPEC | {"sold_out": "on"})
    spec.refresh_from_db()
    assert spec.sold_out
    bad = client.post("/admin/toolchain/spec/add/", SPEC | {"code": "odd", "cards": 0})
    assert bad.status_code == 200
    assert "An accelerator and the number of its cards go together." in bad.content.decode()
    assert verbs() == [("create", SPEC["code"]), ("edit", SPEC["code"])]


def test_limit_is_set_and_lifted(ada: Any, alice: Any) -> None:
    client = browser(ada)
    values = {"namespace": "alice", "kind": "", "spec": "", "trainings": 1, "services": "", "hours": "2.5", "spend": ""}
    assert client.post("/admin/toolchain/limit/add/", values).status_code == 302
    limit = Limit.objects.get()
    assert (limit.trainings, limit.hours, limit.spend) == (1, Decimal("2.5"), None)
    assert "There is such a limit already." in client.post("/admin/toolchain/limit/add/", values).content.decode()
    assert "Choose either one namespace" in client.post("/admin/toolchain/limit/add/", values | {"kind": "user"}).content.decode()
    assert client.get(f"/admin/toolchain/limit/{limit.pk}/change/").context["adminform"].form["namespace"].value() == "alice"
    assert "no user and no organisation" in client.post("/admin/toolchain/limit/add/", values | {"namespace": "nobody"}).content.decode()
    client.post(f"/admin/toolchain/limit/{limit.pk}/act/lift/", {"confirmed": "1"})
    assert not Limit.objects.exists()
    assert verbs() == [("create", "alice"), ("delete", "alice")]


def test_funds_are_a_line_that_nobody_changes(ada: Any, alice: Any) -> None:
    client = browser(ada)
    assert client.post("/admin/toolchain/entry/add/", {"namespace": "alice", "amount": "0", "what": ""}).status_code == 200
    assert client.post("/admin/toolchain/entry/add/", {"namespace": "alice", "amount": "50", "what": "March"}).status_code == 302
    entry = Entry.objects.get()
    assert (entry.kind, entry.amount, entry.what) == ("credit", Decimal(50), "March")
    assert client.post(f"/admin/toolchain/entry/{entry.pk}/change/", {"namespace": "alice", "amount": "99", "what": ""}).status_code == 403
    assert Entry.objects.get().amount == 50
    assert verbs() == [("add_funds", "alice")]


def test_open_machine_is_said_loudly(ada: Any) -> None:
    Node.objects.create(runner="local", name="box", cpus=2, memory=1 << 30, sandbox="off")
    client = browser(ada)
    assert (
        '<strong class="alarm-text">OFF: user code runs without a sandbox</strong>' in client.get("/admin/toolchain/node/").content.decode()
    )
    cards = {str(card.title): (card.value, card.calm) for card in client.get("/admin/").context["cards"]}
    assert cards["Sandbox"] == ("1", False)
    Node.objects.update(sandbox="A")
    assert "alarm-text" not in client.get("/admin/toolchain/node/").content.decode()


def test_training_job_of_somebody_else_is_stopped(ada: Any, alice: Any) -> None:
    make_spec()
    training = make_training(alice, state="running")
    client = browser(ada)
    for page in ("toolchain/run", "trainer/training", "toolchain/environment"):
        assert client.get(f"/admin/{page}/").status_code == 200, page
    assert client.get(f"/admin/trainer/training/{training.pk}/change/").status_code == 200
    client.post(f"/admin/trainer/training/{training.pk}/act/stop/")
    assert Training.objects.get().state == "stopping"
    assert verbs() == [("stop", training.name)]
