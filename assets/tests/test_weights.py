"""Parameter counts from real headers."""

import json
import struct

import pytest

from assets.models import Asset
from assets.services import commit_files
from assets.tests.factories import make_asset, read_for
from core.testing import People, browser
from jobs.models import Job
from jobs.services import run
from repos.operations import PutBytes

pytestmark = pytest.mark.django_db


def tensors(shapes: dict[str, tuple[int, ...]]) -> bytes:
    """Return a safetensors file of 16-bit zeros."""
    header, position = {}, 0
    for name, shape in shapes.items():
        size = 2
        for length in shape:
            size *= length
        header[name] = {"dtype": "BF16", "shape": list(shape), "data_offsets": [position, position + size]}
        position += size
    encoded = json.dumps(header).encode()
    return struct.pack("<Q", len(encoded)) + encoded + bytes(position)


def put(people: People, **files: bytes) -> Asset:
    asset = make_asset(people.alice, name="tiny")
    operations = [PutBytes(path.replace("__", ".").replace("_of_", "-of-"), data) for path, data in files.items()]
    commit_files(asset=read_for(people.alice, asset), actor=people.alice, operations=operations, message="Weights")
    for job in list(Job.objects.due()):
        run(job.pk)
    return Asset.objects.get()


def test_all_shards_are_counted_once(people: People) -> None:
    one = tensors({"model.embed_tokens.weight": (10, 4), "model.layers.0.self_attn.q_proj.weight": (4, 4)})
    two = tensors({"model.layers.0.mlp.up_proj.weight": (8, 4), "model.norm.weight": (4,), "lm_head.weight": (10, 4)})
    asset = put(people, **{"model-00001_of_00002__safetensors": one, "model-00002_of_00002__safetensors": two, "other__safetensors": one})
    assert asset.parameters == 40 + 16 + 32 + 4 + 40
    assert asset.structure == {
        "format": "safetensors",
        "dtypes": {"BF16": 132},
        "parts": {"embedding": 40, "head": 40, "mlp": 32, "attention": 16, "norm": 4},
    }
    page = browser().get("/models/alice/tiny").content.decode()
    assert "safetensors · BF16" in page
    assert "30.3%" in page


def test_a_variant_beside_the_main_file_is_not_added(people: People) -> None:
    asset = put(people, model__safetensors=tensors({"a.weight": (4, 4)}), model__fp16__safetensors=tensors({"a.weight": (4, 4)}))
    assert asset.parameters == 16


@pytest.mark.parametrize("data", [b"", b"nonsense", struct.pack("<Q", 2**60) + b"{}", struct.pack("<Q", 2) + b"[]"])
def test_a_broken_header_says_nothing_and_stops_nothing(people: People, data: bytes) -> None:
    asset = put(people, model__safetensors=data or b"\0")
    assert (asset.parameters, asset.structure) == (None, {})
    assert asset.ingest_job.state == "done"
