"""Models that find text."""

import json

from assets.demo import architectures
from assets.demo.exhibits import Revision, exhibit
from assets.demo.formats import safetensors
from assets.demo.recipes import text

EXHIBITS = (
    exhibit(
        "model", "yunhe-lab/Songlan-Embed-Large", lambda: text.embedder("songlan-large/1", hidden=96, layers=4, length=512), by="hezhiyuan", day=118, editor="amara-okafor",
        downloads=7_240, tag="v1.0.0",
        more=(Revision("重新训练，支持截断到 256 维", "hezhiyuan", 6, lambda: _retrained(), tag="v1.1.0"),),
    ),
    exhibit("model", "yunhe-lab/Songlan-Embed-Small", lambda: text.embedder("songlan-small", hidden=64, layers=3), by="chenjiahe", day=48, downloads=1_930),
    exhibit(
        "model", "yunhe-lab/Songlan-Rerank", lambda: text.encoder("rerank", head="classifier", labels=("relevance",), hidden=80), by="amara-okafor", day=40,
        downloads=1_120,
    ),
)  # fmt: skip


def _retrained() -> dict[str, bytes]:
    config = json.loads(text.embedder("songlan-large/1", hidden=96, layers=4, length=512)["config.json"])
    return {"model.safetensors": safetensors.encode(architectures.bert(config), "songlan-large/2")}
