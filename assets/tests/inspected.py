"""Files that a scan judges in every way, and assets whose commits were read, for the tests of pages and REST about that."""

import json
import struct
from typing import Any

from assets.models import Asset
from assets.safety import verdicts
from assets.tests.factories import finish_everything, make_asset, read_for
from assets.tests.files import write
from core.testing import People
from inspection.models import Inspection
from inspection.safety.forms import form_of
from inspection.services import keep_reports
from inspection.sources import content_of
from repos import reading
from repos.operations import PutBytes

PAGE = "/models/atelier/tiny"
REST = "/api/v1/models/atelier/tiny"
# Opcodes by hand: `os.system("true")`. Nothing here ever loads it.
EVIL = b"\x80\x02cos\nsystem\nX\x04\x00\x00\x00true\x85R."
BROKEN = EVIL[:9]
CUSTOM = b'{"auto_map": {"AutoModel": "modeling.Custom"}}'
JUDGED = {"evil.pkl": EVIL, "old/deep/state.pkl": EVIL, "broken.pkl": BROKEN, "config.json": CUSTOM, "notes.txt": b"plain\n"}


def weights(shapes: dict[str, list[int]]) -> bytes:
    """A safetensors file of BF16 tensors with these shapes."""
    header, end = {}, 0
    for name, shape in shapes.items():
        size = 2
        for length in shape:
            size *= length
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [end, end + size]}
        end += size
    raw = json.dumps(header).encode()
    return struct.pack("<Q", len(raw)) + raw + bytes(end)


LLAMA = {
    "model_type": "llama", "architectures": ["LlamaForCausalLM"], "num_hidden_layers": 2, "hidden_size": 16, "num_attention_heads": 4,
    "num_key_value_heads": 2, "vocab_size": 64, "max_position_embeddings": 32768, "intermediate_size": 40,
}  # fmt: skip
SHAPES = {"model.embed_tokens.weight": [64, 16], "lm_head.weight": [64, 16], "model.norm.weight": [16]} | {
    f"model.layers.{layer}.{name}.weight": shape
    for layer in range(2)
    for name, shape in (("self_attn.q_proj", [16, 16]), ("self_attn.k_proj", [8, 16]), ("mlp.up_proj", [40, 16]))
}
MODEL = {"config.json": json.dumps(LLAMA).encode(), "model.safetensors": weights(SHAPES)}


def make_read(people: People, files: dict[str, bytes], *, visibility: str = "public", **more: Any) -> Asset:
    """Return `atelier/tiny` with `files`, read by every step, as its owner sees it."""
    asset = make_asset(people.alice, people.atelier, name="tiny", visibility=visibility, **more)
    write(asset, people.alice, [PutBytes(path, data) for path, data in files.items()], "Add files")
    finish_everything()
    return read_for(people.alice, asset)


def judge(asset: Asset, path: str, verdict: str, *findings: dict[str, Any]) -> None:
    """Keep a verdict on the file at `path` as the scan would."""
    item = reading.find(reading.resolve(asset.open_repository()), path)
    report = {"verdict": verdict, "findings": list(findings)}
    keep_reports(step="safety", repository=asset.repository, found={(content_of(item), form_of(path)): (verdict, report)})


def step_of(asset: Asset, step: str, commit: str = "") -> Inspection:
    """Return a step of a commit, of the newest without one."""
    rows = Inspection.objects.filter(repository=asset.repository, step=step).select_related("job", "repository").order_by("-pk")
    return rows.filter(commit=commit).get() if commit else rows[0]


def words(asset: Asset) -> dict[str, str]:
    """Return the verdict on every file by path."""
    return {path: verdict.word for path, verdict in verdicts(reading.walk(reading.resolve(asset.open_repository()))).items()}
