"""What inspections leave in an asset's columns, and which heads are read."""

import json
import struct
from typing import Any

import pytest

from assets import services
from assets.models import Asset
from assets.tests.factories import finish_jobs, make_asset
from assets.understanding import inspect_heads, keep_safety, keep_weights
from inspection import registry
from inspection.models import Inspection
from jobs.models import Job
from repos.operations import PutBytes
from repos.reading import resolve

pytestmark = pytest.mark.django_db


def weights(*shape: int) -> bytes:
    size = 2
    for length in shape:
        size *= length
    header = json.dumps({"lm_head.weight": {"dtype": "BF16", "shape": list(shape), "data_offsets": [0, size]}}).encode()
    return struct.pack("<Q", len(header)) + header + bytes(size)


def put(asset: Asset, actor: Any, data: bytes, branch: str = "main") -> str:
    return services.commit_files(
        asset=asset, actor=actor, operations=[PutBytes("model.safetensors", data)], message="Weights", branch=branch
    ).sha


def inspected(asset: Asset, step: str = "headers") -> dict[str, str]:
    rows = Inspection.objects.filter(repository=asset.repository_id, step=step).select_related("job")
    return {row.commit: row.state for row in rows}


def columns(asset: Asset) -> tuple[Any, ...]:
    return Asset.objects.filter(pk=asset.pk).values_list("parameters", "structure__dtypes", "safety").get()


def test_commit_is_inspected_after_its_card_was_read(alice: Any) -> None:
    asset = make_asset(alice)
    sha = put(asset, alice, weights(4, 8))
    assert inspected(asset) == {}
    finish_jobs()
    assert inspected(asset)[sha] == "waiting"
    finish_jobs()
    assert inspected(asset)[sha] == "done"
    assert columns(asset)[:2] == (32, {"BF16": 32})


def test_other_branches_are_inspected_and_change_no_column(alice: Any) -> None:
    asset = make_asset(alice)
    put(asset, alice, weights(4, 8))
    services.create_version(asset=asset, actor=alice, name="refs/heads/next", revision=resolve(asset.open_repository()).commit.sha)
    other = put(asset, alice, weights(4, 4), branch="next")
    finish_jobs()
    finish_jobs()
    assert inspected(asset)[other] == "done"
    assert columns(asset)[0] == 32


def test_late_result_of_an_older_commit_changes_nothing(alice: Any) -> None:
    asset = make_asset(alice)
    old = put(asset, alice, weights(4, 4))
    finish_jobs()
    finish_jobs()
    late = {step: Inspection.objects.get(repository=asset.repository_id, commit=old, step=step) for step in ("headers",)}
    put(asset, alice, weights(4, 8))
    finish_jobs()
    finish_jobs()
    keep_weights(late["headers"])
    keep_safety(Inspection(repository=asset.repository, commit=old, step="safety", result={"verdict": "dangerous"}))
    assert columns(asset) == (32, {"BF16": 32}, columns(asset)[2])
    assert columns(asset)[2] != "dangerous"


def test_model_whose_weights_are_removed_has_no_parameters(alice: Any) -> None:
    asset = make_asset(alice)
    put(asset, alice, weights(4, 8))
    finish_jobs()
    finish_jobs()
    put(asset, alice, b"not a header at all")
    finish_jobs()
    finish_jobs()
    assert columns(asset)[:2] == (None, None)


def test_heads_nobody_read_are_found_once(alice: Any) -> None:
    asset = make_asset(alice)
    sha = resolve(asset.open_repository()).commit.sha
    Job.objects.all().delete()
    Inspection.objects.all().delete()
    assert inspect_heads() == 1
    assert inspected(asset) == {sha: "waiting"}
    assert inspect_heads() == 0


def test_newer_rules_find_every_head_again(alice: Any, monkeypatch: Any) -> None:
    asset = make_asset(alice)
    put(asset, alice, weights(4, 8))
    finish_jobs()
    finish_jobs()
    assert inspect_heads() == 0
    step = registry.STEPS["headers"]
    newer = registry.Step(step.code, step.name, step.version + 1, step.read, step.kinds)
    monkeypatch.setitem(registry.STEPS, "headers", newer)
    assert inspect_heads() == 1
    finish_jobs()
    assert Inspection.objects.filter(step="headers", version=newer.version).count() == 1


def test_failed_step_is_not_begun_again_by_itself(alice: Any) -> None:
    make_asset(alice)
    finish_jobs()
    Job.objects.filter(kind="inspection.read").update(state=Job.State.FAILED)
    assert inspect_heads() == 0
