"""What the headers of a model's weights bring into the columns of its asset."""

from typing import Any

import pytest

from assets.models import Asset
from assets.services import commit_files
from assets.tests.factories import finish_jobs, make_asset
from core.testing import browser
from inspection.tests.weights_made import safetensors
from repos.operations import PutBytes

pytestmark = pytest.mark.django_db

ONE = safetensors({"model.embed_tokens.weight": (10, 4), "model.layers.0.self_attn.q_proj.weight": (4, 4)})
TWO = safetensors({"model.layers.0.mlp.up_proj.weight": (8, 4), "model.norm.weight": (4,), "lm_head.weight": (10, 4)})
SHARDS = {"model-00001-of-00002.safetensors": ONE, "model-00002-of-00002.safetensors": TWO}


def put(asset: Asset, alice: Any, files: dict[str, bytes]) -> Asset:
    commit_files(asset=asset, actor=alice, operations=[PutBytes(*file) for file in files.items()], message="Weights")
    # The ingest has the headers read.
    finish_jobs()
    finish_jobs()
    return Asset.objects.get(pk=asset.pk)


def test_columns_and_page_follow_the_headers(alice: Any) -> None:
    asset = put(make_asset(alice, name="tiny"), alice, SHARDS)
    assert asset.parameters == 132
    assert asset.structure == {
        "format": "safetensors",
        "dtypes": {"BF16": 132},
        "parts": {"embedding": 40, "head": 40, "mlp": 32, "attention": 16, "norm": 4},
    }
    page = browser().get("/models/alice/tiny").content.decode()
    assert "safetensors · BF16" in page
    assert "30.3%" in page


def test_columns_are_emptied_when_the_weights_are_damaged(alice: Any) -> None:
    asset = make_asset(alice)
    put(asset, alice, SHARDS)
    read = put(asset, alice, {"model-00001-of-00002.safetensors": b"nonsense"})
    assert (read.parameters, read.structure, read.ingest_job.state) == (None, {}, "done")


def test_a_dataset_has_no_parameters(alice: Any) -> None:
    assert put(make_asset(alice, kind="dataset"), alice, SHARDS).parameters is None
