"""The headers of a commit, read by a job and kept by the contents of each file."""

from collections.abc import Callable
from typing import Any

import pytest

from inspection.isolation import Limits
from inspection.models import FileReport, Inspection
from inspection.services import inspect, inspect_again
from inspection.steps import headers
from inspection.tests.weights_made import block, initializer, number, onnx, prefixed, safetensors
from jobs.services import run
from repos.models import Repository
from repos.operations import PutBytes
from repos.services import commit, create_repository
from repos.tests.conftest import opened

pytestmark = pytest.mark.django_db

ONE = safetensors({"model.embed_tokens.weight": (10, 4), "model.layers.0.self_attn.q_proj.weight": (4, 4)})
TWO = safetensors({"model.layers.0.mlp.up_proj.weight": (8, 4), "lm_head.weight": (10, 4)})
Put = Callable[..., str]


def read(repository: Repository, commit: str) -> Inspection:
    row = next(row for row in inspect(repository=repository, commit=commit, kind="model") if row.step == "headers")
    assert row.job is not None
    run(row.job.pk)
    return Inspection.objects.select_related("job").get(pk=row.pk)


def shards(*data: bytes) -> dict[str, bytes]:
    return {f"model-{number:05}-of-{len(data):05}_dot_safetensors": part for number, part in enumerate(data, 1)}


def test_the_figures_of_a_commit_are_kept(repository: Repository, put: Put) -> None:
    config = b'{"num_hidden_layers": 1, "hidden_size": 4}'
    found = read(repository, put(**shards(ONE, TWO), config_dot_json=config, notes_dot_txt=b"x"))
    assert (found.state, found.result["parameters"], found.result["config"]) == ("done", 128, {"layers": 1, "hidden": 4})
    assert found.result["parts"] == {"embedding": 40, "head": 40, "mlp": 32, "attention": 16}
    assert "reports" not in found.result
    assert sorted((len(row.content), row.repository, row.form) for row in FileReport.objects.all()) == [(64, None, "safetensors")] * 2


def test_a_file_that_was_read_is_never_read_again(repository: Repository, put: Put) -> None:
    read(repository, put(**shards(ONE)))
    # A mark that only the kept report can have.
    FileReport.objects.update(report={"format": "safetensors", "tensors": [["marked", "F32", [7], 28]], "facts": {}})
    found = read(repository, put(**{"model-00001-of-00002_dot_safetensors": ONE, "model-00002-of-00002_dot_safetensors": TWO}))
    assert (found.result["parameters"], FileReport.objects.count()) == (7 + 72, 2)


def test_a_large_object_is_known_everywhere(repository: Repository, put: Put, bob: Any) -> None:
    read(repository, put(**shards(ONE)))
    FileReport.objects.update(report={"format": "safetensors", "tensors": [["marked", "F32", [7], 28]], "facts": {}})
    other = opened(create_repository(namespace=bob, actor=bob, files={"README.md": b"# Same\n"}))
    sha = commit(repository=other, actor=bob, operations=[PutBytes("model.safetensors", ONE)], message="Same", branch="main").sha
    assert read(other, sha).result["parameters"] == 7


def test_damage_is_a_finding_and_not_a_failure(repository: Repository, put: Put) -> None:
    found = read(repository, put(**shards(ONE, prefixed(b"{not json"))))
    assert (found.state, found.result["parameters"]) == ("done", None)
    assert found.result["findings"] == [{"code": "header_not_json", "path": "model-00002-of-00002.safetensors", "facts": {}}]


def test_beginning_again_reads_what_went_wrong_again(repository: Repository, put: Put, alice: Any) -> None:
    found = read(repository, put(**shards(ONE)))
    FileReport.objects.update(report={"format": "safetensors", "error": "out_of_time"})
    opened(found.repository)
    row = inspect_again(inspection=found, actor=alice)
    assert row.job is not None
    run(row.job.pk)
    assert Inspection.objects.get(pk=found.pk).result["parameters"] == 56


def test_a_model_without_weights_says_nothing(repository: Repository, put: Put) -> None:
    found = read(repository, put(notes_dot_txt=b"x"))
    assert (found.result["parameters"], found.result["format"], found.result["files"], found.result["findings"]) == (None, "", [], [])


def test_a_file_too_much_for_the_confined_process_is_named_and_the_others_count(repository: Repository, put: Put, monkeypatch: Any) -> None:
    monkeypatch.setattr(headers, "LIMITS", Limits(memory=96 << 20))
    found = read(repository, put(**shards(ONE, prefixed(b"[" + b"[]," * 3_000_000 + b"[]]"))))
    assert (found.state, found.result["parameters"], found.result["dtypes"]) == ("done", None, {"BF16": 56})
    assert found.result["findings"] == [{"code": "out_of_memory", "path": "model-00002-of-00002.safetensors", "facts": {}}]
    assert FileReport.objects.count() == 1


def test_a_configuration_too_much_for_it_says_so(repository: Repository, put: Put, monkeypatch: Any) -> None:
    monkeypatch.setattr(headers, "LIMITS", Limits(memory=64 << 20))
    found = read(repository, put(**shards(ONE), config_dot_json=b"[" + b"[]," * 1_300_000 + b"[]]"))
    assert (found.state, found.result["parameters"]) == ("done", None)
    assert found.result["findings"] == [{"code": "out_of_memory", "path": "", "facts": {}}]


def test_data_beside_an_onnx_file_is_found_in_the_commit(repository: Repository, put: Put) -> None:
    pairs = {"location": "weights.pb", "length": "64"}
    inside = b"".join(block(13, block(1, key) + block(2, value)) for key, value in pairs.items()) + number(14, 1)
    found = read(repository, put(model_dot_onnx=onnx(initializer("w", [16], extra=inside)), weights_dot_pb=bytes(64)))
    assert (found.result["parameters"], found.result["findings"]) == (16, [])
